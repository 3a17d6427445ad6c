/**
 * Whether "changed since" can be asked. A parameter counts when an old moment changes nothing, a future one leaves nothing,
 * and a nonsense name with the same future moment has no effect: a vendor that answers "nothing" to whatever it does
 * not know would pass otherwise.
 */
import { boundMaker } from '../../sources/erp/since.ts';
import { CALLS_MAX } from './ask.ts';
import type { Asking, Endpoint, SeenPage } from './endpoint.ts';
import { gap, guessed, isSameList, proven, type Query, type Said } from './model.ts';
import { type Effect, findParameter } from './parameters.ts';
import { namesInUse } from './since-names.ts';
import { type TotalPlace, totalAt } from './total.ts';

interface Since {
  readonly param?: string;
  readonly clause?: string;
  readonly format: string;
  readonly inclusive: boolean;
}

/** A condition inside one parameter, as some vendors want it. */
interface Filter {
  readonly param: string;
  readonly join?: string;
  readonly open?: string;
  readonly close?: string;
  readonly escape: 'odata' | 'json';
}

export interface SinceFound {
  readonly since: Said<Since>;
  readonly filter: Filter | null;
}

/** The date of change, as far as it is known. */
export interface Changes {
  readonly path: string;
  /** As a profile says it. */
  readonly format: string;
  readonly isLocal: boolean;
  readonly zone: string;
  readonly newestMs: number;
  /** The change of a row; null when it has none. */
  readonly msOf: (row: SeenPage['rows'][number]) => number | null;
}

/** All names at once, halved until one is left: with fewer calls another format is not begun. */
const CALLS_OF_A_FORMAT = 8;
const NONSENSE = 'rs_no_such_parameter';
const OLD_MS = Date.UTC(1990, 0, 1);
/** As far behind its bound as a filter by day in another zone may begin. */
const ROUNDING_MS_MAX = 48 * 3_600_000;
/** At least so many known changes are newer than the bound that is tried; at most this share of the sample. */
const NEWER = 4;
const WINDOW_SHARE = 0.3;
/** How full the answer to it should be: a full one does not show where it ends. */
const WINDOW_FILL = 0.5;
/** For a list in the order of creation, whose first page says nothing of what changed lately. */
const DAYS_BACK = [30, 3];
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

interface Context {
  readonly endpoint: Endpoint;
  readonly base: SeenPage;
  readonly asking: Asking;
  readonly total: TotalPlace | null;
  readonly changes: Changes;
  readonly sample: readonly SeenPage['rows'][number][];
  /** For the last question: a page that is as large as may be. */
  readonly large: Asking;
  readonly size: number;
  readonly nowMs: number;
}

export async function findSince(context: Context, isOData: boolean, isFrappe: boolean): Promise<SinceFound> {
  const { path } = context.changes;
  if (isOData) {
    const filter: Filter = { param: '$filter', escape: 'odata' };
    return { ...(await conditioned(filter, `${path} ge {since}`, ['iso', 'iso-seconds'], context)) };
  }
  if (isFrappe) {
    const filter: Filter = { param: 'filters', join: ',', open: '[', close: ']', escape: 'json' };
    return conditioned(filter, `["${path}",">=","{since}"]`, ['YYYY-MM-DD HH:mm:ss'], context);
  }
  const tried = new Map<string, ReadonlySet<string>>();
  for (const format of formatsOf(context.changes)) {
    if (tried.size > 0 && context.endpoint.asker.left < CALLS_OF_A_FORMAT) break;
    const { param, known } = await byName(format, context);
    tried.set(format, known);
    if (param !== null)
      return {
        since: await judged({ param, format, inclusive: true }, (text) => ({ [param]: text }), context),
        filter: null,
      };
  }
  return { since: gap(noneOf(tried, context)), filter: null };
}

/** How far it was looked, so that nobody takes names for useless that were never tried. */
function noneOf(tried: ReadonlyMap<string, ReadonlySet<string>>, { changes, endpoint: { asker } }: Context): string {
  const all = namesInUse(changes.path).length;
  const otherwise = 'without it every run reads everything';
  const formats = formatsOf(changes);
  if (formats.every((format) => tried.get(format)?.size === all))
    return `none of ${all} names in use filters by change; ${otherwise}`;
  const isShort = tried.size < formats.length;
  const left = isShort
    ? `only ${asker.left} of ${CALLS_MAX} calls were left`
    : 'the vendor refuses names unknown to it';
  const why = asker.shortage ?? left;
  const counts = formats.map((format) => `${tried.get(format)?.size ?? 0} of ${all} with dates as ${format}`);
  const isNone = formats.every((format) => (tried.get(format)?.size ?? 0) === 0);
  return isNone
    ? `${why} before one of ${all} names in use was tried; ${otherwise}`
    : `none of the names that were tried filters by change (${counts.join(', ')}): ${why}; ${otherwise}`;
}

/** The vendor's own way of writing first. */
function formatsOf({ format, isLocal }: Changes): string[] {
  if (format.startsWith('epoch')) return [format, 'iso'];
  return isLocal ? ['YYYY-MM-DDTHH:mm:ss', 'date'] : ['iso', 'date'];
}

const written = (format: string, ms: number, { zone }: Changes): string =>
  boundMaker({ format, inclusive: true }, zone)(ms).text;

const futureMs = ({ changes, nowMs }: Context): number => Math.max(changes.newestMs, nowMs) + 5 * YEAR_MS;

/** `known`: of which the vendor's answer told; one to many names that is neither all nor nothing tells of none of them. */
async function byName(
  format: string,
  context: Context,
): Promise<{ readonly param: string | null; readonly known: ReadonlySet<string> }> {
  const { asker, learned } = context.endpoint;
  const known = new Set<string>();
  const future = written(format, futureMs(context), context.changes);
  const param = await findParameter(namesInUse(context.changes.path), future, learned, async (query) => {
    const before = asker.calls;
    const effect = await effectOf(query, context);
    const names = Object.keys(query);
    if (asker.calls > before && (effect !== 'other' || names.length === 1)) for (const name of names) known.add(name);
    return effect;
  });
  return { param, known };
}

async function effectOf(query: Query, { endpoint, asking, base, total }: Context): Promise<Effect> {
  const page = await endpoint.page({ ...asking, query: { ...asking.query, ...query } });
  if (page === null) return 'other';
  if (page.ids.length === 0) return 'works';
  const [left, all] = total === null ? [null, null] : [totalAt(page, total), totalAt(base, total)];
  if (left !== null && all !== null && left < all) return 'works';
  return isSameList(page.ids, base.ids) ? 'ignored' : 'other';
}

async function conditioned(
  filter: Filter,
  clause: string,
  formats: readonly string[],
  context: Context,
): Promise<SinceFound> {
  const { open = '', close = '', param } = filter;
  for (const format of formats) {
    const query = (text: string): Query => ({ [param]: open + clause.replace('{since}', text) + close });
    const future = written(format, futureMs(context), context.changes);
    if ((await effectOf(query(future), context)) !== 'works') continue;
    const since = await judged({ clause, format, inclusive: true }, query, context);
    if (since.value !== null) return { since, filter };
  }
  const { shortage } = context.endpoint.asker;
  const what = `${param} with "${clause}"`;
  const told = shortage === null ? `${what} filters nothing` : `${shortage} before ${what} was tried`;
  return { since: gap(`${told}; without it every run reads everything`), filter: null };
}

async function judged(since: Since, queryOf: (text: string) => Query, context: Context): Promise<Said<Since>> {
  const { endpoint, asking, base, total, changes } = context;
  const name = since.param ?? since.clause ?? '';
  const future = written(since.format, futureMs(context), changes);
  if ((await effectOf({ [NONSENSE]: future }, context)) === 'works')
    return gap(`${name} leaves nothing of a future moment, but so does a parameter that does not exist`, [name]);
  const query = queryOf(written(since.format, OLD_MS, changes));
  const old = await endpoint.page({ ...asking, query: { ...asking.query, ...query } });
  if (old === null && endpoint.asker.shortage !== null)
    return gap(`${name} leaves nothing of a future moment; ${endpoint.asker.shortage} before an old one was tried`, [
      name,
    ]);
  const isAll =
    old !== null && (total === null ? isSameList(old.ids, base.ids) : totalAt(old, total) === totalAt(base, total));
  if (!isAll)
    return gap(`${name} leaves nothing of a future moment, but an old moment does not give everything`, [name]);
  return recent(since, queryOf, context);
}

interface Dated {
  readonly row: SeenPage['rows'][number];
  readonly id: string;
  readonly ms: number;
}

/** The newest first. */
const datedOf = (rows: readonly SeenPage['rows'][number][], { endpoint, changes }: Context): Dated[] =>
  rows
    .map((row) => ({ row, id: endpoint.idOf(row), ms: changes.msOf(row) ?? Number.NaN }))
    .filter(({ ms }) => Number.isFinite(ms))
    .toSorted((a, b) => b.ms - a.ms);

/** A moment with everything that changed since, in one answer that was not full. */
interface Window {
  readonly bound: Dated;
  readonly page: SeenPage;
  /** Whatever is known to have changed later. */
  readonly newer: readonly Dated[];
}

/** As far back as one answer reaches: the sample says how far that may be; else days back from now do. */
async function windowOf(ask: (ms: number) => Promise<SeenPage | null>, context: Context): Promise<Window | null> {
  const { base, total, size, sample, nowMs } = context;
  const all = total === null ? null : totalAt(base, total);
  const share = Math.min(WINDOW_SHARE, all === null ? 1 : (WINDOW_FILL * size) / all);
  const dated = datedOf(sample, context);
  const window = await openedAt(share, dated, ask);
  if (window !== null && window.page.ids.length < size) return window;
  for (const days of window === null ? [] : DAYS_BACK) {
    const page = await ask(nowMs - days * DAY_MS);
    if (page !== null && page.ids.length < size) return openedAt(WINDOW_SHARE, datedOf(page.rows, context), ask);
  }
  return null;
}

async function openedAt(
  share: number,
  dated: readonly Dated[],
  ask: (ms: number) => Promise<SeenPage | null>,
): Promise<Window | null> {
  const bound = dated[Math.min(dated.length - 1, Math.max(NEWER, Math.floor(dated.length * share)))];
  const page = bound === undefined ? null : await ask(bound.ms);
  if (bound === undefined || page === null) return null;
  return { bound, page, newer: dated.filter(({ ms }) => ms > bound.ms) };
}

/**
 * A bound at the very moment of a change: what is older must be gone, what is newer must all be there (a filter by the
 * date of creation, or in another zone, loses some of it), and the change itself tells whether the bound counts.
 */
async function recent(since: Since, queryOf: (text: string) => Query, context: Context): Promise<Said<Since>> {
  const { endpoint, changes, large } = context;
  const tried = '1990 gives everything, a future moment nothing, a nonsense name has no effect';
  const exclusive = { ...since, inclusive: false };
  const name = since.param ?? since.clause ?? '';
  const ask = (ms: number, inclusive = true): Promise<SeenPage | null> => {
    const { text } = boundMaker({ format: since.format, inclusive }, changes.zone)(ms);
    return endpoint.page({ ...large, query: { ...large.query, ...queryOf(text) } });
  };
  const window = await windowOf(ask, context);
  if (window === null) return guessed(exclusive, 0.7, `${tried}; whether it goes by ${changes.path} did not show`);
  const { bound, page, newer } = window;
  const oldest = page.rows.reduce((least, row) => Math.min(least, changes.msOf(row) ?? least), bound.ms);
  if (oldest < bound.ms - ROUNDING_MS_MAX)
    return gap(`${name} goes by another date than ${changes.path}: older records come`, [name]);
  const got = new Set(page.ids);
  const lost = newer.filter(({ id }) => !got.has(id)).length;
  if (lost > 0)
    return gap(`${name} loses ${lost} records that changed later: by another date, or in another zone`, [name]);
  // Where nothing that changed lately is older by another of its dates, a filter by that date would look the same.
  const shows = newer.some(({ row }) => otherDatesOf(row, changes).every((ms) => ms < bound.ms));
  const found = (value: Since, evidence: string): Said<Since> =>
    shows
      ? proven(value, evidence)
      : guessed(value, 0.7, `${evidence}; or by another date: all that was seen is new by it`);
  if (got.has(bound.id)) return found(since, `${tried}; by ${changes.path}, and the bound itself counts`);
  const again = await ask(bound.ms, false);
  if (again === null && endpoint.asker.shortage !== null)
    return guessed(exclusive, 0.7, `${tried}; ${endpoint.asker.shortage} before it showed whether the bound counts`);
  if (again?.ids.includes(bound.id) === true)
    return found(exclusive, `${tried}; by ${changes.path}, and the bound itself does not count`);
  const words =
    'loses a record that changed at the bound, also when asked earlier: by another date, or in another zone';
  return gap(`${name} ${words}`, [name]);
}

const DATE = /^\d{4}-\d\d-\d\d(?:[T ]|$)/;

/** The dates of a row beside that of its change, as far as they are texts that begin like ISO dates. */
function otherDatesOf(row: SeenPage['rows'][number], { path }: Changes): number[] {
  return Object.entries(row).flatMap(([name, value]) => {
    const ms = name !== path && typeof value === 'string' && DATE.test(value) ? Date.parse(value) : Number.NaN;
    return Number.isNaN(ms) ? [] : [ms];
  });
}
