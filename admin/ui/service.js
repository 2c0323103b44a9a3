// One service: its servers, its graphs, its failures.
import {h} from './dom.js';
import {ask, part} from './api.js';
import {state} from './live.js';
import {graph} from './charts.js';
import {count, bytes, serviceColour} from './format.js';
import {load as loadClients, panels, actions as clientActions} from './clients.js';
import {mark, serverTable, latency, actions as orders} from './overview.js';

let range = 'hour';
let drawn = null;  // the graphs, made anew when data comes and not each second
let name = '';
let timer = null;
let redraw = () => {};

export const ranges = ['hour', 'day', 'week', 'month', 'year'];

async function load() {
  const data = await ask('GET', `/history?service=${part(name)}&range=${range}`).catch(() => null);
  drawn = data && data.series.requests.length ? h('div', {class: 'graphs', 'data-keep': true,
      'data-key': `${name}-${range}-${data.start}`},
    graph('Requests a second', data.start, data.step, [{name: 'requests', values: data.series.requests}], count),
    graph('Failed a second', data.start, data.step,
      [{name: 'failed', values: data.series.errors, class: 'bad'}], count),
    graph('Bytes a second', data.start, data.step,
      [{name: 'from clients', values: data.series.bytes_in, class: 'second'},
       {name: 'to clients', values: data.series.bytes_out}], bytes),
    graph('Open sessions', data.start, data.step, [{name: 'open', values: data.series.sessions}], count)) : null;
  redraw();
  const service = state.status?.services.find((one) => one.name === name);
  if (service) await loadClients(service, redraw);
}

export function enter(_session, [wanted], draw) {
  name = wanted || '';
  redraw = draw;
  drawn = null;
  load();
  clearInterval(timer);
  timer = setInterval(load, 10000);
}

export function leave() { clearInterval(timer); }

export function render(session) {
  const service = state.status?.services.find((one) => one.name === name);
  if (!service) return h('p', {class: 'card'}, `There is no service “${name}”.`);
  const tone = serviceColour(service);
  const failures = Object.entries(service.failures).sort((a, b) => b[1] - a[1]);
  return h('div', {class: 'stack', 'data-key': `service-${name}`},
    h('div', {class: 'title'}, h('h1', {}, service.name), mark(tone, tone === 'green' ? 'serving'
      : tone === 'red' ? 'no server' : 'some servers out'),
      h('span', {class: 'muted'}, `${service.listen.join(', ') || 'used by rules'} · ${service.protocol} · ` +
        `${service.mode} · ${service.scheduler}`)),
    h('section', {class: 'card'}, h('h2', {}, 'Servers'), serverTable(service, session)),
    h('section', {class: 'card'},
      h('header', {class: 'row'}, h('h2', {}, 'History'), h('div', {class: 'tabs', role: 'group'},
        ranges.map((one) => h('button', {type: 'button', 'data-do': 'range', 'data-range': one,
          'aria-pressed': one === range ? 'true' : 'false'}, one)))),
      drawn || h('p', {class: 'muted'}, 'Nothing is recorded yet: a point comes each ten seconds.')),
    latency(service) && h('section', {class: 'card'}, h('h2', {}, 'Response times of the last minute'),
      h('dl', {class: 'facts'},
        [['To the head of the response', latency(service)], ['To the last byte', latency(service, 'total') || '–']]
          .map(([label, value]) => [h('dt', {}, label), h('dd', {}, value)]))),
    panels(session),
    h('section', {class: 'card'}, h('h2', {}, 'Since the start'),
      h('dl', {class: 'facts'},
        [['Connections', count(service.connections)], ['Requests', count(service.requests)],
         ['Answers', ['1xx', '2xx', '3xx', '4xx', '5xx'].filter((c) => service.responses[c])
           .map((c) => `${c} ${count(service.responses[c])}`).join(', ') || '–'],
         ['From clients', bytes(service.bytes_in)], ['To clients', bytes(service.bytes_out)],
         ['Retries', count(service.retries)], ['Waited in the queue', count(service.queued)],
         ['Clients remembered', count(service.persistence_entries)]]
          .map(([label, value]) => [h('dt', {}, label), h('dd', {}, value)])),
      failures.length > 0 && [h('h3', {}, 'Refused and failed, by reason'),
        h('ul', {class: 'bars'}, failures.slice(0, 12).map(([reason, n]) => h('li', {'data-key': reason},
          h('code', {}, reason), h('meter', {min: 0, max: failures[0][1], value: n}), count(n))))]));
}

export const actions = {
  ...orders,
  ...clientActions,
  range: (element) => { range = element.dataset.range; drawn = null; return load(); },
};
