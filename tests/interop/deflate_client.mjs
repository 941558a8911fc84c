// SPDX-License-Identifier: Apache-2.0
// permessage-deflate with npm ws: what is agreed, that books inflate to the same as without, and that fewer bytes come.
// deflate_client.mjs URL --compress|plain
import WebSocket from 'ws';

const [url, mode] = process.argv.slice(2);
const fail = (why) => {
  console.error(why);
  process.exit(1);
};

/** The first book snapshots and the bytes that came until then. */
function read(perMessageDeflate) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { perMessageDeflate });
    socket.on('error', (error) => fail(error.message));
    const seen = { extensions: '', snapshots: 0, updates: 0, text: 0, wire: 0 };
    socket.on('open', () => {
      seen.extensions = socket.extensions;
      socket.send(JSON.stringify({ type: 'subscribe', id: 1, channels: ['book'], policy: 'lossless' }));
    });
    socket.on('message', (bytes) => {
      const message = JSON.parse(bytes.toString());
      seen.text += bytes.length;
      if (message.type === 'book' && message.action === 'snapshot') seen.snapshots += 1;
      else if (message.type === 'book') seen.updates += 1;
      if (seen.snapshots < 4 || seen.updates < 100) return;
      seen.wire = socket._socket.bytesRead;
      socket.close();
    });
    socket.on('close', () => resolve(seen));
  });
}

const off = await read(false);
const on = await read(true);
const narrow = await read({ serverMaxWindowBits: 10 });
if (off.extensions !== '') fail(`an extension nobody offered: ${off.extensions}`);
for (const [name, seen] of Object.entries({ on, narrow })) {
  if (mode === 'plain') {
    if (seen.extensions !== '') fail(`${name}: agreed without --compress: ${seen.extensions}`);
    continue;
  }
  if (seen.extensions !== 'permessage-deflate') fail(`${name}: not agreed: ${seen.extensions}`);
  if (seen.wire >= seen.text) fail(`${name}: ${seen.wire} bytes on the wire for ${seen.text} bytes of text`);
}
console.log(`${mode}: ${off.wire} bytes for ${off.text}; offered: ${on.wire} for ${on.text}; window of 10 bits: ${narrow.wire} for ${narrow.text}`);
