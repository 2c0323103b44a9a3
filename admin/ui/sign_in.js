// Who are you?
import {h, field, toast} from './dom.js';
import {ask} from './api.js';

/** `known`: the session's state, when it has been asked for just now. */
export function signInView(signedIn, known) {
  const error = h('p', {class: 'error', role: 'alert'});
  const form = h('form', {class: 'card sign-in', 'data-keep': true},
    h('img', {src: '/icon.svg', alt: '', width: 48, height: 48}),
    h('h1', {}, 'Poise'),
    field('Name', h('input', {name: 'user', required: true, autocomplete: 'username', autofocus: true})),
    field('Password', h('input', {name: 'password', type: 'password', required: true,
                                  autocomplete: 'current-password'})),
    error,
    h('button', {class: 'primary', type: 'submit'}, 'Sign in'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    error.textContent = '';
    try {
      signedIn(await ask('POST', '/session', Object.fromEntries(new FormData(form))));
    } catch (problem) {
      error.textContent = problem.status === 429
        ? `Too many wrong passwords: ${problem.message}.` : problem.title + '.';
      form.querySelector('[name=password]').select();
    } finally { button.disabled = false; }
  });
  Promise.resolve(known || ask('GET', '/session')).then((session) => {
    if (session.has_users) return;
    form.append(h('p', {class: 'muted'}, 'This node has no users yet. Make one on it: ',
      h('code', {}, 'poise user add NAME'), ', or use the link that ', h('code', {}, 'poise serve'),
      ' prints on a terminal at its start.'));
  }).catch((problem) => toast(problem.message, true));
  return h('div', {class: 'alone', 'data-key': 'sign-in'}, form);
}
