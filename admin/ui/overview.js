// All services at a glance: what is wrong first, and why.
import {h, confirmed, toast, dialog, field} from './dom.js';
import {ask, part} from './api.js';
import {state} from './live.js';
import {sparkline} from './charts.js';
import {count, bytes, micros, since, colour, serviceColour, age} from './format.js';
import {pairPanel} from './pair.js';
import {guided} from './create.js';

export const mark = (tone, text) =>
  h('span', {class: `mark ${tone}`}, h('i', {'aria-hidden': 'true'}), text);

function tile(label, value, unit, line, tone) {
  return h('div', {class: `tile ${tone || ''}`}, h('span', {}, label),
    h('strong', {}, value, unit && h('small', {}, ' ' + unit)),
    line && sparkline(line, {label: `${label}, the last two minutes`}));
}

function tiles() {
  const servers = state.status.services.flatMap((one) => one.servers);
  const down = servers.filter((one) => colour(one.state) === 'red').length;
  const total = state.total || {rates: {}, lines: {}};
  const red = state.status.services.filter((one) => serviceColour(one) === 'red').length;
  return h('section', {class: 'tiles', 'aria-label': 'Sums'},
    tile('Services', state.status.services.length, red ? `${red} without a server` : 'all served', null,
      red ? 'red' : ''),
    tile('Servers', servers.length, down ? `${down} down` : 'none down', null, down ? 'red' : ''),
    tile('Requests', count(total.rates.requests), '/ s', total.lines.requests),
    tile('Open', count(total.rates.sessions), 'sessions', total.lines.sessions),
    tile('To clients', bytes(total.rates.bytes_out), '/ s', total.lines.bytes_out),
    tile('Failed', count(total.rates.errors), '/ s', total.lines.errors,
      total.rates.errors > 0 ? 'red' : ''));
}

// What the node itself has found wrong: text, and what to do about it.
const problems = () => state.alerts?.open || [];
const cureOf = (service, server) => problems().find((one) => one.kind === 'server' &&
  one.subject === `${service.name}/${server.name}`)?.cure;

function others() {
  return problems().filter((one) => one.kind !== 'server').slice(0, 8).map((one) =>
    h('li', {'data-key': `${one.kind} ${one.subject}`}, mark('red', one.kind), h('b', {}, one.subject),
      h('span', {class: 'why'}, one.text, one.cure && h('small', {class: 'cure'}, one.cure)),
      h('span', {class: 'muted'}, `for ${since(one.since)}`)));
}

// Of whom alerts should tell, those whom they do not reach.
const deaf = () => (state.alerts?.places || []).filter((one) => one.error).map((one) =>
  h('li', {'data-key': `place ${one.name}`}, mark('yellow', 'alerts'), h('a', {href: '#/events'}, one.name),
    h('span', {class: 'why'}, one.error)));

// Why a server is not simply up, in one list above everything else.
function attention(session) {
  const found = [];
  for (const service of state.status.services)
    for (const server of service.servers)
      if (!['up', 'backup', 'fallback'].includes(server.state)) found.push({service, server});
  const untold = deaf();
  if (!found.length && !problems().length && !untold.length) return false;
  found.sort((a, b) => (colour(a.server.state) === 'red' ? 0 : 1) - (colour(b.server.state) === 'red' ? 0 : 1));
  return h('section', {class: 'card attention'}, h('h2', {}, 'Needs a look'),
    h('ul', {}, others(), untold, found.slice(0, 12).map(({service, server}) => h('li', {'data-key': `${service.name}/${server.name}`},
      mark(colour(server.state), server.state),
      h('a', {href: `#/service/${part(service.name)}`}, `${service.name} / ${server.name}`),
      h('span', {class: 'why'}, server.reason || ({drain: 'taking no new clients, by order',
                                                   halt: 'not used, by order'})[server.state] || '',
        cureOf(service, server) && h('small', {class: 'cure'}, cureOf(service, server))),
      h('span', {class: 'muted'}, server.since ? `for ${since(server.since)}` : ''),
      session.role !== 'viewer' && (server.state === 'drain' || server.state === 'halt') &&
        h('button', {type: 'button', 'data-do': 'online', 'data-service': service.name,
                     'data-server': server.name}, 'Online')))),
    found.length > 12 && h('p', {class: 'muted'}, `and ${found.length - 12} more`));
}

export function buttons(service, server, session) {
  if (session.role === 'viewer' || server.state === 'fallback') return false;
  const act = (what, label) => h('button', {type: 'button', class: 'small', 'data-do': what,
    'data-service': service.name, 'data-server': server.name,
    'aria-label': `${label} ${service.name} ${server.name}`}, label);
  const out = server.state === 'drain' || server.state === 'halt';
  return h('span', {class: 'buttons'}, out ? act('online', 'Online') : act('drain', 'Drain'),
    server.state !== 'halt' && act('halt', 'Halt'), act('weight', 'Weight'));
}

export function serverTable(service, session) {
  const rates = state.services.get(service.name)?.servers;
  return h('div', {class: 'scroll'}, h('table', {},
    h('thead', {}, h('tr', {}, h('th', {}, 'Server'), h('th', {}, 'State'),
      h('th', {class: 'n'}, 'Weight'), h('th', {class: 'n'}, 'Open'), h('th', {class: 'n'}, 'Per s'),
      h('th', {class: 'n'}, 'Failed'), h('th', {class: 'n'}, 'Response'), h('th', {}, ''))),
    h('tbody', {}, service.servers.map((server) => h('tr', {'data-key': server.name},
      h('th', {scope: 'row'}, server.name, h('small', {}, server.address === server.name ? '' : server.address)),
      h('td', {}, mark(colour(server.state), server.state),
        h('small', {class: 'why'}, [server.reason, server.since && `for ${since(server.since)}`]
          .filter(Boolean).join(', '))),
      h('td', {class: 'n', 'data-label': 'Weight'}, server.weight),
      h('td', {class: 'n', 'data-label': 'Open'}, count(server.connections),
        server.connections_max ? h('small', {}, `of ${count(server.connections_max)}`) : ''),
      h('td', {class: 'n', 'data-label': 'Per s'}, count(rates?.get(server.name)?.rate ?? 0)),
      h('td', {class: 'n', 'data-label': 'Failed'}, count(server.failures)),
      h('td', {class: 'n', 'data-label': 'Response'}, micros(server.response_us)),
      h('td', {class: 'act'}, buttons(service, server, session)))))));
}

// How long answers took in the last minute; nothing when there were none.
export function latency(service, which = 'head') {
  const minute = service.latency?.[which].minute;
  return minute?.count ? `p50 ${micros(minute.p50_us)}, p99 ${micros(minute.p99_us)}` : '';
}

function card(service, session) {
  const one = state.services.get(service.name);
  const tone = serviceColour(service);
  const words = {green: 'all servers up', yellow: 'some servers out', red: 'no server'};
  return h('article', {class: `card service ${tone}`, 'data-key': service.name},
    h('header', {},
      h('h3', {}, h('a', {href: `#/service/${part(service.name)}`}, service.name)),
      mark(tone, words[tone]),
      h('span', {class: 'muted'}, [service.listen.join(', ') || 'used by rules', service.protocol,
        service.mode, service.scheduler].join(' · ')),
      h('span', {class: 'rate'}, sparkline(one?.lines.requests || [], {label: 'Requests a second'}),
        h('b', {}, count(one?.rates.requests ?? 0)), h('small', {}, '/ s'),
        h('small', {class: 'latency', title: 'To the head of the response, in the last minute'},
          latency(service)))),
    serverTable(service, session));
}

export function render(session) {
  if (!state.status) return h('p', {class: 'muted'}, 'Waiting for the node…');
  const order = {red: 0, yellow: 1, green: 2};
  const services = [...state.status.services].sort((a, b) =>
    order[serviceColour(a)] - order[serviceColour(b)]);
  return h('div', {class: 'stack', 'data-key': 'overview'},
    h('div', {class: 'title'}, h('h1', {}, state.status.node),
      h('span', {class: 'muted'}, `Poise ${state.status.version} · up ${age(state.status.uptime_s)} · ` +
        `generation ${state.status.generation} · ${state.status.workers} workers`),
      session.role === 'administrator' &&
        h('button', {class: 'primary', type: 'button', 'data-do': 'create'}, 'New service')),
    tiles(), pairPanel(session), attention(session),
    services.length ? services.map((one) => card(one, session))
      : h('p', {class: 'card muted'}, 'No service yet. “New service” makes the first one.'));
}

const said = {
  drain: ['Drain', 'It takes no new clients and finishes what it has.'],
  halt: ['Halt', 'It is not used from now on; clients whom persistence brought to it go elsewhere.'],
};

async function order(what, element) {
  const {service, server} = element.dataset;
  if (said[what]) {
    const [title, text] = said[what];
    const now = state.status.services.find((one) => one.name === service)?.servers
      .find((one) => one.name === server);
    const open = now ? `${now.connections} connections are open now.` : '';
    if (!await confirmed(`${title} ${service} / ${server}?`, [text, open], title, what === 'halt')) return;
  }
  await ask('POST', `/services/${part(service)}/servers/${part(server)}/${what}`);
  toast(`${service} / ${server}: ${what}`);
}

async function weigh(element) {
  const {service, server} = element.dataset;
  const now = state.status.services.find((one) => one.name === service)?.servers
    .find((one) => one.name === server);
  const weight = await dialog(`Weight of ${service} / ${server}`, (close) => {
    const form = h('form', {}, field('Weight, 0 to 256', h('input', {name: 'weight', type: 'number', min: 0,
        max: 256, value: now?.weight ?? 100, required: true, autofocus: true}),
      'Its share against the other servers; 0 drains. Until the next change of the file.'),
      h('footer', {}, h('button', {type: 'button', 'data-close': true}, 'Cancel'),
        h('button', {class: 'primary', type: 'submit'}, 'Set')));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      close(Number(new FormData(form).get('weight')));
    });
    return form;
  });
  if (weight === null) return;
  await ask('PUT', `/services/${part(service)}/servers/${part(server)}/weight`, {weight});
  toast(`${service} / ${server}: weight ${weight}`);
}

export const actions = {
  drain: (element) => order('drain', element),
  halt: (element) => order('halt', element),
  online: (element) => order('online', element),
  weight: weigh,
  create: () => guided(),
  takeover: () => pairOrder('takeover', 'Take over', 'This node takes the floating addresses over.'),
  standby: () => pairOrder('standby', 'Hand over', 'The other node takes the floating addresses over.'),
};

async function pairOrder(what, label, text) {
  if (!await confirmed(`${label}?`, [text], label, true)) return;
  await ask('POST', `/pair/${what}`);
  toast(`Ordered: ${what}`);
}
