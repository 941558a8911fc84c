// SPDX-License-Identifier: Apache-2.0
// Single keys of the page, and the list of them.
import { h, icon } from './dom.js';
import { t } from './language.js';

const LIST = [['/', 'keySearch'], ['j k', 'keyMove'], ['[ ]', 'keyTimeframe'], ['r', 'keyRefresh'], ['p', 'keySay'], ['l', 'keyLayout'], ['t', 'keyTheme'], ['Space', 'keyPause'], ['.', 'keyStep'], ['?', 'keyHelp']];

/** Only when nobody types, and only while the viewer wants them. */
export function onKeys(wanted, actions) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !wanted()) return;
    const { target } = event;
    if (target.closest('input, select, textarea, dialog, [contenteditable]')) return;
    if (event.key === ' ' && target.closest('button, summary, a, [tabindex="0"]')) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

export function helpDialog() {
  const dialog = h('dialog', { class: 'bx-dialog', 'aria-labelledby': 'bx-help-title', onclose: () => dialog.remove() },
    h('form', { method: 'dialog' },
      h('div', { class: 'bx-row' }, h('h2', { id: 'bx-help-title', class: 'bx-grow' }, t('help')), h('button', { class: 'bx-button', 'aria-label': t('close') }, icon('close'))),
      h('dl', { class: 'bx-keys' }, LIST.flatMap(([keys, word]) => [h('dt', {}, keys.split(' ').map((key) => h('kbd', {}, key))), h('dd', {}, t(word))]))));
  document.body.append(dialog);
  dialog.showModal();
}
