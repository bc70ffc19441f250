// Who the customer is and the sums, from the read model. After a change they are asked for with what was seen, so they are never behind it.

import { getUntil, Problem } from './api.js';
import { byId, setText } from './dom.js';
import { amount, count, day } from './format.js';

const PAUSE = 120;
const MOST_SEEN = 10;
const SETTLED = 1_000;   // By then the months of orders that were left out of a question are known to have changed.

export function createSummary(customerId, { signal, onUnknown }) {
  // The newest changes: version, and whether an answer has it already. Asked with again and again, so that no later answer is older.
  const seen = new Map();
  let timer = null, round = 0, told = 0, leftOut = false;

  async function load() {
    timer = null;
    const own = ++round, asked = [...seen];
    const parameters = new URLSearchParams(asked.map(([id, { version }]) => ['seen', `order/${id}:${version}`]));
    try {
      const summary = await getUntil(`customers/${encodeURIComponent(customerId)}?${parameters}`, { signal });
      // Not only the newest question's answer: while orders change all the time, the next is asked before this one is there.
      if (own < told || signal.aborted) return;
      told = own;
      show(summary);
      for (const [, change] of asked) change.isAnswered = true;
      // When it is asked again sooner than that anyway, the answer to that decides.
      if (leftOut && timer === null) {
        leftOut = false;
        later(SETTLED);
      }
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 404) onUnknown(problem);
    }
  }

  /** Together, when several come at once. A change may come twice. */
  function changed({ _id: id, version }) {
    if (seen.get(id)?.version >= version) return;
    seen.delete(id);
    if (seen.size === MOST_SEEN) forget();
    seen.set(id, { version, isAnswered: false });
    later(PAUSE);
  }

  function forget() {
    const [oldest] = seen.keys(), answered = [...seen].find(([, change]) => change.isAnswered)?.[0];
    leftOut ||= answered === undefined;
    seen.delete(answered ?? oldest);
  }

  function later(pause) {
    timer ??= setTimeout(() => { if (!signal.aborted) load(); }, pause);
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
