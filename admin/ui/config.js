// The configuration: an editor that shows what is wrong where it is wrong, and what would change.
import {h, dialog, confirmed, toast} from './dom.js';
import {ask} from './api.js';
import {moment} from './format.js';
import {Editor} from './editor.js';
import {guided} from './create.js';

let editor = null;
let loaded = null;    // {path, version, text}
let checked = null;   // the last answer of a check
let history = [];
let trouble = '';
let redraw = () => {};
let wait = null;
let draft = null;     // a text that another page hands over

const may = (session) => session.role === 'administrator';

async function load(session) {
  try {
    loaded = await ask('GET', '/config');
    trouble = '';
    if (may(session)) history = await ask('GET', '/config/history');
  } catch (problem) {
    loaded = null;
    trouble = problem.message;
  }
}

async function check() {
  const text = editor.text;
  try {
    const answer = await ask('POST', '/config/check', {text});
    if (text !== editor.text) return;  // typed on meanwhile
    checked = answer;
    editor.mark(answer.errors);
  } catch (problem) { toast(problem.message, true); }
  redraw();
}

export async function enter(session, _rest, draw) {
  redraw = draw;
  if (editor && dirty() && !draft) return;  // what was typed stays
  await load(session);
  if (!loaded) return draw();
  editor = new Editor(draft ?? loaded.text, !may(session), () => {
    clearTimeout(wait);
    wait = setTimeout(check, 500);
    redraw();
  });
  checked = null;
  if (draft !== null) check();
  draft = null;
  draw();
}

/** Opens the editor with this text in place of the file's. */
export function edit(text) {
  draft = text;
  editor = null;
  if (location.hash === '#/config') dispatchEvent(new HashChangeEvent('hashchange'));
  else location.hash = '#/config';
}

const dirty = () => editor && loaded && editor.text !== loaded.text;

function verdict() {
  if (!checked || !dirty()) return false;
  if (checked.errors.length || checked.error) {
    return h('section', {class: 'card verdict bad', 'data-key': 'bad'},
      h('h2', {}, `${checked.errors.length || 1} error${checked.errors.length === 1 ? '' : 's'}`),
      h('ul', {}, (checked.errors.length ? checked.errors : [{message: checked.error}]).map((one) =>
        h('li', {}, one.line > 0 && h('button', {type: 'button', class: 'link', 'data-do': 'goto',
          'data-line': one.line, 'data-column': one.column}, `line ${one.line}`),
          h('span', {}, one.message), one.hint && h('small', {}, one.hint)))));
  }
  return h('section', {class: 'card verdict good', 'data-key': 'good'},
    h('h2', {}, 'Good. It would change:'),
    h('ul', {}, checked.changes.map((line) => h('li', {}, line))));
}

function past(session) {
  if (!may(session) || !history.length) return false;
  return h('section', {class: 'card'}, h('h2', {}, 'History'),
    h('ul', {class: 'log'}, history.slice(0, 20).map((one) => h('li', {'data-key': one.number},
      h('time', {datetime: one.at}, moment(one.at)),
      h('span', {}, one.who || 'by hand', one.comment && h('small', {}, one.comment)),
      one.version === loaded.version ? h('span', {class: 'chip'}, 'in force')
        : h('button', {type: 'button', class: 'small', 'data-do': 'revision', 'data-number': one.number},
          'Compare')))));
}

export function render(session) {
  if (!loaded || !editor) return h('p', {class: 'card'}, trouble || 'Loading…');
  const ready = checked && !checked.error && dirty();
  return h('div', {class: 'stack', 'data-key': 'config'},
    h('div', {class: 'title'}, h('h1', {}, 'Configuration'),
      h('span', {class: 'muted'}, `${loaded.path} · version ${loaded.version}`),
      may(session) && h('span', {class: 'buttons'},
        h('button', {type: 'button', 'data-do': 'create'}, 'New service'),
        h('button', {type: 'button', 'data-do': 'revert', disabled: !dirty()}, 'Undo all'),
        h('button', {type: 'button', class: 'primary', 'data-do': 'apply', disabled: !ready},
          'Review and apply'))),
    editor.element, verdict(), past(session));
}

export function diffView(lines) {
  if (!lines.length) return h('p', {class: 'muted'}, 'The text is the same.');
  return h('pre', {class: 'diff', tabindex: 0}, lines.map((line) =>
    h('div', {class: {'+': 'added', '-': 'removed', '~': 'skipped'}[line.kind] || ''},
      h('i', {}, line.kind === '~' ? '⋯' : line.after || line.before), line.kind === '~' ? '' :
      `${line.kind} ${line.text}`)));
}

async function apply(_element, session) {
  await check();
  if (!checked || checked.error) return toast('It has errors: nothing was applied.', true);
  const text = editor.text;
  const comment = await dialog('Apply this change?', (close) => {
    const why = h('input', {name: 'comment', maxlength: 500, placeholder: 'Why, for the history (optional)'});
    const act = h('button', {class: 'primary', type: 'button', autofocus: true}, 'Apply');
    act.addEventListener('click', () => close({text: why.value}));
    return h('div', {}, h('ul', {class: 'changes'}, checked.changes.map((line) => h('li', {}, line))),
      diffView(checked.diff), why,
      h('footer', {}, h('button', {type: 'button', 'data-close': true}, 'Cancel'), act));
  }, true);
  if (!comment) return;
  try {
    const done = await ask('PUT', '/config',
      {text, expected_version: loaded.version, comment: comment.text});
    toast(`Applied: generation ${done.generation} is in force.`);
    await load(session);
    editor.text = loaded.text;
    checked = null;
    editor.mark([]);
  } catch (problem) {
    if (problem.kind === 'conflict') return conflict(session);
    editor.mark(problem.errors.map((one) => ({...one, message: one.detail})));
    toast(`${problem.title}: ${problem.message}`, true);
  }
}

async function conflict(session) {
  const mine = editor.text;
  await load(session);
  if (await confirmed('The file has changed meanwhile',
    ['Somebody else has applied another text since you began. Nothing of yours is lost: compare it with the ' +
     'new one, and apply again.'], 'Compare')) {
    editor.text = mine;
    await check();
    await dialog('Your text against the file', () => diffView(checked.diff), true);
  }
}

async function revision(element, session) {
  const number = element.dataset.number;
  const one = await ask('GET', `/config/history/${number}`);
  const back = await dialog(`Back to number ${number}?`, (close) => {
    const act = h('button', {class: 'primary', type: 'button'}, 'Roll back');
    act.addEventListener('click', () => close(true));
    return h('div', {}, diffView(one.diff),
      h('footer', {}, h('button', {type: 'button', 'data-close': true}, 'Cancel'), act));
  }, true);
  if (!back) return;
  const done = await ask('POST', `/config/history/${number}/restore`, {expected_version: loaded.version});
  toast(`Rolled back: generation ${done.generation} is in force.`);
  await load(session);
  editor.text = loaded.text;
  checked = null;
}

export const actions = {
  apply,
  revision,
  create: () => guided(),
  goto: (element) => editor.goto(Number(element.dataset.line), Number(element.dataset.column)),
  revert: async () => {
    if (!await confirmed('Undo all changes?', ['The editor shows the file as it is on the node again.'],
      'Undo all')) return;
    editor.text = loaded.text;
    checked = null;
    editor.mark([]);
  },
};
