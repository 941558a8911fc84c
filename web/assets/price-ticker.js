// SPDX-License-Identifier: Apache-2.0
// <bixws-ticker>: all prices, as a table (as many columns as it has room for) or as tiles on a wall.
import { Component } from './component.js';
import { compare } from './decimal-text.js';
import { h, icon, setAttribute, setText } from './dom.js';
import { frames } from './frames.js';
import { t } from './language.js';
import { menu } from './menu.js';
import { numberStyle, onNumberStyle } from './page-style.js';
import { Sparkline } from './sparkline.js';

const COLUMNS = ['symbol', 'trend', 'price', 'change24h', 'bid', 'ask', 'low24h', 'high24h', 'volume24h'];
const FIELD = { price: 'price', change24h: 'change_24h', bid: 'bid', ask: 'ask', low24h: 'low_24h', high24h: 'high_24h', volume24h: 'volume_24h' };
const HISTORY_BARS = 60;
const LEAST_TILE = [200, 190]; // pixels
const TILE_SHAPE = 1.7; // width to height

/** "kraken:BTCUSD" is BTCUSD on kraken; the first feed's symbols have no prefix. */
function nameParts(symbol) {
  const colon = symbol.indexOf(':');
  return colon < 0 ? ['', symbol] : [symbol.slice(0, colon), symbol.slice(colon + 1)];
}

/** One symbol's elements and what they show now. */
class Row {
  shown = null;
  /** up, down or '' by the price's last move. */
  move = '';

  constructor(symbol, tiles, choose) {
    this.symbol = symbol;
    this.spark = new Sparkline();
    const [exchange, name] = nameParts(symbol);
    this.button = h('button', { type: 'button', class: 'bx-name', 'data-symbol': symbol, onclick: () => choose(symbol) },
      h('span', { class: 'bx-symbol' }, name), exchange ? h('span', { class: 'bx-exchange' }, exchange) : null);
    this.same = document.createTextNode('');
    this.moved = h('span', { class: 'bx-moved' });
    this.arrow = h('span', { class: 'bx-arrow', 'aria-hidden': 'true' });
    this.cells = { price: h('span', { class: 'bx-price bx-number' }, this.same, this.moved) };
    for (const name_ of ['change24h', 'bid', 'ask', 'low24h', 'high24h', 'volume24h']) this.cells[name_] = h('span', { class: `bx-${name_} bx-number` });
    this.element = tiles ? this.#tile() : this.#tableRow();
  }

  #tableRow() {
    const { cells } = this;
    return h('tr', { 'data-symbol': this.symbol },
      h('th', { scope: 'row', class: 'bx-col-symbol' }, this.button),
      h('td', { class: 'bx-col-trend' }, this.spark.element),
      h('td', { class: 'bx-col-price' }, this.arrow, cells.price),
      h('td', { class: 'bx-col-change24h' }, cells.change24h),
      ...['bid', 'ask', 'low24h', 'high24h', 'volume24h'].map((name) => h('td', { class: `bx-col-${name}` }, cells[name])));
  }

  #tile() {
    const { cells } = this;
    this.range = h('span', { class: 'bx-range-mark' });
    return h('li', { class: 'bx-tile', 'data-symbol': this.symbol },
      h('div', { class: 'bx-tile-head' }, this.button, cells.change24h),
      h('div', { class: 'bx-tile-price' }, cells.price, this.arrow),
      this.spark.element,
      h('div', { class: 'bx-tile-foot' },
        h('span', {}, h('span', { class: 'bx-label' }, t('low24h')), cells.low24h),
        h('span', { class: 'bx-range', 'aria-hidden': 'true' }, this.range),
        h('span', {}, h('span', { class: 'bx-label' }, t('high24h')), cells.high24h)),
      h('div', { class: 'bx-tile-quote' },
        h('span', {}, h('span', { class: 'bx-label' }, t('bid')), cells.bid),
        h('span', {}, h('span', { class: 'bx-label' }, t('ask')), cells.ask),
        h('span', {}, h('span', { class: 'bx-label' }, t('volume24h')), cells.volume24h)));
  }

  /** Texts only where they differ; the digits that moved are marked. */
  write(ticker, style, wide) {
    const before = this.shown;
    this.shown = ticker;
    const { cells } = this;
    if (ticker.price !== before?.price) {
      const text = style.exact(ticker.price);
      let same = 0;
      if (before?.price !== undefined && ticker.price !== undefined) {
        const old = this.text;
        while (same < text.length && text[same] === old[same]) same += 1;
        const direction = compare(ticker.price, before.price);
        this.move = direction > 0 ? 'up' : direction < 0 ? 'down' : this.move;
      } else {
        same = text.length;
      }
      this.text = text;
      this.same.data = text.slice(0, same);
      setText(this.moved, text.slice(same));
      setAttribute(this.element, 'data-move', this.move || undefined);
      setText(this.arrow, this.move === 'up' ? '▲' : this.move === 'down' ? '▼' : '');
    }
    if (ticker.change_24h !== before?.change_24h) {
      setText(cells.change24h, style.percent(ticker.change_24h));
      const sign = Math.sign(Number(ticker.change_24h ?? 0));
      setAttribute(cells.change24h, 'data-sign', sign > 0 ? 'up' : sign < 0 ? 'down' : undefined);
    }
    if (!wide) return;
    for (const name of ['bid', 'ask', 'low24h', 'high24h']) {
      if (ticker[FIELD[name]] !== before?.[FIELD[name]] || !this.wide) setText(cells[name], style.exact(ticker[FIELD[name]]));
    }
    if (ticker.volume_24h !== before?.volume_24h || !this.wide) {
      setText(cells.volume24h, style.compact(ticker.volume_24h));
      setAttribute(cells.volume24h, 'title', style.exact(ticker.volume_24h));
    }
    if (this.range && ticker.high_24h !== undefined && ticker.low_24h !== undefined) {
      const width = Number(ticker.high_24h) - Number(ticker.low_24h);
      const place = width > 0 ? Math.min(1, Math.max(0, (Number(ticker.price) - Number(ticker.low_24h)) / width)) : 0.5;
      const left = `${(place * 100).toFixed(0)}%`;
      if (this.range.style.insetInlineStart !== left) this.range.style.insetInlineStart = left;
    }
    this.wide = true;
  }

  forget() {
    this.shown = null;
    this.wide = false;
  }
}

export class PriceTicker extends Component {
  static observedAttributes = ['url', 'symbols', 'selected', 'view', 'sort', 'columns'];
  #rows = new Map();
  #dirty = new Set();
  #order = [];
  #parts = {};
  #search = '';
  #wide = true;
  #noHistory = false;
  #observer = new ResizeObserver(([entry]) => this.#resized(entry.contentRect.width, entry.contentRect.height));
  #size = [0, 0];

  build() {
    const tiles = this.getAttribute('view') === 'tiles';
    const parts = (this.#parts = { tiles });
    this.#rows.clear();
    this.#order = [];
    parts.search = h('input', { type: 'search', class: 'bx-input', placeholder: t('searchSymbol'), 'aria-label': t('searchSymbol'), autocomplete: 'off', spellcheck: 'false', value: this.#search,
      oninput: () => this.#onSearch(), onkeydown: (event) => this.#onSearchKey(event) });
    parts.count = h('span', { class: 'bx-count' });
    parts.all = h('button', { type: 'button', class: 'bx-link', hidden: true, onclick: () => this.#ask({ symbols: [] }) }, t('showAll'));
    parts.choice = h('div', { class: 'bx-choice' });
    const choose = menu({ label: t('chooseSymbols'), className: 'bx-choose', face: [icon('settings')], content: [parts.choice], onOpen: () => this.#fillChoice() });
    parts.bar = h('div', { class: 'bx-bar' }, h('span', { class: 'bx-search' }, icon('search'), parts.search), parts.count, parts.all, choose.root);
    parts.note = h('div', { class: 'bx-note', hidden: true });
    if (tiles) {
      parts.list = h('ul', { class: 'bx-tiles', 'aria-label': t('market') });
      parts.scroll = h('div', { class: 'bx-scroll', tabindex: '-1' }, parts.list);
    } else {
      parts.caption = h('caption', { class: 'bx-unseen' });
      parts.heads = new Map();
      parts.list = h('tbody');
      const heads = COLUMNS.map((column) => {
        const sortable = column !== 'trend';
        const face = sortable ? h('button', { type: 'button', class: 'bx-sort', onclick: () => this.#onSort(column) }, t(column)) : t(column);
        const head = h('th', { scope: 'col', class: `bx-col-${column}` }, face);
        parts.heads.set(column, head);
        return head;
      });
      parts.scroll = h('div', { class: 'bx-scroll', tabindex: '-1' },
        h('table', { class: 'bx-table bx-market' }, parts.caption, h('thead', {}, h('tr', {}, heads)), parts.list));
    }
    parts.list.addEventListener('keydown', (event) => this.#onKey(event));
    this.append(parts.bar, parts.scroll, parts.note);
    this.#observer.disconnect();
    this.#observer.observe(this);
    if (this.client) for (const symbol of this.client.symbols) this.#take(symbol);
  }

  attach() {
    const { client } = this;
    for (const symbol of client.symbols) this.#take(symbol);
    this.listen('prices', (symbols) => {
      for (const symbol of symbols) this.#take(symbol);
      this.changed();
    });
    this.listen('initial_data', () => this.#forgetOthers());
    this.listen('epoch', () => {
      for (const row of this.#rows.values()) row.spark.clear();
      this.changed(true);
    });
    this.listen('state', () => this.changed(true));
    this.listen('status', () => this.#rows.size || this.changed(true));
    const timer = setInterval(() => this.#everySecond(), 1000);
    this.until(() => clearInterval(timer));
    this.until(onNumberStyle(() => this.#writeAll()));
    this.#noHistory = false;
  }

  attributeChanged(name) {
    if (name === 'view') {
      this.replaceChildren();
      this.build();
    }
    this.#order = [];
    this.changed(true);
  }

  // Data ------------------------------------------------------------------------------------------------------------

  #take(symbol) {
    if (!this.#rows.has(symbol)) {
      const row = new Row(symbol, this.#parts.tiles, (chosen) => this.#ask({ symbol: chosen }));
      this.#rows.set(symbol, row);
      this.#order = [];
      this.#fillSpark(row);
    }
    this.#dirty.add(symbol);
  }

  /** A server that came back with other symbols, or a replay that went to before their first price. */
  #forgetOthers() {
    for (const symbol of this.#rows.keys()) {
      if (this.client.getLatestData(symbol)) continue;
      this.#rows.delete(symbol);
      this.#dirty.delete(symbol);
      this.#order = [];
    }
    this.changed(true);
  }

  /** The line begins with the last hour, if the server remembers it. */
  async #fillSpark(row) {
    if (this.#noHistory || !this.client?.isConnected()) return;
    try {
      const bars = await this.client.history(row.symbol, 'candles:1m', { limit: HISTORY_BARS });
      row.spark.prepend(bars.map((bar) => Number(bar.close)));
    } catch (error) {
      if (error.code === 'unknown_type') this.#noHistory = true;
    }
  }

  #everySecond() {
    if (frames.interval === Infinity) return;
    const connected = this.client.isConnected();
    for (const symbol of this.#order) {
      const row = this.#rows.get(symbol);
      if (connected && row.shown?.price !== undefined) row.spark.add(Number(row.shown.price));
      row.spark.draw();
    }
    const [column] = this.#sorting();
    if (column && column !== 'symbol') {
      this.#order = [];
      this.changed();
    }
  }

  #writeAll() {
    for (const [symbol, row] of this.#rows) {
      row.forget();
      this.#dirty.add(symbol);
    }
    this.changed(true);
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  render() {
    if (!this.client) return;
    this.#ordered();
    const style = numberStyle();
    for (const symbol of this.#dirty) {
      const ticker = this.client.getLatestData(symbol);
      const row = this.#rows.get(symbol);
      if (ticker && row) row.write(ticker, style, this.#wide);
    }
    this.#dirty.clear();
    const stale = !this.client.isConnected() && this.#rows.size > 0;
    setAttribute(this, 'data-stale', stale || undefined);
    this.#writeNote();
  }

  #visible() {
    const chosen = this.#chosen();
    const search = this.#search.trim().toUpperCase().replace(/[-/ ]/g, '');
    let symbols = chosen.length ? chosen.filter((symbol) => this.#rows.has(symbol)) : [...this.#rows.keys()];
    // A search looks at all there are.
    if (search) symbols = [...this.#rows.keys()].filter((symbol) => symbol.toUpperCase().includes(search));
    return { symbols, filtered: chosen.length > 0 || search !== '', search };
  }

  #chosen() {
    return (this.getAttribute('symbols') ?? '').split(',').filter(Boolean);
  }

  #sorting() {
    const [, column, direction] = /^(\w+)-(up|down)$/.exec(this.getAttribute('sort') ?? '') ?? [];
    return COLUMNS.includes(column) ? [column, direction === 'up' ? 1 : -1] : ['', 1];
  }

  /** The symbols in the order of now, also between a key and the next drawing: who types quickly must not wait for it. */
  #ordered() {
    if (this.#order.length === 0) this.#arrange();
    return this.#order;
  }

  #arrange() {
    const { symbols } = this.#visible();
    const [column, sign] = this.#sorting();
    if (column === 'symbol') symbols.sort((a, b) => sign * a.localeCompare(b));
    else if (column) {
      const value = (symbol) => this.client.getLatestData(symbol)?.[FIELD[column]];
      symbols.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
        return sign * compare(x, y);
      });
    }
    this.#order = symbols;
    const { list } = this.#parts;
    const elements = symbols.map((symbol) => this.#rows.get(symbol).element);
    const same = list.children.length === elements.length && elements.every((element, i) => list.children[i] === element);
    if (!same) {
      const focused = document.activeElement;
      list.replaceChildren(...elements);
      if (list.contains(focused)) focused.focus();
    }
    const selected = this.getAttribute('selected');
    for (const symbol of symbols) {
      const row = this.#rows.get(symbol);
      setAttribute(row.button, 'aria-current', symbol === selected ? 'true' : undefined);
      setAttribute(row.element, 'data-selected', symbol === selected || undefined);
    }
    for (const [name, head] of this.#parts.heads ?? []) {
      setAttribute(head, 'aria-sort', name === column ? (sign > 0 ? 'ascending' : 'descending') : undefined);
    }
    if (this.#parts.tiles) this.#layTiles();
    if (this.#parts.caption) setText(this.#parts.caption, t('marketCaption', { count: symbols.length }));
  }

  #writeNote() {
    const { note, count, all, scroll, bar } = this.#parts;
    const { symbols, filtered, search } = this.#visible();
    setText(count, filtered ? t('onlyThese', { shown: symbols.length, all: this.#rows.size }) : String(this.#rows.size || ''));
    all.hidden = !filtered || search !== '' || symbols.length === this.#rows.size;
    const empty = this.#rows.size === 0;
    bar.hidden = empty;
    scroll.hidden = symbols.length === 0;
    note.hidden = symbols.length > 0;
    if (symbols.length > 0) return;
    let lines;
    if (!empty) lines = [h('p', {}, t('noMatch', { text: this.#search || this.getAttribute('symbols') }))];
    else if (!this.client.isConnected() || !this.client.epoch) lines = [h('p', {}, t(this.client.state === 'connecting' || this.client.isConnected() ? 'loading' : this.client.state))];
    else {
      const down = [...this.client.statuses.values()].find((status) => status.state === 'down' && status.reason);
      lines = [h('p', { class: 'bx-note-title' }, t('emptyMarket')),
        h('p', {}, down ? t('emptyMarketDown', { reason: down.reason }) : t('emptyMarketWhy')),
        h('p', {}, t('emptyMarketTry')), h('code', {}, 'bixws serve --demo')];
    }
    if (note.textContent !== lines.map((line) => line.textContent).join('')) note.replaceChildren(...lines);
  }

  /** As many columns as make the tiles largest in the room there is. */
  #layTiles() {
    const asked = Number(this.getAttribute('columns')) || 0;
    const count = this.#order.length;
    const [width, height] = this.#size;
    let best = 1;
    let largest = 0;
    for (let columns = 1; columns <= count && width / columns >= LEAST_TILE[0]; columns += 1) {
      const scale = Math.min(width / columns / TILE_SHAPE, Math.max(height / Math.ceil(count / columns), LEAST_TILE[1]));
      if (scale > largest * 1.01) [best, largest] = [columns, scale];
    }
    this.#parts.list.style.setProperty('--bx-columns', String(asked || best));
  }

  #resized(width, height) {
    this.#size = [width, height - this.#parts.bar.offsetHeight];
    if (this.#parts.tiles) this.#layTiles();
    const wide = this.#parts.tiles || width >= 560;
    if (wide === this.#wide) return;
    this.#wide = wide;
    this.#writeAll();
  }

  // Choosing --------------------------------------------------------------------------------------------------------

  /** The page decides; alone, the element does it itself. */
  #ask(change) {
    const event = new CustomEvent('bixws-choose', { bubbles: true, cancelable: true, detail: change });
    if (!this.dispatchEvent(event)) return;
    if (change.symbol) this.setAttribute('selected', change.symbol);
    if (change.symbols) this.setAttribute('symbols', change.symbols.join(','));
    if (change.sort !== undefined) this.setAttribute('sort', change.sort);
  }

  #fillChoice() {
    const chosen = new Set(this.#chosen());
    const toggle = () => {
      const boxes = [...this.#parts.choice.querySelectorAll('input')];
      const kept = boxes.filter((box) => box.checked).map((box) => box.value);
      this.#ask({ symbols: kept.length === boxes.length ? [] : kept });
    };
    this.#parts.choice.replaceChildren(...[...this.#rows.keys()].map((symbol) => {
      const box = h('input', { type: 'checkbox', value: symbol, onchange: toggle });
      box.checked = chosen.size === 0 || chosen.has(symbol);
      return h('label', { class: 'bx-check' }, box, symbol);
    }));
  }

  #onSort(column) {
    const [current, sign] = this.#sorting();
    // The first click on a number shows the largest; the third one goes back to the server's order.
    const first = column === 'symbol' ? 1 : -1;
    const next = current !== column ? first : sign === first ? -first : 0;
    this.#ask({ sort: next === 0 ? '' : `${column}-${next > 0 ? 'up' : 'down'}` });
  }

  #onSearch() {
    this.#search = this.#parts.search.value;
    this.#order = [];
    this.changed(true);
  }

  #onSearchKey(event) {
    const [symbol] = this.#ordered();
    if (event.key === 'Enter' && symbol) {
      this.#parts.search.value = '';
      this.#onSearch();
      this.#ask({ symbol });
    } else if (event.key === 'Escape') {
      this.#parts.search.value = '';
      this.#onSearch();
      this.#parts.search.blur();
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      this.#rows.get(symbol)?.button.focus();
    }
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const order = this.#ordered();
    const at = order.indexOf(event.target.closest?.('[data-symbol]')?.dataset.symbol);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    const next = Math.min(order.length - 1, Math.max(0, at + step));
    this.#rows.get(order[next]).button.focus();
  }

  focusSearch() {
    this.#parts.search.focus();
    this.#parts.search.select();
  }

  /** The ticker whose figures stand there for a symbol now, or undefined. */
  shownData(symbol) {
    return this.#rows.get(symbol)?.shown ?? undefined;
  }

  /** Symbols as shown now, in their order. */
  get shownSymbols() {
    return this.#ordered();
  }
}

customElements.define('bixws-ticker', PriceTicker);
