// SPDX-License-Identifier: Apache-2.0
// BixwsClient: a bixws server's market in any page or Node program. Connects, subscribes, comes back by itself, resumes
// where it was, and keeps the newest of everything. Prices and sizes are texts with the exchange's own digits.
import { parseExact, stringifyExact } from './exact-json.js';
import { OrderBook } from './order-book.js';

/** `state` is one of these. */
export const ConnectionState = Object.freeze({
  idle: 'idle', // not asked to connect, or disconnected on purpose
  connecting: 'connecting',
  open: 'open',
  waiting: 'waiting', // lost or not reached; `retryAt` says when it tries again
  unauthorized: 'unauthorized', // the server wants a token, or another one: set `token`, then connect()
  forbidden: 'forbidden', // the server does not allow this page's origin
  ended: 'ended', // the server said that there is no more (a replay's end), or gave up on us
});

export class BixwsError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'BixwsError';
    /** The server's code (unknown_symbol, unknown_type, ...), or: disconnected, timeout. */
    this.code = code;
  }
}

const QUIET_MS = 20000; // without a message: ask; as long again without an answer: the line is dead
const ANSWER_MS = 15000;
const HISTORIES_AT_ONCE = 8; // a server refuses those of a client that asks for much at a time
const TOPIC_OF = { trades: () => 'trades', book: (m) => (m.depth ? `book:${m.depth}` : 'book'), candle: (m) => `candles:${m.timeframe}` };

/** Where the server of a page is, wherever a proxy has put it. */
export function defaultUrl(location = globalThis.location) {
  const url = new URL('ws', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = '';
  url.hash = '';
  return url.href;
}

export class BixwsClient {
  #options;
  #listeners = new Map();
  #socket = null;
  #opened = false;
  #retryTimer = 0;
  #quietTimer = 0;
  #heardAt = 0;
  #nextId = 1;
  #answers = new Map();
  #histories = 0;
  #historyTurns = [];
  #wanted = new Map(); // 'channel' -> {symbols: Map(symbol -> count), every: count, policy}
  #unsent = null; // wishes of this turn
  #last = new Map(); // symbol -> Map(topic -> seq)
  #tickers = new Map();
  #queue = [];
  #books = new Map(); // symbol -> Map(topic -> OrderBook)

  /**
   * url: ws://host:port/ (default: the page's own server); token; autoReconnect (true); reconnectDelay in ms (5000);
   * queueLimit (100): messages kept for nextMessage(), 0 for none; tickers (true): prices and status of all symbols;
   * WebSocket: for Node versions that have none.
   */
  constructor(options = {}) {
    this.#options = { autoReconnect: true, reconnectDelay: 5000, queueLimit: 100, tickers: true, ...options };
    this.url = options.url ?? defaultUrl();
    this.token = options.token ?? '';
    this.state = ConnectionState.idle;
    this.reason = '';
    this.retryAt = 0;
    this.epoch = '';
    this.dropped = 0; // messages that did not fit into the queue
    this.received = 0; // messages
    this.gaps = 0;
    this.lost = 0; // messages or trades that gaps told us about
    this.statuses = new Map(); // exchange, or exchange and symbol -> newest status
    this.replay = null; // {session, position, speed, state, ...} while the server replays
    if (this.#options.tickers) this.#wish('ticker', undefined, 1), this.#wish('status', undefined, 1);
  }

  // Callbacks -------------------------------------------------------------------------------------------------------

  /**
   * type: a message's type (initial_data, market_update, trades, book, candle, status, gap, alert, annotation, error),
   * or `message` (all), `prices` (names of the symbols that changed), `state`, `epoch`. Answers a function that ends it.
   */
  on(type, callback) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(callback);
    return () => this.#listeners.get(type).delete(callback);
  }

  #emit(type, value) {
    const listeners = this.#listeners.get(type);
    if (!listeners) return;
    for (const callback of listeners) {
      try {
        callback(value);
      } catch (error) {
        // One listener's mistake is not the others'.
        (globalThis.reportError ?? console.error)(error);
      }
    }
  }

  // Connection ------------------------------------------------------------------------------------------------------

  connect() {
    if (this.#socket) return;
    clearTimeout(this.#retryTimer);
    this.retryAt = 0;
    this.#become(ConnectionState.connecting, '');
    const url = new URL(this.url);
    if (this.token) url.searchParams.set('token', this.token);
    const socket = new (this.#options.WebSocket ?? globalThis.WebSocket)(url.href);
    this.#socket = socket;
    this.#opened = false;
    socket.onopen = () => socket === this.#socket && this.#onOpen();
    socket.onmessage = (event) => socket === this.#socket && this.#onMessage(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#onClose(event.code, event.reason);
    socket.onerror = () => {}; // onclose follows and says more
  }

  disconnect() {
    clearTimeout(this.#retryTimer);
    this.retryAt = 0;
    this.#drop(1000, 'done');
    this.#become(ConnectionState.idle, '');
  }

  /** At once, whether connected or waiting. */
  reconnect() {
    this.#drop(1000, 'reconnect');
    this.connect();
  }

  isConnected() {
    return this.state === ConnectionState.open;
  }

  #drop(code, reason) {
    const socket = this.#socket;
    this.#socket = null;
    clearInterval(this.#quietTimer);
    if (socket) socket.close(code, reason);
    this.#refuseAnswers();
  }

  #become(state, reason) {
    if (this.state === state && this.reason === reason) return;
    this.state = state;
    this.reason = reason;
    this.#emit('state', state);
  }

  #onOpen() {
    this.#opened = true;
    this.replay = null; // whoever answers now says so if it replays
    this.#heardAt = Date.now();
    this.state = ConnectionState.open;
    this.reason = '';
    this.#quietTimer = setInterval(() => this.#checkQuiet(), 5000);
    // Before anybody hears of it: a history asked for now must reach up to where the subscription begins.
    for (const [symbols, channels, policy] of this.#groups(this.#wanted)) this.#subscribe(symbols, channels, policy, true);
    this.#unsent = null;
    this.#emit('state', this.state);
  }

  #checkQuiet() {
    const quiet = Date.now() - this.#heardAt;
    if (quiet > 2 * QUIET_MS) {
      this.#drop(4000, 'silent');
      this.#lostConnection('silent');
    } else if (quiet > QUIET_MS) {
      this.#transmit({ type: 'ping' });
    }
  }

  #onClose(code, reason) {
    const opened = this.#opened;
    this.#socket = null;
    clearInterval(this.#quietTimer);
    this.#refuseAnswers();
    if (!opened) this.#askWhy();
    else if (code === 1000) this.#become(ConnectionState.ended, reason);
    else this.#lostConnection(reason || (code === 1001 ? 'shutting down' : `closed ${code}`));
  }

  #lostConnection(reason) {
    if (!this.#options.autoReconnect) {
      this.#become(ConnectionState.idle, reason);
      return;
    }
    this.retryAt = Date.now() + this.#options.reconnectDelay;
    this.#retryTimer = setTimeout(() => this.connect(), this.#options.reconnectDelay);
    this.#become(ConnectionState.waiting, reason);
  }

  /** A browser does not tell why a handshake failed; the same address over HTTP does. */
  async #askWhy() {
    let status = 0;
    try {
      const url = new URL(this.url);
      url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
      if (this.token) url.searchParams.set('token', this.token);
      // POST: the one request to one's own server that carries an Origin.
      status = (await fetch(url, { method: 'POST', cache: 'no-store', signal: AbortSignal.timeout(3000) })).status;
    } catch {
      status = 0;
    }
    if (this.#socket || this.state !== ConnectionState.connecting) return;
    if (status === 401) this.#become(ConnectionState.unauthorized, this.token ? 'token refused' : 'token needed');
    else if (status === 403) this.#become(ConnectionState.forbidden, 'origin not allowed');
    else this.#lostConnection(status === 0 ? 'not reachable' : `HTTP ${status}`);
  }

  // Subscriptions ---------------------------------------------------------------------------------------------------

  /**
   * Wants channels ('trades', 'book:25', 'candles:1m', ...) of symbols (absent: all), now and after each reconnect.
   * Wishes of several callers are counted; answers a function that ends this one. The server's refusal is an `error`
   * event and rejects `answered` of the function.
   */
  subscribe({ channels, symbols, policy }) {
    const fresh = [];
    for (const channel of channels) {
      for (const symbol of symbols ?? [undefined]) {
        if (this.#wish(channel, symbol, 1, policy)) fresh.push([channel, symbol]);
      }
    }
    const answered = this.#soon(fresh, true, policy);
    answered.catch(() => {}); // whoever wants to know asks for it
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      const gone = [];
      for (const channel of channels) {
        for (const symbol of symbols ?? [undefined]) {
          if (this.#wish(channel, symbol, -1)) gone.push([channel, symbol]);
        }
      }
      this.#soon(gone, false).catch(() => {});
    };
    end.answered = answered;
    return end;
  }

  /** True if the sum of all wishes changed. */
  #wish(channel, symbol, change, policy) {
    const key = `${channel} ${symbol ?? '*'}`;
    const before = this.#wanted.get(key)?.count ?? 0;
    const count = before + change;
    if (count > 0) this.#wanted.set(key, { channel, symbol, count, policy: policy ?? this.#wanted.get(key)?.policy });
    else this.#wanted.delete(key);
    return before === 0 || count === 0;
  }

  /** Collects what is wished in one turn into few requests; what was wished and dropped again is never sent. */
  #soon(list, wanted, policy) {
    if (!this.#socket || !this.#opened || list.length === 0) return Promise.resolve();
    if (!this.#unsent) {
      this.#unsent = { changes: new Map() };
      const batch = this.#unsent;
      batch.done = Promise.resolve().then(() => this.#flush(batch));
    }
    for (const [channel, symbol] of list) {
      const key = `${channel} ${symbol ?? '*'}`;
      const known = this.#unsent.changes.get(key);
      if (known && known.wanted !== wanted) this.#unsent.changes.delete(key);
      else this.#unsent.changes.set(key, { channel, symbol, wanted, policy });
    }
    return this.#unsent.done;
  }

  /** Sends a batch, unless that is done; resolves with the answers. */
  #flush(batch) {
    if (this.#unsent === batch) {
      this.#unsent = null;
      batch.answers = this.#sendWishes(batch);
    }
    return batch.answers ?? Promise.resolve();
  }

  #sendWishes(batch) {
    const on = new Map([...batch.changes].filter(([, change]) => change.wanted));
    const off = new Map([...batch.changes].filter(([, change]) => !change.wanted));
    const answers = [];
    for (const [symbols, channels] of this.#groups(off)) {
      for (const symbol of symbols ?? []) for (const channel of channels) this.#forget(symbol, channel);
      answers.push(this.request({ type: 'unsubscribe', symbols, channels }));
    }
    for (const [symbols, channels, policy] of this.#groups(on)) answers.push(this.#subscribe(symbols, channels, policy, false));
    return Promise.all(answers);
  }

  /** [symbols or undefined, channels, policy] for as few requests as keep a refusal to those it concerns. */
  *#groups(wanted) {
    const bySymbol = new Map();
    for (const { channel, symbol, policy } of wanted.values()) {
      // An older server may not know alerts or annotations; that must not take the prices with it.
      const apart = channel === 'alerts' || channel === 'annotations' ? channel : '';
      const key = JSON.stringify([symbol ?? null, policy ?? null, apart]);
      if (!bySymbol.has(key)) bySymbol.set(key, { symbol, policy, channels: [] });
      bySymbol.get(key).channels.push(channel);
    }
    const byChannels = new Map();
    for (const { symbol, policy, channels } of bySymbol.values()) {
      const key = JSON.stringify([channels.sort(), policy ?? null, symbol === undefined]);
      if (!byChannels.has(key)) byChannels.set(key, { symbols: [], policy, channels });
      byChannels.get(key).symbols.push(symbol);
    }
    const groups = [...byChannels.values()].sort((a, b) => Number(b.symbols[0] === undefined) - Number(a.symbols[0] === undefined));
    for (const { symbols, policy, channels } of groups) yield [symbols[0] === undefined ? undefined : symbols, channels, policy];
  }

  #subscribe(symbols, channels, policy, resume) {
    const message = { type: 'subscribe', symbols, channels, policy };
    if (resume && this.epoch && symbols) {
      const last = {};
      for (const symbol of symbols) {
        const known = [...(this.#last.get(symbol) ?? [])].filter(([topic]) => channels.includes(topic));
        if (known.length) last[symbol] = Object.fromEntries(known);
      }
      if (Object.keys(last).length) message.resume = { epoch: this.epoch, last };
    }
    const answer = this.request(message);
    answer.catch(() => {});
    return answer;
  }

  /** Forgets what was received of a topic, so that the server sends it whole: for a book that cannot be right. */
  refresh(symbol, channel) {
    if (!this.isConnected()) return;
    this.#last.get(symbol)?.delete(channel);
    this.request({ type: 'unsubscribe', symbols: [symbol], channels: [channel] }).catch(() => {});
    this.#subscribe([symbol], [channel], undefined, false);
  }

  // Requests --------------------------------------------------------------------------------------------------------

  /** Sends with an `id` of its own; the answer, or a BixwsError. */
  request(message, { id = this.#nextId++, settle } = {}) {
    if (!this.isConnected()) return Promise.reject(new BixwsError('disconnected', 'not connected'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(id);
        if (settle === 'silence') resolve(null);
        else reject(new BixwsError('timeout', `no answer to ${message.type}`));
      }, settle === 'silence' ? 2000 : ANSWER_MS);
      this.#answers.set(id, { resolve, reject, timer });
      this.#transmit({ ...message, id });
    });
  }

  /** Oldest first, in the channel's own shape; reaches up to where a subscription begins that was wished before. */
  async history(symbol, channel, { limit, from, to } = {}) {
    while (this.#histories >= HISTORIES_AT_ONCE) await new Promise((resolve) => this.#historyTurns.push(resolve));
    this.#histories += 1;
    if (this.#unsent) this.#flush(this.#unsent).catch(() => {}); // whoever wished it hears of a refusal
    try {
      return (await this.request({ type: 'history', symbol, channel, limit, from, to })).data ?? [];
    } finally {
      this.#histories -= 1;
      this.#historyTurns.shift()?.();
    }
  }

  /** Draws or changes something that every viewer sees. `id` names it; resolves when the server sent it to all. */
  annotate(annotation) {
    const id = annotation.id ?? `w${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
    return this.request({ type: 'annotate', ...annotation }, { id });
  }

  /** pause, resume, step, seek, speed. A server that obeys need not answer. */
  control(action, value) {
    return this.request({ type: 'replay', action, value }, { settle: 'silence' });
  }

  #transmit(message) {
    this.#socket.send(stringifyExact(message));
  }

  #settle(message) {
    const waiting = this.#answers.get(message.id);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#answers.delete(message.id);
    if (message.type === 'error') waiting.reject(new BixwsError(message.code, message.message));
    else waiting.resolve(message);
  }

  #refuseAnswers() {
    for (const { reject, timer } of this.#answers.values()) {
      clearTimeout(timer);
      reject(new BixwsError('disconnected', 'the connection ended before the answer'));
    }
    this.#answers.clear();
    this.#unsent = null;
  }

  // What was received -----------------------------------------------------------------------------------------------

  /** The newest price of a symbol with its digits, or undefined. */
  getLatestPrice(symbol) {
    return this.#tickers.get(symbol)?.price;
  }

  /** The newest ticker of a symbol, or undefined. */
  getLatestData(symbol) {
    return this.#tickers.get(symbol);
  }

  /** {symbol: price}. */
  getAllPrices() {
    const prices = {};
    for (const [symbol, ticker] of this.#tickers) if (ticker.price !== undefined) prices[symbol] = ticker.price;
    return prices;
  }

  /** The book of a subscribed channel ('book', 'book:25'), or undefined before its snapshot. */
  getBook(symbol, channel) {
    return this.#books.get(symbol)?.get(channel);
  }

  get symbols() {
    return [...this.#tickers.keys()];
  }

  /** The oldest message not yet taken, or undefined. Beyond queueLimit the oldest are dropped and counted. */
  nextMessage() {
    return this.#queue.shift();
  }

  get queued() {
    return this.#queue.length;
  }

  #onMessage(text) {
    this.#heardAt = Date.now();
    let message;
    try {
      message = parseExact(text);
    } catch (error) {
      this.#emit('error', { type: 'error', code: 'bad_json', message: error.message });
      return;
    }
    this.received += 1;
    this.#take(message);
    if (this.#options.queueLimit > 0) {
      if (this.#queue.length >= this.#options.queueLimit) {
        this.#queue.shift();
        this.dropped += 1;
      }
      this.#queue.push(message);
    }
    if (message.id !== undefined) this.#settle(message);
    this.#emit(message.type, message);
    this.#emit('message', message);
    if (message.type === 'market_update' || message.type === 'initial_data') this.#emit('prices', Object.keys(message.data));
  }

  #take(message) {
    switch (message.type) {
      case 'initial_data':
        if (message.epoch !== this.epoch) this.#newEpoch(message.epoch);
        for (const [symbol, ticker] of Object.entries(message.data)) this.#tickers.set(symbol, ticker);
        break;
      case 'market_update':
        for (const symbol in message.data) this.#tickers.set(symbol, message.data[symbol]);
        break;
      case 'subscribed':
        // Trades have no snapshot: until the first one comes, only this says where they stand.
        if (!message.channels?.includes('trades')) break;
        for (const symbol of message.symbols ?? Object.keys(message.last ?? {})) {
          if (!this.#last.has(symbol)) this.#last.set(symbol, new Map());
          const topics = this.#last.get(symbol);
          if (!topics.has('trades')) topics.set('trades', Number(message.last?.[symbol]?.trades ?? 0));
        }
        break;
      case 'trades':
      case 'book':
      case 'candle': {
        let topics = this.#last.get(message.symbol);
        if (!topics) this.#last.set(message.symbol, (topics = new Map()));
        const topic = TOPIC_OF[message.type](message);
        topics.set(topic, message.seq);
        if (message.type === 'book') this.#applyBook(message, topic);
        break;
      }
      case 'status':
        this.statuses.set(message.symbol ? `${message.exchange} ${message.symbol}` : message.exchange ?? '', message);
        if (message.replay) this.replay = { ...this.replay, ...message.replay };
        break;
      case 'gap':
        this.gaps += 1;
        this.lost += message.lost ?? 0;
        break;
      default:
    }
  }

  #applyBook(message, topic) {
    let books = this.#books.get(message.symbol);
    if (!books) this.#books.set(message.symbol, (books = new Map()));
    if (!books.has(topic)) books.set(topic, new OrderBook());
    const book = books.get(topic);
    const wasStale = book.state === 'stale';
    // One question a hole: until the snapshot comes, every update is out of place.
    if (!book.apply(message) && !wasStale) this.refresh(message.symbol, topic);
  }

  #forget(symbol, channel) {
    this.#last.get(symbol)?.delete(channel);
    this.#books.get(symbol)?.delete(channel);
  }

  #newEpoch(epoch) {
    const first = this.epoch === '';
    this.epoch = epoch;
    this.#last.clear();
    this.#books.clear();
    if (first) return;
    this.#tickers.clear();
    this.statuses.clear();
    this.#emit('epoch', epoch);
  }
}
