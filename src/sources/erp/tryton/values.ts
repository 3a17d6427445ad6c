/** Tryton's typed values as plain JSON: decimals exact, dates as days, times in UTC with microseconds. */
import { decimal } from '../../../canonical/decimal.ts';

export type Row = Readonly<Record<string, unknown>>;

export const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deeper than any field path that is asked for; a reply beyond it is none of ours. */
const DEPTH_MAX = 20;

/**
 * A reply's value without `__class__` objects, keys sorted, so that the same record has the same bytes whichever call
 * brought it. Tryton 6.0 doubles nested lists when one parent is read in two of its internal slices: an id counts once.
 */
export function plain(value: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return null;
  if (Array.isArray(value)) return onceById(value.map((item) => plain(item, depth + 1)));
  if (!isRow(value)) return value;
  if ('__class__' in value) return typed(value);
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, plain(value[key], depth + 1)]));
}

function onceById(items: readonly unknown[]): unknown[] {
  const seen = new Set<unknown>();
  return items.filter((item) => {
    const id = isRow(item) ? item.id : undefined;
    if (id === undefined) return true;
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}

function typed(value: Row): unknown {
  const { __class__: kind } = value;
  if (kind === 'Decimal') return decimal(String(value.decimal)) ?? value.decimal;
  if (kind === 'date') return dayOf(value);
  if (kind === 'datetime') return `${dayOf(value)}T${timeOf(value)}Z`;
  if (kind === 'timedelta') return value.seconds;
  return null; // bytes and what later versions may add: no field that is read has them
}

const digits = (value: unknown, width: number): string => String(value ?? 0).padStart(width, '0');
const dayOf = ({ year, month, day }: Row): string => `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
const timeOf = ({ hour, minute, second, microsecond }: Row): string =>
  `${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}.${digits(microsecond, 6)}`;

/** An instant as Tryton takes it in a domain: all seven parts are required. */
export function datetime(iso: string): Row {
  const at = new Date(iso);
  return {
    ...{ __class__: 'datetime', year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() },
    ...{ hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds() },
    microsecond: at.getUTCMilliseconds() * 1000,
  };
}

/** A calendar day as Tryton takes it in a domain. */
export function day(iso: string): Row {
  const [year, month, date] = iso.slice(0, 10).split('-').map(Number);
  return { __class__: 'date', year, month, day: date };
}

/** True for `true` and for the 1 that SQLite gives. */
export const isYes = (value: unknown): boolean => value === true || value === 1;

/** The object that a dotted field brought: `template.` for `template`. */
export function sub(row: unknown, name: string): Row | null {
  const value = isRow(row) ? row[`${name}.`] : undefined;
  return isRow(value) ? value : null;
}

/** The list that a dotted field brought. */
export function subs(row: unknown, name: string): readonly Row[] {
  const value = isRow(row) ? row[`${name}.`] : undefined;
  return Array.isArray(value) ? value.filter(isRow) : [];
}

/** Latest of a record's own dates and those of what belongs to it, cut to milliseconds; null when there is none. */
export function latest(rows: readonly (Row | null)[]): string | null {
  const dates = rows.flatMap((row) => [row?.write_date, row?.create_date]).filter((value) => typeof value === 'string');
  const last = dates.sort().at(-1);
  return last === undefined ? null : `${last.slice(0, 23)}Z`;
}
