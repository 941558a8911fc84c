// SPDX-License-Identifier: Apache-2.0
// The figures of one bar in a line above the chart, with the exchange's digits.
import { subtract } from './decimal-text.js';
import { h, setAttribute, setText } from './dom.js';
import { t } from './language.js';
import { numberStyle } from './page-style.js';

const FIGURES = ['open', 'high', 'low', 'close', 'volume'];

export class CandleLegend {
  element = h('dl', { class: 'bx-legend', 'aria-label': t('chartTable') });
  #cells = null;

  /** Nothing: an empty line. */
  write(bar) {
    if (!bar) {
      this.element.replaceChildren();
      this.#cells = null;
      return;
    }
    this.#cells ??= this.#build();
    const cells = this.#cells;
    const style = numberStyle();
    setText(cells.time, style.barTime(bar.open_ts));
    for (const key of FIGURES) setText(cells[key], style.exact(bar[key]));
    const change = subtract(bar.close, bar.open);
    setText(cells.change, style.exact(change, true));
    setAttribute(cells.change, 'data-sign', Number(change) > 0 ? 'up' : Number(change) < 0 ? 'down' : undefined);
  }

  #build() {
    const cells = Object.fromEntries(['time', 'change', ...FIGURES].map((key) => [key, h('dd', { class: 'bx-number', 'data-value': key })]));
    const pair = (word, value, unseen) => h('div', {}, h('dt', { class: unseen && 'bx-unseen' }, word), value);
    this.element.replaceChildren(pair(t('time'), cells.time, true), pair(t('open'), cells.open), pair(t('high'), cells.high), pair(t('low'), cells.low),
      pair(t('closePrice'), cells.close), pair('±', cells.change, true), pair(t('volume'), cells.volume));
    return cells;
  }
}
