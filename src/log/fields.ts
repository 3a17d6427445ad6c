/** What a log line may say beside its message. Any other key is dropped: an allow-list cannot forget a field. */
import { FatalError, TooLargeError, TransientError } from '../errors.ts';
import type { Scrub } from './scrub.ts';

/** Words of ours or a vendor's code: no spaces and no @, so that neither a name nor a sentence with data passes. */
const CODES = [
  'runId',
  'pipe',
  'job',
  'trigger',
  'slot',
  'environment',
  'system',
  'partition',
  'record',
  'stage',
  'outcome',
  'operation',
  'phase',
  'method',
  'object',
  'verdict',
  'reason',
  'category',
  'code',
  'correlationId',
] as const;

const NUMBERS = [
  'page',
  'batch',
  'size',
  'pages',
  'records',
  'rejected',
  'refused',
  'unknown',
  'status',
  'exit',
  'ms',
  'attempt',
  'attempts',
  'retryInMs',
  'read',
  'total',
  'written',
  'created',
  'updated',
  'unchanged',
  'excluded',
  'held',
  'deadLettered',
  'calls',
  'usedInWindow',
  'limitPer10s',
] as const;

type Code = (typeof CODES)[number];
type Amount = (typeof NUMBERS)[number];

/** Fields of a log line; `error` is reduced to what can carry no data. */
export type Fields = { readonly [Name in Code]?: string | undefined } & {
  readonly [Name in Amount]?: number | undefined;
} & {
  readonly counts?: Readonly<Record<string, number>> | undefined;
  readonly error?: unknown;
};

export type Clean = Readonly<Record<string, string | number | Readonly<Record<string, unknown>>>>;

const CODE = /^[\w.:/#+-]{1,100}$/;
/** Entries of `counts`; excluded rules make it the longest. */
const COUNTS_MAX = 50;

/** Keeps allowed keys with a value of the allowed shape. A code that is none is said to be missing, not shown. */
export function allowed(fields: Fields, scrub: Scrub): Clean {
  const clean: Record<string, string | number | Readonly<Record<string, unknown>>> = {};
  for (const name of CODES) {
    const value: unknown = fields[name];
    if (typeof value === 'string') clean[name] = CODE.test(value) ? scrub(value) : '[not a code]';
  }
  for (const name of NUMBERS) {
    const value: unknown = fields[name];
    if (typeof value === 'number') clean[name] = value;
  }
  if (fields.counts !== undefined) clean.counts = countsOf(fields.counts);
  if (fields.error !== undefined) clean.error = errorOf(fields.error, scrub);
  return clean;
}

function countsOf(counts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const kept = Object.entries(counts).filter(([name, value]) => CODE.test(name) && typeof value === 'number');
  return Object.fromEntries(kept.slice(0, COUNTS_MAX));
}

/** Our own errors keep their message, which we wrote; anybody else's may quote a body, so only its name and code stay. */
function errorOf(thrown: unknown, scrub: Scrub): Readonly<Record<string, unknown>> {
  if (!(thrown instanceof Error)) return { name: typeof thrown };
  const own = thrown instanceof FatalError || thrown instanceof TransientError || thrown instanceof TooLargeError;
  const codes = (['code', 'status', 'statusCode', 'errno', 'exit', 'correlationId'] as const).flatMap((name) => {
    const value: unknown = Reflect.get(thrown, name);
    const fits = typeof value === 'number' || (typeof value === 'string' && CODE.test(value));
    return fits ? [[name, typeof value === 'string' ? scrub(value) : value]] : [];
  });
  const name = CODE.test(thrown.name) ? thrown.name : 'Error';
  return { name, ...(own ? { message: scrub(thrown.message) } : {}), ...Object.fromEntries(codes) };
}
