/** The wire to the ERP: authentication, one query at a time, deadlines, bounded retries. Nothing here knows a record. */
import pRetry from 'p-retry';
import { asError, EXIT, FatalError, TooLargeError, TransientError } from '../../errors.ts';
import type { Instant } from '../../pipe.ts';
import { type Authenticator, authenticator } from './authenticator.ts';
import { discard, readJson } from './body.ts';
import type { Clock } from './clock.ts';
import { type Asked, AttemptError, brokenLine, failureOf } from './failure.ts';
import type { Credentials } from './placeholders.ts';
import type { Profile } from './profile-schema.ts';
import { type Queue, queueFor } from './queue.ts';

/** One attempt, for counts and logs. Carries no parameter values. `status` is null when no answer came. */
interface RequestEvent {
  readonly path: string;
  readonly attempt: number;
  readonly status: number | null;
  readonly ms: number;
}

export interface TransportOptions {
  readonly profile: Profile;
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly fetch?: typeof fetch;
  /** For one attempt, body included; 45 s unless said: longer than vendors let a query run, to hear them say so. */
  readonly deadlineMs?: number;
  /** 5 unless said. */
  readonly attemptsMax?: number;
  readonly onRequest?: (event: RequestEvent) => void;
}

export interface Question<T> {
  /** Below the base URL, or a whole address on its host. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, sent by POST. */
  readonly body?: string;
  /** For people: `products page 3`. */
  readonly what: string;
  /**
   * Given for a page of a slice, so that a query that ran out of time becomes a TooLargeError. True: a smaller slice
   * can be asked instead, so it is not even made twice.
   */
  readonly canCut?: boolean;
  /** Takes what is needed out of the JSON. Throws AttemptError when it is not what a good answer looks like. */
  readonly read: (json: unknown, headers: Headers) => T;
  /** What a 404 stands for, where it means "no such record"; otherwise it means "no such address". */
  readonly absent?: T;
}

export interface Answer<T> {
  readonly value: T;
  /** The address that answered: what a relative link in the reply is relative to. */
  readonly url: string;
  /** The vendor's Date header. */
  readonly asOf: Instant | null;
}

const DEADLINE_MS = 45_000;
const ATTEMPTS_MAX = 5;
/** First and longest pause of the backoff; the actual one is a random share of it. */
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 30_000;

export class Transport {
  readonly #options: TransportOptions;
  readonly #base: URL;
  readonly #authenticator: Authenticator;
  readonly #queue: Queue;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = baseOf(options.baseUrl);
    const { profile, credentials, clock, fetch: asker = fetch } = options;
    this.#authenticator = authenticator({ auth: profile.auth, credentials, base: this.#base, clock, fetch: asker });
    this.#queue = queueFor(this.#base.href, options.profile.limits);
  }

  /**
   * Asks until there is a readable answer or attempts are spent. Throws TransientError then, TooLargeError for a query
   * that ran out of time, FatalError for what no repetition cures, and the signal's reason.
   */
  async ask<T>(question: Question<T>, signal: AbortSignal): Promise<Answer<T>> {
    const { attemptsMax = ATTEMPTS_MAX } = this.#options;
    const url = this.#urlOf(question);
    const mayRetry = (error: Error): boolean =>
      error instanceof AttemptError && !(error.isLarge && (question.canCut ?? false));
    try {
      return await pRetry((attempt) => this.#attempt(url, question, attempt, signal), {
        retries: attemptsMax - 1,
        minTimeout: 0,
        maxTimeout: 0, // the pause is ours, so that it runs on the given clock and chance
        signal,
        shouldRetry: ({ error }) => mayRetry(error),
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (retriesLeft > 0 && mayRetry(error)) await this.#pause(error, attemptNumber, signal);
        },
      });
    } catch (thrown) {
      signal.throwIfAborted();
      throw spent(asError(thrown), question, attemptsMax);
    }
  }

  #urlOf({ path, query, what }: Question<unknown>): URL {
    const url = new URL(path, this.#base);
    if (url.origin !== this.#base.origin) {
      throw new FatalError(
        EXIT.source,
        `the ERP names a next page on another host for ${what}; it is not followed`,
        'check the base URL: it must be the address that the ERP itself uses in its links',
      );
    }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  async #attempt<T>(url: URL, question: Question<T>, attempt: number, signal: AbortSignal): Promise<Answer<T>> {
    return this.#queue.run(this.#options.clock, signal, async () => {
      const startMs = performance.now();
      const seen: { status: number | null } = { status: null };
      try {
        return await this.#exchange(url, question, startMs, seen, signal);
      } finally {
        const ms = Math.round(performance.now() - startMs);
        this.#options.onRequest?.({ path: url.pathname, attempt, status: seen.status, ms });
      }
    });
  }

  async #exchange<T>(
    url: URL,
    question: Question<T>,
    startMs: number,
    seen: { status: number | null },
    signal: AbortSignal,
  ): Promise<Answer<T>> {
    const { what, read, absent } = question;
    const { profile, deadlineMs = DEADLINE_MS } = this.#options;
    const { name, auth, limits, retryStatuses } = profile;
    const asked: Asked = { what, path: url.pathname, profile: name, auth, limits, retryStatuses };
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      const response = await this.#send(url, question, AbortSignal.any([signal, deadline]));
      seen.status = response.status;
      if (response.status === 404 && absent !== undefined) {
        await discard(response);
        return { value: absent, asOf: dateOf(response), url: url.href };
      }
      const failure = failureOf(response, asked, performance.now() - startMs);
      if (failure) {
        await discard(response);
        throw failure;
      }
      const value = read(await readJson(response, limits.maxPageBytes), response.headers);
      return { value, asOf: dateOf(response), url: url.href };
    } catch (thrown) {
      if (thrown instanceof AttemptError || thrown instanceof FatalError) throw thrown;
      if (deadline.aborted) throw new AttemptError(`no answer within ${deadlineMs} ms`, { isLarge: true });
      throw brokenLine(thrown, asked, performance.now() - startMs);
    }
  }

  /** A session that has ended is begun anew, once: a second 401 is an answer. */
  async #send(url: URL, { headers, body }: Question<unknown>, signal: AbortSignal): Promise<Response> {
    const send = async (ours: Readonly<Record<string, string>>): Promise<Response> =>
      (this.#options.fetch ?? fetch)(url, {
        headers: { ...this.#options.profile.headers, ...headers, ...acceptJson(body), ...ours },
        redirect: 'manual', // seen, told apart from a broken line, and not followed
        signal,
        ...(body === undefined ? {} : { method: 'POST', body }),
      });
    const ours = await this.#authenticator.headers(signal);
    const response = await send(ours);
    if (response.status !== 401 || !this.#authenticator.renew(ours)) return response;
    await discard(response);
    return send(await this.#authenticator.headers(signal));
  }

  /** Full jitter, and never sooner than the vendor asked for; both bounded. */
  #pause(error: Error, attempt: number, signal: AbortSignal): Promise<void> {
    const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (attempt - 1));
    const askedMs = error instanceof AttemptError ? (error.retryAfterMs ?? 0) : 0;
    return this.#options.clock.sleep(Math.max(askedMs, this.#options.random() * ceilingMs), signal);
  }
}

function spent(error: Error, { what, canCut }: Question<unknown>, attemptsMax: number): Error {
  if (!(error instanceof AttemptError)) return error;
  if (error.isLarge && canCut !== undefined)
    return new TooLargeError(`the ERP could not serve ${what}: ${error.message}`, { cause: error });
  const message = `the ERP gave no readable answer for ${what} in ${attemptsMax} attempts: ${error.message}`;
  return new TransientError('source', message, { cause: error });
}

function dateOf(response: Response): Instant | null {
  const ms = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** With a slash at its end, so that paths are added to it and do not replace its last part. */
function baseOf(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new FatalError(
      EXIT.usage,
      "the ERP's address is not a plain http or https address",
      'set ERP_PRODUCTION_URL or ERP_STAGING_URL, without credentials in it',
    );
  }
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

const acceptJson = (body: string | undefined): Record<string, string> => ({
  accept: 'application/json',
  ...(body === undefined ? {} : { 'content-type': 'application/json' }),
});
