// SPDX-License-Identifier: Apache-2.0
// The panel of choices: each is in the address line and in this browser's memory as soon as it is made.
import { h, icon } from './dom.js';
import { LANGUAGES, t } from './language.js';
import { menu } from './menu.js';
import { KNOWN } from './settings.js';

const NUMBER_LOCALES = ['en-US', 'en-GB', 'de-DE', 'de-CH', 'fr-FR', 'es-ES', 'pt-BR', 'en-IN', 'hi-IN-u-nu-deva', 'ar-EG', 'fa-IR', 'ja-JP', 'sv-SE'];

function numberChoices() {
  const example = 1234567.5;
  return NUMBER_LOCALES.map((name) => [name, `${new Intl.NumberFormat(name, { minimumFractionDigits: 2 }).format(example)}  (${name.replace(/-u-.*/, '')})`]);
}

export function settingsPanel(settings, copyLink) {
  const select = (name, label, choices) => {
    const element = h('select', { class: 'bx-select', onchange: () => settings.set({ [name]: typeof KNOWN[name][0] === 'number' ? Number(element.value) : element.value }) },
      choices.map(([value, text]) => h('option', { value }, text)));
    const now = String(settings.get(name));
    if (![...element.options].some((option) => option.value === now)) element.append(h('option', { value: now }, now));
    element.value = now;
    return h('label', { class: 'bx-setting' }, h('span', {}, label), element);
  };
  const fill = (panel) => {
    panel.replaceChildren(
      select('layout', t('layout'), [['desk', t('layoutDesk')], ['chart', t('layoutChart')], ['wall', t('layoutWall')]]),
      select('columns', t('columns'), [['auto', t('columnsAuto')], ...['1', '2', '3', '4', '6', '8'].map((n) => [n, n])]),
      select('theme', t('theme'), [['system', t('themeSystem')], ['light', t('themeLight')], ['dark', t('themeDark')]]),
      select('colors', t('colors'), [['safe', t('colorsSafe')], ['green-red', t('colorsGreenRed')], ['red-green', t('colorsRedGreen')]]),
      select('lang', t('language'), [['', t('automatic')], ...Object.entries(LANGUAGES)]),
      select('numbers', t('numbers'), [['', t('automatic')], ...numberChoices()]),
      select('dir', t('direction'), [['auto', t('directionAuto')], ['ltr', t('directionLtr')], ['rtl', t('directionRtl')]]),
      select('depth', t('depth'), [5, 10, 25, 50, 100].map((n) => [String(n), String(n)])),
      select('sound', t('sound'), [['off', t('off')], ['on', t('on')]]),
      select('keys', t('keysOn'), [['on', t('on')], ['off', t('off')]]),
      h('div', { class: 'bx-setting-foot' },
        h('button', { type: 'button', class: 'bx-link', onclick: copyLink }, t('share')),
        h('button', { type: 'button', class: 'bx-link', onclick: () => settings.set(Object.fromEntries(Object.entries(KNOWN).map(([name, [byDefault]]) => [name, byDefault]))) }, t('reset')),
        h('a', { href: 'assets/vendor/klinecharts-licence.txt', target: '_blank', rel: 'noopener' }, t('licences')),
        h('a', { href: 'assets/bixws-client.js', target: '_blank', rel: 'noopener' }, t('clientLibrary'))),
    );
  };
  const made = menu({ label: t('settings'), className: 'bx-settings', face: [icon('settings')], onOpen: () => fill(made.panel) });
  return { ...made, refill: () => made.panel.hidden || fill(made.panel) };
}
