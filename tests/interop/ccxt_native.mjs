// SPDX-License-Identifier: Apache-2.0
// ccxt's pro classes on `bixws replay --native`, changed in nothing but their URLs, against what an independent oracle
// made of the same capture. Usage: ccxt_native.mjs CASE BIXWS RECORDING EXPECTED [replay option...]
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import ccxt from 'ccxt';

const [, , name, bixws, recording, expectedFile, ...more] = process.argv;

const cases = {
  binance: {
    make: (settings) => new ccxt.pro.binance(settings),
    topics: 16,
    watch: (symbol) => [
      [(e) => e.watchOrderBook(symbol)],
      [(e) => e.watchTrades(symbol, undefined, undefined, { name: 'aggTrade' })],
      [(e) => e.watchOHLCV(symbol, '1m')],
      [(e) => e.watchBidsAsks([symbol]), (tops) => seen.tops.push(tops[symbol])],
    ],
  },
  coinbase: {
    make: (settings) => new ccxt.pro.coinbaseexchange({ ...settings, apiKey: 'any', secret: 'YW55', password: 'any' }),
    topics: 20,
    watch: (symbol) => [[(e) => e.watchOrderBook(symbol)], [(e) => e.watchTrades(symbol)]],
  },
  okx: {
    make: (settings) => new ccxt.pro.okx(settings),
    topics: 6,
    watch: (symbol) => [[(e) => e.watchOrderBook(symbol)], [(e) => e.watchTrades(symbol)]],
  },
  kraken25: { make: (settings) => new ccxt.pro.kraken(settings), topics: 1, watch: (symbol) => [[(e) => e.watchOrderBook(symbol, 25)]] },
  kraken10: { make: (settings) => new ccxt.pro.kraken(settings), topics: 1, watch: (symbol) => [[(e) => e.watchOrderBook(symbol, 10)]] },
};
const seen = { tops: [] };
const chosen = cases[name];
const expected = readFileSync(expectedFile, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const of = (kind) => expected.filter((line) => line.kind === kind);

// ---- the replay

const child = spawn(bixws, ['replay', recording, '--native', '--port', '0', '--wait-topics', String(chosen.topics), ...more]);
let log = '';
let over = false;
const port = await new Promise((resolve, reject) => {
  child.stderr.on('data', (text) => {
    log += text;
    const listening = log.match(/listening on ws:\/\/127\.0\.0\.1:(\d+)/);
    if (listening) resolve(listening[1]);
  });
  child.on('exit', (code) => { over = true; reject(new Error(`replay ended with ${code}: ${log}`)); });
});
const ended = new Promise((resolve) => child.on('exit', resolve));
process.on('exit', () => child.kill());

// ---- ccxt

// Its pause between two requests would make a test with many reconnects take minutes.
const exchange = chosen.make({ enableRateLimit: false, options: { ws: { backoff: { base: 10, factor: 1 } } } });
const elsewhere = (value) => {
  if (typeof value === 'string') return value.replace(/^wss?:\/\/[^/]+/, `ws://127.0.0.1:${port}`).replace(/^https?:\/\/[^/]+/, `http://127.0.0.1:${port}`);
  for (const key of Object.keys(value ?? {})) value[key] = elsewhere(value[key]);
  return value;
};
elsewhere(exchange.urls.api);
await exchange.loadHttpProxyAgent();  // in Node it refuses ws:// without
await exchange.loadMarkets();

// "BTC-USD", "BTC-USD-220527", "UNI-USD-SWAP" as the oracle writes them
const bySymbol = new Map();
for (const symbol of new Set(expected.map((line) => line.symbol).filter(Boolean))) {
  const market = Object.values(exchange.markets).find((m) => m.id === symbol || (m.spot && `${m.base}-${m.quote}` === symbol));
  if (!market) throw new Error(`${name}: ccxt's loadMarkets does not know ${symbol}`);
  bySymbol.set(symbol, market.symbol);
}

const loops = [];
let cuts = 0;
for (const symbol of bySymbol.values()) {
  for (const [ask, take] of chosen.watch(symbol)) {
    loops.push((async () => {
      while (!over) {
        try {
          const answer = await ask(exchange);
          if (take) take(answer);
        } catch (error) {
          if (!(error instanceof ccxt.NetworkError)) throw error;
          ++cuts;
          await new Promise((resolve) => setTimeout(resolve, 1));  // until the next attempt
        }
      }
    })());
  }
}
const failure = await Promise.race([ended, Promise.all(loops).then(() => ended)]);
if (failure !== 0) throw new Error(`replay ended with ${failure}: ${log}`);
await new Promise((resolve) => setTimeout(resolve, 200));  // what the sockets still held

// ---- the comparison

const problems = [];
const same = (what, got, wanted) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) problems.push(`${what}: ${JSON.stringify(got)?.slice(0, 300)} instead of ${JSON.stringify(wanted).slice(0, 300)}`);
};
const counts = { trades: 0, books: 0, tops: 0, candles: 0 };

// Trades made before the subscription are history; a client that was cut off gets the last one again.
for (const [id, symbol] of bySymbol) {
  const wanted = new Map(of('trade').filter((t) => t.symbol === id && !t.snapshot).map((t) => [t.id, [Number(t.price), Number(t.size), t.side]]));
  if (wanted.size === 0) continue;
  const got = new Map((exchange.trades[symbol] ?? []).map((t) => [t.id, [t.price, t.amount, t.side]]));
  for (const [tradeId, trade] of wanted) {
    same(`${symbol} trade ${tradeId}`, got.get(tradeId), trade);
    if (got.has(tradeId)) ++counts.trades;
  }
}
for (const final of of('book_final')) {
  const symbol = bySymbol.get(final.symbol);
  const book = exchange.orderbooks[symbol];
  for (const side of ['bids', 'asks']) {
    const wanted = final[side].map(([price, size]) => [Number(price), Number(size)]);
    same(`${symbol} ${side}`, (book?.[side] ?? []).slice(0, wanted.length).map((level) => [level[0], level[1]]), wanted);
  }
  ++counts.books;
}
if (name === 'binance') {
  for (const [id, symbol] of bySymbol) {
    const wanted = of('bbo').filter((t) => t.symbol === id).map((t) => [t.bid, t.bid_size, t.ask, t.ask_size].map(Number));
    const pair = (t) => t && [t.bid, t.bidVolume, t.ask, t.askVolume];
    const got = seen.tops.filter((t) => t?.symbol === symbol).map(pair);
    // What ccxt holds: of two messages in one read only the first ends the await of watchBidsAsks.
    same(`${symbol} last best bid and ask`, pair(exchange.bidsasks[symbol]), wanted.at(-1));
    for (const top of got) if (!wanted.some((w) => JSON.stringify(w) === JSON.stringify(top))) problems.push(`${symbol}: a best bid and ask that never was: ${top}`);
    counts.tops += got.length;
  }
  for (const candle of of('candle')) {
    const wanted = [candle.start / 1000, ...[candle.open, candle.high, candle.low, candle.close, candle.volume].map(Number)];
    const held = exchange.ohlcvs[bySymbol.get(candle.symbol)]?.['1m'] ?? [];
    same(`${candle.symbol} candle`, held.find((c) => c[0] === wanted[0]), wanted);
    ++counts.candles;
  }
}
const disconnects = (log.match(/chaos: disconnect/g) ?? []).length;
if (more.some((option) => option.includes('disconnect=')) && disconnects === 0) problems.push('no connection was cut');
console.log(`${name} ${more.join(' ')}: ${JSON.stringify(counts)}, cut ${disconnects} times (${cuts} errors in ccxt)`);
if (problems.length > 0) {
  console.error(problems.slice(0, 20).join('\n'));
  process.exit(1);
}
process.exit(0);
