// SPDX-License-Identifier: Apache-2.0
// Settings: what a viewer chose. The URL wins (a shared view), then what this browser remembers, then the default.
// Only what differs from the default stands in the URL, so that a link is short and says what is special.
import { storageOrNone } from './memory.js';

const oneOf = (...values) => (text) => (values.includes(text) ? text : undefined);
const number = (least, most) => (text) => (/^\d+$/.test(text) && text >= least && text <= most ? Number(text) : undefined);
const list = (text) => text.split(',').map((item) => item.trim()).filter((item) => /^[\w:./-]{1,60}$/.test(item));
const words = (text) => (/^[\w.:,~-]{0,400}$/.test(text) ? text : undefined);
const locale = (text) => {
  try {
    return text === '' ? '' : Intl.getCanonicalLocales(text)[0];
  } catch {
    return undefined;
  }
};

/** name: [default, reader of its text]. */
export const KNOWN = {
  symbols: [[], list], // shown in the list, in this order; none: all
  symbol: ['', (text) => (/^[\w:./-]{0,60}$/.test(text) ? text : undefined)], // chart, book and trades
  layout: ['desk', oneOf('desk', 'chart', 'wall')],
  theme: ['system', oneOf('system', 'light', 'dark')],
  colors: ['safe', oneOf('safe', 'green-red', 'red-green')],
  lang: ['', oneOf('', 'en', 'de', 'ar')],
  numbers: ['', locale],
  dir: ['auto', oneOf('auto', 'ltr', 'rtl')],
  rate: ['live', oneOf('live', '250', '1000', '5000', 'manual')],
  columns: ['auto', oneOf('auto', '1', '2', '3', '4', '6', '8')],
  sort: ['', words],
  timeframe: ['1m', oneOf('1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '12h', '1d')],
  bars: ['candles', oneOf('candles', 'hollow', 'ohlc', 'area')],
  indicators: ['VOL', words],
  points: [1000, number(50, 10000)],
  span: ['newest', oneOf('newest', 'whole')],
  depth: [25, (text) => (['5', '10', '25', '50', '100'].includes(text) ? Number(text) : undefined)],
  keys: ['on', oneOf('on', 'off')],
  sound: ['off', oneOf('on', 'off')],
};

/** The viewer's own, not the view's: a shared view does not take them away. */
const PERSONAL = new Set(['theme', 'colors', 'lang', 'numbers', 'dir', 'keys', 'sound']);
const STORED = 'bixws.settings';
const textOf = (value) => (Array.isArray(value) ? value.join(',') : String(value));

export class Settings {
  #values = {};
  #callbacks = new Set();

  constructor(location = globalThis.location, storage = storageOrNone()) {
    this.storage = storage;
    let remembered = {};
    try {
      remembered = JSON.parse(storage?.getItem(STORED) ?? '{}');
    } catch {
      // Not ours, or damaged: as if nothing was remembered.
    }
    const asked = new URLSearchParams(location.search);
    const isView = [...asked.keys()].some((name) => KNOWN[name] && !PERSONAL.has(name));
    for (const [name, [byDefault, read]] of Object.entries(KNOWN)) {
      const texts = [asked.get(name), isView && !PERSONAL.has(name) ? undefined : remembered?.[name]];
      this.#values[name] = byDefault;
      for (const text of texts) {
        const value = typeof text === 'string' ? read(text) : undefined;
        if (value === undefined) continue;
        this.#values[name] = value;
        break;
      }
    }
  }

  get(name) {
    return this.#values[name];
  }

  set(changes) {
    const changed = Object.keys(changes).filter((name) => textOf(changes[name]) !== textOf(this.#values[name]));
    if (changed.length === 0) return;
    for (const name of changed) this.#values[name] = changes[name];
    this.#keep();
    for (const callback of this.#callbacks) callback(changed);
  }

  onChange(callback) {
    this.#callbacks.add(callback);
  }

  /** The address that shows this view to anybody; a token is never in it. */
  link(location = globalThis.location) {
    const url = new URL(location.href);
    url.search = '';
    for (const [name, [byDefault]] of Object.entries(KNOWN)) {
      if (textOf(this.#values[name]) !== textOf(byDefault)) url.searchParams.set(name, textOf(this.#values[name]));
    }
    url.search = url.search.replaceAll('%2C', ',').replaceAll('%3A', ':');
    return url.href;
  }

  /** Into the address line and into this browser's memory. */
  #keep() {
    globalThis.history?.replaceState(null, '', this.link());
    try {
      const different = Object.entries(this.#values).filter(([name, value]) => textOf(value) !== textOf(KNOWN[name][0]));
      this.storage?.setItem(STORED, JSON.stringify(Object.fromEntries(different.map(([name, value]) => [name, textOf(value)]))));
    } catch {
      // A browser that keeps nothing (private window, full) still has the address line.
    }
  }
}
