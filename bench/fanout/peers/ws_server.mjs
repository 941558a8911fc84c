// SPDX-License-Identifier: Apache-2.0
// The same broadcast on npm ws: node ws_server.mjs PORT RATE CLIENTS. Arguments and messages as fanout_bare's.
import { WebSocketServer } from 'ws';

const [port, rate, wanted] = process.argv.slice(2).map(Number);
const microseconds = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false, backlog: 4096 });
setTimeout(() => process.exit(0), 900_000).unref();
process.on('SIGTERM', () => process.exit(0));

let seq = 0;
let start = 0;
const due = () => (rate > 0 ? start + Math.floor((seq * 1e6) / rate) : microseconds());

function send() {
  const time = due();
  seq += 1;
  const text = `{"type":"trades","exchange":"sim","symbol":"BTCUSDT","seq":${seq},"data":[{"price":${50000 + (seq % 100)}.25,` +
    `"size":0.${10000 + (seq % 80000)},"side":"buy","id":"${String(seq).padStart(35, '0')}","ts":${time - 20000},"recv_ts":${time}}]}`;
  for (const client of server.clients) if (client.readyState === 1) client.send(text);
}

function turn() {
  if (server.clients.size === 0) return;
  if (rate > 0) {
    while (due() <= microseconds()) send();
    setTimeout(turn, Math.max(0, (due() - microseconds()) / 1000));
    return;
  }
  let waiting = 0;
  for (const client of server.clients) waiting = Math.max(waiting, client.bufferedAmount);
  if (waiting < 1 << 20) send();
  setImmediate(turn);
}

let connected = 0;
server.on('connection', (client) => {
  client.on('error', () => {});
  connected += 1;
  if (connected === wanted && rate >= 0) {
    start = microseconds();
    setImmediate(turn);
  }
});
server.on('listening', () => process.stderr.write(`listening on ws://127.0.0.1:${server.address().port}\n`));
