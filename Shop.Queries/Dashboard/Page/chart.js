// The lag of the last minutes: now as an area, the 99th percentile as a line above it. No axis but the ends of both.

import { svg, setText } from './dom.js';
import { duration } from './format.js';

const WIDTH = 240, HEIGHT = 64, TOP = 4, BASE = 62;
const SPAN = 5 * 60_000;
const GAP = 8_000;   // Nobody looked for longer: no line is drawn over it.

export function createChart(figure) {
  const area = svg('path', { class: 'area' }), now = svg('path', { class: 'now' }), p99 = svg('path', { class: 'p99' });
  const label = svg('title', {});
  figure.replaceChildren(svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', preserveAspectRatio: 'none' },
    label, svg('path', { class: 'base', d: `M0 ${BASE}H${WIDTH}` }), area, now, p99), key('now', 'now'), key('p99', 'p99'));
  const scale = document.createElement('span');
  scale.className = 'peak quiet';
  figure.append(scale);

  return function draw(samples) {
    const end = samples.at(-1)?.at ?? 0;
    const peak = Math.max(0.02, ...samples.flatMap(({ lag, p99: high }) => [lag ?? 0, high ?? 0]));
    const x = at => WIDTH * (1 - (end - at) / SPAN);
    const y = value => BASE - (BASE - TOP) * value / peak;
    const runs = pick => stretches(samples, pick).map(run => run.map(sample => `${x(sample.at).toFixed(1)} ${y(pick(sample)).toFixed(1)}`));
    const lags = stretches(samples, sample => sample.lag);
    now.setAttribute('d', runs(sample => sample.lag).map(line).join(''));
    area.setAttribute('d', lags.map(run => `M${x(run[0].at).toFixed(1)} ${BASE}L${run.map(sample => `${x(sample.at).toFixed(1)} ${y(sample.lag).toFixed(1)}`).join('L')}L${x(run.at(-1).at).toFixed(1)} ${BASE}Z`).join(''));
    p99.setAttribute('d', runs(sample => sample.p99).map(line).join(''));
    setText(scale, `peak ${duration(peak * 1000)}`);
    setText(label, `Lag over the last five minutes, highest ${duration(peak * 1000)}`);
  };
}

const line = points => points.length === 1 ? `M${points[0]}h0.1` : `M${points.join('L')}`;

/** Samples that have a value, cut where nobody looked. */
function stretches(samples, pick) {
  const runs = [];
  let last = null;
  for (const sample of samples) {
    if (pick(sample) === undefined || pick(sample) === null) last = null;
    else {
      if (last === null || sample.at - last > GAP) runs.push([]);
      runs.at(-1).push(sample);
      last = sample.at;
    }
  }
  return runs;
}

function key(name, text) {
  const item = document.createElement('span');
  item.className = `key ${name}`;
  item.textContent = text;
  return item;
}
