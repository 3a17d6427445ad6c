/** Which companies and contacts must be in HubSpot, from the ERP's customer file and what people had in the portal. */
import type { AccountRow } from '../../src/sandbox/data/accounts.ts';
import type { PersonRow } from '../../src/sandbox/data/people.ts';
import { digits, type Expected, type ExpectedLink, hostOf, instant, mailbox, TYPES, text, yesNo } from './spelling.ts';

const TYPE = {
  CONTR: 'contractor',
  ARCH: 'architect',
  BUILD: 'builder',
  DESIGN: 'designer',
  DEALER: 'dealer',
  GOV: 'government',
  RETAIL: 'retail',
  OTHER: 'other',
} as const;

const STATUS = { OK: 'active', HOLD: 'hold', INACTIVE: 'inactive' } as const;

export const isBusiness = ({ kind }: AccountRow): boolean => kind !== 'RETAIL';

/** A business whose company no one can make: HubSpot wants a name or a domain, and a clear match. */
const hasIdentity = ({ companyName, web }: AccountRow): boolean => companyName !== '' || hostOf(web) !== '';

/** `unclear`: accounts that several companies of the portal match. */
export function expectCustomers(rows: readonly AccountRow[], unclear: ReadonlySet<string>): Expected[] {
  const businesses = rows.filter(isBusiness);
  const made = new Set(
    businesses.filter((row) => !unclear.has(row.accountId) && hasIdentity(row)).map(({ accountId }) => accountId),
  );
  const owners = mailboxOwners(businesses.flatMap(({ people }) => people));
  return businesses.flatMap((row) => [
    ...(made.has(row.accountId) ? [companyOf(row, made)] : []),
    ...row.people.map((person) => contactOf(person, row, made, owners)),
  ]);
}

const personNumber = ({ personId }: PersonRow): number => Number(personId.slice('P-'.length));

/** An address that several people share belongs to the one with the smallest id. */
function mailboxOwners(people: readonly PersonRow[]): ReadonlyMap<string, string> {
  const eldestLast = people.toSorted((a, b) => personNumber(b) - personNumber(a));
  return new Map(eldestLast.map((person) => [mailbox(person.mail), person.personId]));
}

const accountOf = (row: AccountRow): Record<string, string> => ({
  erp_account_number: row.accountNo,
  erp_customer_type: TYPE[row.kind],
  erp_account_status: STATUS[row.state],
  erp_sales_rep: row.rep?.name ?? '',
  erp_modified_at: instant(row.lastChanged),
});

function companyOf(row: AccountRow, made: ReadonlySet<string>): Expected {
  const { addr } = row;
  return {
    object: 'companies',
    key: `erp_customer_id ${row.accountId}`,
    rep: row.rep?.email ?? null,
    links: linkTo(row.parentAccount, made, TYPES.childOfParent),
    properties: {
      ...accountOf(row),
      name: text(row.companyName),
      phone: text(row.phone),
      website: text(row.web),
      domain: hostOf(row.web),
      address: addr.street,
      city: addr.city,
      state: addr.state,
      zip: addr.zip,
      country: addr.country,
      erp_customer_id: row.accountId,
      erp_credit_limit: digits(row.creditLimit),
      erp_balance: digits(row.balanceDue),
      erp_payment_terms: row.terms,
      erp_price_level: row.priceLevel,
      erp_tax_exempt: yesNo(row.taxExempt === 'Y'),
      erp_ytd_sales: digits(row.salesYtd),
      erp_last_order_on: row.lastOrder ?? '',
    },
  };
}

function contactOf(
  person: PersonRow,
  row: AccountRow,
  made: ReadonlySet<string>,
  owners: ReadonlyMap<string, string>,
): Expected {
  const mail = mailbox(person.mail);
  return {
    object: 'contacts',
    key: `erp_contact_id ${person.personId}`,
    rep: row.rep?.email ?? null,
    links: linkTo(row.accountId, made, TYPES.contactOfPrimaryCompany),
    properties: {
      ...accountOf(row),
      firstname: text(person.first),
      lastname: text(person.last),
      email: owners.get(mail) === person.personId ? mail : '',
      phone: person.tel,
      mobilephone: person.cell ?? '',
      jobtitle: person.function,
      erp_contact_id: person.personId,
      erp_customer_number: row.accountId,
      erp_contact_role: person.function,
      erp_is_primary: yesNo(person.main),
      erp_phone_extension: person.ext,
    },
  };
}

const linkTo = (
  account: string | null,
  made: ReadonlySet<string>,
  types: readonly number[],
): readonly ExpectedLink[] =>
  account !== null && made.has(account) ? [{ to: `erp_customer_id ${account}`, types }] : [];
