/** Whether a sample of a source's records has the shape that a mapper needs. Names fields, never a value. */
import type { z } from 'zod';
import type { Source, SourceRecord } from '../pipe.ts';
import type { FieldPath } from '../sources/erp/adapter.ts';

/** A row of a sample; null for one that has no usable id or date. */
export type Sampled = SourceRecord | null;

export interface Shape {
  readonly schema: z.ZodType<unknown>;
  /** The fields that the profile maps. */
  readonly fields: readonly FieldPath[];
}

/** Of the sample, what has to fit the mapper: a few dirty records are everywhere. */
const FITTING_SHARE = 0.98;
/** Fields that one sentence names. */
const NAMED_MAX = 5;
const ID_CHARS_MAX = 200;

/** What is wrong with the sample as a whole, as a sentence; null when it has the shape. */
export function misfit(sample: readonly Sampled[], source: Pick<Source, 'canonical'>, shape: Shape): string | null {
  const canonical = sample.map((record) => (record === null ? null : source.canonical(record.raw)));
  const absent = shape.fields.filter((path) => isAbsent(path, canonical)).map((path) => path.join('.'));
  if (absent.length > 0) return `not one of ${sample.length} records carries ${named(absent)}`;
  const faults = sample.map((record, at) =>
    record === null ? ['id or date'] : faultsOf(record, canonical[at], shape),
  );
  const unfit = faults.filter((fields) => fields.length > 0);
  if (sample.length - unfit.length >= sample.length * FITTING_SHARE) return null;
  return `${unfit.length} of ${sample.length} records do not fit the mapper: ${named([...new Set(unfit.flat())])}`;
}

function faultsOf({ id }: SourceRecord, canonical: unknown, { schema }: Shape): string[] {
  if (!looksLikeId(id)) return ['id'];
  const parsed = schema.safeParse(canonical);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path }) => path.filter((step) => typeof step === 'string').join('.') || 'record');
}

/** Anything short that a person could search for, and not what programs print for "nothing". */
const looksLikeId = (id: string): boolean =>
  id.length <= ID_CHARS_MAX &&
  /[\p{L}\p{N}]/u.test(id) &&
  !/[\p{Cc}<>{}]/u.test(id) &&
  !/^(null|undefined|nan|none|\[object object\])$/i.test(id);

/** A part is missed only where there is an object or item that could hold it. */
function isAbsent([field, part]: FieldPath, canonical: readonly unknown[]): boolean {
  const values = canonical.flatMap((record) => ownValues(record, field));
  if (part === undefined) return values.length === 0;
  const holders = values.flat().filter((value) => typeof value === 'object' && value !== null);
  return holders.length > 0 && !holders.some((holder) => Object.hasOwn(holder, part));
}

function ownValues(record: unknown, field: string): unknown[] {
  if (typeof record !== 'object' || record === null || !Object.hasOwn(record, field)) return [];
  return [Object.getOwnPropertyDescriptor(record, field)?.value];
}

const named = (fields: readonly string[]): string =>
  fields.length <= NAMED_MAX
    ? fields.join(', ')
    : `${fields.slice(0, NAMED_MAX).join(', ')} and ${fields.length - NAMED_MAX} more`;
