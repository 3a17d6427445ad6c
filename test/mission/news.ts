/** One day at the distributor: what changes in the ERP, at the counter and in HubSpot between two runs. */
import type { AccountRow } from '../../src/sandbox/data/accounts.ts';
import { isBusiness } from './customers.ts';
import type { Distributor } from './distributor.ts';
import type { Portal } from './portal.ts';
import { opportunityOf, winnerOf } from './quotes.ts';

/** What a test looks at afterwards. Keys are `property value`. */
export interface News {
  readonly farewells: ReadonlySet<string>;
  /** Edits of people in objects that no source has touched since. */
  readonly kept: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The contact that changed from one account to another. */
  readonly moved: { readonly contact: string; readonly from: string; readonly to: string };
  /** A company that got another rep in the ERP. */
  readonly newRep: string;
  /** A company that a person gave another owner, and that changed in the ERP as well. */
  readonly newOwner: string;
  /** A deal and a company that people had edited before the source changed them. */
  readonly overruled: { readonly deal: string; readonly company: string };
}

const PEOPLES_OWNER = '71002';
const PEOPLES_PHONE = '405-555-0100';

export async function makeNews(shop: Distributor, portal: Portal, original: Portal): Promise<News> {
  const products = await changeItems(shop);
  const customers = await changeAccounts(shop, portal, original);
  const deals = await changeQuotes(shop, portal);
  await shop.changeSquare({ newOrders: 5, refunds: 4, complete: 1, cancel: 1 });
  return {
    farewells: products,
    kept: { ...customers.kept, ...deals.kept },
    ...customers.news,
    overruled: { deal: deals.overruled, company: customers.overruled },
  };
}

/** Prices and stock of some; one is not sold any more, one is sold again. */
async function changeItems(shop: Distributor): Promise<Set<string>> {
  const items = await shop.items();
  const sold = items.filter(({ statusCode, weightKg }) => statusCode === 'A' && weightKg !== 'n/a');
  const ended = ids(sold.slice(0, 2));
  const back = ids(items.filter(({ statusCode }) => statusCode === 'D').slice(0, 1));
  await shop.changeErp({ resource: 'items', share: 0.01 });
  await shop.changeErp({ resource: 'items', ids: ended, set: { statusCode: 'D', unitPrice: 0.07 } });
  await shop.changeErp({ resource: 'items', ids: back, set: { statusCode: 'A' } });
  return new Set(ended);
}

const ids = (rows: readonly { readonly itemNo: string }[]): string[] => rows.map(({ itemNo }) => itemNo);

const companyKey = ({ accountId }: AccountRow): string => `erp_customer_id ${accountId}`;

type Changed = Pick<News, 'kept'> & {
  readonly news: Pick<News, 'moved' | 'newRep' | 'newOwner'>;
  readonly overruled: string;
};

async function changeAccounts(shop: Distributor, portal: Portal, original: Portal): Promise<Changed> {
  const made = (await shop.accounts()).filter((row) => isBusiness(row) && portal.byKey.has(companyKey(row)));
  const owned = made.filter(({ rep, people }) => shop.owners.has(rep?.email ?? '') && people.length === 0);
  const created = owned.filter((row) => !original.byId.has(idOf(portal, companyKey(row))));
  const [leaves, joins, moves, given, edited, kept] = [
    need(made.find(({ people }) => people.length === 3)),
    need(made.find(({ people }) => people.length === 1)),
    need(created[0]),
    need(created[1]),
    need(created[2]),
    need(created[3]),
  ];
  const [, person] = leaves.people;
  const rep = need(made.map((row) => row.rep).find((other) => other && other.id !== moves.rep?.id));
  const edit = (row: AccountRow, properties: Readonly<Record<string, string>>): Promise<unknown> =>
    shop.editInHubSpot('companies', idOf(portal, companyKey(row)), properties);
  const set = (row: AccountRow, fields: Readonly<Record<string, unknown>>): Promise<unknown> =>
    shop.changeErp({ resource: 'accounts', ids: [row.accountId], set: fields });

  await set(leaves, { people: leaves.people.filter((other) => other !== person) });
  await set(joins, { people: [...joins.people, person] });
  await shop.changeErp({ resource: 'accounts', moveRep: [moves.accountId, rep.id] });
  await edit(given, { hubspot_owner_id: PEOPLES_OWNER });
  await set(given, { creditLimit: '777.70' });
  await edit(edited, { phone: PEOPLES_PHONE });
  await set(edited, { balanceDue: '12.3400' });
  await edit(kept, { phone: PEOPLES_PHONE, hubspot_owner_id: PEOPLES_OWNER });
  return {
    kept: { [companyKey(kept)]: { phone: PEOPLES_PHONE } },
    overruled: companyKey(edited),
    news: {
      moved: {
        contact: `erp_contact_id ${need(person).personId}`,
        from: companyKey(leaves),
        to: companyKey(joins),
      },
      newRep: companyKey(moves),
      newOwner: companyKey(given),
    },
  };
}

/** New revisions and opportunities; of two open deals that people called lost, the ERP then changes one. */
async function changeQuotes(shop: Distributor, portal: Portal): Promise<Pick<News, 'kept'> & { overruled: string }> {
  const known = new Set((await shop.quotes()).map(({ quoteId }) => quoteId));
  await shop.changeErp({ resource: 'quotes', add: 12 });
  const byOpportunity = Map.groupBy(await shop.quotes(), opportunityOf);
  const open = [...byOpportunity.values()].filter((revisions) => {
    const winner = winnerOf(revisions);
    const isOld = revisions.every(({ quoteId }) => known.has(quoteId));
    return isOld && winner.stage === 'SENT' && portal.byKey.has(dealKey(revisions));
  });
  const [kept, changed] = [need(open[0]), need(open[1])];
  const lost = 'ERP Quotes: Declined';
  for (const revisions of [kept, changed]) {
    const dealstage = need(portal.stages.get(lost));
    await shop.editInHubSpot('deals', idOf(portal, dealKey(revisions)), { dealstage });
  }
  const { quoteId } = winnerOf(changed);
  await shop.changeErp({ resource: 'quotes', ids: [quoteId], set: { grandTotal: '4321.09' } });
  return { kept: { [dealKey(kept)]: { dealstage: lost } }, overruled: dealKey(changed) };
}

const dealKey = ([first]: Parameters<typeof winnerOf>[0]): string => `erp_opportunity_id ${opportunityOf(need(first))}`;

const idOf = (portal: Portal, key: string): string => need(portal.byKey.get(key)).id;

function need<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('the distributor is too small for this test');
  return value;
}
