// SPDX-License-Identifier: Apache-2.0
// CandleSeries: history and live candles of one symbol and timeframe put together, and merged to at most so many bars.
import { add, compare } from './decimal-text.js';

const MOST_KEPT = 20000;
export const SECONDS = { '1m': 60, '3m': 180, '5m': 300, '15m': 900, '30m': 1800, '1h': 3600, '2h': 7200, '4h': 14400, '6h': 21600, '12h': 43200, '1d': 86400 };

const larger = (a, b) => (compare(a, b) >= 0 ? a : b);
const smaller = (a, b) => (compare(a, b) <= 0 ? a : b);

function merge(candles) {
  const first = candles[0];
  return candles.slice(1).reduce((bar, candle) => ({
    ...bar,
    high: larger(bar.high, candle.high),
    low: smaller(bar.low, candle.low),
    close: candle.close,
    volume: bar.volume !== undefined && candle.volume !== undefined ? add(bar.volume, candle.volume) : bar.volume ?? candle.volume,
    closed: candle.closed,
  }), { ...first });
}

export class CandleSeries {
  #candles = []; // by open_ts
  #byTime = new Map();

  /** True if only the newest bar changed or one was added after it. */
  put(candle) {
    const { open_ts: at } = candle;
    const last = this.#candles.at(-1);
    if (!last || at > last.open_ts) {
      this.#candles.push(candle);
      this.#byTime.set(at, candle);
      if (this.#candles.length > MOST_KEPT) this.#byTime.delete(this.#candles.shift().open_ts);
      return true;
    }
    if (at === last.open_ts) {
      this.#candles[this.#candles.length - 1] = candle;
      this.#byTime.set(at, candle);
      return true;
    }
    const known = this.#byTime.get(at);
    this.#byTime.set(at, candle);
    if (known) this.#candles[this.#candles.indexOf(known)] = candle;
    else this.#candles.splice(this.#candles.findIndex((other) => other.open_ts > at), 0, candle);
    return false;
  }

  /** History does not overwrite what came live. */
  putHistory(candles) {
    for (const candle of candles) if (!this.#byTime.has(candle.open_ts)) this.#byTime.set(candle.open_ts, candle);
    this.#candles = [...this.#byTime.values()].sort((a, b) => a.open_ts - b.open_ts).slice(-MOST_KEPT);
  }

  get length() {
    return this.#candles.length;
  }

  get last() {
    return this.#candles.at(-1);
  }

  get first() {
    return this.#candles[0];
  }

  /**
   * {bars, factor}: at most `most` bars. `whole`: of all there is, `factor` candles merged into each bar, cut at whole
   * multiples of the longer time; else the newest as they are.
   */
  view(most, seconds, whole) {
    const factor = whole ? Math.max(1, Math.ceil(this.#candles.length / most)) : 1;
    if (factor === 1) return { bars: this.#candles.length > most ? this.#candles.slice(-most) : this.#candles, factor };
    const width = seconds * factor * 1e6;
    const bars = [];
    let group = [];
    let bucket;
    for (const candle of this.#candles) {
      const at = Math.floor(candle.open_ts / width);
      if (at !== bucket && group.length) {
        bars.push(merge(group));
        group = [];
      }
      bucket = at;
      group.push(candle);
    }
    if (group.length) bars.push(merge(group));
    return { bars, factor };
  }
}
