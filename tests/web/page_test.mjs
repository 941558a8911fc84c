// SPDX-License-Identifier: Apache-2.0
// The dashboard in Chromium against the real bixws: what stands on the page is what was on the wire, to the digit.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bixws, digits, listen, run, scratch, tickerText } from './bixws.mjs';
import { launch, openPage } from './browser.mjs';

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

/** Opens the dashboard; at the end of the test nothing may have gone wrong in it. */
async function open(t, url, options) {
  const opened = await openPage(browser, options);
  t.after(async () => {
    await opened.context.close();
    assert.deepEqual(opened.problems, []);
  });
  await opened.page.goto(url);
  return opened.page;
}

async function serve(t, ...options) {
  const server = await bixws('serve', ...options);
  t.after(() => server.stop());
  return server;
}

const text = (page, selector) => page.locator(selector).first().textContent();
const plain = (shown) => shown.replaceAll(',', '').replaceAll('\u2212', '-');

/** What a book's messages amount to, best first. */
function finalLevels(messages, side) {
  const levels = new Map();
  for (const message of messages) {
    if (message.includes('"action":"snapshot"')) levels.clear();
    const list = new RegExp(`"${side}":\\[(.*?)\\](?:,"[a-z]|})`).exec(message)[1];
    for (const [, price, size] of list.matchAll(/\[([0-9.]+),([0-9.]+)\]/g)) {
      if (Number(size) === 0) levels.delete(price);
      else levels.set(price, size);
    }
  }
  return [...levels].sort(([a], [b]) => (side === 'bids' ? b - a : a - b));
}

const SIM = 'sim:rate=400,seed=7,start=2026-11-22T00:00:00Z';

test('prices on the page are prices on the wire', async (t) => {
  const server = await serve(t, '--feed', `${SIM},count=3000`);
  const raw = await listen(server.url, { type: 'subscribe', channels: ['ticker', 'trades', 'book:25', 'candles:1m', 'status'], policy: 'lossless' });
  t.after(() => raw.close());
  const page = await open(t, server.url);
  await page.locator('bixws-status[data-state="stateLive"]').waitFor();
  // While it moves: whatever is shown was sent.
  const seen = plain(await text(page, '[data-symbol="BTCUSDT"] .bx-price'));
  await raw.next((message) => digits(tickerText(message, 'BTCUSDT') ?? '', 'price') === seen);
  // When the feed has ended, everything stands still.
  await page.locator('bixws-status[data-state="ended"]').waitFor({ timeout: 30000 });
  await raw.closed;
  for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT']) {
    const ticker = raw.messages.map((message) => tickerText(message, symbol)).filter(Boolean).at(-1);
    assert.equal(plain(await text(page, `tr[data-symbol="${symbol}"] .bx-price`)), digits(ticker, 'price'));
    assert.equal(plain(await text(page, `tr[data-symbol="${symbol}"] .bx-change24h`)).replace(/[+\s%\u202f]/g, ''), digits(ticker, 'change_24h'));
  }
  const ticker = raw.messages.map((message) => tickerText(message, 'BTCUSDT')).filter(Boolean).at(-1);
  assert.equal(plain(await text(page, '.bx-instrument-price')), digits(ticker, 'price'));
  for (const [key, field] of [['bid', 'bid'], ['ask', 'ask'], ['low24h', 'low_24h'], ['high24h', 'high_24h']]) {
    assert.equal(plain(await text(page, `.bx-instrument-facts [data-value="${key}"]`)), digits(ticker, field), key);
  }

  const of = (type) => raw.messages.filter((message) => message.startsWith(`{"type":"${type}"`) && message.includes('"symbol":"BTCUSDT"'));
  const trade = /.*\{"price":([0-9.]+),"size":([0-9.]+),"side":"(\w+)"/.exec(of('trades').at(-1));
  const row = page.locator('bixws-trades tbody tr').first();
  assert.equal(plain(await row.locator('td').nth(0).textContent()), trade[1]);
  assert.equal(plain(await row.locator('td').nth(1).textContent()), trade[2]);
  assert.match(await row.locator('td').nth(2).textContent(), trade[3] === 'buy' ? /Buy/ : /Sell/);

  for (const [side, rows] of [['bids', 'bx-bids'], ['asks', 'bx-asks']]) {
    const levels = finalLevels(of('book'), side);
    const shown = await page.locator(`.${rows} tr:not([hidden])`).evaluateAll((elements) => elements.map((element) => [...element.cells].slice(0, 2).map((cell) => cell.textContent)));
    if (side === 'asks') shown.reverse();
    assert.deepEqual(shown.map((cells) => cells.map(plain)), levels, side);
  }
  const candle = of('candle').at(-1);
  for (const key of ['open', 'high', 'low', 'close', 'volume']) assert.equal(plain(await text(page, `.bx-legend [data-value="${key}"]`)), digits(candle, key), key);
});

test('a replay ends as the recording ended, and the page says so', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'known.db');
  await run('record', 'BTCUSDT', 'ETHUSDT', '--feed', 'sim:rate=0,seed=11,start=2026-11-22T00:00:00Z,count=20000', '-o', file);
  const server = await bixws('replay', file, '--speed', '2', '--wait-clients', '2', '--port', '0');
  t.after(() => server.stop());
  const raw = await listen(server.url, { type: 'subscribe', channels: ['ticker', 'trades', 'status'], policy: 'lossless' });
  t.after(() => raw.close());
  const page = await open(t, server.url);
  await page.locator('bixws-replay:not([hidden])').waitFor();
  await page.locator('bixws-status[data-state="ended"]').waitFor({ timeout: 60000 });
  assert.equal(await raw.closed, 1000);
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    const ticker = raw.messages.map((message) => tickerText(message, symbol)).filter(Boolean).at(-1);
    assert.equal(plain(await text(page, `tr[data-symbol="${symbol}"] .bx-price`)), digits(ticker, 'price'));
  }
  const trades = raw.messages.filter((message) => message.startsWith('{"type":"trades"') && message.includes('"symbol":"BTCUSDT"'));
  assert.equal(plain(await text(page, 'bixws-trades tbody tr td')), /.*\{"price":([0-9.]+)/.exec(trades.at(-1))[1]);
  assert.match(await text(page, '#banner'), /ended the session/);
  assert.equal(await page.locator('bixws-replay button').first().isDisabled(), true);
  assert.equal(await server.exited, 0);
});

test('a replay can be paused, stepped, sped up and moved', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'steer.db');
  await run('record', 'BTCUSDT', '--feed', 'sim:rate=0,seed=12,start=2026-11-22T00:00:00Z,count=30000', '-o', file);
  const server = await bixws('replay', file, '--paused', '--port', '0');
  t.after(() => server.stop());
  const page = await open(t, server.url);
  const bar = page.locator('bixws-replay');
  await page.locator('bixws-replay[data-state="paused"]').waitFor();
  await bar.getByRole('button', { name: 'Step' }).click();
  await bar.getByRole('button', { name: 'Resume' }).click();
  await page.locator('bixws-replay[data-state="playing"]').waitFor();
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor();
  await bar.locator('select').selectOption('0.1');
  await bar.getByRole('button', { name: 'Pause' }).click();
  await page.locator('bixws-replay[data-state="paused"]').waitFor();
  const stood = await text(page, 'tr[data-symbol="BTCUSDT"] .bx-price');
  await page.waitForTimeout(700);
  assert.equal(await text(page, 'tr[data-symbol="BTCUSDT"] .bx-price'), stood);
  assert.equal(await text(page, '.bx-replay-state'), '');
});

test('killed and restarted: said at once, old values marked, back by itself', async (t) => {
  let server = await bixws('serve', '--feed', SIM);
  t.after(() => server.stop());
  const page = await open(t, server.url);
  await page.locator('bixws-status[data-state="stateLive"]').waitFor();
  await server.stop('SIGKILL');
  await page.locator('bixws-ticker[data-stale]').waitFor();
  await page.locator('#banner', { hasText: /Connection lost. Next try in \d s/ }).waitFor();
  assert.match(await text(page, '.bx-age'), /Values from/);
  assert.match(await text(page, 'bixws-book .bx-warning'), /Stale/);
  const stood = await text(page, 'tr[data-symbol="BTCUSDT"] .bx-price');
  assert.match(plain(stood), /^\d+\.\d+$/);
  server = await bixws('serve', '--feed', SIM, '--port', String(server.port));
  await page.locator('bixws-status[data-state="stateLive"]').waitFor({ timeout: 15000 });
  await page.locator('#banner').waitFor({ state: 'hidden' });
  await page.waitForFunction((old) => document.querySelector('tr[data-symbol="BTCUSDT"] .bx-price').textContent !== old, stood);
  assert.equal(await page.locator('bixws-book[data-stale]').count(), 0);
});

test('a token is asked for once and kept in this tab only', async (t) => {
  const server = await serve(t, '--feed', SIM, '--token', 's3cret');
  assert.equal((await fetch(server.url)).status, 401);
  assert.doesNotMatch(await (await fetch(server.url)).text(), /<html/);
  assert.equal((await fetch(`${server.url}metrics`)).status, 401);
  assert.equal((await fetch(`${server.url}assets/page.js`)).status, 200);
  const page = await open(t, server.url);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await dialog.getByLabel('Token').fill('wrong');
  await dialog.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('did not accept').waitFor();
  await dialog.getByLabel('Token').fill('s3cret');
  await dialog.getByRole('button', { name: 'Connect' }).click();
  await page.locator('bixws-status[data-state="stateLive"]').waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('s3cret') || location.href.includes('s3cret') || document.cookie.includes('s3cret')), false);
  await page.reload();
  await page.locator('bixws-status[data-state="stateLive"]').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  const other = await open(t, `${server.url}?token=s3cret&layout=wall`);
  await other.locator('bixws-status[data-state="stateLive"]').waitFor();
  assert.equal(new URL(other.url()).search, '?layout=wall');
});

test('behind a path', async (t) => {
  const server = await serve(t, '--feed', SIM, '--base-path', '/tools/market');
  const { origin } = new URL(server.url);
  const page = await open(t, `${origin}/tools/market?theme=light`);
  await page.locator('bixws-status[data-state="stateLive"]').waitFor();
  assert.equal(page.url(), `${origin}/tools/market/?theme=light`);
  assert.equal((await fetch(`${origin}/`)).status, 404);
});

test('a page from elsewhere is told which switch lets it in', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const opened = await openPage(browser);
  t.after(() => opened.context.close());
  // As through a proxy that changes the host and is not trusted.
  await opened.page.route('**/*', (route) => route.continue());
  await opened.page.goto(server.url.replace('127.0.0.1', 'localhost'));
  await opened.page.locator('bixws-status[data-state="stateLive"]').waitFor();
  assert.deepEqual(opened.problems, []);
  const refused = await fetch(`${server.url}ws`, { method: 'POST', headers: { Origin: 'http://elsewhere.example' } });
  assert.equal(refused.status, 403);
});

test('an empty market says why', async (t) => {
  const server = await serve(t, '--feed', 'binance:url=ws://127.0.0.1:1,rest=http://127.0.0.1:1', 'BTCUSDT');
  const page = await open(t, server.url);
  await page.getByText('No prices yet').first().waitFor();
  await page.locator('bixws-ticker code', { hasText: 'bixws serve --demo' }).waitFor();
  await page.locator('bixws-status[data-tone="bad"], bixws-status[data-tone="busy"]').waitFor();
});

test('files: compressed, kept by the browser, nothing inline, little of them', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const { context, page, problems } = await openPage(browser);
  t.after(() => context.close());
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let transferred = 0;
  const files = new Set();
  session.on('Network.loadingFinished', (event) => (transferred += event.encodedDataLength));
  session.on('Network.responseReceived', ({ response }) => files.add(new URL(response.url).pathname));
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (window.firstPrice || !document.querySelector('.bx-price')?.textContent) return;
      window.firstPrice = performance.now();
      observer.disconnect();
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true });
  });
  await page.goto(server.url);
  await page.waitForFunction(() => window.firstPrice && document.querySelector('.bx-canvas canvas'));
  const first = await page.evaluate(() => window.firstPrice);
  console.log(`# first load: ${files.size} files, ${(transferred / 1000).toFixed(0)} KB transferred; first prices after ${first.toFixed(0)} ms`);
  assert.ok(transferred < 250000, `${transferred} bytes`);
  assert.ok(first < (process.env.CI ? 1500 : 500), `first prices after ${first} ms`);
  assert.deepEqual(problems, []);

  const policy = (await fetch(server.url)).headers.get('content-security-policy');
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  const again = [];
  page.on('response', (response) => again.push(response.status()));
  await page.reload();
  await page.waitForFunction(() => window.firstPrice);
  assert.ok(again.every((status) => status === 304 || status === 200));
  const script = await fetch(`${server.url}assets/page.js`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(script.headers.get('content-encoding'), 'gzip');
  const unchanged = await fetch(`${server.url}assets/page.js`, { headers: { 'if-none-match': script.headers.get('etag') } });
  assert.equal(unchanged.status, 304);
});

test('a slow network: the page says what it waits for, then shows prices', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const { context, page, problems } = await openPage(browser);
  t.after(() => context.close());
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 150, downloadThroughput: 60000, uploadThroughput: 30000 });
  await page.goto(server.url);
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor({ timeout: 30000 });
  await page.locator('.bx-canvas canvas').first().waitFor({ timeout: 30000 });
  assert.deepEqual(problems, []);
});
