import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Since, Source, SourceRecord } from '../src/pipe.ts';
import { localIso } from '../src/sources/erp/dates.ts';
import { ErpCustomer, ErpQuote } from '../src/sources/erp/model.ts';
import { parseProfile, type ResourceName } from '../src/sources/erp/profile.ts';
import { restSource } from '../src/sources/erp/rest.ts';
import { BusinessCentral } from './erp-business-central.ts';
import {
  type Abilities,
  type ContractResource,
  type ContractRow,
  type ContractVendor,
  CUSTOMERS,
  erpContract,
  type OpenOptions,
  PRODUCTS,
  QUOTES,
} from './erp-contract.ts';
import { ErpNext } from './erp-erpnext.ts';
import { misbehave } from './erp-misbehave.ts';

const NEVER = new AbortController().signal;
const EVERYTHING: Since = { kind: 'everything' };
const T0 = Date.UTC(2026, 0, 5, 12);
const iso = (ms: number): string => new Date(ms).toISOString();
let nowMs = 0;

const shipped = (name: string): string =>
  readFileSync(join(import.meta.dirname, `../src/sources/erp/profiles/${name}.yaml`), 'utf8');

/** The shipped text, but for the size of pages and the address of the sign-in. */
function sourceOf(
  name: string,
  vendor: { readonly url: string; readonly tokenUrl?: string },
  resource: ResourceName,
  { pageSize, attemptsMax, deadlineMs }: OpenOptions = { pageSize: 3, attemptsMax: 2, deadlineMs: 5000 },
): Source {
  const text = shipped(name)
    .replaceAll(/\bsize: \d+/g, `size: ${pageSize}`)
    .replace(/tokenUrl: .*/, `tokenUrl: ${vendor.tokenUrl ?? ''}`)
    .replace(/requestsPerSecond: .*/, '');
  return restSource({
    ...{ profile: parseProfile(text, `${name}.yaml`), resource, baseUrl: vendor.url, attemptsMax, deadlineMs },
    credentials:
      name === 'erpnext'
        ? { user: 'key-1', password: 'secret-2' }
        : { user: 'client', password: 'secret-2', database: 'acme' },
    clock: { now: () => nowMs, sleep: () => Promise.resolve() },
    random: () => 0.5,
  });
}

async function readAll(source: Source, since: Since = EVERYTHING): Promise<SourceRecord[]> {
  const records = new Map<string, SourceRecord>();
  for await (const slice of source.partitions(since, NEVER))
    for await (const page of source.pages(slice, since, NEVER)) {
      expect(page.rejected).toEqual([]);
      for (const record of page.records) records.set(record.id, record);
    }
  return [...records.values()];
}
const canonicalsOf = async (source: Source): Promise<unknown[]> =>
  (await readAll(source)).map(({ raw }) => source.canonical(raw));

/** A shipped profile under the contract: the vendor's items, customers or quotes are the contract's rows. */
class ShippedVendor implements ContractVendor {
  onRequest: ContractVendor['onRequest'] = () => null;
  requests = 0;
  readonly #name: string;
  readonly #resource: ResourceName;
  readonly #vendor: BusinessCentral | ErpNext;
  readonly #put: (rows: readonly ContractRow[]) => void;
  #rows: ContractRow[] = [];

  constructor(
    name: string,
    resource: ResourceName,
    vendor: BusinessCentral | ErpNext,
    put: (rows: readonly ContractRow[]) => void,
  ) {
    this.#name = name;
    this.#resource = resource;
    this.#vendor = vendor;
    this.#put = put;
    vendor.before = (response: ServerResponse, answer) => {
      const fault = this.onRequest(++this.requests);
      if (fault) misbehave(fault, response, answer());
      return fault !== null;
    };
  }
  get rows(): ContractRow[] {
    return this.#rows;
  }
  set rows(rows: ContractRow[]) {
    this.#rows = rows;
    this.#put(rows);
  }
  forgetRequests(): void {
    this.requests = 0;
  }
  open(options: OpenOptions): Source {
    return sourceOf(this.#name, this.#vendor, this.#resource, options);
  }
  stop(): void {
    expect(this.#vendor.refused).toEqual([]);
    this.#vendor.stop();
  }
}

const bcItem = ({ id, name, ms }: ContractRow) => ({
  ...{
    id,
    number: `N${id}`,
    displayName: name,
    type: 'Inventory',
    itemCategoryCode: 'TABLE',
    blocked: false,
    gtin: '',
  },
  ...{ inventory: 4, unitPrice: 1000.8, unitCost: 780.7, baseUnitOfMeasureCode: 'PCS', lastModifiedDateTime: iso(ms) },
});
/** Frappe writes local time with microseconds and no offset. */
const frappeTime = (ms: number): string => `${localIso(ms, 'America/Chicago').replace('T', ' ')}000`;
const frappeItem = ({ id, name, ms }: ContractRow) => ({
  ...{ name: id, item_code: `N${id}`, item_name: name, description: '', item_group: 'Tiles', brand: null, disabled: 0 },
  ...{ stock_uom: 'Nos', standard_rate: 12.5, valuation_rate: 8, lead_time_days: 14, is_stock_item: 1 },
  ...{ weight_per_unit: 0, modified: frappeTime(ms) },
});

const bcCustomer = ({ id, name, ms }: ContractRow) => ({
  ...{ id, number: `C${id}`, displayName: name, addressLine1: '1 Main St', city: 'Atlanta', state: 'GA' },
  ...{ country: 'US', postalCode: '31772', phoneNumber: '', website: '', type: 'Company', blocked: '_x0020_' },
  ...{ creditLimit: 100.5, balanceDue: 0, salespersonCode: 'JO', lastModifiedDateTime: iso(ms) },
  contactsInformation: [{ contactId: `k${id}`, contactNumber: `CT${id}`, contactType: 'Company' }],
});
const bcPerson = ({ id }: ContractRow) => ({
  ...{ id: `p${id}`, type: 'Person', displayName: `Pat ${id}`, companyNumber: `CT${id}`, jobTitle: 'Buyer' },
  ...{ email: `p${id}@example.com`, phoneNumber: '', mobilePhoneNumber: '' },
});
const bcQuote = ({ id, name, ms }: ContractRow) => ({
  ...{ id, number: `Q${id}`, externalDocumentNumber: 'PO', documentDate: '2026-01-02', salesperson: 'JO' },
  ...{ validUntilDate: '0001-01-01', acceptedDate: '0001-01-01', customerId: 'c1', customerName: name },
  ...{ totalAmountExcludingTax: 20.5, totalTaxAmount: 1.5, totalAmountIncludingTax: 22, status: 'Sent' },
  ...{ lastModifiedDateTime: iso(ms), salesQuoteLines: [] },
});
const frappeCustomer = ({ id, name, ms }: ContractRow) => ({
  ...{ name: id, customer_name: name, customer_type: 'Company', customer_group: 'All', disabled: 0, is_frozen: 0 },
  ...{ account_manager: null, payment_terms: null, default_price_list: null, website: '', tax_id: null },
  ...{ modified: frappeTime(ms), creation: `2020-01-01 00:00:00.${id.padStart(6, '0')}` },
});
const frappeContact = ({ id }: ContractRow) => ({
  ...{ name: `Ann-${id}`, first_name: 'Ann', last_name: 'Lee', email_id: 'ann@example.com', phone: '', mobile_no: '' },
  ...{ designation: 'Buyer', is_primary_contact: 1, creation: `2020-01-01 00:00:00.${id.padStart(6, '0')}` },
  links: [{ link_doctype: 'Customer', link_name: id }],
});
const frappeQuotation = ({ id, name, ms }: ContractRow) => ({
  ...{ name: id, amended_from: null, status: 'Open', transaction_date: '2026-01-02', valid_till: '2026-02-01' },
  ...{ net_total: 10, total_taxes_and_charges: 1, grand_total: 11, party_name: 'A', customer_name: name },
  ...{ owner: 'ann@example.com', quotation_to: 'Customer', modified: frappeTime(ms) },
});

const BY_LINK: Abilities = { slices: false, totals: true, sorted: false, since: true, changesSurvived: 1 };
const BY_DATE: Abilities = { slices: false, totals: true, sorted: true, since: true, changesSurvived: 4 };
/** A change in a child row does not move the customer's own date, so customers are always read whole. */
const WHOLE: Abilities = { ...BY_LINK, since: false };
const NAMED_BY_CUSTOMER: ContractResource = { ...QUOTES, named: 'customerName' };

const BC_TABLES: Readonly<Record<ResourceName, (rows: readonly ContractRow[]) => Partial<BusinessCentral['tables']>>> =
  {
    products: (rows) => ({ items: rows.map(bcItem) }),
    customers: (rows) => ({ customers: rows.map(bcCustomer), contacts: rows.map(bcPerson) }),
    quotes: (rows) => ({ salesQuotes: rows.map(bcQuote) }),
  };
const FRAPPE_TABLES: Readonly<Record<ResourceName, (rows: readonly ContractRow[]) => Partial<ErpNext['tables']>>> = {
  products: (rows) => ({ Item: rows.map(frappeItem) }),
  customers: (rows) => ({ Customer: rows.map(frappeCustomer), Contact: rows.map(frappeContact) }),
  quotes: (rows) => ({ Quotation: rows.map(frappeQuotation) }),
};

function shippedContract(resource: ResourceName, of: ContractResource, bc: Abilities, erpnext: Abilities): void {
  erpContract(
    `the shipped profile business-central, ${resource}`,
    async () => {
      const vendor = new BusinessCentral();
      await vendor.start();
      return new ShippedVendor('business-central', resource, vendor, (rows) =>
        Object.assign(vendor.tables, BC_TABLES[resource](rows)),
      );
    },
    bc,
    of,
  );
  erpContract(
    `the shipped profile erpnext, ${resource}`,
    async () => {
      const vendor = new ErpNext();
      await vendor.start();
      return new ShippedVendor('erpnext', resource, vendor, (rows) =>
        Object.assign(vendor.tables, FRAPPE_TABLES[resource](rows)),
      );
    },
    erpnext,
    of,
  );
}

shippedContract('products', { ...PRODUCTS, cases: 0.6 }, BY_LINK, BY_DATE);
shippedContract('customers', CUSTOMERS, WHOLE, WHOLE);
shippedContract('quotes', NAMED_BY_CUSTOMER, BY_LINK, BY_DATE);

describe('Business Central', () => {
  const vendor = new BusinessCentral();
  beforeAll(() => vendor.start());
  afterAll(() => vendor.stop());
  beforeEach(() => {
    vendor.refused = [];
    vendor.asked = [];
    nowMs = 0;
  });

  const customer = (number: number) => ({
    ...{ id: `id-${number}`, number: `C${number}`, displayName: `Customer ${number}`, addressLine1: '1 Main St' },
    ...{ city: 'Atlanta', state: 'GA', country: 'US', postalCode: '31772', phoneNumber: '', website: '' },
    ...{ type: number === 3 ? 'Person' : 'Company', blocked: number === 2 ? 'Ship' : '_x0020_', creditLimit: 100.5 },
    ...{ balanceDue: 0, salespersonCode: 'JO', lastModifiedDateTime: iso(T0) },
    contactsInformation: [{ contactId: `k${number}`, contactNumber: `CT'${number}`, contactType: 'Company' }],
  });
  const person = (number: number, of: number) => ({
    ...{ id: `p${number}`, type: 'Person', displayName: `Pat ${number}`, companyNumber: `CT'${of}`, jobTitle: 'Buyer' },
    ...{ email: `p${number}@example.com`, phoneNumber: '', mobilePhoneNumber: '' },
  });

  test('customers come with their people, asked for in batches by one field', async () => {
    vendor.tables.customers = [1, 2, 3, 4, 5, 6, 7].map(customer);
    vendor.tables.contacts = [person(1, 1), person(2, 1), person(3, 7), { ...person(9, 1), type: 'Company' }];
    const found = (await canonicalsOf(sourceOf('business-central', vendor, 'customers'))).map((one) =>
      ErpCustomer.parse(one),
    );
    expect(vendor.refused).toEqual([]);
    expect(
      found.map(({ id, type, status, contacts }) => [id, type, status, contacts?.map((one) => one.email)]),
    ).toEqual([
      ['id-1', 'other', 'active', ['p1@example.com', 'p2@example.com']],
      ['id-2', 'other', 'hold', []],
      ['id-3', 'retail', 'active', []],
      ...['id-4', 'id-5', 'id-6'].map((id) => [id, 'other', 'active', []]),
      ['id-7', 'other', 'active', ['p3@example.com']],
    ]);
  });

  test('quotes come with their lines; a date that nobody gave and an id of zeros are none', async () => {
    const none = '00000000-0000-0000-0000-000000000000';
    const line = { itemId: none, lineObjectNumber: 'A', description: 'Tile', quantity: 2, unitPrice: 10.25 };
    vendor.tables.salesQuotes = [
      {
        ...{ id: 'q1', number: '1006', externalDocumentNumber: 'PO', documentDate: '2026-01-02', salesperson: 'JO' },
        ...{ validUntilDate: '0001-01-01', acceptedDate: '0001-01-01', customerId: 'id-1', customerName: 'Coho' },
        ...{ totalAmountExcludingTax: 20.5, totalTaxAmount: 1.5, totalAmountIncludingTax: 22, status: 'Sent' },
        ...{ lastModifiedDateTime: iso(T0), salesQuoteLines: [line] },
      },
    ];
    const [quote] = (await canonicalsOf(sourceOf('business-central', vendor, 'quotes'))).map((one) =>
      ErpQuote.parse(one),
    );
    expect(quote).toMatchObject({
      status: 'sent',
      quotedOn: '2026-01-02',
      expiresOn: null,
      decidedOn: null,
      total: '22',
    });
    expect(quote?.lines).toEqual([
      { productId: null, sku: 'A', description: 'Tile', quantity: '2', unitPrice: '10.25' },
    ]);
  });

  test('a token that the vendor forgets in mid-reading costs nothing but one sign-in', async () => {
    vendor.tables.items = [1, 2, 3, 4, 5, 6, 7].map((id) => bcItem({ id: `i${id}`, name: 'x', ms: T0, group: null }));
    const before = vendor.signIns;
    vendor.before = () => {
      if (vendor.asked.length === 3) vendor.tokens.clear();
      return false;
    };
    expect(await readAll(sourceOf('business-central', vendor, 'products'))).toHaveLength(7);
    expect(vendor.signIns - before).toBe(2);
  });
});

describe('ERPNext', () => {
  const vendor = new ErpNext();
  beforeAll(() => vendor.start());
  afterAll(() => vendor.stop());

  test('customers come with their contacts, and one who belongs to two comes with both', async () => {
    const customer = (name: string) => ({
      ...{
        name,
        customer_name: `${name} Ltd`,
        customer_type: 'Company',
        customer_group: 'All',
        disabled: 0,
        is_frozen: 0,
      },
      ...{ account_manager: null, payment_terms: null, default_price_list: null, website: '', tax_id: null },
      ...{ modified: frappeTime(T0), creation: frappeTime(T0) },
    });
    const links = ['A "1"', 'B'].map((link_name) => ({ link_doctype: 'Customer', link_name }));
    vendor.tables.Customer = ['A "1"', 'B', 'C', 'D'].map(customer);
    vendor.tables.Contact = [
      {
        ...{
          name: 'Ann-A',
          first_name: 'Ann',
          last_name: 'Lee',
          email_id: 'ann@example.com',
          phone: '',
          mobile_no: '',
        },
        ...{ designation: 'Buyer', is_primary_contact: 1, creation: frappeTime(T0) },
        links: [...links, { link_doctype: 'Supplier', link_name: 'C' }],
      },
    ];
    const found = (await canonicalsOf(sourceOf('erpnext', vendor, 'customers'))).map((one) => ErpCustomer.parse(one));
    expect(vendor.refused).toEqual([]);
    expect(found.map(({ id, contacts }) => [id, contacts?.length])).toEqual([
      ['A "1"', 1],
      ['B', 1],
      ['C', 0],
      ['D', 0],
    ]);
    expect(found[0]?.contacts?.[0]).toMatchObject({ id: 'Ann-A', email: 'ann@example.com', isPrimary: true });
  });

  test('an amended quotation is a revision of the one it amends; leads are left out of rows and count', async () => {
    const quotation = (name: string, status: string, to = 'Customer') => ({
      ...{
        name,
        amended_from: null,
        status,
        transaction_date: '2026-01-02',
        valid_till: '2026-02-01',
        quotation_to: to,
      },
      ...{ net_total: 10, total_taxes_and_charges: 1, grand_total: 11, party_name: 'A', customer_name: 'A Ltd' },
      ...{ owner: 'ann@example.com', modified: frappeTime(T0) },
    });
    const names = ['SAL-QTN-2026-00001', 'SAL-QTN-2026-00001-1', 'SAL-QTN-2026-00001-2'];
    vendor.tables.Quotation = [
      ...names.map((name, index) => quotation(name, index === 2 ? 'Open' : 'Cancelled')),
      quotation('SAL-QTN-2026-00002', 'Open', 'Lead'),
    ];
    const source = sourceOf('erpnext', vendor, 'quotes');
    const records = await readAll(source);
    expect(new Set(records.flatMap(({ entities }) => entities))).toEqual(new Set([names[0]]));
    const quotes = records.map(({ raw }) => ErpQuote.parse(source.canonical(raw)));
    expect(quotes.map(({ revision, status }) => [revision, status])).toEqual([
      [null, 'declined'],
      [1, 'declined'],
      [2, 'sent'],
    ]);
    expect(await source.count?.(EVERYTHING, NEVER)).toBe(3);
  });
});
