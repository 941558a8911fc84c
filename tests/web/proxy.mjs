// SPDX-License-Identifier: Apache-2.0
// A reverse proxy that puts a server below a path and takes the path off again, as most are set up.
import http from 'node:http';

export async function proxy(t, port, prefix) {
  const to = (request) => ({
    host: '127.0.0.1', port, method: request.method, path: request.url.slice(prefix.length) || '/',
    headers: { ...request.headers, 'x-forwarded-host': request.headers.host, 'x-forwarded-proto': 'http', host: `127.0.0.1:${port}` },
  });
  const inside = (request) => request.url.startsWith(`${prefix}/`);
  const server = http.createServer((request, response) => {
    if (!inside(request)) return response.writeHead(404).end();
    const onward = http.request(to(request), (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    return request.pipe(onward);
  });
  server.on('upgrade', (request, socket, head) => {
    if (!inside(request)) return socket.destroy();
    const onward = http.request(to(request));
    onward.on('upgrade', (answer, behind, first) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      socket.write(first);
      behind.write(head);
      behind.pipe(socket).pipe(behind);
      behind.on('error', () => socket.destroy());
      socket.on('error', () => behind.destroy());
    });
    onward.on('response', (answer) => socket.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nContent-Length: 0\r\n\r\n`));
    onward.on('error', () => socket.destroy());
    return onward.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}${prefix}/`;
}
