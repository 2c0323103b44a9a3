// What happened, who did it, which requests failed, and whether people are told.
import {h, toast} from './dom.js';
import {ask} from './api.js';
import {state} from './live.js';
import {mark} from './overview.js';
import {moment, count} from './format.js';

let tab = 'events';
let audit = [];
let incidents = [];
let redraw = () => {};

async function load(session) {
  incidents = await ask('GET', '/incidents').catch(() => []);
  if (session.role === 'administrator') audit = await ask('GET', '/audit').catch(() => []);
  redraw();
}

export function enter(session, _rest, draw) {
  redraw = draw;
  load(session);
}

const line = (one, ...text) => h('li', {class: one.bad ? 'bad' : '', 'data-key': one.id || one.request_id || `${one.at} ${one.detail}`},
  h('time', {datetime: one.at}, moment(one.at)), ...text);

const lists = {
  events: () => [state.events, (one) => line(one, h('span', {},
    one.service && h('b', {}, `${one.service} / ${one.server} `), one.text))],
  failures: () => [incidents, (one) => line(one, h('span', {}, h('code', {}, one.reason), ' ',
    one.sentence || one.text || '', one.cure && h('small', {class: 'cure'}, one.cure), one.packets && h('small', {}, `${count(one.packets)} packets, the last: ${one.detail}`),
    h('small', {}, [one.service, one.server, one.client, one.request_id || one.id]
      .filter(Boolean).join(' · '))))],
  audit: () => [audit, (one) => line(one, h('span', {}, h('b', {}, one.who || '–'), ` ${one.what} ${one.target || ''}`,
    h('small', {}, [one.from, one.before && `before: ${one.before}`, one.after && `after: ${one.after}`]
      .filter(Boolean).join(' · '))))],
};

const problem = (one) => line({...one, at: one.since, bad: true, id: `${one.kind} ${one.subject}`},
  h('span', {}, h('b', {}, `${one.kind} ${one.subject} `), one.text,
    one.cure && h('small', {class: 'cure'}, one.cure)));

// A place that the last message has not reached says why.
const placeRow = (one) => h('tr', {'data-key': one.name},
  h('th', {scope: 'row'}, one.name, one.error && h('small', {class: 'why'}, one.error)),
  h('td', {}, one.error ? mark('red', 'not reached') : one.sent ? mark('green', 'reached') : h('span', {class: 'muted'}, 'not tried')),
  h('td', {class: 'n', 'data-label': 'Sent'}, count(one.sent)),
  h('td', {class: 'n', 'data-label': 'Waiting'}, count(one.waiting)),
  h('td', {class: 'n', 'data-label': 'Lost'}, count(one.dropped)));

function alerts(session) {
  const {open, places} = state.alerts || {open: [], places: []};
  return [
    h('section', {class: 'card', 'data-key': 'open'}, h('h2', {}, 'Wrong now'),
      open.length ? h('ul', {class: 'log'}, open.map(problem)) : h('p', {class: 'muted'}, 'Nothing.')),
    h('section', {class: 'card', 'data-key': 'places'},
      h('header', {class: 'row'}, h('h2', {}, 'Who is told'),
        places.length > 0 && session.role === 'administrator' &&
          h('button', {type: 'button', class: 'small', 'data-do': 'test'}, 'Send a test')),
      places.length ? h('div', {class: 'scroll'}, h('table', {},
        h('thead', {}, h('tr', {}, h('th', {}, 'Place'), h('th', {}, 'State'), h('th', {class: 'n'}, 'Sent'),
          h('th', {class: 'n'}, 'Waiting'), h('th', {class: 'n'}, 'Lost'))),
        h('tbody', {}, places.map(placeRow))))
        : h('p', {class: 'muted'}, 'Nobody: node.yaml names neither alerts.smtp nor alerts.webhook.'))];
}

export function render(session) {
  const tabs = [['events', 'Events'], ['failures', 'Failed requests'], ['alerts', 'Alerts']];
  if (session.role === 'administrator') tabs.push(['audit', 'Audit']);
  const [list, row] = lists[tab]?.() || [];
  return h('div', {class: 'stack', 'data-key': 'events'},
    h('div', {class: 'title'}, h('h1', {}, 'Events'), h('div', {class: 'tabs', role: 'group'},
      tabs.map(([key, label]) => h('button', {type: 'button', 'data-do': 'tab', 'data-tab': key,
        'aria-pressed': key === tab ? 'true' : 'false'}, label)))),
    tab === 'alerts' ? alerts(session) : h('section', {class: 'card', 'data-key': tab}, list.length ? h('ul', {class: 'log'}, list.map(row))
      : h('p', {class: 'muted'}, 'Nothing yet.')));
}

export const actions = {
  test: async () => {
    await ask('POST', '/alerts/test');
    toast('A test message is on its way: the table tells how it went.');
  },
  tab: (element, session) => { tab = element.dataset.tab; return load(session); },
};
