/**
 * What every ERP adapter must do, whatever its vendor: one set of tests over a vendor that the test controls. An adapter
 * is plugged in with `erpContract('name', () => startedVendor())`; the wire is real HTTP, the vendor's rows and faults
 * are the test's.
 */
import { createServer } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Page, Partition, Since, Source, SourceRecord } from '../src/pipe.ts';
import { ErpCustomer, ErpProduct, ErpQuote } from '../src/sources/erp/model.ts';

/** A product as the contract knows it; the vendor under test spells it its own way. */
export interface ContractRow {
  /** `1`, `2`, ... : every vendor can have whole numbers as ids. */
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly ms: number;
  /** The slice it belongs to: `1`, `2` or `3`; null for none. */
  readonly group: string | null;
}

export type Fault =
  | { readonly kind: 'status'; readonly status: number }
  /** A whole answer that is no data: what a proxy or a sign-in page sends, with status 200. */
  | { readonly kind: 'html' }
  /** The beginning of a good answer, with status 200. */
  | { readonly kind: 'cut-off' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'reset' }
  /** Never answers. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'redirect'; readonly location: string };

export interface OpenOptions {
  readonly pageSize: number;
  /** Attempts for one request, pauses not waited for. */
  readonly attemptsMax: number;
  readonly deadlineMs: number;
}

/** A vendor on loopback that serves exactly `rows`, and the adapter that reads it. */
export interface ContractVendor {
  rows: ContractRow[];
  /** Before a request for records, counts or slices is answered (not one that signs in); counted from 1. */
  onRequest: (number: number) => Fault | null;
  /** Starts the count of requests anew. */
  forgetRequests(): void;
  readonly requests: number;
  /** A source of the resource that the vendor was started for: products, unless the contract is told otherwise. */
  open(options: OpenOptions): Source;
  stop(): Promise<void> | void;
}

/** What an adapter or its vendor's API has; the tests of what it lacks are left out, and say so by their absence. */
export interface Abilities {
  /** Slices by group, with one for the rows that have none. */
  readonly slices: boolean;
  readonly totals: boolean;
  /** Pages ascend by date, so that a cursor may follow them. */
  readonly sorted: boolean;
  /** The vendor filters by date; where it does not, everything is read each time. */
  readonly since: boolean;
  /** Changes that a reading must survive between its pages without losing a row that nobody touched. */
  readonly changesSurvived: number;
}

/** What the rows are to the adapter. */
export interface ContractResource {
  readonly parse: (canonical: unknown) => unknown;
  /** The canonical field that holds a row's name. */
  readonly named: string;
  /** Share of the random cases: a second resource of one adapter goes the same ways as the first. */
  readonly cases: number;
}
export const PRODUCTS: ContractResource = { parse: (value) => ErpProduct.parse(value), named: 'name', cases: 1 };
export const CUSTOMERS: ContractResource = { parse: (value) => ErpCustomer.parse(value), named: 'name', cases: 0.1 };
export const QUOTES: ContractResource = { parse: (value) => ErpQuote.parse(value), named: 'jobName', cases: 0.1 };

const NEVER = new AbortController().signal;
const EVERYTHING: Since = { kind: 'everything' };
const T0 = Date.UTC(2026, 0, 5, 12);
const iso = (ms: number): string => new Date(ms).toISOString();
const rowsAt = (seconds: readonly number[]): ContractRow[] =>
  seconds.map((second, index) => ({
    id: String(index + 1),
    name: `Item ${index + 1}`,
    ms: T0 + second * 1000,
    group: index % 4 === 3 ? null : String((index % 4) + 1),
  }));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export function erpContract(
  name: string,
  start: () => Promise<ContractVendor>,
  abilities: Abilities,
  resource: ContractResource = PRODUCTS,
): void {
  describe(`${name} keeps the contract of an ERP adapter`, () => {
    let vendor: ContractVendor;
    beforeAll(async () => {
      vendor = await start();
    });
    afterAll(() => vendor.stop());
    beforeEach(() => {
      vendor.rows = [];
      vendor.onRequest = () => null;
      vendor.forgetRequests();
    });
    const open = (pageSize: number, options: Partial<OpenOptions> = {}): Source =>
      vendor.open({ pageSize, attemptsMax: 3, deadlineMs: 2000, ...options });
    const read = async (source: Source, since = EVERYTHING): Promise<Page[]> => {
      const pages: Page[] = [];
      for await (const slice of source.partitions(since, NEVER)) {
        pages.push(...(await Array.fromAsync(source.pages(slice, since, NEVER))));
      }
      return pages;
    };

    describe('a whole reading', () => {
      test('brings every record once, whatever the page size and however many share an instant', async () => {
        const anyListing = fc.record({
          seconds: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 18 }),
          pageSize: fc.integer({ min: 1, max: 7 }),
        });
        await fc.assert(
          fc.asyncProperty(anyListing, async ({ seconds, pageSize }) => {
            vendor.rows = rowsAt(seconds);
            const pages = await read(open(pageSize));
            const ids = idsOf(pages);
            expect([...new Set(ids)].sort()).toEqual(vendor.rows.map(({ id }) => id).sort());
            expect(pages.flatMap(({ rejected }) => rejected)).toEqual([]);
          }),
          { numRuns: Math.ceil(25 * resource.cases) },
        );
      });

      test('ends each slice with a page that names no next one, and never names one twice', async () => {
        vendor.rows = rowsAt(upTo(13));
        const source = open(3);
        for await (const slice of source.partitions(EVERYTHING, NEVER)) {
          const pages = await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER));
          const tokens = pages.map(({ next }) => next);
          expect(tokens.at(-1)).toBeNull();
          expect(tokens.slice(0, -1)).not.toContain(null);
          expect(new Set(tokens).size).toBe(tokens.length);
        }
      });

      test('claims an order only where dates ascend from page to page', async () => {
        vendor.rows = rowsAt([5, 1, 4, 1, 3, 2, 2, 2, 9, 0]);
        const source = open(3);
        for await (const slice of source.partitions(EVERYTHING, NEVER)) {
          const pages = await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER));
          const claimed = pages.filter(({ sorted }) => sorted).flatMap(({ records }) => records);
          const dates = claimed.map(({ modifiedAt }) => modifiedAt);
          expect(dates).toEqual([...dates].sort());
          if (abilities.sorted) expect(pages.every(({ sorted }) => sorted)).toBe(true);
        }
      });

      test('of an empty ERP is one that ends', async () => {
        expect(idsOf(await read(open(5)))).toEqual([]);
      });

      test('says by the clock of the vendor when it was answered', async () => {
        vendor.rows = rowsAt([1]);
        const [page] = (await read(open(5))).filter(({ records }) => records.length > 0);
        const asOf = page?.asOf ?? null;
        if (asOf !== null) expect(Math.abs(Date.parse(asOf) - Date.now())).toBeLessThan(60_000);
      });
    });

    describe('a reading while people work', () => {
      test('loses no record that nobody touched', async () => {
        const anyHistory = fc.record({
          seconds: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 16 }),
          pageSize: fc.integer({ min: 1, max: 5 }),
          changes: fc.array(
            fc.record({
              request: fc.integer({ min: 2, max: 14 }),
              row: fc.nat(30),
              kind: fc.constantFrom('edit', 'delete', 'add'),
            }),
            { maxLength: abilities.changesSurvived },
          ),
        });
        await fc.assert(
          fc.asyncProperty(anyHistory, async ({ seconds, pageSize, changes }) => {
            vendor.rows = rowsAt(seconds);
            vendor.forgetRequests();
            const untouched = new Set(vendor.rows.map(({ id }) => id));
            vendor.onRequest = (number) => {
              for (const change of changes.filter(({ request }) => request === number)) {
                const chosen = vendor.rows[change.row % Math.max(1, vendor.rows.length)];
                applyChange(vendor, change.kind, chosen, number * 31 + change.row);
                if (change.kind !== 'add' && chosen) untouched.delete(chosen.id);
              }
              return null;
            };
            const ids = new Set(idsOf(await read(open(pageSize))));
            expect([...untouched].filter((id) => !ids.has(id))).toEqual([]);
          }),
          { numRuns: Math.ceil(60 * resource.cases) },
        );
      });
    });

    describe.runIf(abilities.since)('a reading of what changed', () => {
      test('brings what changed at the very instant, and everything after it', async () => {
        vendor.rows = rowsAt([0, 1, 2, 2, 2, 3, 90_000]);
        const ids = idsOf(await read(open(2), { kind: 'modified', from: iso(T0 + 2000) }));
        expect([...new Set(ids)]).toEqual(expect.arrayContaining(['3', '4', '5', '6', '7']));
      });

      test('brings little of what is older than a day', async () => {
        vendor.rows = rowsAt([0, 1, 2, 200_000, 200_001]);
        const ids = idsOf(await read(open(2), { kind: 'modified', from: iso(T0 + 200_000_000) }));
        expect([...new Set(ids)].sort()).toEqual(['4', '5']);
      });

      test('of a time in which nothing changed is empty and ends', async () => {
        vendor.rows = rowsAt([0, 1]);
        expect(idsOf(await read(open(2), { kind: 'modified', from: iso(T0 + 400_000_000) }))).toEqual([]);
      });
    });

    describe.runIf(abilities.slices)('slices', () => {
      test('hold every record exactly once, also those that belong to none', async () => {
        vendor.rows = rowsAt(upTo(14));
        const source = open(3);
        const slices: Partition[] = await Array.fromAsync(source.partitions(EVERYTHING, NEVER));
        expect(slices.length).toBeGreaterThan(3);
        const ids: string[] = [];
        for (const slice of slices) {
          const pages = await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER));
          ids.push(...new Set(idsOf(pages)));
        }
        expect(ids.sort()).toEqual(vendor.rows.map(({ id }) => id).sort());
      });

      test('have keys that are unique and stay the same from run to run', async () => {
        vendor.rows = rowsAt(upTo(14));
        const keysOf = async (): Promise<string[]> =>
          (await Array.fromAsync(open(3).partitions(EVERYTHING, NEVER))).map(({ key }) => key);
        const keys = await keysOf();
        expect(new Set(keys).size).toBe(keys.length);
        expect(await keysOf()).toEqual(keys);
      });
    });

    describe.runIf(abilities.totals)('totals', () => {
      test('are those of the slice, and of all slices together, also after a deletion', async () => {
        vendor.rows = rowsAt(upTo(9));
        const source = open(4);
        for (const left of [9, 8]) {
          let sum = 0;
          for await (const slice of source.partitions(EVERYTHING, NEVER)) {
            const pages = await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER));
            const total = pages.map((page) => page.total).findLast((count) => count !== undefined);
            expect(total).toBe(new Set(idsOf(pages)).size);
            sum += total ?? 0;
          }
          expect(sum).toBe(left);
          expect(await source.count?.(EVERYTHING, NEVER)).toBe(left);
          vendor.rows = vendor.rows.slice(1);
        }
      });

      test('that change while pages are read are told as they are in the end', async () => {
        for (const at of [2, 3, 4, 6, 8, 10]) {
          vendor.rows = rowsAt(upTo(9)).map((row) => ({ ...row, group: '1' }));
          addAt(vendor, at);
          const { ids, sum } = await readWithTotals(open(2));
          if (ids.has('99')) expect(sum).toBe(10);
          expect(ids.size).toBeGreaterThanOrEqual(9);
        }
      });
    });

    describe('a read by id', () => {
      test('brings those that are there, once, and leaves out the others', async () => {
        vendor.rows = rowsAt([1, 2, 3, 4, 5]);
        const found = await open(2).get(['5', '404', '2', '5', '3'], NEVER);
        expect(found.map(({ id }) => id).sort()).toEqual(['2', '3', '5']);
      });

      test('brings what is there now: an edit is seen, a deleted record is not', async () => {
        vendor.rows = rowsAt([1, 2, 3]);
        const source = open(2);
        vendor.rows = vendor.rows
          .filter(({ id }) => id !== '1')
          .map((row) => (row.id === '2' ? { ...row, name: 'Edited', ms: T0 + 9000 } : row));
        const found = await source.get(['1', '2'], NEVER);
        expect(found.map(({ id, modifiedAt }) => [id, modifiedAt])).toEqual([['2', iso(T0 + 9000)]]);
        expect(found.map(({ raw }) => source.canonical(raw))).toMatchObject([{ id: '2', [resource.named]: 'Edited' }]);
      });

      test('of no ids asks nothing', async () => {
        expect(await open(2).get([], NEVER)).toEqual([]);
        expect(vendor.requests).toBe(0);
      });
    });

    describe('a record', () => {
      test('is the same from a listing and from a read by id, and canonical', async () => {
        vendor.rows = rowsAt([1, 2]);
        const source = open(5);
        const listed = new Map((await read(source)).flatMap(({ records }) => records).map((one) => [one.id, one]));
        for (const record of await source.get(['1', '2'], NEVER)) {
          const twin: SourceRecord | undefined = listed.get(record.id);
          expect(twin?.modifiedAt).toBe(record.modifiedAt);
          expect(source.canonical(twin?.raw)).toEqual(source.canonical(record.raw));
          expect(resource.parse(source.canonical(record.raw))).toMatchObject({
            ...{ id: record.id, modifiedAt: record.modifiedAt },
            [resource.named]: `Item ${record.id}`,
          });
        }
      });

      test('survives JSON, as the mirror keeps it, and no JSON stops the conversion', async () => {
        vendor.rows = rowsAt([1]);
        const source = open(5);
        const [record] = await source.get(['1'], NEVER);
        const kept: unknown = JSON.parse(JSON.stringify(record?.raw));
        expect(source.canonical(kept)).toEqual(source.canonical(record?.raw));
        fc.assert(fc.property(fc.jsonValue(), (value) => void source.canonical(value)));
      });

      test('that was deleted is neither listed nor found', async () => {
        vendor.rows = rowsAt([1, 2, 3]);
        const source = open(2);
        vendor.rows = vendor.rows.filter(({ id }) => id !== '2');
        expect([...new Set(idsOf(await read(source)))].sort()).toEqual(['1', '3']);
        expect(await source.get(['2'], NEVER)).toEqual([]);
      });
    });

    describe('a fault of the vendor', () => {
      const PASSING: [string, Fault][] = [
        ['status 429', { kind: 'status', status: 429 }],
        ['status 500', { kind: 'status', status: 500 }],
        ['status 503', { kind: 'status', status: 503 }],
        ['a page of HTML with status 200', { kind: 'html' }],
        ['an answer that is cut off', { kind: 'cut-off' }],
        ['an empty answer', { kind: 'empty' }],
        ['a broken line', { kind: 'reset' }],
      ];
      test.each(PASSING)('that passes costs no record: %s', async (_name, fault) => {
        vendor.rows = rowsAt(upTo(8));
        vendor.onRequest = (number) => (number % 3 === 2 ? fault : null);
        expect([...new Set(idsOf(await read(open(3))))]).toHaveLength(8);
      });

      test.each(PASSING)(
        'that stays ends as one to try later, after the attempts allowed: %s',
        async (_name, fault) => {
          vendor.rows = rowsAt(upTo(8));
          vendor.onRequest = () => fault;
          await expect(read(open(3))).rejects.toMatchObject({ name: 'TransientError', system: 'source' });
          expect(vendor.requests).toBeLessThanOrEqual(3);
        },
      );

      test('in which nothing is answered ends at the deadline', async () => {
        vendor.rows = rowsAt(upTo(8));
        vendor.onRequest = () => ({ kind: 'silence' });
        const startMs = performance.now();
        const failed = read(open(3, { deadlineMs: 60, attemptsMax: 2 }));
        await expect(failed).rejects.toSatisfy(
          (error) => error instanceof Error && ['TransientError', 'TooLargeError'].includes(error.name),
        );
        expect(performance.now() - startMs).toBeLessThan(2000);
        // What was given up may still lie unread at the server, which would count it in the next test.
        await new Promise((resolve) => setTimeout(resolve, 50));
      });

      test.each([401, 403])('that refuses access stops at once with exit 5: %i', async (status) => {
        vendor.rows = rowsAt(upTo(8));
        vendor.onRequest = () => ({ kind: 'status', status });
        await expect(read(open(3))).rejects.toMatchObject({ name: 'FatalError', exit: 5 });
        expect(vendor.requests).toBeLessThanOrEqual(2); // once more after signing in anew, where there is such a thing
      });

      test.each([400, 404])('that no repetition cures stops at once: %i', async (status) => {
        vendor.rows = rowsAt(upTo(8));
        vendor.onRequest = () => ({ kind: 'status', status });
        await expect(read(open(3))).rejects.toMatchObject({ name: 'FatalError' });
        expect(vendor.requests).toBe(1);
      });

      test('that sends us elsewhere is not followed', async () => {
        vendor.rows = rowsAt(upTo(8));
        const visits: string[] = [];
        const elsewhere = createServer((incoming, response) => {
          visits.push(incoming.url ?? '');
          response.end('{}');
        });
        await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
        const address = elsewhere.address();
        const port = typeof address === 'object' && address !== null ? address.port : 0;
        vendor.onRequest = () => ({ kind: 'redirect', location: `http://127.0.0.1:${port}/elsewhere` });
        await expect(read(open(3))).rejects.toMatchObject({ name: 'FatalError' });
        elsewhere.close();
        expect(vendor.requests).toBe(1);
        expect(visits).toEqual([]);
      });

      test('is told without a secret and without what records hold', async () => {
        vendor.rows = rowsAt(upTo(4)).map((row) => ({ ...row, name: 'Jane Canary' }));
        for (const fault of [
          { kind: 'cut-off' },
          { kind: 'html' },
          { kind: 'status', status: 401 },
        ] satisfies Fault[]) {
          vendor.onRequest = () => fault;
          const error: unknown = await read(open(3)).catch((thrown: unknown) => thrown);
          expect(error).toBeInstanceOf(Error);
          if (error instanceof Error) {
            expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toMatch(/Canary|secret-/);
          }
        }
      });
    });

    test('a run that is stopped ends with its own reason', async () => {
      vendor.rows = rowsAt(upTo(8));
      const stop = new AbortController();
      vendor.onRequest = () => {
        stop.abort(new Error('stopped by hand'));
        return { kind: 'silence' };
      };
      const source = open(3);
      const stopped = async (): Promise<void> => {
        for await (const slice of source.partitions(EVERYTHING, stop.signal)) {
          await Array.fromAsync(source.pages(slice, EVERYTHING, stop.signal));
        }
      };
      await expect(stopped()).rejects.toThrow('stopped by hand');
    });

    test('the parts of a slice that can be cut hold what it holds', async () => {
      vendor.rows = rowsAt(upTo(12)).map((row) => ({
        ...row,
        name: `${'ACKMTZ'.charAt(Number(row.id) % 6)}${row.id}`,
      }));
      const source = open(3);
      for await (const slice of source.partitions(EVERYTHING, NEVER)) {
        const parts = source.split(slice);
        if (parts.length === 0) continue;
        const whole = idsOf(await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER)));
        const cut: string[] = [];
        for (const part of parts) cut.push(...idsOf(await Array.fromAsync(source.pages(part, EVERYTHING, NEVER))));
        expect([...new Set(cut)].sort()).toEqual([...new Set(whole)].sort());
      }
    });
  });
}

const idsOf = (pages: readonly Page[]): string[] => pages.flatMap(({ records }) => records.map(({ id }) => id));

/** A row more, 99, from the request of that number on. */
function addAt(vendor: ContractVendor, at: number): void {
  vendor.forgetRequests();
  vendor.onRequest = (number) => {
    if (number === at) vendor.rows = [...vendor.rows, { id: '99', name: 'Late', ms: T0 + 500_000, group: '1' }];
    return null;
  };
}

/** What is read of all slices, and the sum of what each said in the end. */
async function readWithTotals(source: Source): Promise<{ ids: ReadonlySet<string>; sum: number }> {
  const ids = new Set<string>();
  let sum = 0;
  for await (const slice of source.partitions(EVERYTHING, NEVER)) {
    const pages = await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER));
    for (const id of idsOf(pages)) ids.add(id);
    sum += pages.map((page) => page.total).findLast((count) => count !== undefined) ?? 0;
  }
  return { ids, sum };
}

/** An edited row gets a date after all others, as an ERP does. */
function applyChange(
  vendor: ContractVendor,
  kind: 'edit' | 'delete' | 'add',
  chosen: ContractRow | undefined,
  salt: number,
): void {
  const ms = T0 + (1000 + salt) * 1000;
  const id = String(1000 + salt);
  if (kind === 'add') {
    if (!vendor.rows.some((row) => row.id === id)) vendor.rows = [...vendor.rows, { id, name: 'New', ms, group: '1' }];
  } else if (chosen) {
    const others = vendor.rows.filter((row) => row !== chosen);
    vendor.rows = kind === 'delete' ? others : [...others, { ...chosen, ms }];
  }
}
