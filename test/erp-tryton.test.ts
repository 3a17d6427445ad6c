import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Partition, Since, Source, SourceRecord } from '../src/pipe.ts';
import { loadDescription, type ResourceName } from '../src/sources/erp/profile.ts';
import { TrytonSettings } from '../src/sources/erp/tryton/settings.ts';
import { trytonSource } from '../src/sources/erp/tryton.ts';
import {
  type Abilities,
  type ContractRow,
  type ContractVendor,
  CUSTOMERS,
  erpContract,
  type OpenOptions,
  PRODUCTS,
  QUOTES,
} from './erp-contract.ts';
import { misbehave } from './erp-misbehave.ts';
import { customerTables, productTables, quoteTables } from './erp-tryton-rows.ts';
import { TrytonServer } from './erp-tryton-server.ts';
import type { Tables } from './erp-tryton-store.ts';

const NEVER = new AbortController().signal;
const EVERYTHING: Since = { kind: 'everything' };
const TABLES: Readonly<Record<ResourceName, (rows: readonly ContractRow[]) => Tables>> = {
  ...{ products: productTables, customers: customerTables, quotes: quoteTables },
};

interface Opened extends OpenOptions {
  readonly idsPerSlice?: number;
  readonly company?: number;
  readonly password?: string;
  readonly database?: string;
}

const SIZES: Opened = { pageSize: 3, attemptsMax: 2, deadlineMs: 5_000 };

/** The shipped settings, but for sizes that a handful of rows can fill. */
function sourceOf(
  server: TrytonServer,
  resource: ResourceName,
  { pageSize, attemptsMax, deadlineMs, idsPerSlice = 4, company, ...login }: Opened = SIZES,
): Source {
  const shipped = TrytonSettings.parse(loadDescription('tryton'));
  const limits = { ...shipped.limits, pageSize, deadlineMs, idsPerSlice };
  return trytonSource({
    ...{ ...server.access, ...login, resource, attemptsMax },
    settings: { ...shipped, limits, ...(company === undefined ? {} : { company }) },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    random: () => 0.5,
  });
}

class TrytonVendor implements ContractVendor {
  onRequest: ContractVendor['onRequest'] = () => null;
  requests = 0;
  readonly #resource: ResourceName;
  readonly #server = new TrytonServer();
  #rows: ContractRow[] = [];

  constructor(resource: ResourceName) {
    this.#resource = resource;
    this.#server.store.internalSlice = 2;
    this.#server.before = (response: ServerResponse, answer) => {
      const fault = this.onRequest(++this.requests);
      if (fault) misbehave(fault, response, answer());
      return fault !== null;
    };
  }

  static async start(resource: ResourceName): Promise<TrytonVendor> {
    const vendor = new TrytonVendor(resource);
    await vendor.#server.start();
    return vendor;
  }

  get rows(): ContractRow[] {
    return this.#rows;
  }
  set rows(rows: ContractRow[]) {
    this.#rows = rows;
    this.#server.put(TABLES[this.#resource](rows));
  }
  forgetRequests(): void {
    this.requests = 0;
  }
  open(options: OpenOptions): Source {
    return sourceOf(this.#server, this.#resource, options);
  }
  stop(): void {
    expect(this.#server.failures).toEqual([]);
    this.#server.stop();
  }
}

const ABILITIES: Abilities = { slices: true, totals: true, sorted: false, since: true, changesSurvived: 4 };
erpContract('Tryton', () => TrytonVendor.start('products'), ABILITIES, { ...PRODUCTS, cases: 0.3 });
erpContract('Tryton with customers', () => TrytonVendor.start('customers'), ABILITIES, CUSTOMERS);
erpContract('Tryton with quotes', () => TrytonVendor.start('quotes'), ABILITIES, QUOTES);

describe('Tryton', () => {
  const T0 = Date.UTC(2026, 0, 5, 12);
  const rows = (count: number): ContractRow[] =>
    Array.from({ length: count }, (_, at) => ({ id: String(at + 1), name: `Item ${at + 1}`, ms: T0, group: null }));
  let server: TrytonServer;
  beforeAll(async () => {
    server = new TrytonServer();
    await server.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    server.before = () => false;
    server.absent.clear();
    server.forbidden.clear();
    server.failures = [];
    server.company = 1;
    server.put(productTables(rows(7)));
  });

  const readAll = async (source: Source, since: Since = EVERYTHING): Promise<SourceRecord[]> => {
    const records: SourceRecord[] = [];
    for await (const slice of source.partitions(since, NEVER))
      for await (const page of source.pages(slice, since, NEVER)) records.push(...page.records);
    return records;
  };
  const failureOf = async (source: Source): Promise<unknown> => readAll(source).catch((thrown: unknown) => thrown);

  test('begins one new session when its own ends in mid-reading, and is told when sessions never last', async () => {
    let asked = 0;
    server.before = () => {
      if (++asked === 3) server.sessions.clear();
      return false;
    };
    await readAll(sourceOf(server, 'products'));
    const before = server.logins;
    asked = 0;
    expect(await readAll(sourceOf(server, 'products'))).toHaveLength(7);
    expect(server.logins - before).toBe(1);

    server.before = () => {
      server.sessions.clear();
      return false;
    };
    expect(await failureOf(sourceOf(server, 'products'))).toMatchObject({
      exit: 5,
      message: expect.stringMatching(/ends each session/),
    });
  });

  test('a wrong password is tried once, so that nobody is locked out; its name is not told', async () => {
    const before = server.logins;
    const error = await failureOf(sourceOf(server, 'products', { ...SIZES, password: 'secret-wrong' }));
    expect(error).toMatchObject({ exit: 5, message: 'the ERP does not accept ERP_USER with ERP_PASSWORD' });
    expect(server.logins - before).toBe(1);
    expect(String(error)).not.toMatch(/secret/);
  });

  test('an unknown database is told by its variable, without the path that the server names', async () => {
    const error = await failureOf(sourceOf(server, 'products', { ...SIZES, database: 'nodb' }));
    expect(error).toMatchObject({ exit: 2, hint: 'check ERP_DATABASE' });
    expect(String(error)).not.toMatch(/srv/);
  });

  test('a user without a company would see no price, and is refused; settings may name one', async () => {
    server.company = null;
    expect(await failureOf(sourceOf(server, 'products'))).toMatchObject({
      exit: 2,
      message: expect.stringMatching(/no company/),
    });
    const source = sourceOf(server, 'products', { ...SIZES, company: 1 });
    const [first] = await readAll(source);
    expect(source.canonical(first?.raw)).toMatchObject({ listPrice: '12.96', cost: '8' });
  });

  test('a module that is not there costs its fields only, and what nothing works without is named', async () => {
    server.put(customerTables(rows(2)));
    server.absent.add('party.party agents').add('party.party customer_payment_term');
    const source = sourceOf(server, 'customers');
    const [first] = await readAll(source, { kind: 'modified', from: new Date(T0).toISOString() });
    expect(source.canonical(first?.raw)).not.toHaveProperty('salesRep');
    expect(source.canonical(first?.raw)).toHaveProperty('contacts');
    server.absent.add('party.party categories');
    const error = await failureOf(sourceOf(server, 'customers'));
    expect(error).toMatchObject({ exit: 2, message: 'the ERP has no categories in party.party' });
  });

  test('a right that the user lacks stops at once with exit 5 and Tryton’s own words', async () => {
    server.forbidden.add('product.product');
    const error = await failureOf(sourceOf(server, 'products'));
    expect(error).toMatchObject({
      exit: 5,
      message: expect.stringContaining('You are not allowed to access "product.product"'),
    });
  });

  test('a party that lost its category is neither listed nor found by id', async () => {
    server.put(customerTables(rows(3)));
    const source = sourceOf(server, 'customers');
    expect((await readAll(source)).map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect((await source.get(['1', '1000001', '2000001'], NEVER)).map(({ id }) => id)).toEqual(['1']);
  });

  test('a merge, which leaves no date on the survivor and its quotes, brings both', async () => {
    const since: Since = { kind: 'modified', from: new Date(T0 + 1_000).toISOString() };
    const merged = (tables: Tables, survivor = 1): void => {
      const given = { id: 90, name: 'Given up', active: false, categories: [], addresses: [], relations: [] };
      const dates = {
        create_date: 0,
        write_date: T0 + 5_000,
        contact_mechanisms: [],
        agents: [],
        replaced_by: survivor,
      };
      server.put({ ...tables, 'party.party': [...(tables['party.party'] ?? []), { ...given, ...dates }] });
    };
    merged(customerTables(rows(3)));
    expect((await readAll(sourceOf(server, 'customers'), since)).map(({ id }) => id)).toEqual(['1']);
    merged(customerTables(rows(3)), 1_000_002); // a person of customer 2 got what another person had
    expect((await readAll(sourceOf(server, 'customers'), since)).map(({ id }) => id)).toEqual(['2']);
    merged(quoteTables(rows(3)));
    expect((await readAll(sourceOf(server, 'quotes'), since)).map(({ id }) => id)).toEqual(['1', '2', '3']);
  });

  test('a slice is cut into 32 parts at most: a server that hangs is not asked for each id', async () => {
    const source = sourceOf(server, 'products', { ...SIZES, idsPerSlice: 640 });
    const parts = (slice: Partition): readonly Partition[] => {
      const halves = source.split(slice);
      return halves.length === 0 ? [slice] : halves.flatMap(parts);
    };
    server.put(productTables(rows(3)));
    for await (const slice of source.partitions(EVERYTHING, NEVER)) expect(parts(slice)).toHaveLength(32);
  });

  test('parts of what was the last slice once end where the next slice begins, and together hold each record once', async () => {
    const limits = { ...SIZES, idsPerSlice: 640 };
    server.put(productTables(rows(3)));
    const before = sourceOf(server, 'products', limits);
    const [last] = await Array.fromAsync(before.partitions(EVERYTHING, NEVER));
    const parts = last === undefined ? [] : before.split(last);
    expect(parts.map(({ filter }) => filter.open)).toEqual([undefined, 'yes']);

    const many = ['1', '320', '321', '640', '641', '1281', '1400'];
    server.put(productTables(many.map((id) => ({ id, name: `Item ${id}`, ms: T0, group: null }))));
    const idsIn = async (source: Source, slice: Partition): Promise<string[]> =>
      (await Array.fromAsync(source.pages(slice, EVERYTHING, NEVER))).flatMap(({ records }) =>
        records.map(({ id }) => id),
      );
    const after = sourceOf(server, 'products', limits);
    const slices = await Array.fromAsync(after.partitions(EVERYTHING, NEVER));
    const read: string[] = [];
    for (const slice of [...parts, ...slices.slice(1)]) read.push(...(await idsIn(after, slice)));
    expect(read).toEqual(many);
    // Where no slices were asked for, nothing is known to come behind it.
    const [, open = last] = parts;
    expect(open && (await idsIn(sourceOf(server, 'products', limits), open))).toEqual(many.slice(2));
  });

  test('a page size below the smallest is not raised because a page was slow', async () => {
    server.put(productTables(rows(12)));
    const sizes: unknown[] = [];
    server.before = (_response, _answer, params) => {
      if (params.length === 6) sizes.push(params[2]);
      return false;
    };
    const slow = vi.spyOn(performance, 'now');
    let ms = 0;
    slow.mockImplementation(() => (ms += 6_000));
    await readAll(sourceOf(server, 'products', { ...SIZES, pageSize: 5 }));
    slow.mockRestore();
    expect(new Set(sizes)).toEqual(new Set([5]));
  });

  test('a record created in mid-reading belongs to the last slice, so that the sum still holds', async () => {
    let asked = 0;
    server.before = () => {
      if (++asked === 2) server.put(productTables([...rows(7), { id: '400', name: 'New', ms: T0, group: null }]));
      return false;
    };
    const source = sourceOf(server, 'products');
    expect(await readAll(source)).toHaveLength(8);
    expect(await source.count?.(EVERYTHING, NEVER)).toBe(8);
  });

  test('pages that take too long are asked for in smaller ones, also by id', async () => {
    server.put(productTables(rows(30)));
    const isPage = (params: readonly unknown[]): boolean => params.length === 6; // fields and context are the last two
    server.before = (_response, _answer, params) => isPage(params) && Number(params[2]) > 20;
    const slow = { pageSize: 40, attemptsMax: 1, deadlineMs: 150, idsPerSlice: 100 };
    expect(await readAll(sourceOf(server, 'products', slow))).toHaveLength(30);
    const ids = rows(30).map(({ id }) => id);
    expect(await sourceOf(server, 'products', slow).get(ids, NEVER)).toHaveLength(30);
    server.before = (_response, _answer, params) => isPage(params);
    await expect(sourceOf(server, 'products', slow).get(ids, NEVER)).rejects.toMatchObject({ name: 'TransientError' });
    expect(await failureOf(sourceOf(server, 'products', slow))).toMatchObject({ name: 'TooLargeError' });
  });

  test('lists that come doubled through a parent of two internal slices count once', async () => {
    server.store.internalSlice = 1;
    const source = sourceOf(server, 'products');
    const raws = (await readAll(source)).map(({ raw }) => JSON.stringify(raw));
    server.store.internalSlice = 200;
    expect(raws).toEqual((await readAll(source)).map(({ raw }) => JSON.stringify(raw)));
    expect(raws.join()).toContain('Lumber / Decking');
  });
});
