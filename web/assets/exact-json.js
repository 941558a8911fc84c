// SPDX-License-Identifier: Apache-2.0
// JSON in which prices and sizes keep the digits they were sent with. JSON.parse turns 50000.10 into 50000.1; here it is
// the text "50000.10", and counts and times are numbers as usual.

/** Members that are counts or times; every other JSON number becomes its own text. */
const COUNTS = new Set([
  'seq', 'from_seq', 'to_seq', 'ts', 'recv_ts', 'open_ts', 'from_ts', 'to_ts', 'from', 'to', 'protocol', 'depth', 'lost',
  'lag_us', 'skew_us', 'id', 'session', 'position', 'speed', 'limit', 'events',
]);

let source = '';
let at = 0;

function fail(what) {
  throw new SyntaxError(`JSON: ${what} at ${at}`);
}

function skip() {
  for (;;) {
    const c = source.charCodeAt(at);
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return c;
    at += 1;
  }
}

function string() {
  const start = (at += 1);
  for (;;) {
    const c = source.charCodeAt(at);
    if (c === 34) return source.slice(start, at++);
    if (c === 92) return escaped(start);
    if (!(c >= 32)) fail('an unfinished string');
    at += 1;
  }
}

function escaped(start) {
  for (;;) {
    const c = source.charCodeAt(at);
    if (c === 34) break;
    if (!(c >= 32)) fail('an unfinished string');
    at += c === 92 ? 2 : 1;
  }
  at += 1;
  return JSON.parse(source.slice(start - 1, at));
}

function number(counted) {
  const start = at;
  if (source.charCodeAt(at) === 45) at += 1;
  let c = source.charCodeAt(at);
  if (!(c >= 48 && c <= 57)) fail('no value');
  while ((c >= 48 && c <= 57) || c === 46 || c === 43 || c === 45 || c === 101 || c === 69) c = source.charCodeAt((at += 1));
  const text = source.slice(start, at);
  if (counted) return Number(text);
  return text;
}

function word(text, value) {
  if (!source.startsWith(text, at)) fail('no value');
  at += text.length;
  return value;
}

function value(key) {
  const c = skip();
  if (c === 34) return string();
  if (c === 123) return object();
  if (c === 91) return array(key);
  if (c === 116) return word('true', true);
  if (c === 102) return word('false', false);
  if (c === 110) return word('null', null);
  return number(COUNTS.has(key));
}

function array(key) {
  const list = [];
  at += 1;
  if (skip() === 93) {
    at += 1;
    return list;
  }
  // [[ts,price],...] is the one place where a time has no name.
  const inner = key === 'points' ? 'point' : key;
  for (;;) {
    list.push(value(inner === 'point' && list.length === 0 && key === 'point' ? 'ts' : inner));
    const c = skip();
    at += 1;
    if (c === 93) return list;
    if (c !== 44) fail('no , or ]');
  }
}

function object() {
  const made = {};
  at += 1;
  if (skip() === 125) {
    at += 1;
    return made;
  }
  for (;;) {
    if (skip() !== 34) fail('no member name');
    const key = string();
    if (skip() !== 58) fail('no :');
    at += 1;
    const member = value(key);
    if (key === '__proto__') Object.defineProperty(made, key, { value: member, enumerable: true });
    else made[key] = member;
    const c = skip();
    at += 1;
    if (c === 125) return made;
    if (c !== 44) fail('no , or }');
  }
}

/** Throws SyntaxError. */
export function parseExact(text) {
  source = text;
  at = 0;
  const parsed = value('');
  skip();
  if (at < text.length) fail('something after the end');
  source = '';
  return parsed;
}

/** A number to be sent with exactly these digits: stringifyExact({price: new Digits('50000.10')}). */
export class Digits {
  constructor(text) {
    if (!/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) throw new TypeError(`not a plain decimal number: ${text}`);
    this.text = String(text);
  }
}

export function stringifyExact(thing) {
  if (thing instanceof Digits) return thing.text;
  if (Array.isArray(thing)) return `[${thing.map((item) => stringifyExact(item === undefined ? null : item)).join(',')}]`;
  if (thing !== null && typeof thing === 'object') {
    const members = Object.entries(thing).filter(([, member]) => member !== undefined);
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stringifyExact(member)}`).join(',')}}`;
  }
  return JSON.stringify(thing);
}
