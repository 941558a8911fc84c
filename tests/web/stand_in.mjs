// SPDX-License-Identifier: Apache-2.0
// A stand-in for bixws serve: protocol version 1 over npm ws and the dashboard's files from disk, for states that the
// real server is hard to bring into, and for working on the page: node stand_in.mjs PORT VENDOR_DIR [option=value ...]
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

const here = dirname(fileURLToPath(import.meta.url));
const assets = join(here, '../../web/assets');
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', txt: 'text/plain' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const SECONDS = { '1m': 60, '3m': 180, '5m': 300, '15m': 900, '30m': 1800, '1h': 3600, '2h': 7200, '4h': 14400, '6h': 21600, '12h': 43200, '1d': 86400 };

/** The same numbers in every run. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

const START = { BTCUSDT: [63412.3, 2], ETHUSDT: [3051.27, 2], SOLUSDT: [148.33, 2], ADAUSDT: [0.4517, 4], XRPUSDT: [0.5263, 4], DOGEUSDT: [0.12345, 5], 'kraken:BTCUSD': [63390.1, 1], 'kraken:ETHEUR': [2810.55, 2] };

/** One symbol: prices as whole numbers of the smallest step. */
class Market {
  constructor(name, seed) {
    const [price, digits] = START[name] ?? [10 + (seed % 90) * 3.7, 3];
    this.name = name;
    this.exchange = name.includes(':') ? name.split(':')[0] : 'sim';
    this.digits = digits;
    this.random = random(seed * 7919 + 17);
    this.price = Math.round(price * 10 ** digits);
    this.open = this.price;
    this.high = Math.round(this.price * 1.021);
    this.low = Math.round(this.price * 0.974);
    this.trades = 0;
    this.seq = { trades: 0, book: 0, candle: 0 };
    this.bids = [];
    this.asks = [];
    const step = Math.max(1, Math.round(this.price * 0.00004));
    this.step = step;
    for (let i = 0; i < 60; i += 1) {
      this.bids.push([this.price - step * (i + 1), 1 + Math.floor(this.random() * 40000)]);
      this.asks.push([this.price + step * (i + 1), 1 + Math.floor(this.random() * 40000)]);
    }
  }

  text(value) {
    const negative = value < 0 ? '-' : '';
    const digits = String(Math.abs(value)).padStart(this.digits + 1, '0');
    return `${negative}${digits.slice(0, -this.digits)}.${digits.slice(-this.digits)}`;
  }

  size(value) {
    return `${Math.floor(value / 10000)}.${String(value % 10000).padStart(4, '0')}`;
  }

  move(now) {
    this.price += Math.round((this.random() - 0.495) * 2.2 * this.step);
    this.high = Math.max(this.high, this.price);
    this.low = Math.min(this.low, this.price);
    this.at = now;
    this.trades += 1;
    return { price: this.text(this.price), size: this.size(1 + Math.floor(this.random() ** 4 * 90000)), side: this.random() < 0.5 ? 'sell' : 'buy', id: `${4398000 + this.trades}` };
  }

  ticker() {
    const change = ((this.price - this.open * 0.984) / (this.open * 0.984)) * 100;
    return `{"price":${this.text(this.price)},"bid":${this.text(this.price - this.step)},"ask":${this.text(this.price + this.step)},"bid_size":0.5120,"ask_size":1.2000,"open_24h":${this.text(Math.round(this.open * 0.984))},"high_24h":${this.text(this.high)},"low_24h":${this.text(this.low)},"volume_24h":18234.11200,"quote_volume_24h":902345678.10,"change_24h":${change.toFixed(3)},"exchange":"${this.exchange}","ts":${this.at - 900},"recv_ts":${this.at}}`;
  }

  level([price, size]) {
    return `[${this.text(price)},${size ? this.size(size) : 0}]`;
  }

  touchBook() {
    const changed = { bids: [], asks: [] };
    for (const side of ['bids', 'asks']) {
      const level = this[side][Math.floor(this.random() ** 2 * 25)];
      level[1] = 1 + Math.floor(this.random() * 40000);
      changed[side].push(level);
    }
    return changed;
  }

  candles(seconds, limit, now) {
    const make = random(seconds + this.open);
    const list = [];
    const last = Math.floor(now / 1e6 / seconds) * seconds;
    let close = this.price;
    for (let i = 0; i < limit; i += 1) {
      const open = close - Math.round((make() - 0.49) * this.step * 30);
      const high = Math.max(open, close) + Math.round(make() * this.step * 8);
      const low = Math.min(open, close) - Math.round(make() * this.step * 8);
      list.unshift(this.candle((last - (i + 1) * seconds) * 1e6, open, high, low, close, 30000 + Math.floor(make() * 900000), true));
      close = open;
    }
    return list;
  }

  candle(openTs, open, high, low, close, volume, closed) {
    return `{"open_ts":${openTs},"open":${this.text(open)},"high":${this.text(high)},"low":${this.text(low)},"close":${this.text(close)},"volume":${this.size(volume)},"closed":${closed}`;
  }
}

const DEFAULTS = { symbols: 'BTCUSDT,ETHUSDT,SOLUSDT,ADAUSDT', interval: 100, rate: 40, token: '', empty: false, history: true, annotate: true, replay: false, down: '', base: '/', origin: '' };

export async function standIn(options = {}) {
  const o = { ...DEFAULTS, ...options };
  const names = o.empty ? [] : o.symbols.split(',');
  const markets = new Map(names.map((name, i) => [name, new Market(name, i + 1)]));
  const clients = new Set();
  const annotations = new Map();
  const epoch = createHash('sha1').update(String(Math.random())).digest('hex').slice(0, 6);
  let seq = 0;
  let clock = Date.now() * 1000;
  const replay = { session: 3, position: clock, from: clock - 600e6, to: clock + 1200e6, speed: 1, state: 'playing' };
  const candles = new Map();
  const now = () => (o.replay ? replay.position : Date.now() * 1000);
  for (const market of markets.values()) market.at = now();

  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://x');
    if (!url.pathname.startsWith(o.base)) {
      response.writeHead(404).end('not found');
      return;
    }
    const path = url.pathname.slice(o.base.length);
    if (path === 'ws') {
      response.writeHead(o.token && url.searchParams.get('token') !== o.token ? 401 : o.origin ? 403 : 426).end();
      return;
    }
    const file = path === '' ? join(assets, 'index.html') : path.startsWith('assets/vendor/') ? join(o.vendor, path.slice(14)) : join(assets, normalize(path.slice(7)));
    try {
      if (path !== '' && !path.startsWith('assets/')) throw new Error();
      const bytes = await readFile(file);
      response.writeHead(200, { 'content-type': `${TYPES[file.split('.').at(-1)]}; charset=utf-8`, 'cache-control': 'no-cache', ...(path === '' && { 'content-security-policy': POLICY }) }).end(bytes);
    } catch {
      response.writeHead(404).end('not found');
    }
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url, 'http://x');
    if (o.token && url.searchParams.get('token') !== o.token) return socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    if (o.origin && request.headers.origin !== o.origin) return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, join_);
  });

  const has = (client, channel, symbol) => client.wanted.has(`${channel} ${symbol}`) || client.wanted.has(`${channel} *`);
  const toAll = (channel, symbol, text) => {
    for (const client of clients) if (has(client, channel, symbol)) client.socket.send(text);
  };
  const statuses = () => {
    const exchanges = [...new Set(names.map((name) => markets.get(name).exchange))];
    if (o.empty) return [`{"type":"status","exchange":"binance","state":"${o.down ? 'down' : 'connecting'}"${o.down ? `,"reason":"${o.down}"` : ''},"ts":${now()}}`];
    return exchanges.map((exchange, i) => `{"type":"status","exchange":"${exchange}","state":"${o.replay && replay.state === 'ended' ? 'ended' : i && o.down ? 'down' : 'live'}","integrity":"${i ? 'checksum' : 'sequence'}","lag_us":${i ? 48211 : 1830},"skew_us":-210${i && o.down ? `,"reason":"${o.down}"` : ''},"ts":${now()}${o.replay ? `,"replay":${JSON.stringify(replay)}` : ''}}`);
  };
  const initial = () => `{"type":"initial_data","protocol":1,"epoch":"${epoch}","seq":${seq},"ts":${now()},"data":{${[...markets].map(([name, market]) => `"${name}":${market.ticker()}`).join(',')}}}`;
  const bookSnapshot = (market, depth) => `{"type":"book","exchange":"${market.exchange}","symbol":"${market.name}","seq":${market.seq.book},"depth":${depth},"action":"snapshot","bids":[${market.bids.slice(0, depth).map((l) => market.level(l))}],"asks":[${market.asks.slice(0, depth).map((l) => market.level(l))}],"ts":${market.at},"recv_ts":${market.at},"state":"live"}`;

  function join_(socket) {
    const client = { socket, wanted: new Set(['ticker *', 'status *']), first: true };
    clients.add(client);
    socket.on('close', () => clients.delete(client));
    socket.on('error', () => {});
    socket.send(initial());
    for (const status of statuses()) socket.send(status);
    socket.on('message', (bytes) => {
      const message = JSON.parse(bytes);
      const id = message.id === undefined ? '' : `,"id":${JSON.stringify(message.id)}`;
      const error = (code, text) => socket.send(`{"type":"error"${id},"code":"${code}","message":"${text}"}`);
      if (message.type === 'subscribe' || message.type === 'unsubscribe') {
        const unknown = (message.symbols ?? []).find((symbol) => !markets.has(symbol));
        if (unknown) return error('unknown_symbol', `unknown symbol ${unknown}; did you mean BTCUSDT?`);
        if (message.type === 'subscribe' && client.first) client.wanted.clear();
        client.first &&= message.type !== 'subscribe';
        for (const channel of message.channels) for (const symbol of message.symbols ?? ['*']) client.wanted[message.type === 'subscribe' ? 'add' : 'delete'](`${channel} ${symbol}`);
        socket.send(`{"type":"${message.type}d"${id}}`);
        if (message.type === 'unsubscribe') return undefined;
        for (const symbol of message.symbols ?? []) {
          for (const channel of message.channels) if (channel.startsWith('book:')) socket.send(bookSnapshot(markets.get(symbol), Number(channel.slice(5))));
        }
        if (message.channels.includes('annotations')) for (const text of annotations.values()) socket.send(text);
        return undefined;
      }
      if (message.type === 'ping') return socket.send(`{"type":"pong"${id}}`);
      if (message.type === 'history' && o.history) {
        const market = markets.get(message.symbol);
        const list = message.channel.startsWith('candles:') ? market.candles(SECONDS[message.channel.slice(8)], message.limit ?? 100, now()).map((c) => `${c},"recv_ts":${now()}}`) : [];
        return socket.send(`{"type":"history"${id},"symbol":"${message.symbol}","channel":"${message.channel}","data":[${list}]}`);
      }
      if (message.type === 'annotate' && o.annotate) {
        if (message.delete) annotations.delete(message.id);
        const text = String(bytes).replace('"type":"annotate"', `"type":"annotation","exchange":"sim"`).replace('"delete":true', '"deleted":true');
        if (!message.delete) annotations.set(message.id, text);
        return toAll('annotations', message.symbol, text);
      }
      if (message.type === 'replay' && o.replay) {
        if (message.action === 'pause') replay.state = 'paused';
        if (message.action === 'resume') replay.state = 'playing';
        if (message.action === 'seek') replay.position = message.value;
        if (message.action === 'speed') replay.speed = message.value;
        for (const status of statuses()) toAll('status', '*', status);
        return undefined;
      }
      return error('unknown_type', `unknown type ${message.type}`);
    });
  }

  const dirty = new Set();
  let owed = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    const passed = performance.now() - before;
    before = performance.now();
    if (o.replay) {
      if (replay.state !== 'playing') return;
      replay.position += Math.round(passed * 1000 * (replay.speed === 'max' ? 100 : replay.speed));
    }
    clock = now();
    owed += (o.rate * passed) / 1000;
    while (owed >= 1 && names.length) {
      owed -= 1;
      const market = markets.get(names[Math.floor(Math.random() * names.length)]);
      const trade = market.move(clock);
      dirty.add(market);
      market.seq.trades += 1;
      toAll('trades', market.name, `{"type":"trades","exchange":"${market.exchange}","symbol":"${market.name}","seq":${market.seq.trades},"data":[{"price":${trade.price},"size":${trade.size},"side":"${trade.side}","id":"${trade.id}","ts":${clock - 800},"recv_ts":${clock}}]}`);
      const { bids, asks } = market.touchBook();
      market.seq.book += 1;
      for (const depth of [5, 10, 25, 50, 100]) toAll(`book:${depth}`, market.name, `{"type":"book","exchange":"${market.exchange}","symbol":"${market.name}","seq":${market.seq.book},"depth":${depth},"action":"update","bids":[${bids.filter((l) => market.bids.indexOf(l) < depth).map((l) => market.level(l))}],"asks":[${asks.filter((l) => market.asks.indexOf(l) < depth).map((l) => market.level(l))}],"ts":${clock},"recv_ts":${clock},"state":"live"}`);
    }
  }, 10);
  const ticker = setInterval(() => {
    if (dirty.size === 0) return;
    seq += 1;
    const text = `{"type":"market_update","seq":${seq},"ts":${clock},"data":{${[...dirty].map((market) => `"${market.name}":${market.ticker()}`).join(',')}}}`;
    toAll('ticker', '*', text);
    for (const market of dirty) {
      for (const [timeframe, seconds] of Object.entries(SECONDS)) {
        const openTs = Math.floor(clock / 1e6 / seconds) * seconds * 1e6;
        const key = `${market.name} ${timeframe}`;
        const known = candles.get(key);
        const bar = known?.openTs === openTs ? known : { openTs, open: known?.close ?? market.price, high: market.price, low: market.price, volume: 0 };
        bar.high = Math.max(bar.high, market.price, bar.open);
        bar.low = Math.min(bar.low, market.price, bar.open);
        bar.close = market.price;
        bar.volume += 4321;
        candles.set(key, bar);
        toAll(`candles:${timeframe}`, market.name, `{"type":"candle","exchange":"${market.exchange}","symbol":"${market.name}","timeframe":"${timeframe}","seq":${seq},${market.candle(openTs, bar.open, bar.high, bar.low, bar.close, bar.volume, false).slice(1)},"recv_ts":${clock}}`);
      }
    }
    dirty.clear();
  }, o.interval);
  const statusTimer = setInterval(() => {
    for (const status of statuses()) toAll('status', '*', status);
  }, 1000);

  await new Promise((resolve) => server.listen(o.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    port,
    url: `http://127.0.0.1:${port}${o.base}`,
    markets,
    gap: (symbol, lost) => toAll('trades', symbol, `{"type":"gap","exchange":"sim","symbol":"${symbol}","channel":"trades","reason":"too slow","lost":${lost}}`),
    alert: (symbol, text, more = '') => toAll('alerts', symbol, `{"type":"alert","id":"${text}"${more},"exchange":"sim","symbol":"${symbol}","ts":${clock},"price":${markets.get(symbol).text(markets.get(symbol).price)},"text":"${text}","kind":"price"}`),
    end: () => {
      replay.state = 'ended';
      for (const status of statuses()) toAll('status', '*', status);
      for (const client of clients) client.socket.close(1000, 'ended');
    },
    stop: async () => {
      clearInterval(timer);
      clearInterval(ticker);
      clearInterval(statusTimer);
      for (const client of clients) client.socket.terminate();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , port, vendor, ...pairs] = process.argv;
  const read = (text) => ({ true: true, false: false }[text] ?? (/^\d+$/.test(text) ? Number(text) : text));
  const served = await standIn({ port: Number(port), vendor, ...Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)).map(([k, v]) => [k, read(v)])) });
  console.log(`listening on ${served.url}`);
}
