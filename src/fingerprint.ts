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
  if (typeof value === 'object') {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
  }
  throw new TypeError(`a ${typeof value} has no canonical form`);
}

/** 128 bits of SHA-256 in hexadecimal: enough that no two contents of one key ever meet. */
export const digest = (text: string): string => hash('sha256', text, 'hex').slice(0, 32);

/**
 * What is left of a key when case, width and spaces are ignored. Two different keys that fold to one are a collision:
 * people would take them for the same, and how HubSpot compares unique values is not documented.
 */
export const foldKey = (key: string): string => key.normalize('NFKC').replace(/\s+/gu, '').toLowerCase();
