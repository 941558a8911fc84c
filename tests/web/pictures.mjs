// SPDX-License-Identifier: Apache-2.0
// The pictures of docs/dashboard.md, one of each state: node tests/web/pictures.mjs docs/dashboard. The market is the
// stand-in's, with a past for the chart, and the same in every run but for the times.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from './bixws.mjs';
import { isLive, launch, openPage } from './browser.mjs';
import { standIn } from './stand_in.mjs';

const folder = process.argv[2];
if (!folder) throw new Error('usage: node pictures.mjs FOLDER');
mkdirSync(folder, { recursive: true });
const vendor = join(binary, '../web/vendor');
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const MANY = 'BTCUSDT,ETHUSDT,SOLUSDT,ADAUSDT,XRPUSDT,DOGEUSDT';
const drawn = (page) => page.waitForFunction(() => document.querySelectorAll('bixws-trades tbody tr').length > 12 && document.querySelector('.bx-legend [data-value="close"]')?.textContent);
const rows = (count) => (page) => page.waitForFunction((wanted) => document.querySelectorAll('.bx-spark-line[d*="L"]').length >= wanted, count);

/** name: [server's options, address, size, until it looks so, what happens then]. */
const PICTURES = {
  live: [{ symbols: MANY, rate: 120 }, '?symbol=BTCUSDT&indicators=VOL,EMA:20:50&points=250', DESKTOP, drawn],
  light: [{ symbols: MANY, rate: 120 }, '?symbol=ETHUSDT&theme=light&indicators=VOL,BOLL,RSI&points=250&timeframe=5m', DESKTOP, drawn],
  wall: [{ symbols: MANY, rate: 200 }, '?layout=wall', DESKTOP, rows(6)],
  arabic: [{ symbols: MANY, rate: 120 }, '?symbol=BTCUSDT&lang=ar&numbers=ar-EG&points=250', DESKTOP, drawn],
  'phone-chart': [{ symbols: MANY, rate: 120 }, '?symbol=BTCUSDT&points=100', PHONE, drawn],
  'phone-market': [{ symbols: MANY, rate: 120 }, '?symbol=BTCUSDT', PHONE, rows(6), (page) => page.locator('#tabs button[data-panel="market"]').click()],
  'phone-book': [{ symbols: MANY, rate: 120 }, '?symbol=BTCUSDT', PHONE, drawn, (page) => page.locator('#tabs button[data-panel="book"]').click()],
  replay: [{ symbols: MANY, rate: 200, replay: true }, '?symbol=BTCUSDT&points=250', DESKTOP, drawn, (page) => page.getByRole('button', { name: 'Pause' }).click()],
  disconnected: [{ symbols: MANY, rate: 120 }, '?symbol=BTCUSDT&points=250', DESKTOP, drawn, async (page, server) => {
    await server.stop();
    await page.locator('#banner', { hasText: 'Next try' }).waitFor();
  }],
  token: [{ token: 's3cret' }, '', DESKTOP, (page) => page.getByRole('dialog').waitFor()],
  several: [{ symbols: 'BTCUSDT,ETHUSDT,SOLUSDT,kraken:BTCUSD,kraken:ETHEUR', rate: 120, down: 'connection refused; next try in 4 s' }, '?symbol=BTCUSDT&points=250', DESKTOP, drawn, (page) => page.getByRole('button', { name: /Connection and feeds/ }).click()],
  empty: [{ empty: true, down: 'cannot reach the exchange' }, '', DESKTOP, (page) => page.getByText('No prices yet').first().waitFor()],
  'proxy-path': [{ base: '/tools/market/', symbols: MANY, rate: 120 }, '?symbol=SOLUSDT&layout=chart&points=250', DESKTOP, drawn],
  forbidden: [{ origin: 'http://elsewhere.example' }, '', DESKTOP, (page) => page.locator('bixws-status[data-state="forbidden"]').waitFor()],
};

const only = process.argv.slice(3);
const browser = await launch();
for (const [name, [options, query, viewport, ready, then]] of Object.entries(PICTURES)) {
  if (only.length && !only.includes(name)) continue;
  const server = await standIn({ vendor, ...options });
  const { context, page, problems } = await openPage(browser, { viewport });
  await page.goto(server.url + query);
  if (ready === drawn && name !== 'several' && !options.replay) await isLive(page);
  await ready(page);
  await then?.(page, server);
  await page.evaluate(() => document.fonts.ready);
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  spawnSync('pngquant', ['--force', '--ext', '.png', '--strip', '128', path]); // a third of the size, where it is installed
  console.log(`${path}  ${(statSync(path).size / 1000).toFixed(0)} KB`);
  await context.close();
  if (name !== 'disconnected') await server.stop();
  if (problems.length) throw new Error(`${name}: ${problems.join('\n')}`);
}
await browser.close();
