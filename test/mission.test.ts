/**
 * The whole mission against a second opinion: what must be in HubSpot is computed from the vendors' raw rows, without
 * any code of the tool, and compared object by object, link by link.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { WALK_IN_MARKS } from '../src/sandbox/world.ts';
import type { Ended } from './cli-harness.ts';
import { isBusiness } from './mission/customers.ts';
import { type Distributor, openDistributor } from './mission/distributor.ts';
import { expectAdoptions, expectEverything, unclearAccounts } from './mission/expectation.ts';
import { makeNews, type News } from './mission/news.ts';
import { differences, type Portal, readPortal, totals } from './mission/portal.ts';
import type { Expected } from './mission/spelling.ts';

/** No business record holds one of these: walk-ins of the ERP, and the buyers, tickets and cards at Square's tills. */
const MARKS = [...WALK_IN_MARKS, 'Canary', 'CANARY', 'Walkinville'];

interface Report {
  readonly pipe: string;
  readonly status: string;
  readonly calls: number;
  readonly writeCalls: number;
  readonly counts: {
    readonly read: number;
    readonly accounted: number;
    readonly written: number;
    readonly held: number;
    readonly deadLettered: number;
    readonly excluded: Readonly<Record<string, number>>;
  };
}

let shop: Distributor;
let original: Portal;
let after: Portal;
let expected: Expected[];
let first: Ended;

beforeAll(async () => {
  shop = await openDistributor();
  await shop.tool('setup', '--apply');
  original = await readPortal(shop.hubspot.url);
  first = await shop.tool('sync', 'all', '--json');
  after = await readPortal(shop.hubspot.url);
  expected = await expectEverything(shop, { original });
});
afterAll(() => shop.close());

const reports = ({ stdout }: Ended): readonly Report[] => {
  const { runs }: { runs: Report[] } = JSON.parse(stdout);
  return runs;
};

const report = (ended: Ended, pipe: string): Report | undefined => reports(ended).find((one) => one.pipe === pipe);

const dealsIn = (portal: Portal) =>
  [...portal.byKey.values()].filter(({ object }) => object === 'deals').map(({ properties }) => properties);

const expectedDeals = (all: readonly Expected[]) =>
  all.filter(({ object }) => object === 'deals').map(({ properties }) => properties);

/** Marks in whatever left the ERP and the tills: objects, the tool's files byte by byte, what it printed. */
async function leaks(): Promise<string[]> {
  const objects = ['products', 'companies', 'contacts', 'deals', 'line_items'].map(async (object) => ({
    name: `HubSpot's ${object}`,
    bytes: Buffer.from(await (await fetch(`${shop.hubspot.url}/_sandbox/objects/${object}`)).arrayBuffer()),
  }));
  const printed = { name: 'the output', bytes: Buffer.from(shop.output) };
  return [...(await Promise.all(objects)), ...shop.files(), printed].flatMap(({ name, bytes }) =>
    MARKS.filter((mark) => bytes.includes(mark)).map((mark) => `${mark} in ${name}`),
  );
}

describe('the first run', () => {
  it('leaves HubSpot exactly as the source rows say, and everything else as people had it', () => {
    expect(differences({ expected, before: original, after, owners: shop.owners })).toEqual([]);
  });

  it('makes deals whose number and worth in each stage is right to the cent', () => {
    expect(totals(dealsIn(after))).toEqual(totals(expectedDeals(expected)));
    expect(Object.keys(totals(dealsIn(after)))).toHaveLength(9);
  });

  it('takes over exactly the objects that people had made for the same company or person', () => {
    const adopted = [...after.byKey].filter(([, { id }]) => original.byId.has(id)).map(([key, { id }]) => [key, id]);
    expect(Object.fromEntries(adopted)).toEqual(expectAdoptions(expected, original));
    expect(adopted.length).toBeGreaterThan(20);
  });

  it('accounts for every row, and keeps those it cannot place as dead letters', async () => {
    const accounts = await shop.accounts();
    const unclear = unclearAccounts(accounts, original);
    const companies = expected.filter(({ object }) => object === 'companies').length;
    const businesses = accounts.filter(isBusiness).length;
    expect(unclear.size).toBeGreaterThan(0);
    expect(report(first, 'customers')?.counts).toMatchObject({
      read: accounts.length,
      written: companies,
      deadLettered: businesses - companies,
      excluded: { retail: accounts.length - businesses },
    });
    const products = expected.filter(({ object }) => object === 'products').length;
    expect(report(first, 'products')?.counts).toMatchObject({ written: products, deadLettered: 1 });
    for (const { counts } of reports(first)) expect(counts).toMatchObject({ accounted: counts.read, held: 0 });
    expect(first.code).toBe(3);
  });

  it('lets nothing of a walk-in out of the ERP or the till', async () => {
    expect(await leaks()).toEqual([]);
  });

  it('keeps its token to itself', () => {
    const places = [...shop.files(), { name: 'the output', bytes: Buffer.from(shop.output) }];
    expect(places.filter(({ bytes }) => bytes.includes(SANDBOX_TOKEN)).map(({ name }) => name)).toEqual([]);
  });
});

describe('reading everything once more', () => {
  let second: Ended;
  let requests: Distributor['hubspot']['log'];

  beforeAll(async () => {
    const mark = shop.hubspot.log.length;
    second = await shop.tool('sync', 'all', '--full', '--json');
    requests = shop.hubspot.log.slice(mark);
  });

  it('writes nothing at all', async () => {
    expect(second.code).toBe(0);
    expect(reports(second).map(({ counts, writeCalls }) => [counts.written, writeCalls])).toEqual(
      Array.from({ length: 4 }, () => [0, 0]),
    );
    const again = await readPortal(shop.hubspot.url);
    expect([...again.byId]).toEqual([...after.byId]);
    expect(again.links).toEqual(after.links);
  });

  it('asks HubSpot only what the portal is like, once, and whether our contacts are still free of charge', () => {
    const reads = requests.filter(({ path }) => path.endsWith('/batch/read'));
    // The first is the one company with two possible matches, looked for once more: people may have decided meanwhile.
    expect(reads).toMatchObject([
      { path: expect.stringContaining('/companies/batch/read') },
      { path: expect.stringContaining('/contacts/batch/read') },
    ]);
    // One for that company; then one count for each object type of each pipe.
    const searches = requests.filter(({ path }) => path.endsWith('/search'));
    expect(searches.map(({ path }) => path.split('/').at(-2)).toSorted()).toEqual([
      ...['companies', 'companies', 'contacts', 'deals', 'deals', 'products'],
    ]);
    const others = requests.filter((request) => !reads.includes(request) && !searches.includes(request));
    const asked = others.map(({ method, path, query }) => `${method} ${path}${query}`);
    expect(asked.filter((line) => !line.startsWith('GET '))).toEqual([
      'POST /oauth/v2/private-apps/get/access-token-info',
    ]);
    expect(asked).toEqual([...new Set(asked)]);
    expect(asked.filter((line) => line.includes('/objects/'))).toEqual([]);
    expect(reports(second).reduce((sum, { calls }) => sum + calls, 0)).toBe(reads.length + searches.length);
  });
});

describe('after a day of changes everywhere', () => {
  let news: News;
  let edited: Portal;
  let latest: Portal;
  let wanted: Expected[];
  let third: Ended;

  beforeAll(async () => {
    news = await makeNews(shop, after, original);
    edited = await readPortal(shop.hubspot.url);
    third = await shop.tool('sync', 'all', '--json');
    latest = await readPortal(shop.hubspot.url);
    wanted = await expectEverything(shop, { original, ...news });
  });

  const heldBy = (key: string, name: string): string | undefined => latest.byKey.get(key)?.properties[name];

  it('says so in HubSpot, and leaves standing what people changed where the source did not', () => {
    expect(differences({ expected: wanted, before: edited, after: latest, owners: shop.owners })).toEqual([]);
    expect(third.code).toBe(0);
  });

  it('has the deals right to the cent, but for the one that a person moved', () => {
    expect(totals(dealsIn(latest))).toEqual(totals(expectedDeals(wanted)));
    expect(dealsIn(latest).length).toBeGreaterThan(dealsIn(after).length + 5);
  });

  it('moves the contact to the company of the other account, and takes the old link away', () => {
    const { contact, from, to } = news.moved;
    const [person, old, now] = [contact, from, to].map((key) => latest.byKey.get(key)?.id);
    expect(latest.links).toContain(`contacts ${person} > companies ${now}: 1, 279`);
    expect([...latest.links].filter((line) => line.startsWith(`contacts ${person} > companies ${old}:`))).toEqual([]);
  });

  it('never changes an owner: not for a new rep, not for a person’s choice', () => {
    const then = (key: string): string | undefined => edited.byKey.get(key)?.properties.hubspot_owner_id;
    expect(heldBy(news.newRep, 'hubspot_owner_id')).toBe(then(news.newRep));
    expect(heldBy(news.newRep, 'erp_sales_rep')).not.toBe(after.byKey.get(news.newRep)?.properties.erp_sales_rep);
    expect(heldBy(news.newOwner, 'hubspot_owner_id')).toBe('71002');
    expect(heldBy(news.newOwner, 'erp_credit_limit')).toBe('777.7');
  });

  it('puts its own values back where source and person changed the same object', () => {
    expect(heldBy(news.overruled.deal, 'dealstage')).toBe('ERP Quotes: Sent');
    expect(heldBy(news.overruled.deal, 'amount')).toBe('4321.09');
    expect(heldBy(news.overruled.company, 'phone')).toBe(after.byKey.get(news.overruled.company)?.properties.phone);
  });

  it('tells a product that it is not sold any more, and keeps it', () => {
    expect([...news.farewells].map((id) => heldBy(`erp_product_id ${id}`, 'erp_status'))).toEqual([
      'discontinued',
      'discontinued',
    ]);
  });

  it('still lets nothing of a walk-in out', async () => {
    expect(await leaks()).toEqual([]);
  });
});
