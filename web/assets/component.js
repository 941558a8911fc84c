// SPDX-License-Identifier: Apache-2.0
// Component: what all elements of the dashboard share. Alone in another page, `url` says where the server is; elements
// with the same `url` share one connection.
import { BixwsClient, defaultUrl } from './bixws-client.js';
import { frames } from './frames.js';
import { onLanguage, t } from './language.js';

const shared = new Map();

/** One client per address, connected. */
export function sharedClient(url = defaultUrl()) {
  if (!shared.has(url)) {
    const client = new BixwsClient({ url, queueLimit: 0 });
    shared.set(url, client);
    client.connect();
  }
  return shared.get(url);
}

export class Component extends HTMLElement {
  #client = null;
  #ends = [];
  #built = false;
  #endLanguage = null;

  // For the component to define:
  /** Makes the elements; again when the language changed. */
  build() {}
  /** Listens to the client and subscribes, through listen() and want(). */
  attach() {}
  /** Writes what changed. */
  render() {}

  get client() {
    return this.#client;
  }

  set client(client) {
    if (client === this.#client) return;
    this.#detach();
    const before = this.#client;
    this.#client = client;
    if (before && this.#built) this.#rebuild(); // nothing of the other server stays
    if (this.isConnected && client) this.#attach();
  }

  connectedCallback() {
    this.#endLanguage ??= onLanguage(() => this.#rebuild());
    if (!this.#built) this.#rebuild();
    if (!this.#client && this.hasAttribute('url')) this.#client = sharedClient(this.getAttribute('url') || undefined);
    if (this.#client && this.#ends.length === 0) this.#attach();
  }

  disconnectedCallback() {
    this.#detach();
    this.#endLanguage?.();
    this.#endLanguage = null;
    frames.cancel(this);
  }

  attributeChangedCallback(name, before, after) {
    if (!this.#built || before === after) return;
    if (name === 'url') this.client = after === null ? null : sharedClient(after || undefined);
    else this.attributeChanged(name);
  }

  /** Default: start over. */
  attributeChanged() {
    this.again();
  }

  /** Gives up all subscriptions and makes those that are right now. */
  again() {
    if (!this.#client || !this.isConnected) return;
    this.#detach();
    this.#attach();
    this.changed();
  }

  listen(type, callback) {
    this.#ends.push(this.#client.on(type, callback));
  }

  /** Anything that must end when the component is detached. */
  until(end) {
    this.#ends.push(end);
  }

  want(wish) {
    const end = this.#client.subscribe(wish);
    this.#ends.push(end);
    return end.answered;
  }

  /** What to say in place of a symbol's data while none is chosen. */
  get noSymbol() {
    return t(this.#client?.symbols.length ? 'chooseSymbol' : 'emptyMarket');
  }

  /** `urgent`: a state rather than a price. */
  changed(urgent = false) {
    frames.schedule(this, urgent);
  }

  #rebuild() {
    this.replaceChildren();
    this.build();
    this.#built = true;
    this.changed(true);
  }

  #attach() {
    this.until(() => {});
    this.attach();
    this.changed(true);
  }

  #detach() {
    for (const end of this.#ends) end();
    this.#ends = [];
  }
}
