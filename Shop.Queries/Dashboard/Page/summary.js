// Who the customer is and the sums, from the read model. After a change they are asked for with what was seen, so they are never behind it.

import { getUntil, Problem } from './api.js';
import { byId, setText } from './dom.js';
import { amount, count, day } from './format.js';

const PAUSE = 120;
const MOST_SEEN = 10;

export function createSummary(customerId, { signal, onUnknown }) {
  const seen = new Map();
  let timer = null, round = 0;

  async function load() {
    timer = null;
    const own = ++round;
    const parameters = new URLSearchParams([...seen].map(([id, version]) => ['seen', `order/${id}:${version}`]));
    try {
      const summary = await getUntil(`customers/${encodeURIComponent(customerId)}?${parameters}`, { signal });
      if (own !== round) return;
      seen.clear();
      show(summary);
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 404) onUnknown(problem);
    }
  }

  /** Together, when several come at once. */
  function changed(order) {
    seen.delete(order._id);
    seen.set(order._id, order.version);
    if (seen.size > MOST_SEEN) seen.delete(seen.keys().next().value);
    timer ??= setTimeout(() => { if (!signal.aborted) load(); }, PAUSE);
  }

  return { load, changed };
}

function show({ _id: id, name, orders, totalSpent, lastOrder }) {
  setText(byId('customer-name'), name);
  setText(byId('customer-id'), id);
  setText(byId('avatar'), name.split(/\s+/).slice(0, 2).map(word => [...word][0]).join('').toUpperCase());
  setText(byId('sum-orders'), count(orders));
  setText(byId('sum-spent'), amount(totalSpent));
  setText(byId('sum-last'), lastOrder ? day(new Date(lastOrder)) : 'none');
  byId('customer-name').closest('section').setAttribute('aria-busy', 'false');
  document.title = `${name} · Shop`;
}
