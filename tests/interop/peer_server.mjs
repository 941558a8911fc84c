// SPDX-License-Identifier: Apache-2.0
// npm ws as the server of our client layer: what it sends comes back, in pieces, compressed or not, with pings between.
// peer_server.mjs WS_TESTEE deflate|plain
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

const [testee, mode] = process.argv.slice(2);
const deflate = mode === 'deflate';
const fail = (why) => {
  console.error(why);
  process.exit(1);
};

const text = 'Price 50000.10 – größer, 価格 '.repeat(40);
/** Each sends in its own way what must come back as it is. */
const cases = [
  (socket) => (socket.send('one line'), ['one line']),
  (socket) => (socket.send(''), ['']),
  (socket) => (socket.send(text), [text]),
  (socket) => (socket.send(Buffer.alloc(65536, 7)), [Buffer.alloc(65536, 7)]),
  (socket) => (socket.send(text.repeat(800)), [text.repeat(800)]),
  (socket) => {
    socket.send(text.slice(0, 100), { fin: false });
    socket.ping('between');
    socket.send(text.slice(100), { fin: true });
    return [text];
  },
  (socket) => {
    const lines = Array.from({ length: 200 }, (_, i) => `${i} ${text}`);
    for (const line of lines) socket.send(line);
    return lines;
  },
];

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: deflate && { threshold: 0 } });
await once(server, 'listening');
const ended = new Set();
server.on('connection', (socket, request) => {
  const { pathname, searchParams } = new URL(request.url, 'ws://peer');
  if (deflate !== (socket.extensions === 'permessage-deflate')) fail(`${mode}, but agreed on "${socket.extensions}"`);
  if (pathname === '/getCaseCount') return socket.send(String(cases.length), () => socket.close(1000));
  if (pathname === '/updateReports') return socket.close(1000);
  const number = Number(searchParams.get('case'));
  const expected = cases[number - 1](socket);
  socket.on('message', (bytes, binary) => {
    const wanted = expected.shift();
    if (binary === (typeof wanted === 'string')) fail(`case ${number}: another kind of message came back`);
    if (!Buffer.from(wanted).equals(bytes)) fail(`case ${number}: ${bytes.length} other bytes came back`);
    if (expected.length === 0) socket.close(1000, 'done');
  });
  socket.on('close', (code) => {
    if (code !== 1000) fail(`case ${number}: closed with ${code}`);
    ended.add(number);
  });
});

const client = spawn(testee, [`ws://127.0.0.1:${server.address().port}`], { stdio: 'inherit' });
const [code] = await once(client, 'exit');
if (code !== 0) fail(`ws_testee ended with ${code}`);
if (ended.size !== cases.length) fail(`only ${ended.size} of ${cases.length} cases came to their end`);
console.log(`${mode}: ${ended.size} cases came back`);
process.exit(0);
