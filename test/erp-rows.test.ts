import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { at, EVERYTHING, idsOf, json, NEVER, pagesOf, type Row, sourceOf, Vendor } from './erp-vendor.ts';

const vendor = new Vendor();
let url = '';
beforeAll(async () => {
  url = await vendor.start();
});
afterAll(() => vendor.stop());
beforeEach(() => {
  vendor.rows = [];
  vendor.pageMax = 500;
  vendor.keepsOrder = true;
  vendor.asked = [];
  vendor.before = () => false;
});

const rowsAt = (...seconds: number[]): Row[] =>
  seconds.map((second, index) => ({ no: `I${String(index).padStart(3, '0')}`, at: at(second * 1000) }));

describe('rows that cannot be remembered', () => {
  test('are set aside with the path of the fault and without its value, once', async () => {
    vendor.before = (_asked, response) => {
      const data = [
        { no: ' A1 ', at: at(0) },
        { no: {}, at: at(1) },
        { at: at(2) },
        { no: 'B2', at: 'yesterday' },
        { no: ' ', at: at(3) },
      ];
      json(response, { data, count: 5 });
      return true;
    };
    const pages = await pagesOf(sourceOf(url, { size: 10 }));
    expect(idsOf(pages)).toEqual(['A1']);
    expect(pages.flatMap(({ rejected }) => rejected.map(({ reason }) => reason))).toEqual([
      'no: not an id (a text or a whole number)',
      'no: is absent',
      'at: not a date that the profile describes',
      'no: is empty',
    ]);
  });

  test('do not include ids beyond what a float holds', async () => {
    vendor.before = (_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"data":[{"no":9007199254740993,"at":"${at(0)}","__proto__":{"x":1},"constructor":2}],"count":1}`);
      return true;
    };
    expect(idsOf(await pagesOf(sourceOf(url)))).toEqual(['9007199254740993']);
  });
});

describe('reads by id', () => {
  test('come in groups and leave absent ids out', async () => {
    vendor.rows = rowsAt(1, 2, 3);
    const records = await sourceOf(url).get(['I000', 'I002', 'gone', 'I001', 'I000'], NEVER);
    expect(records.map(({ id }) => id)).toEqual(['I000', 'I002', 'I001']);
    expect(vendor.asked.map(({ query }) => query.get('ids'))).toEqual(['I000,I002', 'gone,I001']);
  });

  test('refuse a vendor that does not know the parameter and sends whatever it has', async () => {
    vendor.rows = rowsAt(1, 2, 3);
    vendor.before = ({ query }) => {
      query.delete('ids');
      return false;
    };
    await expect(sourceOf(url).get(['I000'], NEVER)).rejects.toMatchObject({ exit: 6 });
  });
});

test('the count of the whole is one cheap query', async () => {
  vendor.rows = rowsAt(1, 2, 3, 4, 5);
  await expect(sourceOf(url).count(EVERYTHING, NEVER)).resolves.toBe(5);
  expect(vendor.asked.map(({ query }) => query.get('size'))).toEqual(['1']);
});
