// SPDX-License-Identifier: Apache-2.0
// What a viewer chooses, how it is kept and shared, and whether everybody can use it: keyboard, axe, right to left,
// from 360 px to 4k.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { bixws } from './bixws.mjs';
import { isLive, launch, textOf, visit } from './browser.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1440, height: 900 }, '4k': { width: 3840, height: 2160 } };
const PANELS = ['market', 'chart', 'book', 'trades', 'alerts'];

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await bixws('serve', '--feed', 'sim:rate=300,seed=7');
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(t, query, options) {
  const page = await visit(t, browser, server.url + query, options);
  await isLive(page);
  await page.locator('.bx-canvas canvas').first().waitFor({ state: 'attached' });
  return page;
}

const search = (page) => decodeURIComponent(new URL(page.url()).search);

test('a choice stands in the address and in this browser; a shared view is shown as it was', async (t) => {
  const page = await open(t, '');
  await page.locator('tr[data-symbol="ETHUSDT"] button').click();
  await page.getByRole('button', { name: '5m', exact: true }).click();
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByLabel('Theme').selectOption('light');
  await page.getByLabel('Numbers').selectOption('de-DE');
  await page.waitForFunction(() => /^\d\.\d{3},\d+$/.test(document.querySelector('.bx-instrument-price').textContent));
  assert.equal(search(page), '?symbol=ETHUSDT&theme=light&numbers=de-DE&timeframe=5m');
  const shared = page.url();

  await page.goto(server.url); // no choice in the address: what this browser remembers
  await isLive(page);
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'light');
  await page.locator('.bx-instrument-name', { hasText: 'ETHUSDT' }).waitFor();

  const other = await visit(t, browser, shared); // another browser
  await isLive(other);
  await other.locator('.bx-instrument-name', { hasText: 'ETHUSDT' }).waitFor();
  assert.equal(await other.locator('html').getAttribute('data-theme'), 'light');
  assert.equal(await other.locator('[data-timeframe="5m"]').getAttribute('aria-pressed'), 'true');
});

test('the symbols shown are chosen, and a search finds the others', async (t) => {
  const page = await open(t, '');
  await page.getByRole('button', { name: 'Choose symbols' }).click();
  await page.getByRole('checkbox', { name: 'ADAUSDT' }).uncheck();
  await page.locator('tr[data-symbol="ADAUSDT"]').waitFor({ state: 'detached' });
  assert.match(search(page), /symbols=BTCUSDT,ETHUSDT,SOLUSDT/);
  await page.keyboard.press('Escape');
  await page.getByLabel('Find a symbol').fill('ada');
  await page.locator('tr[data-symbol="ADAUSDT"]').waitFor();
  await page.getByLabel('Find a symbol').fill('zzz');
  await page.getByText('No symbol matches “zzz”.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.locator('tr[data-symbol="ADAUSDT"]').waitFor();
});

test('sorted by a column, and told to a screen reader', async (t) => {
  const page = await open(t, '');
  const column = page.getByRole('columnheader', { name: 'Price' }).first();
  await column.getByRole('button').click();
  await page.waitForFunction(() => document.querySelector('.bx-col-price').getAttribute('aria-sort') === 'descending');
  assert.deepEqual(await page.locator('bixws-ticker tr[data-symbol]').evaluateAll((rows) => rows.map((row) => row.dataset.symbol)), ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT']);
  await column.getByRole('button').click();
  await page.waitForFunction(() => document.querySelector('bixws-ticker tr[data-symbol]').dataset.symbol === 'ADAUSDT');
});

test('by keyboard alone', async (t) => {
  const page = await open(t, '');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // skips to the prices
  await page.waitForFunction(() => document.activeElement.id === 'market');
  await page.keyboard.press('j');
  await page.locator('.bx-instrument-name', { hasText: 'ETHUSDT' }).waitFor();
  await page.keyboard.press('k');
  await page.locator('.bx-instrument-name', { hasText: 'BTCUSDT' }).waitFor();
  await page.keyboard.press(']');
  await page.waitForFunction(() => document.querySelector('bixws-chart').getAttribute('timeframe') === '3m');
  await page.keyboard.press('/');
  await page.keyboard.type('sol');
  await page.keyboard.press('Enter');
  await page.locator('.bx-instrument-name', { hasText: 'SOLUSDT' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('tr[data-symbol="SOLUSDT"] button').focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.symbol), 'ADAUSDT');
  await page.keyboard.press('Enter');
  await page.locator('.bx-instrument-name', { hasText: 'ADAUSDT' }).waitFor();
  await page.keyboard.press('p');
  await page.locator('[aria-live="polite"]', { hasText: /ADAUSDT \d\.\d+, .* in 24 hours/ }).waitFor({ state: 'attached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // Whatever is focused can be seen to be.
  await page.getByRole('button', { name: 'Settings', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Theme').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Settings');
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
});

test('who types quicker than the page draws finds the same', async (t) => {
  const page = await open(t, '');
  await page.evaluate(() => {
    const field = document.querySelector('bixws-ticker input[type="search"]');
    field.value = 'ada';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
  });
  await page.locator('.bx-instrument-name', { hasText: 'ADAUSDT' }).waitFor();
});

test('up and down differ by more than colour', async (t) => {
  const page = await open(t, '');
  await page.locator('bixws-trades tr[data-side="buy"]').first().waitFor();
  await page.locator('bixws-trades tr[data-side="sell"]').first().waitFor();
  const sides = await page.evaluate(() => [...document.querySelectorAll('bixws-trades tbody tr')].map((row) => [row.dataset.side, row.cells[2].textContent]));
  for (const [side, text] of sides) assert.equal(text, side === 'buy' ? '▲ Buy' : '▼ Sell');
  await page.waitForFunction(() => [...document.querySelectorAll('bixws-ticker tr[data-move]')].length > 0);
  const moves = await page.evaluate(() => [...document.querySelectorAll('bixws-ticker tr[data-move]')].map((row) => [row.dataset.move, row.querySelector('.bx-arrow').textContent, row.querySelector('.bx-change24h').textContent]));
  for (const [move, arrow, change] of moves) {
    assert.equal(arrow, move === 'up' ? '▲' : '▼');
    assert.match(change, /^[+\u2212]?\d/);
  }
});

test('right to left: the whole page is mirrored, prices are not', async (t) => {
  const page = await open(t, '?lang=ar');
  await page.waitForFunction(() => document.documentElement.dir === 'rtl' && document.documentElement.lang === 'ar');
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor();
  const x = async (selector) => (await page.locator(selector).first().boundingBox()).x;
  assert.ok(await x('.panel-market') > await x('.panel-book'));
  assert.match(await textOf(page, '#market-title'), /[\u0600-\u06ff]/);
  assert.equal(await page.locator('.bx-price').first().evaluate((element) => getComputedStyle(element).direction), 'ltr');
  const other = await open(t, '?lang=en&dir=rtl&numbers=ar-EG');
  await other.waitForFunction(() => document.documentElement.dir === 'rtl' && /^[٠-٩٬٫]+$/.test(document.querySelector('.bx-instrument-price').textContent));
});

/** Elements that stick out of the window, or texts that their box cuts off. */
const misfits = () => {
  const list = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) list.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll('body *')) {
    const { left, right, width: own } = element.getBoundingClientRect();
    if (!own || element.closest('.bx-unseen, .bx-skip, svg, canvas, .bx-canvas')) continue;
    const scrolled = element.parentElement.closest('.bx-scroll');
    const [from, to] = scrolled ? [scrolled.getBoundingClientRect().left, scrolled.getBoundingClientRect().right] : [0, width];
    if (left < from - 1 || right > to + 1) list.push(`${element.localName}.${element.className} from ${left.toFixed(0)} to ${right.toFixed(0)} of ${to.toFixed(0)}`);
  }
  return list;
};

for (const [name, viewport] of Object.entries(SIZES)) {
  for (const query of ['?symbol=BTCUSDT', '?symbol=BTCUSDT&lang=ar', '?symbol=BTCUSDT&lang=de&theme=light', '?layout=wall']) {
    test(`everything fits: ${name} ${query}`, async (t) => {
      const page = await open(t, query, { viewport });
      for (const panel of name === 'phone' ? PANELS : ['']) {
        if (panel) await page.locator(`#tabs button[data-panel="${panel}"]`).click();
        if (panel === 'trades' || name !== 'phone') await page.locator(query.includes('wall') && !panel ? '.bx-tile .bx-price' : 'bixws-trades tbody tr').first().waitFor({ state: 'attached' });
        assert.deepEqual(await page.evaluate(misfits), [], panel);
      }
    });
  }
}

for (const [name, query, viewport] of [['desk, dark', '?theme=dark', SIZES.desktop], ['desk, light', '?theme=light', SIZES.desktop], ['green and red, dark', '?theme=dark&colors=green-red', SIZES.desktop], ['green and red, light', '?theme=light&colors=green-red', SIZES.desktop], ['wall', '?layout=wall&theme=light', SIZES.desktop], ['right to left', '?lang=ar&theme=dark', SIZES.desktop], ['phone', '?theme=dark', SIZES.phone]]) {
  test(`axe finds nothing serious: ${name}`, async (t) => {
    const page = await open(t, `${query}&symbol=BTCUSDT`, { viewport });
    await page.evaluate(AXE);
    const check = async (where) => {
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => `${where} ${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`), []);
    };
    if (viewport === SIZES.phone) {
      for (const panel of PANELS) {
        await page.locator(`#tabs button[data-panel="${panel}"]`).click();
        await check(panel);
      }
      return;
    }
    if (!query.includes('wall')) await page.locator('bixws-trades tbody tr').nth(3).waitFor();
    await check('page');
    if (query !== '?theme=dark') return;
    for (const button of ['Settings', 'Indicators', 'Choose symbols']) {
      await page.getByRole('button', { name: button, exact: true }).click();
      await check(button);
      await page.keyboard.press('Escape');
    }
    await page.getByRole('button', { name: 'Keys' }).click();
    await check('Keys');
  });
}
