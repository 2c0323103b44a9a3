// What the node tells, second by second, and the rates made of it.
export const state = {status: null, alerts: null, connected: false, events: [], services: new Map(), total: null};

const kept = 120;  // seconds of rates in memory
let told = () => {};
export function whenTaken(call) { told = call; }

const names = ['requests', 'errors', 'bytes_in', 'bytes_out', 'sessions', 'connections'];

function counters(service) {
  return {
    requests: service.protocol === 'http' ? service.requests
      : service.connections + (service.protocol === 'udp' ? service.sessions : 0),
    errors: service.responses['5xx'] + service.responses.none,
    bytes_in: service.bytes_in, bytes_out: service.bytes_out,
  };
}

function track() {
  return {before: null, rates: {}, lines: Object.fromEntries(names.map((n) => [n, []])), servers: new Map()};
}

function push(one, name, value) {
  const line = one.lines[name];
  line.push(value);
  if (line.length > kept) line.shift();
  one.rates[name] = value;
}

function add(one, now, sessions, seconds) {
  for (const name of ['requests', 'errors', 'bytes_in', 'bytes_out']) {
    if (!one.before) continue;
    push(one, name, Math.max(0, now[name] - one.before[name]) / seconds);
  }
  push(one, 'sessions', sessions);
  one.before = now;
}

/** Takes a status over; rates are those since the one before. */
export function take(status) {
  const seconds = state.status ? status.uptime_s - state.status.uptime_s : 1;
  if (state.status && (seconds <= 0 || status.generation < state.status.generation)) restart();
  state.status = status;
  if (seconds > 0 && seconds < 0.2) return;
  const all = {requests: 0, errors: 0, bytes_in: 0, bytes_out: 0};
  let sessions = 0;
  state.total ??= track();
  for (const service of status.services) {
    if (!state.services.has(service.name)) state.services.set(service.name, track());
    const one = state.services.get(service.name);
    const now = counters(service);
    for (const name of Object.keys(all)) all[name] += now[name];
    sessions += service.sessions;
    for (const server of service.servers) {
      const total = server.successes + server.failures;
      const before = one.servers.get(server.name);
      one.servers.set(server.name, {total, rate: before ? Math.max(0, total - before.total) / seconds : 0});
    }
    add(one, now, service.sessions, seconds);
  }
  add(state.total, all, sessions, seconds);
  told();
}

function restart() {
  state.services.clear();
  state.total = null;
}
