// SPDX-License-Identifier: Apache-2.0
// The dashboard's words. English is here; other languages are modules of their own with the same keys.

export const english = {
  skip: 'Skip to the prices',
  market: 'Market',
  chart: 'Chart',
  book: 'Order book',
  trades: 'Trades',
  alerts: 'Alerts',
  settings: 'Settings',
  help: 'Keys',
  close: 'Close',
  share: 'Copy link to this view',
  copied: 'Link copied',
  panels: 'Panels',

  // status
  connecting: 'Connecting',
  connected: 'Connected',
  waiting: 'Connection lost',
  waitingIn: 'Connection lost. Next try in {seconds} s.',
  neverReached: 'No server at {url}. Next try in {seconds} s.',
  tryNow: 'Try now',
  idle: 'Not connected',
  unauthorized: 'Token needed',
  forbidden: 'Origin not allowed',
  forbiddenWhy: 'The server does not accept pages from {origin}. Start it with --allow-origin {origin}.',
  ended: 'Ended',
  endedWhy: 'The server has ended the session. What you see is its last state.',
  oneFeed: '{exchange}: {state}',
  stateLive: 'Live',
  stateConnecting: 'Feed connecting',
  stateResyncing: 'Resyncing',
  stateStale: 'Stale',
  stateDown: 'Feed down',
  stateEnded: 'Ended',
  stateReplay: 'Replay',
  statePaused: 'Replay paused',
  stateEmpty: 'No prices yet',
  lag: 'Lag',

  gaps: 'Gaps',
  lost: 'lost',
  feed: 'Feed',
  state: 'State',
  integrity: 'Checked by',
  integrityChecksum: 'checksum',
  integritySequence: 'sequence',
  integritySnapshot: 'snapshot',
  reason: 'Reason',
  messages: 'Messages',
  perSecond: '{count}/s',
  statusDetails: 'Connection and feeds',
  lastValues: 'Values from {time}',

  // ticker
  symbol: 'Symbol',
  price: 'Price',
  change24h: '24 h',
  trend: 'Trend',
  bid: 'Bid',
  ask: 'Ask',
  high24h: 'High 24 h',
  low24h: 'Low 24 h',
  volume24h: 'Volume 24 h',
  quoteVolume24h: 'Turnover 24 h',

  marketCaption: 'Prices of {count} symbols',
  searchSymbol: 'Find a symbol',
  noMatch: 'No symbol matches “{text}”.',
  onlyThese: '{shown} of {all}',
  showAll: 'Show all',
  chooseSymbols: 'Choose symbols',
  emptyMarket: 'No prices yet',
  emptyMarketWhy: 'The server is running, but none of its feeds has sent a price so far.',
  emptyMarketDown: 'The feed is down: {reason}',
  emptyMarketTry: 'Nothing to wait for? Try a simulated market:',
  loading: 'Waiting for the first prices',

  // book
  size: 'Size',
  total: 'Total',
  spread: 'Spread',
  bids: 'Bids',
  asks: 'Asks',
  depth: 'Depth',
  bookCaption: 'Order book of {symbol}',
  bookResyncing: 'Resyncing: these levels may be old',
  bookStale: 'Stale: these levels are old',
  noBook: 'No order book for {symbol}',
  noBookWhy: 'The feed sends none, or it has not come yet.',
  chooseSymbol: 'Choose a symbol',

  // trades
  time: 'Time',
  side: 'Side',
  buy: 'Buy',
  sell: 'Sell',
  tradesCaption: 'Latest trades of {symbol}',
  noTrades: 'No trades yet',
  noTradesWhy: 'They appear here as they happen.',
  gapOf: '{lost} missed',
  gapUnknown: 'Some missed',

  // chart
  timeframe: 'Timeframe',
  bars: 'Bars',
  barsCandles: 'Candles',
  barsHollow: 'Hollow candles',
  barsOhlc: 'OHLC bars',
  barsArea: 'Area',
  indicators: 'Indicators',
  onPrice: 'On the price',
  below: 'Below the price',

  points: 'Most points',
  span: 'Show',
  spanNewest: 'The newest',
  spanWhole: 'All there is, merged',
  merged: '{count} bars in one',
  draw: 'Draw',
  drawLine: 'Trend line',
  drawLevel: 'Price level',
  drawRay: 'Ray',
  drawChannel: 'Channel',
  drawFibonacci: 'Fibonacci',
  drawNote: 'Note',
  drawAlert: 'Alert level',
  noteText: 'Text of the note',
  drawHint: '{tool}: click on the chart. Esc ends.',
  removeDrawing: 'Remove',
  keptHere: 'This server keeps no drawings: they stay in this browser.',
  savePicture: 'Save picture',
  toNow: 'To the newest bar',
  open: 'O',
  high: 'H',
  low: 'L',
  closePrice: 'C',
  volume: 'Vol',
  openLong: 'Open',
  highLong: 'High',
  lowLong: 'Low',
  closeLong: 'Close',
  noCandles: 'No candles yet',
  noCandlesWhy: 'The first one appears with the next trade.',
  noHistory: 'This server gives no history: the chart begins now.',
  chartFailed: 'The chart could not be loaded',
  chartSummary: '{symbol}, {timeframe} bars: {count} bars, last close {close}, high {high}, low {low}.',
  chartTable: 'Latest bars as a table',

  // alerts
  addAlert: 'Add',
  alertAt: 'Alert me at',
  alertFor: 'Price of {symbol}',
  levels: 'Levels',
  fired: 'Fired',

  noAlertsWhy: 'Type a price, or draw an alert level on the chart and drag it.',
  crossedUp: '{symbol} rose to {price}',
  crossedDown: '{symbol} fell to {price}',
  drawings: 'Drawings',
  badPrice: 'A price like {example}',
  notify: 'Notify me when this page is in the background',
  sound: 'Sound',

  // replay
  replay: 'Replay',
  replaySession: 'Session {session}',
  position: 'Position',
  pause: 'Pause',
  resume: 'Resume',
  step: 'Step',
  speed: 'Speed',
  speedMax: 'max',
  replayEnded: 'The replay has ended',
  replayRefused: 'This server’s replay cannot be steered: {reason}',

  // refresh
  refreshRate: 'Refresh',
  rateLive: 'as it comes',
  rate250: '4 a second',
  rate1000: 'every second',
  rate5000: 'every 5 s',
  rateManual: 'by hand',
  refreshNow: 'Refresh now',

  // token
  tokenTitle: 'This server asks for a token',
  tokenWhy: 'It was started with --token or --token-file. The token stays in this tab and is forgotten when you close it.',
  tokenRefused: 'The server did not accept that token.',
  token: 'Token',
  tokenShow: 'Show',
  tokenUse: 'Connect',

  // settings
  layout: 'Layout',
  layoutDesk: 'Desk',
  layoutChart: 'Chart',
  layoutWall: 'Wall',
  theme: 'Theme',
  themeSystem: 'As the system',
  themeLight: 'Light',
  themeDark: 'Dark',
  colors: 'Up and down',
  colorsSafe: 'Blue and orange',
  colorsGreenRed: 'Green and red',
  colorsRedGreen: 'Red and green',
  language: 'Language',
  automatic: 'As the browser',
  numbers: 'Numbers',
  direction: 'Direction',
  directionAuto: 'As the language',
  directionLtr: 'Left to right',
  directionRtl: 'Right to left',
  columns: 'Columns on the wall',
  columnsAuto: 'As many as fit',
  keysOn: 'Single keys',
  on: 'On',
  off: 'Off',
  reset: 'Back to defaults',
  licences: 'Chart: KLineChart, Apache-2.0',
  clientLibrary: 'Client library',

  // keys
  keySearch: 'find a symbol',
  keyMove: 'next, previous symbol',
  keyTimeframe: 'previous, next timeframe',
  keyRefresh: 'refresh now',
  keySay: 'say the price',
  keyLayout: 'next layout',
  keyTheme: 'next theme',
  keyPause: 'pause and resume the replay',
  keyStep: 'one event further',
  keyHelp: 'this list',
  said: '{symbol} {price}, {change} in 24 hours',
};

let current = english;
let name = 'en';
const callbacks = new Set();

/** The words for `key`, with {names} filled in. */
export function t(key, values) {
  const text = current[key] ?? english[key] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (_, word) => values[word] ?? '') : text;
}

export function languageName() {
  return name;
}

export const LANGUAGES = { en: 'English', de: 'Deutsch', ar: 'العربية' };
export const isRightToLeft = (language) => /^(ar|he|fa|ur)\b/.test(language);

/** Loads a language; elements write themselves anew. */
export async function setLanguage(wanted) {
  if (wanted === name || !LANGUAGES[wanted]) return;
  const words = wanted === 'en' ? english : (await import(`./language-${wanted}.js`)).words;
  current = words;
  name = wanted;
  for (const callback of callbacks) callback();
}

export function onLanguage(callback) {
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}
