/** A wire for the sink's tests: a real server on loopback that answers as told, and clocks that do not wait. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../src/sinks/hubspot/clock.ts';
import type { ApiVersion } from '../src/sinks/hubspot/paths.ts';
import { createTransport, type Transport, type TransportOptions } from '../src/sinks/hubspot/transport.ts';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** Undefined when there is no body; tests read it by shape. */
  readonly body: unknown;
}

export interface Told {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `reset` cuts the line instead of answering, `truncate` in the middle of the body, `stall` never finishes it. */
  readonly act?: 'reset' | 'truncate' | 'stall' | 'silence';
}

export interface Wire {
  readonly url: string;
  readonly seen: Seen[];
  answer: (request: Seen, number: number) => Told;
  close(): Promise<void>;
}

export async function startWire(): Promise<Wire> {
  const seen: Seen[] = [];
  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const url = new URL(incoming.url ?? '/', 'http://wire');
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const { method = 'GET', headers } = incoming;
    const request = { method, path: url.pathname, query: url.search, headers, text, body };
    seen.push(request);
    reply(outgoing, wire.answer(request, seen.length));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const wire: Wire = {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer: () => ({ json: {} }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return wire;
}

function reply(outgoing: ServerResponse, told: Told): void {
  if (told.act === 'silence') return;
  if (told.act === 'reset') {
    outgoing.socket?.destroy();
    return;
  }
  const body = told.text ?? (told.json === undefined ? '' : JSON.stringify(told.json));
  const length = Buffer.byteLength(body) + (told.act ? 50 : 0);
  const headers = { 'content-type': 'application/json;charset=utf-8', 'content-length': length, ...told.headers };
  outgoing.writeHead(told.status ?? 200, headers);
  if (!told.act) {
    outgoing.end(body);
    return;
  }
  outgoing.write(body);
  if (told.act === 'truncate') setTimeout(() => outgoing.socket?.destroy(), 5);
}

/** Sleeps end at once and are remembered; `now` moves by what was slept, and by the real time in between. */
export function hastyClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  let skippedMs = 0;
  return {
    slept,
    now: () => Date.now() + skippedMs,
    sleep: async (ms, signal) => {
      await nextTurn();
      signal.throwIfAborted();
      slept.push(ms);
      skippedMs += ms;
    },
  };
}

/** Time stands still until `run` moves it from one due sleep to the next. */
export class VirtualClock implements Clock {
  #now = 1_000_000;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { atMs: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Runs until `work` is done; a stand-still without any sleeper fails the test by its time limit. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const finished = work.finally(() => {
      done = true;
    });
    finished.catch(() => undefined);
    while (!done) {
      await nextTurn();
      this.#sleepers.sort((a, b) => a.atMs - b.atMs);
      const next = done ? undefined : this.#sleepers.shift();
      if (!next) continue;
      this.#now = Math.max(this.#now, next.atMs);
      next.wake();
    }
    return await finished;
  }
}

export const NEVER = new AbortController().signal;

/** A transport to the wire whose random numbers are all one half. */
export const transportTo = (
  wire: { readonly url: string },
  options: Partial<TransportOptions> & { readonly version?: ApiVersion } = {},
): Transport =>
  createTransport({
    token: 'pat-na1-test',
    baseUrl: wire.url,
    version: '2026-03',
    clock: hastyClock(),
    random: () => 0.5,
    ...options,
  });

/** The inputs of a batch request, typed for what the tests look at. */
export interface SentInput {
  readonly id: string;
  readonly idProperty?: string;
  readonly objectWriteTraceId?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

export function inputsOf(request: Seen | undefined): readonly SentInput[] {
  const body = request?.body;
  if (typeof body !== 'object' || body === null || !('inputs' in body) || !Array.isArray(body.inputs)) return [];
  return body.inputs;
}
