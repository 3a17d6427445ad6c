/** What a profile may say about a field: where its value is, and how it becomes ours. */
import { z } from 'zod';
import { dateFormat, exactlyOne, Path, pathAlone, zone } from './profile-words.ts';

const words = z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).min(1);

export const DateOptions = z.strictObject({ format: dateFormat.default('iso'), zone: zone.optional() });

/** The word alone stands for its defaults: `decimal` for `{ decimal: {} }`. */
const wordAsKey = (value: unknown): unknown => (typeof value === 'string' ? { [value]: {} } : value);

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
      /** One part of a text (a negative `part` counts from the end), or its `first` so many; `as: integer` a number. */
      split: z
        .strictObject({
          by: z.string().min(1),
          part: z.int().optional(),
          first: z.int().min(1).optional(),
          as: z.enum(['text', 'integer']).default('text'),
        })
        .refine(exactlyOne(['part', 'first']), 'must have part or first')
        .optional(),
    })
    .refine(exactlyOne(CONVERSIONS), `must be one of ${CONVERSIONS.join(', ')}`),
);
export type Conversion = z.output<typeof Conversion>;

const leafShape = {
  path: Path.optional(),
  /** The first of these paths that holds something. */
  firstOf: z.array(Path).min(1).optional(),
  constant: z.union([z.string(), z.boolean(), z.number()]).optional(),
  /** Values that stand for nothing, such as `0001-01-01`: they clear as null does. */
  empty: words.optional(),
  convert: Conversion.optional(),
};
const Leaf = z.preprocess(
  pathAlone,
  z.strictObject(leafShape).refine(exactlyOne(['path', 'firstOf', 'constant']), 'must have path, firstOf or constant'),
);
export type Leaf = z.output<typeof Leaf>;

const Leaves = z.record(z.string(), Leaf);

/** A value, an object of values (`object`, built from the row itself without a path) or a list of such (`each`). */
export const Field = z.preprocess(
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
