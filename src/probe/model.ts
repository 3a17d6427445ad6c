/** The statistics of a sample, as `--json` prints them and the state keeps them. */
import { z } from 'zod';

const count = z.int().nonnegative();

const Spread = z.object({
  min: z.number(),
  median: z.number(),
  max: z.number(),
  /** Counts of equal steps from min to max; empty when all values are one. */
  histogram: z.array(count),
});
export type Spread = z.infer<typeof Spread>;

export const FieldSummary = z.object({
  path: z.string(),
  /** Objects that could hold the field: records, or the items of its list. */
  holders: count,
  /** Of the holders: has the field, whatever is in it. */
  present: count,
  /** Of the present. */
  nulls: count,
  /** Of the present: blank texts and lists without items. */
  empties: count,
  /** By type, nulls left out: text, number, boolean, object, list. */
  types: z.record(z.string(), count),
  distinct: count,
  /** More distinct values than are counted. */
  distinctIsCapped: z.boolean(),
  /** No value came twice. */
  isUnique: z.boolean(),
  /** Few values that repeat: probably a code. */
  isEnum: z.boolean(),
  /** Names or formats of somebody's data: values are shown by their shape only. */
  isPersonal: z.boolean(),
  /** Most frequent first. Values of a code; shapes of the values where it is none or somebody's. */
  top: z.array(z.object({ value: z.string(), count })),
  formats: z.record(z.string(), count),
  numbers: Spread.nullable(),
  /** Milliseconds since 1970. */
  instants: Spread.nullable(),
  /** Characters of texts, items of lists. */
  lengths: Spread.nullable(),
  examples: z.array(z.string()),
});
export type FieldSummary = z.infer<typeof FieldSummary>;

export const SampleSummary = z.object({
  records: count,
  fields: z.array(FieldSummary),
  /** Fields beyond the number that is kept. */
  fieldsLeftOut: count,
});
export type SampleSummary = z.infer<typeof SampleSummary>;

/** Values that hold something: neither absent, null nor blank. */
export const filledOf = ({ present, nulls, empties }: FieldSummary): number => present - nulls - empties;
