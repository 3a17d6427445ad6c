/** The small words of a profile that several of its parts share. */
import { z } from 'zod';
import { isDateFormat, isZone } from './dates.ts';

export const name = z.string().trim().min(1, 'must not be empty');
export const zone = z.string().refine(isZone, 'must be an IANA time zone such as America/Chicago');
export const dateFormat = z
  .string()
  .refine(isDateFormat, 'must be iso, epoch-ms, epoch-s or a pattern such as MM/DD/YYYY');

/** A dotted path into a row: `addr.city`. A key that itself holds a dot is found too. */
export const Path = z.string().trim().min(1, 'must not be empty');

export const relativePath = name
  .refine((path) => !/^([a-z]+:|\/\/)/i.test(path), 'must be a path below the base URL')
  .transform((path) => path.replace(/^\/+/, ''));

/** A text in which `{word}` stands for what is asked. */
export const templateOf = (...words: readonly string[]) =>
  name.refine(
    (text) => words.every((word) => text.includes(`{${word}}`)),
    `must contain ${words.map((word) => `{${word}}`).join(' and ')}`,
  );

export const pathAlone = (value: unknown): unknown => (typeof value === 'string' ? { path: value } : value);

export const exactlyOne =
  (keys: readonly string[]) =>
  (value: object): boolean =>
    keys.filter((key) => Object.hasOwn(value, key)).length === 1;

export const Headers = z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be a header name'), z.string());

const plainUrl = name.refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}, 'must be an http or https address without credentials');

/** Addresses of the ERP's instances. */
export const BaseUrls = z.strictObject({ production: plainUrl.optional(), staging: plainUrl.optional() });
