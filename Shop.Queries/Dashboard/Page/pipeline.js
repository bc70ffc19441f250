// The strip: how every part on the way of an order is, what waits where, and how far the read model is behind. Asked once a second while
// the page is in sight.

import { get } from './api.js';
import { createChart } from './chart.js';
import { byId, el, setText } from './dom.js';
import { count, duration, timeOfDay } from './format.js';

const STEP = 1_000, TIMEOUT = 8_000, SPAN = 5 * 60_000;
const WORDS = { Healthy: 'works', Degraded: 'is impaired', Unhealthy: 'cannot work', Away: 'is away', unknown: 'is not known' };
const VERDICTS = { Healthy: 'All is well', Degraded: 'Impaired', Unhealthy: 'Out of order', unknown: 'Asking…' };

/** The parts in the order in which an order passes them: how each is, seen from those who need it. */
const STAGES = [
  ['Commands', ({ commands }) => commands.status],
  ['PostgreSQL', ({ commands }) => checked(commands, 'PostgreSql')],
  ['Service Bus', ({ commands, projector }) => worst(checked(commands, 'Azure_ServiceBusClient'), checked(projector, 'Azure_ServiceBusClient'))],
  ['Projector', ({ projector }) => projector.status],
  ['MongoDB', ({ queries }) => checked(queries, 'MongoDB.Driver')],
  ['Queries', ({ queries }) => queries.status],
];

export function createPipeline() {
  const draw = createChart(byId('chart'));
  const stages = STAGES.map(([name]) => {
    const word = el('span', { class: 'hidden' });
    const node = el('li', { 'data-status': 'unknown' }, el('span', { class: 'dot' }), name, word);
    return { node, word };
  });
  byId('stages').replaceChildren(...stages.map(stage => stage.node));
  let samples = [], answeredAt = null;

  async function run() {
    for (;;) {
      if (document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
      if (document.hidden) continue;
      try {
        const report = await get(`pipeline?after=${samples.at(-1)?.at ?? 0}`, { signal: AbortSignal.timeout(TIMEOUT) });
        answeredAt = new Date();
        samples = [...samples, ...report.samples].filter(sample => sample.at > report.samples.at(-1)?.at - SPAN || report.samples.length === 0);
        show(report);
      } catch {
        lost();
      }
      await new Promise(resolve => setTimeout(resolve, STEP));
    }
  }

  function show(report) {
    const services = Object.fromEntries(report.services.map(service => [service.name, service]));
    STAGES.forEach(([name, status], index) => paint(stages[index], name, status(services)));
    const { backlog, lag } = report;
    setText(byId('depth'), backlog ? count(backlog.depth) : '–');
    setText(byId('lag'), !lag ? '–' : lag.events === 0 && lag.now < 10 ? 'idle' : duration(lag.now * 1000));
    setText(byId('p99'), lag?.p99 !== undefined ? duration(lag.p99 * 1000) : '–');
    setText(byId('dead'), lag ? count(lag.deadLetters) : '–');
    byId('dead').classList.toggle('alarm', lag?.deadLetters > 0);
    verdict(report.status);
    draw(samples);
    notice(explain(services, report));
  }

  function lost() {
    STAGES.forEach(([name], index) => paint(stages[index], name, name === 'Queries' ? 'Away' : 'unknown'));
    for (const id of ['depth', 'lag', 'p99', 'dead']) setText(byId(id), '–');
    verdict('Unhealthy');
    notice([`Queries does not answer. ${answeredAt ? `What you see is from ${timeOfDay(answeredAt)}. ` : ''}It goes on by itself when it is back.`]);
  }

  return { run };
}

function paint({ node, word }, name, status) {
  node.dataset.status = status;
  setText(word, ` ${WORDS[status] ?? status}`);
  node.title = `${name} ${WORDS[status] ?? status}`;
}

function verdict(status) {
  document.querySelector('.strip').dataset.status = status;
  setText(byId('verdict-text'), VERDICTS[status] ?? status);
}

function notice(sentences) {
  const node = byId('notice'), text = sentences.join(' ');
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === '';
}

/** Which part is away, and what that means for the reader; of what is only impaired, the part's own words. */
function explain({ commands, projector, queries }, { backlog, lag }) {
  const said = [];
  const isAway = service => service.status === 'Away';
  if (isAway(commands)) said.push('Commands is away: nothing can be ordered, paid, shipped or cancelled until it is back.');
  else if (checked(commands, 'PostgreSql') !== 'Healthy') said.push('PostgreSQL is away: the write side takes no commands until it is back.');
  if (isAway(projector)) said.push('Projector is away: what you do is accepted, and shows when it is back.');
  const busIsAway = [commands, projector].some(service => checked(service, 'Azure_ServiceBusClient') === 'Degraded');
  if (busIsAway) said.push('Service Bus is away: what you do is accepted, and shows when it is back.');
  if (checked(queries, 'MongoDB.Driver') !== 'Healthy') said.push('MongoDB is away: the orders cannot be read until it is back.');
  if (lag?.deadLetters > 0) said.push(`${count(lag.deadLetters)} dead letters wait to be replayed or purged.`);
  if (backlog?.parked > 0) said.push(`${count(backlog.parked)} events are parked.`);
  if (said.length === 0) for (const service of [commands, projector]) for (const check of service.checks) if (check.description) said.push(check.description);
  return said;
}

function checked(service, name) {
  if (service.status === 'Away') return 'unknown';
  return service.checks.find(check => check.name === name)?.status ?? 'Healthy';
}

const worst = (...statuses) => statuses.find(status => status === 'Unhealthy') ?? statuses.find(status => status === 'Degraded') ?? statuses.find(status => status === 'Healthy') ?? 'unknown';
