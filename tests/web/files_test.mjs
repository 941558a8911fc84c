// SPDX-License-Identifier: Apache-2.0
// How the dashboard's files are served: little, compressed, kept by the browser, with a policy that allows nothing inline.
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bixws, scratch } from './bixws.mjs';
import { isLive, launch, openPage, visit } from './browser.mjs';

const ASSETS = fileURLToPath(new URL('../../web/assets', import.meta.url));
const MOST_TRANSFERRED = 250000;

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

async function serve(t, ...options) {
  const server = await bixws('serve', '--feed', 'sim:rate=200,seed=7', ...options);
  t.after(() => server.stop());
  return server;
}

test('the first load is little, the second next to nothing', async (t) => {
  const server = await serve(t);
  const { context, page, problems } = await openPage(browser);
  t.after(() => context.close());
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let transferred = 0;
  const files = new Map();
  session.on('Network.loadingFinished', (event) => (transferred += event.encodedDataLength));
  session.on('Network.responseReceived', ({ response }) => files.set(new URL(response.url).pathname, response.status));
  const whole = async () => {
    await isLive(page);
    await page.locator('.bx-canvas canvas').first().waitFor();
  };
  await page.goto(server.url);
  await whole();
  console.log(`# first load: ${files.size} files, ${(transferred / 1000).toFixed(0)} KB transferred`);
  assert.ok(files.has('/assets/vendor/klinecharts.js'));
  assert.ok(transferred < MOST_TRANSFERRED, `${transferred} bytes`);
  const first = transferred;
  transferred = 0;
  await page.reload();
  await whole();
  assert.ok(transferred < first / 10, `${transferred} bytes again`);
  assert.deepEqual(problems, []);
});

test('nothing inline, nothing from elsewhere', async (t) => {
  const server = await serve(t);
  const answer = await fetch(server.url);
  const policy = answer.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'/);
  assert.match(policy, /style-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  const text = await answer.text();
  assert.doesNotMatch(text, /<style|\sstyle=|<script>|\son\w+=/);
  // The policy is obeyed, not only said.
  const { context, page } = await openPage(browser);
  t.after(() => context.close());
  await page.goto(server.url);
  await isLive(page);
  const refused = await page.evaluate(() => new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true });
    const style = document.createElement('style');
    style.textContent = 'body { color: red }';
    document.head.append(style);
  }));
  assert.match(refused, /^style-src/);
});

test('compressed, and not sent again while unchanged', async (t) => {
  const server = await serve(t);
  for (const path of ['', 'assets/page.js', 'assets/bixws.css', 'assets/vendor/klinecharts.js']) {
    const plain = await fetch(server.url + path, { headers: { 'accept-encoding': 'identity' } });
    const squeezed = await fetch(server.url + path, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(plain.headers.get('content-encoding'), null, path);
    assert.equal(squeezed.headers.get('content-encoding'), 'gzip', path);
    assert.equal(await squeezed.text(), await plain.text(), path);
    assert.match(plain.headers.get('vary'), /Accept-Encoding/i);
    const etag = plain.headers.get('etag');
    const unchanged = await fetch(server.url + path, { headers: { 'if-none-match': etag } });
    assert.equal(unchanged.status, 304, path);
    assert.equal(await unchanged.text(), '');
    assert.equal((await fetch(server.url + path, { headers: { 'if-none-match': '"other"' } })).status, 200, path);
  }
});

test('--web-dir: edit, reload', async (t) => {
  const folder = join(scratch(t), 'assets');
  await cp(ASSETS, folder, { recursive: true });
  const server = await serve(t, '--web-dir', folder);
  const page = await visit(t, browser, server.url);
  await isLive(page);
  await writeFile(join(folder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  assert.equal(await (await fetch(`${server.url}assets/favicon.svg`)).text(), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  assert.equal((await fetch(`${server.url}assets/../page.js`)).status, 404);
  assert.equal((await fetch(`${server.url}assets/%2e%2e/x`)).status, 404);
});

test('an indicator of your own: an entry in indicators.js, computed over the bars and offered in the menu', async (t) => {
  const folder = join(scratch(t), 'assets');
  await cp(ASSETS, folder, { recursive: true });
  const file = join(folder, 'indicators.js');
  const own = `const middle = {
  name: 'MIDDLE',
  shortName: 'Middle',
  figures: [{ key: 'middle', title: 'Middle: ', type: 'line' }],
  calc: (bars) => (globalThis.middles = bars.map((bar) => ({ middle: (bar.high + bar.low) / 2, high: bar.high, low: bar.low }))),
};
`;
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('export const ownIndicators = [', `${own}export const ownIndicators = [\n  { indicator: middle, onPrice: true },`));
  const server = await serve(t, '--web-dir', folder);
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT&timeframe=1s&indicators=MIDDLE`);
  await isLive(page);
  await page.waitForFunction(() => globalThis.middles?.length > 1);
  const bars = await page.evaluate(() => globalThis.middles);
  for (const { middle, high, low } of bars) assert.ok(high >= low && low > 0 && middle === (high + low) / 2, `${middle} of ${high} and ${low}`);
  await page.getByRole('button', { name: 'Indicators' }).click();
  assert.equal(await page.getByRole('checkbox', { name: 'MIDDLE' }).isChecked(), true);
});
