// SPDX-License-Identifier: Apache-2.0
// Messages as they were on the wire, every number as its own digits; read without the dashboard's code, which is
// compared to it.

/** A message with each number as text: {"price":50000.10} is {price: '50000.10'}. */
export const exact = (text) => JSON.parse(text.replace(/([:[,])(-?\d+(?:\.\d+)?)(?=[,\]}])/g, '$1"$2"'));

/** Every ticker of a symbol, in order. */
export const tickers = (messages, symbol) => messages.map((message) => message.data?.[symbol]).filter((ticker) => ticker?.price !== undefined);

export const ofSymbol = (messages, type, symbol) => messages.filter((message) => message.type === type && message.symbol === symbol);

/** [price, size, side] of every trade, in order. */
export const trades = (messages, symbol) => ofSymbol(messages, 'trades', symbol).flatMap(({ data }) => data.map(({ price, size, side }) => [price, size, side]));

/** {bids, asks} after each message of one book, best first, at most `depth` levels. */
export function* books(messages, depth = Infinity) {
  const sides = { bids: new Map(), asks: new Map() };
  for (const message of messages) {
    for (const [name, levels] of Object.entries(sides)) {
      if (message.action === 'snapshot') levels.clear();
      for (const [price, size] of message[name]) {
        if (Number(size) === 0) levels.delete(price);
        else levels.set(price, size);
      }
    }
    const sorted = (name, sign) => [...sides[name]].sort(([a], [b]) => sign * (a - b)).slice(0, depth);
    yield { bids: sorted('bids', -1), asks: sorted('asks', 1) };
  }
}

/** The same members of an object. */
export const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));
