// SPDX-License-Identifier: Apache-2.0
// <bixws-book>: the order book as a ladder, asks above bids, with the depth behind each price drawn and summed up.
import { Component } from './component.js';
import { add, subtract } from './decimal-text.js';
import { h, setAttribute, setText } from './dom.js';
import { t } from './language.js';
import { numberStyle, onNumberStyle } from './page-style.js';

export class BookLadder extends Component {
  static observedAttributes = ['url', 'symbol', 'depth'];
  #rows = { asks: [], bids: [] };
  #parts = {};
  #refused = '';
  #centred = false;

  get #depth() {
    return Number(this.getAttribute('depth') ?? 25);
  }

  get #channel() {
    return `book:${this.#depth}`;
  }

  build() {
    const parts = (this.#parts = {});
    this.#rows = { asks: [], bids: [] };
    parts.caption = h('caption', { class: 'bx-unseen' });
    parts.asks = h('tbody', { class: 'bx-asks', 'aria-label': t('asks') });
    parts.bids = h('tbody', { class: 'bx-bids', 'aria-label': t('bids') });
    parts.spread = h('span', { class: 'bx-number' });
    parts.spreadPercent = h('span', { class: 'bx-number bx-muted' });
    parts.middle = h('tbody', { class: 'bx-middle' }, h('tr', {},
      h('th', { scope: 'row', colspan: '3' }, h('span', { class: 'bx-label' }, t('spread')), ' ', parts.spread, ' ', parts.spreadPercent)));
    parts.scroll = h('div', { class: 'bx-scroll', tabindex: '0', role: 'region', 'aria-label': t('book') },
      h('table', { class: 'bx-table bx-ladder' }, parts.caption,
        h('thead', {}, h('tr', {}, [t('price'), t('size'), t('total')].map((text) => h('th', { scope: 'col', class: 'bx-end' }, text)))),
        parts.asks, parts.middle, parts.bids));
    parts.state = h('div', { class: 'bx-warning', hidden: true });
    parts.note = h('div', { class: 'bx-note', hidden: true });
    this.append(parts.state, parts.scroll, parts.note);
    this.#centred = false;
  }

  attach() {
    const symbol = this.getAttribute('symbol');
    this.#refused = '';
    this.#centred = false;
    if (!symbol) return;
    const depth = this.#depth;
    this.listen('book', (message) => {
      if (message.symbol === symbol && message.depth === depth) this.changed();
    });
    this.listen('epoch', () => this.changed(true));
    this.listen('state', () => this.changed(true));
    this.until(onNumberStyle(() => this.changed(true)));
    this.want({ channels: [this.#channel], symbols: [symbol] }).catch((error) => {
      this.#refused = error.message;
      this.changed(true);
    });
  }

  #row(side, at) {
    const rows = this.#rows[side];
    while (rows.length <= at) {
      const price = h('td', { class: 'bx-end bx-number bx-book-price' });
      const size = h('td', { class: 'bx-end bx-number' });
      const total = h('td', { class: 'bx-end bx-number bx-muted' });
      const bar = h('span', { class: 'bx-depth', 'aria-hidden': 'true' });
      total.append(document.createTextNode(''), bar);
      const row = { element: h('tr', {}, price, size, total), price, size, total: total.firstChild, bar, shown: '' };
      // Asks stand upside down: the best one next to the spread.
      if (side === 'asks') this.#parts.asks.prepend(row.element);
      else this.#parts.bids.append(row.element);
      rows.push(row);
    }
    return rows[at];
  }

  #writeSide(side, levels, largest, style) {
    let total = '0';
    levels.forEach(([price, size], at) => {
      total = add(total, size);
      const row = this.#row(side, at);
      row.element.hidden = false;
      const shown = `${price} ${size} ${total}`;
      if (row.shown !== shown) {
        row.shown = shown;
        setText(row.price, style.exact(price));
        setText(row.size, style.exact(size));
        row.total.data = style.exact(total);
      }
      const width = largest > 0 ? (Number(total) / largest).toFixed(3) : '0';
      if (row.width !== width) row.bar.style.transform = `scaleX(${(row.width = width)})`;
    });
    for (let at = levels.length; at < this.#rows[side].length; at += 1) this.#rows[side][at].element.hidden = true;
  }

  render() {
    if (!this.client) return;
    const symbol = this.getAttribute('symbol');
    const book = symbol ? this.client.getBook(symbol, this.#channel) : undefined;
    const { scroll, note, state, spread, spreadPercent, caption } = this.#parts;
    const has = Boolean(book && (book.bids.levels.length || book.asks.levels.length));
    scroll.hidden = !has;
    note.hidden = has;
    const warning = !has ? '' : !this.client.isConnected() || book.state === 'stale' ? 'bookStale' : book.state === 'resyncing' ? 'bookResyncing' : '';
    state.hidden = warning === '';
    setText(state, warning ? t(warning) : '');
    setAttribute(this, 'data-stale', warning !== '' || undefined);
    if (!has) {
      const lines = !symbol ? [this.noSymbol] : [t('noBook', { symbol }), this.#refused || t('noBookWhy')];
      if (note.textContent !== lines.join('')) note.replaceChildren(...lines.map((line, i) => h('p', { class: i ? undefined : 'bx-note-title' }, line)));
      return;
    }
    const style = numberStyle();
    this.#style(style);
    const bids = book.bids.levels.slice(0, this.#depth);
    const asks = book.asks.levels.slice(0, this.#depth);
    const sum = (levels) => levels.reduce((total, level) => total + Number(level[1]), 0);
    const largest = Math.max(sum(bids), sum(asks));
    this.#writeSide('asks', asks, largest, style);
    this.#writeSide('bids', bids, largest, style);
    if (bids.length && asks.length) {
      const width = subtract(asks[0][0], bids[0][0]);
      setText(spread, style.exact(width));
      setText(spreadPercent, style.percent(((Number(width) / Number(asks[0][0])) * 100).toFixed(3)).replace('+', ''));
    }
    setText(caption, t('bookCaption', { symbol }));
    if (!this.#centred) this.#centre();
  }

  /** Another locale writes every row anew. */
  #style(style) {
    if (this.writtenWith === style) return;
    this.writtenWith = style;
    for (const row of [...this.#rows.asks, ...this.#rows.bids]) row.shown = '';
  }

  /** The spread in the middle of what is seen, once: afterwards the viewer scrolls. */
  #centre() {
    const { scroll, middle } = this.#parts;
    if (scroll.clientHeight === 0) return;
    this.#centred = true;
    scroll.scrollTop = middle.offsetTop - scroll.clientHeight / 2 + middle.offsetHeight / 2;
  }
}

customElements.define('bixws-book', BookLadder);
