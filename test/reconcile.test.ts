/** Both sides compared over HTTP: small shops, and people who edit, archive and merge in HubSpot. */
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import products from '../mappers/products.ts';
import { systemClock } from '../src/clock.ts';
import { reconcileCommand } from '../src/commands/reconcile.ts';
import { registerReconcile } from '../src/commands/register-reconcile.ts';
import { reconcile } from '../src/reconcile.ts';
import { SANDBOX_TOKEN } from '../src/sandbox/hubspot/server.ts';
import { createTransport } from '../src/sinks/hubspot/transport.ts';
import { openReadOnly } from '../src/state/database.ts';
import { at, clock, documentSchema, keyOf, kinds, openShop, openTroubledShop } from './reconcile-harness.ts';

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
      orphan: ['ORPHAN-1'],
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

  test('an object that was merged into one that is archived by now counts as archived', async () => {
    const shop = await openShop();
    const [primary, loser] = [at(shop.living('products'), 0), at(shop.living('products'), 1)];
    await shop.merge('products', primary.id, loser.id);
    await shop.archive('products', shop.find('products', keyOf(primary))?.id ?? '');
    expect(kinds(await shop.reconcile())).toEqual({ archived: [keyOf(primary), keyOf(loser)].toSorted() });
  });

  test('what is left to people is told as information, and is no difference', async () => {
    const shop = await openShop();
    const { id } = at(shop.living('products'), 0);
    await shop.edit('products', id, { name: 'A name by hand' });
    const db = openReadOnly(shop.folder);
    if (db === null) throw new Error('no state');
    const { objects } = await reconcile({
      ...{ db, stream: 1, pipe: 'products', clock: clock(), pauseMs: 0, signal: new AbortController().signal },
      specs: products.properties.map((spec) => (spec.name === 'name' ? { ...spec, owner: 'crm' } : spec)),
      transport: createTransport({
        ...{ token: SANDBOX_TOKEN, baseUrl: shop.hubspot.url, version: 'v3', clock: systemClock, random: () => 0 },
      }),
      source: { get: async () => [] },
    });
    db.close();
    expect(objects).toMatchObject([{ object: 'products', differences: [], leftToPeople: 1 }]);
  });
});

test('a look with the token of another portal than the state is of is refused', async () => {
  const shop = await openShop();
  const env = { ...shop.env, HUBSPOT_PORTAL_ID: '7654321' };
  await expect(reconcileCommand('products', {}, { ...shop.invocation(), env }, clock())).rejects.toMatchObject({
    exit: 5,
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
    const silent = { write: () => undefined };
    const stop = new AbortController().signal;
    const invocation = { env: {}, cwd: '/', stdout: silent, stderr: silent, stop, trigger: 'test' };
    await expect(reconcileCommand('products', flags, invocation)).rejects.toMatchObject({ exit: 2 });
  });
});
