// SPDX-License-Identifier: Apache-2.0
// Sparkline: the last minutes of a price as a line of a fixed number of steps, redrawn at most once a second.
import { svg } from './dom.js';

const WIDTH = 100;
const HEIGHT = 28;

export class Sparkline {
  #values = [];
  #path = svg('path', { d: '', class: 'bx-spark-line' });
  #most;
  #stale = true;
  element = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'bx-spark', 'aria-hidden': 'true', focusable: 'false' }, this.#path);

  constructor(most = 90) {
    this.#most = most;
  }

  /** Older values, before all that were added. */
  prepend(values) {
    this.#values = [...values, ...this.#values].slice(-this.#most);
    this.#stale = true;
  }

  add(value) {
    if (this.#values.length && this.#values.at(-1) === value && this.#values.length > 1 && this.#values.at(-2) === value) return;
    this.#values.push(value);
    if (this.#values.length > this.#most) this.#values.shift();
    this.#stale = true;
  }

  clear() {
    this.#values = [];
    this.#stale = true;
  }

  draw() {
    if (!this.#stale) return;
    this.#stale = false;
    const values = this.#values;
    if (values.length < 2) {
      this.#path.setAttribute('d', '');
      return;
    }
    let least = values[0];
    let most = values[0];
    for (const value of values) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const height = most - least || 1;
    const step = WIDTH / (values.length - 1);
    let d = '';
    for (let i = 0; i < values.length; i += 1) {
      const y = most === least ? HEIGHT / 2 : 2 + (HEIGHT - 4) * (1 - (values[i] - least) / height);
      d += `${i ? 'L' : 'M'}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    }
    this.#path.setAttribute('d', d);
  }
}
