// SPDX-License-Identifier: Apache-2.0
// <bixws-chart>: candles of one symbol, from history and then live, with indicators, drawings and alert levels.
import { announce } from './announce.js';
import { CandleLegend } from './candle-legend.js';
import { CandleSeries, SECONDS } from './candle-series.js';
import { Drawings, TOOLS } from './chart-drawings.js';
import { loadCharts } from './chart-library.js';
import { skinOf } from './chart-skin.js';
import { Component } from './component.js';
import { scaleOf } from './decimal-text.js';
import { h, icon, setAttribute, setText } from './dom.js';
import { frames } from './frames.js';
import { t } from './language.js';
import { marksOf } from './marks.js';
import { menu } from './menu.js';
import { numberStyle, onNumberStyle } from './page-style.js';

export const TIMEFRAMES = Object.keys(SECONDS);
const OFTEN = ['1m', '5m', '15m', '1h', '4h', '1d'];
const REDRAW_MS = 100; // the library computes every indicator anew for every change
const HISTORY_LIMIT = 5000;
const PERIOD = { 60: ['minute', 60], 3600: ['hour', 3600], 86400: ['day', 86400] };

function periodOf(seconds) {
  const unit = seconds % 86400 === 0 ? 86400 : seconds % 3600 === 0 ? 3600 : 60;
  return { type: PERIOD[unit][0], span: seconds / unit };
}

export class PriceChart extends Component {
  static observedAttributes = ['url', 'symbol', 'timeframe', 'bars', 'indicators', 'points', 'span'];
  #parts = {};
  #library = null;
  #chart = null;
  #drawings = null;
  #marks = null;
  #series = new CandleSeries();
  #factor = 1;
  #push = null;
  #rebuild = true;
  #newest = false;
  #drawnAt = 0;
  #timer = 0;
  #hovered = null;
  #history = '';
  #scale = 2;
  #labelled = '';
  #observer = new ResizeObserver(() => this.#chart?.resize());

  get symbol() {
    return this.getAttribute('symbol') ?? '';
  }

  get timeframe() {
    return SECONDS[this.getAttribute('timeframe')] ? this.getAttribute('timeframe') : '1m';
  }

  /** All there is, merged to the most points, rather than the newest. */
  get #whole() {
    return this.getAttribute('span') === 'whole';
  }

  get #most() {
    return Number(this.getAttribute('points') ?? 1000);
  }

  // Elements --------------------------------------------------------------------------------------------------------

  build() {
    this.#destroyChart();
    const parts = (this.#parts = {});
    parts.times = h('div', { class: 'bx-segments', role: 'group', 'aria-label': t('timeframe') });
    parts.moreTimes = h('select', { class: 'bx-select', 'aria-label': t('timeframe'), onchange: () => this.#ask({ timeframe: parts.moreTimes.value }) });
    parts.points = h('select', { class: 'bx-select', onchange: () => this.#ask({ points: Number(parts.points.value) }) },
      [100, 250, 500, 1000, 2000, 5000].map((count) => h('option', { value: count }, String(count))));
    parts.span = h('select', { class: 'bx-select', onchange: () => this.#ask({ span: parts.span.value }) },
      ['newest', 'whole'].map((kind) => h('option', { value: kind }, t(`span${kind[0].toUpperCase()}${kind.slice(1)}`))));
    parts.bars = h('select', { class: 'bx-select', onchange: () => this.#ask({ bars: parts.bars.value }) },
      ['candles', 'hollow', 'ohlc', 'area'].map((kind) => h('option', { value: kind }, t(`bars${kind[0].toUpperCase()}${kind.slice(1)}`))));
    parts.indicatorList = h('div', { class: 'bx-indicators' });
    parts.indicators = menu({
      label: t('indicators'), face: [icon('indicators'), h('span', { class: 'bx-face' }, t('indicators'))], className: 'bx-indicator-menu',
      content: [h('div', { class: 'bx-row' }, h('label', {}, t('bars'), parts.bars), h('label', {}, t('points'), parts.points), h('label', {}, t('span'), parts.span)), parts.indicatorList],
      onOpen: () => this.#fillIndicators(),
    });
    parts.tools = h('div', { class: 'bx-tools', role: 'group', 'aria-label': t('draw') }, TOOLS.map((tool) => {
      const name = t(`draw${tool[0].toUpperCase()}${tool.slice(1)}`);
      return h('button', { type: 'button', class: 'bx-button bx-tool', 'data-tool': tool, 'aria-pressed': 'false', 'aria-label': name, title: name, onclick: () => this.#draw(tool) }, icon(tool === 'alert' ? 'bell' : tool));
    }));
    parts.noteText = h('input', { class: 'bx-input', hidden: true, 'aria-label': t('noteText'), placeholder: t('noteText'), maxlength: '200', onkeydown: (event) => this.#onNoteKey(event) });
    const now = h('button', { type: 'button', class: 'bx-button', 'aria-label': t('toNow'), title: t('toNow'), onclick: () => this.#chart?.scrollToRealTime(200) }, icon('end'));
    const picture = h('button', { type: 'button', class: 'bx-button', 'aria-label': t('savePicture'), title: t('savePicture'), onclick: () => this.#savePicture() }, icon('camera'));
    parts.bar = h('div', { class: 'bx-bar bx-chart-bar' }, parts.times, parts.moreTimes, parts.indicators.root, parts.tools, parts.noteText, h('span', { class: 'bx-grow' }), now, picture);
    parts.legend = new CandleLegend();
    parts.hint = h('div', { class: 'bx-hint', role: 'status' });
    parts.canvas = h('div', { class: 'bx-canvas', role: 'application', tabindex: '0', 'aria-roledescription': t('chart'), 'aria-label': t('chart'), onkeydown: (event) => this.#onKey(event) });
    parts.canvas.setAttribute('dir', 'ltr');
    parts.note = h('div', { class: 'bx-note bx-over', hidden: true });
    parts.tableBody = h('tbody');
    const table = h('table', { class: 'bx-table bx-bars' },
      h('thead', {}, h('tr', {}, ['time', 'openLong', 'highLong', 'lowLong', 'closeLong', 'volume'].map((key) => h('th', { scope: 'col', class: 'bx-end' }, t(key))))),
      parts.tableBody);
    parts.details = h('details', { class: 'bx-chart-table', ontoggle: () => this.#fillTable() }, h('summary', {}, t('chartTable')), h('div', { class: 'bx-scroll', tabindex: '0', role: 'region', 'aria-label': t('chartTable') }, table));
    this.append(parts.bar, h('div', { class: 'bx-chart-head' }, parts.legend.element, parts.hint), h('div', { class: 'bx-chart-body' }, parts.canvas, parts.note), parts.details);
    this.addEventListener('keydown', (event) => event.key === 'Escape' && this.#drawings?.cancel());
    this.#fillTimes();
    this.#makeChart();
  }

  #fillTimes() {
    const { times, moreTimes } = this.#parts;
    times.replaceChildren(...OFTEN.map((name) => h('button', {
      type: 'button', class: 'bx-segment', 'aria-pressed': String(name === this.timeframe), 'data-timeframe': name, onclick: () => this.#ask({ timeframe: name }),
    }, name)));
    const often = OFTEN.includes(this.timeframe);
    moreTimes.replaceChildren(...[often ? h('option', { value: this.timeframe }, '\u2026') : null, ...TIMEFRAMES.filter((name) => !OFTEN.includes(name)).map((name) => h('option', { value: name }, name))].filter(Boolean));
    moreTimes.value = this.timeframe;
  }

  async #makeChart() {
    const { canvas, note } = this.#parts;
    try {
      this.#library = await loadCharts();
    } catch (error) {
      note.hidden = false;
      note.replaceChildren(h('p', { class: 'bx-note-title' }, t('chartFailed')), h('p', {}, error.message));
      return;
    }
    if (canvas !== this.#parts.canvas || this.#chart) return; // built anew while it was loading
    const style = () => numberStyle();
    this.#chart = this.#library.charts.init(canvas, {
      locale: 'en-US',
      formatter: { formatBigNumber: (value) => style().compact(String(value)) },
      thousandsSeparator: { sign: '', format: (value) => (/^-?\d+(\.\d+)?$/.test(value) ? style().exact(String(value)) : String(value)) },
      decimalFold: { threshold: 1000, format: (value) => String(value) },
      layout: { pane: { minHeight: 40 }, barSpaceLimit: { min: 1, max: 60 } },
      hotkey: { enabled: false },
    });
    canvas.firstElementChild.tabIndex = -1; // the library's own, which would come before all else on the page
    this.#reskin();
    this.#chart.setDataLoader({
      getBars: ({ type, callback }) => callback(type === 'init' ? this.#bars() : [], false),
      subscribeBar: ({ callback }) => (this.#push = callback),
      unsubscribeBar: () => (this.#push = null),
    });
    this.#chart.subscribeAction('onCrosshairChange', (event) => {
      this.#hovered = event?.kLineData?.source ?? null;
      this.#writeLegend();
    });
    this.#observer.disconnect();
    this.#observer.observe(canvas);
    this.#applyIndicators();
    this.#renewDrawings();
    this.#rebuild = true;
    this.changed(true);
  }

  /** What the pointer does, by keyboard: bar by bar, nearer and farther. */
  #onKey(event) {
    const bars = this.#chart?.getDataList() ?? [];
    if (bars.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = bars.length - 1;
    const known = bars.findIndex((bar) => bar.source === this.#hovered);
    const at = known < 0 ? last : known;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 20, PageDown: at + 20, Home: 0, End: last }[event.key];
    if (to !== undefined) this.#inspect(Math.min(last, Math.max(0, to)));
    else if (event.key === '+' || event.key === '-') this.#chart.zoomAtCoordinate(event.key === '+' ? 1.25 : 0.8);
    else return;
    event.preventDefault();
  }

  #inspect(index) {
    const bar = this.#chart.getDataList()[index];
    const { from, to } = this.#chart.getVisibleRange();
    if (index < from || index >= to) this.#chart.scrollToDataIndex(index);
    const place = this.#chart.convertToPixel({ timestamp: bar.timestamp, value: bar.close }, { paneId: 'candle_pane' });
    this.#chart.executeAction('onCrosshairChange', { ...place, paneId: 'candle_pane' });
    this.#hovered = bar.source;
    this.#writeLegend();
    const style = numberStyle();
    announce([style.dateTime(bar.source.open_ts), ...['open', 'high', 'low', 'close'].map((key) => `${t(`${key}Long`)} ${style.exact(bar.source[key])}`)].join(', '));
  }

  #destroyChart() {
    this.#drawings?.destroy();
    this.#drawings = null;
    if (this.#chart) this.#library.charts.dispose(this.#chart);
    this.#chart = null;
    this.#push = null;
  }

  /** After a change of theme. */
  reskin() {
    this.#reskin();
  }

  #reskin() {
    this.#chart?.setStyles(skinOf(this, this.getAttribute('bars') ?? 'candles'));
  }

  #renewDrawings() {
    this.#drawings?.destroy();
    this.#drawings = null;
    if (!this.#marks || !this.#chart || !this.symbol) return;
    this.#drawings = new Drawings(this.#library.charts, this.#chart, this.#marks, this.symbol);
    this.#drawings.scale = this.#scale;
    this.#drawings.show();
  }

  // Data ------------------------------------------------------------------------------------------------------------

  attach() {
    this.#series = new CandleSeries();
    this.#rebuild = true;
    this.#hovered = null;
    this.#history = '';
    const { symbol, timeframe } = this;
    this.#marks = marksOf(this.client);
    if (!symbol) return;
    this.listen('candle', (message) => {
      if (message.symbol !== symbol || message.timeframe !== timeframe) return;
      if (this.#series.put(message)) this.#newest = true;
      else this.#rebuild = true;
      this.#soon();
    });
    this.listen('epoch', () => {
      this.#series = new CandleSeries();
      this.#rebuild = true;
      this.#loadHistory();
      this.changed(true);
    });
    this.listen('state', () => {
      if (this.client.isConnected()) this.#loadHistory();
      this.changed(true);
    });
    this.until(onNumberStyle(() => {
      this.#rebuild = true;
      this.changed(true);
    }));
    this.want({ channels: [`candles:${timeframe}`], symbols: [symbol] }).catch(() => {});
    this.#loadHistory();
    this.#renewDrawings();
  }

  async #loadHistory() {
    if (!this.client?.isConnected() || !this.symbol) return;
    const series = this.#series;
    const { symbol, timeframe } = this;
    try {
      const candles = await this.client.history(symbol, `candles:${timeframe}`, { limit: this.#whole ? HISTORY_LIMIT : Math.min(HISTORY_LIMIT, this.#most) });
      if (series !== this.#series) return;
      series.putHistory(candles);
      this.#history = '';
      this.#rebuild = true;
      this.changed(true);
    } catch (error) {
      if (series !== this.#series) return;
      this.#history = error.code === 'unknown_type' ? 'none' : '';
      this.changed(true);
    }
  }

  #soon() {
    if (this.#timer) return;
    const rest = this.#drawnAt + REDRAW_MS - performance.now();
    if (rest <= 0) this.changed();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        this.changed();
      }, rest);
    }
  }

  attributeChanged(name) {
    if (name === 'bars') this.#reskin();
    else if (name === 'indicators') this.#applyIndicators();
    else if (name === 'points' || name === 'span') {
      this.#rebuild = true;
      this.#loadHistory();
      this.changed(true);
    } else {
      this.#fillTimes();
      this.again();
    }
  }

  #view() {
    return this.#series.view(this.#most, SECONDS[this.timeframe], this.#whole);
  }

  #barOf(candle) {
    return {
      timestamp: Math.round(candle.open_ts / 1000),
      open: Number(candle.open), high: Number(candle.high), low: Number(candle.low), close: Number(candle.close),
      volume: Number(candle.volume ?? 0),
      source: candle,
    };
  }

  #bars() {
    const { bars, factor } = this.#view();
    this.#factor = factor;
    return bars.map((bar) => this.#barOf(bar));
  }

  // Drawing ---------------------------------------------------------------------------------------------------------

  render() {
    if (!this.client) return;
    this.#drawnAt = performance.now();
    const { note, canvas } = this.#parts;
    const { last } = this.#series;
    setAttribute(this, 'data-stale', (!this.client.isConnected() && this.#series.length > 0) || undefined);
    if (this.#chart) {
      if (this.#rebuild) this.#renewData();
      else if (this.#newest && this.#push && last) {
        if (this.#factor > 1) {
          const { bars, factor } = this.#view();
          if (factor !== this.#factor) this.#renewData();
          else this.#push(this.#barOf(bars.at(-1)));
        } else {
          this.#push(this.#barOf(last));
        }
      }
    }
    this.#newest = false;
    this.#writeLegend();
    if (this.#chart || !this.symbol) {
      const empty = this.#series.length === 0;
      note.hidden = !empty;
      setAttribute(this, 'data-empty', empty);
      if (empty) {
        const lines = this.symbol ? [t('noCandles'), t('noCandlesWhy')] : [this.noSymbol];
        if (note.textContent !== lines.join('')) note.replaceChildren(...lines.map((line, i) => h('p', { class: i ? undefined : 'bx-note-title' }, line)));
      }
    }
    if (last && this.#labelled !== this.#labelKey()) {
      this.#labelled = this.#labelKey();
      canvas.setAttribute('aria-label', this.#summary());
    }
  }

  /** The picture's words change with each new bar, not with each price. */
  #labelKey() {
    return `${this.symbol} ${this.timeframe} ${this.#series.length} ${this.#series.last?.open_ts}`;
  }

  #summary() {
    const { bars } = this.#view();
    const style = numberStyle();
    const by = (key, better) => bars.reduce((best, bar) => (better(Number(bar[key]), Number(best[key])) ? bar : best))[key];
    return t('chartSummary', {
      symbol: this.symbol, timeframe: this.timeframe, count: style.count(bars.length), close: style.exact(bars.at(-1).close),
      high: style.exact(by('high', (a, b) => a > b)), low: style.exact(by('low', (a, b) => a < b)),
    });
  }

  #renewData() {
    this.#rebuild = false;
    if (!this.symbol) return;
    const { last } = this.#series;
    this.#scale = last ? Math.max(scaleOf(last.close), scaleOf(last.open)) : this.#scale;
    if (this.#drawings) this.#drawings.scale = this.#scale;
    const symbol = { ticker: this.symbol, pricePrecision: this.#scale, volumePrecision: last?.volume ? Math.min(scaleOf(last.volume), 4) : 2 };
    const known = this.#chart.getSymbol();
    const period = periodOf(SECONDS[this.timeframe]);
    const knownPeriod = this.#chart.getPeriod();
    // Each of these makes the library ask for the bars; only what changed is said.
    if (!known || known.ticker !== symbol.ticker || known.pricePrecision !== symbol.pricePrecision || known.volumePrecision !== symbol.volumePrecision) this.#chart.setSymbol(symbol);
    if (!knownPeriod || knownPeriod.type !== period.type || knownPeriod.span !== period.span) this.#chart.setPeriod(period);
    else this.#chart.resetData();
  }

  #writeLegend() {
    const { legend, hint } = this.#parts;
    const style = numberStyle();
    const bar = this.#hovered ?? this.#series.last;
    legend.write(bar);
    if (!bar || this.#drawings?.isDrawing) return;
    const notes = [this.#factor > 1 ? t('merged', { count: style.count(this.#factor) }) : '', this.#history === 'none' ? t('noHistory') : '', this.#marks && !this.#marks.shared ? t('keptHere') : ''];
    setText(hint, notes.filter(Boolean).join(' · '));
  }

  #fillTable() {
    if (!this.#parts.details.open) return;
    const style = numberStyle();
    const { bars } = this.#view();
    this.#parts.tableBody.replaceChildren(...bars.slice(-30).reverse().map((bar) => h('tr', {},
      h('th', { scope: 'row', class: 'bx-end bx-number' }, style.dateTime(bar.open_ts)),
      ...['open', 'high', 'low', 'close', 'volume'].map((key) => h('td', { class: 'bx-end bx-number' }, style.exact(bar[key]))))));
  }

  // Indicators ------------------------------------------------------------------------------------------------------

  /** "MA:5:10,RSI:14" as [['MA', [5, 10]], ['RSI', [14]]]. */
  #chosen() {
    return (this.getAttribute('indicators') ?? 'VOL').split(',').filter(Boolean).map((text) => {
      const [name, ...parameters] = text.split(':');
      return [name.toUpperCase(), parameters.map(Number).filter((value) => value > 0 && value < 10000)];
    });
  }

  #applyIndicators() {
    if (!this.#chart) return;
    this.#chart.removeIndicator();
    const { onPrice, below } = this.#library;
    const { lines } = skinOf(this, 'candles').indicator;
    let used = 0; // each line over the price has a colour of its own, as far as they go
    for (const [name, parameters] of this.#chosen()) {
      const create = { name, ...(parameters.length && { calcParams: parameters }) };
      if (onPrice.includes(name)) {
        create.styles = { lines: lines.map((_, i) => lines[(i + used) % lines.length]) };
        used += parameters.length || 1;
      } else if (name !== 'VOL') {
        create.precision = 2;
      }
      if (onPrice.includes(name)) this.#chart.createIndicator({ ...create, paneId: 'candle_pane' }, true);
      else if (below.includes(name)) {
        this.#chart.createIndicator({ ...create, paneId: `pane_${name}` }, false);
        this.#chart.setPaneOptions({ id: `pane_${name}`, height: 84 });
      }
    }
    this.#chart.setStyles(skinOf(this, this.getAttribute('bars') ?? 'candles'));
  }

  #fillIndicators() {
    const { indicatorList, bars, points, span } = this.#parts;
    bars.value = this.getAttribute('bars') ?? 'candles';
    if (![...points.options].some((option) => option.value === String(this.#most))) points.append(h('option', { value: this.#most }, String(this.#most)));
    points.value = String(this.#most);
    span.value = this.#whole ? 'whole' : 'newest';
    if (!this.#library) return;
    const chosen = new Map(this.#chosen());
    const write = () => {
      const list = [...indicatorList.querySelectorAll('.bx-check')].filter((label) => label.querySelector('[type=checkbox]').checked).map((label) => {
        const parameters = label.querySelector('[type=text]')?.value.split(/[^\d.]+/).filter(Boolean) ?? [];
        return [label.dataset.name, ...parameters].join(':');
      });
      this.#ask({ indicators: list.join(',') });
    };
    const group = (title, names) => h('fieldset', {}, h('legend', {}, title), names.map((name) => {
      const box = h('input', { type: 'checkbox', onchange: write });
      box.checked = chosen.has(name);
      const shown = this.#chart?.getIndicators({ name })[0]?.calcParams ?? chosen.get(name) ?? [];
      const parameters = chosen.has(name) && shown.length ? h('input', { type: 'text', class: 'bx-parameters', inputmode: 'numeric', 'aria-label': name, value: shown.join(' '), onchange: write }) : null;
      return h('label', { class: 'bx-check', 'data-name': name }, box, name, parameters);
    }));
    indicatorList.replaceChildren(group(t('onPrice'), this.#library.onPrice), group(t('below'), this.#library.below));
  }

  // Drawing by hand -------------------------------------------------------------------------------------------------

  #draw(tool) {
    const { tools, noteText } = this.#parts;
    if (!this.#drawings) return;
    const pressed = tools.querySelector(`[data-tool=${tool}]`);
    if (pressed.getAttribute('aria-pressed') === 'true') {
      this.#drawings.cancel();
      noteText.hidden = true;
      this.#press(null);
      return;
    }
    noteText.hidden = tool !== 'note';
    this.#press(tool);
    if (tool === 'note') {
      noteText.value = '';
      noteText.focus();
    } else {
      this.#drawWith(tool, '');
    }
  }

  #onNoteKey(event) {
    if (event.key === 'Enter' && event.target.value.trim()) {
      event.target.hidden = true;
      this.#drawWith('note', event.target.value.trim());
    } else if (event.key === 'Escape') {
      event.target.hidden = true;
      this.#press(null);
    }
  }

  async #drawWith(tool, text) {
    setText(this.#parts.hint, t('drawHint', { tool: t(`draw${tool[0].toUpperCase()}${tool.slice(1)}`) }));
    await this.#drawings.draw(tool, text);
    this.#press(null);
    this.#writeLegend();
  }

  #press(tool) {
    for (const button of this.#parts.tools.children) setAttribute(button, 'aria-pressed', String(button.dataset.tool === tool));
  }

  #savePicture() {
    if (!this.#chart) return;
    const ground = getComputedStyle(this).getPropertyValue('--bx-panel').trim();
    const link = h('a', { href: this.#chart.getConvertPictureUrl(true, 'png', ground), download: `${this.symbol}-${this.timeframe}.png` });
    link.click();
  }

  /** The page decides; alone, the element does it itself. */
  #ask(change) {
    const event = new CustomEvent('bixws-choose', { bubbles: true, cancelable: true, detail: change });
    if (!this.dispatchEvent(event)) return;
    for (const [name, value] of Object.entries(change)) this.setAttribute(name, value);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#timer = 0;
    frames.cancel(this);
  }
}

customElements.define('bixws-chart', PriceChart);
