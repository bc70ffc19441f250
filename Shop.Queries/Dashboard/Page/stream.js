// Server-sent events over fetch: unlike EventSource it sees the heartbeats, so a connection that died silently is noticed, and it can
// read a problem. After every reconnect the stream begins with the state as it is then.

import { Problem, readProblem, sleep } from './api.js';

const SILENCE = 25_000;   // Heartbeats come every 10 s.
const LONGEST_PAUSE = 4_000;

/** Calls on.open(isFirst), on.event(name, data), on.lost(problem) until the signal ends it; on.refused(problem) ends it too. */
export async function listen(path, on, signal) {
  let opened = 0;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const silence = new AbortController();
    const alive = watchdog(silence);
    try {
      const response = await fetch(path, { headers: { accept: 'text/event-stream' }, cache: 'no-store', signal: AbortSignal.any([signal, silence.signal]) });
      if (!response.ok) throw await readProblem(response);
      on.open(opened++ === 0);
      attempt = 0;
      await read(response.body, on.event, alive);
      throw new Problem(0, { detail: 'The stream ended.' });
    } catch (failure) {
      if (signal.aborted) return;
      const problem = failure instanceof Problem ? failure : new Problem(0);
      if (!problem.isPassing) return on.refused(problem);
      on.lost(problem);
    } finally {
      alive.stop();
    }
    await sleep(Math.min(LONGEST_PAUSE, 250 * 2 ** Math.min(attempt, 5)) * (0.75 + Math.random() / 2), signal).catch(() => {});
  }
}

async function read(body, onEvent, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive.reset();
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) dispatch(block, onEvent);
  }
}

function dispatch(block, onEvent) {
  let name = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice(7);
    else if (line.startsWith('data: ')) data.push(line.slice(6));
  }
  if (data.length > 0) onEvent(name, JSON.parse(data.join('\n')));
}

function watchdog(controller) {
  let timer;
  const reset = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), SILENCE);
  };
  reset();
  return { reset, stop: () => clearTimeout(timer) };
}
