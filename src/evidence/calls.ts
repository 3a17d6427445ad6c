/** The calls of one resource as files: what was asked, and the answer with people's data masked. */
import { charsetOf, decoded } from '../sources/erp/charset.ts';
import { parseExactly } from '../sources/erp/exact-json.ts';
import type { ArchiveFile } from './archive.ts';
import type { Exchange } from './recorder.ts';
import type { Redaction, RowLimits } from './redact.ts';
import { curlLine, isSignIn, type ShownRequest, shownRequest, signInOf } from './request.ts';
import { isSecretName, type Secrets } from './secrets.ts';

export interface ShownCall {
  readonly request: ShownRequest;
  readonly resource: string;
  readonly status: number | null;
  readonly ms: number | null;
  /** Rows of its list; null when it has none. */
  readonly rows: number | null;
  readonly isKept: boolean;
  readonly files: readonly ArchiveFile[];
}

/** Rows shown whole, and in brief: the first that makes the file small enough. */
export const ROWS: readonly RowLimits[] = [
  { whole: 25, brief: 1_000 },
  { whole: 5, brief: 300 },
  { whole: 1, brief: 30 },
];
const FILE_CHARS_MAX = 400_000;

type Content = { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'none'; readonly why: string };

export function callsOf(exchanges: readonly Exchange[], redaction: Redaction, secrets: Secrets): ShownCall[] {
  const contents = new Map(exchanges.map((exchange) => [exchange, contentOf(exchange)]));
  learnHeaders(exchanges, secrets);
  for (const [exchange, content] of contents)
    if (content.kind === 'json' && !isAboutFields(exchange)) redaction.learn(content.value);
  return exchanges.map((exchange) => {
    const content = contents.get(exchange) ?? { kind: 'none', why: '' };
    const signsIn = isSignIn(exchange, secrets);
    const value = content.kind === 'json' ? content.value : null;
    const signIn = signsIn ? signInOf(exchange, value, exchanges) : null;
    const request = shownRequest(exchange, redaction, secrets, signIn);
    const { resource, isKept, answer } = exchange;
    return {
      ...{ request, resource, isKept, status: answer.status, ms: answer.totalMs, rows: rowsIn(value) },
      files: isKept ? filesOf(exchange, request, content, { redaction, signsIn }) : [],
    };
  });
}

/** Tryton's description of a model: names of fields and models, of which its questions are made, and nobody's data. */
const isAboutFields = ({ body }: Exchange): boolean => /"method":"model\.[\w.]+\.fields_get"/.test(body ?? '');

/** Cookies and session keys: they must not show anywhere else either. */
function learnHeaders(exchanges: readonly Exchange[], secrets: Secrets): void {
  for (const { headers, answer } of exchanges) {
    for (const [name, value] of [...headers, ...answer.headers]) {
      if (!isSecretName(name) || secrets.referenced(value) !== value) continue;
      for (const secret of secretsIn(name.toLowerCase(), value)) secrets.learn(secret);
    }
  }
}

/** Without what stands around them: a scheme, the names of cookies, and how long one of them lasts. */
function secretsIn(name: string, value: string): string[] {
  const cookies = name === 'set-cookie' ? value.split(';', 1) : name === 'cookie' ? value.split(';') : null;
  if (cookies !== null) return cookies.map((cookie) => cookie.slice(cookie.indexOf('=') + 1).trim());
  return [value.replace(/^\w+\s+(?=\S)/, '')];
}

function contentOf({ isKept, answer }: Exchange): Content {
  const { content, status, bytes, headers, outcome } = answer;
  const none = (why: string): Content => ({ kind: 'none', why });
  if (status === null) return none('no answer came');
  if (!isKept) return none('only counted, see timings.csv');
  if (content === null) return none(`${bytes} bytes, more than is kept: only counted`);
  if (bytes === 0) return none(outcome === 'left unread' ? 'not read' : 'empty');
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  const notShown = (what: string): Content =>
    none(`${bytes} bytes ${what}: not shown, since they have no fields to be masked by`);
  if (type !== '' && !/json/i.test(type)) return notShown('of another content type');
  const text = textOf(content, charsetOf(type));
  if (text === null && outcome !== 'whole') return notShown(`that are not the whole answer (${outcome})`);
  if (text === null) return notShown('that are no text in the character set of the answer');
  try {
    return { kind: 'json', value: parseExactly(text) };
  } catch {
    return notShown(`that are not JSON${outcome === 'whole' ? '' : ` (${outcome})`}`);
  }
}

function textOf(content: Uint8Array, charset: string): string | null {
  try {
    return decoded(content, charset);
  } catch {
    return null;
  }
}

function rowsIn(value: unknown): number | null {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null) return null;
  const list = Object.values(value).find((one) => Array.isArray(one));
  return Array.isArray(list) ? list.length : null;
}

function filesOf(
  exchange: Exchange,
  request: ShownRequest,
  content: Content,
  { redaction, signsIn }: { readonly redaction: Redaction; readonly signsIn: boolean },
): ArchiveFile[] {
  const name = `calls/${String(exchange.call).padStart(3, '0')}`;
  const { status, totalMs, bytes, headers, outcome, failure } = exchange.answer;
  const head = {
    ...{ call: exchange.call, status, ms: totalMs === null ? null : Math.round(totalMs), bytes, outcome, failure },
    headers: Object.fromEntries(headers.map(([header, value]) => [header, headerValue(header, value)])),
  };
  const body = content.kind === 'none' ? { note: content.why } : { body: fitting(content.value, redaction, signsIn) };
  return [
    { path: `${name}-request.txt`, text: requestText(request, exchange) },
    { path: `${name}-response.json`, text: `${JSON.stringify({ ...head, ...body }, null, 1)}\n` },
  ];
}

function fitting(value: unknown, redaction: Redaction, signsIn: boolean): unknown {
  for (const limits of ROWS) {
    const shown = redaction.answer(value, limits, signsIn);
    if (JSON.stringify(shown).length <= FILE_CHARS_MAX) return shown;
  }
  return '[larger than is shown, even in brief]';
}

const NAME = /^[A-Za-z][A-Za-z0-9-]{0,60}$/;
/** Headers whose values are of a form that tells of nobody. */
const HEADER_VALUES: Readonly<Record<string, RegExp>> = {
  date: /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  'last-modified': /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  'content-type': /^(?:application|text)\/[a-z0-9.+-]{1,40}(?:; ?charset="?[\w-]{1,20}"?)?$/i,
  'content-length': /^\d+$/,
  'content-encoding': /^(?:gzip|br|deflate|zstd|identity)$/,
  'transfer-encoding': /^chunked$/,
  connection: /^(?:keep-alive|close)$/i,
  'keep-alive': /^timeout=\d+(?:, max=\d+)?$/,
  'retry-after': /^\d+$|^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  age: /^\d+$/,
};
/** Counts, limits, and ids of requests, by which a vendor finds a call in its own logs. */
const NUMBER_HEADER = /count|total|limit|remaining|reset|page/i;
const REQUEST_ID = /(?:request|correlation|trace|activity)-?(?:id|parent)?$/i;

function headerValue(name: string, value: string): string {
  const form = HEADER_VALUES[name];
  if (form !== undefined) return form.test(value) ? value : value === '' ? '' : NOT_SHOWN;
  if (!NAME.test(name) || isSecretName(name)) return NOT_SHOWN;
  if (NUMBER_HEADER.test(name) && /^\d{1,9}$/.test(value)) return value;
  return REQUEST_ID.test(name) && /^[0-9a-f-]{8,64}$/i.test(value) ? value : NOT_SHOWN;
}

const NOT_SHOWN = '[not shown]';

function requestText(request: ShownRequest, { startedAtMs }: Exchange): string {
  const { method, address, headers, body, isWhole } = request;
  return [
    `${method} ${address}`,
    ...headers.map(([name, value]) => `${name}: ${value.replaceAll(/\$\{(ERP_\w+)\}/g, '$$$1')}`),
    ...(body === null ? [] : ['', body.replaceAll(/\$\{(ERP_\w+)\}/g, '$$$1')]),
    '',
    `# sent ${new Date(startedAtMs).toISOString()}`,
    ...(isWhole
      ? []
      : ["# not whole: a part that is somebody's was removed, so this is not quite the call that was made"]),
    `# ${curlLine(request)}`,
    '',
  ].join('\n');
}
