// SPDX-License-Identifier: Apache-2.0
// Arithmetic on decimal numbers that are kept as text ("50000.10"), without a binary fraction in between.

function split(text) {
  const dot = text.indexOf('.');
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}

/** Digits behind the point. */
export function scaleOf(text) {
  const dot = text.indexOf('.');
  return dot < 0 ? 0 : text.length - dot - 1;
}

function scaled(text, scale) {
  const [whole, fraction] = split(text);
  return BigInt(whole + fraction.padEnd(scale, '0'));
}

function unscaled(value, scale) {
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

/** Below 0, 0, above 0. */
export function compare(a, b) {
  if (a === b) return 0;
  const difference = Number(a) - Number(b);
  if (difference !== 0) return difference;
  const scale = Math.max(scaleOf(a), scaleOf(b));
  const exact = scaled(a, scale) - scaled(b, scale);
  return exact < 0n ? -1 : exact > 0n ? 1 : 0;
}

/** In the finer of both scales, as the sum on paper. */
export function add(a, b) {
  const scale = Math.max(scaleOf(a), scaleOf(b));
  return unscaled(scaled(a, scale) + scaled(b, scale), scale);
}

export function subtract(a, b) {
  const scale = Math.max(scaleOf(a), scaleOf(b));
  return unscaled(scaled(a, scale) - scaled(b, scale), scale);
}

export function isZero(text) {
  return Number(text) === 0;
}

/** A screen position as a price of `scale` digits behind the point. */
export function fromNumber(value, scale) {
  return value.toFixed(Math.min(Math.max(scale, 0), 20));
}
