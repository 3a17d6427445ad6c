import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { at, EVERYTHING, idsOf, json, pagesOf, type Row, SORTED, sourceOf, UNSORTED, Vendor } from './erp-vendor.ts';

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

describe('a listing that ascends by date', () => {
  test('brings every row once and in order, for any page size and any ties', async () => {
    const anyListing = fc.record({
      dates: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 30 }),
      size: fc.integer({ min: 1, max: 8 }),
      pageMax: fc.integer({ min: 1, max: 8 }),
      from: fc.option(fc.integer({ min: 0, max: 7 }), { nil: null }),
      since: fc.constantFrom('iso', 'iso-seconds'),
    });
    await fc.assert(
      fc.asyncProperty(anyListing, async ({ dates, size, pageMax, from, since }) => {
        vendor.rows = dates.map((date, index) => ({ no: `I${index}`, at: at(date * 400) }));
        vendor.pageMax = pageMax;
        const extra = SORTED.replace('since }', `since, format: ${since} }`);
        const pages = await pagesOf(
          sourceOf(url, { size, extra }),
          from === null ? EVERYTHING : { kind: 'modified', from: at(from * 400) },
        );
        const read = pages.flatMap(({ records }) => records);
        const due = vendor.rows.filter((row) => from === null || row.at >= at(from * 400)).map(({ no }) => no);
        const ids = read.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining(due));
        expect(read.map(({ modifiedAt }) => modifiedAt)).toEqual(read.map(({ modifiedAt }) => modifiedAt).sort());
        expect(pages.every(({ sorted }) => sorted)).toBe(true);
        expect(pages.at(-1)?.next).toBeNull();
        expect(pages[0]?.total).toBe(ids.length);
        const tokens = pages.map(({ next }) => next);
        expect(new Set(tokens).size).toBe(tokens.length);
      }),
      { numRuns: 120 },
    );
  });

  test('asks from the last date read and never for an offset, so that queries stay cheap', async () => {
    vendor.rows = rowsAt(...Array.from({ length: 20 }, (_, index) => index));
    const ids = idsOf(await pagesOf(sourceOf(url, { size: 5 })));
    expect(ids).toHaveLength(20);
    expect(vendor.asked.map(({ query }) => query.get('page'))).toEqual(vendor.asked.map(() => '1'));
    expect(vendor.asked[0]?.query.has('since')).toBe(false);
    expect(vendor.asked[1]?.query.get('since')).toBe(at(4000));
  });

  test('loses no row when people edit rows that were read already', async () => {
    vendor.rows = rowsAt(...Array.from({ length: 12 }, (_, index) => index));
    const all = vendor.rows.map(({ no }) => no);
    vendor.before = ({ number }) => {
      if (number <= 4)
        vendor.rows = vendor.rows.map((row) => (row.no === `I00${number}` ? { ...row, at: at(90_000 + number) } : row));
      return false;
    };
    expect(new Set(idsOf(await pagesOf(sourceOf(url))))).toEqual(new Set(all));
  });

  test('reads one instant again until two readings agree, so that an edit inside it loses no row', async () => {
    vendor.rows = rowsAt(...Array.from({ length: 10 }, () => 1), 2, 3);
    const all = vendor.rows.map(({ no }) => no);
    let edited = false;
    vendor.before = ({ query }) => {
      if (query.get('page') === '2' && !edited) {
        edited = true; // the first row leaves the instant: the fourth slips onto the page already read
        vendor.rows = vendor.rows.map((row) => (row.no === 'I000' ? { ...row, at: at(90_000) } : row));
      }
      return false;
    };
    const pages = await pagesOf(sourceOf(url));
    expect(edited).toBe(true);
    expect(new Set(idsOf(pages))).toEqual(new Set(all));
    expect(pages.at(-1)?.total).toBe(12);
  });

  test('loses no row whichever rows are edited, deleted or added between any two pages', async () => {
    const anyHistory = fc.record({
      dates: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 25 }),
      size: fc.integer({ min: 1, max: 6 }),
      changes: fc.array(
        fc.record({
          request: fc.integer({ min: 2, max: 20 }),
          row: fc.nat(30),
          kind: fc.constantFrom('edit', 'delete', 'add'),
        }),
        { maxLength: 4 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(anyHistory, async ({ dates, size, changes }) => {
        vendor.asked = [];
        vendor.rows = rowsAt(...dates);
        const touched = new Set<string>();
        vendor.before = ({ number }) => {
          for (const { row, kind } of changes.filter(({ request }) => request === number)) {
            const chosen = vendor.rows[row % Math.max(1, vendor.rows.length)];
            vendor.rows = vendor.rows.filter((other) => kind === 'add' || other !== chosen);
            if (kind === 'delete' && chosen) touched.add(chosen.no);
            else
              vendor.rows.push({
                no: kind === 'edit' && chosen ? chosen.no : `N${number}-${row}`,
                at: at(90_000 + number),
              });
          }
          return false;
        };
        const listed = vendor.rows.map(({ no }) => no);
        const read = new Set(idsOf(await pagesOf(sourceOf(url, { size }))));
        expect(listed.filter((no) => !read.has(no) && !touched.has(no))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('gives up, to try later, when the rows of one instant change in every reading', async () => {
    vendor.rows = rowsAt(...Array.from({ length: 40 }, () => 1));
    vendor.before = ({ query, number }) => {
      if (query.get('page') === '2')
        vendor.rows = vendor.rows.map((row, index) =>
          index === number % 40 ? { ...row, at: at(90_000 + number) } : row,
        );
      return false;
    };
    await expect(pagesOf(sourceOf(url, { size: 10 }))).rejects.toMatchObject({
      name: 'TransientError',
      system: 'source',
    });
  });

  test('falls back to plain pages, and claims no order, when the vendor does not keep the order', async () => {
    vendor.rows = rowsAt(9, 3, 8, 1, 7, 2, 6);
    vendor.keepsOrder = false;
    const pages = await pagesOf(sourceOf(url));
    expect(idsOf(pages).sort()).toEqual(vendor.rows.map(({ no }) => no));
    expect(pages.every(({ sorted }) => !sorted)).toBe(true);
  });

  test('still brings every row when the vendor rounds the date filter down to the day', async () => {
    vendor.rows = rowsAt(...Array.from({ length: 15 }, (_, index) => index * 14_000));
    vendor.before = ({ query }, response) => {
      const since = query.get('since');
      if (since) query.set('since', `${since.slice(0, 10)}T00:00:00.000Z`);
      json(response, vendor.answer(query));
      return true;
    };
    const read = idsOf(await pagesOf(sourceOf(url), { kind: 'modified', from: at(60_000_000) }));
    expect(new Set(read)).toEqual(new Set(vendor.rows.map(({ no }) => no)));
  });

  test('refuses a vendor that ignores the date filter', async () => {
    vendor.rows = rowsAt(1, 2, 3, 4, 5, 6, 7);
    vendor.before = ({ query }, response) => {
      query.delete('since');
      json(response, vendor.answer(query));
      return true;
    };
    const read = pagesOf(sourceOf(url), { kind: 'modified', from: '2026-03-01T00:00:00.000Z' });
    await expect(read).rejects.toMatchObject({
      name: 'FatalError',
      exit: 6,
      message: expect.stringContaining('ignores since'),
    });
  });

  test.each([
    ['ascending', SORTED, 1],
    ['unsorted', UNSORTED, 0],
  ])('stops at a page that is repeated (%s)', async (_name, extra, tie) => {
    vendor.rows = rowsAt(...Array.from({ length: 9 }, (_, index) => (tie ? 1 : index)));
    vendor.before = ({ query }, response) => {
      query.set('page', '1');
      json(response, vendor.answer(query));
      return true;
    };
    const read = pagesOf(sourceOf(url, { extra }));
    await expect(read).rejects.toMatchObject({
      exit: 6,
      message: expect.stringMatching(/stands still.*page|page.*stands still/s),
    });
    expect(vendor.asked.length).toBeLessThan(6);
  });
});

describe('a listing without order', () => {
  test('goes on after short pages, because vendors cap page sizes silently', async () => {
    vendor.rows = rowsAt(...Array.from({ length: 11 }, (_, index) => index));
    vendor.pageMax = 2;
    const pages = await pagesOf(sourceOf(url, { size: 5, extra: UNSORTED }));
    expect(idsOf(pages)).toHaveLength(11);
    expect(pages[0]).toMatchObject({ total: 11, sorted: false, asOf: '2026-01-05T12:00:00.000Z' });
  });

  test('looks behind a full page that reaches the total, because totals are capped too', async () => {
    vendor.rows = rowsAt(1, 2, 3, 4, 5, 6, 7, 8);
    vendor.before = ({ query }, response) => {
      const page = vendor.answer(query);
      if (typeof page === 'object' && page !== null) json(response, { ...page, count: 6 });
      return true;
    };
    expect(idsOf(await pagesOf(sourceOf(url, { extra: UNSORTED })))).toHaveLength(8);
  });

  test('is read again when it took several pages, so that a row that an edit shifted out of sight is found', async () => {
    vendor.rows = rowsAt(1, 2, 3, 4, 5, 6, 7);
    vendor.before = ({ number }) => {
      if (number === 2) vendor.rows = vendor.rows.map((row) => (row.no === 'I000' ? { ...row, no: 'Z' } : row));
      return false;
    };
    const pages = await pagesOf(sourceOf(url, { extra: UNSORTED }));
    expect(pages.at(-1)?.total).toBe(7);
    expect(new Set(idsOf(pages)).has('I003')).toBe(true);
  });

  test('follows cursors until none is named, and stops at one that comes again', async () => {
    const cursors: (string | null)[] = ['b', 'c', null];
    vendor.before = ({ number }, response) => {
      json(response, { data: [{ no: String(number), at: at(number) }], meta: { next: cursors[number - 1] } });
      return true;
    };
    const source = sourceOf(url, {
      paging: '{ kind: cursor, param: cursor, from: meta.next, size: 1, keepsPlace: true }',
      extra: '',
    });
    expect(idsOf(await pagesOf(source))).toEqual(['1', '2', '3']);
    expect(vendor.asked.map(({ query }) => query.get('cursor'))).toEqual([null, 'b', 'c']);
    cursors.splice(0, 3, 'b', 'b');
    vendor.asked = [];
    await expect(pagesOf(source)).rejects.toMatchObject({ exit: 6, message: expect.stringContaining('stands still') });
  });
});
