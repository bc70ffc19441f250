// The order history: pages behind pages while the reader scrolls, newest first, and every change that comes over the stream in its place.

import { getUntil, Problem } from './api.js';
import { byId, setText } from './dom.js';
import { count } from './format.js';
import { orderCard } from './order-card.js';

const PAGE = 20;
const LARGEST_PAGE = 100;
const NEWEST = 20;            // With so many a stream begins.
const MOST_REFRESHED = 500;   // Beyond it a reconnected page begins at the top again.

/** actions: see order-card.js; onOrders(orders): every document that was read. */
export function createHistory(customerId, { actions, onOrders, signal }) {
  const feed = byId('history'), state = byId('history-state'), more = byId('more'), filters = byId('filters');
  let views = [], next = null, loading = null, round = 0, isWhole = false;
  let reads = 0, begun = null;
  const came = new Map();   // What came while pages were read, which may be from before it.

  const sentinel = new IntersectionObserver(entries => { if (entries.some(entry => entry.isIntersecting)) older(); }, { rootMargin: '800px' });
  sentinel.observe(more);
  more.addEventListener('click', () => older(true), { signal });
  feed.addEventListener('keydown', onKey, { signal });
  filters.addEventListener('change', () => restart(), { signal });
  filters.addEventListener('reset', () => setTimeout(restart), { signal });
  filters.addEventListener('submit', event => event.preventDefault(), { signal });
  signal.addEventListener('abort', () => { sentinel.disconnect(); round++; feed.replaceChildren(); });

  /** The first page, with whatever the filters say now. */
  async function restart() {
    const own = ++round;
    const { status, from, to } = filter();
    byId('clear-filters').hidden = !(status || from || to);
    feed.setAttribute('aria-busy', 'true');
    setText(state, views.length > 0 ? '' : 'Loading…');
    try {
      const page = await readPage(address());
      if (own !== round) return;
      views = [];
      feed.replaceChildren();
      add(page);
      // In the task behind the next frame it has been painted: ./shop bench dashboard reads this.
      requestAnimationFrame(() => setTimeout(() => performance.mark('history-shown')));
    } catch (problem) {
      if (own === round && problem instanceof Problem) setText(state, problem.body.errors ? Object.values(problem.body.errors).flat().join(' ') : problem.message);
    } finally {
      if (own === round) feed.setAttribute('aria-busy', 'false');
      hasRead();
    }
  }

  async function older(byHand = false) {
    if (!next || loading || feed.getAttribute('aria-busy') === 'true') return loading;
    const own = round, before = views.length;
    feed.setAttribute('aria-busy', 'true');
    loading = readPage(address(next));
    try {
      const page = await loading;
      if (own !== round) return;
      add(page);
      if (byHand) views[before]?.card.focus();
    } catch (problem) {
      if (own === round && problem instanceof Problem) setText(state, problem.message);
    } finally {
      loading = null;
      if (own === round) feed.setAttribute('aria-busy', 'false');
      hasRead();
    }
    // A short page leaves the end in sight, and the observer speaks only when that changes.
    if (own === round && next && more.getBoundingClientRect().top < innerHeight + 800) older();
  }

  function readPage(path) {
    reads++;
    return getUntil(path, { signal, onFailure: problem => setText(state, `${problem.message} Trying again…`) });
  }

  /** The page is shown, or has failed for good. */
  function hasRead() {
    reads--;
    if (signal.aborted) return;
    [...came.values()].forEach(apply);
    if (reads > 0) return;
    came.clear();
    reread();
  }

  function add({ orders, next: cursor }) {
    onOrders(orders);
    const present = new Set(views.map(view => view.order._id));
    const added = orders.filter(order => !present.has(order._id)).map(order => orderCard(order, actions));
    views.push(...added);
    feed.append(...added.map(view => view.card));
    next = cursor ?? null;
    isWhole = next === null;
    tally();
    orders.filter(order => present.has(order._id)).forEach(apply);
  }

  /** A document that came over the stream, or in answer to something else. */
  function apply(order) {
    if (reads > 0 && !isOlder(order, came.get(order._id))) came.set(order._id, order);
    const index = views.findIndex(view => view.order._id === order._id);
    if (isOlder(order, views[index]?.order)) return;
    if (index >= 0 && matches(order)) return views[index].update(order);
    if (index >= 0) return remove(index);
    if (!matches(order) || feed.getAttribute('aria-busy') === 'true' && views.length === 0) return;
    const place = views.findIndex(view => isBefore(order, view.order));
    // Behind everything that is shown it comes with its page.
    if (place < 0 && !isWhole) return;
    const view = orderCard(order, actions);
    views.splice(place < 0 ? views.length : place, 0, view);
    feed.insertBefore(view.card, views[views.indexOf(view) + 1]?.card ?? null);
    view.card.classList.add('changed');
    tally();
  }

  function remove(index) {
    const [gone] = views.splice(index, 1);
    const hadFocus = gone.card.contains(document.activeElement);
    gone.card.remove();
    if (hadFocus) (views[index] ?? views[index - 1])?.card.focus() ?? byId('orders-title').focus();
    tally();
  }

  /** A stream has begun, with the newest orders. Whatever else is shown, or read just now, may have changed before that. */
  function begin(orders) {
    orders.forEach(apply);
    begun = orders;
    reread();
  }

  function reread() {
    if (reads > 0 || begun === null) return;
    const newest = new Set(begun.map(order => order._id));
    const isAll = begun.length < NEWEST || !isWhole;
    begun = null;
    if (filter().status || !isAll || !views.every(view => newest.has(view.order._id))) refresh().catch(() => {});
  }

  async function refresh() {
    // Of a status, what no longer has it is in no answer.
    if (filter().status || views.length > MOST_REFRESHED) return restart();
    const own = round;
    let cursor = null;
    for (let read = 0; read === 0 || cursor && read < views.length;) {
      const page = await getUntil(address(cursor, LARGEST_PAGE), { signal });
      if (own !== round) return;
      onOrders(page.orders);
      page.orders.forEach(apply);
      read += page.orders.length;
      cursor = page.next ?? null;
    }
  }

  function tally() {
    views.forEach((view, index) => {
      view.card.setAttribute('aria-posinset', index + 1);
      view.card.setAttribute('aria-setsize', isWhole ? views.length : -1);
    });
    more.hidden = isWhole;
    const isFiltered = Object.values(filter()).some(Boolean);
    setText(state, !isWhole ? '' : views.length === 0 ? (isFiltered ? 'No order matches these filters.' : 'No orders yet. Place the first one.')
      : `${count(views.length)} ${views.length === 1 ? 'order' : 'orders'}, that is all${isFiltered ? ' that match' : ''}.`);
  }

  /** Up and down from order to order, as in every feed. */
  function onKey(event) {
    if (event.key !== 'PageDown' && event.key !== 'PageUp') return;
    const index = views.findIndex(view => view.card.contains(document.activeElement));
    const target = views[index + (event.key === 'PageDown' ? 1 : -1)];
    if (!target) return;
    event.preventDefault();
    target.card.focus();
  }

  const matches = order => {
    const { status, from, to } = filter(), at = Date.parse(order.orderDate);
    return (!status || order.status === status) && (!from || at >= from) && (!to || at < to);
  };

  const address = (cursor = null, limit = PAGE) => {
    const { status, from, to } = filter();
    const parameters = new URLSearchParams({ limit });
    if (status) parameters.set('status', status);
    if (from) parameters.set('from', from.toISOString());
    if (to) parameters.set('to', to.toISOString());
    if (cursor) parameters.set('cursor', cursor);
    return `customers/${encodeURIComponent(customerId)}/orders?${parameters}`;
  };

  const filter = () => ({ status: filters.elements.status.value, from: midnight(filters.elements.from.value, 0), to: midnight(filters.elements.to.value, 1) });

  return { start: restart, begin, apply };
}

const names = order => order.items.reduce((sum, item) => sum + item.productVersion, order.customerVersion);

/** Names of one version of an order only get newer. */
const isOlder = (order, than) => than !== undefined && (order.version < than.version || order.version === than.version && names(order) < names(than));

const isBefore = (left, right) => left.orderDate === right.orderDate ? left._id < right._id : Date.parse(left.orderDate) > Date.parse(right.orderDate);

/** The beginning of a day where the reader is. */
function midnight(text, daysLater) {
  if (!text) return null;
  const [year, month, day] = text.split('-').map(Number);
  return new Date(year, month - 1, day + daysLater);
}
