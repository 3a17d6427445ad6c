/** The completeness proof of a run, and what is known of the slices it was read in. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openShop, type Shop, widest } from './state-commands-harness.ts';

const document = z.object({
  schemaVersion: z.literal(1),
  runId: z.string(),
  status: z.string(),
  counts: z.object({
    partitions: z.number(),
    complete: z.number(),
    unproven: z.number(),
    expected: z.number(),
    fetched: z.number(),
  }),
  union: z.looseObject({ reason: z.string().nullable() }).nullable(),
  partitions: z.array(z.object({ partition: z.string(), sweeps: z.number(), verdict: z.string() })),
});

const proofOf = async (shop: Shop, pipe: string, ...flags: string[]) => {
  const { code, stdout } = await shop.type('proof', pipe, '--json', ...flags);
  return { code, ...document.parse(JSON.parse(stdout)) };
};

/** A shop whose customers have been read once, one slice per sales rep. */
async function shopWithCustomers(): Promise<Shop> {
  const shop = await openShop({ items: 5, isSetUp: false });
  await shop.setUp();
  await shop.type('sync', 'customers');
  return shop;
}

describe('a proof', () => {
  test('of a complete run says so, for a person and as JSON', async () => {
    const shop = await openShop({ items: 40 });
    await shop.type('sync', 'products');
    const said = await shop.type('proof', 'products');
    expect(said.code).toBe(0);
    expect(said.stdout).toMatch(/ 40 +40 .*complete/);
    expect(said.stdout).toContain('Proven: everything the source says it has was read.');
    expect(widest(said.stdout)).toBeLessThanOrEqual(80);
    expect(await proofOf(shop, 'products')).toMatchObject({
      ...{ code: 0, status: 'ok', union: null, partitions: [{ sweeps: 1, verdict: 'complete' }] },
      counts: { partitions: 1, complete: 1, expected: 40, fetched: 40 },
    });
  });

  test('of a run that the source contradicts names the reason, and ends with 3', async () => {
    const shop = await openShop({ items: 20, drift: { totalWrong: 3 } });
    await shop.type('sync', 'products');
    const said = await shop.type('proof', 'products');
    expect(said.code).toBe(3);
    expect(said.stdout).toMatch(/unproven\n +the source says 23 records, 20 were/);
    expect(await proofOf(shop, 'products')).toMatchObject({ status: 'partial', counts: { unproven: 1 } });
  });

  test('is asked for again by the next run, and says why, until the source agrees with itself', async () => {
    const shop = await openShop({ items: 20, drift: { totalWrong: 1, shiftRows: 2 } });
    expect((await shop.type('sync', 'products')).code).toBe(3);
    const again = await shop.type('sync', 'products');
    expect(again).toMatchObject({ code: 3, stdout: expect.stringMatching(/read whole\s+again/) });
    expect((await shop.type('proof', 'products')).stdout).toMatch(/21 +20 .*unproven[\s\S]*read whole again because/);
    await shop.drift({});
    await shop.type('sync', 'products');
    expect(await proofOf(shop, 'products')).toMatchObject({ code: 0, counts: { expected: 20, fetched: 20 } });
    await shop.type('sync', 'products');
    expect((await shop.type('proof', 'products')).stdout).not.toMatch(/read whole\s+again/);
  });

  test('shows each slice, and what is in none of them', async () => {
    const shop = await shopWithCustomers();
    const whole = await proofOf(shop, 'customers');
    expect(whole.counts.partitions).toBeGreaterThan(2);
    expect(whole).toMatchObject({ code: 0, counts: { fetched: 20, expected: 20 } });
    const missing = { ...{ partition: '*', label: 'all slices together', expected: 22, fetched: 20 } };
    const proof = { ...missing, repeats: 0, pages: 0, sweeps: 1, ms: 0, verdict: 'unproven', reason: '2 in no slice' };
    expect(whole).toMatchObject({ union: { verdict: 'complete', expected: 20, fetched: 20 } });
    shop.alter(`INSERT OR REPLACE INTO run_partitions SELECT id, '*', '${JSON.stringify(proof)}' FROM runs`);
    expect(await proofOf(shop, 'customers')).toMatchObject({ code: 3, union: { reason: '2 in no slice' } });
    const said = await shop.type('proof', 'customers');
    expect(said.stdout).toContain('Not proven: 2 in no slice');
    expect(widest(said.stdout)).toBeLessThanOrEqual(80);
  });

  test('is that of the last run that read slices, or of the run that was named', async () => {
    const shop = await openShop({ items: 10 });
    await shop.type('sync', 'products');
    const first = await proofOf(shop, 'products');
    await shop.type('sync', 'products', '--full');
    const second = await proofOf(shop, 'products');
    expect(second.runId).not.toBe(first.runId);
    expect(await proofOf(shop, 'products', '--run', first.runId)).toEqual(first);
    expect(shop.rows('SELECT id FROM runs ORDER BY started_at')).toEqual([{ id: first.runId }, { id: second.runId }]);
  });

  test.each([
    ['before the first run', ['proof', 'products'], /no run of products has read/],
    ['of an unknown run', ['proof', 'products', '--run', 'x'], /no run x of products/],
    ['of an unknown pipe', ['proof', 'prodcuts'], /no pipe called prodcuts/],
  ])('%s is a mistake in the command', async (_, args, said) => {
    const shop = await openShop({ items: 1, isSetUp: false });
    expect(await shop.type(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(said) });
  });
});

describe('the partitions', () => {
  test('are shown with size, time and last cut, the largest first', async () => {
    const shop = await shopWithCustomers();
    const parts = JSON.stringify([{ key: 'a', label: 'a', filter: {} }]);
    shop.alter(`INSERT INTO partition_memory SELECT id, 'huge', 'Rep of many', NULL, NULL, 'cut', '${parts}', 1767225600000, 'x'
         FROM streams WHERE pipe = 'customers'`);
    const { code, stdout } = await shop.type('partitions', 'show', 'customers');
    expect(code).toBe(0);
    expect(stdout).toMatch(/huge +Rep of many +- +- +cut +2026-01-01, in 1/);
    expect(stdout).toMatch(/partitions, 20 records when last read/);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    const json = z.object({
      counts: z.object({ records: z.number() }),
      partitions: z.array(z.object({ ms: z.number().nullable() })),
    });
    const asked = await shop.type('partitions', 'show', 'customers', '--json');
    expect(json.parse(JSON.parse(asked.stdout)).counts.records).toBe(20);
  });

  test('of a pipe that never ran are none', async () => {
    const shop = await openShop({ items: 1, isSetUp: false });
    const said = await shop.type('partitions', 'show', 'quotes');
    expect(said).toMatchObject({ code: 0, stdout: 'quotes has not been read yet: retail-sync sync quotes\n' });
  });
});
