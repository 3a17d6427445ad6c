/** What is synced in the simulation: small mappings with everything the engine treats differently. */
import { z } from 'zod';
import type { Mapped, Mapping, ObjectType, Upsert } from '../../src/pipe.ts';

const Row = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  category: z.string().nullish(),
  brand: z.string().nullish(),
  subcategory: z.string().nullish(),
  leadTimeDays: z.int().nullish(),
});
const Revision = z.looseObject({ id: z.string(), jobName: z.string().nullish(), revision: z.int().nullish() });
export type Item = z.infer<typeof Row>;
type Goods = z.infer<typeof Row> | z.infer<typeof Revision>;

/** How a pipe of the simulation is read and mapped. */
export interface Shape {
  readonly name: 'items' | 'revisions' | 'orders';
  readonly resource: 'products' | 'quotes';
  readonly objects: readonly ObjectType[];
  /** The object that an entity of this id is, or one under this key. */
  readonly objectOf: (key: string) => ObjectType;
  readonly key: string;
  readonly assembles: 'one-record' | 'many-records';
  readonly mapping: Mapping<Goods>;
}

export const property = (object: ObjectType, name: string, owner: 'source' | 'create-only' = 'source') =>
  ({ object, name, label: name, type: 'string', owner }) as const;

export function mapItem(row: Item, object: ObjectType, more: Readonly<Record<string, string>> = {}): Mapped {
  const name = row.name ?? '';
  const status = row.category === 'live' ? 'live' : 'left';
  const properties = { name, status, origin: row.brand ?? '', ...more };
  const upsert: Upsert = { object, key: row.id, properties };
  if (status === 'left') return { kind: 'excluded', rule: row.category ?? 'left', farewell: [upsert] };
  if (name.startsWith('unmappable')) return { kind: 'invalid', issues: [{ path: 'name', message: 'is no name' }] };
  return { kind: 'upserts', upserts: [upsert] };
}

/** The parts of a mapping that all pipes of single records share. */
export const oneRecord: Pick<Mapping<Goods>, 'schema' | 'scope'> = {
  schema: Row,
  // 'retail' is out before anything is remembered, 'gone' only once it has been mapped.
  scope: (record) => (record.category === 'retail' ? { in: false, rule: 'retail', farewell: true } : { in: true }),
};

export const readItem = (record: unknown): Item => Row.parse(record);

export const items: Shape = {
  name: 'items',
  resource: 'products',
  objects: ['products'],
  objectOf: () => 'products',
  key: 'erp_product_id',
  assembles: 'one-record',
  mapping: {
    ...oneRecord,
    properties: [
      { ...property('products', 'erp_product_id'), unique: true },
      property('products', 'name'),
      property('products', 'status'),
      property('products', 'origin', 'create-only'),
    ],
    map: ([row]) => (row === undefined ? { kind: 'invalid', issues: [] } : mapItem(readItem(row), 'products')),
  },
};

export const revisions: Shape = {
  name: 'revisions',
  resource: 'quotes',
  objects: ['deals'],
  objectOf: () => 'deals',
  key: 'erp_opportunity_id',
  assembles: 'many-records',
  mapping: {
    schema: Revision,
    scope: () => ({ in: true }),
    properties: [{ ...property('deals', 'erp_opportunity_id'), unique: true }, property('deals', 'name')],
    map: (rows, _joined, _facts, entity) => {
      const [latest] = rows
        .map((row) => Revision.parse(row))
        .sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0) || (a.id < b.id ? -1 : 1));
      const name = latest?.jobName ?? '';
      if (name.startsWith('unmappable'))
        return { kind: 'invalid', issues: [{ path: 'jobName', message: 'is no name' }] };
      return { kind: 'upserts', upserts: [{ object: 'deals', key: entity, properties: { name } }] };
    },
  },
};

/** The ERP as its profile describes it; `size` is rows per page. */
export const profileText = (size: number, isSorted: boolean): string => {
  const listing = `
    path: items
    records: rows
    total: total
    id: id
    modifiedAt: at
    paging: { kind: page, param: page, first: 0, sizeParam: size, size: ${size} }
    since: { param: since, format: iso, inclusive: true }
    ${isSorted ? 'sort: { param: sort, value: at }' : ''}
    byIds: { param: ids, max: 20 }`;
  return `
name: simulated
zone: UTC
auth: { scheme: bearer }
resources:
  products:${listing}
    fields: { name: name, category: kind, brand: origin, subcategory: group, leadTimeDays: { path: rev, convert: integer } }
  quotes:${listing}
    fields: { opportunityId: group, jobName: name, revision: { path: rev, convert: integer } }
`;
};
