// A text area for YAML with line numbers, colours, and errors beside the lines that have them.
import {h} from './dom.js';

const pieces = /(#.*$)|("(?:\\.|[^"\\])*"|'[^']*')|^(\s*(?:- )?)([\w./*-]+)(?=:(?:\s|$))|([{,]\s*)([\w./*-]+)(?=:\s)/g;

// A line as coloured spans: comments, texts, keys.
function coloured(line) {
  const out = [];
  let at = 0;
  for (const found of line.matchAll(pieces)) {
    if (found[1] && found.index > 0 && !/\s/.test(line[found.index - 1])) continue;
    const lead = found[3] ?? found[5] ?? '';
    const text = found[1] ?? found[2] ?? found[4] ?? found[6];
    out.push(line.slice(at, found.index) + lead);
    out.push(h('span', {class: found[1] ? 'c' : found[2] ? 's' : 'k'}, text));
    at = found.index + lead.length + text.length;
  }
  out.push(line.slice(at));
  return out;
}

export class Editor {
  #area;
  #back;
  #errors = new Map();

  constructor(text, readOnly, onChange) {
    this.#area = h('textarea', {spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', wrap: 'off',
                                'aria-label': 'poise.yaml', readonly: readOnly});
    this.#area.value = text;
    this.#back = h('pre', {'aria-hidden': 'true'});
    this.element = h('div', {class: 'editor card', 'data-keep': true, 'data-key': 'editor'},
      h('div', {class: 'sheet'}, this.#back, this.#area));
    this.#area.addEventListener('input', () => { this.#paint(); onChange(); });
    this.#area.addEventListener('keydown', (event) => this.#key(event));
    this.#paint();
  }

  get text() { return this.#area.value; }
  set text(text) { this.#area.value = text; this.#paint(); }

  /** errors: [{line, column, message}]. */
  mark(errors) {
    this.#errors = new Map();
    for (const one of errors) if (!this.#errors.has(one.line)) this.#errors.set(one.line, one);
    this.#paint();
  }

  goto(line, column) {
    const lines = this.text.split('\n');
    const at = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
    this.#area.focus();
    this.#area.setSelectionRange(at, at);
    const row = this.#back.children[line - 1];
    row?.scrollIntoView({block: 'center'});
  }

  #paint() {
    const lines = this.text.split('\n');
    this.#back.replaceChildren(...lines.map((line, i) => {
      const error = this.#errors.get(i + 1);
      return h('div', {class: error ? 'wrong' : ''}, h('i', {}, i + 1), coloured(line),
        error && h('em', {}, error.message));
    }));
    const widest = lines.reduce((most, line) => Math.max(most, line.length), 0);
    this.#area.style.height = `${this.#back.scrollHeight}px`;
    this.#area.style.minWidth = `${widest + 12}ch`;
  }

  // Tab makes two spaces; Escape lets the keyboard leave.
  #key(event) {
    const area = this.#area;
    if (area.readOnly) return;
    if (event.key === 'Escape') return area.blur();
    const insert = (text) => {
      event.preventDefault();
      area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end');
      area.dispatchEvent(new Event('input'));
    };
    if (event.key === 'Tab' && !event.shiftKey) insert('  ');
    if (event.key === 'Enter') {
      const before = area.value.slice(0, area.selectionStart).split('\n').pop();
      const indent = before.match(/^\s*(?:- )?/)[0].replace('- ', '  ');
      insert('\n' + (before.trimEnd().endsWith(':') ? indent + '  ' : indent));
    }
  }
}
