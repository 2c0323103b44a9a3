// The page: who is signed in, what is shown, what the node tells.
import {h, show, toast, dialog, field} from './dom.js';
import {ask, useSession, whenSignedOut, Problem} from './api.js';
import {take, state, whenTaken} from './live.js';
import {signInView} from './sign_in.js';
import * as overview from './overview.js';
import * as service from './service.js';
import * as config from './config.js';
import * as certificates from './certificates.js';
import * as events from './events.js';
import * as people from './people.js';

const views = {overview, service, config, certificates, events, people};
const menu = [['overview', 'Overview'], ['config', 'Configuration'],
              ['certificates', 'Certificates'], ['events', 'Events'], ['people', 'Access']];
const page = document.getElementById('page');
let session = null;
let stream = null;
let current = null;

const place = () => {
  const [name, ...rest] = location.hash.replace(/^#\/?/, '').split('/');
  return {name: views[name] ? name : 'overview', rest: rest.map(decodeURIComponent)};
};

function frame() {
  const {name} = place();
  const admin = session.role === 'administrator';
  return h('div', {class: 'frame'},
    h('header', {class: 'top'},
      h('a', {class: 'brand', href: '#/overview'}, h('img', {src: '/icon.svg', alt: '', width: 28,
                                                             height: 28}), 'Poise'),
      h('nav', {'aria-label': 'Pages'}, menu.map(([to, label]) =>
        h('a', {href: `#/${to}`, 'aria-current': name === to ||
                (name === 'service' && to === 'overview') ? 'page' : null}, label))),
      h('div', {class: 'who'},
        h('span', {class: `live ${state.connected ? 'on' : 'off'}`,
                   title: state.connected ? 'Live' : 'The node does not answer'},
          state.connected ? 'live' : 'no answer'),
        h('button', {class: 'quiet', type: 'button', 'data-do': 'theme',
                     'aria-label': 'Light or dark'}, '◐'),
        h('button', {class: 'quiet', type: 'button', 'data-do': 'me'}, session.user))),
    !session.has_users && h('p', {class: 'banner', role: 'alert'},
      'This node has no users yet, and listens on loopback alone. ',
      admin && h('button', {type: 'button', 'data-do': 'first-user'}, 'Create the first administrator')),
    state.status?.draining && h('p', {class: 'banner'}, 'Poise is draining: it takes no new clients.'),
    h('main', {id: 'main', tabindex: '-1'}, views[name].render(session, place().rest)));
}

export function draw() {
  if (!session || !session.signed_in) return;
  show(page, frame());
}

function enter() {
  const {name, rest} = place();
  if (current && current !== views[name] && current.leave) current.leave();
  current = views[name];
  document.title = `Poise · ${state.status?.node || ''}`;
  if (current.enter) current.enter(session, rest, draw);
  draw();
}

function listen() {
  stream?.close();
  stream = new EventSource('/api/v1/stream');
  stream.addEventListener('alerts', (event) => { state.alerts = JSON.parse(event.data); });
  stream.addEventListener('status', (event) => { take(JSON.parse(event.data)); });
  stream.addEventListener('event', (event) => {
    state.events.unshift(JSON.parse(event.data));
    state.events.length = Math.min(state.events.length, 200);
    draw();
  });
  stream.onopen = () => { state.connected = true; draw(); };
  stream.onerror = async () => {
    state.connected = false;
    draw();
    if (stream.readyState === EventSource.CLOSED) setTimeout(start, 2000);
  };
}

function signedOut(known) {
  stream?.close();
  stream = null;
  session = null;
  state.status = null;
  show(page, signInView(signedIn, known));
}

export function signedIn(fresh) {
  session = fresh;
  useSession(session);
  start();
}

async function start() {
  try {
    if (!session) session = await ask('GET', '/session');
    useSession(session);
    if (!session.signed_in) return signedOut(session);
    const [status, events] = await Promise.all([ask('GET', '/status'), ask('GET', '/events?limit=50')]);
    take(status);
    state.events = events;
    listen();
    enter();
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 401) return signedOut();
    show(page, h('div', {class: 'alone'}, h('h1', {}, 'The node does not answer'),
      h('p', {}, 'This page tries again by itself.')));
    setTimeout(start, 2000);
  }
}

async function byLink() {
  const link = new URLSearchParams(location.hash.slice(1)).get('link');
  history.replaceState(null, '', location.pathname + '#/overview');
  try {
    signedIn(await ask('POST', '/session/link', {link}));
  } catch (problem) {
    signedOut();
    toast(problem.message, true);
  }
}

async function firstUser() {
  const made = await dialog('The first administrator', (close) => {
    const form = h('form', {method: 'dialog'},
      field('Name', h('input', {name: 'name', required: true, autocomplete: 'username', autofocus: true})),
      field('Password', h('input', {name: 'password', type: 'password', required: true,
                                    minlength: 10, autocomplete: 'new-password'}),
        'At least 10 characters'),
      h('footer', {}, h('button', {type: 'button', 'data-close': true}, 'Cancel'),
        h('button', {class: 'primary', type: 'submit'}, 'Create')));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const given = Object.fromEntries(new FormData(form));
      try {
        await ask('POST', '/users', {...given, role: 'administrator'});
        close(given);
      } catch (problem) { toast(problem.message, true); }
    });
    return form;
  });
  if (!made) return;
  signedIn(await ask('POST', '/session', {user: made.name, password: made.password}));
  toast(`Welcome, ${made.name}. The node listens on its other addresses now, too.`);
}

async function me() {
  const what = await dialog(session.user, (close) => {
    const form = h('form', {}, h('p', {}, `You are ${session.role}.`),
      h('h3', {}, 'Change the password'),
      field('Password until now', h('input', {name: 'current', type: 'password', required: true,
                                              autocomplete: 'current-password'})),
      field('New password', h('input', {name: 'password', type: 'password', minlength: 10,
                                        required: true, autocomplete: 'new-password'})),
      h('footer', {}, h('button', {type: 'button', id: 'sign-out'}, 'Sign out'),
        h('button', {class: 'primary', type: 'submit'}, 'Change')));
    form.querySelector('#sign-out').addEventListener('click', () => close('out'));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      try {
        session = await ask('PUT', '/session/password', Object.fromEntries(new FormData(form)));
        useSession(session);
        close('changed');
      } catch (problem) { toast(problem.message, true); }
    });
    return form;
  });
  if (what === 'changed') toast('The password is changed.');
  if (what !== 'out') return;
  await ask('DELETE', '/session').catch(() => {});
  signedOut();
}

function theme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme || (dark ? 'dark' : 'light');
  const next = now === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  localStorage.setItem('theme', next);
}

const own = {theme, me, 'first-user': firstUser};

// One listener for all: what is drawn anew each second carries none of its own.
document.addEventListener('click', (event) => {
  const element = event.target.closest('[data-do]');
  if (!element) return;
  const what = element.dataset.do;
  const act = own[what] || current?.actions?.[what];
  if (act) Promise.resolve(act(element, session)).catch((problem) => toast(problem.message, true))
    .finally(draw);
});
addEventListener('hashchange', () => { if (session?.signed_in) enter(); });
whenSignedOut(() => signedOut());
whenTaken(draw);

const kept = localStorage.getItem('theme');
if (kept) document.documentElement.dataset.theme = kept;
if (location.hash.includes('link=')) byLink();
else start();
