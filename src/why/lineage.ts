/**
 * Which fields of the source each property was made of. Found by trying: a mapper is pure, so a field is changed, cleared
 * and left out, the record is mapped again, and whatever comes out otherwise was made of it. No mapper has to say
 * anything about itself.
 */
import type { Facts, Joined, Mapped, Mapping, Upsert } from '../pipe.ts';

/** A field of a record with its value, as the source sent it. */
export interface Field {
  /** Dotted, such as `address.city` or `contacts[0].email`; of the nth record of several with `#n ` before it. */
  readonly path: string;
  readonly value: unknown;
}

export interface Lineage {
  /** By object and key, then property: what it was made of. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, readonly Field[]>>;
  /** Fields that no property was made of. */
  readonly unused: readonly Field[];
  readonly isCut: boolean;
}

export interface Workshop {
  readonly mapping: Mapping<unknown>;
  readonly canonical: (raw: unknown) => unknown;
  readonly facts: Facts;
  readonly joined: (values: readonly unknown[]) => Joined;
  readonly entity: string;
}

/** Fields tried: a record has fewer than a hundred; an order with many lines or a quote with many revisions is cut. */
const FIELDS_MAX = 600;
/** Deeper than any record. */
const DEPTH_MAX = 8;

/** What the mapper makes of these records; null for those that do not fit its schema. */
export function mapRecords(shop: Workshop, raws: readonly unknown[]): Mapped {
  const values: unknown[] = [];
  for (const raw of raws) {
    const parsed = shop.mapping.schema.safeParse(shop.canonical(raw));
    if (!parsed.success) {
      const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      return { kind: 'invalid', issues };
    }
    values.push(parsed.data);
  }
  return shop.mapping.map(values, shop.joined(values), shop.facts, shop.entity);
}

export const upsertsOf = (mapped: Mapped): readonly Upsert[] =>
  mapped.kind === 'upserts' ? mapped.upserts : mapped.kind === 'excluded' ? (mapped.farewell ?? []) : [];

export const nameOf = ({ object, key }: Pick<Upsert, 'object' | 'key'>): string => `${object} ${key}`;

export function lineageOf(shop: Workshop, raws: readonly unknown[]): Lineage {
  const before = upsertsOf(mapRecords(shop, raws));
  const all = raws.flatMap((raw, nth) => leaves(raw).map((leaf) => ({ ...leaf, nth })));
  const tried = all.slice(0, FIELDS_MAX);
  const found = new Map(before.map((upsert) => [nameOf(upsert), new Map<string, Field[]>()]));
  const unused: Field[] = [];
  for (const { path, keys, value, nth } of tried) {
    const field = { path: raws.length > 1 ? `#${nth + 1} ${path}` : path, value };
    const touched = new Set<string>();
    for (const other of variants(value)) {
      const changed = raws.map((raw, at) => (at === nth ? withValue(raw, keys, other) : raw));
      for (const [name, property] of differing(before, upsertsOf(mapRecords(shop, changed)))) {
        if (touched.has(`${name} ${property}`)) continue;
        touched.add(`${name} ${property}`);
        const properties = found.get(name);
        properties?.set(property, [...(properties.get(property) ?? []), field]);
      }
    }
    if (touched.size === 0) unused.push(field);
  }
  const codes = codeFields(shop, raws, tried, found);
  const isCut = all.length > tried.length;
  return { fields: found, unused: unused.filter((field) => !codes.has(field.path)), isCut };
}

type Found = ReadonlyMap<string, Map<string, Field[]>>;

/**
 * Codes: their other values are not known in the source's spelling, but in the canonical record they are options of a
 * property. Each is tried there, and what moves that canonical field is what the property was made of. Also, which ERP
 * it came from. Returns the paths found.
 */
function codeFields(
  shop: Workshop,
  raws: readonly unknown[],
  tried: readonly (Leaf & { readonly nth: number })[],
  found: Found,
): ReadonlySet<string> {
  const codes = new Set<string>();
  const values = raws.map(shop.canonical);
  const mapAll = (canonical: readonly unknown[], facts = shop.facts): readonly Upsert[] =>
    upsertsOf(mapRecords({ ...shop, facts, canonical: (value) => value }, canonical));
  const before = mapAll(values);
  const add = (after: readonly Upsert[], fields: readonly Field[]): void => {
    for (const [name, property] of differing(before, after)) {
      const properties = found.get(name);
      if (properties === undefined || properties.has(property) || fields.length === 0) continue;
      properties.set(property, [...fields]);
      for (const { path } of fields) codes.add(path);
    }
  };
  for (const [nth, value] of values.entries()) {
    for (const { keys, value: code } of leaves(value).slice(0, FIELDS_MAX)) {
      const others = optionsBeside(shop, code);
      if (others.length === 0) continue;
      const movers = tried
        .filter((leaf) => leaf.nth === nth && moves(shop, raws[nth], leaf, keys))
        .map(({ path, value: raw }) => ({ path: raws.length > 1 ? `#${nth + 1} ${path}` : path, value: raw }));
      for (const other of others) {
        add(mapAll(values.map((one, at) => (at === nth ? withValue(one, keys, other) : one))), movers);
      }
    }
  }
  const elsewhere = shop.facts.environment === 'staging' ? 'sandbox' : 'staging';
  add(mapAll(values, { ...shop.facts, environment: elsewhere }), [
    { path: '(which system)', value: shop.facts.environment },
  ]);
  return codes;
}

/** Other options of a property that has this value among its own. */
const optionsBeside = ({ mapping }: Workshop, code: unknown): readonly string[] => {
  const spec = mapping.properties.find(({ options }) => options?.some(({ value }) => value === code));
  return spec?.options?.map(({ value }) => value).filter((value) => value !== code) ?? [];
};

/** Whether the canonical field is made of this field of the raw record. */
function moves(shop: Workshop, raw: unknown, leaf: Leaf, keys: readonly (string | number)[]): boolean {
  const now = JSON.stringify(valueAt(shop.canonical(raw), keys));
  const other = `${typeof leaf.value === 'string' ? leaf.value : ''}~`;
  return JSON.stringify(valueAt(shop.canonical(withValue(raw, leaf.keys, other)), keys)) !== now;
}

const valueAt = (value: unknown, keys: readonly (string | number)[]): unknown =>
  keys.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), value);

interface Leaf {
  readonly path: string;
  readonly keys: readonly (string | number)[];
  readonly value: unknown;
}

function leaves(value: unknown, keys: readonly (string | number)[] = []): Leaf[] {
  if (typeof value !== 'object' || value === null || keys.length >= DEPTH_MAX) {
    return [{ path: pathOf(keys), keys, value }];
  }
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : Object.entries(value);
  if (entries.length === 0) return [{ path: pathOf(keys), keys, value }];
  return entries.flatMap(([key, item]) => leaves(item, [...keys, key]));
}

const pathOf = (keys: readonly (string | number)[]): string =>
  keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
    '',
  );

const ABSENT = Symbol('left out');

/** Other values of the same kind: some are refused by a schema, so several are tried. */
function variants(value: unknown): readonly unknown[] {
  if (typeof value === 'boolean') return [!value, ABSENT, null];
  if (typeof value === 'number') return [value + 1, ABSENT, null];
  if (typeof value !== 'string') return [ABSENT, 'x', 1];
  const digit = value.replace(/\d(?=\D*$)/, (last) => String((Number(last) + 1) % 10));
  return [...(digit === value ? [] : [digit]), `${value}x`, ABSENT, null];
}

function withValue(raw: unknown, [key, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (key === undefined) return value === ABSENT ? null : value;
  if (Array.isArray(raw)) return raw.map((item, at) => (at === key ? withValue(item, rest, value) : item));
  const copy: Record<string, unknown> = typeof raw === 'object' && raw !== null ? { ...raw } : {};
  if (rest.length === 0 && value === ABSENT) delete copy[key];
  else copy[key] = withValue(copy[key], rest, value);
  return copy;
}

/** Properties that came out otherwise; an object that vanished, or has another key, is compared by its place. */
function* differing(before: readonly Upsert[], after: readonly Upsert[]): Generator<readonly [string, string]> {
  if (after.length === 0) return; // refused, or out of scope: says nothing about a single property
  for (const [place, upsert] of before.entries()) {
    const same = after.find((other) => nameOf(other) === nameOf(upsert)) ?? after[place];
    if (same === undefined || same.object !== upsert.object) continue;
    for (const property of new Set([...Object.keys(upsert.properties), ...Object.keys(same.properties)])) {
      if (upsert.properties[property] !== same.properties[property]) yield [nameOf(upsert), property];
    }
  }
}
