/** Both sides compared over HTTP: small shops, people who edit, archive and merge in HubSpot, records that vanish. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Command } from 'commander';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import type { Clock } from '../src/clock.ts';
import { type ReconcileFlags, reconcileCommand } from '../src/commands/reconcile.ts';
import { registerReconcile } from '../src/commands/register-reconcile.ts';
import { setup } from '../src/commands/setup.ts';
import { sync } from '../src/commands/sync.ts';
import { ERP_SANDBOX_TOKEN, startErp } from '../src/sandbox/erp/server.ts';
import { SANDBOX_TOKEN, startHubSpot } from '../src/sandbox/hubspot/server.ts';
import type { ObjectRecord } from '../src/sandbox/hubspot/store.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { lockFolder, lockPortal } from '../src/state/lock.ts';

const difference = z.object({
  kind: z.string(),
  object: z.string(),
  key: z.string(),
  hubspotId: z.string().nullable(),
  other: z.object({ hubspotId: z.string(), key: z.string().nullable() }).nullable(),
  properties: z.array(z.object({ name: z.string(), expected: z.string().optional(), found: z.string().nullish() })),
  note: z.string().nullable(),
});
const documentSchema = z.object({
  schemaVersion: z.literal(1),
  status: z.string(),
  exit: z.number(),
  counts: z.record(z.string(), z.number()),
  objects: z.array(z.looseObject({ object: z.string(), movedIds: z.array(z.unknown()) })),
  differences: z.array(difference),
  left: z.array(z.object({ kind: z.string(), key: z.string(), note: z.string().nullable() })),
  deletedAtSource: z.object({ concluded: z.boolean(), reason: z.string().nullable() }),
  fix: z.object({ repaired: z.array(z.object({ key: z.string() })) }).nullable(),
  archive: z
    .object({ candidates: z.array(z.object({ key: z.string() })), archived: z.array(z.object({ key: z.string() })) })
    .nullable(),
  calls: z.number(),
});
type Document = z.infer<typeof documentSchema>;

type Objects = 'products' | 'companies' | 'contacts';
const KEY = { products: 'erp_product_id', companies: 'erp_customer_id', contacts: 'erp_contact_id' } as const;

/** A clock whose pauses take no time; what happens during them may be given. */
const clock = (during: () => Promise<unknown> = async () => undefined): Clock => ({
  now: Date.now,
  sleep: async () => void (await during()),
});

async function openShop({ items = 40, accounts = 0, pipe = 'products' } = {}) {
  const world = generateErp({ seed: 3, asOfMs: Date.now(), items, accounts, quotes: 0, flaws: false });
  const erp = await startErp({ world, seed: 3, timeScale: 0 });
  const hubspot = await startHubSpot({ seed: 3, burstPer10s: 10_000 });
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-reconcile-'));
  onTestFinished(async () => {
    await Promise.all([erp.close(), hubspot.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const env = {
    RETAIL_SYNC_ENV: 'sandbox',
    RETAIL_SYNC_STATE_DIR: folder,
    XDG_STATE_HOME: folder,
    HUBSPOT_BASE_URL: hubspot.url,
    HUBSPOT_TOKEN: SANDBOX_TOKEN,
    HUBSPOT_PORTAL_ID: '1234567',
    HUBSPOT_QUARANTINE_MS: '100',
    ERP_PROFILE: 'sandbox',
    ERP_STAGING_URL: erp.stagingUrl,
    ERP_TOKEN: ERP_SANDBOX_TOKEN,
    LOG_LEVEL: 'silent',
  };
  const invocation = (stdout: { write: (text: string) => unknown } = { write: () => undefined }) => ({
    env,
    cwd: folder,
    stdout: { write: (text: string) => void stdout.write(text) },
    stderr: { write: () => undefined },
    stop: new AbortController().signal,
    trigger: 'test',
  });
  const ask = async (method: string, url: string, body: unknown): Promise<void> => {
    const headers = { authorization: `Bearer ${SANDBOX_TOKEN}`, 'content-type': 'application/json' };
    const reply = await fetch(url, { method, headers, body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`${method} ${url}: ${await reply.text()}`);
  };
  const shop = {
    folder,
    env,
    hubspot,
    invocation,
    sync: (flags = {}) => sync(pipe, flags, invocation()),
    living: (object: Objects): ObjectRecord[] =>
      hubspot.store.all(object).filter((one) => one.archivedAtMs === null && one.properties[KEY[object]]),
    find: (object: Objects, key: string): ObjectRecord | undefined =>
      shop.living(object).find((one) => one.properties[KEY[object]] === key),
    edit: (type: Objects, id: string, properties: Record<string, string>) =>
      ask('POST', `${hubspot.url}/_sandbox/edit`, { type, id, properties }),
    archive: (type: Objects, id: string) =>
      ask('POST', `${hubspot.url}/crm/v3/objects/${type}/batch/archive`, { inputs: [{ id }] }),
    merge: (type: Objects, primaryObjectId: string, objectIdToMerge: string) =>
      ask('POST', `${hubspot.url}/crm/v3/objects/${type}/merge`, { primaryObjectId, objectIdToMerge }),
    create: (type: Objects, properties: Record<string, string>) =>
      ask('POST', `${hubspot.url}/crm/v3/objects/${type}`, { properties }),
    /** Deleted for good, as a request by privacy law is: neither in the recycle bin nor named by another object. */
    erase: (object: Objects, one: ObjectRecord, neighbour: ObjectRecord) =>
      hubspot.store.merge(neighbour, one, neighbour.properties, 0, true),
    inErp: (change: object) => ask('POST', `${erp.url}/_sandbox/change`, { resource: 'items', ...change }),
    async text(flags: ReconcileFlags = {}, at = clock()): Promise<{ exit: number; text: string }> {
      let text = '';
      const exit = await reconcileCommand(pipe, flags, invocation({ write: (part) => (text += part) }), at);
      return { exit, text };
    },
    async reconcile(flags: ReconcileFlags = {}, at = clock()): Promise<Document> {
      const { exit, text } = await shop.text({ ...flags, json: true }, at);
      const document = documentSchema.parse(JSON.parse(text));
      expect(document.exit).toBe(exit);
      return document;
    },
  };
  expect(await setup({ apply: true, json: true }, invocation())).toBe(0);
  expect(await shop.sync()).toBe(0);
  return shop;
}

const kinds = ({ differences }: Document): Record<string, string[]> =>
  Object.fromEntries(
    [...Map.groupBy(differences, (one) => one.kind)].map(([kind, all]) => [kind, all.map((one) => one.key)]),
  );

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

const keyOf = (one: ObjectRecord): string => one.properties.erp_product_id ?? '';

describe('reconcile of a portal that nobody touched', () => {
  test('finds no difference, writes nothing, asks no search index and costs a call per hundred', async () => {
    const shop = await openShop();
    const mark = shop.hubspot.log.length;
    const document = await shop.reconcile();
    const { length } = shop.living('products');
    expect(length).toBeGreaterThan(8);
    expect(document).toMatchObject({ status: 'ok', exit: 0, counts: { compared: length, same: length, left: 0 } });
    const requests = shop.hubspot.log.slice(mark);
    expect(requests.filter(({ path }) => /search/.test(path))).toEqual([]);
    expect(requests.filter(({ path }) => path.endsWith('/products/batch/read'))).toHaveLength(1);
    expect(
      requests.filter(({ path }) => path.endsWith('/objects/products') || /objects\/.*\/products$/.test(path)),
    ).toHaveLength(1);
    expect(document.calls).toBe(requests.length);
  });

  test('before the first sync says what to run first', async () => {
    const shop = await openShop();
    const elsewhere = { ...shop.invocation(), env: { ...shop.env, RETAIL_SYNC_STATE_DIR: join(shop.folder, 'none') } };
    await expect(reconcileCommand('products', {}, elsewhere, clock())).rejects.toMatchObject({
      exit: 2,
      hint: 'retail-sync sync products',
    });
  });
});

/** One of each: what people and the vendor can do to objects that the tool has written. */
async function openTroubledShop() {
  const shop = await openShop();
  const products = shop.living('products');
  const [changed, archived, rekeyed, primary, loser, erased, neighbour, respelled] = [0, 1, 2, 3, 4, 5, 6, 7].map(
    (nth) => at(products, nth),
  ) as [ObjectRecord, ObjectRecord, ObjectRecord, ObjectRecord, ObjectRecord, ObjectRecord, ObjectRecord, ObjectRecord];
  const keys = {
    changed: keyOf(changed),
    archived: keyOf(archived),
    rekeyed: keyOf(rekeyed),
    primary: keyOf(primary),
    loser: keyOf(loser),
    erased: keyOf(erased),
  };
  await shop.edit('products', changed.id, { price: '1.11', name: 'A name by hand' });
  await shop.edit('products', respelled.id, {
    price: `${respelled.properties.price}.000`.replace(/(\.\d+)\.000$/, '$100'),
  });
  await shop.archive('products', archived.id);
  await shop.edit('products', rekeyed.id, { erp_product_id: 'typed by hand' });
  await shop.merge('products', primary.id, loser.id);
  shop.erase('products', erased, neighbour);
  await shop.create('products', { name: 'An orphan', erp_product_id: 'ORPHAN-1' });
  await shop.create('products', { name: 'A copy', erp_product_id: ` ${keyOf(neighbour)}` });
  return { shop, keys, copyOf: keyOf(neighbour), lost: loser.id };
}

describe('reconcile of a portal that people worked in', () => {
  test('tells changed, missing, re-keyed, archived, merged, orphaned and duplicate objects apart', async () => {
    const { shop, keys, copyOf, lost } = await openTroubledShop();
    const mark = shop.hubspot.log.length;
    const document = await shop.reconcile();
    expect(kinds(document)).toEqual({
      changed: [keys.changed],
      missing: [keys.erased],
      'key-changed': [keys.rekeyed],
      archived: [keys.archived],
      merged: [keys.loser],
      orphan: expect.toSatisfy((all: string[]) => all.toSorted().join() === 'ORPHAN-1,typed by hand'),
      duplicate: [` ${copyOf}`],
    });
    expect(document).toMatchObject({ exit: 3, status: 'partial' });
    expect(document.counts.same).toBe((document.counts.compared ?? 0) - 5);
    const changed = document.differences.find((one) => one.kind === 'changed');
    expect(changed?.properties.map((one) => one.name).toSorted()).toEqual(['name', 'price']);
    expect(changed?.properties[0]).not.toHaveProperty('expected');
    const merged = document.differences.find((one) => one.kind === 'merged');
    expect(merged).toMatchObject({ hubspotId: lost, other: { key: keys.primary } });
    expect(document.objects[0]?.movedIds).toHaveLength(1);
    expect(shop.hubspot.log.slice(mark).every(({ method, path }) => method === 'GET' || /read$|token/.test(path))).toBe(
      true,
    );
  });

  test('shows samples within 80 columns and the next command; values only when asked', async () => {
    const { shop } = await openTroubledShop();
    const { exit, text } = await shop.text();
    expect(exit).toBe(3);
    expect(text).toContain('retail-sync reconcile products --fix');
    expect(text).not.toContain('A name by hand');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect((await shop.text({ values: true })).text).toContain('A name by hand');
  });

  test('--fix sends what the source owns again, and respects what people archived, merged or re-keyed', async () => {
    const { shop, keys } = await openTroubledShop();
    const name = keys.changed;
    const document = await shop.reconcile({ fix: true });
    expect(document.fix?.repaired.map(({ key }) => key).toSorted()).toEqual([keys.changed, keys.erased].toSorted());
    expect(document).toMatchObject({ exit: 3, status: 'partial' });
    expect(document.left.map(({ kind }) => kind).toSorted()).toEqual(
      ['archived', 'duplicate', 'key-changed', 'merged', 'orphan', 'orphan'].toSorted(),
    );
    expect(shop.find('products', name)?.properties.name).not.toBe('A name by hand');
    expect(shop.find('products', keys.erased)).toBeDefined();
    for (const key of [keys.archived, keys.loser, keys.rekeyed]) expect(shop.find('products', key)).toBeUndefined();
    const again = await shop.reconcile();
    expect(again.counts).toMatchObject({ changed: 0, missing: 0, archived: 1, merged: 1, 'key-changed': 1 });
    expect(again.objects[0]?.movedIds).toEqual([]);
  });

  test('--fix --recreate makes archived objects again, and nothing twice', async () => {
    const { shop, keys } = await openTroubledShop();
    const document = await shop.reconcile({ fix: true, recreate: true });
    expect(document.fix?.repaired.map(({ key }) => key)).toContain(keys.archived);
    expect(shop.living('products').filter((one) => keyOf(one) === keys.archived)).toHaveLength(1);
    expect((await shop.reconcile()).counts).toMatchObject({ archived: 0, changed: 0, missing: 0 });
  });

  test('an edit that is taken back between the two looks is no difference', async () => {
    const shop = await openShop();
    const one = at(shop.living('products'), 0);
    const before = one.properties.price ?? '';
    await shop.edit('products', one.id, { price: '1.11' });
    const looks = clock(() => shop.edit('products', one.id, { price: before }));
    expect(await shop.reconcile({}, looks)).toMatchObject({ exit: 0, counts: { changed: 0 } });
  });

  test('what a sync writes between the two looks is no difference', async () => {
    const shop = await openShop();
    const one = at(shop.living('products'), 0);
    await shop.edit('products', one.id, { price: '1.11' });
    const looks = clock(async () => {
      await shop.inErp({ ids: [keyOf(one)], set: { unitPrice: 77 } });
      expect(await shop.sync()).toBe(0);
      await shop.edit('products', one.id, { price: '2.22' });
    });
    expect(await shop.reconcile({}, looks)).toMatchObject({ exit: 0, counts: { changed: 0 } });
    expect(kinds(await shop.reconcile())).toEqual({ changed: [keyOf(one)] });
  });
});

describe('a repair', () => {
  test('waits for its turn: with the lock taken it is refused, while a look is not', async () => {
    const shop = await openShop();
    const lock = await lockPortal(lockFolder(shop.env), '1234567', 0, async () => undefined);
    onTestFinished(() => lock.release());
    await expect(shop.reconcile({ fix: true })).rejects.toMatchObject({ exit: 75 });
    expect((await shop.reconcile()).exit).toBe(0);
  });

  test('that is larger than a usual run stops before anything is marked, and goes through with --approve', async () => {
    const shop = await openShop({ items: 200 });
    const products = shop.living('products');
    expect(products.length).toBeGreaterThan(51);
    await Promise.all(products.slice(0, 51).map((one) => shop.edit('products', one.id, { price: '1.11' })));
    await expect(shop.reconcile({ fix: true })).rejects.toMatchObject({
      exit: 4,
      hint: expect.stringContaining('reconcile products --fix --approve'),
    });
    expect((await shop.reconcile()).counts).toMatchObject({ changed: 51 });
    expect(await shop.sync()).toBe(0);
    const repaired = await shop.reconcile({ fix: true, approve: true });
    expect(repaired).toMatchObject({ exit: 0, counts: { changed: 51, left: 0 } });
    expect((await shop.reconcile()).exit).toBe(0);
  });

  test('of a company that is gone makes its links again too', async () => {
    const shop = await openShop({ items: 0, accounts: 60, pipe: 'customers' });
    const linked = (company: ObjectRecord): number =>
      [...shop.hubspot.world.links.all()].filter(({ from, to }) => to === company.id || from === company.id).length;
    const companies = shop.living('companies');
    const lost = companies.find((one) => linked(one) > 0);
    const neighbour = companies.find((one) => one !== lost);
    if (!lost || !neighbour) throw new Error('no company with a contact');
    const key = lost.properties.erp_customer_id ?? '';
    const links = linked(lost);
    shop.erase('companies', lost, neighbour);
    expect(kinds(await shop.reconcile())).toMatchObject({ missing: [key] });
    expect((await shop.reconcile({ fix: true })).exit).toBe(0);
    const anew = shop.find('companies', key);
    expect(anew && linked(anew)).toBe(links);
  });

  test('does not make an object again whose record is gone at the source', async () => {
    const shop = await openShop();
    const [one, neighbour] = [at(shop.living('products'), 0), at(shop.living('products'), 1)];
    shop.erase('products', one, neighbour);
    await shop.inErp({ delete: [keyOf(one)] });
    const document = await shop.reconcile({ fix: true });
    expect(document).toMatchObject({ exit: 3, fix: { repaired: [] } });
    expect(document.left).toEqual([
      expect.objectContaining({ kind: 'missing', note: expect.stringContaining('gone at the source') }),
    ]);
    expect(shop.find('products', keyOf(one))).toBeUndefined();
  });
});

describe('a record that the source deleted', () => {
  test('is concluded only from a proven pass, reported, and archived only when that is asked for and confirmed', async () => {
    const shop = await openShop();
    const { id, ...one } = at(shop.living('products'), 0);
    const key = one.properties.erp_product_id ?? '';
    await shop.inErp({ delete: [key] });
    expect(await shop.reconcile()).toMatchObject({ exit: 0, deletedAtSource: { concluded: false } });
    expect(await shop.sync({ full: true })).toBe(0);
    const found = await shop.reconcile();
    expect(found).toMatchObject({ exit: 3, deletedAtSource: { concluded: true } });
    expect(kinds(found)).toEqual({ 'deleted-at-source': [key] });

    const listed = await shop.reconcile({ archive: true });
    expect(listed).toMatchObject({ exit: 3, archive: { candidates: [{ key }], archived: [] } });
    expect(shop.find('products', key)).toBeDefined();

    const done = await shop.reconcile({ archive: true, yes: true });
    expect(done).toMatchObject({ exit: 0, archive: { archived: [{ key }] } });
    expect(shop.hubspot.store.find('products', id)?.archivedAtMs).not.toBeNull();
    expect(shop.living('products')).toHaveLength(found.counts.compared! - 1);
    expect((await shop.reconcile()).exit).toBe(0);
    const db = new Database(join(shop.folder, 'state.db'), { readonly: true });
    onTestFinished(() => void db.close());
    expect(db.prepare('SELECT kind FROM journal WHERE subject = ? ORDER BY id').pluck().all(`products ${key}`)).toEqual(
      ['created', 'archived'],
    );
    expect(db.prepare('SELECT count(*) FROM records WHERE id = ?').pluck().get(key)).toBe(0);
  });

  test('is not believed from an answer by id that lacks more than the pass did', async () => {
    const shop = await openShop();
    const [first, second] = [keyOf(at(shop.living('products'), 0)), keyOf(at(shop.living('products'), 1))];
    await shop.inErp({ delete: [first] });
    expect(await shop.sync({ full: true })).toBe(0);
    await shop.inErp({ delete: [second] });
    expect(await shop.reconcile()).toMatchObject({
      exit: 0,
      deletedAtSource: { concluded: false, reason: expect.stringContaining('2 records are not found by id') },
    });
  });
});

describe('the command line', () => {
  test('hands pipe and flags to the command', async () => {
    const shop = await openShop();
    let text = '';
    let exit: number | undefined;
    const program = new Command();
    registerReconcile(
      program,
      async (work) => {
        exit = await work();
      },
      shop.invocation({ write: (part) => (text += part) }),
    );
    await program.parseAsync(['node', 'retail-sync', 'reconcile', 'products', '--json']);
    expect(exit).toBe(0);
    expect(documentSchema.parse(JSON.parse(text)).status).toBe('ok');
  });

  test.each([[{ yes: true }], [{ recreate: true }], [{ approve: true }]])('refuses %j alone', async (flags) => {
    const shop = await openShop();
    await expect(shop.text(flags)).rejects.toMatchObject({ exit: 2 });
  });
});
