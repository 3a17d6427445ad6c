/** What is asked of Tryton for each resource: model, fields, and where a change of it shows. */
import type { ResourceName } from '../field-names.ts';
import type { TrytonSettings } from './settings.ts';
import { datetime, day } from './values.ts';

/** A clause of a search, as Tryton writes it. */
type Clause = readonly unknown[];

export interface Resource {
  readonly model: string;
  /** Read when the model has the first part of the path: modules that are not installed are left out. */
  readonly fields: readonly string[];
  /** Fields without which nothing can be read. */
  readonly needs: readonly string[];
  /** Which records of the model are meant. */
  readonly domain: readonly Clause[];
  /** Records whose dates count as the record's own; '' is itself. */
  readonly dated: readonly string[];
}

const DATES = ['write_date', 'create_date'];
const dates = (...prefixes: readonly string[]): string[] =>
  prefixes.flatMap((prefix) => DATES.map((name) => `${prefix}${name}`));

export function resourceFor(name: ResourceName, settings: TrytonSettings): Resource {
  if (name === 'products') return PRODUCTS;
  return name === 'quotes'
    ? QUOTES
    : { ...CUSTOMERS, domain: [['categories.name', 'in', Object.keys(settings.customers.types)]] };
}

const PRODUCTS: Resource = {
  model: 'product.product',
  needs: ['template', 'code', 'active', 'list_price', 'cost_price'],
  domain: [],
  dated: ['', 'template.', 'identifiers.'],
  fields: [
    ...dates('', 'template.', 'identifiers.'),
    ...['code', 'name', 'description', 'active', 'list_price', 'cost_price', 'default_uom.symbol', 'salable'],
    ...[
      'template.active',
      'template.type',
      'template.consumable',
      'template.categories.rec_name',
      'template.categories.name',
    ],
    ...['identifiers.type', 'identifiers.code'],
  ],
};

const MECHANISM = ['type', 'value', 'active'];
const CUSTOMERS: Resource = {
  model: 'party.party',
  needs: ['code', 'name', 'active', 'categories', 'addresses', 'contact_mechanisms'],
  domain: [],
  dated: [
    '',
    'addresses.',
    'contact_mechanisms.',
    'agents.',
    'relations.',
    'relations.to.',
    'relations.to.contact_mechanisms.',
  ],
  fields: [
    ...dates(
      '',
      'addresses.',
      'contact_mechanisms.',
      'agents.',
      'relations.',
      'relations.to.',
      'relations.to.contact_mechanisms.',
    ),
    ...['code', 'name', 'active', 'categories.name', 'customer_payment_term.name', 'sale_price_list.name'],
    ...['street', 'city', 'postal_code', 'subdivision.name', 'country.name', 'invoice', 'active'].map(
      (field) => `addresses.${field}`,
    ),
    ...MECHANISM.map((field) => `contact_mechanisms.${field}`),
    ...['start_date', 'end_date', 'agent.party.name', 'agent.party.email'].map((field) => `agents.${field}`),
    ...['type.name', 'to.name', 'to.active', ...MECHANISM.map((field) => `to.contact_mechanisms.${field}`)].map(
      (field) => `relations.${field}`,
    ),
  ],
};

const QUOTES: Resource = {
  model: 'sale.sale',
  needs: ['party', 'state', 'lines', 'total_amount'],
  domain: [],
  dated: ['', 'lines.'],
  fields: [
    ...dates('', 'lines.'),
    ...[
      'number',
      'revision',
      'reference',
      'description',
      'state',
      'sale_date',
      'origin',
      'party.name',
      'agent.party.name',
      'agent.party.email',
    ],
    ...['untaxed_amount', 'tax_amount', 'total_amount'],
    ...['type', 'quantity', 'unit_price', 'description', 'product.code'].map((field) => `lines.${field}`),
  ],
};

/**
 * What changed at or after an instant. `write_date` is null until the first write and moves with the record's own
 * fields only, so the dates of all that belongs to it are asked for, too. `moved`: ids that changed without a date.
 */
export function changedSince(
  resource: Resource,
  known: ReadonlySet<string>,
  from: string,
  moved: Clause | null,
): Clause {
  const prefixes = resource.dated.filter((prefix) => prefix === '' || known.has(prefix.split('.')[0] ?? ''));
  const after = prefixes.flatMap((prefix) => DATES.map((name) => [`${prefix}${name}`, '>=', datetime(from)]));
  // A customer handed over at a date changes on that day, and nobody writes anything.
  const handedOver = known.has('agents')
    ? ['start_date', 'end_date'].map((name) => [
        `agents.${name}`,
        '>=',
        day(new Date(Date.parse(from) - 86_400_000).toISOString()),
      ])
    : [];
  return ['OR', ...after, ...handedOver, ...(moved === null ? [] : [moved])];
}
