// SPDX-License-Identifier: Apache-2.0
// Protocol version 1 as an npm ws user meets it: subscribe, gapless seq, books that never cross, errors, ping, pong.
import WebSocket from 'ws';

const url = process.argv[2];
const fail = (why) => {
  console.error(why);
  process.exit(1);
};

function open(address, options = {}) {
  const socket = new WebSocket(address, options);
  const waiting = [];
  const queue = [];
  socket.on('message', (bytes, binary) => {
    if (binary) fail('a binary message');
    const message = JSON.parse(bytes.toString());
    const index = waiting.findIndex((w) => w.wanted(message));
    if (index >= 0) waiting.splice(index, 1)[0].resolve(message);
    else if (queue.length < 100000) queue.push(message);
  });
  socket.on('error', (error) => fail(error.message));
  return {
    socket,
    ready: new Promise((resolve) => socket.once('open', resolve)),
    queue,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: (wanted) =>
      new Promise((resolve) => {
        const index = queue.findIndex(wanted);
        if (index >= 0) resolve(queue.splice(index, 1)[0]);
        else waiting.push({ wanted, resolve });
      }),
  };
}

for (const perMessageDeflate of [false, true]) {
  const client = open(url, { perMessageDeflate });
  await client.ready;
  const initial = await client.next((m) => m.type === 'initial_data');
  if (initial.protocol !== 1 || typeof initial.epoch !== 'string') fail('initial_data without protocol 1 or epoch');

  client.send({ type: 'subscribe', id: 'a', symbols: ['BTCUSDT', 'eth-usdt'], channels: ['trades', 'book', 'book:5', 'candles:1m'], policy: 'lossless' });
  const answer = await client.next((m) => m.type === 'subscribed' || m.type === 'error');
  if (answer.type !== 'subscribed' || answer.id !== 'a') fail(`no subscribed: ${JSON.stringify(answer)}`);

  const last = new Map();
  const books = new Map();
  let seen = 0;
  const stop = Date.now() + 20000;
  while (seen < 400 && Date.now() < stop) {
    const m = await client.next((x) => ['trades', 'book', 'candle', 'gap'].includes(x.type));
    if (m.type === 'gap') fail(`a gap: ${JSON.stringify(m)}`);
    if (!['BTCUSDT', 'ETHUSDT'].includes(m.symbol)) fail(`${m.symbol} was not asked for`);
    const key = `${m.type} ${m.symbol} ${m.depth ?? ''} ${m.timeframe ?? ''}`;
    if (last.has(key) && m.seq !== last.get(key) + 1) fail(`${key}: seq ${m.seq} after ${last.get(key)}`);
    last.set(key, m.seq);
    if (m.type === 'book') {
      if (m.action === 'snapshot') books.set(key, { bids: new Map(), asks: new Map() });
      const book = books.get(key);
      if (!book) fail(`${key}: an update before its snapshot`);
      for (const side of ['bids', 'asks']) {
        for (const [price, size] of m[side]) size === 0 ? book[side].delete(price) : book[side].set(price, size);
      }
      if (Math.max(...book.bids.keys()) >= Math.min(...book.asks.keys())) fail(`${key}: crossed`);
      if (m.depth && (book.bids.size > m.depth || book.asks.size > m.depth)) fail(`${key}: ${book.bids.size} bids, ${book.asks.size} asks`);
    }
    seen += 1;
  }
  if (seen < 400) fail(`only ${seen} messages`);
  if (![...last.keys()].some((k) => k.startsWith('book BTCUSDT 5'))) fail('no book:5');

  client.send({ type: 'subscribe', id: 7, symbols: ['BTCUSDX'], channels: ['trades'] });
  const unknown = await client.next((m) => m.type === 'error');
  if (unknown.code !== 'unknown_symbol' || unknown.id !== 7 || !unknown.message.includes('BTCUSDT')) fail(JSON.stringify(unknown));
  client.send('{"type":');
  if ((await client.next((m) => m.type === 'error')).code !== 'bad_json') fail('bad JSON is not bad_json');
  client.send({ type: 'dance' });
  if ((await client.next((m) => m.type === 'error')).code !== 'unknown_type') fail('unknown type is not unknown_type');
  client.send({ type: 'ping', id: 9 });
  if ((await client.next((m) => m.type === 'pong')).id !== 9) fail('pong without its id');
  const pong = new Promise((resolve) => client.socket.once('pong', resolve));
  client.socket.ping('hello');
  if ((await pong).toString() !== 'hello') fail('a pong with another payload');
  client.send({ type: 'unsubscribe', id: 10, channels: ['trades', 'book', 'book:5', 'candles:1m'] });
  await client.next((m) => m.type === 'unsubscribed' && m.id === 10);
  const closed = new Promise((resolve) => client.socket.once('close', resolve));
  client.socket.close(1000, 'done');
  const code = await closed;
  if (code !== 1000) fail(`closed with ${code}`);
  console.log(`deflate ${perMessageDeflate}: ${seen} messages, ${last.size} sequences without a hole`);
}

const byUrl = open(`${url.replace(/\/$/, '')}/ws?symbols=SOLUSDT&channels=trades`);
await byUrl.ready;
const trade = await byUrl.next((m) => m.type === 'trades');
if (trade.symbol !== 'SOLUSDT') fail(`asked for SOLUSDT in the URL, got ${trade.symbol}`);
byUrl.socket.terminate();
process.exit(0);
