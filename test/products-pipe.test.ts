/** The products pipe from end to end over HTTP, judged by the vendors' own data and never by the tool's mapping. */
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { pause, peakMemoryMb } from './cli-harness.ts';
import { openShop, type RawItem, type Shop } from './cli-shop.ts';

const ITEMS = 1_200;
const report = z.object({
  status: z.string(),
  counts: z.object({ read: z.number(), created: z.number(), updated: z.number(), unchanged: z.number() }),
});

/** HubSpot's name for the ERP's code. */
const STATUS: Readonly<Record<string, string>> = { A: 'active', S: 'special-order', D: 'discontinued', I: 'inactive' };

let shop: Shop;
let callsOfFirstLoad = 0;

beforeAll(async () => {
  shop = await openShop({ items: ITEMS });
  const { mark } = shop;
  const first = await shop.sync();
  expect(first.code, first.stderr).toBe(0);
  callsOfFirstLoad = shop.requests(mark).length;
});

/** Ten-thousandths of a dollar: prices have at most four decimals, and sums of fractions drift. */
const tenThousandths = (price: unknown): number => Math.round(Number(price) * 10_000);

const sumOf = (prices: readonly unknown[]): number =>
  prices.reduce((sum: number, price) => sum + tenThousandths(price), 0);

/** How many there are of each, names ascending. */
function tallied(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Everything of HubSpot that can be told from the ERP's raw rows alone. */
async function expectSame(of: Shop, sold: readonly RawItem[]): Promise<void> {
  const products = [...of.products().values()];
  expect(products).toHaveLength(sold.length);
  expect(sumOf(products.map(({ price }) => price))).toBe(sumOf(sold.map(({ unitPrice }) => unitPrice)));
  expect(sumOf(products.map((product) => product.erp_quantity_on_hand))).toBe(sumOf(sold.map(({ onHand }) => onHand)));
  expect(tallied(products.map(({ erp_status }) => erp_status ?? ''))).toEqual(
    tallied(sold.map(({ statusCode }) => STATUS[String(statusCode)] ?? '')),
  );
}

const updatesSince = (before: ReadonlyMap<string, number>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...shop.commits('updated')].flatMap(([key, times]) => {
      const more = times - (before.get(key) ?? 0);
      return more > 0 ? [[key, more]] : [];
    }),
  );

describe('the first load', () => {
  test('holds in HubSpot what the ERP sells: count, prices, stock, statuses', async () => {
    const sold = await shop.itemsSold();
    expect(sold.length).toBeGreaterThan(ITEMS / 3);
    await expectSame(shop, sold);
  });

  test('carries each value as the ERP has it', async () => {
    const products = shop.products();
    for (const item of await shop.itemsSold()) {
      expect(products.get(item.itemNo)).toMatchObject({
        hs_sku: item.sku,
        erp_upc: item.ean,
        erp_brand: item.manufacturer,
        erp_is_stocked: item.stocked === 'Y' ? 'true' : 'false',
        erp_environment: 'sandbox',
      });
    }
  });

  test('costs one call for 100 products and a few to begin with', async () => {
    expect(callsOfFirstLoad).toBeLessThanOrEqual(Math.ceil((await shop.itemsSold()).length / 100) + 10);
    expect(callsOfFirstLoad).toBeGreaterThanOrEqual(Math.ceil((await shop.itemsSold()).length / 100));
  });

  test('creates each product once', async () => {
    const sold = (await shop.itemsSold()).map(({ itemNo }) => itemNo);
    expect(shop.commits('created')).toEqual(new Map([...shop.commits('created').keys()].map((key) => [key, 1])));
    expect([...shop.commits('created').keys()].sort()).toEqual(sold.sort());
    expect(shop.commits('updated').size).toBe(0);
  });
});

describe('the days after it', () => {
  test('one in a hundred changed: those are updated, nothing else is touched', async () => {
    const before = new Map((await shop.items()).map((item) => [item.itemNo, String(item.lastChanged)]));
    await shop.change({ share: 0.01 });
    const sold = await shop.itemsSold();
    const changed = sold.filter((item) => before.get(item.itemNo) !== item.lastChanged).map(({ itemNo }) => itemNo);
    expect(changed.length).toBeGreaterThan(0);
    const updated = shop.commits('updated');
    const { mark } = shop;
    const ended = await shop.sync(['--json']);
    expect(report.parse(JSON.parse(ended.stdout))).toMatchObject({
      status: 'ok',
      counts: { read: 12, created: 0, updated: changed.length },
    });
    expect(updatesSince(updated)).toEqual(Object.fromEntries(changed.map((key) => [key, 1])));
    expect(shop.writes(mark)).toHaveLength(1);
    await expectSame(shop, sold);
  });

  test('everything read again: nothing is written', async () => {
    const { mark } = shop;
    const ended = await shop.sync(['--full', '--json']);
    const sold = (await shop.itemsSold()).length;
    expect(report.parse(JSON.parse(ended.stdout))).toMatchObject({
      status: 'ok',
      counts: { read: ITEMS, created: 0, updated: 0, unchanged: sold },
    });
    expect(shop.writes(mark)).toEqual([]);
  });

  test('an item that is no longer sold gets its new status once, and is left alone afterwards', async () => {
    const [item] = await shop.itemsSold();
    const id = item?.itemNo ?? '';
    const updated = shop.commits('updated');
    await shop.change({ ids: [id], set: { statusCode: 'I' } });
    expect((await shop.sync()).code).toBe(0);
    expect(shop.products().get(id)).toMatchObject({ erp_status: 'inactive' });
    await shop.change({ ids: [id], set: { unitPrice: 4_321 } });
    expect((await shop.sync()).code).toBe(0);
    expect((await shop.sync(['--full'])).code).toBe(0);
    expect(updatesSince(updated)).toEqual({ [id]: 1 });
    expect(shop.products().get(id)?.price).not.toBe('4321');
  });

  test('the same item is sold again: HubSpot follows', async () => {
    const retired = [...shop.products()].find(([, { erp_status }]) => erp_status === 'inactive')?.[0] ?? '';
    await shop.change({ ids: [retired], set: { statusCode: 'A' } });
    expect((await shop.sync()).code).toBe(0);
    expect(shop.products().get(retired)).toMatchObject({ erp_status: 'active', price: '4321' });
    await expectSame(shop, await shop.itemsSold());
  });

  test('an item that was never sold and changes stays in the ERP', async () => {
    const old = (await shop.items()).find(({ statusCode }) => statusCode === 'D');
    await shop.change({ ids: [old?.itemNo], set: { unitPrice: 5 } });
    expect((await shop.sync()).code).toBe(0);
    expect(shop.products().has(old?.itemNo ?? '')).toBe(false);
  });
});

test('a catalogue of 30,214 items, 12,000 of them sold, is loaded within 200 MB', async () => {
  const whole = await openShop({ items: 30_214 });
  const { mark } = whole;
  const running = whole.start(['sync', 'products']);
  let peakMb = 0;
  while (running.isAlive()) {
    peakMb = Math.max(peakMb, peakMemoryMb(running.pid));
    await pause(20); // bounded: the process has a deadline
  }
  const ended = await running.ended;
  expect(ended.code, ended.stderr).toBe(0);
  const sold = await whole.itemsSold();
  expect(sold.length).toBeGreaterThanOrEqual(12_000);
  await expectSame(whole, sold);
  expect(whole.requests(mark).length).toBeLessThanOrEqual(130);
  expect(peakMb).toBeGreaterThan(20);
  expect(peakMb).toBeLessThan(200);
});
