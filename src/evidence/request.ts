/** A call as it may be shown, and as a line of curl: secrets are named by the variable that holds them, never written. */
import { isObject } from '../probe/walk.ts';
import type { Exchange } from './recorder.ts';
import type { Redaction } from './redact.ts';
import { isSecretName, REFERENCE, reference, SECRET, type Secrets } from './secrets.ts';

export interface ShownRequest {
  readonly call: number;
  readonly method: string;
  readonly address: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | null;
  /** Arguments of curl, references in them. */
  readonly curl: readonly string[];
  /** Something of it could not be shown: made so, the call is another one. */
  readonly isWhole: boolean;
  readonly signIn: SignIn | null;
}

/** How the session that a sign-in began comes into the calls behind it. */
export type SignIn =
  | { readonly kind: 'cookie' }
  /** The name under which the answer carries it. */
  | { readonly kind: 'field'; readonly name: string }
  /** `user:id:key` in base64, of the two values of the result. */
  | { readonly kind: 'tryton' }
  | { readonly kind: 'unknown' };

const BASIC = /^Basic\s+(\S+)$/i;
/** Said by every client, and no part of the question. */
const OWN_HEADERS = /^(?:accept|content-type)$/i;

/** A call that carries the password in its address or body signs in; an OAuth client may carry it in a header. */
export function isSignIn({ url, body, headers }: Exchange, secrets: Secrets): boolean {
  if (secrets.carriesPassword(new URL(url).search) || (body !== null && secrets.carriesPassword(body))) return true;
  const isGrant = body !== null && /(?:^|&)grant_type=/.test(body);
  return isGrant && headers.some(([name]) => name === 'authorization');
}

export function shownRequest(
  exchange: Exchange,
  redaction: Redaction,
  secrets: Secrets,
  signIn: SignIn | null,
): ShownRequest {
  const { text: address, isWhole } = redaction.address(exchange.url);
  const heads = exchange.headers.map(([name, value]) => headerOf(name, value, secrets));
  const sent = exchange.body === null ? null : sentBody(exchange, redaction, secrets);
  const curl = [
    ...(exchange.method === 'GET' ? [] : ['-X', exchange.method]),
    ...heads.flatMap(({ curl: own }) => own),
    ...(sent?.curl ?? []),
    address,
  ];
  return {
    ...{ call: exchange.call, method: exchange.method, address, curl, signIn },
    headers: heads.map(({ name, shown }) => [name, shown] as const),
    body: sent?.text ?? null,
    isWhole: isWhole && (sent?.isWhole ?? true),
  };
}

function headerOf(name: string, value: string, secrets: Secrets) {
  const said = (shown: string, curl: readonly string[]) => ({ name, shown, curl });
  const own = (text: string) => said(text, ['-H', `${name}: ${text}`]);
  if (OWN_HEADERS.test(name)) return own(value);
  if (/^cookie$/i.test(name)) return said('[cookies of the session]', ['-b', 'cookies.txt']);
  if (BASIC.test(value) && secrets.value('ERP_PASSWORD') !== null) {
    const user = `${reference('ERP_USER')}:${reference('ERP_PASSWORD')}`;
    return said(`Basic ${user} in base64`, ['-u', user]);
  }
  const referenced = secrets.referenced(value);
  if (!isSecretName(name)) return own(secrets.scrub(referenced));
  const isNamed = referenced !== value;
  const [, scheme = ''] = /^(\w+\s+)\S/.exec(value) ?? [];
  return own(isNamed ? referenced : `${scheme}${reference('ERP_SESSION')}`);
}

function sentBody({ body, headers }: Exchange, redaction: Redaction, secrets: Secrets) {
  const text = body ?? '';
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  if (!/x-www-form-urlencoded/.test(type)) {
    const sent = redaction.sent(text);
    return { ...sent, curl: ['--data-raw', sent.text] };
  }
  const pairs = [...new URLSearchParams(text)].map(([name, value]) => {
    const referenced = secrets.referenced(value);
    return { name, value: referenced === value ? redaction.parameter(name, value) : referenced };
  });
  const shown = pairs.map(({ name, value }) => `${name}=${value ?? SECRET}`);
  return {
    text: shown.join('\n'),
    isWhole: pairs.every(({ value }) => value !== null),
    curl: shown.flatMap((pair) => ['--data-urlencode', pair]),
  };
}

/** What is behind the session's secret in later calls, told by comparing them with the answer to the sign-in. */
export function signInOf(exchange: Exchange, answer: unknown, later: readonly Exchange[]): SignIn {
  const behind = later.filter(({ call, resource }) => call > exchange.call && resource === exchange.resource);
  if (behind.some(({ headers }) => headers.some(([name]) => name === 'cookie'))) return { kind: 'cookie' };
  const values = behind.flatMap(({ headers }) =>
    headers.filter(([name]) => isSecretName(name)).map(([, value]) => value),
  );
  if (isObject(answer)) {
    if (Array.isArray(answer.result) && values.some((value) => /^Session /.test(value))) return { kind: 'tryton' };
    const name = fieldOf(answer, values, 0);
    if (name !== null) return { kind: 'field', name };
  }
  return { kind: 'unknown' };
}

function fieldOf(value: Readonly<Record<string, unknown>>, sought: readonly string[], depth: number): string | null {
  for (const [name, field] of Object.entries(value)) {
    const text = typeof field === 'string' || typeof field === 'number' ? String(field) : '';
    // It becomes part of a program of sed's: names of any other form are none that a sign-in answers with.
    if (/^[\w.-]+$/.test(name) && text.length >= 4 && sought.some((one) => one.endsWith(text))) return name;
    const below = isObject(field) && depth < 5 ? fieldOf(field, sought, depth + 1) : null;
    if (below !== null) return below;
  }
  return null;
}

/**
 * A word for a shell: single quotes, or double ones where a variable is to be put in. `put` says how it is put there.
 */
export function shellWord(text: string, put: (name: string) => string = (name) => `$${name}`): string {
  const parts = text.split(REFERENCE); // what stands between, and every other one a name
  if (parts.length === 1) return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  const words = parts.map((part, at) => {
    if (at % 2 === 0) return part.replace(/[\\"$`]/g, (sign) => `\\${sign}`);
    const variable = put(part);
    return /^\$\w+$/.test(variable) && /^\w/.test(parts[at + 1] ?? '') ? `\${${part}}` : variable;
  });
  return `"${words.join('')}"`;
}

/** One command for a terminal. `-g`: brackets in an address are no pattern. */
export const curlLine = ({ curl }: Pick<ShownRequest, 'curl'>): string =>
  ['curl', '-sS', '-g', ...curl.map((word) => shellWord(word))].join(' ');

/** The same for the script, in which `json` makes a variable fit for a text within JSON. */
export function scriptLine({ curl, body }: ShownRequest, options: readonly string[]): string {
  const isJson = body !== null && /^[[{]/.test(body);
  const words = curl.map((word, at) =>
    isJson && curl[at - 1] === '--data-raw' ? shellWord(word, (name) => `$(json "$${name}")`) : shellWord(word),
  );
  return ['curl', '-sS', '-g', '-m', String(SECONDS_MAX), ...options, ...words].join(' ');
}

/** Longer than vendors let a query run. */
const SECONDS_MAX = 120;
