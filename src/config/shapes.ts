/** The shapes of settings. Every message ends a sentence that starts with the variable's name; none repeats the value. */
import { isKind, KINDS, type Kind, type Policy } from '../probe/finding.ts';
import { matching, Shape, text, Wrong } from './shape.ts';

const CONTROLS = /\p{Cc}/u;

/** Text without control characters that matches the pattern as a whole. */
export const plain = (wrong: string, pattern = /./s) =>
  text.refine((given) => pattern.test(given) && !CONTROLS.test(given), wrong);

/** What an HTTP header can carry: visible ASCII without spaces. */
export const header = matching(/^[\x21-\x7e]+$/, 'contains spaces or characters that no header can carry');

export const millis = (max: number) => {
  const wrong = `is not a whole number of milliseconds from 0 to ${max}`;
  return matching(/^\d{1,9}$/, wrong)
    .transform(Number)
    .refine((ms) => ms <= max, wrong);
};

/** A whole number of things. */
export const countUpTo = (max: number, min = 0) => {
  const wrong = `is not a whole number from ${min} to ${max}`;
  return matching(/^\d{1,9}$/, wrong)
    .transform(Number)
    .refine((count) => count >= min && count <= max, wrong);
};

/** A number in plain digits, with up to four decimals. */
export const decimalUpTo = (max: number, example: number) => {
  const wrong = `is not a number from 0 to ${max} with up to four decimals, such as ${example}`;
  return matching(/^\d{1,9}(\.\d{1,4})?$/, wrong)
    .transform(Number)
    .refine((value) => value <= max, wrong);
};

/** `YYYY-MM-DD` that exists. */
export const calendarDate = text.refine((given) => {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(given) ? new Date(`${given}T00:00:00Z`) : new Date(Number.NaN);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === given;
}, 'is not a day as YYYY-MM-DD');

export const emails = text
  .transform((list) => list.split(',').map((address) => address.trim()))
  .refine(
    (list) => list.every((address) => /^[^\s@<>,]+@[^\s@<>,]+$/.test(address)),
    'is not a list of e-mail addresses',
  );

/** 127.0.0.0/8, ::1 and localhost: names and numbers that never leave this machine; an URL spells them one way. */
function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return /^127(\.\d{1,3}){3}$/.test(host) || host === '::1' || host === 'localhost' || host.endsWith('.localhost');
}

/** Link-local addresses and the names of metadata services; an URL spells every form of a number the same. */
function handsOutCredentials(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return /^169\.254\.|^fe[89ab][0-9a-f]:|^fd00:ec2:|^::ffff:a9fe:/.test(host) || host === 'metadata.google.internal';
}

/** What is wrong with an http(s) address, or null. */
function httpFault(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is not an http(s) URL';
  if (url.username !== '' || url.password !== '') return 'carries credentials: keep them out of the URL';
  if (handsOutCredentials(url.hostname)) return 'is an address at which a cloud hands out credentials';
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return 'is plain http to another machine, which anybody on the way can read: use https';
  }
  return null;
}

const unlessWrong = (given: string, wrong: string | null): string | Wrong =>
  wrong === null ? given : new Wrong(wrong);

/** An address to be called as it is, such as a webhook. */
export const httpUrl = new Shape((given) => unlessWrong(given, httpFault(given)));

/** A vendor's address: paths are appended to it, so it has no query and no trailing slash. */
export const vendorUrl = httpUrl
  .refine((given) => !/[?#]/.test(given), 'has a query or a fragment: give only the base')
  .transform((given) => new URL(given).href.replace(/\/+$/, ''));

/** Credentials belong into this one: it is a secret as a whole. */
export const mailUrl = text.refine(
  (given) => URL.canParse(given) && /^smtps?:$/.test(new URL(given).protocol) && new URL(given).hostname !== '',
  'is not a URL as smtps://user:password@host:465',
);

const isPolicy = (word: string): word is Policy => word === 'stop' || word === 'warn' || word === 'ignore';

/** `kind=policy` with commas between: what a kind of drift does to a run. */
export const policies = new Shape((given) => {
  const chosen: Partial<Record<Kind, Policy>> = {};
  const wrong: string[] = [];
  for (const pair of given.split(',').map((part) => part.trim())) {
    const [kind = '', policy = '', ...rest] = pair.split('=').map((part) => part.trim());
    if (!isKind(kind)) wrong.push(`names no kind of drift before =; there are ${Object.keys(KINDS).join(', ')}`);
    else if (!isPolicy(policy) || rest.length > 0) wrong.push(`says for ${kind} neither stop, warn nor ignore`);
    else if (Object.hasOwn(chosen, kind)) wrong.push(`says twice what ${kind} does`);
    else chosen[kind] = policy;
  }
  return wrong.length > 0 ? new Wrong(...wrong) : chosen;
});

/** `name=value` with commas between, values as URLs spell them: opentelemetry.io/docs/specs/otel/protocol/exporter */
export const headers = text.refine(
  (list) => list.split(',').every((pair) => /^\s*[\w!#$&'*+.^`|~-]+=[\x21-\x7e]*\s*$/.test(pair) && isEncoded(pair)),
  'is not a list of name=value with commas between',
);

function isEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
}
