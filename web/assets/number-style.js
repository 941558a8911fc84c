// SPDX-License-Identifier: Apache-2.0
// NumberStyle: numbers that are kept as text, written as a language writes them (separators, digits) without losing or
// inventing a digit.

export class NumberStyle {
  #digits;
  #decimal;
  #group;
  #minus;
  #primary;
  #secondary;
  #leastGrouped;
  #percent;
  #compact;
  #times = new Map();

  /** A BCP 47 name: "en", "de-CH", "hi", "ar-EG". */
  constructor(locale) {
    this.locale = locale;
    const plain = new Intl.NumberFormat(locale, { useGrouping: false });
    this.#digits = Array.from({ length: 10 }, (_, digit) => plain.format(digit));
    const parts = new Intl.NumberFormat(locale, { minimumFractionDigits: 1 }).formatToParts(-1234567890.5);
    const part = (type, otherwise) => parts.find((p) => p.type === type)?.value ?? otherwise;
    this.#decimal = part('decimal', '.');
    this.#group = part('group', '');
    this.#minus = part('minusSign', '-').replace('-', '\u2212');
    const wholes = parts.filter((p) => p.type === 'integer').map((p) => p.value.length);
    this.#primary = wholes.at(-1);
    this.#secondary = wholes.at(-2) ?? this.#primary;
    const four = new Intl.NumberFormat(locale).formatToParts(1234).some((p) => p.type === 'group');
    this.#leastGrouped = four ? this.#primary + 1 : this.#primary + 2;
    this.#percent = new Intl.NumberFormat(locale, { style: 'percent' }).formatToParts(1).find((p) => p.type === 'percentSign')?.value ?? '%';
    this.#compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 4 });
  }

  /** "50000.10" as "50,000.10", "50.000,10", "५०,०००.१०". `signed`: with a plus too. */
  exact(text, signed = false) {
    if (text === undefined || text === null || text === '') return '';
    const negative = text.charCodeAt(0) === 45;
    const dot = text.indexOf('.');
    const whole = text.slice(negative ? 1 : 0, dot < 0 ? undefined : dot);
    let out = '';
    if (this.#group && whole.length >= this.#leastGrouped) {
      let end = whole.length - this.#primary;
      out = whole.slice(end);
      while (end > 0) {
        const begin = Math.max(0, end - this.#secondary);
        out = whole.slice(begin, end) + this.#group + out;
        end = begin;
      }
    } else {
      out = whole;
    }
    if (dot >= 0) out += this.#decimal + text.slice(dot + 1);
    if (this.#digits[1] !== '1') out = out.replace(/\d/g, (digit) => this.#digits[digit]);
    if (negative) return this.#minus + out;
    return signed && Number(text) !== 0 ? `+${out}` : out;
  }

  /** "2.501" as "+2.501 %" or "+2.501%". */
  percent(text) {
    return text === undefined ? '' : `${this.exact(text, true)}\u202f${this.#percent}`;
  }

  /** For what is too long to read: "902.3M". The exact one belongs beside it. */
  compact(text) {
    return text === undefined ? '' : this.#compact.format(Number(text));
  }

  count(number) {
    return this.exact(String(Math.round(number)));
  }

  /** Microseconds since the epoch as local time of day; `precise` with milliseconds. */
  time(micros, precise = false) {
    const second = Math.floor(micros / 1e6);
    let text = this.#times.get(second);
    if (text === undefined) {
      this.timeFormat ??= new Intl.DateTimeFormat(this.locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
      text = this.timeFormat.format(second * 1000);
      if (this.#times.size > 64) this.#times.clear();
      this.#times.set(second, text);
    }
    if (!precise) return text;
    const millis = String(Math.floor(micros / 1000) % 1000).padStart(3, '0');
    return text + this.#decimal + (this.#digits[1] === '1' ? millis : millis.replace(/\d/g, (digit) => this.#digits[digit]));
  }

  dateTime(micros) {
    this.dateFormat ??= new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'medium' });
    return this.dateFormat.format(micros / 1000);
  }

  /** When a bar begins: no bar is shorter than a minute. */
  barTime(micros) {
    this.barFormat ??= new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'short' });
    return this.barFormat.format(micros / 1000);
  }

  /** "1:23:45" of a span in microseconds. */
  span(micros) {
    const seconds = Math.max(0, Math.floor(micros / 1e6));
    const two = (n) => String(n).padStart(2, '0');
    const text = seconds >= 3600
      ? `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
      : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
    return this.#digits[1] === '1' ? text : text.replace(/\d/g, (digit) => this.#digits[digit]);
  }
}
