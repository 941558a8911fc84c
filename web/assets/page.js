// SPDX-License-Identifier: Apache-2.0
// The dashboard page: puts settings, client and elements together.
import { ConnectionState } from './bixws-client.js';
import { client } from './page-client.js';
import { applyPrices, language, settings, ticker } from './page-prices.js';
import './status-indicator.js';
import './instrument-head.js';
import './book-ladder.js';
import './trade-feed.js';
import './refresh-control.js';
import './replay-bar.js';
import './alert-list.js';
import './price-chart.js';
import { announce } from './announce.js';
import { h, icon, setAttribute, setText } from './dom.js';
import { frames } from './frames.js';
import { onLanguage, setLanguage, t } from './language.js';
import { numberStyle } from './page-style.js';
import { TIMEFRAMES } from './price-chart.js';
import { settingsPanel } from './settings-panel.js';
import { helpDialog, onKeys } from './page-keys.js';
import { forgetToken } from './page-token.js';
import { askForToken } from './token-dialog.js';

const element = (name) => document.querySelector(`bixws-${name}`);
const parts = { ticker, ...Object.fromEntries(['status', 'instrument', 'chart', 'book', 'trades', 'alerts', 'replay', 'refresh'].map((name) => [name, element(name)])) };
const narrow = matchMedia('(max-width: 719px)');

// Settings into the page ----------------------------------------------------------------------------------------------

/** What was chosen, or the first there is. */
function symbol() {
  return settings.get('symbol') || settings.get('symbols')[0] || client.symbols[0] || '';
}

function apply() {
  applyPrices();
  setAttribute(parts.chart, 'timeframe', settings.get('timeframe'));
  setAttribute(parts.chart, 'bars', settings.get('bars'));
  setAttribute(parts.chart, 'indicators', settings.get('indicators'));
  setAttribute(parts.chart, 'points', settings.get('points'));
  setAttribute(parts.chart, 'span', settings.get('span'));
  setAttribute(parts.book, 'depth', settings.get('depth'));
  setAttribute(parts.refresh, 'rate', settings.get('rate'));
  setAttribute(parts.alerts, 'sound', settings.get('sound'));
  applySymbol();
  parts.chart.reskin();
}

function applySymbol() {
  const now = symbol();
  for (const part of [parts.instrument, parts.chart, parts.book, parts.trades, parts.alerts]) setAttribute(part, 'symbol', now || undefined);
  setAttribute(parts.ticker, 'selected', now || undefined);
  for (const name of document.querySelectorAll('.panel-symbol')) setText(name, now.slice(now.indexOf(':') + 1));
}

settings.onChange((changed) => {
  apply();
  if (changed.includes('lang')) setLanguage(language());
  if (changed.includes('symbol')) announce(symbol());
  panel.refill();
});

document.addEventListener('bixws-choose', (event) => {
  event.preventDefault();
  settings.set(event.detail);
  // On a phone, choosing a symbol is asking to see it.
  if (event.detail.symbol && narrow.matches) showPanel('chart');
  if (event.detail.symbol && settings.get('layout') === 'wall') settings.set({ layout: 'desk' });
});

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => parts.chart.reskin());

// The top line and the tabs -------------------------------------------------------------------------------------------

const panel = settingsPanel(settings, copyLink);

function writeFrame() {
  for (const labelled of document.querySelectorAll('[data-t]')) setText(labelled, t(labelled.dataset.t));
  const share = h('button', { type: 'button', class: 'bx-button only-wide', 'aria-label': t('share'), title: t('share'), onclick: copyLink }, icon('share'));
  const help = h('button', { type: 'button', class: 'bx-button only-wide', 'aria-label': t('help'), title: t('help'), onclick: helpDialog }, icon('help'));
  const layouts = h('div', { class: 'bx-segments only-wide', role: 'group', 'aria-label': t('layout') }, ['desk', 'chart', 'wall'].map((name) => h('button', {
    type: 'button', class: 'bx-segment', 'aria-pressed': String(settings.get('layout') === name), onclick: () => settings.set({ layout: name }),
  }, t(`layout${name[0].toUpperCase()}${name.slice(1)}`))));
  setAttribute(panel.button, 'aria-label', t('settings'));
  setAttribute(panel.button, 'title', t('settings'));
  document.getElementById('actions').replaceChildren(layouts, share, help, panel.root);
  const tabs = document.getElementById('tabs');
  setAttribute(tabs, 'aria-label', t('panels'));
  tabs.replaceChildren(...['market', 'chart', 'book', 'trades', 'alerts'].map((name) => h('button', { type: 'button', 'data-panel': name, onclick: () => showPanel(name) }, t(name))));
  showPanel(document.body.dataset.panel);
}

settings.onChange(writeFrame);

function showPanel(name) {
  document.body.dataset.panel = name;
  for (const tab of document.querySelectorAll('#tabs button')) setAttribute(tab, 'aria-current', tab.dataset.panel === name ? 'true' : undefined);
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(settings.link());
    announce(t('copied'));
    flash(t('copied'));
  } catch {
    prompt(t('share'), settings.link()); // without https only this is allowed
  }
}

function flash(text) {
  const note = h('div', { class: 'flash' }, text);
  document.body.append(note);
  setTimeout(() => note.remove(), 1800);
}

// States that concern the whole page ----------------------------------------------------------------------------------

let countdown = 0;
let reachedOnce = false;

function writeBanner() {
  const banner = document.getElementById('banner');
  const { state } = client;
  const retry = h('button', { type: 'button', class: 'bx-button', onclick: () => client.reconnect() }, t('tryNow'));
  let content = null;
  if (state === ConnectionState.waiting || (state === ConnectionState.connecting && client.lostBefore)) {
    const seconds = String(Math.max(0, Math.ceil((client.retryAt - Date.now()) / 1000)));
    const key = reachedOnce ? 'waitingIn' : 'neverReached';
    content = [h('span', {}, state === ConnectionState.connecting ? t('connecting') : t(key, { seconds: numberStyle().exact(seconds), url: new URL(client.url).host })), retry];
  } else if (state === ConnectionState.forbidden) {
    content = [h('span', {}, t('forbiddenWhy', { origin: location.origin })), retry];
  } else if (state === ConnectionState.unauthorized) {
    content = [h('span', {}, t('tokenTitle')), h('button', { type: 'button', class: 'bx-button', onclick: () => askToken() }, t('token'))];
  } else if (state === ConnectionState.ended) {
    content = [h('span', {}, t('endedWhy')), retry];
  }
  banner.hidden = !content;
  setAttribute(banner, 'data-tone', state === ConnectionState.ended ? 'off' : 'bad');
  if (!content) banner.replaceChildren();
  else if (banner.textContent !== content.map((one) => one.textContent).join('')) banner.replaceChildren(...content);
}

function askToken() {
  askForToken(client.token !== '', (token) => {
    client.token = token;
    client.connect();
  });
}

function onState(state) {
  clearInterval(countdown);
  if (state === ConnectionState.open) reachedOnce = true;
  if (state === ConnectionState.open || state === ConnectionState.idle) client.lostBefore = false;
  if (state === ConnectionState.waiting) {
    client.lostBefore = true;
    countdown = setInterval(writeBanner, 1000);
    announce(t('waiting'));
  }
  if (state === ConnectionState.open) announce(t('connected'));
  if (state === ConnectionState.unauthorized) {
    if (client.token) forgetToken();
    askToken();
  }
  writeBanner();
}
client.on('state', onState);
addEventListener('online', () => client.state === ConnectionState.waiting && client.reconnect());

client.on('prices', () => {
  if (!parts.ticker.getAttribute('selected')) applySymbol();
});
client.on('epoch', () => applySymbol());

setInterval(() => {
  const now = symbol();
  const price = client.getLatestPrice(now);
  const title = price === undefined ? 'bixws' : `${numberStyle().exact(price)} ${now} · bixws`;
  if (document.title !== title && frames.interval !== Infinity) document.title = title;
}, 1000);

// Keys ----------------------------------------------------------------------------------------------------------------

const next = (list, now, step) => list[(list.indexOf(now) + step + list.length) % list.length];
const move = (step) => {
  const shown = parts.ticker.shownSymbols;
  if (shown.length) settings.set({ symbol: next(shown, symbol(), step) });
};
onKeys(() => settings.get('keys') === 'on', {
  '/': () => {
    if (narrow.matches) showPanel('market');
    parts.ticker.focusSearch();
  },
  j: () => move(1),
  k: () => move(-1),
  '[': () => settings.set({ timeframe: next(TIMEFRAMES, settings.get('timeframe'), -1) }),
  ']': () => settings.set({ timeframe: next(TIMEFRAMES, settings.get('timeframe'), 1) }),
  r: () => parts.refresh.now(),
  p: () => {
    const ticker = client.getLatestData(symbol());
    if (ticker) announce(t('said', { symbol: symbol(), price: numberStyle().exact(ticker.price), change: numberStyle().percent(ticker.change_24h) }));
  },
  l: () => settings.set({ layout: next(['desk', 'chart', 'wall'], settings.get('layout'), 1) }),
  t: () => settings.set({ theme: next(['system', 'light', 'dark'], settings.get('theme'), 1) }),
  ' ': () => parts.replay.toggle(),
  '.': () => parts.replay.step(),
  '?': helpDialog,
});

// Begin ---------------------------------------------------------------------------------------------------------------

onLanguage(() => {
  apply();
  writeFrame();
  writeBanner();
});
apply();
writeFrame();
for (const part of Object.values(parts)) part.client = client;
onState(client.state); // it began before this page could listen
setLanguage(language());
