// A new service in one form; what comes out is text for the editor, with what is wrong with it.
import {h, dialog, field, toast} from './dom.js';
import {ask} from './api.js';
import {edit} from './config.js';

const kinds = {
  http: {label: 'Web site or API (HTTP)', port: 80, server: 80, protocol: 'http', check: 'http'},
  https: {label: 'Web site with TLS ended here (HTTPS)', port: 443, server: 80, protocol: 'http', check: 'http', tls: true},
  tcp: {label: 'Any TCP service', port: 5432, server: 5432, protocol: 'tcp', check: 'tcp'},
  rdp: {label: 'Remote Desktop (RDP)', port: 3389, server: 3389, protocol: 'rdp', check: 'tcp'},
  udp: {label: 'Any UDP service', port: 514, server: 514, protocol: 'udp', check: 'none'},
};

const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : JSON.stringify(text));

function yaml(form) {
  const kind = kinds[form.kind];
  const lines = [`  ${form.name || 'NAME'}:`];
  const put = (text) => lines.push('    ' + text);
  if (kind.protocol !== 'http') put(`protocol: ${kind.protocol}`);
  const listen = (form.address || '') + ':' + form.port;
  put(kind.tls ? `listen: { address: "${listen}", tls: true }` : `listen: "${listen}"`);
  if (form.scheduler !== 'wlc') put(`scheduler: ${form.scheduler}`);
  if (form.persistence !== 'none' && form.kind !== 'rdp') put(`persistence: ${form.persistence}`);
  if (kind.check === 'http') put(`health: { check: http, path: ${quoted(form.path || '/')} }`);
  put('servers:');
  const servers = form.servers.split(/[\s,]+/).filter(Boolean);
  for (const server of servers.length ? servers : ['ADDRESS'])
    put(`  - "${/:\d+$/.test(server) ? server : `${server}:${kind.server}`}"`);
  return lines.join('\n') + '\n';
}

/** Puts a service behind the last one under `services:`; null when the file is not written so. */
export function inserted(text, service) {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => /^services:\s*(#.*)?$/.test(line));
  if (from < 0) return /^services:/m.test(text) ? null : `${text.replace(/\n*$/, '\n')}\nservices:\n${service}`;
  let end = from + 1;
  for (let i = from + 1; i < lines.length && !/^\S/.test(lines[i].replace(/^#.*/, '')); ++i)
    if (lines[i].trim()) end = i + 1;
  const first = lines.slice(from + 1, end).find((line) => /^\s+\S/.test(line) && !/^\s*#/.test(line));
  const indent = first ? first.match(/^\s+/)[0] : '  ';
  const block = service.replace(/\n$/, '').split('\n').map((line) => indent + line.slice(2));
  return [...lines.slice(0, end), '', ...block, ...lines.slice(end)].join('\n');
}

export async function guided() {
  const file = await ask('GET', '/config');
  const text = await dialog('New service', (close) => {
    const preview = h('pre', {class: 'preview'});
    const verdict = h('p', {class: 'muted', role: 'status'});
    const go = h('button', {class: 'primary', type: 'submit'}, 'Into the editor');
    const form = h('form', {class: 'grid'},
      field('Name', h('input', {name: 'name', required: true, pattern: '[A-Za-z0-9._\\-]+', maxlength: 64, autofocus: true})),
      field('What it is', h('select', {name: 'kind'}, Object.entries(kinds).map(([key, one]) =>
        h('option', {value: key}, one.label)))),
      field('Address', h('input', {name: 'address', placeholder: 'every address of the node'})),
      field('Port', h('input', {name: 'port', type: 'number', min: 1, max: 65535, value: 80, required: true})),
      field('Servers', h('textarea', {name: 'servers', rows: 3, required: true,
        placeholder: '10.0.0.11\n10.0.0.12:8080'}), 'One a line'),
      field('Health check asks for', h('input', {name: 'path', value: '/'})),
      field('Scheduler', h('select', {name: 'scheduler'}, [['wlc', 'least connections (default)'], ['rr', 'in turn'],
        ['least_time', 'fastest answer'], ['maglev', 'by source, consistent']].map(([value, label]) =>
        h('option', {value}, label)))),
      field('Keep a client on its server', h('select', {name: 'persistence'}, [['none', 'no'], ['cookie', 'by cookie'],
        ['source', 'by address']].map(([value, label]) => h('option', {value}, label)))),
      preview, verdict, h('footer', {}, h('button', {type: 'button', 'data-close': true}, 'Cancel'), go));
    const read = () => Object.fromEntries(new FormData(form));
    let wait = null;
    const look = async () => {
      const whole = inserted(file.text, yaml(read()));
      if (whole === null) { verdict.textContent = 'The file writes services in one line: add it by hand.'; return; }
      if (!form.checkValidity()) { verdict.textContent = ''; return; }
      const answer = await ask('POST', '/config/check', {text: whole}).catch(() => null);
      verdict.className = answer?.error ? 'error' : 'good';
      verdict.textContent = !answer ? '' : answer.error
        ? [answer.errors[0]?.message || answer.error, answer.errors[0]?.hint].filter(Boolean).join(' — ')
        : 'The checker has nothing against it.';
    };
    const changed = () => {
      preview.textContent = yaml(read());
      clearTimeout(wait);
      wait = setTimeout(look, 400);
    };
    form.kind.addEventListener('change', () => { form.port.value = kinds[form.kind.value].port; });
    form.addEventListener('input', changed);
    form.addEventListener('submit', (event) => { event.preventDefault(); close(yaml(read())); });
    changed();
    return form;
  }, true);
  if (!text) return;
  const whole = inserted(file.text, text);
  if (whole === null) return toast('The file writes services in one line: add it by hand.', true);
  edit(whole);
}
