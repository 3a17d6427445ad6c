/** Tryton's rows as canonical records. Pure, and total on any JSON; a module that is not installed leaves a field absent. */
import { decimal } from '../../../canonical/decimal.ts';
import { dayOf } from '../dates.ts';
import type { ResourceName } from '../field-names.ts';
import type { TrytonSettings } from './settings.ts';
import { isRow, isYes, latest, type Row, sub, subs } from './values.ts';

export function canonical(name: ResourceName, raw: unknown, settings: TrytonSettings): unknown {
  if (!isRow(raw)) return raw;
  const of = { products: productOf, customers: customerOf, quotes: quoteOf };
  return of[name](raw, settings);
}

/** The latest date of a record and of all that belongs to it. */
export function modifiedAt(name: ResourceName, row: Row): string | null {
  if (name === 'products') return latest([row, sub(row, 'template'), ...subs(row, 'identifiers')]);
  if (name === 'quotes') return latest([row, ...subs(row, 'lines')]);
  const relations = subs(row, 'relations');
  const people = relations.map((relation) => sub(relation, 'to'));
  const theirs = people.flatMap((person) => subs(person, 'contact_mechanisms'));
  const own = [...subs(row, 'addresses'), ...subs(row, 'contact_mechanisms'), ...subs(row, 'agents')];
  return latest([row, ...own, ...relations, ...people, ...theirs]);
}

/** Revisions of one opportunity make one deal; a quote without an opportunity stands for itself. */
export const opportunityOf = ({ origin }: Row): string | null =>
  (typeof origin === 'string' && /^sale\.opportunity,(\d+)$/.exec(origin)?.[1]) || null;

const number = (value: unknown): unknown => (typeof value === 'number' ? decimal(value) : value);
const idOf = (row: Row | null): string | null => (row === null ? null : String(row.id));
const has = (row: Row, field: string): boolean => Object.hasOwn(row, field);

function productOf(row: Row, { products }: TrytonSettings): unknown {
  const template = sub(row, 'template');
  const categories = subs(template, 'categories');
  const [category, ...below] = String(categories[0]?.rec_name ?? '').split(' / ');
  const isSold = isYes(row.active) && isYes(template?.active) && (!has(row, 'salable') || isYes(row.salable));
  const isSpecial = categories.some(({ name }) => products.specialOrderCategories.includes(String(name)));
  return {
    ...{
      id: String(row.id),
      sku: row.code,
      name: row.name,
      description: row.description,
      modifiedAt: modifiedAt('products', row),
    },
    ...{ category, subcategory: below.join(' / '), unitOfMeasure: sub(row, 'default_uom')?.symbol },
    ...{ listPrice: row.list_price, cost: row.cost_price },
    upc: subs(row, 'identifiers').find(({ type }) => type === 'ean')?.code ?? null,
    isStocked: template?.type === 'goods' && !isYes(template.consumable),
    status: !isSold ? 'inactive' : isSpecial ? 'special-order' : 'active',
  };
}

function customerOf(row: Row, { customers }: TrytonSettings): unknown {
  const categories = subs(row, 'categories').map(({ name }) => String(name));
  const type = Object.entries(customers.types).find(([name]) => categories.includes(name))?.[1];
  const isHeld = customers.holdCategories.some((name) => categories.includes(name));
  const mechanisms = subs(row, 'contact_mechanisms');
  const relations = subs(row, 'relations');
  const related = (name: string | undefined) => relations.filter((relation) => sub(relation, 'type')?.name === name);
  const people = customers.contactRelations.flatMap((name) => related(name));
  return {
    ...{ id: String(row.id), accountNumber: row.code, name: row.name, type, modifiedAt: modifiedAt('customers', row) },
    status: !isYes(row.active) ? 'inactive' : isHeld ? 'hold' : 'active',
    ...(has(row, 'salesRep') ? { salesRep: row.salesRep } : {}),
    ...(has(row, 'customer_payment_term.') ? { paymentTerms: sub(row, 'customer_payment_term')?.name ?? null } : {}),
    ...(has(row, 'sale_price_list.') ? { priceLevel: sub(row, 'sale_price_list')?.name ?? null } : {}),
    ...{ phone: firstOf(mechanisms, 'phone', 'mobile'), website: firstOf(mechanisms, 'website') },
    address: addressOf(subs(row, 'addresses')),
    parentId: idOf(sub(related(customers.parentRelation)[0] ?? null, 'to')),
    contacts: people.flatMap((relation) => contactOf(relation)),
  };
}

function contactOf(relation: Row): unknown[] {
  const person = sub(relation, 'to');
  if (person === null || !isYes(person.active)) return [];
  const mechanisms = subs(person, 'contact_mechanisms');
  // Tryton keeps one name: the first word is taken for the first name, what follows for the last.
  const [first = '', ...rest] = String(person.name ?? '')
    .trim()
    .split(/\s+/);
  const names = rest.length > 0 ? { firstName: first, lastName: rest.join(' ') } : { firstName: null, lastName: first };
  const [email, phone, mobile] = ['email', 'phone', 'mobile'].map((type) => firstOf(mechanisms, type));
  return [{ id: String(person.id), ...names, email, phone, mobile, role: sub(relation, 'type')?.name ?? null }];
}

function firstOf(mechanisms: readonly Row[], ...types: readonly string[]): unknown {
  const active = mechanisms.filter((row) => isYes(row.active));
  return types.flatMap((type) => active.filter((row) => row.type === type))[0]?.value ?? null;
}

function addressOf(addresses: readonly Row[]): unknown {
  const active = addresses.filter((row) => isYes(row.active));
  const chosen = active.find((row) => isYes(row.invoice)) ?? active[0];
  if (!chosen) return null;
  const { street, city, postal_code: zip } = chosen;
  const [state, country] = ['subdivision', 'country'].map((field) => sub(chosen, field)?.name ?? null);
  return { street, city, state, zip, country };
}

/** The rep in charge on a day: Tryton takes the first selection in its order whose dates hold. */
export function repOn(row: Row, today: string): unknown {
  const inForce = subs(row, 'agents').find(
    ({ start_date: start, end_date: end }) =>
      (typeof start !== 'string' || start <= today) && (typeof end !== 'string' || end >= today),
  );
  return repOf(inForce ?? null);
}

function repOf(row: Row | null): unknown {
  const party = sub(sub(row, 'agent'), 'party');
  return party === null ? null : { id: idOf(party), name: party.name, email: party.email };
}

function quoteOf(row: Row, { quotes, zone }: TrytonSettings): unknown {
  const status = quotes.states[String(row.state)] ?? row.state;
  const party = sub(row, 'party');
  return {
    ...{ id: String(row.id), opportunityId: opportunityOf(row), modifiedAt: modifiedAt('quotes', row) },
    ...{ quoteNumber: row.number, revision: row.revision, status },
    quotedOn: dayOf(row.create_date, { format: 'iso', zone }),
    decidedOn: row.sale_date, // set when the customer's order is confirmed
    ...{ subtotal: row.untaxed_amount, tax: row.tax_amount, total: row.total_amount },
    ...(has(row, 'agent.') ? { salesRep: repOf(row) } : {}),
    ...{ customerId: idOf(party), customerName: party?.name, customerPo: row.reference, jobName: row.description },
    lines: subs(row, 'lines')
      .filter(({ type }) => type === 'line')
      .map(lineOf),
  };
}

function lineOf(line: Row): unknown {
  const product = sub(line, 'product');
  const { description, unit_price: unitPrice } = line;
  return {
    productId: idOf(product),
    sku: product?.code ?? null,
    description,
    quantity: number(line.quantity),
    unitPrice,
  };
}
