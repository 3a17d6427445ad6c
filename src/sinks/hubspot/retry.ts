/** How often and how late a call is tried again. */
import type { Again } from './statuses.ts';

const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/** Full jitter (aws.amazon.com/builders-library): anything up to a bound that doubles with each attempt. */
export function backoffMs(attempt: number, leastMs: number, random: () => number): number {
  const bound = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** (attempt - 1));
  return leastMs + Math.floor(random() * bound);
}

const RETRY_COST = 2;
/** However many calls went well before, an outage costs at most this many retries. */
const TOKENS_MAX = 100;

/** Retries that a run may still afford. Without it, an outage multiplies every call of the run. */
export class RetryTokens {
  #tokens: number;

  constructor(tokens: number) {
    this.#tokens = tokens;
  }

  take(): boolean {
    if (this.#tokens < RETRY_COST) return false;
    this.#tokens -= RETRY_COST;
    return true;
  }

  /** After a call that was answered at its first attempt. */
  earn(): void {
    this.#tokens = Math.max(this.#tokens, Math.min(TOKENS_MAX, this.#tokens + 1));
  }
}

/** An attempt that did not settle the call, thrown so that the retry loop sees it. `body` is undefined when unreadable. */
export class Unsettled extends Error {
  override readonly name = 'Unsettled';
  readonly again: Again;
  readonly status: number;
  readonly body: unknown;

  constructor(verdict: Again, status: number, body: unknown) {
    super(verdict.reason);
    this.again = verdict;
    this.status = status;
    this.body = body;
  }
}
