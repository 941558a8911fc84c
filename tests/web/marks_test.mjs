// SPDX-License-Identifier: Apache-2.0
// Drawings and alert levels: made on one page, kept by the server, seen on every other, recorded and replayed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bixws, run, scratch } from './bixws.mjs';
import { isLive, launch, settled, visit } from './browser.mjs';
import { exact } from './wire.mjs';

const SIM = 'sim:rate=400,seed=7,start=2026-11-22T00:00:00Z';

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

/** A page with a chart that has a bar and knows the server's marks. */
async function chart(t, url) {
  const page = await visit(t, browser, `${url}?symbol=BTCUSDT`);
  await page.locator('.bx-canvas canvas').first().waitFor();
  await page.waitForFunction(() => document.querySelector('.bx-legend [data-value="close"]')?.textContent);
  await settled(page);
  return page;
}

async function serve(t, ...options) {
  const server = await bixws('serve', '--feed', SIM, ...options);
  t.after(() => server.stop());
  return server;
}

/** Where a price stands on the screen. The library gives the chart it made for an element. */
const heightOf = (page, price) => page.evaluate((value) => {
  const canvas = document.querySelector('.bx-canvas');
  const { y } = globalThis.klinecharts.init(canvas).convertToPixel({ value }, { paneId: 'candle_pane', absolute: true });
  return canvas.getBoundingClientRect().top + y;
}, Number(price));

/** What is on the chart: [[kind's overlay, [price, ...]], ...]. */
const overlays = (page) => page.evaluate(() => globalThis.klinecharts.init(document.querySelector('.bx-canvas')).getOverlays().map(({ name, points }) => [name, points.map(({ value }) => value)]));

/** Clicks at parts of the chart's width and height, until the tool has what it needs. */
async function click(page, ...places) {
  const box = await page.locator('.bx-canvas').boundingBox();
  const at = async ([x, y]) => {
    await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
    await page.mouse.down();
    await page.mouse.up();
  };
  for (const place of places) await at(place);
  // The library takes a click soon after another for a double one, and ignores it.
  while (await page.locator('.bx-tool[aria-pressed="true"]').count()) await at(places.at(-1));
}

test('a line drawn here is seen there, and removed there is gone here', async (t) => {
  const server = await serve(t);
  const [mine, yours] = [await chart(t, server.url), await chart(t, server.url)];
  await mine.getByRole('button', { name: 'Trend line' }).click();
  await mine.getByText('Trend line: click on the chart').waitFor();
  await click(mine, [0.5, 0.3], [0.6, 0.5]);
  for (const page of [mine, yours]) await page.locator('bixws-alerts li[data-mark]', { hasText: 'Trend line' }).waitFor();
  await yours.waitForFunction(() => globalThis.klinecharts.init(document.querySelector('.bx-canvas')).getOverlays().length === 1);
  const [[name, prices]] = await overlays(yours);
  assert.equal(name, 'segment');
  assert.ok(prices[0] > prices[1], 'from above to below');
  assert.equal(await mine.locator('bixws-alerts li[data-mark]').textContent(), await yours.locator('bixws-alerts li[data-mark]').textContent());
  const late = await chart(t, server.url); // who comes later sees it as well
  await late.locator('bixws-alerts li[data-mark]', { hasText: 'Trend line' }).waitFor();
  await yours.getByRole('button', { name: /^Remove: Trend line/ }).click();
  for (const page of [mine, yours, late]) {
    await page.locator('bixws-alerts li[data-mark]').waitFor({ state: 'detached' });
    await page.waitForFunction(() => globalThis.klinecharts.init(document.querySelector('.bx-canvas')).getOverlays().length === 0);
  }
});

test('a note is text on the chart, for everybody', async (t) => {
  const server = await serve(t);
  const [mine, yours] = [await chart(t, server.url), await chart(t, server.url)];
  await mine.getByRole('button', { name: 'Note', exact: true }).click();
  await mine.getByLabel('Text of the note').fill('here <b>it</b> began');
  await mine.keyboard.press('Enter');
  await click(mine, [0.55, 0.4]);
  await yours.locator('bixws-alerts li[data-mark]', { hasText: 'Note: here <b>it</b> began' }).waitFor();
});

test('an alert level is dragged on the chart, and fires when the price crosses it', async (t) => {
  const server = await serve(t);
  const [mine, yours] = [await chart(t, server.url), await chart(t, server.url)];
  const price = Number((await mine.evaluate(() => document.querySelector('bixws-ticker').client.getLatestPrice('BTCUSDT'))));
  const level = (price * 0.9999).toFixed(2);
  await mine.getByLabel('Price of BTCUSDT').fill(level);
  await mine.getByRole('button', { name: 'Add' }).click();
  const item = (page) => page.locator('bixws-alerts [aria-label="Levels"] li[data-mark]');
  await item(yours).waitFor();
  const before_ = await item(yours).textContent();

  // The chart moves with the market: paused while it is dragged, as a viewer's hand is quicker than a loaded machine.
  await mine.getByLabel('Refresh', { exact: true }).selectOption('manual');
  const x = await mine.locator('.bx-canvas').evaluate((canvas) => canvas.getBoundingClientRect().left + canvas.getBoundingClientRect().width * 0.3);
  const y = await heightOf(mine, level);
  await mine.mouse.move(x, y);
  await mine.mouse.down();
  await mine.mouse.move(x, y + 15, { steps: 3 });
  await mine.mouse.move(x, y + 30, { steps: 3 });
  await mine.mouse.up();
  await yours.waitForFunction((old) => document.querySelector('bixws-alerts [aria-label="Levels"] li[data-mark]')?.textContent !== old, before_);
  const moved = (await item(yours).textContent()).replace(/[^\d.]/g, '');
  assert.ok(Number(moved) < Number(level), `${level} was dragged down to ${moved}`);
  await item(mine).filter({ hasText: moved.slice(-4) }).waitFor();

  // Right at the price it is crossed before long.
  await yours.getByRole('button', { name: /^Remove: BTCUSDT/ }).click();
  await item(yours).waitFor({ state: 'detached' });
  const fired = yours.locator('bixws-alerts .bx-fired li', { hasText: /BTCUSDT (rose|fell) to/ }).first();
  do {
    const now = Number(await yours.evaluate(() => document.querySelector('bixws-ticker').client.getLatestPrice('BTCUSDT')));
    for (const level of [now * 0.99995, now * 1.00005]) {
      await yours.getByLabel('Price of BTCUSDT').fill(level.toFixed(2));
      await yours.getByRole('button', { name: 'Add' }).click();
    }
    // Where the market had moved on before they were set, it does not come back by the clock.
    await fired.waitFor({ timeout: 5000 }).catch(() => {});
  } while (!(await fired.isVisible()));
  await yours.locator('[aria-live="polite"]', { hasText: /BTCUSDT (rose|fell) to/ }).waitFor({ state: 'attached' });
});

test('what was drawn is in the recording, and back in its replay', async (t) => {
  const file = join(scratch(t), 'drawn.db');
  const server = await bixws('serve', '--feed', SIM, '--record', file);
  t.after(() => server.stop());
  const page = await chart(t, server.url);
  await isLive(page);
  await page.getByRole('button', { name: 'Price level' }).click();
  await click(page, [0.5, 0.4]);
  const item = page.locator('bixws-alerts li[data-mark]', { hasText: 'Price level' });
  await item.waitFor();
  await settled(page);
  const shown = (await item.textContent()).replace(/[^\d.]/g, '');
  assert.equal(await server.stop(), 0);

  const recorded = (await run('sessions', 'export', file, '--format', 'ndjson')).trim().split('\n').map(exact).filter(({ type }) => type === 'annotation');
  assert.equal(recorded.length, 1);
  assert.equal(recorded[0].kind, 'level');
  assert.equal(recorded[0].points[0][1], shown);

  const replay = await bixws('replay', file, '--paused');
  t.after(() => replay.stop());
  const again = await visit(t, browser, `${replay.url}?symbol=BTCUSDT`);
  await again.locator('bixws-replay[data-state="paused"]').waitFor();
  await settled(again, 'bixws-book');
  assert.equal(await again.locator('bixws-alerts li[data-mark]').count(), 0, 'before its time');
  await again.getByRole('button', { name: 'Resume' }).click();
  await again.locator('bixws-alerts li[data-mark]', { hasText: 'Price level' }).waitFor();
});
