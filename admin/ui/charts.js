// Small lines in tables, large ones with axes: SVG made by hand, so that nothing is fetched.
import {h} from './dom.js';

/** A line without axes; the last value ends in a dot. */
export function sparkline(values, {width = 120, height = 28, label = ''} = {}) {
  const known = values.filter((v) => v !== null && v !== undefined);
  const svg = h('svg', {class: 'spark', viewBox: `0 0 ${width} ${height}`, role: 'img',
                        'aria-label': label, preserveAspectRatio: 'none'});
  if (known.length < 2) return svg;
  const most = Math.max(...known, 1e-9);
  const x = (i) => (i / (values.length - 1)) * width;
  const y = (v) => height - 2 - (v / most) * (height - 4);
  const line = path(values, x, y);
  svg.append(h('path', {class: 'fill', d: area(values, x, y, height)}));
  svg.append(h('path', {class: 'line', d: line, 'vector-effect': 'non-scaling-stroke'}));
  return svg;
}

function path(values, x, y) {
  let d = '';
  let pen = false;
  values.forEach((v, i) => {
    if (v === null || v === undefined) { pen = false; return; }
    d += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = true;
  });
  return d;
}

// One closed piece for each run of known values.
function area(values, x, y, floor) {
  let d = '';
  let begun = -1;
  for (let i = 0; i <= values.length; ++i) {
    const known = i < values.length && values[i] !== null && values[i] !== undefined;
    if (known && begun < 0) { begun = i; d += `M${x(i).toFixed(1)} ${floor}`; }
    if (known) d += `L${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    if (!known && begun >= 0) { d += `L${x(i - 1).toFixed(1)} ${floor}Z`; begun = -1; }
  }
  return d;
}

// 1, 2 or 5 times a power of ten, so that about three lines fit below `most`.
function step(most) {
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
}

function timeTicks(start, end) {
  const spans = [60, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800,
                 2592000];
  const every = spans.find((s) => (end - start) / s <= 6) || 7776000;
  const zone = new Date(start * 1000).getTimezoneOffset() * 60;
  const ticks = [];
  for (let t = Math.ceil((start - zone) / every) * every + zone; t <= end; t += every) ticks.push(t);
  const byDay = every >= 86400;
  return ticks.map((t) => ({t, text: byDay
    ? new Date(t * 1000).toLocaleDateString(undefined, {month: 'short', day: 'numeric'})
    : new Date(t * 1000).toLocaleTimeString(undefined, {hour: '2-digit', minute: '2-digit',
                                                        hour12: false})}));
}

/**
 * A graph with axes. `lines`: [{name, values, class}], all of them from `start` (seconds) at `step`
 * seconds. Reads the value below the pointer.
 */
export function graph(title, start, stepSeconds, lines, format, {width = 640, height = 190} = {}) {
  const left = 52, right = 8, top = 10, bottom = 22;
  const n = lines[0].values.length;
  const end = start + (n - 1) * stepSeconds;
  const known = lines.flatMap((l) => l.values).filter((v) => v !== null && v !== undefined);
  const most = Math.max(...known, 0) * 1.08 || 1;
  const x = (i) => left + (i / Math.max(1, n - 1)) * (width - left - right);
  const y = (v) => height - bottom - (v / most) * (height - top - bottom);
  const svg = h('svg', {class: 'graph', viewBox: `0 0 ${width} ${height}`, role: 'img',
                        'aria-label': `${title}, ${lines.map((l) => l.name).join(' and ')}`});
  for (let v = 0; v <= most; v += step(most)) {
    svg.append(h('line', {class: 'grid', x1: left, x2: width - right, y1: y(v), y2: y(v)}));
    svg.append(h('text', {class: 'tick', x: left - 6, y: y(v) + 3.5, 'text-anchor': 'end'},
      format(v)));
  }
  for (const tick of timeTicks(start, end)) {
    const at = x((tick.t - start) / stepSeconds);
    svg.append(h('text', {class: 'tick', x: Math.min(at, width - 22), y: height - 6,
                          'text-anchor': 'middle'}, tick.text));
  }
  for (const line of lines) {
    if (lines.length === 1)
      svg.append(h('path', {class: `fill ${line.class || ''}`,
                            d: area(line.values, x, y, height - bottom)}));
    svg.append(h('path', {class: `line ${line.class || ''}`, d: path(line.values, x, y)}));
  }
  const cursor = h('line', {class: 'cursor', y1: top, y2: height - bottom, x1: -9, x2: -9});
  svg.append(cursor);
  const reading = h('output', {class: 'reading'});
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    const i = Math.round(((at - left) / (width - left - right)) * (n - 1));
    if (i < 0 || i >= n) return;
    cursor.setAttribute('x1', x(i));
    cursor.setAttribute('x2', x(i));
    const when = new Date((start + i * stepSeconds) * 1000).toLocaleString(undefined,
      {month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false});
    reading.textContent = `${when}  ` + lines.map((l) =>
      `${l.name} ${l.values[i] === null ? 'not known' : format(l.values[i])}`).join('  ');
  });
  svg.addEventListener('pointerleave', () => {
    cursor.setAttribute('x1', -9);
    cursor.setAttribute('x2', -9);
    reading.textContent = '';
  });
  const legend = lines.length > 1 && h('span', {class: 'legend'},
    lines.map((l) => h('span', {class: l.class}, l.name)));
  return h('figure', {class: 'graph'}, h('figcaption', {}, h('b', {}, title), legend, reading), svg);
}
