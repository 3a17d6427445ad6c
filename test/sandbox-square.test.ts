/** The emulated Square: whom it lets in, and SearchOrders with all its rules. */
import { describe, expect, test } from 'vitest';
import { AS_OF_MS, call, codeOf, mainOf, search, start, windowOf, YEAR } from './sandbox-square-harness.ts';

describe('access', () => {
  test('a request without a known token is refused as unauthorized', async () => {
    const sandbox = await start();
    const answer = await call(sandbox, '/v2/locations', undefined, { authorization: 'Bearer other' });
    expect(answer.status).toBe(401);
    expect(codeOf(answer)).toBe('UNAUTHORIZED');
  });

  test('a token without the scope, and a list with one unreadable location, are forbidden in the same words', async () => {
    const sandbox = await start({
      tokens: { poor: ['MERCHANT_PROFILE_READ'], rich: ['ORDERS_READ'] },
      forbiddenLocations: [1],
    });
    const poor = await search(sandbox, {});
    const rich = await call(
      sandbox,
      '/v2/orders/search',
      { location_ids: [mainOf(sandbox), 'LUNKNOWN'] },
      { authorization: 'Bearer rich' },
    );
    for (const answer of [poor, rich]) {
      expect(answer.status).toBe(403);
      expect(answer.json.errors?.[0]?.detail).toBe('You have insufficient permissions to perform that action.');
    }
  });

  test('the version asked for is echoed, a malformed one refused, and a base path in front changes nothing', async () => {
    const sandbox = await start();
    const echoed = await call(sandbox, '/proxy/v2/locations', undefined, { 'square-version': '2026-01-22' });
    const malformed = await call(sandbox, '/v2/locations', undefined, { 'square-version': 'latest' });
    expect(echoed.headers.get('square-version')).toBe('2026-01-22');
    expect(codeOf(malformed)).toBe('INVALID_SQUARE_VERSION_FORMAT');
  });
});

describe('SearchOrders', () => {
  test('it wants one to ten locations', async () => {
    const sandbox = await start();
    const none = await search(sandbox, { location_ids: [] });
    const eleven = await search(sandbox, { location_ids: Array.from({ length: 11 }, () => mainOf(sandbox)) });
    const ten = await search(sandbox, { location_ids: Array.from({ length: 10 }, () => mainOf(sandbox)) });
    expect(none.json.errors?.[0]?.detail).toBe('Must provide at least 1 location_id');
    expect(eleven.json.errors?.[0]?.detail).toBe('Cannot provide more than 10 location_ids.');
    expect(ten.status).toBe(200);
  });

  test('without a sort the newest come first, and a filter on another field than the sort is refused', async () => {
    const sandbox = await start();
    const stamps = (await search(sandbox, {})).json.orders?.map((order) => order.created_at) ?? [];
    expect(stamps).toEqual(stamps.toSorted().reverse());
    const range = { start_at: '2026-01-01T00:00:00Z' };
    const unsorted = await search(sandbox, { query: { filter: { date_time_filter: { updated_at: range } } } });
    const two = await search(sandbox, {
      query: { filter: { date_time_filter: { updated_at: range, created_at: range } } },
    });
    const closed = await search(sandbox, { query: { sort: { sort_field: 'CLOSED_AT' } } });
    expect([unsorted.status, two.status, closed.status]).toEqual([400, 400, 400]);
  });

  test('both ends of a window count, in any offset', async () => {
    const sandbox = await start();
    const order = sandbox.orders().find((candidate) => candidate.location_id === mainOf(sandbox));
    const at = String(order?.created_at);
    const shifted = new Date(Date.parse(at) + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
    const exact = await search(sandbox, windowOf('created_at', at, at));
    const offset = await search(sandbox, windowOf('created_at', shifted, shifted));
    expect(exact.json.orders?.map((found) => found.id)).toContain(order?.id);
    expect(offset.json.orders).toEqual(exact.json.orders);
  });

  test('an end before the start, and what is no time, are refused by name', async () => {
    const sandbox = await start();
    const backwards = await search(sandbox, windowOf('created_at', '2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z'));
    const nonsense = await search(sandbox, windowOf('created_at', 'yesterday', '2026-01-01T00:00:00Z'));
    expect([codeOf(backwards), codeOf(nonsense)]).toEqual(['INVALID_TIME_RANGE', 'INVALID_TIME']);
  });

  test('pages follow one another by cursor, and give each order once', async () => {
    const sandbox = await start({ switches: { shortPages: 7 } });
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await search(sandbox, { ...YEAR, limit: 10, ...(cursor ? { cursor } : {}) });
      ids.push(...(page.json.orders ?? []).map((order) => order.id));
      cursor = page.json.cursor;
    } while (cursor);
    const expected = sandbox.orders().filter((order) => order.location_id === mainOf(sandbox));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(expected.length);
  });

  test('a cursor is bound to the whole body and goes stale', async () => {
    let nowMs = AS_OF_MS;
    const sandbox = await start({ now: () => nowMs });
    const first = await search(sandbox, { ...YEAR, limit: 5 });
    const changed = await search(sandbox, { ...YEAR, limit: 6, cursor: first.json.cursor });
    nowMs += 301_000;
    const stale = await search(sandbox, { ...YEAR, limit: 5, cursor: first.json.cursor });
    expect([codeOf(changed), codeOf(stale)]).toEqual(['INVALID_CURSOR', 'INVALID_CURSOR']);
    expect(stale.json.errors?.[0]?.field).toBe('cursor');
  });

  test('an offset cursor skips a row when an order leaves the window between two pages; a keyset one does not', async () => {
    const lost: Record<string, number> = {};
    for (const cursors of ['offset', 'keyset'] as const) {
      const sandbox = await start({ switches: { cursors } });
      const body = { ...windowOf('updated_at', '2025-11-01T00:00:00Z', '2026-11-20T11:00:00Z'), limit: 5 };
      const first = await search(sandbox, body);
      const all = (await search(sandbox, { ...body, limit: 1000 })).json.orders ?? [];
      const moved = sandbox.orders().find((order) => order.id === first.json.orders?.[0]?.id);
      if (moved) moved.updated_at = new Date(AS_OF_MS).toISOString();
      const second = await search(sandbox, { ...body, cursor: first.json.cursor });
      lost[cursors] = second.json.orders?.[0]?.id === all[5]?.id ? 0 : 1;
    }
    expect(lost).toEqual({ offset: 1, keyset: 0 });
  });

  test('nothing found is an answer without the key, or an empty list when switched', async () => {
    const sandbox = await start();
    const body = windowOf('created_at', '2019-01-01T00:00:00Z', '2019-01-02T00:00:00Z');
    expect((await search(sandbox, body)).json).toEqual({});
    sandbox.setSwitches({ emptyOrders: 'array' });
    expect((await search(sandbox, body)).json).toEqual({ orders: [] });
  });

  test('entries come under their own key, and a query at the wrong place is ignored or refused', async () => {
    const sandbox = await start();
    const entries = await search(sandbox, { return_entries: true, limit: 1 });
    expect(Object.keys(entries.json)).toEqual(['order_entries', 'cursor']);
    const misplaced = { filter: { state_filter: { states: ['DRAFT'] } }, limit: 3 };
    expect((await search(sandbox, misplaced)).json.orders).toHaveLength(3);
    sandbox.setSwitches({ misplacedKeys: 'refuse', overLimit: 'refuse' });
    expect(codeOf(await search(sandbox, misplaced))).toBe('UNKNOWN_BODY_PARAMETER');
    expect(codeOf(await search(sandbox, { limit: 1001 }))).toBe('VALUE_TOO_HIGH');
  });

  test('filters by state and by customer are both applied, the customer of a tender counting', async () => {
    const sandbox = await start();
    const split = sandbox.orders().find((order) => (order.tenders ?? []).length === 2);
    const customer = split?.tenders?.[1]?.customer_id;
    const filter = { customer_filter: { customer_ids: [customer] }, state_filter: { states: ['COMPLETED'] } };
    const found = (await search(sandbox, { query: { filter } })).json.orders ?? [];
    expect(found.map((order) => order.id)).toContain(split?.id);
    expect(found.every((order) => order.state === 'COMPLETED')).toBe(true);
  });
});
