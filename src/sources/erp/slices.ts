/** Cuts a resource into slices that the vendor can serve within its limits. Keys hold from run to run. */
import { EXIT, FatalError } from '../../errors.ts';
import type { Partition } from '../../pipe.ts';
import { idOf } from './canonical.ts';
import { textOf } from './convert.ts';
import { AttemptError } from './failure.ts';
import { countAt } from './listing.ts';
import type { FilterStyle } from './profile-asking.ts';
import type { Partitions, Split } from './profile-schema.ts';
import { combined, condition, type Query } from './query.ts';
import { valueAt } from './row.ts';

export const ALL: Partition = { key: 'all', label: 'all', filter: {} };

/** Letters that a name range is told by, before it is too narrow to be cut: `smi` is the narrowest. */
const LETTERS_MAX = 3;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz';
/** More slices than this are no partition list but a listing of something else. */
const SLICES_MAX = 2000;

/**
 * The two halves of a slice by the first letters of the name. The halves share one bound and keep the outer ones, so
 * that together they cover what the slice did, also names of digits, of other scripts, or none. Empty when the range is
 * too narrow.
 */
export function halves(partition: Partition, split: Split): readonly Partition[] {
  const range = rangeOf(partition, split);
  const letters =
    range.low === range.high ? ALPHABET : ALPHABET.slice(ALPHABET.indexOf(range.low), ALPHABET.indexOf(range.high) + 1);
  const prefix = range.low === range.high ? range.prefix + range.low : range.prefix;
  if (prefix.length >= LETTERS_MAX) return [];
  const middle = Math.ceil(letters.length / 2);
  const bound = prefix + letters.charAt(middle);
  const key = (half: string): string => `${range.stem}/${prefix}${half.charAt(0)}-${prefix}${half.slice(-1)}`;
  const cut = (half: string, edge: Readonly<Record<string, string>>): Partition => {
    const suffix = key(half).slice(range.stem.length + 1);
    return { key: key(half), label: `${range.label}, names ${suffix}`, filter: { ...partition.filter, ...edge } };
  };
  return [cut(letters.slice(0, middle), { [split.to]: bound }), cut(letters.slice(middle), { [split.from]: bound })];
}

interface NameRange {
  /** Key and label without the range. */
  readonly stem: string;
  readonly label: string;
  readonly prefix: string;
  readonly low: string;
  readonly high: string;
}

/** The range a slice stands for, read from its key: only a slice with a bound has one. */
function rangeOf({ key, label, filter }: Partition, split: Split): NameRange {
  const isCut = Object.hasOwn(filter, split.from) || Object.hasOwn(filter, split.to);
  const [, stem, prefix = '', low = 'a', high = 'z'] = (isCut && /^(.*)\/([a-z]*)([a-z])-\2([a-z])$/s.exec(key)) || [];
  if (stem === undefined) return { stem: key, label, prefix: '', low: 'a', high: 'z' };
  return { stem, label: label.replace(/, names [a-z-]+$/, ''), prefix, low, high };
}

/** The slices of a list that the profile itself holds. */
export function fixedSlices(partitions: Partitions, filter: FilterStyle | undefined): readonly Partition[] {
  const { key, values = [], ranges } = partitions;
  const slices = ranges
    ? rangeSlices(key, ranges, filter)
    : values.map((value) => ({
        key: `${key}:${value}`,
        label: value,
        filter: condition(partitions, filter, 'id', value),
      }));
  return [...slices, ...restOf(partitions, filter)];
}

/** Neighbours share a bound, and the outer ones are open, so that together they hold every value. */
function rangeSlices(key: string, ranges: NonNullable<Partitions['ranges']>, filter: FilterStyle | undefined) {
  const { bounds, from, to, fromClause, toClause } = ranges;
  return [undefined, ...bounds].map((low, index): Partition => {
    const high = bounds[index];
    const above = low === undefined ? {} : condition({ param: from, clause: fromClause }, filter, 'id', low);
    const below = high === undefined ? {} : condition({ param: to, clause: toClause }, filter, 'id', high);
    const label = low === undefined ? `below ${high}` : high === undefined ? `from ${low}` : `${low} to ${high}`;
    return { key: `${key}:${low ?? ''}..${high ?? ''}`, label, filter: joined(filter, above, below) };
  });
}

/** Two conditions under one parameter become one text. */
function joined(filter: FilterStyle | undefined, above: Query, below: Query): Query {
  return combined(filter && { ...filter, open: '', close: '' }, [above, below]);
}

/**
 * The slices that the rows of a list name, and the one for records that belong to none. Throws FatalError when the list
 * is cut short or has rows without id: their records would be lost.
 */
export function slicesOf(
  rows: readonly unknown[],
  total: number,
  partitions: Partitions,
  filter: FilterStyle | undefined,
): readonly Partition[] {
  const { key, from } = partitions;
  if (!from) return [];
  if (rows.length < total) throw unusable(from.path, `names ${rows.length} of ${total} rows`);
  if (rows.length > SLICES_MAX) throw unusable(from.path, `has more than ${SLICES_MAX} rows`);
  const slices = new Map<string, Partition>();
  for (const row of rows) {
    const id = idOf(valueAt(row, from.id));
    if (id === null) throw unusable(from.path, `has a row without ${from.id}`);
    const label = textOf(from.label === undefined ? id : valueAt(row, from.label))?.trim() || id;
    slices.set(id, { key: `${key}:${id}`, label, filter: condition(partitions, filter, 'id', id) });
  }
  return [...slices.values(), ...restOf(partitions, filter)];
}

/** The list and its total in an answer that holds it whole. Throws AttemptError when there is no list. */
export function wholeList(json: unknown, { records, total }: NonNullable<Partitions['from']>) {
  const rows: unknown = records === undefined ? json : valueAt(json, records);
  if (!Array.isArray(rows)) throw new AttemptError(`the answer has no list at ${records ?? 'its top'}`);
  const list: readonly unknown[] = rows;
  return { rows: list, total: countAt(json, total) ?? rows.length };
}

function restOf({ key, param, none, noneClause }: Partitions, filter: FilterStyle | undefined): Partition[] {
  const query = noneClause !== undefined && filter ? { [filter.param]: noneClause } : {};
  const rest = none !== undefined && param !== undefined ? { [param]: none } : query;
  return Object.keys(rest).length === 0 ? [] : [{ key: 'none', label: `without ${key}`, filter: rest }];
}

const unusable = (path: string, wrong: string): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP's list ${path}, by which records are read in slices, ${wrong}`,
    'records would be missed: compare partitions in the profile with the vendor (docs/adding-an-erp.md)',
  );
