// Elements made by functions, and a page that changes only where it has to.

const SVG = new Set(['svg', 'path', 'rect', 'circle', 'line', 'g', 'text', 'polyline', 'title']);

/** h('p', {class: 'x', 'data-do': 'open'}, 'text', node, [nodes]): an element. */
export function h(tag, attributes, ...children) {
  const element = SVG.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag)
                               : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child instanceof Node) element.appendChild(child);
    else if (child !== undefined && child !== null && child !== false)
      element.appendChild(document.createTextNode(String(child)));
  }
}

/** Makes `old` look like `fresh`, touching only what differs: focus, selection and scrolling stay. */
export function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName ||
      key(old) !== key(fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return old;
  }
  if (old.hasAttribute('data-keep')) return old;  // looks after itself
  for (const {name} of [...old.attributes])
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const {name, value} of fresh.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  for (let i = 0; i < Math.max(before.length, after.length); ++i) {
    if (i >= after.length) before[i].remove();
    else if (i >= before.length) old.appendChild(after[i]);
    else morph(before[i], after[i]);
  }
  return old;
}

const key = (node) => (node.getAttribute ? node.getAttribute('data-key') : null);

/** Puts `fresh` into `holder` as its only child. */
export function show(holder, fresh) {
  if (holder.firstChild && !holder.firstChild.nextSibling) morph(holder.firstChild, fresh);
  else holder.replaceChildren(fresh);
}

/** A short message that goes by itself. */
export function toast(text, bad = false) {
  const one = h('div', {class: 'toast' + (bad ? ' bad' : '')}, text);
  document.getElementById('toasts').append(one);
  setTimeout(() => one.remove(), bad ? 9000 : 4500);
}

/**
 * A dialog. `build(close)` gives its content; resolves with what close() was called with, or
 * null when it was left.
 */
export function dialog(title, build, wide = false) {
  return new Promise((resolve) => {
    const box = h('dialog', {class: wide ? 'wide' : '', 'aria-label': title});
    const close = (result = null) => { box.returned = result; box.close(); };
    box.append(h('header', {}, h('h2', {}, title),
      h('button', {class: 'quiet', type: 'button', 'aria-label': 'Close', 'data-close': true}, '✕')));
    box.append(build(close));
    box.addEventListener('click', (event) => {
      if (event.target === box || event.target.closest('[data-close]')) close();
    });
    box.addEventListener('close', () => { box.remove(); resolve(box.returned ?? null); });
    document.body.append(box);
    box.showModal();
    (box.querySelector('[autofocus]') || box.querySelector('input, button.primary'))?.focus();
  });
}

/** Asks before something is done; resolves to true or false. */
export async function confirmed(title, lines, label, danger = false) {
  const yes = await dialog(title, (close) => {
    const act = h('button', {class: danger ? 'primary danger' : 'primary', type: 'button',
                             autofocus: true}, label);
    act.addEventListener('click', () => close(true));
    return h('div', {}, lines.map((line) => h('p', {}, line)),
      h('footer', {}, h('button', {type: 'button', 'data-close': true}, 'Cancel'), act));
  });
  return yes === true;
}

/** A labelled input. */
export function field(label, input, hint) {
  return h('label', {class: 'field'}, h('span', {}, label), input,
    hint && h('small', {}, hint));
}
