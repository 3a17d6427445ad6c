/** Cuts a resource into slices that the vendor can serve within its limits. Keys hold from run to run. */
import { EXIT, FatalError } from '../../errors.ts';
import type { Partition } from '../../pipe.ts';
import { idOf } from './canonical.ts';
import { textOf } from './convert.ts';
import { AttemptError } from './failure.ts';
import { totalOf } from './listing.ts';
import type { Partitions, Split } from './profile-schema.ts';
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

/**
 * The slices that a partition list names, and the one for records that belong to none. Throws AttemptError when the
 * reply is no such list, FatalError when it is cut short or has rows without id: their records would be lost.
 */
export function slicesOf(json: unknown, { key, from, param, none }: Partitions): readonly Partition[] {
  const rows = from.records === undefined ? json : valueAt(json, from.records);
  if (!Array.isArray(rows)) throw new AttemptError(`the answer has no list at ${from.records ?? 'its top'}`);
  const total = totalOf(json, from.total) ?? rows.length;
  if (rows.length < total) throw unusable(from.path, `names ${rows.length} of ${total} rows`);
  if (rows.length > SLICES_MAX) throw unusable(from.path, `has more than ${SLICES_MAX} rows`);
  const slices = new Map<string, Partition>();
  for (const row of rows) {
    const id = idOf(valueAt(row, from.id));
    if (id === null) throw unusable(from.path, `has a row without ${from.id}`);
    const label = textOf(from.label === undefined ? id : valueAt(row, from.label))?.trim() || id;
    slices.set(id, { key: `${key}:${id}`, label, filter: { [param]: id } });
  }
  const rest = none === undefined ? [] : [{ key: 'none', label: `without ${key}`, filter: { [param]: none } }];
  return [...slices.values(), ...rest];
}

const unusable = (path: string, wrong: string): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP's list ${path}, by which records are read in slices, ${wrong}`,
    'records would be missed: compare partitions in the profile with the vendor (docs/adding-an-erp.md)',
  );
