// The dashboard: which customer is shown (in the address, so that a reload and the back button work), and who tells whom.

import { getUntil } from './api.js';
import { combobox, findCustomers } from './combobox.js';
import { byId, el, setText } from './dom.js';
import { createHistory } from './history.js';
import { createMoments } from './moments.js';
import { createOrderForm } from './order-form.js';
import { createPipeline } from './pipeline.js';
import { listen } from './stream.js';
import { createSummary } from './summary.js';

let shown = null;   // { id, stop, history, summary }

const moments = createMoments({ onVisible: (id, version) => shown?.summary.changed({ _id: id, version }) });
const orderForm = createOrderForm(byId('order-form'), moments);
const finder = combobox(byId('customer'), {
  search: findCustomers, label: 'Customers', show: customer => ({ text: customer.name, side: customer._id }),
  onPick: customer => { history.pushState(null, '', `?customer=${encodeURIComponent(customer._id)}`); open(customer._id); },
});

function open(id) {
  shown?.stop.abort();
  shown = null;
  byId('welcome').hidden = id !== null;
  byId('dashboard').hidden = id === null;
  if (id === null) return welcome();
  const stop = new AbortController(), { signal } = stop;
  byId('filters').reset();
  for (const field of ['sum-orders', 'sum-spent', 'sum-last']) setText(byId(field), '–');
  setText(byId('customer-name'), '…');
  setText(byId('customer-id'), id);
  const summary = createSummary(id, { signal, onUnknown: problem => unknown(problem) });
  const orders = createHistory(id, { actions: moments, signal, onOrders: all => all.forEach(moments.saw) });
  shown = { id, stop, summary };
  orderForm.setCustomer(id);
  summary.load();
  orders.start();
  follow(id, orders, summary, signal);
}

/** The stream is open while the page is in sight: a browser has few connections, and a hidden page needs none. */
async function follow(id, orders, summary, signal) {
  let wasOpen = false;
  while (!signal.aborted) {
    const hidden = new AbortController();
    const onHide = () => { if (document.hidden) hidden.abort(); };
    document.addEventListener('visibilitychange', onHide);
    if (!document.hidden) {
      await listen(`customers/${encodeURIComponent(id)}/orders/live`, {
        open() {
          live('live', 'Live');
          if (wasOpen) summary.load();
          wasOpen = true;
        },
        event(name, data) {
          (name === 'orders' ? data.orders : [data]).forEach(moments.saw);
          if (name === 'orders') orders.begin(data.orders); else orders.apply(data);
          // Also after the state at the beginning: the sums that were asked for without it may be behind it. The newest are told last.
          (name === 'orders' ? data.orders.toReversed() : [data]).forEach(summary.changed);
        },
        lost: () => live('lost', 'Reconnecting…'),
        refused: problem => { live('lost', problem.message); hidden.abort(); signal.aborted || shown?.stop.abort(); },
      }, AbortSignal.any([signal, hidden.signal]));
    }
    document.removeEventListener('visibilitychange', onHide);
    if (!signal.aborted && document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
  }
}

function live(state, text) {
  byId('live').dataset.state = state;
  setText(byId('live-text'), text);
}

function unknown(problem) {
  setText(byId('customer-name'), 'Unknown customer');
  setText(byId('history-state'), problem.message);
}

async function welcome() {
  document.title = 'Customers · Shop';
  finder.set(null);
  const { customers } = await getUntil('customers?limit=12', { onFailure: problem => setText(byId('welcome-text'), `${problem.message} Trying again…`) });
  setText(byId('welcome-text'), customers.length > 0 ? 'Search above, or pick one of these.' : 'There are no customers yet. ./shop seed fills a running shop.');
  byId('welcome-list').replaceChildren(...customers.map(({ _id: id, name }) =>
    el('li', {}, el('a', { href: `?customer=${encodeURIComponent(id)}`, onclick: event => go(event, id) }, el('span', {}, name), el('span', { class: 'quiet' }, id)))));
}

function go(event, id) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, '', `?customer=${encodeURIComponent(id)}`);
  open(id);
  byId('customer-name').focus();
}

const chosen = () => new URLSearchParams(location.search).get('customer') || null;
addEventListener('popstate', () => open(chosen()));
createPipeline().run();
open(chosen());
moments.resume();
