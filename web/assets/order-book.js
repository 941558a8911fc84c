// SPDX-License-Identifier: Apache-2.0
// OrderBook: snapshots and updates of one book topic put together, best level first, digits untouched.
import { compare, isZero } from './decimal-text.js';

class BookSide {
  /** [price, size] as texts, best first. */
  levels = [];
  #sign;

  constructor(descending) {
    this.#sign = descending ? -1 : 1;
  }

  set(price, size) {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sign * compare(this.levels[middle][0], price) < 0) low = middle + 1;
      else high = middle;
    }
    const found = low < this.levels.length && compare(this.levels[low][0], price) === 0;
    if (isZero(size)) {
      if (found) this.levels.splice(low, 1);
    } else if (found) {
      this.levels[low] = [price, size];
    } else {
      this.levels.splice(low, 0, [price, size]);
    }
  }
}

export class OrderBook {
  bids = new BookSide(true);
  asks = new BookSide(false);
  /** live, resyncing, stale; '' before the first snapshot. */
  state = '';
  seq = 0;
  ts = 0;
  recvTs = 0;

  /** False: this update does not follow what is here; the book needs a snapshot. */
  apply(message) {
    if (message.action === 'snapshot') {
      this.bids.levels = [];
      this.asks.levels = [];
    } else if (this.seq === 0 || (message.from_seq ?? message.seq) > this.seq + 1) {
      this.state = 'stale';
      return false;
    }
    for (const [price, size] of message.bids) this.bids.set(price, size);
    for (const [price, size] of message.asks) this.asks.set(price, size);
    this.seq = message.seq;
    this.state = message.state ?? 'live';
    this.ts = message.ts;
    this.recvTs = message.recv_ts;
    return true;
  }

  /** Nothing can be said about it until the next snapshot. */
  markStale() {
    if (this.state) this.state = 'stale';
  }
}
