/**
 * What HubSpot should hold, worked out from Tryton's own API by docs/tryton.md: neither the adapter nor a mapper is
 * asked. By key of the sync, property by property; '' stands for empty.
 */
import type { Caller } from './wire.ts';

export type Expected = ReadonlyMap<string, Readonly<Record<string, string>>>;
type Row = Readonly<Record<string, unknown>>;

const TYPES: Readonly<Record<string, string>> = {
  ...{ Contractor: 'contractor', Architect: 'architect', Builder: 'builder', Dealer: 'dealer' },
};
const STATUSES: Readonly<Record<string, string>> = {
  ...{ draft: 'draft', quotation: 'sent', cancelled: 'declined', confirmed: 'accepted' },
  ...{ processing: 'converted', done: 'converted' },
};
const ZONE = 'America/Chicago';

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);
const under = (row: Row | undefined, field: string): Row | undefined => {
  const value = row?.[`${field}.`];
  return isRow(value) ? value : undefined;
};
const listUnder = (row: Row | undefined, field: string): Row[] => {
  const value = row?.[`${field}.`];
  return Array.isArray(value) ? value.filter(isRow) : [];
};
const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));
const amount = (value: unknown): string => (isRow(value) ? String(Number(value.decimal)) : '');

async function rows(erp: Caller, model: string, domain: unknown, fields: readonly string[]): Promise<Row[]> {
  const found = await erp.call(`model.${model}.search_read`, domain, 0, null, [['id', 'ASC']], fields);
  return Array.isArray(found) ? found.filter(isRow) : [];
}

export async function expectedProducts(erp: Caller): Promise<Expected> {
  const found = await rows(
    erp,
    'product.product',
    [],
    [
      ...['code', 'name', 'description', 'active', 'salable', 'list_price', 'cost_price', 'default_uom.symbol'],
      ...['template.active', 'template.categories.name', 'template.categories.parent.name'],
      ...['identifiers.type', 'identifiers.code'],
    ],
  );
  const sold = found.filter((row) => row.active && row.salable && under(row, 'template')?.active);
  return new Map(sold.map((row) => [text(row.id), productOf(row)]));
}

function productOf(row: Row): Record<string, string> {
  const categories = listUnder(under(row, 'template'), 'categories');
  const [first] = categories;
  const parent = under(first, 'parent');
  return {
    ...{ name: text(row.name), hs_sku: text(row.code), description: text(row.description) },
    ...{ price: amount(row.list_price), hs_cost_of_goods_sold: amount(row.cost_price) },
    erp_category: text(parent ? parent.name : first?.name),
    erp_subcategory: text(parent ? first?.name : ''),
    erp_upc: text(listUnder(row, 'identifiers').find(({ type }) => type === 'ean')?.code),
    erp_unit_of_measure: text(under(row, 'default_uom')?.symbol),
    erp_status: categories.some(({ name }) => name === 'Special order') ? 'special-order' : 'active',
  };
}

const PEOPLE = ['contact_mechanisms.type', 'contact_mechanisms.value', 'contact_mechanisms.active'];
const CUSTOMER = [
  ...['code', 'name', 'active', 'categories.name', ...PEOPLE, 'customer_payment_term.name'],
  ...['street', 'city', 'postal_code', 'country.name', 'invoice', 'active'].map((field) => `addresses.${field}`),
  ...['start_date', 'end_date', 'agent.party.name'].map((field) => `agents.${field}`),
  ...['type.name', 'to.name', 'to.active', ...PEOPLE.map((field) => `to.${field}`)].map(
    (field) => `relations.${field}`,
  ),
];

export async function expectedAccounts(erp: Caller): Promise<{ companies: Expected; contacts: Expected }> {
  const found = await rows(erp, 'party.party', [['categories.name', 'in', Object.keys(TYPES)]], CUSTOMER);
  const people = found.flatMap((row) =>
    listUnder(row, 'relations')
      .filter((relation) => under(relation, 'type')?.name === 'Contact' && under(relation, 'to')?.active)
      .map((relation) => personOf(under(relation, 'to') ?? {}, text(row.id))),
  );
  return { companies: new Map(found.map((row) => [text(row.id), companyOf(row)])), contacts: new Map(people) };
}

function companyOf(row: Row): Record<string, string> {
  const categories = listUnder(row, 'categories').map(({ name }) => text(name));
  const addresses = listUnder(row, 'addresses').filter(({ active }) => active);
  const address = addresses.find(({ invoice }) => invoice) ?? addresses[0];
  const website = reach(row, 'website');
  const onHold = categories.includes('On hold') ? 'hold' : 'active';
  return {
    ...{ name: text(row.name), erp_account_number: text(row.code), phone: reach(row, 'phone'), website },
    domain: website === '' ? '' : new URL(website).hostname.replace(/^www\./, ''),
    erp_customer_type: TYPES[categories.find((name) => name in TYPES) ?? ''] ?? '',
    erp_account_status: row.active ? onHold : 'inactive',
    erp_payment_terms: text(under(row, 'customer_payment_term')?.name),
    erp_sales_rep: repOf(row),
    ...{ address: text(address?.street), city: text(address?.city), zip: text(address?.postal_code) },
    country: text(under(address, 'country')?.name),
  };
}

const reach = (row: Row, type: string): string =>
  text(listUnder(row, 'contact_mechanisms').find((one) => one.active && one.type === type)?.value);

/** In charge today; the days that the seed names are far from it. */
function repOf(row: Row): string {
  const dayOf = (value: unknown): number | null =>
    isRow(value) ? Date.UTC(Number(value.year), Number(value.month) - 1, Number(value.day)) : null;
  const inCharge = listUnder(row, 'agents').find(
    ({ start_date: start, end_date: end }) =>
      (dayOf(start) ?? 0) <= Date.now() && (dayOf(end) ?? Number.POSITIVE_INFINITY) >= Date.now(),
  );
  return text(under(under(inCharge, 'agent'), 'party')?.name);
}

function personOf(person: Row, customer: string): [string, Record<string, string>] {
  const [first = '', ...rest] = text(person.name).split(' ');
  return [
    text(person.id),
    {
      ...{ firstname: rest.length > 0 ? first : '', lastname: rest.length > 0 ? rest.join(' ') : first },
      ...{ email: reach(person, 'email'), phone: reach(person, 'phone'), mobilephone: reach(person, 'mobile') },
      ...{ jobtitle: 'Contact', erp_contact_role: 'Contact', erp_customer_number: customer },
    },
  ];
}

const QUOTE = [
  ...['number', 'revision', 'reference', 'description', 'state', 'origin', 'create_date', 'party.name'],
  ...['party.categories.name', 'agent.party.name', 'untaxed_amount', 'tax_amount', 'total_amount'],
];

/** One deal per opportunity, of its latest quote: all are of one day, so the greater id. None of walk-ins. */
export async function expectedDeals(erp: Caller): Promise<Expected> {
  const found = await rows(erp, 'sale.sale', [], QUOTE);
  const business = found.filter((row) =>
    listUnder(under(row, 'party'), 'categories').some(({ name }) => text(name) in TYPES),
  );
  const keyOf = (row: Row): string => (row.origin ? (text(row.origin).split(',')[1] ?? '') : `quote:${text(row.id)}`);
  return new Map([...Map.groupBy(business, keyOf)].map(([key, quotes]) => [key, dealOf(quotes)]));
}

function dealOf(quotes: readonly Row[]): Record<string, string> {
  const [latest = {}] = quotes.toSorted((a, b) => Number(b.id) - Number(a.id));
  const party = under(latest, 'party');
  const number = text(latest.number);
  const subject = text(latest.description) || text(party?.name) || text(party?.id);
  return {
    ...{ dealname: `${subject} ${number || text(latest.id)}`, amount: amount(latest.total_amount) },
    ...{ erp_subtotal: amount(latest.untaxed_amount), erp_tax: amount(latest.tax_amount), erp_quote_number: number },
    ...{ erp_quote_revision: text(latest.revision), erp_quote_revision_count: String(quotes.length) },
    ...{ erp_quote_status: STATUSES[text(latest.state)] ?? '', erp_quoted_on: dayOf(latest.create_date) },
    ...{ erp_customer_number: text(party?.id), erp_customer_po: text(latest.reference) },
    ...{ erp_job_name: text(latest.description), erp_sales_rep: text(under(under(latest, 'agent'), 'party')?.name) },
  };
}

function dayOf(value: unknown): string {
  if (!isRow(value)) return '';
  const [year = 0, month = 0, day, hour, minute] = ['year', 'month', 'day', 'hour', 'minute'].map((part) =>
    Number(value[part]),
  );
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute));
  return new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE }).format(at);
}
