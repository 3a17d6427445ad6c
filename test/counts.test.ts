/** The count at the end of a run: HubSpot's objects with our keys against the ids that the state holds. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../src/clock.ts';
import { status } from '../src/commands/status.ts';
import { sync } from '../src/commands/sync.ts';
import { countAll } from '../src/reconcile/counts.ts';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { createTransport } from '../src/sinks/hubspot/transport.ts';
import { at, keyOf, openShop } from './reconcile-harness.ts';

const specs = [
  { object: 'products', name: 'erp_product_id', label: 'Id', type: 'string', owner: 'source', unique: true },
] as const;
const counted = z.array(z.object({ object: z.string(), known: z.number(), counted: z.number() }));
const runDocument = z.object({
  status: z.string(),
  calls: z.number(),
  counted: counted.optional(),
  notes: z.array(z.string()),
});
const needs = z.object({ needs: z.array(z.object({ what: z.string(), command: z.string() })) });

type Shop = Awaited<ReturnType<typeof openShop>>;

/** What a command prints. */
async function printed(work: (stdout: { write: (text: string) => void }) => Promise<number>): Promise<unknown> {
  let text = '';
  expect(
    await work({
      write: (part) => {
        text += part;
      },
    }),
  ).toBe(0);
  return JSON.parse(text);
}

/** Counts with a clock of its own; `during` happens in each of its pauses, and each question takes `questionMs`. */
async function count(shop: Shop, during: (pauses: number) => Promise<void> = async () => undefined, questionMs = 0) {
  const db = new Database(join(shop.folder, 'state.db'), { readonly: true });
  onTestFinished(() => void db.close());
  const pausesMs: number[] = [];
  const clock = {
    now: () => pausesMs.reduce((sum, ms) => sum + ms + questionMs, 0),
    sleep: async (ms: number) => {
      pausesMs.push(ms);
      await during(pausesMs.length);
    },
  };
  const options = { token: SANDBOX_TOKEN, baseUrl: shop.hubspot.url, version: 'v3', clock: systemClock } as const;
  const transport = createTransport({ ...options, random: () => 0 });
  const { signal } = new AbortController();
  const result = await countAll([{ pipe: 'products', specs }], { db, transport, clock, signal });
  return { ...result.get('products'), pausesMs };
}

describe('the count', () => {
  test('takes one call where both sides agree', async () => {
    const shop = await openShop();
    const known = shop.living('products').length;
    expect(await count(shop)).toEqual({
      objects: [{ object: 'products', known, counted: known }],
      calls: 1,
      pausesMs: [],
    });
  });

  test('asks again while the search index lags, ten seconds at most', async () => {
    const shop = await openShop();
    const one = at(shop.living('products'), 0);
    const known = shop.living('products').length;
    await shop.archive('products', one.id);
    const { objects, calls, pausesMs } = await count(shop);
    expect(objects).toEqual([{ object: 'products', known, counted: known - 1 }]);
    expect(calls).toBe(8);
    expect(pausesMs.reduce((sum, ms) => sum + ms, 0)).toBe(10_000);
    const slow = await count(shop, undefined, 1_500);
    expect(slow.calls).toBe(8);
    const late = await count(shop, async (pauses) => {
      if (pauses === 2) await shop.create('products', { name: 'Found late', erp_product_id: keyOf(one) });
    });
    expect(late).toMatchObject({ objects: [{ known, counted: known }], calls: 3 });
  });

  test('asks soon at first and then less often, so that a run ends when the index shows what was proven', async () => {
    const shop = await openShop();
    const one = at(shop.living('products'), 0);
    await shop.archive('products', one.id);
    const { pausesMs } = await count(shop);
    expect(pausesMs).toEqual(pausesMs.toSorted((a, b) => a - b));
    expect([pausesMs.at(0), pausesMs.at(-1)]).toEqual([500, 2_000]);
    const soon = await count(shop, async () => {
      await shop.create('products', { name: 'Soon there', erp_product_id: keyOf(one) });
    });
    expect(soon).toMatchObject({ calls: 2, pausesMs: [500] });
  });
});

test('a run says what is counted; a disagreement is a note with its command, there and in status, and fails nothing', async () => {
  const shop = await openShop();
  const products = shop.living('products');
  const known = products.length;
  const run = async (flags: object) =>
    runDocument.parse(await printed((stdout) => sync('products', { ...flags, json: true }, shop.invocation(stdout))));
  const statusNeeds = async () =>
    needs.parse(await printed((stdout) => status({ json: true }, shop.invocation(stdout)))).needs;
  expect(await run({})).toMatchObject({
    status: 'ok',
    calls: 1,
    counted: [{ object: 'products', known, counted: known }],
  });
  await shop.archive('products', at(products, 0).id);
  expect((await run({ limit: 5 })).counted).toBeUndefined();
  expect((await run({ dryRun: true })).counted).toBeUndefined();
  expect(await statusNeeds()).toEqual([]);

  const said = await run({});
  expect(said).toMatchObject({ status: 'ok', counted: [{ object: 'products', known, counted: known - 1 }] });
  expect(said.notes).toEqual([
    `HubSpot counts ${known - 1} products with our key, ${known} are known here: retail-sync reconcile products`,
  ]);
  const what = `products: HubSpot counts ${known - 1} products with our key, ${known} are known here`;
  expect(await statusNeeds()).toEqual([{ what, command: 'retail-sync reconcile products' }]);
}, 40_000);
