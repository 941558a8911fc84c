// SPDX-License-Identifier: Apache-2.0
// <bixws-replay>: where a replay is and how fast it goes; pause, step, seek by dragging. Shown when the server replays.
import { announce } from './announce.js';
import { Component } from './component.js';
import { h, icon, setAttribute, setText } from './dom.js';
import { t } from './language.js';
import { numberStyle, onNumberStyle } from './page-style.js';

const SPEEDS = ['0.1', '0.5', '1', '2', '5', '10', '50', '100', 'max'];
const STEPS = 1000; // of the slider: an arrow key moves it by one

export class ReplayBar extends Component {
  static observedAttributes = ['url'];
  #parts = {};
  #dragging = false;
  #from = 0;
  #to = 0;
  #refusal = '';
  #session = null;
  #heard = 0; // time of the newest prices since the server last said where it is

  build() {
    const parts = (this.#parts = {});
    parts.pause = h('button', { type: 'button', class: 'bx-button bx-primary', onclick: () => this.toggle() });
    parts.step = h('button', { type: 'button', class: 'bx-button', 'aria-label': t('step'), title: t('step'), onclick: () => this.step() }, icon('step'));
    parts.session = h('span', { class: 'bx-replay-session' });
    parts.position = h('span', { class: 'bx-number bx-replay-position' });
    parts.slider = h('input', {
      type: 'range', min: '0', max: String(STEPS), value: '0', class: 'bx-slider', 'aria-label': t('position'),
      oninput: () => this.#onDrag(), onchange: () => this.#onDrop(),
    });
    parts.begin = h('span', { class: 'bx-number bx-muted' });
    parts.end = h('span', { class: 'bx-number bx-muted' });
    parts.speed = h('select', { class: 'bx-select', 'aria-label': t('speed'), onchange: () => this.#control('speed', parts.speed.value === 'max' ? 'max' : Number(parts.speed.value)) });
    parts.state = h('span', { class: 'bx-replay-state', role: 'status' });
    this.append(h('div', { class: 'bx-replay' }, parts.pause, parts.step, h('div', { class: 'bx-replay-where' }, parts.session, parts.position),
      parts.begin, parts.slider, parts.end, h('label', { class: 'bx-replay-speed' }, t('speed'), parts.speed), parts.state));
  }

  attach() {
    this.listen('status', (message) => {
      if (!message.replay) return;
      this.#heard = 0;
      this.changed(true);
    });
    this.listen('epoch', () => (this.#heard = 0));
    this.listen('state', () => this.changed(true));
    this.listen('market_update', (message) => {
      if (!this.client.replay) return;
      this.#heard = message.ts;
      this.changed();
    });
    this.until(onNumberStyle(() => this.changed(true)));
  }

  /** The server says where it is now and then; in between, the newest event does. */
  #position() {
    const { replay } = this.client;
    return Math.max(replay.position ?? this.#from, this.#heard);
  }

  render() {
    const replay = this.client?.replay;
    this.hidden = !replay;
    if (!replay) return;
    const style = numberStyle();
    const parts = this.#parts;
    if (this.#session !== replay.session) {
      this.#session = replay.session;
      this.#from = 0;
      this.#to = 0;
    }
    const position = this.#position();
    // A server that does not tell the session's ends: what was seen of it so far.
    this.#from = replay.from ?? (this.#from ? Math.min(this.#from, position) : position);
    this.#to = replay.to ?? Math.max(this.#to, position);
    const paused = replay.state === 'paused';
    const ended = replay.state === 'ended' || !this.client.isConnected();
    setAttribute(this, 'data-state', ended ? 'ended' : paused ? 'paused' : 'playing');
    const label = paused ? t('resume') : t('pause');
    if (parts.pause.getAttribute('aria-label') !== label) {
      setAttribute(parts.pause, 'aria-label', label);
      setAttribute(parts.pause, 'title', label);
      parts.pause.replaceChildren(icon(paused ? 'play' : 'pause'));
    }
    for (const control of [parts.pause, parts.step, parts.slider, parts.speed]) control.disabled = ended;
    setText(parts.session, replay.name ?? t('replaySession', { session: style.count(replay.session) }));
    if (!this.#dragging) {
      setText(parts.position, style.dateTime(position));
      const span = this.#to - this.#from;
      const value = span > 0 ? Math.round(((position - this.#from) / span) * STEPS) : 0;
      if (Number(parts.slider.value) !== value) parts.slider.value = String(value);
      setAttribute(parts.slider, 'aria-valuetext', style.dateTime(position));
    }
    setText(parts.begin, style.span(position - this.#from));
    setText(parts.end, style.span(this.#to - this.#from));
    const speed = String(replay.speed ?? 1);
    if (!SPEEDS.includes(speed)) SPEEDS.push(speed);
    if (parts.speed.childElementCount !== SPEEDS.length) parts.speed.replaceChildren(...SPEEDS.map((one) => h('option', { value: one }, one === 'max' ? t('speedMax') : `${one}×`)));
    if (parts.speed.value !== speed && document.activeElement !== parts.speed) parts.speed.value = speed;
    setText(parts.state, ended ? t('replayEnded') : this.#refusal);
  }

  #timeAt(value) {
    return Math.round(this.#from + ((this.#to - this.#from) * value) / STEPS);
  }

  #onDrag() {
    this.#dragging = true;
    const at = numberStyle().dateTime(this.#timeAt(Number(this.#parts.slider.value)));
    setText(this.#parts.position, at);
    setAttribute(this.#parts.slider, 'aria-valuetext', at);
  }

  #onDrop() {
    this.#dragging = false;
    this.#control('seek', this.#timeAt(Number(this.#parts.slider.value)));
  }

  toggle() {
    if (this.client?.replay) this.#control(this.client.replay.state === 'paused' ? 'resume' : 'pause');
  }

  step() {
    if (this.client?.replay) this.#control('step', 1);
  }

  async #control(action, value) {
    try {
      await this.client.control(action, value);
      this.#refusal = '';
    } catch (error) {
      if (error.code === 'disconnected') return;
      this.#refusal = t('replayRefused', { reason: error.message });
      announce(this.#refusal);
    }
    this.changed(true);
  }
}

customElements.define('bixws-replay', ReplayBar);
