/**
 * The one place that talks to Square and waits. Calls go through the official SDK (46: developer.squareup.com/docs/
 * sdks/nodejs), which knows paths, authorisation and request shapes. Its answers do not suit a sync: a 200 that is cut
 * short or is HTML looks like an empty last page, one fractional amount throws away a whole page, a stalled body waits
 * for ever, and a retry after a lost connection does not happen. So the bytes are fetched, timed, read and judged here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pRetry from 'p-retry';
import type { SquareClient } from 'square';
import { asError, EXIT, FatalError, TransientError } from '../../errors.ts';
import type { Fields } from './exact-json.ts';
import { type BodyCheck, judge, PassingFailure, type Reply } from './verdict.ts';

export interface WireOptions {
  readonly token: string;
  /** Square's production host when absent; may hold a path prefix. */
  readonly baseUrl?: string;
  /** For one try, from sending to the last byte of the body. */
  readonly deadlineMs: number;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** The first wait is at most this long, each later one twice as long. */
  readonly retryBaseMs: number;
}

/** What every call of the SDK is given on top of its request. */
interface CallOptions {
  readonly headers: Record<string, string>;
  readonly maxRetries: number;
  readonly timeoutInSeconds: number;
  readonly abortSignal: AbortSignal;
}

export type Ask = (client: SquareClient, options: CallOptions) => Promise<unknown>;

/** Sent with each request, because the SDK ignores a version given to its client. */
const SQUARE_VERSION = '2026-09-16';
/** Square publishes no rate limit and advises few parallel calls. */
const CALLS_IN_FLIGHT = 2;
const RETRIES = 5;
const WAIT_MS_MAX = 20_000;
/** A longer Retry-After is cut to this: the next try then says whether the server meant it. */
const RETRY_AFTER_MS_MAX = 60_000;
/** A page of 1,000 orders takes about 2 MB. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

const ANY_BODY: BodyCheck = () => null;

export class Wire {
  readonly #options: WireOptions;
  readonly #limit = pLimit(CALLS_IN_FLIGHT);
  #serverMs: number | null = null;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** The time in the Date header of the latest good answer, whole seconds, epoch ms; null before one told it. */
  get serverMs(): number | null {
    return this.#serverMs;
  }

  /**
   * One call with its retries. Returns the answer's JSON in Square's own spelling, integers exact.
   * Throws TransientError when the retries are spent, FatalError, ForbiddenError, InvalidCursorError, or the signal's
   * reason.
   */
  async call(what: string, ask: Ask, signal: AbortSignal, check: BodyCheck = ANY_BODY): Promise<Fields> {
    signal.throwIfAborted();
    try {
      return await pRetry(() => this.#limit(() => this.#try(what, ask, signal, check)), {
        retries: RETRIES,
        minTimeout: 0,
        signal,
        shouldRetry: ({ error }) => error instanceof PassingFailure,
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (!(error instanceof PassingFailure) || retriesLeft === 0) return;
          await sleep(this.#waitMs(attemptNumber, error.retryAfterMs), undefined, { signal });
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PassingFailure)) throw error;
      const message = `${error.message}, ${RETRIES + 1} times; run \`retail-sync doctor\`, then sync again`;
      throw new TransientError('source', message, { cause: error });
    }
  }

  /** Full jitter: anywhere up to the doubled bound, so that many clients do not come back together. */
  #waitMs(attempt: number, retryAfterMs: number | null): number {
    const { random, retryBaseMs } = this.#options;
    const jitterMs = random() * Math.min(WAIT_MS_MAX, retryBaseMs * 2 ** (attempt - 1));
    return retryAfterMs === null ? jitterMs : Math.min(retryAfterMs, RETRY_AFTER_MS_MAX) + random() * retryBaseMs;
  }

  async #try(what: string, ask: Ask, signal: AbortSignal, check: BodyCheck): Promise<Fields> {
    const { deadlineMs } = this.#options;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs);
    const either = AbortSignal.any([signal, deadline.signal]);
    const exchange = new Exchange(either);
    try {
      const client = await this.#client(exchange);
      await ask(client, {
        headers: { 'Square-Version': SQUARE_VERSION },
        maxRetries: 0,
        // The SDK's own timer must never be the one that fires.
        timeoutInSeconds: deadlineMs / 1_000 + 60,
        abortSignal: either,
      });
    } catch (error) {
      if (!exchange.settled) throw unsent(what, error);
    } finally {
      clearTimeout(timer);
    }
    signal.throwIfAborted();
    if (deadline.signal.aborted) throw new PassingFailure(`${what}: no complete answer within ${deadlineMs} ms`);
    if (exchange.failure)
      throw new PassingFailure(`${what}: ${causeOf(exchange.failure)}`, { cause: exchange.failure });
    if (!exchange.reply) throw unsent(what, null);
    const body = judge(exchange.reply, what, check);
    const dateMs = Date.parse(exchange.reply.headers.get('date') ?? '');
    if (Number.isFinite(dateMs)) this.#serverMs = dateMs;
    return body;
  }

  /** Loaded at the first call only: it takes half a second and 80 MB. */
  async #client(exchange: Exchange): Promise<SquareClient> {
    const { SquareClient } = await import('square');
    const { token, baseUrl } = this.#options;
    return new SquareClient({
      token,
      maxRetries: 0,
      fetch: (url, init) => exchange.send(url, init),
      ...(baseUrl ? { baseUrl } : {}),
    });
  }
}

/** One request and its answer, kept from the SDK, which is told that all is well. */
class Exchange {
  reply: Reply | null = null;
  failure: Error | null = null;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get settled(): boolean {
    return this.reply !== null || this.failure !== null;
  }

  async send(url: string | URL | Request, init?: RequestInit): Promise<Response> {
    try {
      this.reply = await this.#fetch(url, init);
    } catch (error) {
      this.failure = asError(error);
    }
    return new Response('{}', { headers: { 'content-type': 'application/json' } });
  }

  /** A redirect is not followed: the token belongs to this host. */
  async #fetch(url: string | URL | Request, init?: RequestInit): Promise<Reply> {
    const response = await globalThis.fetch(url, { ...init, signal: this.#signal, redirect: 'manual' });
    const { status, headers } = response;
    return { status, headers, text: response.body ? await this.#read(response.body) : '' };
  }

  /** To the end or to the deadline, also when the body stalls or drips. */
  async #read(body: ReadableStream<Uint8Array>): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > BODY_BYTES_MAX) throw new Error(`the answer exceeds ${BODY_BYTES_MAX} bytes`);
      chunks.push(chunk);
      this.#signal.throwIfAborted();
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

const unsent = (what: string, error: unknown): FatalError =>
  new FatalError(
    EXIT.internal,
    `${what}: the Square SDK refused to send the request (${error === null ? 'no request was made' : asError(error).name})`,
    'check SQUARE_BASE_URL; if it is right, report this as a bug',
    { cause: error },
  );

/** Fetch hides the reason (ECONNREFUSED, ENOTFOUND, a TLS fault, a cut body) in its cause. */
function causeOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return `the connection failed (${'code' in cause ? String(cause.code) : cause.message})`;
}
