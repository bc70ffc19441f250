// One order of the history: what the read model says of it, and what can be done with it.

import { Problem } from './api.js';
import { announce, el, newId, setText } from './dom.js';
import { amount, count, instant, times } from './format.js';

const LINES_SHOWN = 4;
const ACTIONS = {
  Pending: [['PayOrder', 'Pay'], ['CancelOrder', 'Cancel']],
  Paid: [['ShipOrder', 'Ship'], ['CancelOrder', 'Cancel']],
};

/** follow(command, about, onState): see moments.js. */
export function orderCard(order, { follow }) {
  const title = newId('order');
  const card = el('article', { class: 'order', tabindex: '0', ariaLabelledby: title });
  const body = el('div', { class: 'body' });
  const actions = el('div', { class: 'actions' });
  const message = el('p', { class: 'error', role: 'alert', id: newId('said') });
  const progress = el('p', { class: 'quiet progress' });
  card.append(body, actions, progress, message);
  const view = { card, order, update };
  update(order, true);
  return view;

  function update(next, isFirst = false) {
    if (!isFirst && next.version < view.order.version) return;
    const changed = !isFirst && next.version > view.order.version;
    view.order = next;
    body.replaceChildren(head(next, title), lines(next), milestones(next));
    if (isFirst || changed) offer(next);
    if (!changed) return;
    setText(message, '');
    card.classList.remove('changed');
    void card.offsetWidth;   // Restarts the highlight.
    card.classList.add('changed');
  }

  function offer({ status, _id: id }) {
    const hadFocus = actions.contains(document.activeElement);
    actions.replaceChildren(...(ACTIONS[status] ?? []).map(([type, verb]) => el('button', {
      type: 'button', class: type === 'CancelOrder' ? 'plain' : 'secondary', ariaLabel: `${verb} order ${id}`, onclick: event => act(type, verb, event.currentTarget),
    }, verb)));
    if (hadFocus) (actions.querySelector('button') ?? card).focus();
  }

  async function act(type, verb, button) {
    if (type === 'CancelOrder' && button.dataset.sure !== 'yes') return askAgain(button);
    const id = view.order._id;
    setText(message, '');
    setBusy(true);
    try {
      await follow({ type, orderId: id }, { title: `${verb} ${id}`, orderId: id }, text => setText(progress, text));
    } catch (problem) {
      setText(message, problem instanceof Problem ? problem.message : 'It was not sent.');
    } finally {
      setText(progress, '');
      setBusy(false);
    }
  }

  /** Nothing brings a cancelled order back. */
  function askAgain(button) {
    button.dataset.sure = 'yes';
    setText(button, 'Really cancel?');
    button.setAttribute('aria-label', `Really cancel order ${view.order._id}? Press again to do it.`);
    button.classList.add('danger');
    announce(`Press again to cancel order ${view.order._id}.`);
    button.addEventListener('blur', () => { if (actions.getAttribute('aria-busy') !== 'true') offer(view.order); }, { once: true });
  }

  function setBusy(isBusy) {
    actions.setAttribute('aria-busy', String(isBusy));
    for (const button of actions.children) button.disabled = isBusy;
    if (!isBusy) offer(view.order);
  }
}

function head({ _id: id, status, orderDate, totalAmount }, title) {
  const date = new Date(orderDate);
  return el('header', {},
    el('h3', { id: title }, el('span', { class: 'hidden' }, 'Order '), id),
    el('span', { class: `badge ${status.toLowerCase()}` }, status),
    el('time', { datetime: orderDate, class: 'quiet' }, instant(date)),
    el('p', { class: 'total' }, el('span', { class: 'hidden' }, 'Total '), amount(totalAmount)));
}

function lines({ items }) {
  const rows = items.map(item => el('li', {},
    el('span', { class: 'quantity' }, `${count(item.quantity)} ×`), el('span', { class: 'product' }, item.productName),
    item.quantity > 1 ? el('span', { class: 'quiet each' }, `${amount(item.price)} each`) : null,
    el('span', { class: 'amount' }, amount(times(item.price, item.quantity)))));
  if (rows.length <= LINES_SHOWN + 1) return el('ul', { class: 'lines' }, ...rows);
  return el('div', {}, el('ul', { class: 'lines' }, ...rows.slice(0, LINES_SHOWN)),
    el('details', {}, el('summary', {}, `${count(rows.length - LINES_SHOWN)} more lines`), el('ul', { class: 'lines' }, ...rows.slice(LINES_SHOWN))));
}

function milestones(order) {
  const reached = [['Paid', order.paidAt], ['Shipped', order.shippedAt], ['Cancelled', order.cancelledAt]].filter(([, at]) => at);
  return el('p', { class: 'quiet milestones' }, reached.map(([name, at]) => `${name} ${instant(new Date(at))}`).join(' · '));
}
