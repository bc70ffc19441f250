// Elements from data. Text is only ever set as text: nothing here, or anywhere in the page, turns a string into markup.

const SVG = 'http://www.w3.org/2000/svg';

/** el('p', { class: 'quiet', onclick: f, ariaLabel: 'x' }, 'text', child) */
export function el(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

export const byId = id => document.getElementById(id);

let lastId = 0;
export const newId = prefix => `${prefix}-${++lastId}`;

/** Said by screen readers, politely; the same words again are said again. */
export function announce(text) {
  const announcer = byId('announcer');
  const line = el('p', {}, text);
  announcer.append(line);
  while (announcer.childElementCount > 5) announcer.firstChild.remove();
}

/** Writes only what changed, so that nothing is laid out, or read out, for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') node[name] = value;
    else node.setAttribute(name.replace(/^aria([A-Z])/, (_, letter) => `aria-${letter.toLowerCase()}`), value === true ? '' : value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined && child !== false));
  return node;
}
