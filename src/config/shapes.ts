/** The shapes of settings. Every message ends a sentence that starts with the variable's name; none repeats the value. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { isKind, KINDS, type Kind, type Policy } from '../probe/finding.ts';

const CONTROLS = /\p{Cc}/u;

/** Text without control characters that matches the pattern as a whole. */
export const plain = (wrong: string, pattern = /./s) =>
  z.string().refine((text) => pattern.test(text) && !CONTROLS.test(text), wrong);

/** What an HTTP header can carry: visible ASCII without spaces. */
export const header = z
  .string()
  .refine((text) => /^[\x21-\x7e]+$/.test(text), 'contains spaces or characters that no header can carry');

export const millis = (max: number) => {
  const wrong = `is not a whole number of milliseconds from 0 to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, wrong)
    .transform(Number)
    .refine((ms) => ms <= max, wrong);
};

/** A whole number of things. */
export const countUpTo = (max: number, min = 0) => {
  const wrong = `is not a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, wrong)
    .transform(Number)
    .refine((count) => count >= min && count <= max, wrong);
};

/** A number in plain digits, with up to four decimals. */
export const decimalUpTo = (max: number) => {
  const wrong = `is not a number from 0 to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}(\.\d{1,4})?$/, wrong)
    .transform(Number)
    .refine((value) => value <= max, wrong);
};

/** `YYYY-MM-DD` that exists and is not in the future anywhere on Earth. */
export const calendarDate = z.string().superRefine((text, context) => {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : new Date(Number.NaN);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== text) {
    context.addIssue({ code: 'custom', message: 'is not a day as YYYY-MM-DD' });
  }
});

export const emails = z
  .string()
  .transform((list) => list.split(',').map((address) => address.trim()))
  .refine(
    (list) => list.every((address) => /^[^\s@<>,]+@[^\s@<>,]+$/.test(address)),
    'is not a list of e-mail addresses',
  );

/** 127.0.0.0/8, ::1 and localhost: names and numbers that never leave this machine. */
function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost' || host.endsWith('.localhost');
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

function refuse(context: z.RefinementCtx, message: string | null): void {
  if (message !== null) context.addIssue({ code: 'custom', message });
}

/** An address to be called as it is, such as a webhook. */
export const httpUrl = z.string().superRefine((text, context) => refuse(context, httpFault(text)));

/** A vendor's address: paths are appended to it, so it has no query and no trailing slash. */
export const vendorUrl = z
  .string()
  .superRefine((text, context) => {
    const fault = httpFault(text);
    const tail = fault === null && /[?#]/.test(text) ? 'has a query or a fragment: give only the base' : null;
    refuse(context, fault ?? tail);
  })
  .transform((text) => (URL.canParse(text) ? new URL(text).href.replace(/\/+$/, '') : text));

/** Credentials belong into this one: it is a secret as a whole. */
export const mailUrl = z.string().superRefine((text, context) => {
  const mail = URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol) && new URL(text).hostname !== '';
  refuse(context, mail ? null : 'is not a URL as smtps://user:password@host:465');
});

const isPolicy = (word: string): word is Policy => word === 'stop' || word === 'warn' || word === 'ignore';

/** `kind=policy` with commas between: what a kind of drift does to a run. */
export const policies = z.string().transform((text, context) => {
  const chosen: Partial<Record<Kind, Policy>> = {};
  for (const pair of text.split(',').map((part) => part.trim())) {
    const [kind = '', policy = '', ...rest] = pair.split('=').map((part) => part.trim());
    if (!isKind(kind))
      context.addIssue({
        code: 'custom',
        message: `names no kind of drift before =; there are ${Object.keys(KINDS).join(', ')}`,
      });
    else if (!isPolicy(policy) || rest.length > 0)
      context.addIssue({ code: 'custom', message: `says for ${kind} neither stop, warn nor ignore` });
    else chosen[kind] = policy;
  }
  return chosen;
});

/** `name=value` with commas between, values as URLs spell them: opentelemetry.io/docs/specs/otel/protocol/exporter */
export const headers = z
  .string()
  .refine(
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
