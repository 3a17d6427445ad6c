/** Builds the canonical record out of a vendor's row, as the profile's fields say. Pure, and total on any JSON. */
import { canonicalJson, digest } from '../../fingerprint.ts';
import { type Convert, converter, isoOf, textOf } from './convert.ts';
import { instantOf } from './dates.ts';
import type { Field, Leaf, Resource } from './profile-schema.ts';
import { isBlank, isObject, valueAt } from './row.ts';

type Read = (row: unknown) => unknown;

/** What the source needs to know of a row, and the canonical record of it. */
export interface RowReader {
  /** The trimmed id; null when the row has none that can be used. */
  readonly id: (row: unknown) => string | null;
  /** Milliseconds since 1970; null when the row has no date that can be understood. */
  readonly modifiedMs: (row: unknown) => number | null;
  readonly field: (row: unknown, name: string) => unknown;
  /** The canonical record, not yet validated; what is no object is given back as it is. */
  readonly canonical: Read;
}

/** Changes when the profile makes another canonical record of the same row; paging, limits and logins do not matter. */
export const canonicalVersion = ({ id, modifiedAt, fields, children }: Resource, zone: string): string =>
  digest(canonicalJson({ id, modifiedAt, fields, zone, ...(children ? { children: Object.keys(children) } : {}) }));

export function rowReader(resource: Resource, zone: string): RowReader {
  const { path, format, zone: ownZone } = resource.modifiedAt;
  const style = { format, zone: ownZone ?? zone };
  const fields = Object.entries(resource.fields).map(([name, field]) => [name, reader(field, zone)] as const);
  const byName = new Map(fields);
  const id = (row: unknown): string | null => idOf(valueAt(row, resource.id));
  const modifiedMs = (row: unknown): number | null => instantOf(valueAt(row, path), style);
  const canonical = (row: unknown): unknown => {
    if (!isObject(row)) return row;
    const head: Record<string, unknown> = {};
    put(head, 'id', id(row) ?? undefined);
    put(head, 'modifiedAt', isoOf(modifiedMs(row)) ?? undefined);
    return filled(head, fields, row);
  };
  return { id, modifiedMs, canonical, field: (row, name) => byName.get(name)?.(row) };
}

/** A text or a whole number as id, trimmed; null for anything else, also for blanks. */
export function idOf(value: unknown): string | null {
  if (typeof value !== 'string' && !Number.isSafeInteger(value)) return null;
  const text = (textOf(value) ?? '').trim();
  return text === '' ? null : text;
}

function reader(field: Field, zone: string): Read {
  const { path, object, each } = field;
  if (object) {
    const read = leavesReader(object, zone);
    return (row) => {
      const value = path === undefined ? row : valueAt(row, path);
      return isObject(value) ? read(value, path === undefined) : value;
    };
  }
  if (!each || path === undefined) return leafReader(field, zone);
  const read = leavesReader(each, zone);
  return (row) => {
    const value = valueAt(row, path);
    return Array.isArray(value) ? value.map((item) => (isObject(item) ? read(item) : item)) : value;
  };
}

const leavesReader = (leaves: Readonly<Record<string, Leaf>>, zone: string) => {
  const reads = Object.entries(leaves).map(([name, leaf]) => [name, leafReader(leaf, zone)] as const);
  /** With `needsOne`, nothing at all is absent and not an empty object. */
  return (row: unknown, needsOne = false): unknown => {
    const object = filled({}, reads, row);
    return needsOne && Object.keys(object).length === 0 ? undefined : object;
  };
};

function leafReader({ path, firstOf, constant, empty, convert }: Leaf, zone: string): Read {
  if (constant !== undefined) return () => constant;
  if (empty) {
    const read = leafReader({ path, firstOf, convert }, zone);
    const raw = leafReader({ path, firstOf }, zone);
    return (row) => (empty.includes(String(raw(row)).trim()) ? null : read(row));
  }
  const converted: Convert = converter(convert, zone);
  if (firstOf) return (row) => converted(firstHeld(row, firstOf));
  return (row) => converted(path === undefined ? undefined : valueAt(row, path));
}

/** The first value that holds something; else the first that is there at all, since that one clears. */
function firstHeld(row: unknown, paths: readonly string[]): unknown {
  const values = paths.map((path) => valueAt(row, path)).filter((value) => value !== undefined);
  return values.find((value) => value !== null && !isBlank(value)) ?? values[0];
}

/** Adds what is there. Field by field into one object: pairs and lists of them would cost more than the reading. */
function filled(
  object: Record<string, unknown>,
  reads: readonly (readonly [string, Read])[],
  row: unknown,
): Record<string, unknown> {
  for (const [name, read] of reads) put(object, name, read(row));
  return object;
}

function put(object: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined) object[name] = value;
}
