/**
 * Nothing is lost or doubled, whatever crashes where: the process is killed at every stage of a run, answers are lost
 * after the write was applied, and requests land after newer ones.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { seeded } from '../src/sandbox/random.ts';
import { pause, until } from './cli-harness.ts';
import { openShop, type RawItem, type Shop } from './cli-shop.ts';

/** About 400 of them are sold: four batches. */
const ITEMS = 1_000;
/** Slow enough that a run has stages to be killed in. */
const LATENCY_MS = { write: 40, read: 5 };
const ERP_LATENCY_MS = 15;
/** A process that ended before it could be killed proves nothing: it is tried again, on a new portal. */
const ATTEMPTS_MAX = 8;

type Products = ReturnType<Shop['products']>;

let template: Shop;
let undisturbed: Products;

const openBusyShop = (): Promise<Shop> =>
  openShop({ items: ITEMS, latencyMs: LATENCY_MS, erp: { latencyMs: ERP_LATENCY_MS } });

beforeAll(async () => {
  template = await openBusyShop();
  expect((await template.sync()).code).toBe(0);
  undisturbed = template.products();
  expect(undisturbed.size).toBe((await template.itemsSold()).length);
});

/** How far both vendors had come before the run. */
interface Before {
  readonly answers: number;
  readonly commits: number;
}

/** A moment of a run, seen from outside. */
interface Moment {
  readonly name: string;
  readonly hasCome: (shop: Shop, before: Before) => boolean;
}

const progressOf = ({ erp, hubspot }: Shop): Before => ({
  answers: erp.log.length,
  commits: hubspot.store.journal.entries.length,
});
const opened: Moment = { name: 'the state is opened', hasCome: ({ database }) => existsSync(dirname(database)) };
const answered = (times: number): Moment => ({
  name: `the ERP has answered ${times} times`,
  hasCome: (shop, before) => progressOf(shop).answers >= before.answers + times,
});
const written = (records: number): Moment => ({
  name: `HubSpot has taken ${records} records`,
  hasCome: (shop, before) => progressOf(shop).commits >= before.commits + records,
});

/** Starts a sync and kills it at the moment, at most `jitterMs` later. Whether it was still there to be killed. */
async function killed(shop: Shop, flags: readonly string[], moment: Moment, jitterMs: number): Promise<boolean> {
  const before = progressOf(shop);
  const running = shop.start(['sync', 'products', ...flags]);
  await until(moment.name, () => moment.hasCome(shop, before) || !running.isAlive());
  await pause(jitterMs);
  running.kill('SIGKILL');
  return (await running.ended).signal === 'SIGKILL';
}

/** Repeats a round until its process was really killed. The later attempts kill sooner. */
async function untilKilled(round: (jitterMs: number) => Promise<Shop | null>, jitterMs: number): Promise<Shop> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const shop = await round(jitterMs / 2 ** attempt);
    if (shop) return shop;
  }
  throw new Error(`the process ended before it was killed, ${ATTEMPTS_MAX} times`);
}

function expectOneOfEach(shop: Shop): void {
  const created = shop.commits('created');
  expect([...created].filter(([, times]) => times !== 1)).toEqual([]);
  expect(shop.commits('archived').size).toBe(0);
}

/** Two runs of the same data: the first may still have to write, the second must not. */
async function expectQuiet(shop: Shop): Promise<void> {
  const { mark } = shop;
  expect(await shop.syncHere()).toBe(0);
  expect(shop.writes(mark)).toEqual([]);
}

const random = seeded(20_261_121);
const moments = (list: readonly Moment[], jitterMs: number): readonly (readonly [string, Moment, number])[] =>
  list.map((moment) => {
    const jitter = Math.floor(random() * jitterMs);
    return [`${moment.name}, and ${jitter} ms`, moment, jitter];
  });

describe.concurrent('a first load that is killed with -9 when', () => {
  const list = [opened, opened, answered(1), answered(1), answered(2), answered(2), answered(3)];
  const loaded = [1, 1, 101, 101, 201, 201, 301].map(written);

  const born: Moment = { name: 'its database appears', hasCome: ({ database }) => existsSync(database) };

  test.each([...moments([born], 1), ...moments(list, 50), ...moments(loaded, 25)])(
    '%s',
    async (_, moment, jitterMs) => {
      const shop = await untilKilled(async (jitter) => {
        const fresh = await openBusyShop();
        return (await killed(fresh, [], moment, jitter)) ? fresh : null;
      }, jitterMs);
      const again = await shop.sync();
      expect(again).toMatchObject({ code: 0, signal: null });
      expect(shop.products()).toEqual(undisturbed);
      expectOneOfEach(shop);
      await expectQuiet(shop);
    },
  );
});

/** Puts the rows back to what they were, with their old dates: nothing tells that there was another value. */
async function restore(shop: Shop, rows: readonly RawItem[]): Promise<void> {
  await Promise.all(
    rows.map(({ itemNo, unitPrice, lastChanged }) => shop.change({ ids: [itemNo], set: { unitPrice, lastChanged } })),
  );
}

describe.concurrent('an update that is killed with -9 and taken back in the ERP before the next run', () => {
  test.each([
    ['before and during the first batch', [answered(1), written(1), written(1)]],
    ['between the batches', [written(101), written(201), written(301)]],
  ])(
    'leaves nothing of itself in HubSpot when it was killed %s',
    async (_, list) => {
      const shop = await openBusyShop();
      expect(await shop.syncHere()).toBe(0);
      const before = await shop.itemsSold();
      const ids = before.map(({ itemNo }) => itemNo);
      for (const [name, moment, jitterMs] of moments(list, 25)) {
        await untilKilled(async (jitter) => {
          await shop.change({ ids, set: { unitPrice: 1_234.5 } });
          return (await killed(shop, ['--approve'], moment, jitter)) ? shop : null;
        }, jitterMs);
        await restore(shop, before);
        expect(await shop.sync(['--full', '--approve']), name).toMatchObject({ code: 0, signal: null });
        expect(shop.products(), name).toEqual(undisturbed);
      }
      expectOneOfEach(shop);
      await expectQuiet(shop);
    },
    120_000,
  );
});

/** One item that is sold, and its price in HubSpot. */
async function firstSold(shop: Shop): Promise<{ id: string; price: () => string | undefined }> {
  const id = (await shop.itemsSold())[0]?.itemNo ?? '';
  return { id, price: () => shop.products().get(id)?.price };
}

describe.concurrent('HubSpot applies a write and', () => {
  test('the line is cut before the answer: the objects are there once, and the run says so', async () => {
    const shop = await openBusyShop();
    shop.hubspot.setFaults([{ path: '/batch/upsert', nth: [1, 3, 4], fault: { kind: 'reset-after' } }]);
    expect(await shop.sync()).toMatchObject({ code: 0 });
    expect(shop.products()).toEqual(undisturbed);
    expectOneOfEach(shop);
    await expectQuiet(shop);
  });

  test('every answer is lost: nothing is called written that was not read back, and the next run mends it', async () => {
    const shop = await openBusyShop();
    shop.hubspot.setFaults([
      { path: '/batch/upsert', fault: { kind: 'reset-after' } },
      { path: '/batch/read', fault: { kind: 'status', status: 503 } },
    ]);
    const lost = await shop.sync();
    expect(lost.code === 3 || lost.code === 7).toBe(true);
    shop.hubspot.setFaults([]);
    expect(await shop.sync()).toMatchObject({ code: 0 });
    expect(shop.products()).toEqual(undisturbed);
    expectOneOfEach(shop);
    await expectQuiet(shop);
  });

  test('its answers are cut off, empty, a web page or of no type: the same objects, once', async () => {
    const shop = await openBusyShop();
    const kinds = ['truncated', 'empty', 'html', 'no-content-type'] as const;
    shop.hubspot.setFaults(kinds.map((kind, index) => ({ path: '/batch/upsert', nth: [index + 1], fault: { kind } })));
    expect(await shop.sync()).toMatchObject({ code: 0 });
    expect(new Set(shop.hubspot.log.flatMap(({ fault }) => fault ?? [])).size).toBe(kinds.length);
    expect(shop.products()).toEqual(undisturbed);
    expectOneOfEach(shop);
  });
});

describe.concurrent('a write that lands late', () => {
  const LATE_MS = 1_500;
  /** Longer than a request may take to land: what the quarantine is for. */
  const QUARANTINE = { HUBSPOT_QUARANTINE_MS: '2500' };

  /** A shop in sync, its next upsert bound to land late, and an item changed to 10. */
  async function openLateShop() {
    const shop = await openShop({ items: 60, env: QUARANTINE });
    expect(await shop.syncHere()).toBe(0);
    const { id, price } = await firstSold(shop);
    shop.hubspot.setFaults([{ path: '/batch/upsert', times: 1, fault: { kind: 'late', ms: LATE_MS } }]);
    await shop.change({ ids: [id], set: { unitPrice: 10 } });
    return { shop, id, price };
  }

  test('does not win over a newer one of the next run', async () => {
    const { shop, id, price } = await openLateShop();
    expect((await shop.sync()).code).toBe(0);
    await shop.change({ ids: [id], set: { unitPrice: 20 } });
    expect((await shop.sync()).code).toBe(0);
    await pause(LATE_MS);
    expect(price()).toBe('20');
    await expectQuiet(shop);
  });

  test('does not win when its process was killed before the newer one', async () => {
    const { shop, id, price } = await openLateShop();
    const running = shop.start(['sync', 'products']);
    await until('the write is sent', () => shop.requests().some(({ status }) => status === 0));
    running.kill('SIGKILL');
    await running.ended;
    await shop.change({ ids: [id], set: { unitPrice: 20 } });
    expect((await shop.sync()).code).toBe(0);
    await pause(LATE_MS);
    expect(price()).toBe('20');
  });

  test('does not win when the ERP went back to the value before it', async () => {
    const { shop, id, price } = await openLateShop();
    const before = price();
    const running = shop.start(['sync', 'products']);
    await until('the write is sent', () => shop.requests().some(({ status }) => status === 0));
    running.kill('SIGKILL');
    await running.ended;
    await shop.change({ ids: [id], set: { unitPrice: Number(before) } });
    expect((await shop.sync()).code).toBe(0);
    await pause(LATE_MS);
    expect(price()).toBe(before);
  });
});

describe.concurrent('a run that is suspended', () => {
  test('keeps the lock, and goes on when it wakes up', async () => {
    const shop = await openBusyShop();
    const running = shop.start(['sync', 'products']);
    await until('the run reads', () => shop.erp.log.length > 0);
    running.kill('SIGSTOP');
    const second = await shop.sync();
    expect(second.code).toBe(75);
    running.kill('SIGCONT');
    expect((await running.ended).code).toBe(0);
    expect(shop.products()).toEqual(undisturbed);
  });

  test('gives the lock back at once when it is killed in its sleep', async () => {
    const shop = await openBusyShop();
    const running = shop.start(['sync', 'products']);
    await until('the run reads', () => shop.erp.log.length > 0);
    running.kill('SIGSTOP');
    running.kill('SIGKILL');
    await running.ended;
    const next = await shop.sync();
    expect(next.code).toBe(0);
    expect(next.stderr).toMatch(/an earlier run died/);
    expect(shop.products()).toEqual(undisturbed);
  });
});
