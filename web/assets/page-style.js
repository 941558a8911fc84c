// SPDX-License-Identifier: Apache-2.0
// The number style all elements of a page write with, and who wants to know when it changes.
import { NumberStyle } from './number-style.js';

let current = new NumberStyle(globalThis.navigator?.language ?? 'en');
const callbacks = new Set();

export function numberStyle() {
  return current;
}

/** A BCP 47 name; empty: the browser's. */
export function setNumberLocale(locale) {
  const name = locale || globalThis.navigator?.language || 'en';
  if (name === current.locale) return;
  current = new NumberStyle(name);
  for (const callback of callbacks) callback();
}

export function onNumberStyle(callback) {
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}
