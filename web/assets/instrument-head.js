// SPDX-License-Identifier: Apache-2.0
// <bixws-instrument>: one symbol in large letters, with its day.
import { Component } from './component.js';
import { compare } from './decimal-text.js';
import { h, setAttribute, setText } from './dom.js';
import { t } from './language.js';
import { numberStyle, onNumberStyle } from './page-style.js';

const FACTS = [['bid', 'bid'], ['ask', 'ask'], ['low24h', 'low_24h'], ['high24h', 'high_24h'], ['volume24h', 'volume_24h'], ['quoteVolume24h', 'quote_volume_24h']];

export class InstrumentHead extends Component {
  static observedAttributes = ['url', 'symbol'];
  #parts = {};
  #before;

  build() {
    const parts = (this.#parts = { facts: {} });
    parts.name = h('h2', { class: 'bx-instrument-name' });
    parts.exchange = h('span', { class: 'bx-exchange' });
    parts.price = h('span', { class: 'bx-number bx-instrument-price' });
    parts.arrow = h('span', { class: 'bx-arrow', 'aria-hidden': 'true' });
    parts.change = h('span', { class: 'bx-number bx-instrument-change' });
    parts.age = h('span', { class: 'bx-age' });
    const facts = FACTS.map(([key]) => {
      const value = (parts.facts[key] = h('dd', { class: 'bx-number', 'data-value': key }));
      return h('div', {}, h('dt', {}, t(key)), value);
    });
    parts.list = h('dl', { class: 'bx-instrument-facts' }, facts);
    this.append(h('div', { class: 'bx-instrument-title' }, parts.name, parts.exchange), h('div', { class: 'bx-instrument-now' }, parts.price, parts.arrow, parts.change, parts.age), parts.list);
  }

  attach() {
    this.#before = undefined;
    const symbol = this.getAttribute('symbol');
    this.listen('prices', (symbols) => symbols.includes(symbol) && this.changed());
    this.listen('state', () => this.changed(true));
    this.listen('epoch', () => this.changed(true));
    this.until(onNumberStyle(() => this.changed(true)));
  }

  render() {
    if (!this.client) return;
    const parts = this.#parts;
    const style = numberStyle();
    const symbol = this.getAttribute('symbol') ?? '';
    const ticker = this.client.getLatestData(symbol);
    setText(parts.name, symbol.slice(symbol.indexOf(':') + 1));
    setText(parts.exchange, ticker?.exchange ?? '');
    const stale = !this.client.isConnected() && Boolean(ticker);
    setAttribute(this, 'data-stale', stale || undefined);
    setText(parts.age, stale ? t('lastValues', { time: style.time(ticker.recv_ts) }) : '');
    parts.list.hidden = !ticker;
    setText(parts.price, ticker ? style.exact(ticker.price) : '–');
    if (this.#before !== undefined && ticker?.price !== undefined) {
      const direction = compare(ticker.price, this.#before);
      if (direction) {
        setAttribute(this, 'data-move', direction > 0 ? 'up' : 'down');
        setText(parts.arrow, direction > 0 ? '▲' : '▼');
      }
    }
    this.#before = ticker?.price;
    setText(parts.change, style.percent(ticker?.change_24h));
    const sign = Math.sign(Number(ticker?.change_24h ?? 0));
    setAttribute(parts.change, 'data-sign', sign > 0 ? 'up' : sign < 0 ? 'down' : undefined);
    for (const [key, field] of FACTS) {
      const value = ticker?.[field];
      const big = key.endsWith('olume24h');
      setText(parts.facts[key], big ? style.compact(value) : style.exact(value));
      if (big) setAttribute(parts.facts[key], 'title', style.exact(value) || undefined);
    }
  }
}

customElements.define('bixws-instrument', InstrumentHead);
