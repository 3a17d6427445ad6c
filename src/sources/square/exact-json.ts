/**
 * JSON whose integers stay exact. Square's amounts are integers of any size
 * (developer.squareup.com/reference/square/objects/Money); one that a double cannot hold becomes its digits as text.
 */

/** Fewer digits always fit into a double. */
const LONG_NUMBER = /\d{16}/;

/** Throws SyntaxError on what is no JSON. */
export function parseExactJson(text: string): unknown {
  return LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function keepDigits(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? source : value;
}

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The objects in a list; nothing for what is no list. */
export const fieldsIn = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
