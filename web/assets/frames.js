// SPDX-License-Identifier: Apache-2.0
// Frames: whatever changed is drawn once per animation frame, or as often as the viewer wants it, however often the
// data came.

class Frames {
  #waiting = new Set();
  #requested = 0;
  #timer = 0;
  #drawnAt = 0;
  /** Least milliseconds between two drawings; 0: every frame; Infinity: only on now(). */
  #interval = 0;

  get interval() {
    return this.#interval;
  }

  set interval(milliseconds) {
    this.#interval = milliseconds;
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#waiting.size) this.#request();
  }

  /** Draws `thing` (its render()) soon. `urgent`: whatever the interval is, for states rather than prices. */
  schedule(thing, urgent = false) {
    this.#waiting.add(thing);
    if (urgent) this.#requestFrame();
    else this.#request();
  }

  cancel(thing) {
    this.#waiting.delete(thing);
  }

  now() {
    this.#draw();
  }

  #request() {
    if (this.#requested || this.#timer || this.#interval === Infinity) return;
    const rest = this.#drawnAt + this.#interval - performance.now();
    if (rest <= 0) this.#requestFrame();
    else this.#timer = setTimeout(() => this.#requestFrame(), rest);
  }

  #requestFrame() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#requested ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    if (this.#requested) cancelAnimationFrame(this.#requested);
    this.#requested = 0;
    this.#drawnAt = performance.now();
    const things = [...this.#waiting];
    this.#waiting.clear();
    for (const thing of things) thing.render();
  }
}

export const frames = new Frames();
