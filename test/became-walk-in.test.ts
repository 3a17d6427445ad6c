/** An account that was a business by mistake: from the day it is a walk-in's, the tool knows nothing of it but its id. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AccountRow } from '../src/sandbox/data/accounts.ts';
import { isBusiness } from './mission/customers.ts';
import { type Distributor, openDistributor } from './mission/distributor.ts';
import { type Portal, readPortal } from './mission/portal.ts';

let shop: Distributor;
let before: Portal;
let rows: readonly AccountRow[];

beforeAll(async () => {
  shop = await openDistributor();
  await shop.tool('setup', '--apply');
  await shop.tool('sync', 'customers');
  before = await readPortal(shop.hubspot.url);
  rows = (await shop.accounts()).filter(
    (row) => isBusiness(row) && before.byKey.has(`erp_customer_id ${row.accountId}`),
  );
});
afterAll(() => shop.close());

const set = (id: string, fields: object): Promise<unknown> =>
  shop.changeErp({ resource: 'accounts', ids: [id], set: fields });

function need<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('the distributor is too small for this test');
  return value;
}

it('stays in HubSpot as it is, and leaves nothing in the files of the tool, not even in bytes that were freed', async () => {
  const mails = rows.flatMap(({ people }) => people.map(({ mail }) => mail));
  const lonely = rows.filter(({ people: [first, ...more] }) => {
    const mail = first?.mail ?? '';
    return more.length === 0 && mail.includes('@') && mails.filter((other) => other === mail).length === 1;
  });
  const { accountId, addr, people } = need(lonely[5]);
  await set(accountId, { kind: 'RETAIL' });
  await shop.tool('sync', 'customers', '--full');
  expect([...(await readPortal(shop.hubspot.url)).byId]).toEqual([...before.byId]);
  const marks = [addr.street, ...people.flatMap(({ mail, tel }) => [mail ?? '', tel])];
  const left = shop
    .files()
    .filter(({ name }) => !name.includes('/backups/'))
    .flatMap(({ name, bytes }) => marks.filter((mark) => bytes.includes(mark)).map(() => name));
  expect(left).toEqual([]);
});

it('gives its people to the business they are listed at as well', async () => {
  const later = need(rows.filter(({ people }) => people.length === 1)[6]);
  const other = need(rows.filter(({ people }) => people.length === 0)[6]);
  const key = `erp_contact_id ${later.people[0]?.personId}`;
  const account = async (): Promise<string | undefined> =>
    (await readPortal(shop.hubspot.url)).byKey.get(key)?.properties.erp_customer_number;
  await set(other.accountId, { people: later.people, lastChanged: new Date(Date.now() - 60_000).toISOString() });
  await set(later.accountId, { balanceDue: '1.00' });
  await shop.tool('sync', 'customers');
  expect(await account()).toBe(later.accountId);
  await set(later.accountId, { kind: 'RETAIL' });
  await shop.tool('sync', 'customers', '--full');
  expect(await account()).toBe(other.accountId);
});
