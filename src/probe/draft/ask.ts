/** Questions to an API that nobody has described yet: GET only, one at a time, few, and to one host. */
import { EXIT, FatalError } from '../../errors.ts';
import type { Authenticator } from '../../sources/erp/authenticator.ts';
import { discard, readJson } from '../../sources/erp/body.ts';
import type { Clock } from '../../sources/erp/clock.ts';
import { AttemptError, retryAfterOf } from '../../sources/erp/failure.ts';

/** For one resource, repetitions and sign-ins included. */
export const CALLS_MAX = 40;
/** For one resource, waits that the vendor asks for included. */
const DRAFT_MS_MAX = 300_000;
const CALL_MS_MAX = 45_000;
const ATTEMPTS_MAX = 3;
/** Before a repetition, when the vendor names no time. */
const PAUSE_MS = 1000;
const BODY_BYTES_MAX = 20_000_000;

/** An answer of the vendor. `json` is undefined when there is none to read; `fault` says why. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
  readonly fault: string | null;
}

export interface AskerOptions {
  /** Null: nobody is configured to sign in. */
  readonly authenticator: Authenticator | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly fetch: typeof fetch;
  readonly onCall: (calls: number) => void;
  readonly msMax?: number;
}

/** Counts whatever leaves for the vendor, the authenticator's sign-ins too. */
export class CallCount {
  calls = 0;
  readonly #fetch: typeof fetch;

  constructor(given: typeof fetch) {
    this.#fetch = given;
  }

  readonly fetch: typeof fetch = (...args) => {
    this.calls++;
    return this.#fetch(...args);
  };
}

export class Asker {
  readonly #options: AskerOptions;
  readonly #count: CallCount;
  readonly #msMax: number;
  #deadline: AbortSignal;
  calls = 0;

  constructor(options: AskerOptions, count: CallCount) {
    this.#options = options;
    this.#count = count;
    this.#msMax = options.msMax ?? DRAFT_MS_MAX;
    this.#deadline = AbortSignal.timeout(this.#msMax);
  }

  /** Its time begins anew: others were asked meanwhile. */
  resume(): void {
    this.#deadline = AbortSignal.timeout(this.#msMax);
  }

  /** Calls left: what is worth less stops asking earlier. */
  get left(): number {
    return this.#deadline.aborted ? 0 : Math.max(0, CALLS_MAX - this.calls);
  }

  /** Why nothing more is asked, in words; null: there are calls left. */
  get shortage(): string | null {
    if (this.calls >= CALLS_MAX) return `all ${CALLS_MAX} calls were used`;
    return this.#deadline.aborted ? `its ${this.#msMax / 1000} s were over after ${this.calls} calls` : null;
  }

  /**
   * Null: no call is left, the address is on another host, or no answer came. `isNeeded`: worth repeating when the
   * vendor fails; a wait that the vendor asks for is kept in any case, and where no time is left after it, its answer is
   * what there is.
   */
  async ask(url: URL, headers: Readonly<Record<string, string>> = {}, isNeeded = false): Promise<Answer | null> {
    const { stop, clock, origin } = this.#options;
    const signal = AbortSignal.any([stop, this.#deadline]);
    let answer: Answer | null = null;
    for (let attempt = 1; url.origin === origin && this.left > 0; attempt++) {
      answer = await this.#exchange(url, headers, signal);
      stop.throwIfAborted();
      const waits = answer !== null && [429, 503].includes(answer.status) && answer.headers.has('retry-after');
      const failed = answer === null || answer.status >= 500;
      const again = answer?.status === 429 || waits || (failed && isNeeded);
      if (!again || attempt >= ATTEMPTS_MAX) return answer;
      const waitMs = (answer === null ? null : retryAfterOf(answer.headers)) ?? PAUSE_MS;
      await clock.sleep(waitMs, signal).catch(() => stop.throwIfAborted());
    }
    return answer;
  }

  async #exchange(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer | null> {
    const { authenticator, onCall } = this.#options;
    const before = this.#count.calls;
    try {
      const ours = (await authenticator?.headers(signal)) ?? {};
      const response = await this.#send(url, { ...headers, ...ours }, signal);
      if (response.status !== 401 || authenticator?.renew(ours) !== true) return await answerOf(response);
      await discard(response); // a session that has ended is begun anew, once
      return await answerOf(await this.#send(url, { ...headers, ...(await authenticator.headers(signal)) }, signal));
    } catch (thrown) {
      if (thrown instanceof FatalError) throw thrown; // the sign-in was refused
      return null;
    } finally {
      this.calls += this.#count.calls - before;
      onCall(this.calls);
    }
  }

  #send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    return this.#count.fetch(url, {
      headers: { accept: 'application/json', ...this.#options.headers, ...headers },
      redirect: 'manual', // it could carry the credentials away
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]),
    });
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  if (!response.ok) {
    await discard(response);
    return { status, headers, json: undefined, fault: null };
  }
  const isPage = /\bhtml\b/i.test(headers.get('content-type') ?? '');
  try {
    return { status, headers, json: await readJson(response, BODY_BYTES_MAX), fault: null };
  } catch (thrown) {
    if (thrown instanceof FatalError) throw tooLarge(thrown);
    if (!(thrown instanceof AttemptError)) throw thrown;
    return { status, headers, json: undefined, fault: isPage ? 'a page of HTML' : thrown.message };
  }
}

const tooLarge = (cause: FatalError): FatalError =>
  new FatalError(
    EXIT.source,
    `one answer holds more than ${BODY_BYTES_MAX / 1_000_000} MB`,
    'give --url an address with a smaller page, such as …?limit=100',
    { cause },
  );
