// SPDX-License-Identifier: Apache-2.0
// Elements without innerHTML: nothing that came over the wire is ever read as markup.

/** h('button', {class: 'x', onclick: f, 'aria-label': 'y'}, 'text', child). Absent and false attributes are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const ICONS = {
  play: 'M7 4.5v15l12.5-7.5z',
  pause: 'M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z',
  step: 'M5 4.5v15l10-7.5zM16.5 4.5h3v15h-3z',
  refresh: 'M19 12a7 7 0 1 1-2.1-5M19 3v4.5h-4.5',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5M7 14.5v5',
  share: 'M9 15 15 9M10.5 6.5 13 4a4.2 4.2 0 0 1 6 6l-2.5 2.5M13.5 17.5 11 20a4.2 4.2 0 0 1-6-6l2.5-2.5',
  help: 'M9 9a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1.1-1.4 2.4M12 17.6v.4',
  close: 'M6 6l12 12M18 6 6 18',
  remove: 'M6 6l12 12M18 6 6 18',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4',
  indicators: 'M3.5 17c4 0 4-9 8.5-9s4.500 5 8.500 5M3.500 20.500h17',
  line: 'M5 19 19 5M5 19h.01M19 5h.01',
  level: 'M3 12h18',
  ray: 'M5 17 20 8M5 17h.01',
  channel: 'M3 15 17 6M7 20 21 11',
  fibonacci: 'M4 5h16M4 10h16M4 14h16M4 19h16',
  note: 'M5 5h14v10h-8l-4 4v-4H5z',
  search: 'M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 20 20',
  camera: 'M4 8h3.500L9 5.500h6L16.500 8H20v11H4zM12 16.500a3.300 3.300 0 1 0 0-6.600 3.300 3.300 0 0 0 0 6.600z',
  end: 'M5 5l9 7-9 7M18.500 5v14',
};

export function icon(name) {
  const filled = name === 'play' || name === 'pause' || name === 'step';
  return svg(
    'svg',
    { viewBox: '0 0 24 24', class: filled ? 'bx-icon bx-filled' : 'bx-icon', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: ICONS[name] }),
  );
}

/** Writes only what changed: a write costs a layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}
