/** Every call to HubSpot ends in a readable answer, in a stated doubt, or in an error that says what to do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../src/errors.ts';
import { seeded } from '../src/sandbox/random.ts';
import { pathsOf } from '../src/sinks/hubspot/paths.ts';
import { parseRetryAfter } from '../src/sinks/hubspot/statuses.ts';
import type { Answer, Call } from '../src/sinks/hubspot/transport.ts';
import { hastyClock, NEVER, startWire, type Told, transportTo, VirtualClock, type Wire } from './hubspot-wire.ts';

let wire: Wire;
beforeEach(async () => {
  wire = await startWire();
});
afterEach(() => wire.close());

const WRITE: Call = {
  method: 'POST',
  path: '/crm/objects/2026-03/products/batch/upsert',
  body: { inputs: [] },
  budget: 'burst',
  operation: 'products upsert',
  kind: 'write',
};
const READ: Call = {
  ...WRITE,
  path: '/crm/objects/2026-03/products/batch/read',
  operation: 'products read',
  kind: 'read',
};

const OK: Told = { json: { results: [] } };
/** The answers in order; the last one for ever. */
const inOrder = (...answers: Told[]) => {
  wire.answer = (_request, number) => answers[Math.min(number, answers.length) - 1] ?? OK;
};
const fatalOf = async (call: Promise<unknown>): Promise<FatalError> => {
  const thrown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (thrown instanceof FatalError) return thrown;
  throw new Error(`expected a FatalError, got ${String(thrown)}`);
};

describe('an answer that is tried again', () => {
  const rows: readonly [string, Told, { ambiguous: boolean }][] = [
    ['408', { status: 408, json: { status: 'error' } }, { ambiguous: true }],
    ['423 locked', { status: 423, json: { status: 'error' } }, { ambiguous: false }],
    ['429 per ten seconds', { status: 429, json: { policyName: 'TEN_SECONDLY_ROLLING' } }, { ambiguous: false }],
    ['429 without any field', { status: 429, text: '' }, { ambiguous: false }],
    ['477 with a short wait', { status: 477, json: {}, headers: { 'retry-after': '3' } }, { ambiguous: false }],
    ['500', { status: 500, json: { status: 'error' } }, { ambiguous: true }],
    [
      '502 with an HTML page',
      { status: 502, text: '<html>', headers: { 'content-type': 'text/html' } },
      { ambiguous: true },
    ],
    ['503', { status: 503, text: 'busy' }, { ambiguous: true }],
    ['504', { status: 504, text: '' }, { ambiguous: true }],
    ['524', { status: 524, text: '' }, { ambiguous: true }],
    [
      '200 with an HTML page',
      { text: '<!doctype html>', headers: { 'content-type': 'text/html' } },
      { ambiguous: true },
    ],
    ['200 with nothing', { text: '' }, { ambiguous: true }],
    ['200 cut off in its body', { json: { results: [] }, act: 'truncate' }, { ambiguous: true }],
    ['400 that is not JSON', { status: 400, text: 'Bad gateway page' }, { ambiguous: false }],
    ['a reset connection', { act: 'reset' }, { ambiguous: true }],
  ];

  test.each(rows)('%s, and the write says whether it may have landed before', async (_name, first, { ambiguous }) => {
    inOrder(first, OK);
    const answer = await transportTo(wire).call(WRITE, NEVER);
    expect(answer).toEqual({ kind: 'answered', status: 200, body: { results: [] }, ambiguous });
    expect(wire.seen).toHaveLength(2);
    expect(wire.seen[1]?.text).toBe(wire.seen[0]?.text);
  });

  test('a read is never ambiguous', async () => {
    inOrder({ act: 'reset' }, { status: 500 }, OK);
    expect(await transportTo(wire).call(READ, NEVER)).toMatchObject({ kind: 'answered', ambiguous: false });
  });

  test('a 409 once, where the caller asks for it; a second 409 is the answer', async () => {
    inOrder({ status: 409, json: { category: 'CONFLICT' } });
    const transport = transportTo(wire);
    expect(await transport.call({ ...WRITE, retryConflict: true }, NEVER)).toMatchObject({ status: 409 });
    expect(wire.seen).toHaveLength(2);
    expect(await transport.call(WRITE, NEVER)).toMatchObject({ status: 409, body: { category: 'CONFLICT' } });
    expect(wire.seen).toHaveLength(3);
  });

  test('five times at most, and then the outcome of a write is unknown', async () => {
    inOrder({ status: 503 });
    const answer = await transportTo(wire).call(WRITE, NEVER);
    expect(answer).toEqual({ kind: 'unknown', reason: 'HubSpot answered 503' });
    expect(wire.seen).toHaveLength(5);
  });

  test('a page that no server of ours sent stays an answer without a body when it refuses', async () => {
    inOrder({ status: 400, text: '<html>blocked</html>' });
    expect(await transportTo(wire).call(WRITE, NEVER)).toEqual({
      kind: 'answered',
      status: 400,
      body: undefined,
      ambiguous: false,
    });
  });
});

describe('any other answer is taken as it is', () => {
  test.each([200, 201, 202, 207])('%d with JSON, with or without a content type', async (status) => {
    inOrder({ status, text: '{"numErrors":1}', headers: { 'content-type': '' } });
    expect(await transportTo(wire).call(WRITE, NEVER)).toMatchObject({ status, body: { numErrors: 1 } });
    expect(wire.seen).toHaveLength(1);
  });

  test('204 without a body, and 4xx that only the caller can judge', async () => {
    for (const status of [204, 400, 404, 413, 422]) {
      inOrder({ status, ...(status === 204 ? {} : { json: { category: 'X' } }) });
      expect(await transportTo(wire).call(WRITE, NEVER)).toMatchObject({ kind: 'answered', status });
    }
    expect(wire.seen).toHaveLength(5);
  });
});

describe('waiting', () => {
  test('a lock is left alone for two seconds and some jitter', async () => {
    inOrder({ status: 423 }, OK);
    const clock = hastyClock();
    await transportTo(wire, { clock }).call(WRITE, NEVER);
    expect(clock.slept).toEqual([2_250]);
  });

  test('the backoff doubles up to its cap, and each wait is a random share of it', async () => {
    inOrder({ status: 500 });
    const clock = hastyClock();
    await transportTo(wire, { clock, attemptsMax: 9 }).call(WRITE, NEVER);
    expect(clock.slept).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });

  test.each([
    ['7', 7_000],
    ['-5', 0],
    ['999999', 60_000],
    ['nonsense', 0],
  ])('Retry-After %s is obeyed within reason', async (header, leastMs) => {
    inOrder({ status: 503, headers: { 'retry-after': header } }, OK);
    const clock = hastyClock();
    await transportTo(wire, { clock }).call(WRITE, NEVER);
    expect(clock.slept).toEqual([leastMs + 250]);
  });

  test('Retry-After may be a date', () => {
    const now = Date.parse('2026-11-21T10:00:00Z');
    expect(parseRetryAfter('Sat, 21 Nov 2026 10:00:30 GMT', now)).toBe(30_000);
    expect(parseRetryAfter('Sat, 21 Nov 2026 09:00:00 GMT', now)).toBe(-3_600_000);
  });

  test('a 429 holds back every call of its budget for the whole window, and costs no attempt', async () => {
    const busy: Told = { status: 429, json: { policyName: 'TEN_SECONDLY_ROLLING' } };
    inOrder(busy, busy, busy, busy, busy, busy, OK);
    const clock = hastyClock();
    const startedMs = clock.now();
    const transport = transportTo(wire, { clock });
    expect(await transport.call(WRITE, NEVER)).toMatchObject({ status: 200 });
    expect(clock.now() - startedMs).toBeGreaterThanOrEqual(60_000);
    expect(transport.stats()).toMatchObject({ calls: 7, rateLimited: 6 });
  });

  test('endless 429s end the run after five minutes', async () => {
    inOrder({ status: 429, json: {} });
    const error = await fatalOf(transportTo(wire).call(WRITE, NEVER));
    expect(error.exit).toBe(EXIT.hubspot);
    expect(wire.seen.length).toBeLessThan(35);
  });
});

describe('a call that cannot work stops the run and says why', () => {
  test('401: the token', async () => {
    inOrder({ status: 401, json: { category: 'INVALID_AUTHENTICATION' } });
    const error = await fatalOf(transportTo(wire).call(WRITE, NEVER));
    expect(error).toMatchObject({ exit: EXIT.access });
    expect(error.hint).toContain('HUBSPOT_TOKEN');
    expect(`${error.message}${error.hint}`).not.toContain('pat-na1-test');
    expect(wire.seen).toHaveLength(1);
  });

  test('403: the scope, by name', async () => {
    const scopes = ['crm.objects.products.write'];
    inOrder({
      status: 403,
      json: { category: 'MISSING_SCOPES', errors: [{ context: { requiredGranularScopes: scopes } }] },
    });
    const error = await fatalOf(transportTo(wire).call(WRITE, NEVER));
    expect(error.exit).toBe(EXIT.access);
    expect(error.message).toContain('crm.objects.products.write');
  });

  test('429 of the day: the quota and when it comes back', async () => {
    inOrder({ status: 429, json: { message: 'You have reached your daily limit.', policyName: 'DAILY' } });
    const error = await fatalOf(transportTo(wire).call(WRITE, NEVER));
    expect(error.exit).toBe(EXIT.hubspot);
    expect(error.message).toMatch(/midnight of the portal's time zone/);
    expect(wire.seen).toHaveLength(1);
  });

  test('477 with a long wait: the portal is moving', async () => {
    inOrder({ status: 477, headers: { 'retry-after': '7200' } });
    const error = await fatalOf(transportTo(wire).call(WRITE, NEVER));
    expect(error).toMatchObject({ exit: EXIT.hubspot, message: expect.stringContaining('120 minutes') });
  });

  test('a redirect is not followed: the token stays with the host it was made for', async () => {
    const elsewhere = await startWire();
    inOrder({ status: 302, headers: { location: elsewhere.url } });
    expect(await fatalOf(transportTo(wire).call(WRITE, NEVER))).toMatchObject({ exit: EXIT.hubspot });
    expect(elsewhere.seen).toHaveLength(0);
    await elsewhere.close();
  });

  test('a server that refuses connections was never reached, so nothing is in doubt', async () => {
    await wire.close();
    const error = await fatalOf(transportTo(wire).call(WRITE, NEVER));
    expect(error).toMatchObject({ exit: EXIT.hubspot, message: expect.stringContaining('ECONNREFUSED') });
    wire = await startWire();
  });

  test('refusals after a lost answer leave the outcome unknown instead', async () => {
    inOrder({ act: 'reset' }, { status: 423 });
    expect(await transportTo(wire).call(WRITE, NEVER)).toMatchObject({ kind: 'unknown' });
  });

  test('a locked portal after all attempts is an error, because nothing was applied', async () => {
    inOrder({ status: 423 });
    expect(await fatalOf(transportTo(wire).call(WRITE, NEVER))).toMatchObject({ exit: EXIT.hubspot });
  });
});

describe('an outage', () => {
  test('costs a bounded number of requests, whatever the run still wants to send', async () => {
    inOrder({ status: 503 });
    const transport = transportTo(wire);
    const outcomes: Answer['kind'][] = [];
    const error = await fatalOf(
      (async () => {
        for (let batch = 0; batch < 400; batch += 1) outcomes.push((await transport.call(WRITE, NEVER)).kind);
      })(),
    );
    expect(error.exit).toBe(EXIT.hubspot);
    expect(outcomes).toEqual(Array(9).fill('unknown'));
    expect(wire.seen.length).toBeLessThanOrEqual(20);
  });

  test('earlier successes pay for later retries, but not without end', async () => {
    const transport = transportTo(wire);
    for (let call = 0; call < 30; call += 1) await transport.call(WRITE, NEVER);
    wire.seen.length = 0;
    inOrder({ status: 503 });
    for (let call = 0; call < 9; call += 1) await transport.call(WRITE, NEVER);
    expect(wire.seen.length - 9).toBe(25); // 20 tokens and 30 earned, two per retry
  });
});

describe('deadlines', () => {
  test('a silent server is left after the deadline, and the write may still land', async () => {
    inOrder({ act: 'silence' }, OK);
    const answer = await transportTo(wire, { deadlineMs: 60 }).call(WRITE, NEVER);
    expect(answer).toMatchObject({ kind: 'answered', ambiguous: true });
  });

  test('so is a body that never ends', async () => {
    inOrder({ json: { results: [] }, act: 'stall' }, OK);
    const startedMs = Date.now();
    const answer = await transportTo(wire, { deadlineMs: 60, totalMs: 120 }).call(WRITE, NEVER);
    expect(answer).toMatchObject({ kind: 'answered', ambiguous: true });
    expect(Date.now() - startedMs).toBeLessThan(2_000);
  });

  test("the caller's abort ends the call with the caller's reason", async () => {
    inOrder({ act: 'silence' });
    const stop = new AbortController();
    const call = transportTo(wire).call(WRITE, stop.signal);
    setTimeout(() => stop.abort(new Error('stopped by hand')), 30);
    await expect(call).rejects.toThrow('stopped by hand');
  });

  test('an abort also ends a wait for the window', async () => {
    inOrder({ status: 429, json: {} });
    const stop = new AbortController();
    const clock = new VirtualClock();
    const call = transportTo(wire, { clock }).call(WRITE, stop.signal);
    setTimeout(() => stop.abort(new Error('stopped by hand')), 50);
    await expect(call).rejects.toThrow('stopped by hand');
  });
});

describe('what is sent', () => {
  test("is built by HubSpot's client: URL, authorization, user agent", async () => {
    await transportTo({ url: `${wire.url}/` }).call({ ...WRITE, body: { a: 1 } }, NEVER);
    expect(wire.seen[0]).toMatchObject({ method: 'POST', path: WRITE.path, text: '{"a":1}' });
    expect(wire.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer pat-na1-test',
      'content-type': 'application/json',
      'user-agent': expect.stringContaining('hubspot'),
    });
  });

  test('the version decides every path', () => {
    expect(pathsOf('v3').batch('deals', 'upsert')).toBe('/crm/v3/objects/deals/batch/upsert');
    expect(pathsOf('2026-09').batch('deals', 'upsert')).toBe('/crm/objects/2026-09/deals/batch/upsert');
    expect(pathsOf('v3').associations('contacts', 'companies', 'create')).toBe(
      '/crm/v4/associations/contacts/companies/batch/create',
    );
    expect(pathsOf('2026-03').pipelineLimits).toBe('/crm/limits/2026-03/pipelines');
  });

  test('is counted by operation', async () => {
    inOrder({ status: 500 }, OK);
    const events: string[] = [];
    const onCall = (event: { operation: string; status: number; attempt: number }) =>
      events.push(`${event.operation} ${event.status} ${event.attempt}`);
    const transport = transportTo(wire, { onCall });
    await transport.call(WRITE, NEVER);
    await transport.call(READ, NEVER);
    expect(events).toEqual(['products upsert 500 1', 'products upsert 200 2', 'products read 200 1']);
    expect(transport.stats()).toMatchObject({
      calls: 3,
      retries: 1,
      byOperation: { 'products upsert': 2, 'products read': 1 },
    });
  });
});

// ------------------------------------------------------------------------------------------------------- the limits

/** A portal in virtual time: counts arrivals in its rolling window and answers with HubSpot's headers. */
class Portal {
  readonly #clock: VirtualClock;
  readonly #random = seeded(7);
  readonly arrivalsMs: number[] = [];
  refused = 0;
  max: number;
  sendsHeaders = true;
  /** Of one way, there or back. */
  wayMs = (random: () => number): number => random() * 400;

  constructor(clock: VirtualClock, max: number) {
    this.#clock = clock;
    this.max = max;
  }

  readonly fetch: typeof fetch = async () => {
    await this.#clock.sleep(this.wayMs(this.#random), NEVER);
    const now = this.#clock.now();
    const used = this.arrivalsMs.filter((at) => at > now - 10_000).length;
    if (used >= this.max) this.refused += 1;
    else this.arrivalsMs.push(now);
    const headers: Record<string, string> = this.sendsHeaders
      ? {
          'x-hubspot-ratelimit-max': String(this.max),
          'x-hubspot-ratelimit-remaining': String(Math.max(0, this.max - used - 1)),
          'x-hubspot-ratelimit-interval-milliseconds': '10000',
        }
      : {};
    await this.#clock.sleep(this.wayMs(this.#random), NEVER);
    const status = used >= this.max ? 429 : 200;
    return new Response(JSON.stringify(status === 200 ? { results: [] } : { policyName: 'TEN_SECONDLY_ROLLING' }), {
      status,
      headers,
    });
  };
}

/** `count` calls, ten in flight, as the engine sends them. */
async function drive(call: () => Promise<unknown>, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
}

describe('the limits', () => {
  test.each([100, 190, 250])(
    'a portal of %d per ten seconds never has to refuse, and is used to the full',
    async (max) => {
      const clock = new VirtualClock();
      const portal = new Portal(clock, max);
      const transport = transportTo(wire, { clock, fetch: portal.fetch });
      const startedMs = clock.now();
      await clock.run(drive(() => transport.call(WRITE, NEVER), max * 3));
      expect(portal.refused).toBe(0);
      expect(portal.arrivalsMs).toHaveLength(max * 3);
      expect(clock.now() - startedMs).toBeLessThan(20_000 + max * 3 * 45 + 3_000);
      expect(transport.stats().limitPer10s).toBe(max);
    },
  );

  test('an even latency costs no window any time: 400 calls at 190 take what the limit alone takes', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 190);
    portal.wayMs = () => 125;
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    const startedMs = clock.now();
    await clock.run(drive(() => transport.call(WRITE, NEVER), 400));
    expect(portal.refused).toBe(0);
    expect(clock.now() - startedMs).toBeLessThan(20_000 * 1.05);
  });

  test('calls that may have been late on their way keep their place for longer', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 100);
    portal.wayMs = (random) => (random() < 0.05 ? 2_000 : 20);
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    await clock.run(drive(() => transport.call(WRITE, NEVER), 300));
    expect(portal.refused).toBe(0);
  });

  test('how much of the window is used can be seen, and falls to nothing', async () => {
    const clock = new VirtualClock();
    const transport = transportTo(wire, { clock, fetch: new Portal(clock, 190).fetch });
    await clock.run(drive(() => transport.call(WRITE, NEVER), 30));
    expect(transport.stats()).toMatchObject({ usedInWindow: 30, limitPer10s: 190 });
    await clock.run(clock.sleep(11_000, NEVER));
    expect(transport.stats().usedInWindow).toBe(0);
  });

  test('a process that starts right after another one learns from the first headers what is left', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 100);
    const before = clock.now() - 500;
    for (let call = 0; call < 90; call += 1) portal.arrivalsMs.push(before);
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    await clock.run(drive(() => transport.call(WRITE, NEVER), 60));
    expect(portal.refused).toBe(0);
  });

  test('without headers the lowest limit is assumed', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 100);
    portal.sendsHeaders = false;
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    await clock.run(drive(() => transport.call(WRITE, NEVER), 250));
    expect(portal.refused).toBe(0);
  });

  test('a limit that shrinks during the run is followed', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 190);
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    await clock.run(drive(() => transport.call(WRITE, NEVER), 50));
    portal.max = 100;
    await clock.run(drive(() => transport.call(WRITE, NEVER), 300));
    expect(portal.refused).toBeLessThanOrEqual(10);
    expect(transport.stats().limitPer10s).toBe(100);
  });

  test('readers leave a fifth of the window free', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 100);
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    await clock.run(drive(() => transport.call(READ, NEVER), 240));
    const busiest = Math.max(
      ...portal.arrivalsMs.map((from) => portal.arrivalsMs.filter((at) => at >= from && at < from + 10_000).length),
    );
    expect(busiest).toBe(80);
  });

  test('a reader is not starved by writers', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 100);
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    let readMs = 0;
    const writing = drive(() => transport.call(WRITE, NEVER), 400);
    const reading = (async () => {
      await clock.sleep(5_000, NEVER);
      const askedMs = clock.now();
      await transport.call(READ, NEVER);
      readMs = clock.now() - askedMs;
    })();
    await clock.run(Promise.all([writing, reading]));
    expect(readMs).toBeGreaterThan(0);
    expect(readMs).toBeLessThan(22_000);
  });

  test('searches are five per second and leave the burst alone', async () => {
    const clock = new VirtualClock();
    const portal = new Portal(clock, 1_000);
    portal.sendsHeaders = false;
    const transport = transportTo(wire, { clock, fetch: portal.fetch });
    await clock.run(drive(() => transport.call({ ...READ, budget: 'search' }, NEVER), 40));
    const busiest = Math.max(
      ...portal.arrivalsMs.map((from) => portal.arrivalsMs.filter((at) => at >= from && at < from + 1_000).length),
    );
    expect(busiest).toBeLessThanOrEqual(5);
  });
});
