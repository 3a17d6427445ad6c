/** What `reconcile` does about differences when a person asks for it: send again, make again, archive. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ObjectRecord } from '../src/sandbox/hubspot/store.ts';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { at, keyOf, kinds, openShop, openTroubledShop } from './reconcile-harness.ts';

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
    const associations = await shop.associations();
    const linked = (company: ObjectRecord, all = associations): number =>
      all.filter(({ from, to }) => [from, to].includes(company.id)).length;
    const companies = shop.living('companies');
    const lost = companies.find((one) => linked(one) > 0);
    const neighbour = companies.find((one) => one !== lost);
    if (!lost || !neighbour) throw new Error('no company with a contact');
    const key = lost.properties.erp_customer_id ?? '';
    const links = linked(lost);
    shop.erase(lost, neighbour);
    expect(kinds(await shop.reconcile())).toMatchObject({ missing: [key] });
    expect((await shop.reconcile({ fix: true })).exit).toBe(0);
    const anew = shop.find('companies', key);
    expect(anew && linked(anew, await shop.associations())).toBe(links);
  });

  test('is not waited for by a record that changes: what people archived is made again, counted, with its links', async () => {
    const shop = await openShop({ items: 0, accounts: 60, pipe: 'customers' });
    const before = await shop.associations();
    const linked = (company: ObjectRecord, all = before): number =>
      all.filter(({ from, to }) => [from, to].includes(company.id)).length;
    const lost = shop.living('companies').find((one) => linked(one) > 0);
    if (!lost) throw new Error('no company with a contact');
    const key = lost.properties.erp_customer_id ?? '';
    await shop.archive('companies', lost.id);
    expect(await shop.sync()).toBe(0);
    expect(shop.find('companies', key)).toBeUndefined();
    await shop.inErp({ resource: 'accounts', ids: [key], set: { accountName: 'Another name' } });
    expect(await shop.sync()).toBe(0);
    expect(shop.lastRun()).toMatchObject({ upserts: { created: 1 }, links: { made: linked(lost) / 2 } });
    const anew = shop.find('companies', key);
    expect(anew && linked(anew, await shop.associations())).toBe(linked(lost));
  });

  test('does not make an object again whose record is gone at the source', async () => {
    const shop = await openShop();
    const [one, neighbour] = [at(shop.living('products'), 0), at(shop.living('products'), 1)];
    shop.erase(one, neighbour);
    await shop.inErp({ delete: [keyOf(one)] });
    const document = await shop.reconcile({ fix: true });
    expect(document).toMatchObject({ exit: 3, fix: { repaired: [] } });
    expect(document.left).toEqual([
      expect.objectContaining({ kind: 'missing', note: expect.stringContaining('gone at the source') }),
    ]);
    expect(shop.find('products', keyOf(one))).toBeUndefined();
  });

  test('--fix sends what the source owns again, and respects what people archived, merged or re-keyed', async () => {
    const { shop, keys } = await openTroubledShop();
    const name = keys.changed;
    const document = await shop.reconcile({ fix: true });
    expect(document.fix?.repaired.map(({ key }) => key).toSorted()).toEqual([keys.changed, keys.erased].toSorted());
    expect(document).toMatchObject({ exit: 3, status: 'partial' });
    expect(document.left.map(({ kind }) => kind).toSorted()).toEqual(
      ['archived', 'duplicate', 'key-changed', 'merged', 'orphan'].toSorted(),
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
});

describe('an e-mail that another contact has', () => {
  test('is withheld without being a difference, and sent by --fix once that one has given it up', async () => {
    const shop = await openShop({ items: 0, accounts: 60, pipe: 'customers' });
    const ours = at(shop.living('contacts'), 0);
    const key = ours.properties.erp_contact_id ?? '';
    const account = ours.properties.erp_customer_number ?? '';
    await shop.create('contacts', { email: 'taken@byhand.example' });
    const person = {
      personId: key,
      first: 'Pat',
      last: 'Doe',
      mail: 'taken@byhand.example',
      tel: '',
      ext: '',
      cell: null,
    };
    const people = [{ ...person, function: '', main: true }];
    await shop.inErp({ resource: 'accounts', ids: [account], set: { people } });
    expect(await shop.sync()).toBe(0);
    expect(shop.lastRun()).toMatchObject({
      upserts: { withheld: 1 },
      notes: [
        expect.stringMatching(/^1 contact was written without its e-mail.*retail-sync reconcile customers --fix$/),
      ],
    });
    expect(await shop.reconcile({ fix: true })).toMatchObject({ counts: { changed: 0 } });

    const theirs = shop.hubspot.store.all('contacts').find((one) => one.properties.email === 'taken@byhand.example');
    await shop.edit('contacts', theirs?.id ?? '', { email: 'own@byhand.example' });
    expect(kinds(await shop.reconcile())).toMatchObject({ changed: [key] });
    expect((await shop.reconcile({ fix: true })).counts).toMatchObject({ changed: 1 });
    expect(shop.find('contacts', key)?.properties.email).toBe('taken@byhand.example');
    expect(kinds(await shop.reconcile()).changed).toBeUndefined();
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
    const found = await shop.reconcile({ archive: true });
    expect(found).toMatchObject({
      exit: 3,
      deletedAtSource: { concluded: true, told: 0 },
      archive: { candidates: [] },
    });
    const note = expect.stringContaining('one more full pass decides');
    expect(found.left).toEqual([{ kind: 'deleted-at-source', key, note }]);

    expect(await shop.sync({ full: true })).toBe(0);
    expect(shop.find('products', key)?.properties.erp_status).toBe('inactive');
    const listed = await shop.reconcile({ archive: true });
    expect(listed).toMatchObject({
      exit: 0,
      deletedAtSource: { told: 1 },
      archive: { candidates: [{ key }], archived: [] },
    });
    expect(shop.find('products', key)).toBeDefined();

    const done = await shop.reconcile({ archive: true, yes: true });
    expect(done).toMatchObject({ exit: 0, archive: { archived: [{ key }] } });
    expect(shop.hubspot.store.find('products', id)?.archivedAtMs).not.toBeNull();
    expect(shop.living('products')).toHaveLength(listed.counts.compared ?? 0);
    expect((await shop.reconcile()).exit).toBe(0);
    const db = new Database(join(shop.folder, 'state.db'), { readonly: true });
    onTestFinished(() => void db.close());
    expect(db.prepare('SELECT kind FROM journal WHERE subject = ? ORDER BY id').pluck().all(`products ${key}`)).toEqual(
      ['created', 'updated', 'archived'],
    );
    expect(db.prepare('SELECT count(*) FROM records WHERE id = ?').pluck().get(key)).toBe(0);
  });

  test('is never archived when this tool did not create the object', async () => {
    const shop = await openShop();
    const key = keyOf(at(shop.living('products'), 0));
    await shop.inErp({ delete: [key] });
    for (let pass = 0; pass < 2; pass++) expect(await shop.sync({ full: true })).toBe(0);
    const db = new Database(join(shop.folder, 'state.db'));
    db.exec("DELETE FROM journal WHERE kind = 'created'"); // as after an adoption
    db.close();
    expect(await shop.reconcile({ archive: true, yes: true })).toMatchObject({
      ...{ exit: 0, deletedAtSource: { told: 1 }, archive: { candidates: [] } },
    });
    expect(shop.find('products', key)).toBeDefined();
  });

  test('is not archived when the source has it again', async () => {
    const shop = await openShop();
    const one = at(shop.living('products'), 0);
    await shop.inErp({ delete: [keyOf(one)] });
    for (let pass = 0; pass < 2; pass++) expect(await shop.sync({ full: true })).toBe(0);
    await shop.inErp({ restore: [keyOf(one)] });
    expect(await shop.reconcile({ archive: true, yes: true })).toMatchObject({
      archive: { candidates: [{ key: keyOf(one) }], archived: [] },
    });
    expect(shop.find('products', keyOf(one))).toBeDefined();
  });

  test('is told of a contact too that was taken out of its account', async () => {
    const shop = await openShop({ items: 0, accounts: 60, pipe: 'customers' });
    const [contact] = shop.living('contacts');
    const account = contact?.properties.erp_customer_number ?? '';
    const gone = shop.living('contacts').filter((one) => one.properties.erp_customer_number === account);
    await shop.inErp({ resource: 'accounts', ids: [account], set: { people: [] } });
    expect(await shop.sync()).toBe(0);
    const document = await shop.reconcile({ archive: true });
    expect(kinds(document)).toEqual({
      'deleted-at-source': gone.map((one) => one.properties.erp_contact_id).toSorted(),
    });
    expect(document.archive?.candidates).toEqual([]);
  });

  test('is reported only of what the last full pass lacked, whatever is not found by id', async () => {
    const shop = await openShop();
    const [first, second] = [keyOf(at(shop.living('products'), 0)), keyOf(at(shop.living('products'), 1))];
    await shop.inErp({ delete: [first] });
    expect(await shop.sync({ full: true })).toBe(0);
    await shop.inErp({ delete: [second] });
    expect(kinds(await shop.reconcile())).toEqual({ 'deleted-at-source': [first] });
  });
});
