// Certificates and when they end.
import {h} from './dom.js';
import {ask} from './api.js';
import {mark} from './overview.js';

let list = null;

export async function enter(_session, _rest, draw) {
  list = await ask('GET', '/certificates').catch(() => []);
  draw();
}

function row(one) {
  if (one.error) {
    return h('tr', {}, h('th', {scope: 'row'}, one.file), h('td', {colspan: 3}, mark('red', one.error)));
  }
  const days = Math.floor((Date.parse(one.not_after) - Date.now()) / 864e5);
  const tone = days < 7 ? 'red' : days < 21 ? 'yellow' : 'green';
  return h('tr', {}, h('th', {scope: 'row'}, one.names.join(', ') || one.subject, h('small', {}, one.file)),
    h('td', {}, mark(tone, days < 0 ? 'has expired' : `${days} days`),
      h('small', {}, new Date(one.not_after).toLocaleDateString())),
    h('td', {}, one.key.toUpperCase()), h('td', {}, one.issuer,
      one.ocsp && one.ocsp !== 'off' && h('small', {class: one.ocsp === 'good' ? '' : 'why'}, `OCSP: ${one.ocsp}`),
      one.warnings.map((text) => h('small', {class: 'why'}, text))));
}

export function render() {
  if (!list) return h('p', {class: 'muted'}, 'Loading…');
  return h('div', {class: 'stack', 'data-key': 'certificates'}, h('div', {class: 'title'}, h('h1', {}, 'Certificates')),
    list.length ? h('section', {class: 'card scroll'}, h('table', {},
      h('thead', {}, h('tr', {}, ['Names', 'Ends in', 'Key', 'Issuer'].map((one) => h('th', {}, one)))),
      h('tbody', {}, [...list].sort((a, b) => (a.not_after || '').localeCompare(b.not_after || '')).map(row))))
      : h('p', {class: 'card muted'}, 'The configuration names no certificate.'));
}
