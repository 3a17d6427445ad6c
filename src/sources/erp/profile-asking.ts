/** What a profile may say about questions: paging, filters, slices, and rows that hang on a record. */
import { z } from 'zod';
import { isDateFormat } from './dates.ts';
import { exactlyOne, name, Path, pathAlone, relativePath, templateOf, zone } from './profile-words.ts';

const size = z.int().min(1).max(20_000);
const sized = {
  sizeParam: name.optional(),
  size,
  /** What the vendor serves at most: a larger `size` would be cut silently. */
  sizeMax: size.optional(),
};
/** The vendor documents that its token names a record, not an offset: edits shift nothing and one reading is enough. */
const keepsPlace = z.boolean().default(false);
export const Paging = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('page'), param: name, first: z.int().min(0).default(1), ...sized }),
    z.strictObject({ kind: z.literal('offset'), param: name, ...sized }),
    /** `from`: where the reply carries the token of the next page. */
    z.strictObject({ kind: z.literal('cursor'), param: name, from: Path, ...sized, keepsPlace }),
    /** `from`: where the reply carries the address of the next page. */
    z.strictObject({ kind: z.literal('link'), from: Path, ...sized, keepsPlace }),
    /** RFC 8288: the `Link` header of the reply names the next page by its relation. */
    z.strictObject({ kind: z.literal('link-header'), rel: name.default('next'), ...sized, keepsPlace }),
  ])
  .refine((paging) => paging.size <= (paging.sizeMax ?? paging.size), {
    path: ['size'],
    message: 'must not be above sizeMax',
  });
export type Paging = z.output<typeof Paging>;

/**
 * One parameter that carries several conditions, such as OData's `$filter`: the clauses of `since`, slices and ids are
 * joined in it, also with what `query` says under the same name. `escape` is how the vendor quotes a value.
 */
export const FilterStyle = z.strictObject({
  param: name,
  join: z.string().min(1).default(' and '),
  open: z.string().default(''),
  close: z.string().default(''),
  escape: z.enum(['none', 'odata', 'json']).default('none'),
});
export type FilterStyle = z.output<typeof FilterStyle>;

const SINCE_WORDS = ['iso', 'iso-seconds', 'date', 'epoch-ms', 'epoch-s'];

/** How "changed at or after" is asked. With `zone`, ISO times are sent as local time without offset; else as UTC. */
export const SinceFilter = z
  .strictObject({
    param: name.optional(),
    clause: templateOf('since').optional(),
    format: z
      .string()
      .refine(
        (format) => SINCE_WORDS.includes(format) || (isDateFormat(format) && format.includes('YYYY')),
        `must be ${SINCE_WORDS.join(', ')} or a pattern such as YYYY-MM-DD HH:mm:ss`,
      )
      .default('iso'),
    /** false: the vendor answers strictly later ones, so one unit earlier is asked. */
    inclusive: z.boolean().default(true),
    zone: zone.optional(),
  })
  .refine(exactlyOne(['param', 'clause']), 'must have param or clause');
export type SinceFilter = z.output<typeof SinceFilter>;

const method = z.enum(['GET', 'POST']).default('GET');
/** For POST. A text that is `{name}` is the parameter of that name, which then leaves the address; absent, so is it. */
const body = z.unknown().optional();
const query = z.record(z.string(), z.string()).default({});
/** How a list is asked for, whatever it lists. */
export const asking = { path: relativePath, method, query, body, records: Path.optional() };

/** How many there are: a path in the reply, one of its headers, or a question of its own with the same filters. */
export const Total = z.preprocess(
  pathAlone,
  z
    .strictObject({
      path: Path.optional(),
      header: name.optional(),
      count: z.strictObject({ path: relativePath, query, total: Path.optional() }).optional(),
    })
    .refine(exactlyOne(['path', 'header', 'count']), 'must have path, header or count'),
);
export type Total = z.output<typeof Total>;

/** Several ids in one question. `item` is how one of them is written where the id alone will not do. */
export const ByIds = z
  .strictObject({
    param: name.optional(),
    clause: templateOf('ids').optional(),
    item: templateOf('id').optional(),
    separator: z.string().min(1).default(','),
    max: z.int().min(1).max(1000).default(50),
  })
  .refine(exactlyOne(['param', 'clause']), 'must have param or clause');
export type ByIds = z.output<typeof ByIds>;

/** Rows of another resource that belong to a record, put into its row under a name: read for many records at once. */
export const Child = z
  .strictObject({
    ...asking,
    total: Total.optional(),
    id: Path,
    paging: Paging,
    filter: FilterStyle.optional(),
    /** Where a record holds what its rows name it by; lists on the way are walked. */
    parent: Path,
    /** Where a row names its record. */
    key: Path.optional(),
    /** How the rows of many records are asked for; without it `path` holds `{id}` and each record costs a question. */
    byParents: ByIds.optional(),
  })
  .refine((child) => (child.byParents === undefined) === child.path.includes('{id}'), {
    path: ['path'],
    message: 'must hold {id}, or byParents must say how to ask for many',
  })
  .refine((child) => child.byParents === undefined || child.key !== undefined, {
    path: ['key'],
    message: 'is needed beside byParents: it says whose a row is',
  })
  .refine((child) => child.byParents?.clause === undefined || child.filter !== undefined, {
    path: ['filter'],
    message: 'is needed beside a clause: it names the parameter',
  });
export type Child = z.output<typeof Child>;
