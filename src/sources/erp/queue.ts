/** One line of queries per ERP, whoever asks: a vendor that serializes makes a second query wait inside its deadline. */
import pLimit from 'p-limit';
import type { Clock } from './clock.ts';
import type { Limits } from './profile-schema.ts';

export interface Queue {
  /** Runs when its turn has come; the pause between requests runs on the given clock. */
  run<T>(clock: Clock, signal: AbortSignal, task: () => Promise<T>): Promise<T>;
}

/** One per base URL of the process: production, staging, and in tests a handful. */
const queues = new Map<string, Queue>();

/** The queue all sources of one base URL stand in; the first profile's limits hold. */
export function queueFor(baseUrl: string, limits: Limits): Queue {
  const known = queues.get(baseUrl);
  if (known) return known;
  const queue = makeQueue(limits);
  queues.set(baseUrl, queue);
  return queue;
}

function makeQueue({ concurrency, requestsPerSecond }: Limits): Queue {
  const limit = pLimit(concurrency);
  const gapMs = requestsPerSecond === undefined ? 0 : 1000 / requestsPerSecond;
  let nextMs = Number.NEGATIVE_INFINITY;
  return {
    run: (clock, signal, task) =>
      limit(async () => {
        signal.throwIfAborted();
        const nowMs = clock.now();
        // Never longer than the line itself: another source's clock may stand elsewhere.
        const waitMs = Math.min(Math.max(0, nextMs - nowMs), gapMs * concurrency);
        nextMs = nowMs + waitMs + gapMs;
        if (waitMs > 0) await clock.sleep(waitMs, signal);
        return task();
      }),
  };
}
