// SPDX-License-Identifier: Apache-2.0
// What a screen reader should say without being asked: states and alerts, never each price.
import { h } from './dom.js';

let region = null;

export function announce(text) {
  if (!region) {
    region = h('div', { class: 'bx-unseen', role: 'status', 'aria-live': 'polite' });
    document.body.append(region);
  }
  // The same words twice are two announcements.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
