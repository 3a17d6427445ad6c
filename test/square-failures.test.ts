/** Reading Square when things go wrong: against the emulator for whole reads, against nock for single answers. */
import nock from 'nock';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXIT, FatalError, TransientError } from '../src/errors.ts';
import type { Fault } from '../src/sandbox/faults.ts';
import { squareOrderSchema } from '../src/sources/square/model.ts';
import { type SquareSource, squareSource } from '../src/sources/square.ts';
import { AS_OF_MS, canonicalOf, failureOf, idsOf, pagesOf, signal, sourceOf, start } from './square-harness.ts';

describe('when things go wrong on the way', () => {
  const faults: Record<string, Fault> = {
    'a body cut short': { kind: 'truncated' },
    'an empty body': { kind: 'empty' },
    'an HTML page with status 200': { kind: 'html' },
    'HTML labelled JSON': { kind: 'status', status: 200, text: '<html>hi</html>', contentType: 'application/json' },
    'half a JSON body': { kind: 'status', status: 200, text: '{"orders":[{"id":', contentType: 'application/json' },
    'errors in a 200': {
      kind: 'status',
      status: 200,
      json: { errors: [{ category: 'API_ERROR', code: 'INTERNAL_SERVER_ERROR' }] },
    },
    'a list where an object belongs': { kind: 'status', status: 200, json: [] },
    'a reset before the answer': { kind: 'reset-before' },
    'a reset after the request was served': { kind: 'reset-after' },
    'a body that stalls': { kind: 'stall', ms: 500 },
    'a slow answer': { kind: 'slow', ms: 500 },
    'a 503 as HTML': { kind: 'status', status: 503, text: '<h1>upstream connect error</h1>', contentType: 'text/html' },
    'a 500 as JSON': {
      kind: 'status',
      status: 500,
      json: { errors: [{ category: 'API_ERROR', code: 'INTERNAL_SERVER_ERROR' }] },
    },
    'a rate limit': {
      kind: 'status',
      status: 429,
      json: { errors: [{ category: 'RATE_LIMIT_ERROR', code: 'RATE_LIMITED' }] },
    },
    'a request timeout': { kind: 'status', status: 408, json: {} },
  };

  test.each(Object.entries(faults))('%s costs a retry and no order', async (_name, fault) => {
    const sandbox = await start({
      locations: 2,
      faults: [
        { path: 'orders/search', nth: [3, 6], fault },
        { path: 'bulk-retrieve', nth: [1], fault },
      ],
    });
    const ids = idsOf(await pagesOf(sourceOf(sandbox, { pageSize: 20, windowDays: 100, deadlineMs: 150 })));
    expect(new Set(ids)).toEqual(new Set(sandbox.orders().map((order) => order.id)));
    await vi.waitFor(() => expect(sandbox.log.filter((line) => line.fault).length).toBeGreaterThanOrEqual(2));
  });

  test('Retry-After is waited for', async () => {
    const fault: Fault = { kind: 'status', status: 429, json: {}, headers: { 'retry-after': '1' } };
    const sandbox = await start({ faults: [{ path: 'v2/locations', nth: [1], fault }] });
    const startedMs = performance.now();
    await sourceOf(sandbox).locationNames(signal);
    expect(performance.now() - startedMs).toBeGreaterThan(950);
  });

  test('what never gets better ends after six tries, says what it was and what to do', async () => {
    const sandbox = await start({
      faults: [{ path: 'v2/locations', fault: { kind: 'status', status: 502, json: {} } }],
    });
    const failure = await failureOf(sourceOf(sandbox).locationNames(signal));
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure.message).toMatch(/502.*6 times.*retail-sync doctor/);
    expect(sandbox.log).toHaveLength(6);
  });

  test('a server that is not there is named by its cause', async () => {
    const sandbox = await start();
    const source = sourceOf(sandbox);
    await sandbox.close();
    expect((await failureOf(source.get(['X'], signal))).message).toContain('ECONNREFUSED');
  });

  test('an expired token stops at once and names the next step', async () => {
    const fault: Fault = { kind: 'status', status: 401, json: { errors: [{ code: 'ACCESS_TOKEN_EXPIRED' }] } };
    const sandbox = await start({ faults: [{ path: 'orders/search', nth: [4], fault }] });
    const failure = await failureOf(pagesOf(sourceOf(sandbox)));
    expect(failure).toBeInstanceOf(FatalError);
    expect(failure).toMatchObject({ exit: EXIT.access, hint: expect.stringContaining('SQUARE_TOKEN') });
    expect(sandbox.log.filter((line) => line.status === 401)).toHaveLength(1);
  });

  test('a cursor called invalid restarts its window, and no order comes twice', async () => {
    const fault: Fault = {
      kind: 'status',
      status: 400,
      json: { errors: [{ code: 'INVALID_CURSOR', field: 'cursor' }] },
    };
    const sandbox = await start({ locations: 1, faults: [{ path: 'orders/search', nth: [4], fault }] });
    const ids = idsOf(await pagesOf(sourceOf(sandbox, { pageSize: 20, windowDays: 400 })));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(sandbox.orders().length);
  });

  test('cursors that are always invalid end the read, visibly', async () => {
    let nowMs = AS_OF_MS;
    const moving = await start({ locations: 1, now: () => (nowMs += 400_000), switches: { shortPages: 2 } });
    expect(await failureOf(pagesOf(sourceOf(moving, { windowDays: 400 })))).toMatchObject({
      name: 'TransientError',
      message: expect.stringContaining('invalid 4 times'),
    });
  });

  test('a cursor that comes back again and again is an error, not an endless read', async () => {
    const sandbox = await start({ locations: 1, switches: { shortPages: 2, repeatCursor: true } });
    const failure = await failureOf(pagesOf(sourceOf(sandbox)));
    expect(failure.message).toContain('repeated a page cursor');
  });

  test('orders that were not asked for stop the run: Square ignores the query', async () => {
    const sandbox = await start({ switches: { ignoreQuery: true } });
    const failure = await failureOf(pagesOf(sourceOf(sandbox)));
    expect(failure).toMatchObject({ exit: EXIT.gate, message: expect.stringContaining('ignores the query') });
  });

  test('an abort ends a read that waits for an answer', async () => {
    const sandbox = await start({ faults: [{ path: 'v2/locations', fault: { kind: 'stall', ms: 5_000 } }] });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stopped by a person')), 30);
    const failure = await failureOf(sourceOf(sandbox).locationNames(stop.signal));
    expect(failure.message).toBe('stopped by a person');
  });

  test('no more than two calls are in flight', async () => {
    let inFlight = 0;
    let most = 0;
    const sandbox = await start({ latencyMs: 20 });
    const source = sourceOf(sandbox);
    const fetched = globalThis.fetch;
    globalThis.fetch = async (...call) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      return await fetched(...call).finally(() => (inFlight -= 1));
    };
    try {
      await Promise.all(Array.from({ length: 8 }, () => source.locationNames(signal)));
    } finally {
      globalThis.fetch = fetched;
    }
    expect(most).toBe(2);
  });
});

describe('single answers', () => {
  const host = 'https://square.invalid';
  const date = 'Fri, 20 Nov 2026 12:00:00 GMT';
  const source = (): SquareSource => squareSource({ token: 'secret-token', baseUrl: `${host}/base`, retryBaseMs: 1 });

  beforeAll(() => {
    if (!nock.isActive()) nock.activate();
  });
  beforeEach(() => nock.cleanAll());
  afterAll(() => nock.restore());

  const answering = (orders: unknown[]): void => {
    nock(host).post('/base/v2/orders/batch-retrieve').reply(200, { orders }, { date });
  };

  test('the base path, the bearer and the version are sent', async () => {
    const scope = nock(host, { reqheaders: { authorization: 'Bearer secret-token', 'square-version': '2026-09-16' } })
      .post('/base/v2/orders/batch-retrieve', { order_ids: ['A'] })
      .reply(200, {}, { date });
    expect(await source().get(['A'], signal)).toEqual([]);
    expect(scope.isDone()).toBe(true);
  });

  test('an order with a fractional amount is refused by the schema; its neighbour is not', async () => {
    const stamps = {
      location_id: 'L',
      state: 'COMPLETED',
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    };
    answering([
      { id: 'A', ...stamps, total_money: { amount: 12.5, currency: 'USD' } },
      { id: 'B', ...stamps, total_money: { amount: 1250, currency: 'USD' } },
    ]);
    const read = source();
    const records = await read.get(['A', 'B'], signal);
    const valid = records.filter((record) => squareOrderSchema.safeParse(read.canonical(record.raw)).success);
    expect(valid.map((record) => record.id)).toEqual(['B']);
  });

  test('unknown states, currencies and fields pass; what is not listed is left out and named', async () => {
    answering([
      {
        id: 'A',
        location_id: 'L',
        state: 'ON_HOLD',
        created_at: '2026-01-01T02:00:00+02:00',
        updated_at: '2026-01-01T00:00:00.5Z',
        total_money: { amount: 5, currency: 'XTS' },
        net_amount_due_money: null,
        note: 'call Mrs Canary',
        tenders: [{ id: 'T', type: 'CRYPTO', note: 'Canary', amount_money: { amount: null } }],
      },
    ]);
    const read = source();
    const [record] = await read.get(['A'], signal);
    expect(canonicalOf(read, record)).toMatchObject({
      state: 'ON_HOLD',
      total: { amount: '5', currency: 'XTS' },
      netAmountDue: null,
      tenders: [{ type: 'CRYPTO', amount: null, status: null }],
    });
    expect(record?.modifiedAt).toBe('2026-01-01T00:00:00.500Z');
    expect(record?.raw).toMatchObject({ left_out: ['note', 'tenders[].note'] });
    expect(JSON.stringify(record)).not.toContain('Canary');
  });

  test('a redirect is not followed, because the token belongs to the first host', async () => {
    nock(host).post('/base/v2/orders/batch-retrieve').reply(302, '', { location: 'https://elsewhere.invalid/' });
    expect(await failureOf(source().get(['A'], signal))).toMatchObject({ exit: EXIT.usage });
  });

  test('a refused request names the code of Square, never its details or the token', async () => {
    const errors = [{ category: 'INVALID_REQUEST_ERROR', code: 'INVALID_VALUE', detail: 'Mrs Canary is no order' }];
    nock(host).post('/base/v2/orders/batch-retrieve').reply(400, { errors });
    const failure = await failureOf(source().get(['A'], signal));
    expect(failure).toMatchObject({ exit: EXIT.source, message: expect.stringContaining('INVALID_VALUE') });
    expect(`${failure.message} ${String(failure.stack)}`).not.toMatch(/Canary|secret-token/);
  });

  test('a forbidden point read fails instead of looking like an absent order', async () => {
    nock(host)
      .post('/base/v2/orders/batch-retrieve')
      .reply(403, { errors: [{ code: 'FORBIDDEN' }] });
    expect(await failureOf(source().get(['A'], signal))).toBeInstanceOf(TransientError);
  });

  test('no location at all is no success', async () => {
    nock(host).get('/base/v2/locations').reply(200, {}, { date });
    expect(await failureOf(source().locationNames(signal))).toMatchObject({ exit: EXIT.gate });
  });
});
