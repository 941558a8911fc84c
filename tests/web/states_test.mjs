// SPDX-License-Identifier: Apache-2.0
// Every mode of a server has a designed state on the page, never a blank: token, several exchanges, an empty market,
// behind a proxy's path, an origin that is not allowed, older servers. (Live, replay and disconnected: the other files.)
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bixws, binary } from './bixws.mjs';
import { isLive, launch, settled, textOf, visit } from './browser.mjs';
import { proxy } from './proxy.mjs';
import { standIn } from './stand_in.mjs';

const SIM = 'sim:rate=400,seed=7';
const NOWHERE = 'url=ws://127.0.0.1:1,rest=http://127.0.0.1:1';
const VENDOR = join(binary, '../web/vendor');

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

async function serve(t, ...options) {
  const server = await bixws('serve', ...options);
  t.after(() => server.stop());
  return server;
}

test('a token is asked for once and kept in this tab only', async (t) => {
  const server = await serve(t, '--feed', SIM, '--token', 's3cret');
  const refused = await fetch(server.url);
  assert.equal(refused.status, 401);
  assert.equal((await fetch(`${server.url}metrics`)).status, 401);
  assert.equal((await fetch(`${server.url}assets/page.js`)).status, 200);
  const page = await visit(t, browser, server.url);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await dialog.getByLabel('Token').fill('wrong');
  await dialog.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('did not accept').waitFor();
  await dialog.getByLabel('Token').fill('s3cret');
  await dialog.getByRole('button', { name: 'Connect' }).click();
  await isLive(page);
  const kept = await page.evaluate(() => ({ local: JSON.stringify(localStorage), session: JSON.stringify(sessionStorage), address: location.href, cookie: document.cookie }));
  for (const [where, text] of Object.entries(kept)) assert.equal(text.includes('s3cret'), where === 'session', where);
  await page.reload();
  await isLive(page);
  assert.equal(await page.getByRole('dialog').count(), 0);
  const other = await visit(t, browser, `${server.url}?token=s3cret&layout=wall`);
  await isLive(other);
  assert.equal(new URL(other.url()).search, '?layout=wall');
});

test('several exchanges: one down does not look like all, and is named', async (t) => {
  const server = await serve(t, '--feed', SIM, '--feed', `binance:${NOWHERE}`, 'BTCUSDT', 'ETHUSDT');
  const page = await visit(t, browser, server.url);
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor();
  await page.locator('.bx-status-word', { hasText: /binance: Feed (connecting|down)/ }).waitFor();
  await page.getByRole('button', { name: /Connection and feeds/ }).click();
  await page.locator('tr[data-feed="sim"]', { hasText: 'Live' }).waitFor();
  await page.locator('tr[data-feed="binance"]', { hasText: /connecting|down/ }).waitFor();
});

test('several exchanges: each symbol says whose it is', async (t) => {
  const server = await standIn({ vendor: VENDOR, symbols: 'BTCUSDT,kraken:BTCUSD,kraken:ETHEUR' });
  t.after(() => server.stop());
  const page = await visit(t, browser, server.url);
  await isLive(page);
  const row = page.locator('tr[data-symbol="kraken:BTCUSD"]');
  assert.equal(await row.locator('.bx-symbol').textContent(), 'BTCUSD');
  assert.equal(await row.locator('.bx-exchange').textContent(), 'kraken');
  await row.getByRole('button').click();
  await page.locator('bixws-instrument .bx-exchange', { hasText: 'kraken' }).waitFor();
  assert.equal(new URL(page.url()).search, '?symbol=kraken:BTCUSD');
});

test('an empty market says why, and what else there is', async (t) => {
  const server = await serve(t, '--feed', `binance:${NOWHERE}`, 'BTCUSDT');
  const page = await visit(t, browser, server.url);
  await page.locator('bixws-ticker').getByText('No prices yet').waitFor();
  await page.locator('bixws-ticker code', { hasText: 'bixws serve --demo' }).waitFor();
  await page.locator('bixws-status[data-tone="bad"], bixws-status[data-tone="busy"]').waitFor();
  for (const name of ['chart', 'book', 'trades']) await page.locator(`bixws-${name} .bx-note`, { hasText: 'No prices yet' }).waitFor();
});

test('behind a path: told to the server, or taken off by a proxy', async (t) => {
  const told = await serve(t, '--feed', SIM, '--base-path', '/tools/market');
  const { origin } = new URL(told.url);
  const page = await visit(t, browser, `${origin}/tools/market?theme=light`);
  await isLive(page);
  assert.equal(page.url(), `${origin}/tools/market/?theme=light`);
  assert.equal((await fetch(`${origin}/`)).status, 404);

  const behind = await serve(t, '--feed', SIM, '--trust-proxy');
  const other = await visit(t, browser, await proxy(t, behind.port, '/deep/below'));
  await isLive(other);
  await other.locator('.bx-canvas canvas').first().waitFor();
});

test('a page whose origin is not allowed is told which switch lets it in', async (t) => {
  const server = await serve(t, '--feed', SIM);
  // A proxy that changes the host, in front of a server that was not told to trust it.
  const url = await proxy(t, server.port, '/p');
  const page = await visit(t, browser, url);
  await page.locator('bixws-status[data-state="forbidden"]').waitFor();
  assert.match(await textOf(page, '#banner'), new RegExp(`--allow-origin ${new URL(url).origin}`));
});

test('a server that keeps no drawings and gives no history: said, and drawings stay in this browser', async (t) => {
  const server = await standIn({ vendor: VENDOR, history: false, annotate: false });
  t.after(() => server.stop());
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT`);
  await page.getByText('This server gives no history').waitFor();
  await page.getByLabel('Price of BTCUSDT').fill('12.5');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('they stay in this browser').waitFor();
  await page.reload();
  await page.locator('bixws-alerts li[data-mark]', { hasText: 'BTCUSDT 12.5' }).waitFor();
});

test('what the server’s rules say is listed and read out, in its own words', async (t) => {
  const server = await standIn({ vendor: VENDOR });
  t.after(() => server.stop());
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT`);
  await isLive(page);
  await settled(page);
  server.alert('BTCUSDT', 'BTCUSDT broke 62000: 62000.10', ',"history":true');
  await page.locator('bixws-alerts .bx-fired li', { hasText: /^BTCUSDT broke 62000/ }).waitFor();
  assert.equal(await page.locator('[aria-live="polite"]', { hasText: '62000' }).count(), 0, 'old news is not read out');
  server.alert('BTCUSDT', 'BTCUSDT broke 63000: 63000.10');
  await page.locator('bixws-alerts .bx-fired li', { hasText: /^BTCUSDT broke 63000: 63000.10\d\d:\d\d:\d\d$/ }).waitFor();
  await page.locator('[aria-live="polite"]', { hasText: 'BTCUSDT broke 63000: 63000.10' }).waitFor({ state: 'attached' });
});

test('what a client missed stands between the trades', async (t) => {
  const server = await standIn({ vendor: VENDOR });
  t.after(() => server.stop());
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT`);
  await page.locator('bixws-trades tbody tr').first().waitFor();
  server.gap('BTCUSDT', 17);
  await page.locator('bixws-trades tr[data-gap]', { hasText: '17 missed' }).waitFor();
  await page.locator('.bx-status-gaps', { hasText: 'Gaps 1' }).waitFor();
});
