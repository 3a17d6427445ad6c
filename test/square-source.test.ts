/** Reading Square: everything, changes, single orders, and what an order becomes. */
import { describe, expect, test } from 'vitest';
import type { Since } from '../src/pipe.ts';
import type { SquareSandbox } from '../src/sandbox/square/server.ts';
import { squareOrderSchema } from '../src/sources/square/model.ts';
import { squareSource } from '../src/sources/square.ts';
import {
  AS_OF_MS,
  canonicalOf,
  changedAfter,
  DAY_MS,
  fail,
  idsOf,
  pagesOf,
  partitionsOf,
  recordsOf,
  signal,
  sourceOf,
  start,
} from './square-harness.ts';

describe('reading everything', () => {
  test('every order of every location comes once, in windows by creation, closed shops included', async () => {
    const sandbox = await start();
    const ids = idsOf(await pagesOf(sourceOf(sandbox)));
    expect(new Set(ids)).toEqual(new Set(sandbox.orders().map((order) => order.id)));
    expect(ids).toHaveLength(sandbox.orders().length);
  });

  test('small and short pages change nothing, and a cursor goes with the very body it was issued for', async () => {
    const sandbox = await start({ switches: { shortPages: 3 } });
    const ids = idsOf(await pagesOf(sourceOf(sandbox, { pageSize: 4, windowDays: 200 })));
    const asked = sandbox.requests.filter((request) => request.path.endsWith('/orders/search'));
    const bodies = asked.map(({ body }) => ({ ...Object(body) }));
    const pairs = bodies.slice(1).map((body, index) => [body, bodies[index]] as const);
    const followers = pairs.filter(([body]) => body.cursor !== undefined);
    expect(ids).toHaveLength(sandbox.orders().length);
    expect(followers.length).toBeGreaterThan(30);
    for (const [body, before] of followers) expect({ ...body, cursor: '' }).toEqual({ ...before, cursor: '' });
    expect(new Set(asked.map((request) => request.headers['square-version']))).toEqual(new Set(['2026-09-16']));
  });

  test('every order, return and exchange has a valid canonical form', async () => {
    const sandbox = await start();
    const source = sourceOf(sandbox);
    const broken = recordsOf(await pagesOf(source)).filter(
      (r) => !squareOrderSchema.safeParse(source.canonical(r.raw)).success,
    );
    expect(broken).toEqual([]);
  });

  test('amounts above 2^53 stay exact', async () => {
    const sandbox = await start();
    const source = sourceOf(sandbox);
    const huge = sandbox.orders().find((order) => typeof order.total_money?.amount === 'bigint');
    const [record] = await source.get([String(huge?.id)], signal);
    expect(canonicalOf(source, record).total).toEqual({ amount: '9007199254740993', currency: 'USD' });
  });

  test('a read starts where it is told, else twelve months before the clock of the server', async () => {
    const sandbox = await start();
    await pagesOf(sourceOf(sandbox));
    await pagesOf(sourceOf(sandbox, { backfillFrom: '2026-10-01T00:00:00.000Z' }));
    const starts = sandbox.requests.flatMap(({ body }) => /"start_at":"([^"]+)"/.exec(JSON.stringify(body))?.[1] ?? []);
    expect(starts).toContain('2025-11-20T12:00:00.999Z');
    expect(starts).toContain('2026-10-01T00:00:00.000Z');
  });

  test('the last page says so, no two lead to the same next one, and each tells the clock of the server', async () => {
    const sandbox = await start({ locations: 3 });
    const pages = await pagesOf(sourceOf(sandbox, { pageSize: 3 }));
    expect(pages.map((page) => page.next === null)).toEqual(pages.map((_, index) => index === pages.length - 1));
    expect(new Set(pages.map((page) => page.next)).size).toBe(pages.length);
    expect(new Set(pages.map((page) => page.asOf))).toEqual(new Set([new Date(AS_OF_MS).toISOString()]));
    expect(pages.some((page) => page.sorted)).toBe(false);
  });
});

describe('reading changes', () => {
  const from = '2026-11-01T00:00:00.000Z';
  const since: Since = { kind: 'modified', from };

  test('what changed at or after the instant comes in ascending order', async () => {
    const sandbox = await start();
    const pages = await pagesOf(sourceOf(sandbox, { overlapMs: 0 }), since);
    const stamps = recordsOf(pages.slice(0, 1)).map((record) => record.modifiedAt);
    expect(new Set(idsOf(pages))).toEqual(new Set(changedAfter(sandbox, Date.parse(from))));
    expect(stamps).toEqual(stamps.toSorted());
    expect(pages.every((page) => page.sorted)).toBe(true);
  });

  test('a change of this very second is read although the Date header has no fractions', async () => {
    const sandbox = await start({ now: () => AS_OF_MS + 900 });
    await fetch(`${sandbox.url}/_sandbox/change`, { method: 'POST', body: '{"newOrders":1}' });
    const fresh = changedAfter(sandbox, AS_OF_MS);
    expect(fresh).toHaveLength(1);
    expect(idsOf(await pagesOf(sourceOf(sandbox), since))).toContain(fresh[0]);
  });

  test('an order that moves while pages are read costs no neighbour, even with offset cursors', async () => {
    const sandbox = await start({ locations: 1, switches: { cursors: 'offset' } });
    const expected = changedAfter(sandbox, Date.parse(from));
    const source = sourceOf(sandbox, { pageSize: 5, overlapMs: 0 });
    const [partition] = await partitionsOf(source);
    const ids = new Set<string>();
    for await (const page of source.pages(partition ?? fail(), since, signal)) {
      const moved = sandbox.orders().find((order) => order.id === page.records[0]?.id);
      if (moved && ids.size === 0) moved.updated_at = new Date(AS_OF_MS + 5_000).toISOString();
      for (const record of page.records) ids.add(record.id);
    }
    expect(expected.length).toBeGreaterThan(5);
    expect(expected.filter((id) => !ids.has(id))).toEqual([]);
  });

  test('a scan cut off at a full page without a cursor is noticed and read on', async () => {
    const sandbox = await start({ switches: { dropCursor: true } });
    const ids = idsOf(await pagesOf(sourceOf(sandbox, { pageSize: 10, overlapMs: 0 }), since));
    expect(new Set(ids)).toEqual(new Set(changedAfter(sandbox, Date.parse(from))));
  });

  test('a late upload with an old stamp is found by the repair, and only by it', async () => {
    const sandbox = await start();
    await fetch(`${sandbox.url}/_sandbox/change`, { method: 'POST', body: '{"lateUploads":1}' });
    const late = sandbox.orders().at(-1)?.id;
    const yesterday: Since = { kind: 'modified', from: new Date(AS_OF_MS - DAY_MS).toISOString() };
    const plain = idsOf(await pagesOf(sourceOf(sandbox), yesterday));
    const repaired = idsOf(await pagesOf(sourceOf(sandbox, { repairDays: 4 }), yesterday));
    expect(plain).not.toContain(late);
    expect(repaired).toContain(late);
    expect(new Set(repaired).size).toBe(repaired.length);
  });

  test('without a readable Date header our clock ends the windows, with a warning and no time to move cursors by', async () => {
    const sandbox = await start({ switches: { noDate: true } });
    const warnings: string[] = [];
    const source = sourceOf(sandbox, { now: () => AS_OF_MS, onWarning: (message) => warnings.push(message) });
    const pages = await pagesOf(source, since);
    expect(recordsOf(pages)).not.toEqual([]);
    expect(pages.every((page) => page.asOf === null)).toBe(true);
    expect(warnings).toHaveLength(1);
  });
});

describe('by id', () => {
  test('hundreds of ids are asked for in batches, absent ones left out', async () => {
    const sandbox = await start({ orders: 240 });
    const ids = sandbox
      .orders()
      .slice(0, 201)
      .map((order) => order.id);
    const found = await sourceOf(sandbox).get([...ids, 'NOBODY', String(ids[0])], signal);
    expect(found.map((record) => record.id)).toEqual(ids);
    expect(sandbox.log.filter((line) => line.path.endsWith('batch-retrieve'))).toHaveLength(3);
  });
});

describe('what an order becomes', () => {
  const entitiesOf = async (pick: (order: ReturnType<SquareSandbox['orders']>[number]) => boolean) => {
    const sandbox = await start();
    const order = sandbox.orders().find(pick);
    const [record] = await sourceOf(sandbox).get([String(order?.id)], signal);
    return { order, record };
  };

  test('a sale is its own entity', async () => {
    const { order, record } = await entitiesOf((candidate) => !candidate.returns);
    expect(record?.entities).toEqual([order?.id]);
  });

  test('a return belongs to every sale it names', async () => {
    const { order, record } = await entitiesOf((candidate) => candidate.returns?.length === 2);
    expect(record?.entities).toEqual(order?.returns?.map((entry) => entry.source_order_id));
  });

  test('an exchange is itself and part of the sale it gives back', async () => {
    const { order, record } = await entitiesOf((candidate) => !!candidate.returns && !!candidate.line_items);
    expect(record?.entities).toEqual([order?.id, order?.returns?.[0]?.source_order_id]);
  });

  test('a return that names no sale stays with itself', async () => {
    const { order, record } = await entitiesOf(
      (candidate) => !!candidate.returns && !candidate.returns[0]?.source_order_id,
    );
    expect(record?.entities).toEqual([order?.id]);
  });

  test('stamps of any precision become UTC with milliseconds', async () => {
    const { record } = await entitiesOf(
      (candidate) => /\d\dZ$/.test(candidate.updated_at) && !candidate.updated_at.includes('.'),
    );
    expect(record?.modifiedAt).toMatch(/T\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('what was not sent, or is no order at all, has a canonical form that the schema refuses without throwing', () => {
    const source = squareSource({ token: 'unused' });
    for (const raw of [
      null,
      7,
      'x',
      [],
      {},
      { id: 5, tenders: [null, 3], returns: 'no', total_money: { amount: 1.5 } },
    ]) {
      expect(squareOrderSchema.safeParse(source.canonical(raw)).success).toBe(false);
    }
  });
});
