// Who is kept where: clients that persistence remembers, flows of layer 4. Asked for and not told:
// a list of many is for whoever looks at it.
import {h, confirmed, toast} from './dom.js';
import {ask, part} from './api.js';
import {age, count} from './format.js';

const shown = 50;
let name = '';
let wanted = '';  // what is looked for
let clients = null, flows = null;
let service = null;
let redraw = () => {};

const again = () => load(service, redraw);
const query = (what) => Object.entries(what).filter(([, value]) => value)
  .map(([key, value]) => `${key}=${part(value)}`).join('&');

export async function load(one, draw) {
  if (one.name !== name) { clients = flows = null; wanted = ''; }
  service = one;
  name = one.name;
  redraw = draw;
  const layer4 = one.mode !== 'snat';
  const asked = {client: wanted, limit: shown};
  if (one.persistence_entries > 0 || clients)  // else there may be no table to ask
    clients = await ask('GET', `/services/${part(name)}/clients?${query(asked)}`).catch(() => null);
  flows = layer4 ? await ask('GET', `/flows?${query({...asked, service: name})}`).catch(() => null) : null;
  redraw();
}

function clientTable(session) {
  return h('div', {class: 'scroll'}, h('table', {},
    h('thead', {}, h('tr', {}, h('th', {}, 'Key'), h('th', {}, 'Server'), h('th', {class: 'n'}, 'Seen'),
      h('th', {class: 'n'}, 'Forgotten in'), h('th', {}, ''))),
    h('tbody', {}, clients.clients.map((one) => h('tr', {'data-key': one.key},
      h('th', {scope: 'row'}, h('code', {}, one.key)), h('td', {}, one.server || 'none any more'),
      h('td', {class: 'n'}, `${age(one.idle_s)} ago`), h('td', {class: 'n'}, age(one.expires_in_s)),
      h('td', {class: 'act'}, session.role !== 'viewer' && h('button', {type: 'button', class: 'small',
        'data-do': 'forget', 'data-client': one.key}, 'Forget')))))));
}

function flowTable() {
  return h('div', {class: 'scroll'}, h('table', {},
    h('thead', {}, h('tr', {}, h('th', {}, 'Client'), h('th', {}, 'Server'), h('th', {}, 'State'),
      h('th', {class: 'n'}, 'Ends in'))),
    h('tbody', {}, flows.flows.map((one) => h('tr', {'data-key': one.client + one.listen},
      h('th', {scope: 'row'}, one.client), h('td', {}, one.server || 'gone', h('small', {}, one.to || '')),
      h('td', {}, one.state, one.fast && h('small', {}, 'fast path')), h('td', {class: 'n'}, age(one.expires_in_s)))))));
}

export function panels(session) {
  if (!clients && !flows) return false;
  const form = h('form', {class: 'row', 'data-keep': true, 'data-key': `find-${name}`},
    h('input', {name: 'client', value: wanted, placeholder: 'an address', 'aria-label': 'Look for a client'}),
    h('button', {type: 'button', 'data-do': 'find'}, 'Find'));
  return h('section', {class: 'card', 'data-key': 'clients'},
    h('header', {class: 'row'}, h('h2', {}, 'Clients'), form),
    clients && [h('p', {class: 'muted'}, `${count(clients.matched)} remembered` +
      (clients.matched > shown ? `, the last ${shown} seen are shown` : '')),
      clients.clients.length > 0 && clientTable(session)],
    flows && [h('h3', {}, 'Flows'), h('p', {class: 'muted'}, `${count(flows.total)} of all services` +
      (flows.whole ? '' : `, ${shown} are shown`)), flows.flows.length > 0 && flowTable()]);
}

export const actions = {
  find: (element) => {
    wanted = element.form.elements.client.value.trim();
    return again();
  },
  forget: async (element) => {
    const key = element.dataset.client;
    if (!await confirmed('Forget this client?', ['It gets a server anew with its next connection.'], 'Forget')) return;
    await ask('DELETE', `/services/${part(name)}/clients/${key}`);
    toast('Forgotten');
    return again();
  },
};

