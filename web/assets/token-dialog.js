// SPDX-License-Identifier: Apache-2.0
// Asks once for a server's token.
import { h, setText } from './dom.js';
import { t } from './language.js';
import { rememberToken } from './page-token.js';

let dialog = null;

/** `use(token)` is called with what was typed. */
export function askForToken(refused, use) {
  dialog?.remove();
  const input = h('input', { type: 'password', class: 'bx-input', autocomplete: 'off', required: true, spellcheck: 'false', id: 'bx-token' });
  const error = h('p', { class: 'bx-error', role: 'alert' });
  const show = h('button', { type: 'button', class: 'bx-link', 'aria-pressed': 'false', onclick: () => {
    input.type = input.type === 'password' ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(input.type === 'text'));
  } }, t('tokenShow'));
  const form = h('form', { onsubmit: (event) => {
    event.preventDefault();
    const token = input.value.trim();
    if (!token) return;
    rememberToken(token);
    dialog.close();
    use(token);
  } },
  h('h2', { id: 'bx-token-title' }, t('tokenTitle')), h('p', {}, t('tokenWhy')), error,
  h('label', { for: 'bx-token' }, t('token')), h('div', { class: 'bx-row' }, input, show),
  h('button', { type: 'submit', class: 'bx-button bx-primary' }, t('tokenUse')));
  dialog = h('dialog', { class: 'bx-dialog', 'aria-labelledby': 'bx-token-title' }, form);
  document.body.append(dialog);
  setText(error, refused ? t('tokenRefused') : '');
  dialog.showModal();
  input.focus();
}
