/**
 * Turns a vendor's value into the canonical one. Null and blanks pass, because they clear a field; what cannot be
 * converted passes as it is, so that validation reports the field instead of an error that stops the page.
 */
import { decimal } from '../../canonical/decimal.ts';
import { dayOf, instantOf } from './dates.ts';
import type { Conversion } from './profile-schema.ts';
import { isBlank } from './row.ts';

export type Convert = (value: unknown) => unknown;

/** The conversion a profile asks for; text when it asks for none. `zone` is the source's own. */
export function converter(conversion: Conversion | undefined, zone: string): Convert {
  const convert = chosen(conversion ?? { text: {} }, zone);
  return (value) => (value === null || value === undefined || isBlank(value) ? value : (convert(value) ?? value));
}

/** Null or undefined from one of these means "not one of mine". */
function chosen(conversion: Conversion, zone: string): Convert {
  const { decimal: number, integer, date, instant, boolean, enum: table, split } = conversion;
  if (number) return (value) => decimalOf(value, number.point, number.group);
  if (integer) return integerOf;
  if (date) return (value) => dayOf(value, { format: date.format, zone: date.zone ?? zone });
  if (instant) return (value) => isoOf(instantOf(value, { format: instant.format, zone: instant.zone ?? zone }));
  if (boolean) return (value) => flagOf(value, boolean.true, boolean.false);
  if (table) return tableLookup(table);
  if (split) return (value) => partOf(value, split);
  return textOf;
}

function partOf(value: unknown, { by, part, first, as }: NonNullable<Conversion['split']>): unknown {
  if (typeof value !== 'string') return null;
  const parts = value.split(by);
  const text = (first === undefined ? parts.at(part ?? 0) : parts.slice(0, first).join(by))?.trim() ?? '';
  return as === 'integer' && text !== '' ? (integerOf(text) ?? text) : text;
}

function tableLookup(table: Readonly<Record<string, string>>): Convert {
  const known = new Map(Object.entries(table));
  return (value) => known.get(textOf(value)?.trim() ?? '');
}

export const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Text of a text, number or boolean; null for objects and lists. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** Plain digits, exact. `point` and `group` are the vendor's; a text that uses them otherwise is no number. */
function decimalOf(value: unknown, point = '.', group = ''): string | undefined {
  if (typeof value === 'number') return decimal(value);
  if (typeof value !== 'string') return undefined;
  const ungrouped = group === '' ? value : value.replaceAll(group, '');
  if (point === '.') return decimal(ungrouped);
  return ungrouped.includes('.') ? undefined : decimal(ungrouped.replace(point, '.'));
}

function integerOf(value: unknown): number | undefined {
  const text = decimalOf(value);
  const number = text === undefined || text.includes('.') ? Number.NaN : Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function flagOf(value: unknown, yes: readonly string[], no: readonly string[]): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const word = textOf(value)?.trim().toLowerCase();
  const isWord = (known: string): boolean => known.toLowerCase() === word;
  if (yes.some(isWord)) return true;
  return no.some(isWord) ? false : undefined;
}
