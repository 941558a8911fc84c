// SPDX-License-Identifier: Apache-2.0
// <bixws-alerts>: levels to be told about, what fired, and the drawings of a symbol as a list that needs no pointer.
import { announce } from './announce.js';
import { Component } from './component.js';
import { h, icon, setText } from './dom.js';
import { t } from './language.js';
import { marksOf } from './marks.js';
import { numberStyle, onNumberStyle } from './page-style.js';

/** What to say when a level was crossed, or the server's own words, which mostly name the symbol. */
function words(entry, style) {
  if (!entry.direction) {
    if (!entry.text) return `${entry.symbol} ${style.exact(entry.price)}`;
    return entry.text.includes(entry.symbol) ? entry.text : `${entry.symbol}: ${entry.text}`;
  }
  const said = t(entry.direction === 'up' ? 'crossedUp' : 'crossedDown', { symbol: entry.symbol, price: style.exact(entry.level) });
  return entry.text ? `${said} · ${entry.text}` : said;
}

/** Two short tones, made here: nothing to load. */
function beep() {
  const context = new AudioContext();
  const gain = context.createGain();
  gain.connect(context.destination);
  [880, 1320].forEach((pitch, i) => {
    const tone = context.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(gain);
    gain.gain.setValueAtTime(0.08, context.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.0001, context.currentTime + 0.5);
    tone.start(context.currentTime + i * 0.15);
    tone.stop(context.currentTime + i * 0.15 + 0.12);
    if (i) tone.onended = () => context.close();
  });
}

export class AlertList extends Component {
  static observedAttributes = ['url', 'symbol', 'sound'];
  #marks = null;
  #parts = {};

  build() {
    const parts = (this.#parts = {});
    parts.price = h('input', { class: 'bx-input bx-number', type: 'text', inputmode: 'decimal', autocomplete: 'off', required: true, dir: 'ltr' });
    parts.label = h('span', {}, t('alertAt'));
    parts.error = h('span', { class: 'bx-error', role: 'alert' });
    parts.form = h('form', { class: 'bx-alert-form', onsubmit: (event) => this.#onSubmit(event) },
      h('label', {}, parts.label, parts.price), h('button', { type: 'submit', class: 'bx-button bx-primary' }, t('addAlert')), parts.error);
    parts.levels = h('ul', { class: 'bx-list', 'aria-label': t('levels') });
    parts.fired = h('ol', { class: 'bx-list bx-fired', 'aria-label': t('fired') });
    parts.drawings = h('ul', { class: 'bx-list', 'aria-label': t('drawings') });
    parts.firedTitle = h('h3', {}, t('fired'));
    parts.drawingsTitle = h('h3', {}, t('drawings'));
    parts.note = h('p', { class: 'bx-note' }, t('noAlertsWhy'));
    parts.notify = h('button', { type: 'button', class: 'bx-link', onclick: () => this.#askToNotify() }, t('notify'));
    this.append(parts.form, h('div', { class: 'bx-scroll', tabindex: '0', role: 'region', 'aria-label': t('alerts') }, parts.levels, parts.note, parts.firedTitle, parts.fired, parts.drawingsTitle, parts.drawings, parts.notify));
  }

  attach() {
    this.#marks = marksOf(this.client);
    this.until(this.#marks.onChange((what, entry) => {
      if (what === 'fired') this.#onFired(entry);
      this.changed(true);
    }));
    this.until(onNumberStyle(() => this.changed(true)));
  }

  attributeChanged() {
    this.changed(true);
  }

  #onSubmit(event) {
    event.preventDefault();
    const symbol = this.getAttribute('symbol');
    const text = this.#parts.price.value.trim().replace(/[\s'\u00a0\u202f]/g, '').replace(/^(\d+),(\d+)$/, '$1.$2');
    if (!symbol || !/^\d+(\.\d+)?$/.test(text) || Number(text) === 0) {
      setText(this.#parts.error, t('badPrice', { example: this.client?.getLatestPrice(symbol) ?? '50000.10' }));
      this.#parts.price.focus();
      return;
    }
    setText(this.#parts.error, '');
    this.#parts.price.value = '';
    const ts = this.client?.getLatestData(symbol)?.recv_ts ?? Date.now() * 1000;
    this.#marks?.put({ symbol, kind: 'alert', text: '', points: [[ts, text.replace(/^0+(?=\d)/, '')]] }).catch((error) => setText(this.#parts.error, error.message));
  }

  #onFired(entry) {
    const said = words(entry, numberStyle());
    announce(said);
    if (this.getAttribute('sound') === 'on') beep();
    if (document.hidden && globalThis.Notification?.permission === 'granted') new Notification('bixws', { body: said, tag: `bixws-${entry.symbol}` });
  }

  async #askToNotify() {
    await globalThis.Notification?.requestPermission();
    this.changed(true);
  }

  #removal(mark, said) {
    return h('button', { type: 'button', class: 'bx-button bx-small', 'aria-label': `${t('removeDrawing')}: ${said}`, title: t('removeDrawing'), onclick: () => this.#marks.remove(mark.id) }, icon('remove'));
  }

  render() {
    if (!this.#marks) return;
    const style = numberStyle();
    const symbol = this.getAttribute('symbol') ?? '';
    const parts = this.#parts;
    setText(parts.label, symbol ? t('alertFor', { symbol }) : t('alertAt'));
    const levels = this.#marks.levels();
    parts.levels.replaceChildren(...levels.map((mark) => {
      const said = `${mark.symbol} ${style.exact(mark.points[0][1])}`;
      return h('li', { 'data-mark': mark.id }, h('span', { class: 'bx-grow' }, h('b', {}, mark.symbol), ' ', h('span', { class: 'bx-number' }, style.exact(mark.points[0][1])), mark.text ? ` · ${mark.text}` : ''), this.#removal(mark, said));
    }));
    parts.note.hidden = levels.length > 0;
    parts.fired.replaceChildren(...this.#marks.fired.slice(0, 30).map((entry) => h('li', {},
      h('span', { class: 'bx-grow' }, entry.direction === 'up' ? '▲ ' : entry.direction === 'down' ? '▼ ' : '', words(entry, style)), h('span', { class: 'bx-number bx-muted' }, style.time(entry.ts)))));
    parts.firedTitle.hidden = this.#marks.fired.length === 0;
    const drawings = this.#marks.of(symbol).filter((mark) => mark.kind !== 'alert');
    parts.drawings.replaceChildren(...drawings.map((mark) => {
      const kind = t(`draw${mark.kind[0].toUpperCase()}${mark.kind.slice(1)}`);
      const said = mark.text ? `${kind}: ${mark.text}` : `${kind} ${mark.points.map(([, price]) => style.exact(price)).join(' – ')}`;
      return h('li', { 'data-mark': mark.id }, h('span', { class: 'bx-grow' }, said), this.#removal(mark, said));
    }));
    parts.drawingsTitle.hidden = drawings.length === 0;
    parts.notify.hidden = !globalThis.Notification || Notification.permission !== 'default';
  }
}

customElements.define('bixws-alerts', AlertList);
