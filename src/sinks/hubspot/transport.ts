/**
 * The one function through which every call to HubSpot goes: limits, deadline, retries and the status table.
 * It is the only place of the sink that waits.
 */
import pRetry from 'p-retry';
import { EXIT, FatalError } from '../../errors.ts';
import { type Attempt, attempt, type WireRequest } from './attempt.ts';
import { type HubSpotClient, openClient } from './client.ts';
import type { Clock } from './clock.ts';
import { type Budget, Limits } from './limits.ts';
import { type ApiVersion, type Paths, pathsOf } from './paths.ts';
import { backoffMs, RetryTokens, Unsettled } from './retry.ts';
import { type Again, again, judge, refuses, type Verdict } from './statuses.ts';
import { type CallEvent, type CallStats, Tally } from './tally.ts';
import type { CallKind } from './window.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** From `paths`, with a query if the call needs one. */
  readonly path: string;
  readonly body?: unknown;
  readonly budget: Budget;
  /** For counting and for logs, such as `products upsert`; holds nobody's data. */
  readonly operation: string;
  /** A read is never ambiguous and leaves a share of the burst free. */
  readonly kind: CallKind;
  /** The portal need not have this: 401, 403 and 404 are answers, not errors. */
  readonly tolerant?: boolean;
  /** A 409 may be two requests meeting at one record: try once more before it is an answer. */
  readonly retryConflict?: boolean;
  /** The body is `{[tokenField]: token}`: for the endpoints that describe the token itself. */
  readonly tokenField?: string;
}

/**
 * `answered`: 2xx or a 4xx that the caller has to judge. `ambiguous`: an earlier attempt of this write got no readable
 * answer and may still land. `unknown`: no attempt got one.
 */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly body: unknown;
      readonly ambiguous: boolean;
      /** HubSpot's own id of the request, where its headers name one. */
      readonly correlation?: string;
    }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface Transport {
  readonly paths: Paths;
  readonly clock: Clock;
  /**
   * Throws FatalError (token, scope, quota, portal moving, outage, retries spent on what was certainly not applied) and
   * the reason of `signal`; nothing else.
   */
  call(request: Call, signal: AbortSignal): Promise<Answer>;
  stats(): CallStats;
}

export interface TransportOptions {
  readonly token: string;
  /** Without a path, such as `https://api.hubapi.com`. */
  readonly baseUrl: string;
  readonly version: ApiVersion;
  readonly clock: Clock;
  /** 0 to 1; spreads the retries. */
  readonly random: () => number;
  readonly fetch?: typeof fetch;
  /** To the headers: 120 s, because HubSpot's own edge gives up at 100 s. */
  readonly deadlineMs?: number;
  /** To the end of the body: 150 s. */
  readonly totalMs?: number;
  readonly attemptsMax?: number;
  /** Retry tokens at the start of the run; a retry costs two, a call that went well earns one. */
  readonly retryBudget?: number;
  /** 0 to 1: what reads leave of the burst to other apps and to writes. */
  readonly reserveShare?: number;
  readonly onCall?: (event: CallEvent) => void;
}

/** 429 answers one call waits out, and for how long, before the run gives up. */
const THROTTLES_MAX = 60;
const THROTTLED_MAX_MS = 5 * 60_000;
/** Calls in a row without any readable answer after which HubSpot counts as down. */
const UNANSWERED_MAX = 10;

export function createTransport(options: TransportOptions): Transport {
  const { clock } = options;
  const attemptsMax = options.attemptsMax ?? 5;
  const headersMs = options.deadlineMs ?? 120_000;
  const deadlines = { headersMs, totalMs: options.totalMs ?? headersMs * 1.25 };
  const limits = new Limits({ clock, reserveShare: options.reserveShare ?? 0.2 });
  const tokens = new RetryTokens(options.retryBudget ?? 20);
  const tally = new Tally();
  let client: Promise<HubSpotClient> | undefined;
  let unanswered = 0;

  async function tryOnce(request: Call, wire: WireRequest, number: number, signal: AbortSignal): Promise<Attempt> {
    client ??= openClient({ token: options.token, baseUrl: options.baseUrl, fetch: options.fetch ?? fetch });
    const ready = await client;
    const slot = await limits.acquire(request.budget, request.kind, signal);
    const startedMs = clock.now();
    const outcome = await attempt(ready, wire, deadlines, slot, signal);
    const event: CallEvent = {
      method: request.method,
      operation: request.operation,
      status: outcome.kind === 'reply' ? outcome.reply.status : 0,
      ms: clock.now() - startedMs,
      attempt: number,
      budget: request.budget,
    };
    tally.count(event);
    options.onCall?.(event);
    return outcome;
  }

  /** The whole life of one call; rejects with Unsettled when the attempts or the tokens are spent. */
  function settle(request: Call, progress: Progress, signal: AbortSignal): Promise<Answer> {
    const body = request.tokenField === undefined ? request.body : { [request.tokenField]: options.token };
    const wire: WireRequest = {
      method: request.method,
      path: request.path,
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    return pRetry(
      async (number) => {
        const outcome = await tryOnce(request, wire, number, signal);
        const verdict =
          outcome.kind === 'reply' ? judge(outcome.reply, { tolerant: request.tolerant ?? false }) : outcome;
        const status = outcome.kind === 'reply' ? outcome.reply.status : 0;
        const settled = progress.take(verdict, status, request);
        if (settled.kind === 'again')
          throw new Unsettled(settled, status, verdict.kind === 'answer' ? verdict.body : undefined);
        if (number === 1) tokens.earn();
        const told = correlationOf(outcome);
        return { kind: 'answered', status, body: settled.body, ambiguous: progress.ambiguous, ...told };
      },
      {
        retries: attemptsMax - 1,
        minTimeout: 0, // the waiting is done below, by the clock that was passed in
        signal,
        shouldConsumeRetry: ({ error }) => !(error instanceof Unsettled && error.again.throttled),
        shouldRetry: async ({ error, retriesConsumed }) => {
          if (!(error instanceof Unsettled)) return false;
          return await mayRetry(error.again, request, progress, retriesConsumed + 1, signal);
        },
      },
    );
  }

  async function mayRetry(
    last: Again,
    request: Call,
    progress: Progress,
    attemptNumber: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (last.throttled) {
      limits.block(request.budget, last.leastMs > 0 ? last.leastMs : null);
      return progress.patientAt(clock.now());
    }
    if (!tokens.take()) return false;
    await clock.sleep(backoffMs(attemptNumber, last.leastMs, options.random), signal);
    return true;
  }

  async function call(request: Call, signal: AbortSignal): Promise<Answer> {
    const progress = new Progress(request.kind);
    try {
      const answer = await settle(request, progress, signal);
      unanswered = 0;
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof Unsettled)) throw thrown;
      return giveUp(thrown, progress);
    }
  }

  function giveUp({ again: last, status, body }: Unsettled, progress: Progress): Answer {
    if (refuses(status)) return { kind: 'answered', status, body, ambiguous: progress.ambiguous };
    const unknown = last.landed === 'maybe' || progress.ambiguous;
    if (!unknown) throw unavailable(last.reason);
    unanswered += 1;
    if (unanswered >= UNANSWERED_MAX) throw unavailable(`${last.reason}, and so did ${unanswered} calls in a row`);
    return { kind: 'unknown', reason: last.reason };
  }

  const stats = (): CallStats =>
    tally.stats({ limitPer10s: limits.burstLimit, usedInWindow: limits.burstUsed, daily: limits.daily });
  return { paths: pathsOf(options.version), clock, call, stats };
}

const unavailable = (reason: string): FatalError =>
  new FatalError(
    EXIT.hubspot,
    `HubSpot is not available: ${reason}`,
    'See status.hubspot.com, then run the same command again; it continues where it stopped',
  );

function correlationOf(outcome: Attempt): { correlation?: string } {
  const correlation = outcome.kind === 'reply' ? outcome.reply.correlation : null;
  return correlation === null ? {} : { correlation };
}

/** What the attempts of one call have shown so far. */
class Progress {
  readonly #kind: CallKind;
  /** A write without a readable answer may still be applied, by whatever a later attempt is answered. */
  ambiguous = false;
  #conflicts = 0;
  #throttles = 0;
  #throttledSinceMs: number | null = null;

  constructor(kind: CallKind) {
    this.#kind = kind;
  }

  take(verdict: Verdict, status: number, request: Call): Verdict {
    if (verdict.kind === 'again') {
      if (verdict.landed === 'maybe' && this.#kind === 'write') this.ambiguous = true;
      return verdict;
    }
    if (status === 409 && request.retryConflict && this.#conflicts === 0) {
      this.#conflicts += 1;
      return again('no', 'HubSpot answered 409');
    }
    return verdict;
  }

  patientAt(nowMs: number): boolean {
    this.#throttles += 1;
    this.#throttledSinceMs ??= nowMs;
    return this.#throttles <= THROTTLES_MAX && nowMs - this.#throttledSinceMs <= THROTTLED_MAX_MS;
  }
}
