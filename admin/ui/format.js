// Numbers, times and states as people read them.

export function count(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return '–';
  for (const [size, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']])
    if (n >= size) return trim(n / size) + unit;
  return trim(n);
}

function trim(n) {
  if (n >= 100 || Number.isInteger(n)) return String(Math.round(n));
  return n.toFixed(n >= 10 ? 1 : 2).replace(/\.?0+$/, '');
}

export function bytes(n) {
  if (n === null || n === undefined || Number.isNaN(n)) return '–';
  for (const [size, unit] of [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']])
    if (n >= size) return `${trim(n / size)} ${unit}`;
  return `${Math.round(n)} B`;
}

export function micros(us) {
  if (!us) return '–';
  if (us < 1000) return `${us} µs`;
  return us < 1e6 ? `${trim(us / 1000)} ms` : `${trim(us / 1e6)} s`;
}

export function age(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

export const since = (text) => (text ? age((Date.now() - Date.parse(text)) / 1000) : '');

export function moment(text) {
  if (!text) return '–';
  const at = new Date(text);
  const day = at.toLocaleDateString(undefined, {month: 'short', day: 'numeric'});
  const time = at.toLocaleTimeString(undefined, {hour12: false});
  return at.toDateString() === new Date().toDateString() ? time : `${day} ${time}`;
}

/** green: takes clients; yellow: by order or waiting; red: does not. */
export function colour(state) {
  if (state === 'up' || state === 'active' || state === 'alive') return 'green';
  return state === 'down' || state === 'unresolved' || state === 'lost' ? 'red' : 'yellow';
}

export function serviceColour(service) {
  const usual = service.servers.filter((one) => one.state !== 'fallback');
  if (!usual.length) return 'yellow';
  const serving = usual.filter((one) => one.state === 'up' || one.state === 'backup');
  if (!serving.length) return 'red';
  const all = usual.every((one) => one.state === 'up' || one.state === 'backup');
  return all ? 'green' : 'yellow';
}
