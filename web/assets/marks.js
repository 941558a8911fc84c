// SPDX-License-Identifier: Apache-2.0
// Marks: what viewers drew and the levels they want to be told about. The server keeps them for everybody; one that
// cannot leaves them in this browser.
import { Digits } from './exact-json.js';
import { compare } from './decimal-text.js';
import { storageOrNone } from './memory.js';

const STORED = 'bixws.marks';
const MOST_FIRED = 100;

const ofClients = new WeakMap();

/** The marks of a client: one list for all elements that show it. */
export function marksOf(client) {
  if (!ofClients.has(client)) ofClients.set(client, new Marks(client));
  return ofClients.get(client);
}

/** A mark: {id, symbol, kind, points: [[ts in microseconds, price text], ...], text, color}. kind `alert`: a level. */
export class Marks {
  #client;
  #marks = new Map();
  #callbacks = new Set();
  #storage;
  #lastPrices = new Map();
  /** Newest first: {ts, symbol, text, price, direction}; the server's alerts and this page's. */
  fired = [];
  /** False: the server cannot keep them. */
  shared = true;

  constructor(client, storage = storageOrNone()) {
    this.#client = client;
    this.#storage = storage;
    for (const mark of this.#readLocal()) this.#marks.set(mark.id, mark);
    client.subscribe({ channels: ['annotations'] }).answered?.catch(() => {});
    client.subscribe({ channels: ['alerts'] }).answered?.catch(() => {});
    client.on('annotation', (message) => this.#take(message));
    client.on('alert', (message) => this.#fire({ ts: message.ts, symbol: message.symbol, text: message.text ?? '', price: message.price, id: message.id }, message.history === true));
    client.on('epoch', () => {
      for (const [id, mark] of this.#marks) if (!mark.local) this.#marks.delete(id);
      this.fired = this.fired.filter((entry) => entry.own);
      this.#lastPrices.clear();
      this.#tell('all');
    });
    client.on('prices', (symbols) => this.#check(symbols));
    client.on('state', () => this.#lastPrices.clear()); // what was crossed while nobody looked is not news
  }

  /** Called with the kind of change: marks, fired, all. */
  onChange(callback) {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  #tell(what, entry) {
    for (const callback of this.#callbacks) callback(what, entry);
  }

  of(symbol) {
    return [...this.#marks.values()].filter((mark) => mark.symbol === symbol);
  }

  levels() {
    return [...this.#marks.values()].filter((mark) => mark.kind === 'alert');
  }

  /** New, or changed if it has the `id` of one. */
  async put(mark) {
    const id = mark.id ?? `w${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
    const before = this.#marks.get(id);
    const whole = { ...before, ...mark, id, local: true };
    this.#marks.set(id, whole); // at once, so that a drawing does not blink; the server's answer replaces it
    this.#tell('marks');
    if (this.shared && this.#client.isConnected()) {
      try {
        await this.#client.annotate(this.#message(whole));
        this.#saveLocal();
        return id;
      } catch (error) {
        if (error.code === 'unknown_type') this.shared = false;
        else if (error.code !== 'timeout' && error.code !== 'disconnected') {
          if (before) this.#marks.set(id, before);
          else this.#marks.delete(id);
          this.#tell('marks');
          throw error;
        }
      }
    }
    this.#saveLocal();
    this.#tell('marks');
    return id;
  }

  async remove(id) {
    const mark = this.#marks.get(id);
    if (!mark) return;
    this.#marks.delete(id);
    this.#saveLocal();
    this.#tell('marks');
    if (!mark.local) await this.#client.annotate({ id, symbol: mark.symbol, delete: true }).catch(() => {});
  }

  #message({ id, symbol, kind, points, text, color }) {
    const [ts, price] = points[0];
    return { id, symbol, kind, ts, price: new Digits(price), points: points.map(([at, value]) => [at, new Digits(value)]), text: text || undefined, color: color || undefined };
  }

  #take(message) {
    if (message.deleted || message.delete) this.#marks.delete(message.id);
    else {
      const points = message.points?.length ? message.points : [[message.ts, message.price]];
      this.#marks.set(message.id, { id: message.id, symbol: message.symbol, kind: message.kind || 'note', points, text: message.text ?? '', color: message.color });
    }
    this.#saveLocal();
    this.#tell('marks');
  }

  // Alert levels ----------------------------------------------------------------------------------------------------

  #check(symbols) {
    const levels = this.levels();
    for (const symbol of symbols) {
      const price = this.#client.getLatestPrice(symbol);
      const before = this.#lastPrices.get(symbol);
      if (price === undefined || price === before) continue;
      this.#lastPrices.set(symbol, price);
      if (before === undefined) continue;
      for (const level of levels) {
        if (level.symbol !== symbol) continue;
        const at = level.points[0][1];
        const up = compare(before, at) < 0 && compare(price, at) >= 0;
        const down = compare(before, at) > 0 && compare(price, at) <= 0;
        if (!up && !down) continue;
        const { ts, recv_ts: received } = this.#client.getLatestData(symbol);
        this.#fire({ ts: ts ?? received, symbol, text: level.text, price, level: at, direction: up ? 'up' : 'down', own: true });
      }
    }
  }

  /** `before`: it fired before this page looked; listed, but nobody is called for it. */
  #fire(entry, before = false) {
    if (entry.id !== undefined && this.fired.some((known) => known.id === entry.id && known.ts === entry.ts)) return;
    this.fired.unshift(entry);
    this.fired.length = Math.min(this.fired.length, MOST_FIRED);
    if (before) this.#tell('marks');
    else this.#tell('fired', entry);
  }

  // This browser's memory -------------------------------------------------------------------------------------------

  #readLocal() {
    try {
      const list = JSON.parse(this.#storage?.getItem(STORED) ?? '[]');
      return list.filter((mark) => mark && mark.id && mark.symbol && Array.isArray(mark.points)).map((mark) => ({ ...mark, local: true }));
    } catch {
      return [];
    }
  }

  #saveLocal() {
    try {
      const own = [...this.#marks.values()].filter((mark) => mark.local);
      if (own.length) this.#storage?.setItem(STORED, JSON.stringify(own));
      else this.#storage?.removeItem(STORED);
    } catch {
      // Kept as long as the page, then.
    }
  }
}
