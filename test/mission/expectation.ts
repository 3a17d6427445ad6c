/** All that must be in HubSpot, from all that the vendors have and what people had made in the portal. */
import type { AccountRow } from '../../src/sandbox/data/accounts.ts';
import { expectCustomers, isBusiness } from './customers.ts';
import type { Distributor } from './distributor.ts';
import { expectOrders } from './orders.ts';
import type { Found, Portal } from './portal.ts';
import { expectProducts } from './products.ts';
import { expectQuotes } from './quotes.ts';
import { type Expected, hostOf } from './spelling.ts';

export interface History {
  /** The portal as people had it before the tool ever ran. */
  readonly original: Portal;
  /** Items that were in HubSpot before they ceased to be sold. */
  readonly farewells?: ReadonlySet<string>;
  /** What people changed since, by key, in objects that the source has left alone: it stands. */
  readonly kept?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export async function expectEverything(
  shop: Distributor,
  { original, farewells = new Set(), kept = {} }: History,
): Promise<Expected[]> {
  const [items, accounts, quotes, till] = [
    await shop.items(),
    await shop.accounts(),
    await shop.quotes(),
    await shop.till(),
  ];
  const customers = expectCustomers(accounts, unclearAccounts(accounts, original));
  const named = (object: Expected['object'], name: string): Map<string, string> =>
    new Map(
      customers
        .filter((one) => one.object === object && one.properties[name] !== '')
        .map(({ key, properties }) => [properties[name] ?? '', key]),
    );
  const byAccountNo = named('companies', 'erp_account_number');
  const all = [
    ...expectProducts(items, farewells),
    ...customers,
    ...expectQuotes(quotes, accounts, new Set(byAccountNo.values())),
    ...expectOrders(till, { byAccountNo, byMail: named('contacts', 'email') }),
  ];
  return all.map((one) => ({ ...one, properties: { ...one.properties, ...kept[one.key] } }));
}

/** Two companies are one when domain and name are, whatever the letter case and the punctuation. */
const identity = (domain: string, name: string): string =>
  domain === '' || name === '' ? '' : `${domain.toLowerCase()} ${name.toLowerCase().replace(/[^a-z0-9]/g, '')}`;

const companiesByIdentity = (portal: Portal): Map<string, Found[]> =>
  Map.groupBy(
    [...portal.byId.values()].filter(({ object }) => object === 'companies'),
    ({ properties: { domain = '', name = '' } }) => identity(domain, name),
  );

/** Accounts that several companies of the portal match. */
export function unclearAccounts(accounts: readonly AccountRow[], original: Portal): Set<string> {
  const known = companiesByIdentity(original);
  const unclear = accounts.filter(({ web, companyName }) => {
    const is = identity(hostOf(web), companyName);
    return is !== '' && (known.get(is) ?? []).length > 1;
  });
  return new Set(unclear.filter(isBusiness).map(({ accountId }) => accountId));
}

/** Ids of the objects that people had made and that are ours now, by key. */
export function expectAdoptions(expected: readonly Expected[], original: Portal): Record<string, string> {
  const companies = companiesByIdentity(original);
  const contacts = new Map(
    [...original.byId.values()].flatMap(({ object, id, properties: { email } }) =>
      object === 'contacts' && email !== undefined ? [[email.toLowerCase(), id] as const] : [],
    ),
  );
  const idOf = ({ object, properties: { email = '', domain = '', name = '' } }: Expected): string | undefined => {
    if (object === 'contacts') return contacts.get(email);
    const [only] = object === 'companies' ? (companies.get(identity(domain, name)) ?? []) : [];
    return identity(domain, name) === '' ? undefined : only?.id;
  };
  return Object.fromEntries(
    expected.flatMap((one) => {
      const id = idOf(one);
      return id === undefined ? [] : [[one.key, id]];
    }),
  );
}
