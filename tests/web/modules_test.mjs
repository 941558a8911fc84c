// SPDX-License-Identifier: Apache-2.0
// The modules that need no browser: digits, decimals, number styles, books, candles, settings, words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CandleSeries } from '../../web/assets/candle-series.js';
import { add, compare, fromNumber, scaleOf, subtract } from '../../web/assets/decimal-text.js';
import { Digits, parseExact, stringifyExact } from '../../web/assets/exact-json.js';
import { english } from '../../web/assets/language.js';
import { NumberStyle } from '../../web/assets/number-style.js';
import { OrderBook } from '../../web/assets/order-book.js';
import { Settings } from '../../web/assets/settings.js';

test('JSON keeps the digits of prices, and counts stay numbers', () => {
  const message = parseExact('{"type":"trades","seq":1207,"data":[{"price":50000.10,"size":0.00420,"id":"4","ts":1795372800121000}],"bids":[[49999.90,0.5120],[49998.00,0]],"points":[[1795372800121000,1.50]],"lost":3}');
  assert.deepEqual(message, {
    type: 'trades', seq: 1207, lost: 3,
    data: [{ price: '50000.10', size: '0.00420', id: '4', ts: 1795372800121000 }],
    bids: [['49999.90', '0.5120'], ['49998.00', '0']],
    points: [[1795372800121000, '1.50']],
  });
});

test('JSON agrees with JSON.parse on everything that is not a number', () => {
  for (const text of ['[]', '{}', '"\\u00e9\\n\\"\\\\/"', '[true,false,null]', ' { "a" : [ "b" , { } ] } ', '"\u2028"', '{"":"","a b":[[[]]]}', '{"__proto__":"x"}']) {
    assert.deepEqual(parseExact(text), JSON.parse(text), text);
  }
  for (const text of ['', '{', '{"a"}', '[1,]', '{"a":1,}', 'tru', '"a', '"a\nb"', '1 2', '{a:1}', '[1 2]', '\u0000']) {
    assert.throws(() => parseExact(text), SyntaxError, JSON.stringify(text));
  }
});

test('numbers are sent with the digits they were given', () => {
  assert.equal(stringifyExact({ a: new Digits('50000.10'), b: [1, 'x\n', null], c: undefined, d: [[2, new Digits('0')]] }), '{"a":50000.10,"b":[1,"x\\n",null],"d":[[2,0]]}');
  for (const text of ['1e5', '.5', '1.', '', '01', 'NaN', '1,5', '5"']) assert.throws(() => new Digits(text), TypeError, text);
});

test('decimals on paper', () => {
  assert.equal(add('0.1', '0.20'), '0.30');
  assert.equal(add('9007199254740993.000000001', '0'), '9007199254740993.000000001');
  assert.equal(subtract('1.0', '1.25'), '-0.25');
  assert.equal(subtract('100', '99.90'), '0.10');
  assert.equal(compare('1.10', '1.1'), 0);
  assert.ok(compare('0.00000000000000000001', '0.00000000000000000002') < 0);
  assert.ok(compare('90071992547409930.1', '90071992547409930.2') < 0);
  assert.equal(scaleOf('1.2300'), 4);
  assert.equal(fromNumber(1.005, 2), '1.00');
});

test('number styles regroup digits and never change one', () => {
  const written = (locale, text, signed) => new NumberStyle(locale).exact(text, signed);
  assert.equal(written('en-US', '1234567.8900'), '1,234,567.8900');
  assert.equal(written('de-DE', '1234567.8900'), '1.234.567,8900');
  assert.equal(written('en-IN', '1234567.10'), '12,34,567.10');
  assert.equal(written('es-ES', '1234.5'), '1234,5');
  assert.equal(written('es-ES', '12345.5'), '12.345,5');
  assert.equal(written('ar-EG', '1234.50'), '١٬٢٣٤٫٥٠');
  assert.equal(written('en-US', '-0.10'), '\u22120.10');
  assert.equal(written('en-US', '0.10', true), '+0.10');
  assert.equal(written('en-US', '0.00', true), '0.00');
  for (const text of ['0.00000000000000000012300', '123456789012345678901234567890.000', '7']) {
    assert.equal(written('en-US', text).replaceAll(',', ''), text);
  }
});

test('a book is its snapshot and every later update, and knows when one is missing', () => {
  const book = new OrderBook();
  const message = (seq, action, bids, asks, more) => ({ seq, action, bids, asks, ts: 1, recv_ts: 1, state: 'live', ...more });
  assert.equal(book.apply(message(4, 'update', [['1', '1']], [])), false, 'an update before the snapshot');
  assert.equal(book.apply(message(5, 'snapshot', [['10.0', '1.0'], ['9.5', '2']], [['10.5', '3'], ['11', '1']])), true);
  assert.equal(book.apply(message(6, 'update', [['9.75', '4'], ['10.0', '0.000']], [['10.50', '2.50']])), true);
  assert.deepEqual(book.bids.levels, [['9.75', '4'], ['9.5', '2']]);
  assert.deepEqual(book.asks.levels, [['10.50', '2.50'], ['11', '1']]);
  assert.equal(book.apply(message(9, 'update', [], [['11', '0']], { from_seq: 7 })), true, 'conflated updates say from where');
  assert.equal(book.apply(message(11, 'update', [], [])), false);
  assert.equal(book.state, 'stale');
});

test('candles: live ones win over history, and too many are merged without losing a high or a digit', () => {
  const series = new CandleSeries();
  const candle = (minute, open, high, low, close, volume) => ({ open_ts: minute * 60e6, open, high, low, close, volume, closed: true });
  assert.equal(series.put(candle(10, '1.0', '2.00', '0.5', '1.5', '1')), true);
  series.putHistory([candle(8, '1', '1', '1', '1', '0.10'), candle(9, '1', '9.90', '0.1', '1', '0.05'), candle(10, '7', '7', '7', '7', '7')]);
  assert.deepEqual(series.view(10, 60, false).bars.map((bar) => bar.close), ['1', '1', '1.5']);
  assert.deepEqual(series.view(2, 60, false).bars.map((bar) => bar.open_ts / 60e6), [9, 10]);
  const { bars, factor } = series.view(2, 60, true);
  assert.equal(factor, 2);
  assert.deepEqual(bars.map(({ open, high, low, close, volume }) => [open, high, low, close, volume]), [['1', '9.90', '0.1', '1', '0.15'], ['1.0', '2.00', '0.5', '1.5', '1']]);
  assert.equal(series.put(candle(9, '1', '1', '1', '1.25', '1')), false, 'not the newest: the chart must be built anew');
});

test('settings: the address wins over memory, a shared view is whole, damaged memory is none', () => {
  const memory = (text) => ({ getItem: () => text, setItem: () => {} });
  const at = (search) => ({ search, href: `http://x/${search}` });
  const own = memory('{"theme":"light","layout":"wall","timeframe":"5m","points":"99999999"}');
  assert.equal(new Settings(at(''), own).get('layout'), 'wall');
  assert.equal(new Settings(at(''), own).get('points'), 1000);
  const shared = new Settings(at('?symbol=kraken:BTCUSD&timeframe=1h&layout=bogus&symbols=A,B,<x>'), own);
  assert.equal(shared.get('layout'), 'desk');
  assert.equal(shared.get('timeframe'), '1h');
  assert.equal(shared.get('theme'), 'light');
  assert.deepEqual(shared.get('symbols'), ['A', 'B']);
  assert.equal(shared.link({ href: 'http://x/?token=secret#y' }), 'http://x/?symbols=A,B&symbol=kraken:BTCUSD&theme=light&timeframe=1h#y');
  for (const text of ['{', 'null', '[]', '7']) assert.equal(new Settings(at(''), memory(text)).get('layout'), 'desk');
});

test('every language has every word, with the same blanks', async () => {
  const blanks = (text) => [...text.matchAll(/\{\w+\}/g)].map(([blank]) => blank).sort();
  for (const name of ['de', 'ar']) {
    const { words } = await import(`../../web/assets/language-${name}.js`);
    assert.deepEqual(Object.keys(words).sort(), Object.keys(english).sort(), name);
    for (const [key, text] of Object.entries(words)) assert.deepEqual([...new Set(blanks(text))], [...new Set(blanks(english[key]))], `${name} ${key}`);
  }
});
