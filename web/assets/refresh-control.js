// SPDX-License-Identifier: Apache-2.0
// <bixws-refresh>: how often the page is drawn, and a button that draws it now (and connects now, if it is not).
import { ConnectionState } from './bixws-client.js';
import { Component } from './component.js';
import { h, icon } from './dom.js';
import { frames } from './frames.js';
import { t } from './language.js';

const RATES = { live: 0, 250: 250, 1000: 1000, 5000: 5000, manual: Infinity };

export class RefreshControl extends Component {
  static observedAttributes = ['url', 'rate'];
  #select = null;

  build() {
    this.#select = h('select', { class: 'bx-select', 'aria-label': t('refreshRate'), title: t('refreshRate'), onchange: () => this.#choose(this.#select.value) },
      ['live', '250', '1000', '5000', 'manual'].map((rate) => h('option', { value: rate }, t(`rate${rate[0].toUpperCase()}${rate.slice(1)}`))));
    this.append(this.#select, h('button', { type: 'button', class: 'bx-button', 'aria-label': t('refreshNow'), title: t('refreshNow'), onclick: () => this.now() }, icon('refresh')));
    this.#apply();
  }

  attributeChanged() {
    this.#apply();
  }

  #choose(rate) {
    const event = new CustomEvent('bixws-choose', { bubbles: true, cancelable: true, detail: { rate } });
    if (this.dispatchEvent(event)) this.setAttribute('rate', rate);
  }

  #apply() {
    const rate = this.getAttribute('rate') in RATES ? this.getAttribute('rate') : 'live';
    this.#select.value = rate;
    frames.interval = RATES[rate];
  }

  now() {
    if (this.client?.state === ConnectionState.waiting) this.client.reconnect();
    frames.now();
  }
}

customElements.define('bixws-refresh', RefreshControl);
