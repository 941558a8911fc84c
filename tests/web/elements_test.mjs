// SPDX-License-Identifier: Apache-2.0
// Each element alone, in a page that somebody else serves.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { bixws, run, scratch } from './bixws.mjs';
import { launch, textOf, visit } from './browser.mjs';

const SIM = 'sim:rate=400,seed=7';

/** Another site, with one page; the server lets it in by name. */
let site;
let html = '';
let browser;
before(async () => {
  browser = await launch();
  site = http.createServer((request, response) => response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(request.url === '/' ? html : ''));
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  await browser?.close();
  site?.close();
  site?.closeAllConnections();
});
const siteUrl = () => `http://127.0.0.1:${site.address().port}`;

async function serve(t, verb = 'serve', ...options) {
  const server = await bixws(verb, ...(options.length ? options : ['--feed', SIM]), '--allow-origin', siteUrl());
  t.after(() => server.stop());
  return server;
}

/** A page with nothing but this element, and its module. */
async function alone(t, server, module, element) {
  html = `<!doctype html><html lang="en"><title>x</title><link rel="stylesheet" href="${server.url}assets/bixws.css">
    <script type="module" src="${server.url}assets/${module}.js"></script><body>${element.replace('URL', server.url.replace('http', 'ws'))}`;
  const page = await visit(t, browser, siteUrl());
  assert.equal(await page.evaluate(() => location.origin), siteUrl());
  return page;
}

const ELEMENTS = [
  ['status-indicator', '<bixws-status url="URL"></bixws-status>', 'bixws-status[data-state="stateLive"]', /Live/],
  ['price-ticker', '<bixws-ticker url="URL" symbols="ETHUSDT,BTCUSDT"></bixws-ticker>', 'tr[data-symbol="ETHUSDT"] .bx-price', /^[\d,]+\.\d+$/],
  ['instrument-head', '<bixws-instrument url="URL" symbol="SOLUSDT"></bixws-instrument>', '.bx-instrument-price', /^\d+\.\d+$/],
  ['trade-feed', '<bixws-trades url="URL" symbol="BTCUSDT"></bixws-trades>', 'bixws-trades tbody tr td', /^[\d,]+\.\d+$/],
  ['book-ladder', '<bixws-book url="URL" symbol="BTCUSDT" depth="5"></bixws-book>', '.bx-bids tr:nth-child(4) .bx-book-price', /^[\d,]+\.\d+$/],
  ['price-chart', '<bixws-chart url="URL" symbol="BTCUSDT" timeframe="1m"></bixws-chart>', '.bx-legend [data-value="close"]', /^[\d,]+\.\d+$/],
];

for (const [module, element, selector, wanted] of ELEMENTS) {
  test(`${module} alone`, async (t) => {
    const page = await alone(t, await serve(t), module, element);
    await page.waitForFunction(([where, pattern]) => new RegExp(pattern).test(document.querySelector(where)?.textContent ?? ''), [selector, wanted.source]);
    // No other element came with it.
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('*')].filter((one) => one.localName.startsWith('bixws-')).length), 1);
  });
}

test('alert-list alone: a level is set, seen, and removed', async (t) => {
  const page = await alone(t, await serve(t), 'alert-list', '<bixws-alerts url="URL" symbol="BTCUSDT"></bixws-alerts>');
  await page.getByLabel('Price of BTCUSDT').fill('1.25');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.locator('bixws-alerts li[data-mark]', { hasText: 'BTCUSDT 1.25' }).waitFor();
  await page.getByRole('button', { name: 'Remove: BTCUSDT 1.25' }).click();
  await page.locator('bixws-alerts li[data-mark]').waitFor({ state: 'detached' });
  await page.getByLabel('Price of BTCUSDT').fill('abc');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText(/^A price like \d+\.\d+$/).waitFor();
});

test('replay-bar alone: hidden while live, there in a replay, and it steers', async (t) => {
  const live = await alone(t, await serve(t), 'replay-bar', '<bixws-replay url="URL"></bixws-replay>');
  await live.waitForFunction(() => document.querySelector('bixws-replay').client?.symbols.length > 0);
  assert.equal(await live.locator('bixws-replay').isVisible(), false);
  const file = `${scratch(t)}/short.db`;
  await run('record', 'BTCUSDT', '--feed', 'sim:rate=0,seed=5,count=20000', '-o', file);
  const page = await alone(t, await serve(t, 'replay', file, '--paused'), 'replay-bar', '<bixws-replay url="URL"></bixws-replay>');
  await page.locator('bixws-replay[data-state="paused"]').waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.locator('bixws-replay[data-state="playing"]').waitFor();
});

test('refresh-control alone: it sets the pace of every element beside it', async (t) => {
  const server = await serve(t);
  const page = await alone(t, server, 'refresh-control', `<bixws-refresh url="URL" rate="manual"></bixws-refresh><script type="module" src="${server.url}assets/instrument-head.js"></script><bixws-instrument url="${server.url.replace('http', 'ws')}" symbol="BTCUSDT"></bixws-instrument>`);
  await page.waitForFunction(() => document.querySelector('bixws-instrument').client?.getLatestPrice('BTCUSDT'));
  await page.getByRole('button', { name: 'Refresh now' }).click();
  const stood = await textOf(page, '.bx-instrument-price');
  await page.waitForFunction((old) => document.querySelector('bixws-instrument').client.getLatestPrice('BTCUSDT') !== old, stood.replaceAll(',', ''));
  assert.equal(await textOf(page, '.bx-instrument-price'), stood);
  await page.getByLabel('Refresh', { exact: true }).selectOption('250');
  await page.waitForFunction((old) => document.querySelector('.bx-instrument-price').textContent !== old, stood);
});

test('another url is another server', async (t) => {
  const [first, second] = [await serve(t), await serve(t, 'serve', '--feed', SIM, 'XRPUSDT')];
  const page = await alone(t, first, 'price-ticker', '<bixws-ticker url="URL"></bixws-ticker>');
  await page.locator('tr[data-symbol="BTCUSDT"]').waitFor();
  await page.evaluate((url) => document.querySelector('bixws-ticker').setAttribute('url', url), second.url.replace('http', 'ws'));
  await page.locator('tr[data-symbol="XRPUSDT"]').waitFor();
  await page.locator('tr[data-symbol="BTCUSDT"]').waitFor({ state: 'detached' });
});

test('the example page works as it stands', async (t) => {
  const server = await serve(t);
  html = (await readFile(new URL('../../examples/web/index.html', import.meta.url), 'utf8')).replaceAll('localhost:8765', `127.0.0.1:${server.port}`);
  const page = await visit(t, browser, siteUrl());
  await page.locator('tr[data-symbol="ETHUSDT"] .bx-price').waitFor();
  await page.locator('bixws-chart .bx-canvas canvas').first().waitFor();
  await page.waitForFunction(() => /^\d+\.\d+ BTCUSDT$/.test(document.title));
  assert.equal(await page.locator('tr[data-symbol]').count(), 2);
});
