// Users, tokens and what they may.
import {h, dialog, confirmed, field, toast} from './dom.js';
import {ask, part} from './api.js';
import {moment} from './format.js';

let users = [];
let tokens = [];
let redraw = () => {};

const roles = [['viewer', 'viewer: sees'], ['operator', 'operator: drains, halts, weighs'],
               ['administrator', 'administrator: everything']];

async function load(session) {
  if (session.role === 'administrator')
    [users, tokens] = await Promise.all([ask('GET', '/users'), ask('GET', '/tokens')]);
  redraw();
}

export function enter(session, _rest, draw) {
  redraw = draw;
  load(session);
}

export function render(session) {
  if (session.role !== 'administrator')
    return h('p', {class: 'card'}, `You are ${session.role}. Users and tokens are an administrator's.`);
  return h('div', {class: 'stack', 'data-key': 'people'},
    h('div', {class: 'title'}, h('h1', {}, 'Access')),
    h('section', {class: 'card scroll'}, h('header', {class: 'row'}, h('h2', {}, 'Users'),
      h('button', {type: 'button', 'data-do': 'add-user'}, 'Add a user')),
      h('table', {}, h('tbody', {}, users.map((one) => h('tr', {'data-key': one.name},
        h('th', {scope: 'row'}, one.name), h('td', {}, one.role), h('td', {class: 'muted'}, moment(one.created)),
        h('td', {class: 'act'}, h('span', {class: 'buttons'},
          h('button', {type: 'button', class: 'small', 'data-do': 'change-user', 'data-name': one.name}, 'Change'),
          one.name !== session.user && h('button', {type: 'button', class: 'small', 'data-do': 'remove-user',
                                                   'data-name': one.name}, 'Remove')))))))),
    h('section', {class: 'card scroll'}, h('header', {class: 'row'}, h('h2', {}, 'API tokens'),
      h('button', {type: 'button', 'data-do': 'add-token'}, 'Make a token')),
      tokens.length ? h('table', {}, h('tbody', {}, tokens.map((one) => h('tr', {'data-key': one.id},
        h('th', {scope: 'row'}, one.name), h('td', {}, one.role),
        h('td', {class: 'muted'}, one.expires ? `until ${new Date(one.expires).toLocaleDateString()}` : 'does not expire'),
        h('td', {class: 'act'}, h('button', {type: 'button', class: 'small', 'data-do': 'remove-token',
                                            'data-id': one.id, 'data-name': one.name}, 'End'))))))
        : h('p', {class: 'muted'}, 'None. Programs such as Prometheus sign in with a token.')));
}

// A form in a dialog; `send` gets the values and may throw a Problem.
function form(title, fields, label, send) {
  return dialog(title, (close) => {
    const made = h('form', {}, fields, h('footer', {},
      h('button', {type: 'button', 'data-close': true}, 'Cancel'),
      h('button', {class: 'primary', type: 'submit'}, label)));
    made.addEventListener('submit', async (event) => {
      event.preventDefault();
      const given = Object.fromEntries([...new FormData(made)].filter(([, value]) => value !== ''));
      try { close(await send(given) || true); } catch (problem) { toast(problem.message, true); }
    });
    return made;
  });
}

const roleField = (now) => field('Role', h('select', {name: 'role'}, roles.map(([value, label]) =>
  h('option', {value, selected: value === now}, label))));
const nameField = () => field('Name', h('input', {name: 'name', required: true, maxlength: 64, autofocus: true,
                                                  autocomplete: 'off'}));
const passwordField = (label, required) => field(label, h('input', {name: 'password', type: 'password', required,
  minlength: 10, autocomplete: 'new-password'}), 'At least 10 characters');

export const actions = {
  'add-user': async (_element, session) => {
    await form('Add a user', [nameField(), roleField('viewer'), passwordField('Password', true)], 'Add',
      (given) => ask('POST', '/users', given));
    await load(session);
  },
  'change-user': async (element, session) => {
    const {name} = element.dataset;
    const now = users.find((one) => one.name === name)?.role;
    await form(`Change ${name}`, [roleField(now), passwordField('New password (empty: as it is)', false)], 'Change',
      (given) => ask('PUT', `/users/${part(name)}`, given));
    await load(session);
  },
  'remove-user': async (element, session) => {
    const {name} = element.dataset;
    if (!await confirmed(`Remove ${name}?`, ['Whoever is signed in by this name is signed out.'], 'Remove', true)) return;
    await ask('DELETE', `/users/${part(name)}`);
    await load(session);
  },
  'add-token': async (_element, session) => {
    const made = await form('Make a token', [nameField(), roleField('viewer'),
      field('Days until it expires', h('input', {name: 'days', type: 'number', min: 1, max: 3650, value: 365}),
        'Empty: never')], 'Make',
      (given) => ask('POST', '/tokens', {...given, ...(given.days ? {days: Number(given.days)} : {})}));
    if (made?.token) {
      await dialog('The token', () => h('div', {}, h('p', {}, 'It is shown this once. Send it as'),
        h('pre', {class: 'preview'}, `Authorization: Bearer ${made.token}`)));
    }
    await load(session);
  },
  'remove-token': async (element, session) => {
    const {id, name} = element.dataset;
    if (!await confirmed(`End the token ${name}?`, ['Programs that use it are refused from now on.'], 'End', true)) return;
    await ask('DELETE', `/tokens/${part(id)}`);
    await load(session);
  },
};
