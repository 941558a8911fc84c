// SPDX-License-Identifier: Apache-2.0
// Drawings: marks shown as overlays of a chart, and what is drawn on the chart handed to the marks.
import { fromNumber } from './decimal-text.js';
import { announce } from './announce.js';

/** Our word for a kind of mark: the library's overlay. */
const OVERLAY = {
  line: 'segment',
  level: 'priceLine',
  ray: 'rayLine',
  channel: 'parallelStraightLine',
  fibonacci: 'fibonacciLine',
  note: 'simpleAnnotation',
  alert: 'bixwsAlert',
};
export const TOOLS = ['line', 'level', 'ray', 'channel', 'fibonacci', 'note', 'alert'];

/** A dashed line across the chart with a bell and its price, to be dragged. */
const alertOverlay = {
  name: 'bixwsAlert',
  totalStep: 2,
  needDefaultPointFigure: true,
  needDefaultXAxisFigure: false,
  needDefaultYAxisFigure: true,
  createPointFigures: ({ overlay, coordinates, bounding }) => [
    { type: 'line', attrs: { coordinates: [{ x: 0, y: coordinates[0].y }, { x: bounding.width, y: coordinates[0].y }] }, styles: { style: 'dashed', dashedValue: [6, 4] } },
    { type: 'text', ignoreEvent: true, attrs: { x: bounding.width - 6, y: coordinates[0].y - 3, text: `\u25c6 ${overlay.extendData ?? ''}`.trim(), align: 'right', baseline: 'bottom' } },
  ],
};

let registered = false;

export class Drawings {
  #charts;
  #chart;
  #marks;
  #symbol;
  #shown = new Map(); // id -> what was drawn, as text
  #scale = 2;
  #drawing = null;
  #end;

  constructor(charts, chart, marks, symbol) {
    if (!registered) charts.registerOverlay(alertOverlay);
    registered = true;
    this.#charts = charts;
    this.#chart = chart;
    this.#marks = marks;
    this.#symbol = symbol;
    this.#end = marks.onChange((what) => what !== 'fired' && this.show());
  }

  destroy() {
    this.#end();
    this.cancel();
    for (const id of this.#shown.keys()) this.#chart.removeOverlay({ id });
    this.#shown.clear();
  }

  set scale(digits) {
    this.#scale = digits;
  }

  /** Brings the overlays up to date with the marks. */
  show() {
    const marks = this.#marks.of(this.#symbol);
    const present = new Set(marks.map((mark) => mark.id));
    for (const id of [...this.#shown.keys()]) {
      if (present.has(id)) continue;
      this.#chart.removeOverlay({ id });
      this.#shown.delete(id);
    }
    for (const mark of marks) {
      const text = JSON.stringify([mark.kind, mark.points, mark.text, mark.color]);
      if (this.#shown.get(mark.id) === text) continue;
      const overlay = {
        id: mark.id,
        points: mark.points.map(([ts, price]) => ({ timestamp: Math.round(ts / 1000), value: Number(price) })),
        extendData: mark.text,
        ...(/^#[0-9a-f]{3,8}$|^[a-z]+$/i.test(mark.color ?? '') && { styles: { line: { color: mark.color }, text: { backgroundColor: mark.color, borderColor: mark.color } } }),
      };
      if (this.#shown.has(mark.id)) this.#chart.overrideOverlay(overlay);
      else {
        this.#chart.createOverlay({
          ...overlay,
          name: OVERLAY[mark.kind] ?? (overlay.points.length > 1 ? 'segment' : 'simpleAnnotation'),
          onPressedMoveEnd: (event) => this.#moved(mark.id, event.overlay),
          onRightClick: (event) => {
            event.preventDefault?.();
            this.#marks.remove(mark.id);
          },
        });
      }
      this.#shown.set(mark.id, text);
    }
  }

  /** The viewer draws with the pointer; resolves with the mark's id, or nothing if it was given up. */
  draw(kind, text = '') {
    this.cancel();
    return new Promise((resolve) => {
      const id = this.#chart.createOverlay({
        name: OVERLAY[kind],
        extendData: text,
        onDrawEnd: ({ overlay }) => {
          this.#drawing = null;
          const points = this.#pointsOf(overlay);
          // Removed here: the mark is drawn from what the server (or this browser) keeps.
          setTimeout(() => this.#chart.removeOverlay({ id }));
          resolve(points.length ? this.#marks.put({ symbol: this.#symbol, kind, points, text }).catch((error) => announce(error.message)) : undefined);
        },
      });
      this.#drawing = { id, resolve };
    });
  }

  cancel() {
    if (!this.#drawing) return;
    const { id, resolve } = this.#drawing;
    this.#drawing = null;
    this.#chart.removeOverlay({ id });
    resolve(undefined);
  }

  get isDrawing() {
    return this.#drawing !== null;
  }

  #pointsOf(overlay) {
    const bars = this.#chart.getDataList();
    return overlay.points
      .filter((point) => point.value !== undefined)
      .map((point) => [Math.round((point.timestamp ?? bars.at(-1)?.timestamp ?? 0) * 1000), fromNumber(point.value, this.#scale)]);
  }

  #moved(id, overlay) {
    const mark = this.#marks.of(this.#symbol).find((one) => one.id === id);
    if (!mark) return;
    const points = this.#pointsOf(overlay);
    this.#shown.set(id, JSON.stringify([mark.kind, points, mark.text, mark.color]));
    this.#marks.put({ ...mark, points }).catch((error) => {
      announce(error.message);
      this.#shown.delete(id);
      this.show();
    });
  }
}
