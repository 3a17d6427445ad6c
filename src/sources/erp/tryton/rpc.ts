/** The wire to Tryton: JSON-RPC over HTTP, one session per user, one call at a time, deadlines, bounded retries. */
import pRetry from 'p-retry';
import { asError, EXIT, FatalError, TooLargeError, TransientError } from '../../../errors.ts';
import type { Instant } from '../../../pipe.ts';
import { discard, readJson } from '../body.ts';
import type { Clock } from '../clock.ts';
import { AttemptError } from '../failure.ts';
import { type Queue, queueFor } from '../queue.ts';
import { errorOf, refusalOf } from './refusals.ts';
import { isRow, plain } from './values.ts';

export interface RpcOptions {
  readonly baseUrl: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly deadlineMs: number;
  readonly maxReplyBytes: number;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly attemptsMax?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
}

export interface Call {
  readonly method: string;
  readonly params: readonly unknown[];
  /** For people: `a page of products`. */
  readonly what: string;
  /** A smaller question can be asked instead, so that one beyond the deadline is not repeated. */
  readonly canCut?: boolean;
}

export interface Reply {
  /** Without `__class__` objects. */
  readonly value: unknown;
  /** The server's Date header. */
  readonly asOf: Instant | null;
}

/** The session is gone: Tryton answers 401 to a call, whether it expired, was ended or never was. */
class SessionError extends Error {
  override readonly name = 'SessionError';
}

/** Sessions by server, database, user and password: sources of one process share one. */
const sessions = new Map<string, Promise<string>>();

const ATTEMPTS_MAX = 5;
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 30_000;

export class TrytonRpc {
  readonly #options: RpcOptions;
  readonly #url: string;
  readonly #key: string;
  readonly #queue: Queue;

  constructor(options: RpcOptions) {
    this.#options = options;
    this.#url = new URL(`${encodeURIComponent(options.database)}/`, slashed(options.baseUrl)).href;
    this.#key = JSON.stringify([this.#url, options.user, options.password]);
    this.#queue = queueFor(this.#url, { concurrency: 1, maxPageBytes: options.maxReplyBytes }); // parallel calls gain nothing
  }

  /**
   * Calls a method. Throws TransientError when attempts are spent, TooLargeError for a question that can be cut and
   * took longer than the deadline, FatalError for what no repetition cures, and the signal's reason.
   */
  async call(call: Call, signal: AbortSignal): Promise<Reply> {
    const { what, canCut = false } = call;
    try {
      return await this.#inSession(call, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asError(thrown);
      if (!(error instanceof AttemptError)) throw error;
      const message = `the ERP gave no usable answer for ${what}: ${error.message}`;
      if (error.isLarge && canCut) throw new TooLargeError(message, { cause: error });
      throw new TransientError('source', message, { cause: error });
    }
  }

  /** Logs in again once when the session is gone. A second refusal means that sessions do not last: a person must look. */
  async #inSession(call: Call, signal: AbortSignal): Promise<Reply> {
    const first = this.#session(signal);
    try {
      return await this.#persist(call, await first, signal);
    } catch (thrown) {
      if (!(thrown instanceof SessionError)) throw thrown;
      if (sessions.get(this.#key) === first) sessions.delete(this.#key);
    }
    const again = this.#session(signal);
    try {
      return await this.#persist(call, await again, signal);
    } catch (thrown) {
      if (!(thrown instanceof SessionError)) throw thrown;
      sessions.delete(this.#key);
      throw new FatalError(
        EXIT.access,
        'the ERP ends each session as soon as it has begun',
        'check that ERP_USER is active, and that no proxy removes the Authorization header',
      );
    }
  }

  #session(signal: AbortSignal): Promise<string> {
    const known = sessions.get(this.#key);
    if (known) return known;
    const fresh = this.#login(signal);
    sessions.set(this.#key, fresh);
    fresh.catch(() => sessions.delete(this.#key));
    return fresh;
  }

  async #login(signal: AbortSignal): Promise<string> {
    const { user, password } = this.#options;
    const login = { method: 'common.db.login', params: [user, { password }], what: 'the login' };
    const { value } = await this.#persist(login, null, signal);
    const [id, key] = Array.isArray(value) ? value : [];
    if (typeof id !== 'number' || typeof key !== 'string')
      throw refusalOf(401, 'the login', true) ?? new Error('login');
    return Buffer.from(`${user}:${id}:${key}`).toString('base64');
  }

  #persist(call: Call, session: string | null, signal: AbortSignal): Promise<Reply> {
    const { clock, attemptsMax = ATTEMPTS_MAX } = this.#options;
    const mayRetry = (error: Error): boolean => error instanceof AttemptError && !(error.isLarge && call.canCut);
    const attempt = () => this.#queue.run(clock, signal, () => this.#attempt(call, session, signal));
    return pRetry(attempt, {
      ...{ retries: attemptsMax - 1, minTimeout: 0, maxTimeout: 0, signal },
      shouldRetry: ({ error }) => mayRetry(error),
      onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
        if (retriesLeft === 0 || !mayRetry(error)) return;
        const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (attemptNumber - 1));
        await clock.sleep(this.#options.random() * ceilingMs, signal);
      },
    });
  }

  async #attempt({ method, params, what }: Call, session: string | null, signal: AbortSignal): Promise<Reply> {
    const { deadlineMs, maxReplyBytes, fetch: asker = fetch } = this.#options;
    const deadline = AbortSignal.timeout(deadlineMs);
    const isLogin = session === null;
    try {
      const response = await asker(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(isLogin ? {} : { authorization: `Session ${session}` }) },
        body: JSON.stringify({ id: 0, method, params }), // exactly these keys: others switch the reply's format
        redirect: 'manual',
        signal: AbortSignal.any([signal, deadline]),
      });
      if (response.status !== 200) {
        await discard(response);
        if (response.status === 401 && !isLogin) throw new SessionError(what);
        throw refusalOf(response.status, what, isLogin) ?? new AttemptError(`status ${response.status}`);
      }
      const dateMs = Date.parse(response.headers.get('date') ?? '');
      const asOf = Number.isNaN(dateMs) ? null : new Date(dateMs).toISOString();
      return { value: resultOf(await readJson(response, maxReplyBytes), what), asOf };
    } catch (thrown) {
      const isJudged = [AttemptError, FatalError, SessionError].some((kind) => thrown instanceof kind);
      if (isJudged) throw thrown;
      if (deadline.aborted) throw new AttemptError(`no answer within ${deadlineMs} ms`, { isLarge: true });
      throw new AttemptError('the connection broke', { cause: thrown });
    }
  }
}

function resultOf(envelope: unknown, what: string): unknown {
  if (!isRow(envelope)) throw new AttemptError('the answer is no JSON-RPC reply');
  if (envelope.error !== undefined) throw errorOf(envelope.error, what);
  if (!('result' in envelope)) throw new AttemptError('the answer holds neither result nor error');
  return plain(envelope.result);
}

function slashed(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) {
    return `${url.origin}${url.pathname.replace(/\/*$/, '/')}`;
  }
  throw new FatalError(
    EXIT.usage,
    "the ERP's address is not a plain http or https address",
    'set ERP_PRODUCTION_URL or ERP_STAGING_URL, without credentials in it',
  );
}
