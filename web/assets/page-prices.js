// SPDX-License-Identifier: Apache-2.0
// The page's settings and prices, a script of its own: prices stand there while the rest is still being loaded.
import { setAttribute } from './dom.js';
import { isRightToLeft, languageName, LANGUAGES, setLanguage } from './language.js';
import { client } from './page-client.js';
import { setNumberLocale } from './page-style.js';
import './price-ticker.js';
import { Settings } from './settings.js';

export const settings = new Settings();
export const ticker = document.querySelector('bixws-ticker');

/** What was chosen, or what the browser asks for, or English. */
export function language() {
  return settings.get('lang') || (navigator.languages ?? []).map((name) => name.split('-')[0]).find((name) => LANGUAGES[name]) || 'en';
}

/** Writes into the page what concerns all of it, and the list of prices. */
export function applyPrices() {
  const root = document.documentElement;
  setAttribute(root, 'data-theme', settings.get('theme'));
  setAttribute(root, 'data-colors', settings.get('colors'));
  const direction = settings.get('dir') === 'auto' ? (isRightToLeft(languageName()) ? 'rtl' : 'ltr') : settings.get('dir');
  setAttribute(root, 'dir', direction);
  setAttribute(root, 'lang', languageName());
  setNumberLocale(settings.get('numbers') || settings.get('lang'));
  setAttribute(document.body, 'data-layout', settings.get('layout'));
  setAttribute(ticker, 'view', settings.get('layout') === 'wall' ? 'tiles' : 'table');
  setAttribute(ticker, 'symbols', settings.get('symbols').join(',') || undefined);
  setAttribute(ticker, 'sort', settings.get('sort') || undefined);
  setAttribute(ticker, 'columns', settings.get('columns'));
}

applyPrices();
setLanguage(language());
ticker.client = client;
