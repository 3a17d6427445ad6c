/** Reads single records by id: the last word when a listing is in doubt. */
import { EXIT, FatalError } from '../../errors.ts';
import type { SourceRecord } from '../../pipe.ts';
import { AttemptError } from './failure.ts';
import { type Listing, listingOf, type RowTaker } from './listing.ts';
import type { Resource } from './profile-schema.ts';
import { combined, oneOfIds, requestOf } from './query.ts';
import { valueAt } from './row.ts';
import type { Transport } from './transport.ts';

export interface PointRead {
  readonly resource: Resource;
  readonly profileName: string;
  readonly what: string;
  readonly transport: Transport;
  readonly taker: RowTaker;
}

/** The records of these ids; absent ones are left out. Throws FatalError when the profile has no way to ask. */
export async function readByIds(
  ids: readonly string[],
  read: PointRead,
  signal: AbortSignal,
): Promise<readonly SourceRecord[]> {
  const { byIds, byId } = read.resource;
  const wanted = [...new Set(ids)];
  if (!byIds && !byId) throw noWay(read);
  const together = byIds ? wanted.filter((id) => byIds.item !== undefined || !id.includes(byIds.separator)) : [];
  const alone = wanted.filter((id) => !together.includes(id));
  const records: SourceRecord[] = [];
  const max = Math.min(byIds?.max ?? 1, read.resource.paging.size); // an answer is one page
  for (let at = 0; byIds && at < together.length; at += max) {
    records.push(...(await readTogether(together.slice(at, at + max), byIds, read, signal)));
  }
  for (const id of alone) records.push(...(await readAlone(id, read, signal)));
  return records;
}

async function readTogether(
  ids: readonly string[],
  byIds: NonNullable<Resource['byIds']>,
  { resource, transport, taker, what }: PointRead,
  signal: AbortSignal,
): Promise<readonly SourceRecord[]> {
  const { path, query, paging, filter } = resource;
  const size: Record<string, string> =
    paging.sizeParam === undefined ? {} : { [paging.sizeParam]: String(paging.size) };
  const read = (json: unknown, headers: Headers): Listing => listingOf(json, resource, taker, headers);
  const asked = { ...combined(filter, [query, oneOfIds(byIds, filter, ids)]), ...size };
  const { value } = await transport.ask({ path, ...requestOf(resource, asked), what, read }, signal);
  const records = value.placed.map(({ record }) => record).filter(({ id }) => ids.includes(id));
  const others = value.placed.length - records.length;
  if (others > 0) throw untrue(what, `sends other records than those asked for by ${byIds.param ?? filter?.param}`);
  if (value.next !== null) throw untrue(what, `sends ${ids.length} records in several pages`);
  if (value.rows < (value.total ?? 0)) throw untrue(what, `sends ${value.rows} of ${value.total} records at once`);
  return records;
}

async function readAlone(
  id: string,
  { resource, transport, taker, what }: PointRead,
  signal: AbortSignal,
): Promise<readonly SourceRecord[]> {
  if (!resource.byId) throw untrue(what, `cannot be asked for an id that holds "${resource.byIds?.separator}"`);
  const { path, record } = resource.byId;
  const list = { ...resource, records: undefined, total: undefined };
  const read = (json: unknown): Listing => {
    const row = record === undefined ? json : valueAt(json, record);
    if (row === undefined) throw new AttemptError(`the answer has no record at ${record ?? 'its top'}`);
    return listingOf(row === null ? [] : [row], list, taker);
  };
  const { headers } = requestOf({ ...resource, method: 'GET' }, {});
  const question = {
    path: path.replaceAll('{id}', encodeURIComponent(id)),
    query: resource.query,
    what,
    read,
    headers,
  };
  const answer = await transport.ask(
    { ...question, absent: { placed: [], refused: [], rows: 0, total: 0, next: null } },
    signal,
  );
  return answer.value.placed.map(({ record: found }) => found).filter((found) => found.id === id);
}

const noWay = ({ what, profileName }: PointRead): FatalError =>
  new FatalError(
    EXIT.usage,
    `the ERP profile "${profileName}" has no way to read ${what}`,
    'add byIds or byId to the resource: a record in doubt is settled by reading it alone',
  );

const untrue = (what: string, wrong: string): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP ${wrong}: ${what}`,
    'check byIds and byId in the profile (docs/adding-an-erp.md)',
  );
