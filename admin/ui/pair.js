// Both nodes of a pair, when the status tells of one.
import {h} from './dom.js';
import {state} from './live.js';
import {colour, moment} from './format.js';

const label = (name) => name.replaceAll('_', ' ');

function value(name, found) {
  if (typeof found === 'boolean') return found ? 'yes' : 'no';
  if (Array.isArray(found)) return found.map((one) => (typeof one === 'object' ? facts(one) : String(one)))
    .map((one) => (one instanceof Node ? one : h('span', {class: 'chip'}, one)));
  if (found && typeof found === 'object') return facts(found);
  if (found === null || found === '') return '–';
  return /^\d{4}-\d\d-\d\dT/.test(found) ? moment(found) : String(found);
}

function facts(object) {
  return h('dl', {class: 'facts'}, Object.entries(object).map(([name, found]) =>
    [h('dt', {}, label(name)), h('dd', {}, value(name, found))]));
}

export function pairPanel() {
  const pair = state.status.pair;
  if (!pair) return false;
  const here = pair.state || pair.role || '';
  return h('section', {class: 'card pair'}, h('h2', {}, 'Pair ',
    h('span', {class: `mark ${colour(here)}`}, h('i', {'aria-hidden': 'true'}), here)), facts(pair));
}
