/** Reads a list that hangs beside the records to its end: sales reps to slice by, contacts of customers. */
import { EXIT, FatalError } from '../../errors.ts';
import { idOf } from './canonical.ts';
import { type Listing, listingOf, type RowTaker } from './listing.ts';
import type { Pager, Step } from './pager.ts';
import type { Total } from './profile-asking.ts';
import type { Paging } from './profile-schema.ts';
import { type Query, requestOf } from './query.ts';
import { valueAt } from './row.ts';
import { Sweep, Trail } from './sweep.ts';
import type { Transport } from './transport.ts';

export interface List {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly body?: unknown;
  readonly records?: string | undefined;
  readonly id: string;
  /** Where a row names its owner: the same row may belong to several. */
  readonly key?: string | undefined;
  readonly paging: Paging;
  readonly total?: Total | undefined;
}

/** More pages than this belong to no list of a batch of records. */
const PAGES_MAX = 2_000;

/** Every row, once by id. Throws FatalError for a row without one and for a list that stands still or never ends. */
export async function rowsOf(
  list: List,
  query: Query,
  what: string,
  transport: Transport,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const pager = pagerFor(list.paging, query, what);
  const rows = new Map<string, unknown>();
  let step: Step | null = pager.first;
  for (let pages = 0; step !== null; pages++) {
    if (pages >= PAGES_MAX) throw unusable(what, `has not ended after ${PAGES_MAX} pages`);
    const { link } = step;
    const taker = takerOf(list);
    const shape = { ...list, modifiedAt: { path: list.id } };
    const read = (json: unknown, headers: Headers): Listing => listingOf(json, shape, taker, headers);
    const request = link === undefined ? requestOf(list, step.query) : { query: {} };
    const { value, asOf, url } = await transport.ask({ path: link ?? list.path, ...request, what, read }, signal);
    if (value.refused.length > 0) throw unusable(what, `has a row without ${list.id}`);
    const turn = pager.after({ ...value, asOf, url });
    for (const { record } of turn.placed) rows.set(record.id, record.raw);
    step = turn.next;
  }
  return [...rows.values()];
}

const pagerFor = (paging: Paging, query: Query, what: string): Pager =>
  paging.kind === 'page' || paging.kind === 'offset'
    ? new Sweep(paging, query, what)
    : new Trail(paging, query, what, false);

/** Such rows need no date: they are read whole each time. */
const takerOf = ({ id, key }: List): RowTaker => ({
  rows: {
    id: (row) =>
      idOf(valueAt(row, id)) && `${idOf(valueAt(row, id))} ${key === undefined ? '' : idOf(valueAt(row, key))}`,
    modifiedMs: () => 0,
    field: () => undefined,
    canonical: (row) => row,
  },
  entities: (_raw, own) => [own],
});

const unusable = (what: string, wrong: string): FatalError =>
  new FatalError(EXIT.source, `the ERP's list of ${what} ${wrong}`, 'compare it with the profile (docs/erp.md)');
