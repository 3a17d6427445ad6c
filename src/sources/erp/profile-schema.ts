/** What a profile may say: the description of one vendor's JSON API, as data. `profile.ts` loads it. */
import { z } from 'zod';
import { misspeltFields, type ResourceName } from './field-names.ts';
import { asking, ByIds, Child, FilterStyle, Paging, SinceFilter, Total } from './profile-asking.ts';
import { Auth } from './profile-auth.ts';
import { DateOptions, Field } from './profile-fields.ts';
import { Partitions, Split } from './profile-slices.ts';
import { BaseUrls, Headers, name, Path, pathAlone, relativePath, zone } from './profile-words.ts';

export type { Child, Paging, SinceFilter } from './profile-asking.ts';
export type { Auth } from './profile-auth.ts';
export type { Conversion, Field, Leaf } from './profile-fields.ts';
export type { Partitions, Split } from './profile-slices.ts';

const Resource = z.strictObject({
  ...asking,
  headers: Headers.default({}),
  total: Total.optional(),
  id: Path,
  modifiedAt: z.preprocess(pathAlone, DateOptions.extend({ path: Path })),
  paging: Paging,
  filter: FilterStyle.optional(),
  since: SinceFilter.optional(),
  /** What to send so that rows ascend by `modifiedAt`. */
  sort: z.strictObject({ param: name, value: name }).optional(),
  byIds: ByIds.optional(),
  byId: z
    .strictObject({
      path: relativePath.refine((path) => path.includes('{id}'), 'must contain {id}'),
      record: Path.optional(),
    })
    .optional(),
  partitions: Partitions.optional(),
  split: Split.optional(),
  /** Rows of other resources, under the name that they get in the record's row; in order, one may use another. */
  children: z.record(z.string(), Child).optional(),
  fields: z.record(z.string(), Field),
});
export type Resource = z.output<typeof Resource>;

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
  })
    .superRefine((described, context) => {
      for (const { path, message } of unfiltered(described)) context.addIssue({ code: 'custom', path, message });
    })
    .optional();

/** Conditions without the parameter that carries them. */
function unfiltered({ filter, since, byIds, partitions, body, method }: Resource) {
  const ranges = partitions?.ranges;
  const clauses = {
    since: since?.clause,
    byIds: byIds?.clause,
    partitions: partitions?.clause ?? partitions?.noneClause ?? ranges?.fromClause ?? ranges?.toClause,
  };
  const homeless = filter ? [] : Object.entries(clauses).filter(([, clause]) => clause !== undefined);
  const faults = homeless.map(([part]) => ({ path: [part], message: 'has a clause: filter must name its parameter' }));
  if (body === undefined || method === 'POST') return faults;
  return [...faults, { path: ['body'], message: 'is only sent with method: POST' }];
}

export const Profile = z.strictObject({
  name: name.regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens'),
  zone,
  /** Where the ERP is when neither ERP_PRODUCTION_URL nor ERP_STAGING_URL is set. */
  baseUrls: BaseUrls.optional(),
  auth: Auth,
  /** Sent with every request. */
  headers: Headers.default({}),
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
