// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium through playwright-core, with nothing that talks to the outside. Tests wait for conditions, as long
// as a loaded machine may need, never for a time.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.BIXWS_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PATIENCE_MS = 60000;

export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error('no chromium here; scripts/deps ci installs it, or set BIXWS_CHROMIUM');
  return chromium.launch({
    executablePath,
    timeout: 2 * PATIENCE_MS,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--force-color-profile=srgb'],
  });
}

/** A page that notes errors, refused scripts or styles, and requests to anybody but this machine. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', locale: 'en-US', timezoneId: 'UTC', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    // A server that is away, or asks for a token, is reported by the browser itself.
    if (message.type() === 'error' && !/WebSocket connection to|Failed to load resource/.test(text)) problems.push(`console: ${text}`);
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (!['127.0.0.1', 'localhost'].includes(hostname) && protocol !== 'data:' && protocol !== 'blob:') problems.push(`a request to ${hostname}`);
  });
  return { context, page, problems };
}

/** Opens `url`; at the end of the test nothing may have gone wrong in the page. */
export async function visit(t, browser, url, options) {
  const { context, page, problems } = await openPage(browser, options);
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(url);
  return page;
}

export const isLive = (page) => page.locator('bixws-status[data-state="stateLive"]').waitFor();

/** Resolves once the server has answered all that the page has asked so far. */
export const settled = (page, element = 'bixws-ticker') => page.waitForFunction(async (name) => {
  const { client } = document.querySelector(name);
  return client?.isConnected() && (await client.request({ type: 'ping' })).type === 'pong';
}, element);

export const textOf = (page, selector) => page.locator(selector).first().textContent();

/** What is shown, as the wire has it: without separators, signs for the eye and units. */
export const plain = (shown) => shown.replaceAll(',', '').replaceAll('\u2212', '-').replace(/[+\s%\u202f]/g, '');

/** One row of prices, all its figures at the same moment. */
export const tickerRow = (page, symbol) => page.evaluate((name) => {
  const row = document.querySelector(`[data-symbol="${name}"]`).closest('tr, li');
  const text = (key) => row.querySelector(`.bx-${key}`)?.textContent ?? '';
  return { price: text('price'), change_24h: text('change24h'), bid: text('bid'), ask: text('ask'), low_24h: text('low24h'), high_24h: text('high24h') };
}, symbol).then((row) => Object.fromEntries(Object.entries(row).map(([key, shown]) => [key, plain(shown)])));

/** [[price, size], ...] of one side of the ladder, best first. */
export const ladder = (page) => page.evaluate(() => Object.fromEntries(['bids', 'asks'].map((side) => {
  const rows = [...document.querySelectorAll(`.bx-${side} tr:not([hidden])`)].map((row) => [...row.cells].slice(0, 2).map((cell) => cell.textContent));
  return [side, side === 'asks' ? rows.reverse() : rows];
}))).then(({ bids, asks }) => ({ bids: bids.map((row) => row.map(plain)), asks: asks.map((row) => row.map(plain)) }));

export const tradeRows = (page) => page.evaluate(() => [...document.querySelectorAll('bixws-trades tbody tr')].map((row) => [...row.cells].slice(0, 3).map((cell) => cell.textContent)))
  .then((rows) => rows.map(([price, size, side]) => [plain(price), plain(size), side.includes('▲') ? 'buy' : 'sell']));

export const legend = (page) => page.evaluate(() => Object.fromEntries(['open', 'high', 'low', 'close', 'volume'].map((key) => [key, document.querySelector(`.bx-legend [data-value="${key}"]`)?.textContent ?? ''])))
  .then((bar) => Object.fromEntries(Object.entries(bar).map(([key, shown]) => [key, plain(shown)])));
