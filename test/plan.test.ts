/** Plans over HTTP: what they say, that they write nothing, that they send exactly what they say or nothing. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type ApplyFlags, apply } from '../src/commands/apply.ts';
import { type PlanFlags, plan } from '../src/commands/plan.ts';
import { at, keyOf, openShop } from './reconcile-harness.ts';

type Shop = Awaited<ReturnType<typeof openShop>>;

const documentSchema = z.looseObject({
  counts: z.record(z.string(), z.number()),
  plan: z.looseObject({
    entries: z.array(
      z.looseObject({
        key: z.string(),
        action: z.string(),
        before: z.record(z.string(), z.string().nullable()),
        after: z.record(z.string(), z.string()),
      }),
    ),
  }),
});
const runSchema = z.looseObject({ exit: z.number(), reason: z.string().optional() });

async function told<T>(
  shop: Shop,
  work: (invocation: ReturnType<Shop['invocation']>) => Promise<number>,
  schema: z.ZodType<T>,
) {
  let text = '';
  const exit = await work(shop.invocation({ write: (part) => (text += part) }));
  return { exit, document: schema.parse(JSON.parse(text)), text };
}

const planOf = (shop: Shop, flags: PlanFlags = {}, pipe = 'products') =>
  told(shop, (invocation) => plan(pipe, { full: true, ...flags, json: true }, invocation), documentSchema);

const applyOf = (shop: Shop, file: string, flags: ApplyFlags = {}) =>
  told(shop, (invocation) => apply(file, { ...flags, json: true }, invocation), runSchema);

const stateOf = ({ folder }: Shop): string =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'state.db')))
    .digest('hex');

const writesSince = ({ hubspot }: Shop, mark: number) =>
  hubspot.log.slice(mark).filter(({ path }) => /batch\/(upsert|update|create|archive)$/.test(path));

/** A shop in which one item has another price since its sync, with the plan for it in a file. */
async function openChanged() {
  const shop = await openShop();
  const product = at(shop.living('products'), 0);
  await shop.inErp({ ids: [keyOf(product)], set: { unitPrice: '77.70' } });
  const file = join(shop.folder, 'plan.json');
  const planned = await planOf(shop, { out: file });
  return { shop, product, file, planned, price: () => shop.find('products', keyOf(product))?.properties.price };
}

describe('plan', () => {
  test('tells values before and after as HubSpot has them, and writes neither to HubSpot nor to the state', async () => {
    const shop = await openShop();
    const product = at(shop.living('products'), 0);
    await shop.edit('products', product.id, { price: '1.11' });
    await shop.inErp({ ids: [keyOf(product)], set: { unitPrice: '77.70' } });
    const before = { state: stateOf(shop), mark: shop.hubspot.log.length };
    const { exit, document } = await planOf(shop, { out: join(shop.folder, 'plan.json') });
    expect(exit).toBe(0);
    expect(document.counts).toMatchObject({ adopts: 0, creates: 0, updates: 1 });
    expect(document.plan.entries).toMatchObject([
      { key: keyOf(product), before: { price: '1.11' }, after: { price: '77.7' } },
    ]);
    expect(stateOf(shop)).toBe(before.state);
    expect(writesSince(shop, before.mark)).toEqual([]);
    expect(statSync(join(shop.folder, 'plan.json')).mode & 0o777).toBe(0o600);
  });

  test('lists what it would adopt first, and stamps nothing', async () => {
    const shop = await openShop({ items: 1, accounts: 60, pipe: 'customers' });
    const contact = at(
      shop.living('contacts').filter((one) => one.properties.email),
      0,
    );
    const { email = '' } = contact.properties;
    await shop.archive('contacts', contact.id);
    await shop.create('contacts', { email, lastname: 'By hand' });
    const elsewhere = { ...shop.env, RETAIL_SYNC_STATE_DIR: join(shop.folder, 'new') };
    const mark = shop.hubspot.log.length;
    const { document } = await told(
      shop,
      (invocation) => plan('customers', { json: true }, { ...invocation, env: elsewhere }),
      documentSchema,
    );
    expect(document.plan.entries[0]).toMatchObject({ action: 'adopt', key: contact.properties.erp_contact_id });
    expect(writesSince(shop, mark)).toEqual([]);
  });
});

describe('apply', () => {
  test('sends what the plan says, and once only', async () => {
    const { shop, file, price } = await openChanged();
    expect((await applyOf(shop, file)).exit).toBe(0);
    expect(price()).toBe('77.7');
    const again = await applyOf(shop, file);
    expect(again.exit).toBe(4);
  });

  test('refuses when HubSpot has moved since, names the record and the property, and writes nothing', async () => {
    const { shop, product, file, price } = await openChanged();
    await shop.edit('products', product.id, { price: '2.22' });
    const mark = shop.hubspot.log.length;
    const { exit, document } = await applyOf(shop, file);
    expect(exit).toBe(4);
    expect(document.reason).toContain(`products ${keyOf(product)} (changed in HubSpot: price)`);
    expect(price()).toBe('2.22');
    expect(writesSince(shop, mark)).toEqual([]);
  });

  test('refuses when the source has moved since, also by a record that is not in the plan', async () => {
    const { shop, product, file } = await openChanged();
    const other = at(shop.living('products'), 1);
    await shop.inErp({ ids: [keyOf(product), keyOf(other)], set: { unitPrice: '88.80' } });
    const mark = shop.hubspot.log.length;
    const { exit, document } = await applyOf(shop, file);
    expect(exit).toBe(4);
    expect(document.reason).toContain(`${keyOf(product)} (changed at the source)`);
    expect(document.reason).toContain(`${keyOf(other)} (changed at the source, and is not in the plan)`);
    expect(writesSince(shop, mark)).toEqual([]);
  });

  test('refuses another portal, an old plan, a larger one than allowed, and a file that is none', async () => {
    const { shop, file } = await openChanged();
    const original: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const changed = (change: object): string => {
      const path = join(shop.folder, 'changed.json');
      writeFileSync(path, JSON.stringify(Object.assign({}, original, change)));
      return path;
    };
    await expect(applyOf(shop, changed({ portalId: '7' }))).rejects.toMatchObject({ exit: 5 });
    await expect(applyOf(shop, changed({ createdAt: '2026-01-01T00:00:00.000Z' }))).rejects.toMatchObject({ exit: 4 });
    await expect(applyOf(shop, file, { maxUpdates: 0 })).rejects.toMatchObject({ exit: 4 });
    await expect(applyOf(shop, changed({ entries: [{}] }))).rejects.toMatchObject({ exit: 2 });
    await expect(applyOf(shop, join(shop.folder, 'none.json'))).rejects.toMatchObject({ exit: 2 });
  });
});

describe('sync with a limit', () => {
  test('stops before its first write, also on the very first load', async () => {
    const { shop, price } = await openChanged();
    const before = price();
    expect(await shop.sync({ full: true, maxUpdates: 0 })).toBe(4);
    expect(price()).toBe(before);
    const elsewhere = { ...shop.invocation(), env: { ...shop.env, RETAIL_SYNC_STATE_DIR: join(shop.folder, 'first') } };
    const mark = shop.hubspot.log.length;
    const { sync } = await import('../src/commands/sync.ts');
    expect(await sync('products', { maxCreates: 3 }, elsewhere)).toBe(4);
    expect(writesSince(shop, mark)).toEqual([]);
    expect(await shop.sync({ full: true, maxUpdates: 1 })).toBe(0);
    expect(price()).toBe('77.7');
  });
});
