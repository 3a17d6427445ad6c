/** Canonical form and the hashes over it: the same content always gives the same bytes. */
import { hash } from 'node:crypto';

/**
 * JSON with sorted keys. Throws on what JSON would silently change (NaN, Infinity, invalid dates, undefined in
 * arrays), because a hash of changed data proves nothing.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number that JSON cannot hold');
    return JSON.stringify(value);
  }
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (isObject(value)) return objectText(value);
  throw new TypeError(`a ${typeof value} has no canonical form`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object';

/** Written in one go: every record passes here, and lists of its fields would be most of what it costs. */
function objectText(value: Readonly<Record<string, unknown>>): string {
  let fields = '';
  // Without a comparator names are sorted by their code units, which is what makes the form the same everywhere.
  for (const name of Object.keys(value).sort()) {
    const field = value[name];
    if (field === undefined) continue;
    if (fields !== '') fields += ',';
    fields += `${JSON.stringify(name)}:${canonicalJson(field)}`;
  }
  return `{${fields}}`;
}

/** 128 bits of SHA-256 in hexadecimal: enough that no two contents of one key ever meet. */
export const digest = (text: string): string => hash('sha256', text, 'hex').slice(0, 32);

/**
 * What is left of a key when case, width and spaces are ignored. Two different keys that fold to one are a collision:
 * people would take them for the same, and how HubSpot compares unique values is not documented.
 */
export const foldKey = (key: string): string => key.normalize('NFKC').replace(/\s+/gu, '').toLowerCase();
