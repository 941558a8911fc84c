// SPDX-License-Identifier: Apache-2.0
// <bixws-status>: connection, state of the feeds, lag and gaps on one button; the details behind it.
import { ConnectionState } from './bixws-client.js';
import { Component } from './component.js';
import { h, setAttribute, setText } from './dom.js';
import { t } from './language.js';
import { menu } from './menu.js';
import { numberStyle } from './page-style.js';

const FEED_WORDS = { live: 'stateLive', connecting: 'stateConnecting', resyncing: 'stateResyncing', stale: 'stateStale', down: 'stateDown', ended: 'stateEnded' };
const WORST = ['down', 'stale', 'resyncing', 'connecting', 'ended', 'live'];
const INTEGRITY_WORDS = { checksum: 'integrityChecksum', sequence: 'integritySequence', snapshot: 'integritySnapshot' };

/** The statuses of whole feeds: one an exchange. */
function feeds(client) {
  return [...client.statuses.values()].filter((status) => !status.symbol);
}

/** What to call the state of everything: {tone: ok|busy|bad|off, word}. */
export function overallState(client) {
  const connection = {
    [ConnectionState.connecting]: ['busy', 'connecting'],
    [ConnectionState.waiting]: ['bad', 'waiting'],
    [ConnectionState.unauthorized]: ['bad', 'unauthorized'],
    [ConnectionState.forbidden]: ['bad', 'forbidden'],
    [ConnectionState.ended]: ['off', 'ended'],
    [ConnectionState.idle]: ['off', 'idle'],
  }[client.state];
  if (connection) return { tone: connection[0], word: connection[1] };
  if (client.replay) {
    const { state } = client.replay;
    return { tone: state === 'ended' ? 'off' : 'busy', word: state === 'ended' ? 'stateEnded' : state === 'paused' ? 'statePaused' : 'stateReplay' };
  }
  const states = feeds(client).map((status) => status.state);
  const worst = WORST.find((state) => states.includes(state));
  // One feed of several that is down must show, but not as if all were.
  const concerned = feeds(client).filter((status) => status.state === worst);
  const all = concerned.length === states.length;
  const tone = { down: all ? 'bad' : 'busy', ended: 'off', live: 'ok' }[worst] ?? 'busy';
  if (worst) return { tone, word: FEED_WORDS[worst], exchange: all ? undefined : concerned[0].exchange };
  return client.symbols.length ? { tone: 'ok', word: 'stateLive' } : { tone: 'busy', word: 'stateEmpty' };
}

function milliseconds(micros) {
  const style = numberStyle();
  const value = micros / 1000;
  return `${style.exact(Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0))}\u202fms`;
}

export class StatusIndicator extends Component {
  static observedAttributes = ['url'];
  #parts = {};
  #seen = { count: 0, at: 0, rate: 0 };

  build() {
    const parts = (this.#parts = {});
    parts.word = h('span', { class: 'bx-status-word' });
    parts.lag = h('span', { class: 'bx-status-lag bx-number' });
    parts.gaps = h('span', { class: 'bx-status-gaps' });
    parts.facts = h('dl', { class: 'bx-facts' });
    parts.feeds = h('tbody');
    parts.table = h('table', { class: 'bx-table bx-feeds' },
      h('thead', {}, h('tr', {}, [t('feed'), t('state'), t('lag'), t('integrity'), t('reason')].map((text) => h('th', { scope: 'col' }, text)))),
      parts.feeds);
    parts.menu = menu({
      label: t('statusDetails'),
      className: 'bx-status',
      face: [h('span', { class: 'bx-lamp', 'aria-hidden': 'true' }), parts.word, parts.lag, parts.gaps],
      content: [parts.facts, parts.table],
      onOpen: () => this.#details(),
    });
    parts.menu.button.removeAttribute('title');
    this.append(parts.menu.root);
  }

  attach() {
    this.listen('state', () => this.changed(true));
    this.listen('status', () => this.changed(true));
    this.listen('gap', () => this.changed(true));
    this.listen('initial_data', () => this.changed(true));
    const timer = setInterval(() => this.#tick(), 1000);
    this.until(() => clearInterval(timer));
    this.#seen = { count: this.client.received, at: performance.now(), rate: 0 };
  }

  #tick() {
    const now = performance.now();
    this.#seen.rate = ((this.client.received - this.#seen.count) * 1000) / (now - this.#seen.at);
    this.#seen.count = this.client.received;
    this.#seen.at = now;
    if (!this.#parts.menu.panel.hidden) this.#details();
  }

  render() {
    const { client } = this;
    const parts = this.#parts;
    if (!client) return;
    const { tone, word, exchange } = overallState(client);
    setAttribute(this, 'data-tone', tone);
    setAttribute(this, 'data-state', word);
    setText(parts.word, exchange ? t('oneFeed', { exchange, state: t(word) }) : t(word));
    const lags = client.isConnected() ? feeds(client).map((status) => status.lag_us).filter((lag) => lag !== undefined) : [];
    setText(parts.lag, lags.length ? milliseconds(Math.max(...lags)) : '');
    setAttribute(parts.lag, 'title', lags.length ? t('lag') : undefined);
    setText(parts.gaps, client.gaps ? `${t('gaps')} ${numberStyle().count(client.gaps)}` : '');
    setAttribute(parts.menu.button, 'aria-label', `${t('statusDetails')}: ${[parts.word, parts.lag, parts.gaps].map((part) => part.textContent).filter(Boolean).join(', ')}`);
    if (!parts.menu.panel.hidden) this.#details();
  }

  #details() {
    const { client } = this;
    if (!client) return;
    const style = numberStyle();
    const facts = [
      [t('messages'), `${style.count(client.received)} (${t('perSecond', { count: style.count(this.#seen.rate) })})`],
      [t('gaps'), client.lost ? `${style.count(client.gaps)} (${style.count(client.lost)} ${t('lost')})` : style.count(client.gaps)],
    ];
    this.#parts.facts.replaceChildren(...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', { class: 'bx-number' }, value)]));
    const rows = feeds(client);
    this.#parts.table.hidden = rows.length === 0;
    this.#parts.feeds.replaceChildren(...rows.map((status) => h('tr', { 'data-feed': status.exchange },
      h('th', { scope: 'row' }, status.exchange ?? ''),
      h('td', {}, t(FEED_WORDS[status.state] ?? status.state)),
      h('td', { class: 'bx-number' }, status.lag_us === undefined ? '' : milliseconds(status.lag_us)),
      h('td', {}, INTEGRITY_WORDS[status.integrity] ? t(INTEGRITY_WORDS[status.integrity]) : ''),
      h('td', {}, status.reason ?? ''))));
  }
}

customElements.define('bixws-status', StatusIndicator);
