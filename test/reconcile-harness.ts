/** A small shop whose products or customers are synced, with what people do to it in HubSpot, all over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished } from 'vitest';
import * as z from 'zod';
import type { Clock } from '../src/clock.ts';
import { type ReconcileFlags, reconcileCommand } from '../src/commands/reconcile.ts';
import { setup } from '../src/commands/setup.ts';
import { sync } from '../src/commands/sync.ts';
import { ERP_SANDBOX_TOKEN, startErp } from '../src/sandbox/erp/server.ts';
import { SANDBOX_TOKEN, startHubSpot } from '../src/sandbox/hubspot/server.ts';
import type { ObjectRecord } from '../src/sandbox/hubspot/store.ts';
import { generateErp } from '../src/sandbox/world.ts';

const difference = z.object({
  kind: z.string(),
  object: z.string(),
  key: z.string(),
  hubspotId: z.string().nullable(),
  other: z.object({ hubspotId: z.string(), key: z.string().nullable() }).nullable(),
  properties: z.array(z.object({ name: z.string(), expected: z.string().optional(), found: z.string().nullish() })),
  note: z.string().nullable(),
});
export const documentSchema = z.object({
  schemaVersion: z.literal(1),
  status: z.string(),
  exit: z.number(),
  counts: z.record(z.string(), z.number()),
  objects: z.array(z.looseObject({ object: z.string(), movedIds: z.array(z.unknown()) })),
  differences: z.array(difference),
  left: z.array(z.object({ kind: z.string(), key: z.string(), note: z.string().nullable() })),
  deletedAtSource: z.object({ concluded: z.boolean(), reason: z.string().nullable(), told: z.number() }),
  fix: z.object({ repaired: z.array(z.object({ key: z.string() })) }).nullable(),
  archive: z
    .object({ candidates: z.array(z.object({ key: z.string() })), archived: z.array(z.object({ key: z.string() })) })
    .nullable(),
  calls: z.number(),
});
const associationsSchema = z.object({ results: z.array(z.object({ from: z.string(), to: z.string() })) });
type Document = z.infer<typeof documentSchema>;

type Objects = 'products' | 'companies' | 'contacts';
const KEY = { products: 'erp_product_id', companies: 'erp_customer_id', contacts: 'erp_contact_id' } as const;

/** A clock whose pauses take no time; what happens during them may be given. */
export const clock = (during: () => Promise<unknown> = async () => undefined): Clock => ({
  now: Date.now,
  sleep: async () => void (await during()),
});

export async function openShop({ items = 40, accounts = 0, pipe = 'products', searchLagMs = 0 } = {}) {
  const world = generateErp({ seed: 3, asOfMs: Date.now(), items, accounts, quotes: 0, flaws: false });
  const erp = await startErp({ world, seed: 3, timeScale: 0 });
  const hubspot = await startHubSpot({ seed: 3, burstPer10s: 10_000, switches: { searchLagMs } });
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
    erase: (one: ObjectRecord, neighbour: ObjectRecord) =>
      hubspot.store.merge(neighbour, one, neighbour.properties, 0, true),
    associations: async () =>
      associationsSchema.parse(await (await fetch(`${hubspot.url}/_sandbox/associations`)).json()).results,
    inErp: (change: object) => ask('POST', `${erp.url}/_sandbox/change`, { resource: 'items', ...change }),
    /** What the report of the last run says. */
    lastRun(): unknown {
      const db = new Database(join(folder, 'state.db'), { readonly: true });
      const report = db
        .prepare<[], { report: string }>('SELECT report FROM runs ORDER BY started_at DESC LIMIT 1')
        .get();
      db.close();
      return JSON.parse(report?.report ?? 'null');
    },
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

export const kinds = ({ differences }: Document): Record<string, string[]> =>
  Object.fromEntries(
    [...Map.groupBy(differences, (one) => one.kind)].map(([kind, all]) => [kind, all.map((one) => one.key)]),
  );

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

export const keyOf = (one: ObjectRecord): string => one.properties.erp_product_id ?? '';

/** One of each: what people and the vendor can do to objects that the tool has written. */
export async function openTroubledShop() {
  const shop = await openShop();
  const products = shop.living('products');
  const nth = (index: number): ObjectRecord => at(products, index);
  const [changed, archived, rekeyed, primary] = [nth(0), nth(1), nth(2), nth(3)];
  const [loser, erased, neighbour, respelled] = [nth(4), nth(5), nth(6), nth(7)];
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
  shop.erase(erased, neighbour);
  await shop.create('products', { name: 'An orphan', erp_product_id: 'ORPHAN-1' });
  await shop.create('products', { name: 'A copy', erp_product_id: ` ${keyOf(neighbour)}` });
  return { shop, keys, copyOf: keyOf(neighbour), lost: loser.id };
}
