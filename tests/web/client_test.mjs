// SPDX-License-Identifier: Apache-2.0
// bixws-client.js in Node against the real server: getters, queue, subscriptions, reconnect and resume.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import WebSocket, { WebSocketServer } from 'ws';
import { BixwsClient } from '../../web/assets/bixws-client.js';
import { bixws, digits, listen, tickerText } from './bixws.mjs';

const until = async (condition, what, milliseconds = 15000) => {
  const end = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

test('prices with their digits, without asking', async (t) => {
  const server = await bixws('serve', '--feed', 'sim:rate=100,seed=7');
  t.after(() => server.stop());
  const raw = await listen(server.url);
  t.after(() => raw.close());
  const client = new BixwsClient({ url: server.url.replace('http', 'ws'), WebSocket });
  t.after(() => client.disconnect());
  const states = [];
  client.on('state', (state) => states.push(state));
  client.connect();
  await until(() => client.symbols.length === 4, 'four symbols');
  for (const symbol of client.symbols) {
    const last = () => raw.messages.map((text) => tickerText(text, symbol)).filter(Boolean).at(-1);
    await until(() => digits(last(), 'price') === client.getLatestPrice(symbol), `${symbol} as on the wire`);
    assert.match(client.getLatestPrice(symbol), /^\d+\.\d+$/);
    assert.equal(client.getAllPrices()[symbol], client.getLatestPrice(symbol));
    assert.equal(client.getLatestData(symbol).exchange, 'sim');
  }
  assert.equal(client.getLatestPrice('NONE'), undefined);
  assert.ok(client.isConnected());
  assert.deepEqual(states, ['connecting', 'open']);
});

test('the queue holds 100 messages and counts what it drops', async (t) => {
  const server = await bixws('serve', '--feed', 'sim:rate=2000,seed=1', '--interval', '0');
  t.after(() => server.stop());
  const client = new BixwsClient({ url: server.url.replace('http', 'ws'), WebSocket });
  t.after(() => client.disconnect());
  client.connect();
  await until(() => client.dropped > 50, 'drops');
  client.disconnect();
  assert.equal(client.queued, 100);
  assert.equal(client.received, client.dropped + 100);
  const seqs = [];
  for (let message = client.nextMessage(); message; message = client.nextMessage()) if (message.type === 'market_update') seqs.push(message.seq);
  assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), 'oldest first');
  assert.equal(client.nextMessage(), undefined);
});

test('a subscription is refused with the server’s words, and does not take others with it', async (t) => {
  const server = await bixws('serve', '--feed', 'sim:rate=300,seed=2');
  t.after(() => server.stop());
  const client = new BixwsClient({ url: server.url.replace('http', 'ws'), WebSocket });
  t.after(() => client.disconnect());
  client.connect();
  await until(() => client.isConnected(), 'connected');
  const refused = client.subscribe({ channels: ['trades'], symbols: ['BTCUSDX'] });
  await assert.rejects(refused.answered, (error) => error.code === 'unknown_symbol' && error.message.includes('BTCUSDT'));
  let trades = 0;
  client.on('trades', () => (trades += 1));
  const end = client.subscribe({ channels: ['trades', 'book:5'], symbols: ['BTCUSDT'] });
  await end.answered;
  await until(() => trades > 3 && client.getBook('BTCUSDT', 'book:5'), 'trades and a book');
  const { bids, asks } = client.getBook('BTCUSDT', 'book:5');
  assert.ok(bids.levels.length <= 5 && asks.levels.length <= 5);
  assert.ok(Number(bids.levels[0][0]) < Number(asks.levels[0][0]));
  end();
  await until(() => client.getBook('BTCUSDT', 'book:5') === undefined, 'forgotten with its subscription');
  const seen = trades;
  await client.request({ type: 'ping' });
  assert.ok(trades - seen < 20);
});

test('killed and restarted: it comes back by itself, after the delay, with its subscriptions', async (t) => {
  let server = await bixws('serve', '--feed', 'sim:rate=300,seed=3');
  t.after(() => server.stop());
  const { port } = server;
  const client = new BixwsClient({ url: `ws://127.0.0.1:${port}/`, WebSocket, reconnectDelay: 300 });
  t.after(() => client.disconnect());
  client.connect();
  client.subscribe({ channels: ['trades', 'book:10'], symbols: ['ETHUSDT'] });
  let trades = 0;
  client.on('trades', () => (trades += 1));
  await until(() => trades > 0, 'trades');
  const { epoch } = client;
  await server.stop('SIGKILL');
  await until(() => client.state === 'waiting', 'noticed');
  assert.ok(client.retryAt > Date.now() - 300);
  server = await bixws('serve', '--feed', 'sim:rate=300,seed=3', '--port', String(port));
  trades = 0;
  await until(() => client.isConnected() && trades > 0 && client.getBook('ETHUSDT', 'book:10')?.state === 'live', 'everything again');
  assert.notEqual(client.epoch, epoch);
});

test('a broken line resumes without a hole', async (t) => {
  const server = await bixws('serve', '--feed', 'sim:rate=400,seed=4');
  t.after(() => server.stop());
  const client = new BixwsClient({ url: server.url.replace('http', 'ws'), WebSocket, reconnectDelay: 100 });
  t.after(() => client.disconnect());
  client.connect();
  client.subscribe({ channels: ['trades'], symbols: ['BTCUSDT'] });
  const seqs = [];
  let missed = 0;
  client.on('trades', (message) => seqs.push(message.seq));
  client.on('gap', (gap) => (missed += gap.lost ?? 1));
  await until(() => seqs.length > 5, 'trades');
  client.reconnect();
  const before = seqs.at(-1);
  await until(() => seqs.at(-1) > before + 20, 'more trades');
  const holes = seqs.filter((seq, i) => i > 0 && seq !== seqs[i - 1] + 1).length;
  // Either every trade came, or the server said how many did not.
  assert.ok(holes === 0 || missed > 0, `${holes} holes, ${missed} said to be missed`);
  assert.equal(new Set(seqs).size, seqs.length, 'none twice');
});

test('trades that had not come yet are asked for after a broken line', async (t) => {
  const server = new WebSocketServer({ port: 0 });
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const asked = [];
  server.on('connection', (socket) => {
    socket.send('{"type":"initial_data","protocol":1,"epoch":"e1","seq":1,"ts":1,"data":{}}');
    socket.on('message', (text) => {
      const request = JSON.parse(text);
      if (request.type !== 'subscribe' || !request.channels.includes('trades')) return;
      asked.push(request);
      const stand = 7 * asked.length; // lost again before the missed ones came: still the first is meant
      socket.send(`{"type":"subscribed","id":${JSON.stringify(request.id)},"epoch":"e1","symbols":["BTCUSDT","ETHUSDT"],"channels":["trades"],"last":{"BTCUSDT":{"trades":${stand}}}}`, () => socket.terminate());
    });
  });
  const client = new BixwsClient({ url: `ws://127.0.0.1:${server.address().port}`, WebSocket, reconnectDelay: 10 });
  t.after(() => client.disconnect());
  client.connect();
  client.subscribe({ channels: ['trades'], symbols: ['BTCUSDT', 'ETHUSDT'] });
  await until(() => asked.length >= 3, 'three attempts');
  assert.equal(asked[0].resume, undefined);
  for (const request of asked.slice(1, 3)) {
    assert.equal(JSON.stringify(request.resume), '{"epoch":"e1","last":{"BTCUSDT":{"trades":7},"ETHUSDT":{"trades":0}}}');
  }
});

test('tokens: refused without one, let in with it', async (t) => {
  const server = await bixws('serve', '--feed', 'sim:rate=100', '--token', 'secret');
  t.after(() => server.stop());
  const client = new BixwsClient({ url: `${server.url.replace('http', 'ws')}ws`, WebSocket, reconnectDelay: 100 });
  t.after(() => client.disconnect());
  client.connect();
  await until(() => client.state === 'unauthorized', 'unauthorized');
  client.token = 'wrong';
  client.connect();
  await until(() => client.state === 'unauthorized' && client.reason === 'token refused', 'refused');
  client.token = 'secret';
  client.connect();
  await until(() => client.isConnected(), 'connected');
});

test('many histories are asked for a few at a time, and all are answered', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  const waiting = [];
  let most = 0;
  server.on('connection', (socket) => socket.on('message', (bytes) => {
    const message = JSON.parse(bytes);
    if (message.type !== 'history') return;
    waiting.push(() => socket.send(JSON.stringify({ type: 'history', id: message.id, symbol: message.symbol, data: [] })));
    most = Math.max(most, waiting.length);
    if (waiting.length === 8 || message.symbol === 'S49') for (const answer of waiting.splice(0)) answer();
  }));
  await until(() => server.address(), 'listening');
  const client = new BixwsClient({ url: `ws://127.0.0.1:${server.address().port}/`, WebSocket });
  t.after(() => client.disconnect());
  client.connect();
  await until(() => client.isConnected(), 'connected');
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => client.history(`S${i}`, 'candles:1m', { limit: 1 })));
  assert.equal(answers.length, 50);
  assert.equal(most, 8);
});

test('a history is asked for after the subscriptions it must reach up to', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await until(() => server.address(), 'listening');
  const asked = [];
  server.on('connection', (socket) => socket.on('message', (bytes) => {
    const { type, channels, channel } = JSON.parse(bytes);
    if (channel || channels.length === 1) asked.push(`${type} ${channel ?? channels[0]}`);
  }));
  const client = new BixwsClient({ url: `ws://127.0.0.1:${server.address().port}/`, WebSocket, tickers: false });
  t.after(() => client.disconnect());
  const past = (channel) => client.history('BTCUSDT', channel).catch(() => {});
  client.subscribe({ channels: ['candles:1m'], symbols: ['BTCUSDT'] });
  client.on('state', (state) => state === 'open' && past('candles:1m'));
  client.connect();
  await until(() => asked.length >= 2, 'both as the line opens');
  client.subscribe({ channels: ['trades'], symbols: ['BTCUSDT'] });
  past('trades');
  await until(() => asked.length >= 4, 'both in one turn');
  assert.deepEqual(asked, ['subscribe candles:1m', 'history candles:1m', 'subscribe trades', 'history trades']);
});
