// What happened, who did it, and which requests failed.
import {h} from './dom.js';
import {ask} from './api.js';
import {state} from './live.js';
import {moment} from './format.js';

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

const line = (one, ...text) => h('li', {class: one.bad ? 'bad' : '', 'data-key': one.id || one.request_id},
  h('time', {datetime: one.at}, moment(one.at)), ...text);

const lists = {
  events: () => [state.events, (one) => line(one, h('span', {},
    one.service && h('b', {}, `${one.service} / ${one.server} `), one.text))],
  failures: () => [incidents, (one) => line(one, h('span', {}, h('code', {}, one.reason), ' ',
    one.sentence || one.text || '', one.cure && h('small', {class: 'cure'}, one.cure), h('small', {}, [one.service, one.server, one.client, one.request_id || one.id]
      .filter(Boolean).join(' · '))))],
  audit: () => [audit, (one) => line(one, h('span', {}, h('b', {}, one.who || '–'), ` ${one.what} ${one.target || ''}`,
    h('small', {}, [one.from, one.before && `before: ${one.before}`, one.after && `after: ${one.after}`]
      .filter(Boolean).join(' · '))))],
};

export function render(session) {
  const tabs = [['events', 'Events'], ['failures', 'Failed requests']];
  if (session.role === 'administrator') tabs.push(['audit', 'Audit']);
  const [list, row] = lists[tab]();
  return h('div', {class: 'stack', 'data-key': 'events'},
    h('div', {class: 'title'}, h('h1', {}, 'Events'), h('div', {class: 'tabs', role: 'group'},
      tabs.map(([key, label]) => h('button', {type: 'button', 'data-do': 'tab', 'data-tab': key,
        'aria-pressed': key === tab ? 'true' : 'false'}, label)))),
    h('section', {class: 'card', 'data-key': tab}, list.length ? h('ul', {class: 'log'}, list.map(row))
      : h('p', {class: 'muted'}, 'Nothing yet.')));
}

export const actions = {
  tab: (element, session) => { tab = element.dataset.tab; return load(session); },
};
