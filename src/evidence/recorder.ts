/** Listens to the calls of one probe at the ERP's fetch: what was asked, what came back, how long it took. */
import { codeOf } from '../errors.ts';

/** What a probe is doing when a call is made. */
export type Stage = 'slices' | 'sample' | 'behaviour';

export interface Exchange {
  /** From 1, over all resources of one archive. */
  readonly call: number;
  readonly resource: string;
  readonly stage: Stage;
  /** Number of the probe's question within its stage; 0 before the first. One question may take several calls. */
  readonly ask: number;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | null;
  readonly startedAtMs: number;
  readonly isKept: boolean;
  readonly answer: Reply;
}

interface Reply {
  /** Null when no answer came. */
  status: number | null;
  headers: readonly (readonly [string, string])[];
  firstByteMs: number | null;
  totalMs: number | null;
  /** Read by the probe, content decoded. */
  bytes: number;
  /** Null when the pair is not kept, or the body was larger than what is kept of one. */
  content: Uint8Array | null;
  outcome: 'under way' | 'whole' | 'left unread' | 'broken off' | 'no answer';
  /** Code of the error, such as ECONNREFUSED. */
  failure: string | null;
}

const MIB = 1_048_576;
/** Pairs kept in full for each resource, and bytes of their answers held in memory. Everything else is counted. */
export const KEPT: Readonly<Record<Stage, { readonly pairs: number; readonly bytes: number }>> = {
  slices: { pairs: 5, bytes: 4 * MIB },
  sample: { pairs: 20, bytes: 16 * MIB },
  behaviour: { pairs: 35, bytes: 28 * MIB },
};
/** A larger answer is counted and not kept: half of one cannot be redacted field by field. */
export const CONTENT_BYTES_MAX = 4 * MIB;
/** Calls remembered at all: a probe makes some sixty, more where lines or contacts are fetched record by record. */
const CALLS_MAX = 5_000;
/** What is read of an answer that is no success: the reader itself would let it go unread. */
const REFUSAL_BYTES_MAX = 65_536;
const REFUSAL_MS_MAX = 5_000;
const NULL_BODY: readonly number[] = [204, 205, 304];

export class Recorder {
  readonly exchanges: Exchange[] = [];
  /** Calls beyond those remembered. */
  uncounted = 0;
  #resource = '';
  #stage: Stage = 'slices';
  #ask = 0;
  #pairs = 0;
  #bytes = 0;
  readonly #refusalMsMax: number;

  constructor(refusalMsMax = REFUSAL_MS_MAX) {
    this.#refusalMsMax = refusalMsMax;
  }

  begin(resource: string, stage: Stage): void {
    [this.#resource, this.#stage] = [resource, stage];
    [this.#ask, this.#pairs, this.#bytes] = [0, 0, 0];
  }

  /** All calls so far, those that are only counted too. */
  get calls(): number {
    return this.exchanges.length + this.uncounted;
  }

  /** The probe has another question. */
  question(): void {
    this.#ask++;
  }

  /** Takes the place of Node's own; the caller cannot tell the difference. */
  readonly fetch: typeof fetch = async (input, init = {}) => {
    const exchange = this.#opened(input instanceof Request ? input.url : String(input), init);
    const startMs = performance.now();
    const { answer } = exchange;
    try {
      const response = await fetch(input, init);
      answer.firstByteMs = performance.now() - startMs;
      answer.status = response.status;
      answer.headers = [...response.headers];
      return response.ok ? this.#tapped(response, exchange, startMs) : await this.#refused(response, exchange, startMs);
    } catch (thrown) {
      answer.totalMs = performance.now() - startMs;
      [answer.outcome, answer.failure] = ['no answer', failureOf(thrown)];
      throw thrown;
    }
  };

  #opened(url: string, { method = 'GET', headers, body }: RequestInit): Exchange {
    const isKept = this.exchanges.length < CALLS_MAX && this.#pairs < KEPT[this.#stage].pairs;
    if (isKept) this.#pairs++;
    const exchange: Exchange = {
      call: this.exchanges.length + 1,
      ...{ resource: this.#resource, stage: this.#stage, ask: this.#ask },
      ...{ method, url, headers: [...new Headers(headers)], body: typeof body === 'string' ? body : null },
      ...{ startedAtMs: Date.now(), isKept },
      answer: {
        ...{ status: null, headers: [], firstByteMs: null, totalMs: null, bytes: 0, content: null },
        ...{ outcome: 'under way', failure: null },
      },
    };
    if (this.exchanges.length < CALLS_MAX) this.exchanges.push(exchange);
    else this.uncounted++;
    return exchange;
  }

  /** Passes each piece on as it comes, and keeps a copy as far as there is room. */
  #tapped(response: Response, exchange: Exchange, startMs: number): Response {
    const { body, status, headers } = response;
    const copy = new Copy(exchange, () => KEPT[exchange.stage].bytes - this.#bytes);
    const end = (outcome: Reply['outcome']): void => {
      this.#bytes += copy.end(outcome, performance.now() - startMs);
    };
    if (body === null || NULL_BODY.includes(status)) {
      end('whole');
      return response;
    }
    const reader = body.getReader();
    const stream = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const { done, value } = await reader.read();
            if (done) {
              end('whole');
              return controller.close();
            }
            copy.take(value);
            controller.enqueue(value);
          } catch (thrown) {
            exchange.answer.failure = failureOf(thrown);
            end('broken off');
            controller.error(thrown);
          }
        },
        async cancel(reason) {
          end('left unread');
          await reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(stream, { status, headers });
  }

  /** What a refusal says is read here, within its own bounds, and handed on as what came. */
  async #refused(response: Response, exchange: Exchange, startMs: number): Promise<Response> {
    const copy = new Copy(exchange, () => REFUSAL_BYTES_MAX);
    const reader = response.body?.getReader();
    let outcome: Reply['outcome'] = 'whole';
    const timer = setTimeout(() => {
      outcome = 'left unread'; // the reading below ends as if all had come
      void reader?.cancel().catch(() => undefined);
    }, this.#refusalMsMax);
    try {
      for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
        copy.take(piece.value);
        if (exchange.answer.bytes > REFUSAL_BYTES_MAX) {
          outcome = 'left unread';
          break;
        }
      }
    } catch (thrown) {
      [outcome, exchange.answer.failure] = ['broken off', failureOf(thrown)];
    } finally {
      clearTimeout(timer);
      await reader?.cancel().catch(() => undefined);
    }
    copy.end(outcome, performance.now() - startMs);
    const { status, headers } = response;
    return NULL_BODY.includes(status) || status < 200 || status > 599
      ? response
      : new Response(null, { status, headers });
  }
}

class Copy {
  readonly #exchange: Exchange;
  readonly #room: () => number;
  #pieces: Uint8Array[] | null;

  constructor(exchange: Exchange, room: () => number) {
    this.#exchange = exchange;
    this.#room = room;
    this.#pieces = exchange.isKept ? [] : null;
  }

  take(piece: Uint8Array): void {
    const { answer } = this.#exchange;
    answer.bytes += piece.length;
    if (answer.bytes > Math.min(CONTENT_BYTES_MAX, this.#room())) this.#pieces = null;
    this.#pieces?.push(piece.slice());
  }

  /** Returns the bytes that stay in memory. */
  end(outcome: Reply['outcome'], ms: number): number {
    const { answer } = this.#exchange;
    if (answer.outcome !== 'under way') return 0;
    [answer.outcome, answer.totalMs] = [outcome, ms];
    answer.content = this.#pieces === null ? null : Buffer.concat(this.#pieces);
    this.#pieces = null;
    return answer.content?.length ?? 0;
  }
}

/** A time-out has a name and no code. */
const failureOf = (thrown: unknown): string => {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  return codeOf(thrown) ?? (cause instanceof Error ? cause.name : 'unknown');
};
