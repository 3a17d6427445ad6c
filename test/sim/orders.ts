/** A pipe whose objects are linked: companies with a parent, and deals of companies, by key or by an account number. */
import type { Link, Mapped, ObjectType } from '../../src/pipe.ts';
import { type Item, mapItem, oneRecord, property, readItem, type Shape } from './goods.ts';

const KEY = 'erp_order_id';
const ACCOUNT = 'account ';

const numberOf = (key: string): number => Number(key.replace(/\D/g, ''));

/** Every third record is a company, the others are deals. */
const objectOf = (key: string): ObjectType => (numberOf(key) % 3 === 0 ? 'companies' : 'deals');

/** The key of the company that a link means, whatever it names it by. */
export const targetOf = ({ value }: Link): string => value.replace(ACCOUNT, '');

/**
 * Group `g2` is the company `r006`, which may come later, leave or never be there; `g0` is none. The record's number says
 * how the link is named and labelled. A parent is a company of a smaller number: no two are each other's parent.
 */
function linksOf({ id, subcategory, leadTimeDays }: Item): Link[] {
  const company = 3 * numberOf(subcategory ?? 'g0');
  if (company === 0 || company === numberOf(id)) return [];
  const key = `r${String(company).padStart(3, '0')}`;
  const to = { to: 'companies', by: KEY, value: key, label: 'default' } as const;
  if (objectOf(id) === 'companies') return company < numberOf(id) ? [to] : [];
  const named = { ...to, by: 'account', value: `${ACCOUNT}${key}` };
  const primary = { ...to, label: 'primary' } as const;
  return (
    [[to], [named], [primary], [{ ...named, label: 'primary' } as const], [primary, named]][(leadTimeDays ?? 0) % 5] ??
    []
  );
}

function map(row: Item): Mapped {
  const object = objectOf(row.id);
  const mapped = mapItem(row, object, object === 'companies' ? { account: `${ACCOUNT}${row.id}` } : {});
  if (mapped.kind !== 'upserts') return mapped;
  return { ...mapped, upserts: mapped.upserts.map((upsert) => ({ ...upsert, links: linksOf(row) })) };
}

const OBJECTS = ['companies', 'deals'] as const;

export const orders: Shape = {
  name: 'orders',
  resource: 'products',
  objects: OBJECTS,
  objectOf,
  key: KEY,
  assembles: 'one-record',
  mapping: {
    ...oneRecord,
    properties: [
      ...OBJECTS.flatMap((object) => [
        { ...property(object, KEY), unique: true },
        property(object, 'name'),
        property(object, 'status'),
        property(object, 'origin', 'create-only'),
      ]),
      property('companies', 'account'),
    ],
    map: ([row]) => (row === undefined ? { kind: 'invalid', issues: [] } : map(readItem(row))),
  },
};
