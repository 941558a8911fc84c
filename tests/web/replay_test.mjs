// SPDX-License-Identifier: Apache-2.0
// The dashboard against a replay whose end state is known: the frozen recording, read by another way (`sessions
// export`) after `sessions verify` has proven it to be the known one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bixws, listen, run, scratch } from './bixws.mjs';
import { ladder, launch, legend, plain, settled, textOf, tickerRow, tradeRows, visit } from './browser.mjs';
import { books, exact, ofSymbol, pick, tickers, trades } from './wire.mjs';

const RECORDING = fileURLToPath(new URL('../../fixtures/recordings/version-1.db', import.meta.url));
const DIGEST = '1b43381ca39edf71ceac17eaca76b8e4d668dc34d48834d62d3053c2c147152c';
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT'];
const TICKER = ['price', 'change_24h'];

let browser;
before(async () => (browser = await launch()));
after(async () => browser?.close());

async function replay(t, file, ...options) {
  const server = await bixws('replay', file, '--paused', ...options);
  t.after(() => server.stop());
  return server;
}

const events = async (file, ...options) => (await run('sessions', 'export', file, '--format', 'ndjson', ...options)).trim().split('\n').map(exact);

/** A recording of a minute of one symbol, made at once. */
async function minute(t) {
  const file = join(scratch(t), 'minute.db');
  await run('record', 'BTCUSDT', '--feed', 'sim:rate=0,seed=12,start=2026-11-22T00:00:00Z,count=60000', '-o', file);
  return file;
}

const inState = (page, state) => page.locator(`bixws-replay[data-state="${state}"]`).waitFor();
const position = async (page) => (await page.evaluate(() => document.querySelector('bixws-replay').client.replay)).position;

test('a replay ends as the recording ends, and the page says so', async (t) => {
  await run('sessions', 'verify', RECORDING, '--session', '1', '--expect', DIGEST);
  const recorded = await events(RECORDING, '--session', '1');
  const server = await replay(t, RECORDING, '--session', '1');
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT&depth=100`);
  await inState(page, 'paused');
  await settled(page, 'bixws-book');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.locator('bixws-status[data-state="ended"]').waitFor();
  assert.equal(await server.exited, 0);

  for (const symbol of SYMBOLS) {
    assert.deepEqual(pick(await tickerRow(page, symbol), TICKER), pick(tickers(recorded, symbol).at(-1), TICKER), symbol);
  }
  const last = tickers(recorded, 'BTCUSDT').at(-1);
  assert.equal(plain(await textOf(page, '.bx-instrument-price')), last.price);
  for (const [name, field] of [['bid', 'bid'], ['ask', 'ask'], ['low24h', 'low_24h'], ['high24h', 'high_24h']]) {
    assert.equal(plain(await textOf(page, `.bx-instrument-facts [data-value="${name}"]`)), last[field], name);
  }
  assert.deepEqual(await tradeRows(page), trades(recorded, 'BTCUSDT').slice(-60).reverse());
  assert.deepEqual(await ladder(page), [...books(ofSymbol(recorded, 'book', 'BTCUSDT'))].at(-1));
  const bar = await legend(page);
  assert.deepEqual(bar, pick(ofSymbol(recorded, 'candle', 'BTCUSDT').at(-1), Object.keys(bar)));

  assert.match(await textOf(page, '#banner'), /ended the session/);
  assert.match(await textOf(page, 'bixws-replay'), /Session 1.*Nov 22, 2026, 12:00:00.*The replay has ended/);
  for (const button of await page.locator('bixws-replay :is(button, input, select)').all()) assert.equal(await button.isDisabled(), true);
});

test('paused it stands, stepped it moves by one event, at another speed it goes on', async (t) => {
  const file = await minute(t);
  const server = await replay(t, file);
  const raw = await listen(server.url, { type: 'subscribe', id: 'all', channels: ['ticker', 'trades', 'book', 'candles:1m', 'status'], policy: 'lossless' });
  t.after(() => raw.close());
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT`);
  const bar = page.locator('bixws-replay');
  await inState(page, 'paused');
  await bar.getByLabel('Speed').selectOption('0.1');
  await bar.getByRole('button', { name: 'Resume' }).click();
  await inState(page, 'playing');
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor();
  assert.equal(await bar.getByLabel('Speed').inputValue(), '0.1');
  await bar.getByRole('button', { name: 'Pause' }).click();
  await inState(page, 'paused');
  await raw.settled();
  await raw.settled();

  // A candle that is made of a trade comes with it.
  const count = () => raw.messages.map(exact).filter((message) => ['market_update', 'trades', 'book', 'candle'].includes(message.type) && !message.derived).length;
  const recorded = (await events(file)).length;
  for (let steps = 1; steps <= 3; steps += 1) {
    const before_ = count();
    await bar.getByRole('button', { name: 'Step' }).click();
    await raw.next(() => count() > before_);
    // Two questions later, whatever else was under way would have come.
    await raw.settled();
    await raw.settled();
    assert.equal(count(), before_ + 1);
  }
  assert.ok(count() < recorded / 2);
  await page.locator('h1').click(); // on a button, Space presses it
  await page.keyboard.press('Space');
  await inState(page, 'playing');
});

test('dragged to a time, it shows the market of that time', async (t) => {
  const file = await minute(t);
  const recorded = await events(file);
  const server = await replay(t, file);
  const page = await visit(t, browser, `${server.url}?symbol=BTCUSDT`);
  await inState(page, 'paused');
  const slider = page.locator('bixws-replay input[type="range"]');
  const box = await slider.boundingBox();
  const at = (part) => [box.x + 8 + (box.width - 16) * part, box.y + box.height / 2];
  const begin = await position(page);
  await page.mouse.move(...at(0));
  await page.mouse.down();
  await page.mouse.move(...at(0.25));
  await page.mouse.move(...at(0.5), { steps: 4 });
  // While it is dragged the bar says where it would go; the replay stays where it is.
  assert.match(await textOf(page, '.bx-replay-position'), /12:00:(2[89]|3[012])/);
  assert.equal(await position(page), begin);
  await page.mouse.up();
  await page.waitForFunction((old) => document.querySelector('bixws-replay').client.replay.position > old + 20e6, begin);
  await settled(page, 'bixws-book');

  const sought = await position(page);
  assert.ok(Math.abs(sought - begin - 30e6) < 2e6, `sought to ${(sought - begin) / 1e6} s`);
  const before_ = recorded.filter((event) => Number(event.type === 'market_update' ? event.data.BTCUSDT.recv_ts : event.recv_ts ?? event.data?.[0]?.recv_ts ?? 0) < sought);
  await page.locator('tr[data-symbol="BTCUSDT"] .bx-price').waitFor();
  assert.deepEqual(pick(await tickerRow(page, 'BTCUSDT'), TICKER), pick(tickers(before_, 'BTCUSDT').at(-1), TICKER));
  await page.locator('.bx-bids tr:not([hidden])').first().waitFor();
  assert.deepEqual(await ladder(page), [...books(ofSymbol(before_, 'book', 'BTCUSDT'), 25)].at(-1));

  // The same by keyboard, backwards.
  await slider.focus();
  await page.keyboard.press('Home');
  await page.waitForFunction((old) => document.querySelector('bixws-replay').client.replay.position === old, begin);
});
