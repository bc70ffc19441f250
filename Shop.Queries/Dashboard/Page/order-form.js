// A new order. What is wrong with it the write side says, in its own words, and they stand next to the field they are about.

import { Problem, randomId } from './api.js';
import { combobox, findProducts } from './combobox.js';
import { announce, el, newId, setText } from './dom.js';
import { amount, sum, times } from './format.js';

export function createOrderForm(form, { follow }) {
  const lines = [];
  const rows = el('div', { class: 'form-lines' });
  const add = el('button', { type: 'button', class: 'plain', onclick: () => addLine().input.focus() }, '+ Add a product');
  const total = el('output', { class: 'total', ariaLabel: 'Total of the new order' });
  const submit = el('button', { type: 'submit', class: 'primary' }, 'Place order');
  const message = el('p', { class: 'error', role: 'alert' });
  const progress = el('p', { class: 'quiet progress' });
  let customerId = null;

  form.append(rows, add, el('div', { class: 'sum' }, el('span', { class: 'quiet' }, 'Total'), total), message, submit, progress);
  form.addEventListener('submit', event => { event.preventDefault(); place(); });
  addLine();

  function addLine() {
    const line = createLine(() => lines.indexOf(line) + 1, refresh, () => removeLine(line));
    lines.push(line);
    rows.append(line.row);
    refresh();
    return line;
  }

  function removeLine(line) {
    const index = lines.indexOf(line);
    lines.splice(index, 1);
    line.row.remove();
    (lines[index] ?? lines[index - 1])?.input.focus();
    refresh();
  }

  function refresh() {
    lines.forEach(line => line.refresh(lines.length > 1));
    setText(total, amount(sum(lines.map(line => line.total()))));
  }

  async function place() {
    if (submit.disabled) return;
    clear();
    if (lines.some(line => !line.product)) {
      lines.find(line => !line.product).say('product', 'Choose a product from the list.');
      return focusFirstError();
    }
    const orderId = newOrderId();
    const command = { type: 'PlaceOrder', orderId, customerId, items: lines.map(line => line.item()) };
    submit.disabled = true;
    try {
      await follow(command, { title: `Order ${orderId}`, orderId }, text => { setText(progress, text); if (text.startsWith('Accepted')) accepted(); });
    } catch (problem) {
      if (problem instanceof Problem) explain(problem);
      else setText(message, 'It was not sent.');
    } finally {
      setText(progress, '');
      submit.disabled = false;
    }
  }

  /** The order is the write side's now; the form is for the next one. */
  function accepted() {
    rows.replaceChildren();
    lines.length = 0;
    const hadFocus = document.activeElement === document.body || form.contains(document.activeElement);
    const line = addLine();
    submit.disabled = false;
    if (hadFocus) line.input.focus({ preventScroll: true });
  }

  function explain(problem) {
    const { type = '', errors, productId, currentPrice } = problem.body;
    const line = productId && lines.find(one => one.product?._id === productId);
    if (line && currentPrice !== undefined) line.offerPrice(problem.message, currentPrice);
    else if (line) line.say('product', problem.message);
    else if (errors) for (const [path, texts] of Object.entries(errors)) sayAt(path, texts);
    else setText(message, problem.message);
    focusFirstError();
    if (type) announce(problem.message);
  }

  /** items[1].quantity belongs to the second line; what belongs to no field stands at the end. */
  function sayAt(path, texts) {
    const [, index, field] = /^items\[(\d+)\]\.(\w+)$/.exec(path) ?? [];
    const text = texts.join('; ');
    if (lines[index]) lines[index].say(field === 'productId' ? 'product' : field, `The ${field === 'productId' ? 'product' : field} ${text}.`);
    else setText(message, `${message.textContent} ${path} ${text}.`.trim());
  }

  function clear() {
    setText(message, '');
    lines.forEach(line => line.clear());
  }

  function focusFirstError() {
    form.querySelector('[aria-invalid="true"]')?.focus();
  }

  return { setCustomer(id) { customerId = id; clear(); } };
}

function createLine(number, onChange, onRemove) {
  const ids = { product: newId('product'), quantity: newId('quantity'), said: newId('said') };
  const input = el('input', { id: ids.product, type: 'text', placeholder: 'Find a product', autocomplete: 'off', spellcheck: 'false', ariaDescribedby: ids.said });
  const quantity = el('input', { id: ids.quantity, type: 'text', inputmode: 'numeric', value: '1', ariaDescribedby: ids.said });
  const price = el('span', { class: 'quiet price' });
  const remove = el('button', { type: 'button', class: 'plain remove', onclick: onRemove }, '×');
  const said = el('div', { id: ids.said, class: 'error', role: 'alert' });
  const productLabel = el('label', { for: ids.product }), quantityLabel = el('label', { for: ids.quantity });
  const row = el('div', { class: 'line', role: 'group' },
    el('div', { class: 'field grow' }, productLabel, el('div', { class: 'combobox' }, input)), el('div', { class: 'field' }, quantityLabel, quantity), remove, price, said);
  let product = null;
  const choice = combobox(input, {
    search: findProducts, label: 'Products', show: item => ({ text: item.name, side: amount(item.price) }),
    onPick: item => { product = { ...item }; clear(); onChange(); quantity.focus(); quantity.select(); },
  });
  quantity.addEventListener('input', onChange);

  // What was typed goes to the write side as it stands, unless it is no number at all: then there is nothing to add up either.
  const asNumber = () => { const value = Number(quantity.value.trim()); return quantity.value.trim() === '' || Number.isNaN(value) ? null : value; };

  function say(field, text, ...more) {
    said.append(el('p', {}, text), ...more);
    (field === 'quantity' ? quantity : input).setAttribute('aria-invalid', 'true');
  }

  function clear() {
    said.replaceChildren();
    input.removeAttribute('aria-invalid');
    quantity.removeAttribute('aria-invalid');
  }

  return {
    row, input, say, clear,
    get product() { return product; },
    total: () => product ? times(product.price, Math.max(0, asNumber() ?? 0)) : 0,
    item: () => ({ productId: product._id, quantity: asNumber() ?? quantity.value, price: product.price }),
    refresh(canGo) {
      const which = `line ${number()}`;
      row.setAttribute('aria-label', which[0].toUpperCase() + which.slice(1));
      productLabel.replaceChildren('Product', el('span', { class: 'hidden' }, `, ${which}`));
      quantityLabel.replaceChildren('Quantity', el('span', { class: 'hidden' }, `, ${which}`));
      remove.setAttribute('aria-label', `Remove ${which}`);
      remove.hidden = !canGo;
      setText(price, product ? `${amount(product.price)} each` : '');
    },
    offerPrice(text, current) {
      say('product', text, el('button', {
        type: 'button', class: 'secondary',
        onclick: () => { product = { ...product, price: current }; choice.set(product); clear(); onChange(); input.form.querySelector('.primary').focus(); },
      }, `Use ${amount(current)}`));
    },
  };
}

/** Says the day, and is nobody else's. */
function newOrderId() {
  const today = new Date();
  const date = [today.getFullYear(), today.getMonth() + 1, today.getDate()].map(part => String(part).padStart(2, '0')).join('');
  return `WEB-${date}-${randomId().slice(0, 10)}`;
}
