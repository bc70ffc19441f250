// An editable combobox with a list of suggestions, as the ARIA Authoring Practices describe it: the focus stays in the field, the arrow
// keys move through the list, Enter takes, Escape closes.

import { get } from './api.js';
import { el, newId } from './dom.js';

const PAUSE = 120;

/**
 * input: the field; search(text, signal): resolves to items; show(item): { text, side }; onPick(item). Returns { set(item), value }.
 */
export function combobox(input, { search, show, onPick, label }) {
  const list = el('ul', { id: newId('list'), role: 'listbox', class: 'suggestions', ariaLabel: label, hidden: true });
  let items = [], active = -1, picked = null, timer, pending = new AbortController(), isAsking = false, takesFirst = false;
  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': list.id }))
    input.setAttribute(name, value);
  input.after(list);

  input.addEventListener('input', () => { clearTimeout(timer); pending.abort(); isAsking = true; takesFirst = false; timer = setTimeout(suggest, PAUSE); });
  // The list does not open by itself: it would cover what is said about the field.
  input.addEventListener('focus', () => input.select());
  input.addEventListener('blur', () => { clearTimeout(timer); close(); if (takesFirst) return; pending.abort(); isAsking = false; input.value = picked ? show(picked).text : ''; });
  input.addEventListener('keydown', onKey);
  input.addEventListener('click', () => { if (list.hidden) suggest(); });

  async function suggest() {
    pending.abort();
    pending = new AbortController();
    const { signal } = pending;
    isAsking = true;
    const typed = picked && input.value === show(picked).text ? '' : input.value;
    try {
      const found = await search(typed, signal);
      if (!signal.aborted && (takesFirst || document.activeElement === input)) render(found, typed);
    } catch {
      // A search that fails suggests nothing; the strip says who is away, and the next letter asks again.
      if (!signal.aborted) render([], typed, 'The search does not answer. It will when the read side is back.');
    }
  }

  function render(found, typed, failure) {
    items = found;
    active = -1;
    isAsking = false;
    if (takesFirst && found.length > 0) return take(0);
    list.replaceChildren(...found.map((item, index) => {
      const { text, side } = show(item);
      return el('li', {
        id: `${list.id}-${index}`, role: 'option', ariaSelected: 'false',
        onmousedown: event => { event.preventDefault(); take(index); },
      }, el('span', {}, text), el('span', { class: 'quiet' }, side));
    }));
    if (found.length === 0) list.append(el('li', { class: 'none', role: 'option', ariaDisabled: 'true', ariaSelected: 'false' }, failure ?? (typed ? `Nothing begins with “${typed}”.` : 'There is nothing yet.')));
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    move(typed && found.length > 0 ? 0 : -1);
  }

  function move(to) {
    list.children[active]?.setAttribute('aria-selected', 'false');
    active = to;
    const option = items.length > 0 ? list.children[active] : null;
    option?.setAttribute('aria-selected', 'true');
    option?.scrollIntoView({ block: 'nearest' });
    if (option) input.setAttribute('aria-activedescendant', option.id);
    else input.removeAttribute('aria-activedescendant');
  }

  function take(index) {
    clearTimeout(timer);
    pending.abort();
    isAsking = takesFirst = false;
    set(items[index]);
    close();
    onPick(picked);
  }

  function set(item) {
    picked = item;
    input.value = item ? show(item).text : '';
  }

  function close() {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }

  function onKey(event) {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (list.hidden) return suggest();
      if (items.length > 0) move((active + (event.key === 'ArrowDown' ? 1 : items.length + (active < 0 ? 0 : -1))) % items.length);
    } else if (event.key === 'Enter' && (isAsking || !list.hidden)) {
      event.preventDefault();
      // Whoever types faster than the list comes gets what it would have begun with.
      if (isAsking) takesFirst = input.value !== '';
      else if (active >= 0) take(active);
    } else if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      takesFirst = false;
      close();
    }
  }

  return { set, get value() { return picked; } };
}

export const findCustomers = async (text, signal) => (await get(`customers?limit=8&search=${encodeURIComponent(text.trim())}`, { signal })).customers;
export const findProducts = async (text, signal) => (await get(`products?limit=8&search=${encodeURIComponent(text.trim())}`, { signal })).products;
