// SPDX-License-Identifier: Apache-2.0
// The plain client this project began with, unchanged: connect, read initial_data, then market_update. With npm ws.
import WebSocket from 'ws';

const socket = new WebSocket(process.argv[2]);
const prices = new Map();
let initial = false;
let updates = 0;

socket.on('message', (bytes) => {
  const message = JSON.parse(bytes.toString());
  if (message.type === 'initial_data') {
    initial = true;
  } else if (message.type === 'market_update') {
    if (!initial) throw new Error('market_update before initial_data');
    updates += 1;
  } else {
    return;
  }
  for (const [symbol, ticker] of Object.entries(message.data)) prices.set(symbol, ticker.price);
  if (updates >= 5 && prices.size >= 4) socket.close(1000);
});
socket.on('close', (code) => {
  const good = code === 1000 && initial && [...prices.values()].every((price) => price > 0);
  console.log(`${updates} updates, close code ${code}`, Object.fromEntries(prices));
  process.exit(good ? 0 : 1);
});
socket.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
