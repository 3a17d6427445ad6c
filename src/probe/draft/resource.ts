/** Drafts one resource: which questions are asked, in which order, and what of the profile comes of it. */
import { instantOf } from '../../sources/erp/dates.ts';
import { valueAt } from '../../sources/erp/row.ts';
import type { Answer, Asker } from './ask.ts';
import { columnsOf, type Found } from './columns.ts';
import { Endpoint, type SeenPage } from './endpoint.ts';
import { block, type Entry, fixed, needed, optional } from './entry.ts';
import { draftFields } from './fields.ts';
import { guessId, guessModifiedAt, type ModifiedAt } from './identity.ts';
import { findById, findSort } from './keys.ts';
import { gap, guessed, type Query, type ResourceName, type Row, type Said } from './model.ts';
import { type Pages, pagesOf } from './pages.ts';
import { recordsOf } from './records.ts';
import { byIdEntry, changeOf, listWords, pagingEntry, placeOf, queryEntry } from './settings.ts';
import { type Changes, findSince, type SinceFound } from './since.ts';
import { isOData, PREFER } from './size.ts';
import { findTotal, type TotalFound, type TotalPlace } from './total.ts';
import { OWN_WORDS } from './vocabulary.ts';

export interface ResourceDraft {
  readonly resource: ResourceName;
  readonly url: URL;
  readonly calls: number;
  readonly records: number;
  readonly entries: readonly Entry[];
  readonly sample: readonly Row[];
}

export interface Subject {
  readonly resource: ResourceName;
  readonly url: URL;
  /** Below the profile's base address. */
  readonly path: string;
  readonly zone: string;
  readonly nowMs: number;
  /** Parameters that the vendor was found to know; grows. */
  readonly learned: Set<string>;
  readonly say: (doing: string) => void;
}

/** Frappe's REST API, of ERPNext: rows are named by `name` (docs.frappe.io/framework/user/en/api/rest). */
const FRAPPE = '/api/resource/';

const SLICES =
  'the last page got no answer: a vendor that ends long queries has to be read in slices, such as one for each sales rep (docs/adding-an-erp.md)';

/** `opening`: the first answer, asked for before anything else of any address, so that a wrong one costs one call. */
export async function draftResource(subject: Subject, asker: Asker, opening: Answer): Promise<ResourceDraft> {
  const { resource, url, path, zone, say } = subject;
  const { path: records, rows, others } = recordsOf(opening, url, resource);
  const isFrappe = url.pathname.includes(FRAPPE);
  const idOf = ({ columns }: Found): Said<string> =>
    guessId(columns, OWN_WORDS[resource], isFrappe ? 'name' : undefined);
  const firstId = idOf(columnsOf(rows)).value;
  const endpoint = new Endpoint(url, asker, { records, id: firstId, learned: subject.learned });
  const first = endpoint.seen(opening, rows, url);
  const pages = await pagesOf(endpoint, first, say);
  say('total');
  const { total, isEndRefused, query: countQuery } = await totalOf(endpoint, first, pages);
  const pair = distinct([pages.large, ...(pages.second === null ? [] : [pages.second])]);
  const ofPair = columnsOf(pair);
  const id = idOf(ofPair);
  const modifiedAt = guessModifiedAt(ofPair.columns, zone);
  say('changed since');
  const { since, filter, sort } = await changesAsked(
    endpoint,
    { pages, modifiedAt, total, sample: pair, first },
    subject,
  );
  say('single records');
  const byId = id.value === firstId && pages.isStable ? await findById(endpoint, first.ids, path) : gap('not tried');
  const { style, way } = pages;
  const sample = [...endpoint.rows.values()]; // the last page and the latest changes too: their codes are others
  const found = columnsOf(sample);
  const { shortage } = asker;
  const entries = [
    fixed('path', path),
    ...(shortage === null ? [] : [optional('calls', gap(`${shortage}: what is open may not have been tried`))]),
    ...queryEntry(url, { style: style.value, way, countQuery }),
    ...(records === null
      ? []
      : [optional('records', guessed(records, others.length === 0 ? 0.95 : 0.8, listWords(rows.length, others)))]),
    ...(way?.param === null ? [fixed('headers', { Prefer: PREFER })] : []),
    optional('total', total.value === null ? total : { ...total, value: placeOf(total.value) }),
    needed('id', id),
    needed('modifiedAt', modifiedAt.value === null ? modifiedAt : { ...modifiedAt, value: changeOf(modifiedAt.value) }),
    pagingEntry(pages, first),
    ...(filter === null ? [] : [fixed('filter', filter)]),
    optional('since', since),
    ...(sort === null ? [] : [optional('sort', sort)]),
    ...byIdEntry(byId),
    ...(isEndRefused && (sort?.value ?? null) === null ? [optional('partitions', gap(SLICES))] : []),
    block('fields', draftFields(resource, found, { id: id.value, modifiedAt: modifiedAt.value?.path ?? null }, zone)),
  ];
  return { resource, url, calls: asker.calls, records: sample.length, entries, sample };
}

/** OData counts only when asked to: OData 4.01, 11.2.6.5. */
async function totalOf(
  endpoint: Endpoint,
  first: SeenPage,
  { way, small, second, large, ceiling, style }: Pages,
): Promise<TotalFound & { readonly query: Query }> {
  const size = ceiling?.size.value ?? first.ids.length;
  const known = { largest: large, isWhole: ceiling?.isWhole ?? false, style: style.value, size };
  const few = way?.asking(small.ids.length) ?? {};
  const query = { $count: 'true' };
  const counted =
    isOData(first) && !hasCount(first) ? await endpoint.page({ ...few, query: { ...few.query, ...query } }) : null;
  const isCounted = counted !== null && hasCount(counted);
  const pages = isCounted ? [counted] : [small, ...(second === null ? [] : [second]), large];
  const found = await findTotal(endpoint, { ...known, pages, asking: way?.asking(size) ?? {} });
  return { ...found, query: isCounted ? query : {} };
}

interface Asked {
  readonly pages: Pages;
  readonly modifiedAt: Said<ModifiedAt>;
  readonly total: Said<TotalPlace>;
  readonly sample: readonly Row[];
  readonly first: SeenPage;
}

/** What can be asked about changes: only those since a moment, and in their order. */
async function changesAsked(
  endpoint: Endpoint,
  { pages: { way, small, style, ceiling, isStable }, modifiedAt, total, sample, first }: Asked,
  { zone, nowMs, url }: Subject,
): Promise<SinceFound & { readonly sort: Said<unknown> | null }> {
  const open = (why: string) => ({ since: gap(`cannot be tried ${why}`), filter: null, sort: null });
  if (modifiedAt.value === null) return open('without modifiedAt');
  if (!isStable) return open('while the order is not stable');
  const changes = changesOf(modifiedAt.value, sample, zone);
  const size = ceiling?.size.value ?? first.ids.length;
  const asking = way?.asking(small.ids.length) ?? {};
  const large = way?.asking(size) ?? {};
  const context = { endpoint, base: small, asking, changes, nowMs, total: total.value, sample, large, size };
  const found = await findSince(context, isOData(first), url.pathname.includes(FRAPPE));
  const isNumbered = style.value?.kind === 'page' || style.value?.kind === 'offset';
  const canSort = found.since.value !== null && isNumbered;
  return { ...found, sort: canSort ? await findSort(endpoint, way?.asking(Math.min(size, 50)) ?? {}, changes) : null };
}

const hasCount = ({ answer }: SeenPage): boolean =>
  valueAt(answer.json, '@odata.count') !== undefined && valueAt(answer.json, '@odata.count') !== null;

/** Rows of the later pages only where their ids are new; one page shows an id twice when the vendor does. */
function distinct([largest, ...others]: readonly SeenPage[]): Row[] {
  const known = new Set(largest?.ids);
  return [
    ...(largest?.rows ?? []),
    ...others.flatMap(({ ids, rows }) => rows.filter((_, at) => !known.has(ids[at] ?? ''))),
  ];
}

function changesOf({ path, format, isLocal }: ModifiedAt, rows: readonly Row[], zone: string): Changes {
  const msOf = (row: Row): number | null => instantOf(valueAt(row, path), { format, zone });
  const newestMs = rows.map(msOf).reduce<number>((newest, ms) => Math.max(newest, ms ?? 0), 0);
  return { path, format, isLocal, zone, newestMs, msOf };
}
