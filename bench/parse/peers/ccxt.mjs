// SPDX-License-Identifier: Apache-2.0
// How fast ccxt's WebSocket client turns Coinbase frames into its unified structures: each frame goes in where the
// socket would put it (Client.onMessage), and handleMessage makes of it what a user would get. Nobody awaits, which is
// its best case. node ccxt.mjs FRAMES, a file with one frame a line, on the core it is started on.
import ccxt from "ccxt";
import { readFileSync } from "node:fs";

const frames = readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean).map((line) => Buffer.from(line));
const exchange = new ccxt.pro.coinbaseexchange({ newUpdates: true });
const products = new Set();
for (const frame of frames) {
  const message = JSON.parse(frame);
  if (message.product_id) products.add(message.product_id);
}
exchange.setMarkets(
  [...products].map((id) => {
    const [base, quote] = id.split("-");
    return {
      id, symbol: `${base}/${quote}`, base, quote, baseId: base, quoteId: quote,
      type: "spot", spot: true, active: true, precision: { amount: 1e-8, price: 1e-8 }, limits: {},
    };
  }),
);
const url = exchange.urls.api.ws;
const client = exchange.client(url);
// A client that is not connected sends nothing and minds nothing.
let failed = 0;
client.onError = (e) => { if (failed++ === 0) console.error(e); };

let books = 0;
let trades = 0;
const handleTrade = exchange.handleTrade.bind(exchange);
exchange.handleTrade = (...args) => { trades += 1; return handleTrade(...args); };
const handleOrderBook = exchange.handleOrderBook.bind(exchange);
exchange.handleOrderBook = (...args) => { books += 1; return handleOrderBook(...args); };

const begin = process.cpuUsage();
for (const frame of frames) client.onMessage({ data: frame });
const used = process.cpuUsage(begin);
const seconds = (used.user + used.system) / 1e6;
const levels = Object.values(exchange.orderbooks).reduce((sum, book) => sum + book.bids.length + book.asks.length, 0);
if (failed || trades + books === 0 || (books > 0 && levels === 0)) {
  console.error(`ccxt did not read the frames: ${failed} errors, ${trades} trades, ${books} book messages`);
  process.exit(1);
}
console.log(JSON.stringify({
  reader: `ccxt ${ccxt.version}`, frames: frames.length, seconds, rate: Math.round(frames.length / seconds), trades,
  books, levels_at_the_end: levels,
}));
process.exit(0);
