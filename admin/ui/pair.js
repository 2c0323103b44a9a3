// Both nodes of the pair: who is active, whether the other could take over, and what it would cost.
import {h} from './dom.js';
import {state} from './live.js';
import {age, moment} from './format.js';

const tones = {active: 'green', standby: 'green', listening: 'yellow', yielding: 'yellow', taking: 'yellow'};

const mark = (tone, text) => h('span', {class: `mark ${tone}`}, h('i', {'aria-hidden': 'true'}), text);
const fact = (name, value) => [h('dt', {}, name), h('dd', {}, value)];
const millis = (ms) => (ms >= 10 ? `${Math.round(ms)} ms` : `${Number(ms).toFixed(1)} ms`);
const at = (ms) => moment(new Date(ms).toISOString());

function node(name, tone, what, lines) {
  return h('div', {class: 'node'}, h('h3', {}, name), mark(tone, what), h('dl', {class: 'facts'}, lines));
}

function here(pair) {
  return node(`${pair.node} (this node)`, tones[pair.state] || 'red', pair.state, [
    fact('Preferred', pair.master ? 'yes: master' : 'no'),
    fact('Since', pair.since_ms ? age((Date.now() - pair.since_ms) / 1000) : '–'),
    fact('Addresses', pair.addresses.map((one) => h('span', {class: 'chip'}, one)))]);
}

function there(pair) {
  if (!pair.peer) return node('The other node', 'yellow', 'not heard yet', []);
  const tone = !pair.peer_alive ? 'red' : pair.peer_fit ? tones[pair.peer_state] || 'yellow' : 'yellow';
  return node(pair.peer, tone, pair.peer_alive ? pair.peer_state : 'silent', [
    fact('Could take over', pair.peer_alive && pair.peer_fit ? 'yes' : 'no'),
    fact('Same configuration', pair.config_equal ? 'yes' : 'no'),
    fact('Hears of our beats', `${(pair.peer_received_permille / 10).toFixed(1)} %`)]);
}

const settingsWords = {equal: 'the same on both nodes', take_theirs: 'the other node’s are being taken',
  give_ours: 'the other node takes ours', diverged: 'changed on both nodes: see poise settings'};
const streamTones = {synced: 'green', filling: 'yellow', waiting: 'red'};

function replication(pair) {
  const one = pair.replication;
  if (!one || one.state === 'off') return false;
  return h('div', {class: 'node'}, h('h3', {}, 'Replication'),
    mark(streamTones[one.state] || 'yellow', one.state),
    h('dl', {class: 'facts'}, [
      fact('Direction', one.gives ? 'from this node' : 'to this node'),
      fact('Settings', `version ${one.settings_version}, ${settingsWords[one.settings] || 'not compared yet'}`),
      fact('Persistence', `${one.entries} entries`),
      fact('Lag', one.lag_ms === null ? '–' : millis(one.lag_ms))]));
}

function paths(pair) {
  if (!pair.paths.length) return false;
  return h('div', {class: 'scroll'}, h('table', {}, h('thead', {}, h('tr', {},
    h('th', {}, 'Path of the heartbeat'), h('th', {}, ''), h('th', {class: 'n'}, 'Lost'),
    h('th', {class: 'n'}, 'Silence allowed'))),
  h('tbody', {}, pair.paths.map((one) => h('tr', {'data-key': `${one.local}${one.peer}`},
    h('th', {scope: 'row'}, `${one.local} ↔ ${one.peer}`),
    h('td', {}, mark(one.up ? 'green' : 'red', one.up ? 'up' : 'down')),
    h('td', {class: 'n', 'data-label': 'Lost'}, `${(one.loss * 100).toFixed(2)} %`),
    h('td', {class: 'n', 'data-label': 'Silence allowed'}, millis(one.limit_ms)))))));
}

function changes(pair) {
  if (!pair.changes.length) return false;
  return h('ul', {class: 'log'}, pair.changes.slice(0, 5).map((one) => h('li', {'data-key': one.at_ms},
    h('time', {}, at(one.at_ms)), h('span', {}, one.text || `${one.from} → ${one.to}: ${one.reason}`),
    one.blackout_ms !== null && h('span', {class: 'chip'}, `${millis(one.blackout_ms)} without an owner`))));
}

const problems = (pair) => [...pair.problems, ...(pair.replication && pair.replication.problem ? [pair.replication.problem] : [])];

export function pairPanel(session) {
  const pair = state.status.pair;
  if (!pair || !pair.paths) return false;
  const may = session.role !== 'viewer' && pair.peer;
  return h('section', {class: 'card pair'},
    h('header', {class: 'row'}, h('h2', {}, 'Pair'), may && h('span', {class: 'buttons'},
      pair.state === 'active'
        ? h('button', {type: 'button', 'data-do': 'standby', disabled: !pair.peer_alive}, 'Hand over to the other node')
        : h('button', {type: 'button', 'data-do': 'takeover'}, 'Take over'))),
    problems(pair).length > 0 && h('ul', {class: 'problems'}, problems(pair).map((text) => h('li', {}, mark('red', text)))),
    h('div', {class: 'nodes'}, here(pair), there(pair), replication(pair)), paths(pair), changes(pair));
}
