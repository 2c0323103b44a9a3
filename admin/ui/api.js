// Requests to the node, with its errors as exceptions that say what was wrong.

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `HTTP ${status}`);
    this.status = status;
    this.kind = (document.type || '').split(':').pop();
    this.title = document.title || 'The request failed';
    this.errors = document.errors || [];
  }
}

let csrf = '';
let onSignedOut = () => {};

export function useSession(session) { csrf = session.csrf || ''; }
export function whenSignedOut(call) { onSignedOut = call; }

/** Gives the answer's JSON; throws a Problem. */
export async function ask(method, path, body) {
  const headers = {Accept: 'application/json'};
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch('/api/v1' + path, {
      method, headers, credentials: 'same-origin',
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, {title: 'No answer', detail: 'The node does not answer.'});
  }
  const text = await response.text();
  let document = {};
  try { document = text ? JSON.parse(text) : {}; } catch { /* told by the status */ }
  if (response.ok) return document;
  const problem = new Problem(response.status, document);
  if (problem.kind === 'sign-in') onSignedOut();
  throw problem;
}

export const part = (name) => encodeURIComponent(name);
