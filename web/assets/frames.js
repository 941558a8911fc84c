// SPDX-License-Identifier: Apache-2.0
// Frames: whatever changed is drawn once per animation frame, or as often as the viewer wants it, however often the
// data came; less often where drawing is slow, so that the page still answers its viewer.

const SHARE = 3; // a drawing is followed by at least twice its own time without one
const LONGEST_REST_MS = 100; // but what is shown must not get old

class Frames {
  #waiting = new Set();
  #requested = 0;
  #timer = 0;
  #drawnAt = 0;
  #cost = 0;
  #afterFrame = new MessageChannel();
  /** Least milliseconds between two drawings; 0: every frame; Infinity: only on now(). */
  #interval = 0;

  constructor() {
    // Style, layout and paint follow the callback in the same frame; the next task comes after them.
    this.#afterFrame.port1.onmessage = () => (this.#cost = performance.now() - this.#drawnAt);
  }

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
    const least = Math.max(this.#interval, Math.min(this.#cost * SHARE, LONGEST_REST_MS));
    const rest = this.#drawnAt + least - performance.now();
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
    this.#afterFrame.port2.postMessage(null);
  }
}

export const frames = new Frames();
