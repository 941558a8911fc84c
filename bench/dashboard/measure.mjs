// SPDX-License-Identifier: Apache-2.0
// See run. Each figure stands beside its goal.
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bixws, listen } from '../../tests/web/bixws.mjs';
import { isLive, launch, openPage } from '../../tests/web/browser.mjs';

const SYMBOLS = ['BTC', 'ETH', 'SOL', 'ADA', 'XRP', 'DOGE', 'LTC', 'DOT', 'LINK', 'AVAX', 'BNB', 'TRX', 'UNI', 'ATOM', 'XLM', 'ETC', 'FIL', 'NEAR', 'APT', 'ARB', 'OP', 'SUI', 'ALGO', 'BCH', 'AAVE'];
const RATE = 5000;
const SETTLE_S = 10; // from the first prices until what is loaded is loaded
const WARM_S = 30; // from then until the browser has compiled what is called often: that is heap, too, once
const BASELINE_S = 10;
const LONG_TASK_MS = 50;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { minutes: { type: 'string' }, symbols: { type: 'string', default: '50' } } });
const minutes = Number(values.minutes ?? (positionals[0] === 'full' ? 5 : 1));
if (!(minutes > 0)) throw new Error('--minutes must be above 0');

/** Processor seconds a process has used. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function cpuShare(pid, seconds) {
  const [cpu, began] = [cpuSeconds(pid), performance.now()];
  await pause(seconds * 1000);
  return (cpuSeconds(pid) - cpu) / ((performance.now() - began) / 1000);
}

/** In the page: notes long tasks, and which ticker stood there until when. */
function watchPage(longTaskMs) {
  const notes = (window.bench = { longTasks: [], shown: [], frames: 0, on: false });
  new PerformanceObserver((list) => {
    for (const { duration, startTime } of list.getEntries()) if (notes.on && duration > longTaskMs) notes.longTasks.push([startTime, duration]);
  }).observe({ type: 'longtask' });
  new MutationObserver((_, observer) => {
    if (!document.querySelector('.bx-price')?.textContent) return;
    notes.firstPrice = performance.now();
    observer.disconnect();
  }).observe(document, { subtree: true, childList: true, characterData: true });
  const before = (notes.before = new Map());
  const look = () => {
    const ticker = document.querySelector('bixws-ticker');
    if (notes.on && ticker?.shownData) {
      notes.frames += 1;
      const now = (performance.timeOrigin + performance.now()) * 1000;
      for (const symbol of ticker.shownSymbols) {
        const at = ticker.shownData(symbol)?.recv_ts;
        const old = before.get(symbol);
        if (at === undefined || at === old) continue;
        if (old !== undefined) notes.shown.push([symbol, old, now]);
        before.set(symbol, at);
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** For how long each ticker still stood there after the server had a newer one, in ms. */
function ages(shown, arrived) {
  const list = [];
  for (const [symbol, from, until] of shown) {
    const times = arrived.get(symbol) ?? [];
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] > from) high = middle;
      else low = middle + 1;
    }
    if (low < times.length) list.push((until - times[low]) / 1000);
  }
  return list.sort((a, b) => a - b);
}

const [loadBefore] = loadavg();
const count = Number(values.symbols);
const names = SYMBOLS.flatMap((base) => [`${base}USDT`, `${base}USDC`]).slice(0, count);
const server = await bixws('serve', ...names, '--feed', `sim:rate=${RATE},seed=7`);
const browser = await launch();
let failed = false;
try {
  const pid = server.pid;
  const alone = await cpuShare(pid, BASELINE_S);

  const { context, page, problems } = await openPage(browser);
  await page.addInitScript(watchPage, LONG_TASK_MS);
  await page.goto(`${server.url}?symbol=BTCUSDT`);
  await isLive(page);
  await page.locator('.bx-canvas canvas').first().waitFor();
  const session = await context.newCDPSession(page);
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize;
  };
  await pause(SETTLE_S * 1000);
  const firstPrice = await page.evaluate(() => window.bench.firstPrice);

  // What arrived when, from every ticker there is: as small a client as can be, for it shares the machine with the page.
  const arrived = new Map();
  const raw = await listen(server.url, { type: 'subscribe', channels: ['ticker'], policy: 'lossless' });
  raw.onText((text) => {
    const symbol = /^\{"type":"market_update".*?"data":\{"([^"]+)"/.exec(text)?.[1];
    const at = symbol && /"recv_ts":(\d+)/.exec(text);
    if (!at) return;
    if (!arrived.has(symbol)) arrived.set(symbol, []);
    arrived.get(symbol).push(Number(at[1]));
  });

  await page.evaluate(() => (window.bench.on = true));
  await pause(WARM_S * 1000);
  await page.evaluate(() => (window.bench.on = false));
  const heapBefore = await heap(); // collects, and that is our doing
  await page.evaluate(() => {
    window.bench.before.clear();
    window.bench.on = true;
  });
  const withPage = await cpuShare(pid, minutes * 60);
  const { longTasks, shown, frames } = await page.evaluate(() => {
    window.bench.on = false;
    return window.bench;
  });
  await page.evaluate(() => (window.bench.shown.length = 0));  // our notes are not the page's
  const heapAfter = await heap();
  raw.close();
  // The listener's share of the server's work is not the dashboard's.
  await context.close();
  const second = await listen(server.url, { type: 'subscribe', channels: ['ticker'], policy: 'lossless' });
  const withListener = await cpuShare(pid, BASELINE_S);
  second.close();

  const old = ages(shown, arrived);
  const at = (part) => old[Math.min(old.length - 1, Math.floor(old.length * part))];
  const rows = [
    ['first prices (ms)', firstPrice, 500],
    [`tasks over ${LONG_TASK_MS} ms`, longTasks.length, 3],
    ['oldest figure shown (ms)', at(1), 250],
    ['heap growth (%)', (100 * (heapAfter - heapBefore)) / heapBefore, 10],
    ['server, one dashboard (% of a core)', 100 * (withPage - withListener), 5],
  ];
  console.log(`${names.length} symbols, ${RATE} updates/s, ${minutes} min, ${availableParallelism()} cores, load ${loadBefore.toFixed(1)} before: by the clock, so an idle machine is needed`);
  for (const [what, value, most] of rows) {
    const held = value <= most;
    failed ||= !held;
    console.log(`${what.padEnd(38)} ${value.toFixed(1).padStart(8)}   goal: at most ${String(most).padEnd(5)} ${held ? '' : 'MISSED'}`);
  }
  console.log(`age of what is shown, ms: median ${at(0.5).toFixed(0)}, p99 ${at(0.99).toFixed(0)} of ${old.length} figures; ${(frames / (minutes * 60 + WARM_S)).toFixed(0)} frames/s`);
  console.log(`long tasks: ${longTasks.map(([start, duration]) => `${duration.toFixed(0)} ms after ${(start / 1000).toFixed(0)} s`).join(', ') || 'none'}`);
  console.log(`heap: ${(heapBefore / 1e6).toFixed(2)} MB, then ${(heapAfter / 1e6).toFixed(2)} MB`);
  console.log(`server alone ${(100 * alone).toFixed(1)} %, with a lossless listener ${(100 * withListener).toFixed(1)} %, with both ${(100 * withPage).toFixed(1)} % of a core`);
  if (problems.length) throw new Error(problems.join('\n'));
} finally {
  await browser.close();
  await server.stop();
}
process.exit(failed ? 1 : 0);
