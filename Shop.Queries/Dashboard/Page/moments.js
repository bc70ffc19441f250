// What the reader did, and the two moments of each: accepted (the write side has committed it) and visible (the read model shows it).

import { get, Problem, randomId, send } from './api.js';
import { announce, byId, el, setText } from './dom.js';
import { duration, timeOfDay } from './format.js';

const MOST_SHOWN = 30;
const MOST_KNOWN = 500;
const PATIENCE = 4_000;   // Then the read model is asked directly: the order may be another customer's by now.
const KEPT = 'shop.unanswered';

/** onVisible(order id, version): the figures may be asked for again. */
export function createMoments({ onVisible }) {
  const list = byId('moments');
  const waiting = new Map();   // order id -> moments that were accepted and are not visible yet
  const known = new Map();     // order id -> the newest version that was seen, and when

  /**
   * Sends a command and follows it. Resolves when it is accepted; throws the problem when it is refused.
   * about: { title, orderId }; onState(text): what to say next to the button.
   */
  async function follow(command, about, onState = () => {}) {
    command.commandId ??= randomId();
    keep(command, about);
    const moment = { ...about, sentAt: new Date(), start: performance.now(), stop: new AbortController() };
    const view = show(moment);
    try {
      const answer = await send(command, {
        signal: moment.stop.signal,
        onDoubt: (problem, attempts) => { view.doubt(problem, attempts); onState('No answer yet, trying again…'); },
      });
      moment.version = answer.version;
      moment.accepted = performance.now();
      view.accepted(answer);
      onState(`Accepted, version ${answer.version}. Waiting for the read model…`);
      announce(`${about.title}: accepted, version ${answer.version}, after ${duration(moment.accepted - moment.start)}.`);
      await untilVisible(moment, view);
      return answer;
    } catch (problem) {
      view.refused(problem);
      throw problem;
    } finally {
      forget(command);
    }
  }

  async function untilVisible(moment, view) {
    const seen = known.get(moment.orderId);
    if (seen?.version >= moment.version) return reach(moment, view, Math.max(seen.at, moment.accepted));
    await new Promise(resolve => {
      const entry = { moment, reached: at => { reach(moment, view, at); resolve(); } };
      waiting.set(moment.orderId, [...waiting.get(moment.orderId) ?? [], entry]);
      const ask = async () => {
        if (moment.visible) return;
        try {
          saw(await get(`orders/${encodeURIComponent(moment.orderId)}?seen=order/${encodeURIComponent(moment.orderId)}:${moment.version}`, { wait: 25 }));
        } catch (problem) {
          view.late(problem);
        }
        if (!moment.visible) setTimeout(ask, PATIENCE / 2);
      };
      setTimeout(ask, PATIENCE);
    });
  }

  function reach(moment, view, at) {
    moment.visible = at;
    view.visible();
    announce(`${moment.title}: visible ${duration(at - moment.accepted)} later.`);
    onVisible(moment.orderId, moment.version);
  }

  /** Every order document that comes in, whatever way. */
  function saw(order) {
    const { _id: id, version } = order;
    const before = known.get(id);
    if (!(before?.version >= version)) {
      known.delete(id);
      known.set(id, { version, at: performance.now() });
      if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
    }
    const entries = waiting.get(id);
    if (!entries) return;
    const rest = entries.filter(entry => entry.moment.version > version);
    if (rest.length > 0) waiting.set(id, rest); else waiting.delete(id);
    for (const entry of entries) if (!rest.includes(entry)) entry.reached(performance.now());
  }

  function show(moment) {
    byId('moments-empty').hidden = true;
    const state = el('span', { class: 'badge sending' }, 'Sending');
    const steps = el('ol', { class: 'steps' }, step('Sent', moment.sentAt));
    const note = el('p', { class: 'quiet note', hidden: true });
    const item = el('li', { class: 'moment' }, el('div', { class: 'title' }, el('strong', {}, moment.title), state), steps, note);
    list.prepend(item);
    while (list.childElementCount > MOST_SHOWN) list.lastChild.remove();
    const giveUp = el('button', { type: 'button', class: 'plain', onclick: () => moment.stop.abort(new Problem(0, { detail: 'You stopped asking. It may have been done or not.' })) }, 'Stop asking');
    const say = text => { setText(note, text); note.hidden = !text; };
    const mark = (name, text) => { state.className = `badge ${name}`; setText(state, text); };
    return {
      doubt(problem, attempts) {
        mark('doubt', 'No answer');
        say(`${problem.message} Sent ${attempts} ${attempts === 1 ? 'time' : 'times'}; it has one effect however often.`);
        if (!giveUp.isConnected) item.append(giveUp);
      },
      accepted({ version, replayed }) {
        giveUp.remove();
        mark('accepted', 'Accepted');
        say(replayed ? 'The first answer was lost; this is the same one again.' : '');
        steps.append(step(`Accepted · version ${version}`, new Date(), moment.accepted - moment.start));
      },
      late: problem => say(problem.status === 503 && problem.body.title ? `Not visible yet. ${problem.message}` : 'Not visible yet.'),
      visible() {
        mark('visible', 'Visible');
        say('');
        steps.append(step('Visible', new Date(), moment.visible - moment.accepted));
      },
      refused(problem) {
        giveUp.remove();
        const isRefusal = problem instanceof Problem && problem.status > 0;
        mark(isRefusal ? 'refused' : 'doubt', isRefusal ? 'Refused' : 'Unknown');
        say(problem.message);
        announce(`${moment.title}: ${isRefusal ? 'refused' : 'unknown'}. ${problem.message}`);
      },
    };
  }

  /** What had no answer when the page was left is asked for again: the same command, so with one effect. */
  function resume() {
    for (const { command, about } of Object.values(kept())) follow(command, about).catch(() => {});
  }

  return { follow, saw, resume };
}

function step(name, at, took) {
  return el('li', {}, el('span', {}, name), el('time', { datetime: at.toISOString() }, timeOfDay(at)), took === undefined ? null : el('b', {}, `+${duration(took)}`));
}

const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
const write = all => sessionStorage.setItem(KEPT, JSON.stringify(all));

function keep(command, about) {
  write({ ...kept(), [command.commandId]: { command, about } });
}

function forget(command) {
  const all = kept();
  delete all[command.commandId];
  write(all);
}
