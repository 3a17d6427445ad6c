/** What a profile may say: the description of one vendor's JSON API, as data. `profile.ts` loads it. */
import { z } from 'zod';
import { isDateFormat, isZone } from './dates.ts';
import { misspeltFields, type ResourceName } from './field-names.ts';

const name = z.string().trim().min(1, 'must not be empty');
const zone = z.string().refine(isZone, 'must be an IANA time zone such as America/Chicago');
const dateFormat = z.string().refine(isDateFormat, 'must be iso, epoch-ms, epoch-s or a pattern such as MM/DD/YYYY');
const words = z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).min(1);

/** A dotted path into a row: `addr.city`. A key that itself holds a dot is found too. */
const Path = name;

const relativePath = name
  .refine((path) => !/^([a-z]+:|\/\/)/i.test(path), 'must be a path below the base URL')
  .transform((path) => path.replace(/^\/+/, ''));

const DateOptions = z.strictObject({ format: dateFormat.default('iso'), zone: zone.optional() });

/** The word alone stands for its defaults: `decimal` for `{ decimal: {} }`. */
const wordAsKey = (value: unknown): unknown => (typeof value === 'string' ? { [value]: {} } : value);

const exactlyOne =
  (keys: readonly string[]) =>
  (value: object): boolean =>
    keys.filter((key) => Object.hasOwn(value, key)).length === 1;

const CONVERSIONS = ['text', 'decimal', 'integer', 'date', 'instant', 'boolean', 'enum', 'split'] as const;

const Conversion = z.preprocess(
  wordAsKey,
  z
    .strictObject({
      text: z.strictObject({}).optional(),
      /** `point` and `group` are the vendor's decimal point and thousands separator. */
      decimal: z
        .strictObject({ point: z.string().length(1).default('.'), group: z.string().max(1).default('') })
        .optional(),
      integer: z.strictObject({}).optional(),
      date: DateOptions.optional(),
      instant: DateOptions.optional(),
      /** Words are compared without case. */
      boolean: z.strictObject({ true: words.default(['true']), false: words.default(['false']) }).optional(),
      /** The vendor's value to ours. A value that is not listed is passed on, so that validation names it. */
      enum: z.record(z.string(), z.string()).optional(),
      /** One part of a text; a negative `part` counts from the end. */
      split: z.strictObject({ by: z.string().min(1), part: z.int() }).optional(),
    })
    .refine(exactlyOne(CONVERSIONS), `must be one of ${CONVERSIONS.join(', ')}`),
);
export type Conversion = z.output<typeof Conversion>;

const leafShape = {
  path: Path.optional(),
  /** The first of these paths that holds something. */
  firstOf: z.array(Path).min(1).optional(),
  constant: z.union([z.string(), z.boolean(), z.number()]).optional(),
  convert: Conversion.optional(),
};
const pathAlone = (value: unknown): unknown => (typeof value === 'string' ? { path: value } : value);
const Leaf = z.preprocess(
  pathAlone,
  z.strictObject(leafShape).refine(exactlyOne(['path', 'firstOf', 'constant']), 'must have path, firstOf or constant'),
);
export type Leaf = z.output<typeof Leaf>;

const Leaves = z.record(z.string(), Leaf);

/** A value, an object of values (`object`, built from the row itself without a path) or a list of such (`each`). */
const Field = z.preprocess(
  pathAlone,
  z
    .strictObject({ ...leafShape, object: Leaves.optional(), each: Leaves.optional() })
    .refine((field) => !(field.object && field.each), 'must not have both object and each')
    .refine((field) => !field.each || field.path !== undefined, 'a list (each) must have a path')
    .refine(
      (field) => (field.object && field.path === undefined) || exactlyOne(['path', 'firstOf', 'constant'])(field),
      'must have path, firstOf or constant',
    ),
);
export type Field = z.output<typeof Field>;

const size = z.int().min(1).max(10_000);
/** The vendor documents that its token names a record, not an offset: edits shift nothing and one reading is enough. */
const keepsPlace = z.boolean().default(false);
const Paging = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('page'),
    param: name,
    first: z.int().min(0).default(1),
    sizeParam: name.optional(),
    size,
  }),
  z.strictObject({ kind: z.literal('offset'), param: name, sizeParam: name.optional(), size }),
  /** `from`: where the reply carries the token of the next page. */
  z.strictObject({ kind: z.literal('cursor'), param: name, from: Path, sizeParam: name.optional(), size, keepsPlace }),
  /** `from`: where the reply carries the address of the next page. */
  z.strictObject({ kind: z.literal('link'), from: Path, sizeParam: name.optional(), size, keepsPlace }),
]);
export type Paging = z.output<typeof Paging>;

/** How "changed at or after" is asked. With `zone`, ISO times are sent as local time without offset; else as UTC. */
const SinceFilter = z.strictObject({
  param: name,
  format: z.enum(['iso', 'iso-seconds', 'date', 'epoch-ms', 'epoch-s']).default('iso'),
  /** false: the vendor answers strictly later ones, so one unit earlier is asked. */
  inclusive: z.boolean().default(true),
  zone: zone.optional(),
});
export type SinceFilter = z.output<typeof SinceFilter>;

/** Slices by the rows of a list, such as customers by sales rep. `none` finds the records that belong to no row. */
const Partitions = z.strictObject({
  /** First part of the slices' keys: `rep` gives `rep:17`. */
  key: name.regex(/^[a-z][a-z-]*$/, 'must be lower-case letters'),
  from: z.strictObject({
    path: relativePath,
    records: Path.optional(),
    id: Path,
    label: Path.optional(),
    total: Path.optional(),
  }),
  param: name,
  none: name.optional(),
});
export type Partitions = z.output<typeof Partitions>;

/** Cuts a slice by ranges of a name: `from` inclusive, `to` exclusive. Slices above `maxRecords` are cut beforehand. */
const Split = z.strictObject({ from: name, to: name, maxRecords: z.int().min(1).optional() });
export type Split = z.output<typeof Split>;

const Resource = z.strictObject({
  path: relativePath,
  method: z.literal('GET').default('GET'),
  /** Parameters that every request carries. */
  query: z.record(z.string(), z.string()).default({}),
  /** Where the reply carries its rows; without it the reply itself is the list. */
  records: Path.optional(),
  total: Path.optional(),
  id: Path,
  modifiedAt: z.preprocess(pathAlone, DateOptions.extend({ path: Path })),
  paging: Paging,
  since: SinceFilter.optional(),
  /** What to send so that rows ascend by `modifiedAt`. */
  sort: z.strictObject({ param: name, value: name }).optional(),
  byIds: z
    .strictObject({ param: name, separator: z.string().min(1).default(','), max: z.int().min(1).max(1000).default(50) })
    .optional(),
  byId: z
    .strictObject({
      path: relativePath.refine((path) => path.includes('{id}'), 'must contain {id}'),
      record: Path.optional(),
    })
    .optional(),
  partitions: Partitions.optional(),
  split: Split.optional(),
  fields: z.record(z.string(), Field),
});
export type Resource = z.output<typeof Resource>;

const Auth = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('bearer') }),
  z.strictObject({ scheme: z.literal('header'), header: name.regex(/^[A-Za-z0-9-]+$/, 'must be a header name') }),
  z.strictObject({ scheme: z.literal('basic') }),
]);
export type Auth = z.output<typeof Auth>;

const Limits = z.strictObject({
  /** The vendor kills a query after this long. */
  ceilingMs: z.int().min(1).optional(),
  concurrency: z.int().min(1).max(20).default(1),
  requestsPerSecond: z.number().positive().max(1000).optional(),
  maxPageBytes: z.int().min(1024).default(20_000_000),
});
export type Limits = z.output<typeof Limits>;

const resource = (resourceName: ResourceName) =>
  Resource.extend({
    fields: Resource.shape.fields.superRefine((fields, context) => {
      for (const { path, message } of misspeltFields(resourceName, fields)) {
        context.addIssue({ code: 'custom', path: [...path], message });
      }
    }),
  }).optional();

export const Profile = z.strictObject({
  name: name.regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens'),
  zone,
  auth: Auth,
  limits: Limits.prefault({}),
  /** Statuses worth another attempt, besides every 5xx. */
  retryStatuses: z.array(z.int().min(400).max(599)).default([408, 425, 429]),
  resources: z.strictObject({
    products: resource('products'),
    customers: resource('customers'),
    quotes: resource('quotes'),
  }),
});
export type Profile = z.output<typeof Profile>;
