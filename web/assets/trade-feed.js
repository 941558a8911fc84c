// SPDX-License-Identifier: Apache-2.0
// <bixws-trades>: the trades of one symbol as they happen, newest first, with what is missing said in between.
import { Component } from './component.js';
import { h, setAttribute, setText } from './dom.js';
import { t } from './language.js';
import { numberStyle, onNumberStyle } from './page-style.js';

const KEPT = 60; // rows; the elements are reused

export class TradeFeed extends Component {
  static observedAttributes = ['url', 'symbol'];
  #trades = []; // newest last: trades, and gaps {gap, lost}
  #added = 0;
  #rows = [];
  #parts = {};

  build() {
    const parts = (this.#parts = {});
    this.#rows = [];
    parts.caption = h('caption', { class: 'bx-unseen' });
    parts.list = h('tbody');
    parts.table = h('table', { class: 'bx-table bx-trades' }, parts.caption,
      h('thead', {}, h('tr', {},
        h('th', { scope: 'col', class: 'bx-end' }, t('price')),
        h('th', { scope: 'col', class: 'bx-end' }, t('size')),
        h('th', { scope: 'col' }, h('span', { class: 'bx-side-head' }, t('side'))),
        h('th', { scope: 'col', class: 'bx-end' }, t('time')))),
      parts.list);
    parts.scroll = h('div', { class: 'bx-scroll', tabindex: '0', role: 'region', 'aria-label': t('trades') }, parts.table);
    parts.note = h('div', { class: 'bx-note', hidden: true });
    this.append(parts.scroll, parts.note);
    this.#added = this.#trades.length;
  }

  attach() {
    this.#clear();
    const symbol = this.getAttribute('symbol');
    if (!symbol) return;
    this.listen('trades', (message) => {
      if (message.symbol !== symbol) return;
      for (const trade of message.data) this.#push(trade);
      this.changed();
    });
    this.listen('gap', (gap) => {
      if (gap.symbol !== symbol || (gap.channel && gap.channel !== 'trades')) return;
      this.#push({ gap: true, lost: gap.lost, reason: gap.reason });
      this.changed();
    });
    this.listen('epoch', () => this.#clear());
    this.listen('state', () => {
      if (this.#trades.length === 0) this.#begin(symbol);
      this.changed(true);
    });
    this.until(onNumberStyle(() => {
      this.#added = Math.min(KEPT, this.#trades.length);
      this.changed(true);
    }));
    this.want({ channels: ['trades'], symbols: [symbol] }).catch(() => {});
    this.#begin(symbol);
  }

  /** The last trades before now, if the server remembers them and none came meanwhile. */
  async #begin(symbol) {
    if (!this.client.isConnected()) return;
    try {
      const past = await this.client.history(symbol, 'trades', { limit: KEPT });
      if (this.getAttribute('symbol') !== symbol) return;
      const known = new Set(this.#trades.map((trade) => trade.id));
      this.#trades = [...past.flatMap((entry) => entry.data ?? [entry]).filter((trade) => !known.has(trade.id)), ...this.#trades].slice(-KEPT);
      this.#added = this.#trades.length;
      this.changed();
    } catch {
      // Without history it begins now.
    }
  }

  #push(trade) {
    this.#trades.push(trade);
    this.#added += 1;
    if (this.#trades.length > 2 * KEPT) this.#trades = this.#trades.slice(-KEPT);
  }

  #clear() {
    this.#trades = [];
    this.#added = 0;
    this.#rows = [];
    this.#parts.list.replaceChildren();
    this.changed(true);
  }

  #makeRow() {
    const price = h('td', { class: 'bx-end bx-number bx-trade-price' });
    const size = h('td', { class: 'bx-end bx-number' });
    const side = document.createTextNode('');
    const word = h('span', { class: 'bx-side-word' });
    const time = h('td', { class: 'bx-end bx-number bx-time' });
    return { element: h('tr', {}, price, size, h('td', { class: 'bx-trade-side' }, side, word), time), price, size, side, word, time };
  }

  #writeRow(row, trade, style) {
    setAttribute(row.element, 'data-gap', trade.gap || undefined);
    if (trade.gap) {
      setText(row.price, trade.lost ? t('gapOf', { lost: style.count(trade.lost) }) : t('gapUnknown'));
      setText(row.size, '');
      row.side.data = '';
      setText(row.word, '');
      setText(row.time, '');
      setAttribute(row.element, 'data-side', undefined);
      setAttribute(row.element, 'title', trade.reason);
      return;
    }
    setAttribute(row.element, 'title', undefined);
    setText(row.price, style.exact(trade.price));
    setText(row.size, style.exact(trade.size));
    row.side.data = trade.side === 'buy' ? '▲ ' : trade.side === 'sell' ? '▼ ' : '';
    setText(row.word, row.side.data && t(trade.side));
    setText(row.time, style.time(trade.ts || trade.recv_ts, true));
    setAttribute(row.element, 'data-side', trade.side);
  }

  render() {
    if (!this.client) return;
    const style = numberStyle();
    const { list, note, scroll, caption } = this.#parts;
    const shown = this.#trades.slice(-KEPT);
    // Only the newest rows are written; what was there moves down by itself.
    const fresh = Math.min(this.#added, shown.length);
    this.#added = 0;
    for (let i = shown.length - fresh; i < shown.length; i += 1) {
      const row = this.#rows.length >= KEPT ? this.#rows.pop() : this.#makeRow();
      this.#writeRow(row, shown[i], style);
      this.#rows.unshift(row);
      list.prepend(row.element);
    }
    const symbol = this.getAttribute('symbol');
    setText(caption, t('tradesCaption', { symbol: symbol ?? '' }));
    setAttribute(this, 'data-stale', (!this.client.isConnected() && shown.length > 0) || undefined);
    const empty = shown.length === 0;
    scroll.hidden = empty;
    note.hidden = !empty;
    if (empty) {
      const lines = symbol ? [t('noTrades'), t('noTradesWhy')] : [this.noSymbol];
      if (note.textContent !== lines.join('')) note.replaceChildren(...lines.map((line, i) => h('p', { class: i ? undefined : 'bx-note-title' }, line)));
    }
  }
}

customElements.define('bixws-trades', TradeFeed);
