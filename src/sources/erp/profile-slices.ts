/** What a profile may say about slices: pieces of a resource that together hold every record. */
import { z } from 'zod';
import { asking, Paging } from './profile-asking.ts';
import { exactlyOne, name, Path, templateOf } from './profile-words.ts';

/** The rows of a list, such as sales reps. Without `paging` it must come whole in one answer. */
const From = z.strictObject({
  ...asking,
  id: Path,
  label: Path.optional(),
  total: Path.optional(),
  paging: Paging.optional(),
});

const oneValue = z.union([z.string(), z.int()]).transform(String);

/** Ascending bounds cut everything into pieces: below the first, between each two, from the last on. */
const Ranges = z
  .strictObject({
    bounds: z.array(oneValue).min(1).max(500),
    from: name.optional(),
    to: name.optional(),
    /** Instead of the parameters `from` and `to`: conditions "at or after {id}" and "before {id}". */
    fromClause: templateOf('id').optional(),
    toClause: templateOf('id').optional(),
  })
  .refine(
    ({ from, to, fromClause, toClause }) => Boolean(from ?? fromClause) && Boolean(to ?? toClause),
    'must have from and to, or fromClause and toClause',
  )
  .refine(({ bounds }) => new Set(bounds).size === bounds.length, 'must not name a bound twice');

/** `none` finds the records that belong to no slice: a value of `param`, or a whole condition of its own. */
export const Partitions = z
  .strictObject({
    /** First part of the slices' keys: `rep` gives `rep:17`. */
    key: name.regex(/^[a-z][a-z-]*$/, 'must be lower-case letters'),
    from: From.optional(),
    values: z.array(oneValue).min(1).max(2000).optional(),
    ranges: Ranges.optional(),
    param: name.optional(),
    clause: templateOf('id').optional(),
    none: name.optional(),
    noneClause: name.optional(),
  })
  .refine(exactlyOne(['from', 'values', 'ranges']), 'must have from, values or ranges')
  .refine(
    (slices) => slices.ranges !== undefined || exactlyOne(['param', 'clause'])(slices),
    'must have param or clause',
  )
  .refine(({ none, param }) => none === undefined || param !== undefined, {
    path: ['none'],
    message: 'is a value of param; use noneClause beside clauses',
  });
export type Partitions = z.output<typeof Partitions>;

/** Cuts a slice by ranges of a name: `from` inclusive, `to` exclusive. Slices above `maxRecords` are cut beforehand. */
export const Split = z.strictObject({ from: name, to: name, maxRecords: z.int().min(1).optional() });
export type Split = z.output<typeof Split>;
