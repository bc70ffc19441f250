// Everything the page asks of its own origin: queries, and commands that have one effect however often they are sent.

const QUERY_TIMEOUT = 36_000;     // Longer than a query takes that waits for what was seen.
const COMMAND_TIMEOUT = 40_000;   // Longer than the forwarder waits for the write side.
const LONGEST_PAUSE = 5_000;

/** An answer that is no success: the problem's own words, or that there was no answer (status 0). */
export class Problem extends Error {
  constructor(status, body = {}, retryAfter = null) {
    super(body.detail ?? body.title ?? (status === 0 ? 'There is no answer.' : `The answer was ${status}.`));
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether asking again may help. */
  get isPassing() {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

export async function get(path, { signal, wait } = {}) {
  const response = await request(path, { headers: wait ? { prefer: `wait=${wait}` } : {}, signal: limit(signal, QUERY_TIMEOUT), cache: 'no-store' }, signal);
  return response.json();
}

/** Repeats a query until it is answered; tells each failure that passes. */
export async function getUntil(path, { signal, onFailure }) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await get(path, { signal });
    } catch (problem) {
      if (!(problem instanceof Problem) || !problem.isPassing) throw problem;
      onFailure?.(problem);
      await pause(attempt, problem, signal);
    }
  }
}

/**
 * Sends a command until the write side says yes or no. Whatever happens on the way, the same content is sent again, so it has one effect:
 * that is what the command's id is for.
 */
export async function send(command, { signal, onDoubt }) {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await request('commands', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(command), signal: limit(signal, COMMAND_TIMEOUT),
      }, signal);
      return { ...await response.json(), replayed: response.headers.get('idempotent-replayed') === 'true' };
    } catch (problem) {
      if (!(problem instanceof Problem) || !problem.isPassing) throw problem;
      onDoubt(problem, attempt + 1);
      await pause(attempt, problem, signal);
    }
  }
}

export async function readProblem(response) {
  let body = {};
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) body = await response.json().catch(() => ({}));
  return new Problem(response.status, body, Number(response.headers.get('retry-after')) || null);
}

/** 80 bits, in letters and digits that are not taken for one another; also where the page is not served over HTTPS. */
export function randomId() {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => alphabet[byte % 32]).join('');
}

export function sleep(time, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(done, time);
    function done() { signal?.removeEventListener('abort', stop); resolve(); }
    function stop() { clearTimeout(timer); reject(signal.reason); }
    signal?.addEventListener('abort', stop, { once: true });
  });
}

async function request(path, init, signal) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (failure) {
    if (signal?.aborted) throw signal.reason;
    throw new Problem(0);
  }
  if (!response.ok) throw await readProblem(response);
  return response;
}

const limit = (signal, time) => signal ? AbortSignal.any([signal, AbortSignal.timeout(time)]) : AbortSignal.timeout(time);

/** As long as the answer asks for; else longer each time, and never the same for everybody. */
function pause(attempt, problem, signal) {
  const growing = Math.min(LONGEST_PAUSE, 250 * 2 ** Math.min(attempt, 6));
  return sleep(Math.max((problem.retryAfter ?? 0) * 1000, growing) * (0.75 + Math.random() / 2), signal);
}
