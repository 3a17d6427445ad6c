/** Lists: filters, order and pages of one table, and the ways in which drift bends them. */
import { type ErpDrift, sameDigitsInChicago } from './drift.ts';
import type { Table } from './table.ts';

const DAY_MS = 86_400_000;
const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAX = 500;

export interface ListQuery {
  readonly page: number;
  readonly pageSize: number;
  readonly sorted: boolean;
  readonly sinceMs: number | null;
  /** `sinceMs` is compared with the day a row was made. */
  readonly byCreation: boolean;
  /** 'none': accounts without a rep. */
  readonly salesRepId: string | null;
  readonly nameFrom: string | null;
  readonly nameTo: string | null;
}

export interface Listing {
  /** Positions on the page, in the order they are served. */
  readonly indexes: readonly number[];
  readonly total: number;
  readonly rowsScanned: number;
}

/** Reads a list's parameters; null when the date is not one. Unknown parameters and odd page numbers are ignored. */
export function listQuery(parameters: URLSearchParams, drift: ErpDrift, isAccounts: boolean): ListQuery | null {
  const since = parameters.get('modifiedSince');
  const sinceMs =
    since === null ? null : Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(since) || since.length <= 10 ? since : `${since}Z`);
  if (sinceMs !== null && Number.isNaN(sinceMs) && !drift.badDateIgnored) return null;
  const cap = drift.pageSizeCap || PAGE_SIZE_MAX;
  const ofAccounts = (name: string): string | null => (isAccounts ? parameters.get(name) : null);
  return {
    page: positive(parameters.get('page')) ?? 1,
    pageSize: Math.min(positive(parameters.get('pageSize')) ?? PAGE_SIZE_DEFAULT, cap, PAGE_SIZE_MAX),
    sorted: !isAccounts && parameters.get('sort') === 'lastChanged',
    sinceMs: boundMs(sinceMs, drift),
    byCreation: drift.modifiedSinceCreated,
    salesRepId: ofAccounts('salesRepId'),
    nameFrom: ofAccounts('nameFrom')?.toLowerCase() ?? null,
    nameTo: ofAccounts('nameTo')?.toLowerCase() ?? null,
  };
}

function positive(text: string | null): number | null {
  const number = Number(text ?? '');
  return Number.isInteger(number) && number > 0 ? number : null;
}

function boundMs(sinceMs: number | null, drift: ErpDrift): number | null {
  if (sinceMs === null || Number.isNaN(sinceMs) || drift.modifiedSinceIgnored) return null;
  if (drift.modifiedSinceDateOnly) return Math.floor(sinceMs / DAY_MS) * DAY_MS;
  const readMs = drift.modifiedSinceLocalTime ? sameDigitsInChicago(sinceMs) : sinceMs;
  return drift.modifiedSinceExclusive ? readMs + 1 : readMs;
}

/** Each row was made some days, up to a few years, before its last change. */
const createdAtMs = (table: Table, index: number): number =>
  table.changedAtMs(index) - (3 + ((index * 7_919) % 997)) * DAY_MS;

/** All rows that match, in the order they are listed. */
export function matching(table: Table, query: ListQuery): Uint32Array {
  const { sinceMs, salesRepId, nameFrom, nameTo, sorted, byCreation } = query;
  if (sorted && sinceMs !== null && byCreation) {
    const key = JSON.stringify(['created', sinceMs]);
    return table.filtered(key, table.byChange(), (index) => createdAtMs(table, index) >= sinceMs);
  }
  if (sorted) return sinceMs === null ? table.byChange() : table.changedSince(sinceMs);
  const order = table.byId();
  if (sinceMs === null && salesRepId === null && nameFrom === null && nameTo === null) return order;
  const repId = salesRepId === 'none' ? '' : salesRepId;
  return table.filtered(JSON.stringify([byCreation, sinceMs, salesRepId, nameFrom, nameTo]), order, (index) => {
    const atMs = byCreation ? createdAtMs(table, index) : table.changedAtMs(index);
    if (sinceMs !== null && atMs < sinceMs) return false;
    if (repId !== null && table.peek(index, 'repId') !== repId) return false;
    if (nameFrom === null && nameTo === null) return true;
    const name = table.peek(index, 'name').toLowerCase();
    return (nameFrom === null || name >= nameFrom) && (nameTo === null || name < nameTo);
  });
}

/** One page. `requestNumber` counts listings: unstable orders depend on it. */
export function listing(table: Table, query: ListQuery, drift: ErpDrift, requestNumber: number): Listing {
  const rows = matching(table, query);
  const lastPage = Math.max(1, Math.ceil(rows.length / query.pageSize));
  const page = drift.repeatPageForever ? Math.min(query.page, lastPage) : query.page;
  const from = Math.min((page - 1) * query.pageSize, rows.length);
  const to = Math.min(from + query.pageSize, rows.length);
  const place = drift.unstableOrder ? unstablePlace(table, rows, query.sorted, requestNumber) : (at: number) => at;
  const indexes: number[] = [];
  for (let at = from; at < to; at++) indexes.push(rows[place(at)] ?? 0);
  return { indexes, total: rows.length, rowsScanned: to };
}

/**
 * By id: at every other request each row of an odd place changes with its next one, over the edges of pages too.
 * By date: rows of one instant take turns.
 */
function unstablePlace(
  table: Table,
  rows: Uint32Array,
  sorted: boolean,
  requestNumber: number,
): (at: number) => number {
  if (!sorted)
    return (at) => {
      if (requestNumber % 2 === 0 || at === 0) return at;
      const other = at % 2 === 1 ? at + 1 : at - 1;
      return other < rows.length ? other : at;
    };
  const stamp = (at: number): number => table.changedAtMs(rows[at] ?? 0);
  let first = 0;
  let end = 0;
  return (at) => {
    if (at < first || at >= end) {
      for (first = at; first > 0 && stamp(first - 1) === stamp(at); ) first--;
      for (end = at + 1; end < rows.length && stamp(end) === stamp(at); ) end++;
    }
    return first + ((at - first + requestNumber * 7) % (end - first));
  };
}
