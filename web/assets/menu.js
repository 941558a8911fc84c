// SPDX-License-Identifier: Apache-2.0
// A button with a panel that opens below it: by click or key, closed by Escape or a click elsewhere.
import { h } from './dom.js';

let open = null;

function close(returnFocus) {
  if (!open) return;
  const { button, panel } = open;
  open = null;
  panel.hidden = true;
  button.setAttribute('aria-expanded', 'false');
  if (returnFocus) button.focus();
}

globalThis.document?.addEventListener('pointerdown', (event) => {
  if (open && !open.root.contains(event.target)) close(false);
});
globalThis.document?.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && open) {
    event.stopPropagation();
    close(true);
  }
}, true);
globalThis.document?.addEventListener('focusin', (event) => {
  if (open && !open.root.contains(event.target)) close(false);
});

let number = 0;

/** {root, button, panel}. `onOpen` runs before the panel is shown. */
export function menu({ label, content = [], face = [], className = '', onOpen }) {
  const id = `bx-menu-${(number += 1)}`;
  const panel = h('div', { class: 'bx-panel', id, hidden: true, role: 'group', 'aria-label': label }, content);
  const button = h('button', {
    type: 'button', class: 'bx-button', 'aria-expanded': 'false', 'aria-controls': id, 'aria-label': label, title: label,
    onclick: () => {
      if (open?.panel === panel) {
        close(true);
        return;
      }
      close(false);
      onOpen?.();
      panel.hidden = false;
      button.setAttribute('aria-expanded', 'true');
      open = { root, button, panel };
    },
  }, face);
  const root = h('div', { class: `bx-menu ${className}` }, button, panel);
  return { root, button, panel, close: () => open?.panel === panel && close(true) };
}
