/** The sandbox's world and its ERP, over real HTTP on loopback. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { RowSource } from '../src/sandbox/data/rows.ts';
import { ERP_SANDBOX_TOKEN, type ErpOptions, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import {
  type ErpWorld,
  existingPortalObjects,
  generateErp,
  PORTAL,
  squarePeople,
  WALK_IN_MARKS,
  type WorldOptions,
} from '../src/sandbox/world.ts';

const AS_OF_MS = Date.parse('2026-11-20T12:00:00.000Z');
const NOW_MS = AS_OF_MS + 3_600_000;

const world = (options: Partial<WorldOptions> = {}): ErpWorld => generateErp({ seed: 7, asOfMs: AS_OF_MS, ...options });
const full = world();
const small = (): ErpWorld => world({ items: 300, accounts: 400, quotes: 260 });

const rowSchema = z.looseObject({ lastChanged: z.string() });
const listSchema = z.object({
  data: z.array(rowSchema),
  page: z.number(),
  pageSize: z.number(),
  totalCount: z.number(),
});
type List = z.infer<typeof listSchema>;

const running: ErpSandbox[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((erp) => erp.close()));
});

async function erpOf(options: Partial<ErpOptions> = {}): Promise<ErpSandbox> {
  const erp = await startErp({ world: small(), timeScale: 0, now: () => NOW_MS, ...options });
  running.push(erp);
  return erp;
}

const get = (base: string, path: string, token: string = ERP_SANDBOX_TOKEN): Promise<Response> =>
  fetch(`${base}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });

const list = async (erp: ErpSandbox, path: string): Promise<List> =>
  listSchema.parse(await (await get(erp.stagingUrl, path)).json());

/** All pages of a list; a test's list ends long before the limit. */
async function sweep(erp: ErpSandbox, path: string, pageSize = 100): Promise<List['data']> {
  const rows: List['data'] = [];
  for (let page = 1; page <= 100; page++) {
    const { data } = await list(erp, `${path}&page=${page}&pageSize=${pageSize}`);
    if (data.length === 0) return rows;
    rows.push(...data);
  }
  throw new Error('the list has no end');
}

async function admin(erp: ErpSandbox, method: string, path: string, body?: unknown): Promise<unknown> {
  const reply = await fetch(`${erp.url}/_sandbox/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, ...z.looseObject({}).parse(await reply.json()) };
}

const change = async (erp: ErpSandbox, body: unknown): Promise<string[]> =>
  z.object({ ids: z.array(z.string()) }).parse(await admin(erp, 'POST', 'change', body)).ids;

/** Of every fifth row: enough to tell worlds apart, and fast. */
const hashOf = (source: RowSource): string => {
  const hash = createHash('sha256');
  for (let index = 0; index < source.count; index += 5) hash.update(JSON.stringify(source.row(index)));
  return hash.digest('hex');
};

const tally = <T>(values: Iterable<T>): Map<T, number> => {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

const rows = <R extends Record<string, unknown>>(source: RowSource<R>): R[] =>
  Array.from({ length: source.count }, (_, index) => source.row(index));

describe('the world at full scale', () => {
  const items = rows(full.items);
  const accounts = rows(full.accounts);
  const quotes = rows(full.quotes);

  it('holds 30,214 items, 12,000 of them to be sold and one more that is broken', () => {
    const status = tally(items.map((item) => item.statusCode));
    expect(items).toHaveLength(30_214);
    expect([status.get('A'), status.get('S')]).toEqual([11_241, 760]);
    expect(new Set(items.map((item) => item.itemNo)).size).toBe(30_214);
  });

  it('loaded 1,300 items in one night, and changed nothing in the last two days', () => {
    expect(Math.max(...tally(items.map((item) => item.lastChanged)).values())).toBe(1_300);
    const newest = new Date(AS_OF_MS - 2 * 86_400_000).toISOString();
    expect([...items, ...accounts, ...quotes].filter((row) => row.lastChanged > newest)).toEqual([]);
  });

  it('holds 28,300 accounts, 3,000 of them businesses with 1,800 people', () => {
    const businesses = accounts.filter((account) => account.kind !== 'RETAIL');
    expect([accounts.length, businesses.length]).toEqual([28_300, 3_000]);
    expect(businesses.flatMap((account) => account.people)).toHaveLength(1_800);
    expect(businesses.filter((account) => account.parentAccount !== null).length).toBeGreaterThan(150);
  });

  it('marks each walk-in and no business, so that a leak can be searched for', () => {
    const marked = (value: unknown): boolean => WALK_IN_MARKS.some((mark) => JSON.stringify(value).includes(mark));
    const walkIns = accounts.filter((account) => account.kind === 'RETAIL');
    expect(accounts.filter((account) => account.kind !== 'RETAIL' && marked(account))).toEqual([]);
    expect(walkIns.filter((account) => account.companyName !== '' && !marked(account))).toEqual([]);
    expect(walkIns.flatMap((account) => account.people).filter((person) => !marked(person.last))).toEqual([]);
    expect(marked([existingPortalObjects(full, 3), squarePeople(full)])).toBe(false);
  });

  it('shares accounts unevenly among 96 reps, two of whom have left, and leaves 3 % to no one', () => {
    const sizes = tally(accounts.map((account) => account.rep?.id ?? 'none'));
    const large = [...sizes].filter(([id, size]) => id !== 'none' && size > 500).map(([, size]) => size);
    expect(full.reps).toHaveLength(96);
    expect(large).toHaveLength(4);
    expect(Math.max(...large)).toBeGreaterThan(1_800);
    expect(sizes.get('none')).toBe(849);
    const left = full.reps.filter((rep) => !rep.active);
    expect(left.map((rep) => (sizes.get(rep.id) ?? 0) > 0)).toEqual([true, true]);
  });

  it('holds 26,000 quote revisions of about 9,000 opportunities, some alone, some of walk-ins, some of no one', () => {
    const opportunities = new Map<string, Set<string>>();
    for (const { oppId, quoteNo } of quotes)
      if (oppId) opportunities.set(oppId, (opportunities.get(oppId) ?? new Set()).add(quoteNo));
    expect(quotes).toHaveLength(26_000);
    expect(Math.abs(opportunities.size - 9_000)).toBeLessThan(500);
    expect([...opportunities.values()].filter((numbers) => numbers.size > 1).length).toBeGreaterThan(1_500);
    expect(quotes.filter((quote) => quote.oppId === null).length).toBeGreaterThan(500);
    const owner = (quote: (typeof quotes)[number]): number => full.accounts.indexOf(quote.accountId);
    const unknown = quotes.filter((quote) => owner(quote) >= full.accounts.count);
    expect(unknown.length).toBeGreaterThan(5);
    expect(
      quotes.filter((quote) => !unknown.includes(quote) && !full.accounts.isBusiness(owner(quote))).length,
    ).toBeGreaterThan(500);
  });

  it('numbers the revisions of a quote from 0 without gaps and adds quotes up to the cent', () => {
    const revs = new Map<string, number[]>();
    for (const { quoteNo, rev } of quotes) revs.set(quoteNo, [...(revs.get(quoteNo) ?? []), rev]);
    expect([...revs.values()].filter((list) => list.sort((a, b) => a - b).some((rev, at) => rev !== at))).toEqual([]);
    const cents = (text: string): number => Math.round(Number(text) * 100);
    const wrong = quotes.filter(
      (quote) => cents(quote.subTotal) + cents(quote.taxTotal) + cents(quote.freightTotal) !== cents(quote.grandTotal),
    );
    expect(wrong).toEqual([]);
  });

  it('carries its flaws in small fixed numbers', () => {
    const active = items.filter((item) => item.statusCode === 'A');
    const decimals = (price: number): number => String(price).split('.')[1]?.length ?? 0;
    expect({
      textForNumber: active.filter((item) => typeof item.weightKg === 'string').length,
      html: active.filter((item) => item.longText?.includes('<p>')).length,
      emDash: active.filter((item) => item.title.includes('—')).length,
      decomposed: active.filter((item) => item.title !== item.title.normalize('NFC')).length,
      fourDecimals: active.filter((item) => decimals(item.unitPrice) === 4).length,
      free: active.filter((item) => item.unitPrice === 0).length,
      noText: active.filter((item) => item.longText === null).length,
      nameless: accounts.filter((account) => account.companyName === '').length,
    }).toEqual({
      textForNumber: 1,
      html: 40,
      emDash: 30,
      decomposed: 15,
      fourDecimals: 25,
      free: 12,
      noText: 40,
      nameless: 12,
    });
  });

  it('is the same world for the same seed, and another for another', () => {
    const again = world();
    const hashes = (of: ErpWorld): string[] => [of.items, of.accounts, of.quotes].map((source) => hashOf(source));
    expect(hashes(again)).toEqual(hashes(full));
    expect(hashOf(small().items)).not.toBe(hashOf(world({ seed: 8, items: 300, accounts: 400, quotes: 260 }).items));
  });

  it("gives the portal 2,000 contacts, 700 companies and 880 deals, some of them the ERP's", () => {
    const portal = existingPortalObjects(full, 3);
    const mails = tally(accounts.flatMap((account) => account.people.map((person) => person.mail ?? '')));
    const known = portal.contacts.filter((contact) => mails.get((contact.email ?? '').toLowerCase()) === 1);
    expect([portal.contacts.length, portal.companies.length, portal.deals.length]).toEqual([2_000, 700, 880]);
    expect(known).toHaveLength(PORTAL.contactsOfErp);
    expect(known.filter((contact) => contact.email !== contact.email?.toLowerCase())).toHaveLength(20);
    const names = new Set(accounts.map((account) => account.companyName));
    const matches = tally(
      portal.companies.filter((company) => names.has(company.name ?? '')).map((company) => company.domain),
    );
    expect([...matches.values()].filter((times) => times === 1)).toHaveLength(PORTAL.companiesOfErp);
    expect([...matches.values()].filter((times) => times === 2)).toHaveLength(PORTAL.ambiguous);
    expect(portal.owners.length).toBeLessThan(full.reps.length);
  });
});

describe('a world of another size', () => {
  it('computes single rows of a million items without holding them', () => {
    const big = world({ items: 1_000_000, accounts: 10, quotes: 10 });
    expect(big.items.row(999_999).itemNo).toBe('2000000');
    expect(big.items.row(500_000)).toEqual(big.items.row(500_000));
  });

  /** Rows by instant, of what the night job wrote. */
  const loaded = (big: ErpWorld): ReadonlyMap<number, number> => {
    const all = Array.from({ length: big.items.count }, (_, index) => big.items.changedAtMs(index));
    return tally(all.filter((ms) => new Date(ms).getUTCHours() === 8));
  };

  it('loads a price file of any size in commits of 5,000, a hundred rows a second', () => {
    const loads = loaded(world({ items: 250_000, accounts: 10, quotes: 10 }));
    expect([...loads.values()]).toEqual([5_000, 5_000, 757]);
    const [first = 0, ...later] = loads.keys();
    expect(later.map((ms) => ms - first)).toEqual([50_000, 100_000]);
  });

  it('loads it with one instant where it is told so, and then cannot list it', async () => {
    const options = { items: 250_000, accounts: 10, quotes: 10, flaws: false } as const;
    const erps = [world(options), world({ ...options, commitRows: 1_000_000 })];
    expect([...loaded(erps[1] ?? full).values()]).toEqual([10_757]);
    const since = new Date([...loaded(full).keys()][0] ?? 0).toISOString();
    const statuses = erps.map(async (one) => {
      const { stagingUrl } = await erpOf({ world: one });
      const path = `items?sort=lastChanged&modifiedSince=${since}&pageSize=500`;
      const [reached, over] = await Promise.all([
        get(stagingUrl, `${path}&page=11`),
        get(stagingUrl, `${path}&page=20`),
      ]);
      const { data } = listSchema.parse(await reached.json());
      return [data[0]?.lastChanged === since, over.status];
    });
    expect(await Promise.all(statuses)).toEqual([
      [false, 504],
      [true, 504],
    ]);
  });

  it('migrated its quotes in commits too', () => {
    const { quotes } = world({ items: 10, accounts: 10, quotes: 2_600, commitRows: 20 });
    const stamps = tally(Array.from({ length: quotes.count }, (_, index) => quotes.changedAtMs(index)));
    expect(Math.max(...stamps.values())).toBe(20);
  });

  it('keeps shares and can be free of flaws', () => {
    const clean = world({ scale: 0.01, flaws: false });
    expect([clean.items.count, clean.accounts.count, clean.quotes.count]).toEqual([302, 283, 260]);
    expect(clean.accounts.businesses).toHaveLength(30);
    expect(rows(clean.items).filter((item) => item.unitPrice === 0 || item.longText === null)).toEqual([]);
  });
});

describe('the ERP', () => {
  it('lets in only who has a token', async () => {
    const erp = await erpOf();
    const reply = await get(erp.stagingUrl, 'ping', 'wrong');
    expect([reply.status, await reply.json()]).toEqual([401, { error: 'unauthorized' }]);
    expect(await (await get(erp.stagingUrl, 'ping')).json()).toEqual({
      company: 'Redbud Building Supply',
      environment: 'staging',
      version: '8.4',
    });
  });

  it('pages by id, 50 at a time unless asked and 500 at most, and ends with an empty page', async () => {
    const erp = await erpOf({ world: world({ items: 700, accounts: 30, quotes: 20 }) });
    expect((await list(erp, 'items')).data).toHaveLength(50);
    const first = await list(erp, 'items?pageSize=9999');
    expect([first.data.length, first.pageSize, first.totalCount]).toEqual([500, 500, 700]);
    expect((await list(erp, 'items?page=99')).data).toEqual([]);
    const ids = (await sweep(erp, 'items?')).map((row) => row.itemNo);
    expect([ids.length, new Set(ids).size]).toEqual([700, 700]);
    expect(ids).toEqual([...ids].sort());
  });

  it('sorts by last change and takes the bound inclusively', async () => {
    const erp = await erpOf();
    const all = await sweep(erp, 'quotes?sort=lastChanged');
    const stamps = all.map((row) => row.lastChanged);
    expect(stamps).toEqual([...stamps].sort());
    const bound = stamps[100] ?? '';
    const since = await sweep(erp, `quotes?sort=lastChanged&modifiedSince=${bound}`);
    expect(since).toEqual(all.slice(stamps.indexOf(bound)));
    expect((await get(erp.stagingUrl, 'quotes?modifiedSince=yesterday')).status).toBe(400);
  });

  it('parts accounts by rep, those without one too, and the parts make the whole', async () => {
    const erp = await erpOf();
    const repList = z
      .object({ data: z.array(z.object({ id: z.string(), active: z.boolean() })), totalCount: z.number() })
      .parse(await (await get(erp.stagingUrl, 'sales-reps')).json());
    let count = 0;
    for (const id of [...repList.data.map((rep) => rep.id), 'none']) {
      const part = await list(erp, `accounts?pageSize=500&salesRepId=${id}`);
      expect(part.data).toHaveLength(part.totalCount);
      count += part.totalCount;
    }
    expect([repList.totalCount, count]).toEqual([repList.data.length, 400]);
  });

  it('cuts accounts by name, the lower end included, the upper not, the nameless first', async () => {
    const erp = await erpOf();
    const parts = ['nameTo=h', 'nameFrom=H&nameTo=Q', 'nameFrom=q'];
    const totals = await Promise.all(parts.map(async (part) => (await list(erp, `accounts?${part}`)).totalCount));
    expect(totals.reduce((sum, total) => sum + total, 0)).toBe(400);
    expect((await list(erp, 'accounts?nameTo=!')).data.map((row) => row.companyName)).toContain('');
  });

  it('reads up to 100 ids at once and leaves unknown ones out', async () => {
    const erp = await erpOf();
    const reply = await get(erp.stagingUrl, 'accounts?ids=C-10003,C-10001,C-99999999,X');
    const found = z.object({ data: z.array(rowSchema), totalCount: z.number() }).parse(await reply.json());
    expect(found.data.map((row) => row.accountId)).toEqual(['C-10003', 'C-10001']);
    expect((await get(erp.stagingUrl, `items?ids=${'1000001,'.repeat(101)}`)).status).toBe(400);
  });

  it('kills the query for page 50 of 142 and serves every rep whose part is small', async () => {
    const erp = await erpOf({ world: full });
    expect((await get(erp.stagingUrl, 'accounts?pageSize=200&page=49')).status).toBe(200);
    const killed = await get(erp.stagingUrl, 'accounts?pageSize=200&page=50');
    expect([killed.status, killed.headers.get('content-type')]).toEqual([504, 'text/html']);
    await killed.text();
    const house = await list(erp, 'accounts?salesRepId=R-101&pageSize=200&page=10');
    expect(house.totalCount).toBeGreaterThan(1_800);
    expect(house.data.length).toBeGreaterThan(0);
  });

  it('takes 3 ms for each row scanned and one query at a time', async () => {
    const erp = await erpOf({ timeScale: 1 / 10 });
    const startMs = performance.now();
    await Promise.all([list(erp, 'items?pageSize=200'), list(erp, 'items?pageSize=200')]);
    expect(performance.now() - startMs).toBeGreaterThan(115);
  });

  it('serves changes with the time of its own clock', async () => {
    const erp = await erpOf();
    const ids = await change(erp, { resource: 'items', share: 0.01 });
    expect(ids).toHaveLength(3);
    const changed = await list(erp, `items?modifiedSince=${new Date(NOW_MS).toISOString()}`);
    expect(changed.data.map((row) => row.itemNo).sort()).toEqual([...ids].sort());
    expect((await get(erp.stagingUrl, 'ping')).headers.get('date')).toBe(new Date(NOW_MS).toUTCString());
    expect(await change(erp, { resource: 'items', share: 0.01 })).not.toEqual(ids);
  });

  it('sets single fields, deletes rows, moves accounts between reps', async () => {
    const erp = await erpOf();
    await change(erp, {
      resource: 'items',
      ids: ['1000002'],
      set: { statusCode: 'D', lastChanged: '2026-01-01T00:00:00.000Z' },
    });
    expect((await list(erp, 'items?page=2&pageSize=1')).data[0]).toMatchObject({
      statusCode: 'D',
      lastChanged: '2026-01-01T00:00:00.000Z',
    });
    await change(erp, { resource: 'items', delete: ['1000001'] });
    expect((await list(erp, 'items')).totalCount).toBe(299);
    expect((await list(erp, 'items')).data[0]?.itemNo).toBe('1000002');
    await change(erp, { resource: 'accounts', moveRep: ['C-10000', 'R-103'] });
    const part = await list(erp, 'accounts?salesRepId=R-103&pageSize=500');
    expect(part.data.map((row) => row.accountId)).toContain('C-10000');
    expect(await admin(erp, 'POST', 'change', { resource: 'accounts', moveRep: ['C-10000', 'R-9'] })).toMatchObject({
      status: 400,
    });
  });

  it('adds revisions of old quotes and new opportunities', async () => {
    const erp = await erpOf();
    const before = await sweep(erp, 'quotes?');
    const ids = await change(erp, { resource: 'quotes', add: 4 });
    const added = (await sweep(erp, 'quotes?')).slice(before.length);
    expect(added.map((row) => row.quoteId)).toEqual(ids);
    const numbers = new Set(before.map((row) => row.quoteNo));
    expect(added.map((row) => numbers.has(row.quoteNo))).toEqual([true, false, true, false]);
    expect(added[0]?.rev).not.toBe(0);
    expect(await admin(erp, 'GET', 'state')).toMatchObject({ staging: { quotes: { rows: 264, added: 4 } } });
  });
});

describe('production', () => {
  it('is dark until it is turned on', async () => {
    const erp = await erpOf();
    expect((await get(erp.productionUrl, 'ping')).status).toBe(503);
    await admin(erp, 'PUT', 'production', { mode: 'live' });
    expect(await (await get(erp.productionUrl, 'ping')).json()).toMatchObject({ environment: 'production' });
  });

  it('can show a login page, be empty, or cut the line', async () => {
    const login = await get((await erpOf({ production: 'login-page' })).productionUrl, 'items');
    expect([login.status, login.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const empty = await get((await erpOf({ production: 'empty' })).productionUrl, 'items');
    expect(await empty.json()).toEqual({ data: [], page: 1, pageSize: 50, totalCount: 0 });
    const cut = await erpOf({ production: 'refused' });
    await expect(get(cut.productionUrl, 'items')).rejects.toThrow('fetch failed');
  });

  it('holds mostly the same rows, some newer, some missing, some of its own', async () => {
    const erp = await erpOf({ production: 'live', world: world({ items: 500, accounts: 50, quotes: 20 }) });
    const read = async (base: string): Promise<Map<unknown, string>> => {
      const { data } = listSchema.parse(await (await get(base, 'items?pageSize=500')).json());
      return new Map(data.map((row) => [row.itemNo, JSON.stringify(row)]));
    };
    const [before, after] = [await read(erp.stagingUrl), await read(erp.productionUrl)];
    expect([...before.keys()].filter((id) => !after.has(id))).toHaveLength(2);
    expect([...after.keys()].filter((id) => !before.has(id))).toHaveLength(2);
    const differing = [...after].filter(([id, row]) => before.has(id) && before.get(id) !== row);
    expect(differing.length / before.size).toBeGreaterThan(0.03);
    expect(differing.length / before.size).toBeLessThan(0.15);
    await change(erp, { environment: 'production', resource: 'items', ids: ['1000003'], set: { title: 'Only here' } });
    expect((await read(erp.stagingUrl)).get('1000003')).toBe(before.get('1000003'));
    expect((await read(erp.productionUrl)).get('1000003')).toContain('Only here');
  });
});

describe('drift', () => {
  const bound = '2026-06-01T12:00:00.000Z';

  it('is turned on and off as a whole, and refuses switches it does not know', async () => {
    const erp = await erpOf({ drift: { totalWrong: 5 } });
    expect((await list(erp, 'items')).totalCount).toBe(305);
    await admin(erp, 'PUT', 'drift', { extraFields: true });
    expect((await list(erp, 'items')).totalCount).toBe(300);
    expect(await admin(erp, 'PUT', 'drift', { extraFeilds: true })).toMatchObject({ status: 400 });
  });

  it('renames a field, adds fields, loses ids', async () => {
    const erp = await erpOf({
      drift: { renamedField: { resource: 'items', from: 'title', to: 'itemTitle' }, extraFields: true, missingId: 3 },
    });
    const { data } = await list(erp, 'items');
    expect(data.every((row) => 'itemTitle' in row && !('title' in row) && 'rowVersion' in row)).toBe(true);
    expect(data.map((row) => 'itemNo' in row).slice(0, 5)).toEqual([false, false, false, true, true]);
  });

  it('gives a share of the rows a new value or none', async () => {
    const erp = await erpOf({
      drift: {
        newEnumValue: { resource: 'items', field: 'statusCode', value: 'X', share: 0.2 },
        nullField: { resource: 'accounts', field: 'terms', share: 0.5 },
      },
    });
    const items = await sweep(erp, 'items?');
    const accounts = await sweep(erp, 'accounts?');
    expect(items.filter((row) => row.statusCode === 'X').length / items.length).toBeCloseTo(0.2, 1);
    expect(accounts.filter((row) => row.terms === null).length / accounts.length).toBeCloseTo(0.5, 1);
  });

  it('sends numbers as text, in depth', async () => {
    const erp = await erpOf({ drift: { numbersAsText: true } });
    const { data } = await list(erp, 'items');
    expect(JSON.stringify(data)).not.toMatch(/":-?\d/);
  });

  it('ignores, misreads or excludes the bound', async () => {
    const erp = await erpOf();
    await change(erp, { resource: 'items', ids: ['1000001'], set: { lastChanged: bound } });
    await change(erp, { resource: 'items', ids: ['1000002'], set: { lastChanged: '2026-06-01T16:59:59.000Z' } });
    await change(erp, { resource: 'items', ids: ['1000003'], set: { lastChanged: '2026-06-01T17:00:00.000Z' } });
    const ids = async (): Promise<unknown[]> =>
      (await sweep(erp, `items?modifiedSince=${bound}`))
        .map((row) => row.itemNo)
        .filter((id) => String(id) <= '1000003');
    expect(await ids()).toEqual(['1000001', '1000002', '1000003']);
    await admin(erp, 'PUT', 'drift', { modifiedSinceExclusive: true });
    expect(await ids()).toEqual(['1000002', '1000003']);
    await admin(erp, 'PUT', 'drift', { modifiedSinceLocalTime: true });
    expect(await ids()).toEqual(['1000003']);
    await admin(erp, 'PUT', 'drift', { modifiedSinceIgnored: true });
    expect((await list(erp, `items?modifiedSince=2030-01-01T00:00:00Z`)).totalCount).toBe(300);
  });

  it('caps pages', async () => {
    const erp = await erpOf({ drift: { pageSizeCap: 20 } });
    const page = await list(erp, 'items?pageSize=200');
    expect([page.data.length, page.pageSize]).toEqual([20, 20]);
  });

  it('repeats the last page for ever', async () => {
    const erp = await erpOf({ drift: { repeatPageForever: true } });
    const last = await list(erp, 'items?pageSize=100&page=3');
    expect((await list(erp, 'items?pageSize=100&page=40')).data).toEqual(last.data);
  });

  it('loses and repeats rows at page edges when the order is unstable, by id and among ties', async () => {
    const erp = await erpOf({ drift: { unstableOrder: true } });
    const byId = (await sweep(erp, 'items?', 50)).map((row) => row.itemNo);
    expect(byId).toHaveLength(300);
    expect(new Set(byId).size).toBeLessThan(300);
    const byChange = await sweep(erp, 'items?sort=lastChanged', 5);
    const stamps = byChange.map((row) => row.lastChanged);
    expect(stamps).toEqual([...stamps].sort());
    expect(new Set(byChange.map((row) => row.itemNo)).size).toBeLessThan(300);
  });

  it('moves rows of earlier pages to the end while they are read', async () => {
    const erp = await erpOf({ drift: { shiftRows: 2 } });
    const ids = (await sweep(erp, 'items?sort=lastChanged', 50)).map((row) => row.itemNo);
    expect(ids).toHaveLength(300);
    expect(new Set(ids).size).toBeLessThan(300);
  });

  it('lists two versions of one row', async () => {
    const erp = await erpOf({ drift: { duplicateRows: true } });
    const [older, newer] = (await list(erp, 'items')).data;
    expect(older?.itemNo).toBe(newer?.itemNo);
    expect((older?.lastChanged ?? '') < (newer?.lastChanged ?? '')).toBe(true);
  });

  it('stamps what a large job changes with several instants, the last of them now, and no row twice the same way', async () => {
    const erp = await erpOf({ world: world({ items: 300, accounts: 40, quotes: 26, commitRows: 50 }) });
    await change(erp, { resource: 'items', share: 0.5 });
    const changed = async (): Promise<Map<string, number>> =>
      tally(
        (await sweep(erp, `items?sort=lastChanged&modifiedSince=${new Date(AS_OF_MS).toISOString()}`)).map(
          (row) => row.lastChanged,
        ),
      );
    const at = (msAgo: number): string => new Date(NOW_MS - msAgo).toISOString();
    expect([...(await changed())]).toEqual([
      [at(1_000), 50],
      [at(500), 50],
      [at(0), 50],
    ]);
    await change(erp, { resource: 'items', share: 1 });
    const after = await changed();
    expect([...after.values()].reduce((sum, rows) => sum + rows, 0)).toBe(300);
    expect(Math.max(...after.values())).toBe(after.get(at(0)));
  });

  it("leaves a quote's date alone when its lines are edited", async () => {
    const erp = await erpOf({ drift: { lineEditDoesNotTouch: true } });
    const [before] = (await list(erp, 'quotes')).data;
    await change(erp, { resource: 'quotes', share: 1 });
    const [after] = (await list(erp, 'quotes')).data;
    expect(after?.lastChanged).toBe(before?.lastChanged);
    expect(after?.lines).not.toEqual(before?.lines);
  });

  it('dates rows a year ahead, until it is turned off', async () => {
    const erp = await erpOf({ drift: { futureDated: 2 } });
    const ahead = `items?modifiedSince=${new Date(NOW_MS + 86_400_000).toISOString()}`;
    expect((await list(erp, ahead)).data.map((row) => row.itemNo)).toEqual(['1000001', '1000002']);
    await admin(erp, 'PUT', 'drift', {});
    expect((await list(erp, ahead)).totalCount).toBe(0);
  });

  it('has a wrong clock, or none', async () => {
    const erp = await erpOf({ drift: { clockSkewMs: -600_000 } });
    expect((await get(erp.stagingUrl, 'ping')).headers.get('date')).toBe(new Date(NOW_MS - 600_000).toUTCString());
    const [id] = await change(erp, { resource: 'items', share: 0.001 });
    const [row] = z
      .object({ data: z.array(rowSchema) })
      .parse(await (await get(erp.stagingUrl, `items?ids=${id}`)).json()).data;
    expect(row?.lastChanged).toBe(new Date(NOW_MS - 600_000).toISOString());
    await admin(erp, 'PUT', 'drift', { dateHeader: 'off' });
    expect((await get(erp.stagingUrl, 'ping')).headers.get('date') ?? '').toBe('');
  });
});
