// SPDX-License-Identifier: Apache-2.0
// The dashboard against a live `serve`: whatever stands on the page was on the wire, to the digit.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bixws, listen } from './bixws.mjs';
import { isLive, ladder, launch, legend, openPage, settled, textOf, tickerRow, tradeRows, visit } from './browser.mjs';
import { books, exact, ofSymbol, pick, tickers, trades } from './wire.mjs';

const SIM = 'sim:rate=400,seed=7,start=2026-11-22T00:00:00Z';
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT'];

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

async function serve(t, ...options) {
  const server = await bixws('serve', ...options);
  t.after(() => server.stop());
  return server;
}

/** A client that gets every message, subscribed before any page is there. */
async function wire(t, server) {
  const raw = await listen(server.url, { type: 'subscribe', id: 1, channels: ['ticker', 'trades', 'book:25', 'candles:1m', 'status'], policy: 'lossless' });
  t.after(() => raw.close());
  await raw.next((message) => message.includes('"type":"subscribed"'));
  const parsed = [];
  return {
    ...raw,
    all: () => {
      while (parsed.length < raw.messages.length) parsed.push(exact(raw.messages[parsed.length]));
      return parsed;
    },
  };
}

/** True as soon as what was read from the page has been on the wire. */
async function appears(raw, among, what) {
  const found = () => among(raw.all());
  if (!found()) await raw.next(found).catch((error) => assert.fail(`${what} was never on the wire: ${error.message}`));
}

test('every figure on the page was on the wire', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const raw = await wire(t, server);
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT`);
  await isLive(page);
  await settled(page, 'bixws-book');
  const same = (shown) => (other) => JSON.stringify(other) === JSON.stringify(shown);

  await page.waitForFunction((count) => document.querySelectorAll('bixws-ticker tr[data-symbol] .bx-price').length === count, SYMBOLS.length);
  for (const symbol of SYMBOLS) {
    const { price, change_24h: change } = await tickerRow(page, symbol);
    await appears(raw, (messages) => tickers(messages, symbol).some((ticker) => ticker.price === price && ticker.change_24h === change), `${symbol} ${price} ${change}`);
  }

  const FACTS = { bid: 'bid', ask: 'ask', low24h: 'low_24h', high24h: 'high_24h' };
  const facts = await page.evaluate((names) => Object.fromEntries(names.map((name) => [name, document.querySelector(`.bx-instrument-facts [data-value="${name}"]`).textContent.replaceAll(',', '')])), Object.keys(FACTS));
  await appears(raw, (messages) => tickers(messages, 'BTCUSDT').some((ticker) => Object.entries(FACTS).every(([name, field]) => ticker[field] === facts[name])), JSON.stringify(facts));

  await page.locator('bixws-trades tbody tr').nth(5).waitFor();
  const shownTrades = await tradeRows(page);
  const inOrder = JSON.stringify([...shownTrades].reverse()).slice(1, -1);
  await appears(raw, (messages) => JSON.stringify(trades(messages, 'BTCUSDT')).includes(inOrder), `trades ${inOrder}`);

  await page.locator('.bx-bids tr:not([hidden])').nth(5).waitFor();
  const shownBook = await ladder(page);
  await appears(raw, (messages) => [...books(ofSymbol(messages, 'book', 'BTCUSDT'), 25)].some(same(shownBook)), `book ${JSON.stringify(shownBook)}`);
  assert.match(await textOf(page, '.bx-middle'), /Spread/);

  await page.waitForFunction(() => document.querySelector('.bx-legend [data-value="close"]')?.textContent);
  const bar = await legend(page);
  await appears(raw, (messages) => ofSymbol(messages, 'candle', 'BTCUSDT').map((candle) => pick(candle, Object.keys(bar))).some(same(bar)), `candle ${JSON.stringify(bar)}`);
});

test('the trend of each symbol is drawn, and the chart has pixels', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const page = await visit(t, browser, server.url);
  await isLive(page);
  await page.waitForFunction((count) => [...document.querySelectorAll('.bx-spark-line')].filter((path) => /L/.test(path.getAttribute('d'))).length === count, SYMBOLS.length);
  await page.waitForFunction(() => [...document.querySelectorAll('.bx-canvas canvas')].some((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((byte) => byte !== 0);
  }));
  assert.match(await page.locator('.bx-canvas').getAttribute('aria-label'), /BTCUSDT, 1m bars: \d+ bars?, last close [\d,.]+/);
});

test('refresh by hand: nothing moves until it is asked for', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const page = await visit(t, browser, `${server.url}?rate=manual`);
  await isLive(page);
  const first = await page.evaluate(() => {
    document.querySelector('bixws-refresh').now();
    return document.querySelector('tr[data-symbol="BTCUSDT"] .bx-price').textContent;
  });
  // The client has newer prices; the page keeps the old one.
  await page.waitForFunction((old) => document.querySelector('bixws-ticker').client.getLatestPrice('BTCUSDT') !== old.replaceAll(',', ''), first);
  await settled(page);
  assert.equal(await textOf(page, 'tr[data-symbol="BTCUSDT"] .bx-price'), first);
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await page.waitForFunction((old) => document.querySelector('tr[data-symbol="BTCUSDT"] .bx-price').textContent !== old, first);
  await page.getByLabel('Refresh', { exact: true }).selectOption('live');
  const second = await textOf(page, 'tr[data-symbol="BTCUSDT"] .bx-price');
  await page.waitForFunction((old) => document.querySelector('tr[data-symbol="BTCUSDT"] .bx-price').textContent !== old, second);
});

test('killed and restarted: said at once, old values marked, back by itself', async (t) => {
  let server = await bixws('serve', '--feed', SIM);
  t.after(() => server.stop());
  const page = await visit(t, browser, server.url);
  await isLive(page);
  await page.locator('.bx-bids tr:not([hidden])').nth(3).waitFor();
  await server.stop('SIGKILL');
  await page.locator('bixws-ticker[data-stale]').waitFor();
  await page.locator('#banner', { hasText: /Connection lost. Next try in \d s|Connecting/ }).waitFor();
  await page.locator('.bx-age', { hasText: 'Values from' }).waitFor();
  await page.locator('bixws-book .bx-warning', { hasText: 'Stale' }).waitFor();
  const stood = await textOf(page, 'tr[data-symbol="BTCUSDT"] .bx-price');
  assert.match(stood, /^[\d,]+\.\d+$/);
  server = await bixws('serve', '--feed', SIM, '--port', String(server.port));
  await isLive(page);
  await page.locator('#banner').waitFor({ state: 'hidden' });
  await page.waitForFunction((old) => document.querySelector('tr[data-symbol="BTCUSDT"] .bx-price').textContent !== old, stood);
  await page.locator('bixws-book:not([data-stale]) .bx-bids').waitFor();
  assert.equal(await page.locator('[data-stale]').count(), 0);
});

test('a slow network: the page says what it waits for, then shows prices', async (t) => {
  const server = await serve(t, '--feed', SIM);
  const { context, page, problems } = await openPage(browser);
  t.after(() => context.close());
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 150, downloadThroughput: 60000, uploadThroughput: 30000 });
  // The slowest of all: what the server says arrives when this test lets it.
  let letThrough;
  const allowed = new Promise((resolve) => (letThrough = resolve));
  await page.routeWebSocket(/\/ws/, (socket) => {
    const behind = socket.connectToServer();
    let held = Promise.resolve();
    behind.onMessage((message) => {
      held = held.then(() => allowed).then(() => socket.send(message));
    });
  });
  await page.goto(server.url);
  await page.getByText('Waiting for the first prices').waitFor();
  assert.equal(await page.locator('tr[data-symbol]').count(), 0);
  letThrough();
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor();
  await page.locator('.bx-canvas canvas').first().waitFor();
  await isLive(page);
  assert.deepEqual(problems, []);
});

test('the cable is out: everything comes from this machine', async (t) => {
  // In every test no other name resolves and no other request is made (browser.mjs); here the browser knows it, too.
  const server = await serve(t, '--feed', SIM);
  const page = await visit(t, browser, server.url);
  await isLive(page);
  const stood = await textOf(page, 'tr[data-symbol="BTCUSDT"] .bx-price');
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'onLine', { value: false });
    dispatchEvent(new Event('offline'));
  });
  await page.waitForFunction((old) => document.querySelector('tr[data-symbol="BTCUSDT"] .bx-price').textContent !== old, stood);
  await page.getByRole('button', { name: '15m' }).click();
  await page.locator('.bx-legend', { hasText: 'O' }).waitFor();
  const resources = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin));
  assert.deepEqual([...new Set(resources)], [new URL(server.url).origin]);
});
