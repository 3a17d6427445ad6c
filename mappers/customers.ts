/**
 * An ERP account becomes a company, the people in it contacts, linked to it. Business accounts only: walk-ins stay in
 * the ERP, because contacts cost money in HubSpot and their data is nobody's business there.
 */
import { compareIds, domainOf, email, text } from '../src/canonical.ts';
import { Draft, invalid, mapped } from '../src/draft.ts';
import { foldKey } from '../src/fingerprint.ts';
import type { Joined, JoinedRow, Link, Mapped, Mapping, Scope, Upsert } from '../src/pipe.ts';
import { custom, optionsOf, ownerAtCreation, standard } from '../src/property.ts';
import { type ErpContact, ErpCustomer } from '../src/sources/erp/model.ts';

/** Rule under which walk-ins stay in the ERP. */
const RETAIL = 'retail';

const B2B_TYPES = ['contractor', 'architect', 'builder', 'designer', 'dealer', 'government', 'other'];

const companyOwn = custom('companies', 'erp_sync');
const companyStandard = standard('companies');
const contactOwn = custom('contacts', 'erp_sync');
const contactStandard = standard('contacts');

const typeOptions = { options: optionsOf(B2B_TYPES) };
const statusOptions = { options: optionsOf(['active', 'hold', 'inactive']) };

const companyProperties = [
  companyStandard('name', 'Company name', 'string', "The account's name."),
  companyStandard('phone', 'Phone number', 'string', "The account's phone."),
  companyStandard('website', 'Website URL', 'string', "The account's website."),
  companyStandard('domain', 'Company domain name', 'string', "Host of the account's own website."),
  companyStandard('address', 'Street address', 'string', 'Street of the account.'),
  companyStandard('city', 'City', 'string', 'City of the account.'),
  companyStandard('state', 'State/Region', 'string', 'State of the account.'),
  companyStandard('zip', 'Postal code', 'string', 'Postal code of the account, with its leading zeros.'),
  companyStandard('country', 'Country/Region', 'string', 'Country of the account.'),
  ownerAtCreation('companies'),
  companyOwn('erp_customer_id', 'ERP customer ID', 'string', 'Id of the account in the ERP; the key of the sync.', {
    unique: true,
  }),
  companyOwn('erp_account_number', 'ERP account number', 'string', 'The number on invoices.'),
  companyOwn('erp_customer_type', 'ERP customer type', 'enumeration', 'Kind of business.', typeOptions),
  companyOwn('erp_account_status', 'ERP account status', 'enumeration', 'Whether the account may buy.', statusOptions),
  companyOwn('erp_sales_rep', 'ERP sales rep', 'string', 'Name of the rep in charge.'),
  companyOwn('erp_credit_limit', 'ERP credit limit', 'number', 'Most the account may owe.'),
  companyOwn('erp_balance', 'ERP balance', 'number', 'What the account owes.'),
  companyOwn('erp_payment_terms', 'ERP payment terms', 'string', 'Agreed terms, such as NET30.'),
  companyOwn('erp_price_level', 'ERP price level', 'string', 'Price list of the account.'),
  companyOwn('erp_tax_exempt', 'ERP tax exempt', 'bool', 'Buys without sales tax.'),
  companyOwn('erp_ytd_sales', 'ERP sales this year', 'number', 'Sales since January 1.'),
  companyOwn('erp_last_order_on', 'ERP last order on', 'date', 'Day of the last order.'),
  companyOwn('erp_modified_at', 'ERP modified at', 'datetime', 'Last change of the account in the ERP.'),
];

const contactProperties = [
  contactStandard('firstname', 'First name', 'string', 'First name.'),
  contactStandard('lastname', 'Last name', 'string', 'Last name.'),
  {
    ...contactStandard('email', 'Email', 'string', 'E-mail, if valid and not the address of another contact.'),
    exclusive: true,
  },
  contactStandard('phone', 'Phone number', 'string', 'Phone, without the extension.'),
  contactStandard('mobilephone', 'Mobile phone number', 'string', 'Mobile phone.'),
  contactStandard('jobtitle', 'Job title', 'string', 'What the person does at the account.'),
  ownerAtCreation('contacts'),
  contactOwn('erp_contact_id', 'ERP contact ID', 'string', 'Id of the person in the ERP; the key of the sync.', {
    unique: true,
  }),
  contactOwn('erp_customer_number', 'ERP customer number', 'string', 'ERP id of the account the person works at.'),
  contactOwn('erp_account_number', 'ERP account number', 'string', "The account's number on invoices."),
  contactOwn('erp_contact_role', 'ERP contact role', 'string', 'The role, as the ERP spells it.'),
  contactOwn('erp_is_primary', 'ERP primary contact', 'bool', 'The first person to call at the account.'),
  contactOwn('erp_phone_extension', 'ERP phone extension', 'string', 'Extension behind the phone number.'),
  contactOwn('erp_sales_rep', 'ERP sales rep', 'string', "Name of the account's rep."),
  contactOwn('erp_customer_type', 'ERP customer type', 'enumeration', "The account's kind of business.", typeOptions),
  contactOwn('erp_account_status', 'ERP account status', 'enumeration', 'Whether the account may buy.', statusOptions),
  contactOwn('erp_modified_at', 'ERP modified at', 'datetime', 'Last change of the account in the ERP.'),
];

/** By the type alone, on an exact match: whatever is not surely a business is never stored. */
function scope({ type }: Readonly<Record<string, unknown>>): Scope {
  if (type === RETAIL) return { in: false, rule: RETAIL };
  if (typeof type === 'string' && B2B_TYPES.includes(type)) return { in: true };
  const missing = type === undefined || type === null || type === '';
  const message = missing ? 'missing: may be a walk-in' : `unknown: may be a walk-in; known: ${B2B_TYPES.join(', ')}`;
  return { in: 'unknown', issue: { path: 'type', message } };
}

/** What company and contacts say alike about the account. */
function accountOf(draft: Draft, customer: ErpCustomer): void {
  draft.text('erp_account_number', customer.accountNumber);
  draft.text('erp_customer_type', customer.type);
  draft.text('erp_account_status', customer.status);
  draft.salesRep(customer.salesRep);
  draft.instant('erp_modified_at', customer.modifiedAt);
}

/** An address that is null as a whole clears each of its parts. */
const NO_ADDRESS = { street: null, city: null, state: null, zip: null, country: null };

function placeOf(draft: Draft, customer: ErpCustomer): void {
  const address = customer.address === null ? NO_ADDRESS : customer.address;
  draft.text('phone', customer.phone);
  draft.text('address', address?.street);
  draft.text('city', address?.city);
  draft.text('state', address?.state);
  draft.text('zip', address?.zip);
  draft.text('country', address?.country);
  const website = text(customer.website);
  draft.text('website', website);
  if (website === undefined) return;
  const domain = domainOf(website);
  if (website !== '' && domain === undefined) draft.note('domain', 'the website does not tell it, left empty');
  draft.put('domain', domain ?? '');
}

function termsOf(draft: Draft, customer: ErpCustomer): void {
  draft.decimal('erp_credit_limit', customer.creditLimit);
  draft.decimal('erp_balance', customer.balance);
  draft.text('erp_payment_terms', customer.paymentTerms);
  draft.text('erp_price_level', customer.priceLevel);
  draft.flag('erp_tax_exempt', customer.taxExempt);
  draft.decimal('erp_ytd_sales', customer.ytdSales);
  draft.date('erp_last_order_on', customer.lastOrderOn);
}

/** None to an account that is its own parent, nor to one that stays in the ERP. Absent leaves links alone. */
function parentLinks(customer: ErpCustomer, parent: JoinedRow | undefined): Pick<Upsert, 'links'> {
  const { parentId } = customer;
  if (parentId === undefined) return {};
  if (parentId === null || parentId === customer.id || parent?.kind === 'excluded') return { links: [] };
  return { links: [{ to: 'companies', by: 'erp_customer_id', value: parentId, label: 'default' }] };
}

function companyOf(draft: Draft, customer: ErpCustomer, parent: JoinedRow | undefined): Upsert {
  draft.put('erp_customer_id', customer.id);
  draft.text('name', customer.name);
  accountOf(draft, customer);
  placeOf(draft, customer);
  termsOf(draft, customer);
  return { object: 'companies', key: customer.id, properties: draft.properties, ...parentLinks(customer, parent) };
}

/** `taken`: another contact of this account with a smaller id has the same e-mail, and HubSpot allows it once. */
function emailOf(draft: Draft, contact: ErpContact, taken: boolean): void {
  if (taken) draft.note('email', 'belongs to another contact of this account, left empty');
  draft.email('email', taken ? null : contact.email);
}

function contactOf(draft: Draft, contact: ErpContact, customer: ErpCustomer, taken: boolean): Upsert {
  draft.put('erp_contact_id', contact.id);
  draft.text('firstname', contact.firstName);
  draft.text('lastname', contact.lastName);
  emailOf(draft, contact, taken);
  draft.text('phone', contact.phone);
  draft.text('mobilephone', contact.mobile);
  draft.text('jobtitle', contact.role);
  draft.put('erp_customer_number', customer.id);
  draft.text('erp_contact_role', contact.role);
  draft.flag('erp_is_primary', contact.isPrimary);
  draft.text('erp_phone_extension', contact.extension);
  accountOf(draft, customer);
  const company: Link = { to: 'companies', by: 'erp_customer_id', value: customer.id, label: 'primary' };
  return { object: 'contacts', key: contact.id, properties: draft.properties, links: [company] };
}

/** Ids of contacts whose e-mail a contact with a smaller id has, too. */
function withoutEmail(contacts: readonly ErpContact[]): ReadonlySet<string> {
  const holders = new Map<string, string>();
  const losers = new Set<string>();
  for (const contact of contacts.toSorted((a, b) => compareIds(a.id, b.id))) {
    const address = email(contact.email ?? '');
    if (address === undefined) continue;
    if (holders.has(address)) losers.add(contact.id);
    else holders.set(address, contact.id);
  }
  return losers;
}

/** The second of two contacts that people would take for the same, or -1. */
function repeatedId(contacts: readonly ErpContact[]): number {
  const keys = contacts.map(({ id }) => foldKey(id));
  return keys.findIndex((key, position) => keys.indexOf(key) < position);
}

function map(records: readonly ErpCustomer[], joined: Joined): Mapped {
  const [customer] = records;
  if (customer === undefined || records.length > 1) return invalid('', 'a customer is made of exactly one record');
  const contacts = customer.contacts ?? [];
  const repeated = repeatedId(contacts);
  if (repeated >= 0) return invalid(`contacts.${repeated}.id`, 'another contact of this account has this id');
  const losers = withoutEmail(contacts);
  const account = new Draft();
  const people = contacts.map((contact, position) => ({ contact, draft: new Draft(`contacts.${position}`) }));
  return mapped(
    [account, ...people.map(({ draft }) => draft)],
    [
      companyOf(account, customer, joined[0]?.parent),
      ...people.map(({ contact, draft }) => contactOf(draft, contact, customer, losers.has(contact.id))),
    ],
  );
}

const customers: Mapping<ErpCustomer> = {
  schema: ErpCustomer,
  scope,
  joins: { parent: { pipe: 'customers', by: 'parentId' } },
  properties: [...companyProperties, ...contactProperties],
  map,
  // The account and the people in it alike.
  deleted: () => ({ erp_account_status: 'inactive' }),
};

export default customers;
