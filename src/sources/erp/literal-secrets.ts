/** Finds secrets that somebody has written into a profile: the file is copied, mailed and kept in repositories. */
import { PLACEHOLDER, placeholder } from './placeholders.ts';
import { isObject } from './row.ts';

export interface SecretFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Names under which APIs take what must not be known. */
const SECRET_NAME =
  /^(?:.*[_-])?(?:token|access_?token|password|passwd|pwd|pass|secret|client_?secret|api_?key|x-api-key|auth_?key|subscription-key|authorization|cookie|credentials?)$/i;
/** Values that are secrets under any name: a signed token, or an Authorization header. */
const SECRET_VALUE = /^(?:eyJ[\w-]{8,}\.[\w-]{8,}|(?:bearer|basic|token)\s+\S{6,})/i;
/** Here values are paths into a row, or our own words, whatever their names. */
const NOT_VALUES = new Set(['fields']);
const DEPTH_MAX = 12;

/** One fault for each text that is, or stands where there should be, a reference such as `${ERP_TOKEN}`. */
export function literalSecrets(value: unknown, path: readonly (string | number)[] = []): SecretFault[] {
  if (path.length > DEPTH_MAX) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => literalSecrets(item, [...path, index]));
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, item]) =>
      NOT_VALUES.has(key) ? [] : literalSecrets(item, [...path, key]),
    );
  }
  const isText = typeof value === 'string' || typeof value === 'number';
  return isText && isLiteral(String(value), String(path.at(-1) ?? '')) ? [{ path, message: MESSAGE }] : [];
}

function isLiteral(text: string, key: string): boolean {
  const left = text.replaceAll(PLACEHOLDER, '').trim();
  if (left === '') return false;
  if (SECRET_VALUE.test(left)) return true;
  return SECRET_NAME.test(key) && left === text.trim();
}

const MESSAGE = `a secret is not written in a profile: put ${placeholder('TOKEN')} or ${placeholder('PASSWORD')} here`;
