/** What the calls of a process added up to. */

export interface CallEvent {
  readonly method: string;
  readonly operation: string;
  /** 0 when no answer came. */
  readonly status: number;
  readonly ms: number;
  /** 1 for the first try of a call. */
  readonly attempt: number;
  readonly budget: string;
}

export interface CallStats {
  /** Requests sent, retries included. */
  readonly calls: number;
  readonly byOperation: Readonly<Record<string, number>>;
  readonly retries: number;
  /** 429 answers. */
  readonly rateLimited: number;
  /** Of the latest requests, from sending to the last byte; 0 before the first. */
  readonly medianMs: number;
  readonly limitPer10s: number;
  /** Requests of the burst that HubSpot may be counting now, of `limitPer10s`. */
  readonly usedInWindow: number;
  /** Calls of the day for all apps of the portal, as the latest headers said; null before they did. */
  readonly daily: { readonly limit: number; readonly left: number } | null;
}

/** Durations kept for the median: enough for a run's character, constant for its memory. */
const DURATIONS_MAX = 1_000;

export class Tally {
  #calls = 0;
  #retries = 0;
  #rateLimited = 0;
  readonly #byOperation = new Map<string, number>();
  readonly #durationsMs: number[] = [];

  count(event: CallEvent): void {
    this.#durationsMs[this.#calls % DURATIONS_MAX] = event.ms;
    this.#calls += 1;
    if (event.attempt > 1) this.#retries += 1;
    if (event.status === 429) this.#rateLimited += 1;
    this.#byOperation.set(event.operation, (this.#byOperation.get(event.operation) ?? 0) + 1);
  }

  stats(shown: Pick<CallStats, 'limitPer10s' | 'usedInWindow' | 'daily'>): CallStats {
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    return {
      calls: this.#calls,
      byOperation: Object.fromEntries(this.#byOperation),
      retries: this.#retries,
      rateLimited: this.#rateLimited,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
      ...shown,
    };
  }
}
