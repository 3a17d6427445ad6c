/** Asks for one page of a resource and takes it apart: records, rows without id or date, total, what follows. */
import { canonicalJson, digest } from '../../fingerprint.ts';
import type { Instant, RejectedRow, SourceRecord } from '../../pipe.ts';
import { idOf, type RowReader } from './canonical.ts';
import { isoOf } from './convert.ts';
import { AttemptError } from './failure.ts';
import type { Resource } from './profile-schema.ts';
import { isBlank, valueAt } from './row.ts';

/** A record and where it stands among the others. */
export interface Placed {
  readonly record: SourceRecord;
  readonly ms: number;
}

/** A row that cannot be remembered. `print` tells it from others. */
interface Refused {
  readonly row: RejectedRow;
  readonly print: string;
}

export interface Listing {
  readonly placed: readonly Placed[];
  readonly refused: readonly Refused[];
  /** Rows received, with and without id. */
  readonly rows: number;
  readonly total: number | undefined;
  /** The vendor's token or link of the next page; null when it named none or its paging knows none. */
  readonly next: string | null;
}

export interface ListingPage extends Listing {
  readonly asOf: Instant | null;
  readonly url: string;
}

export interface RowTaker {
  readonly rows: RowReader;
  /** The entities a row is part of, by the resource's rule. */
  readonly entities: (raw: unknown, id: string) => readonly string[];
}

/** What must be known of a list to take a reply of it apart. */
export interface ListingShape extends Pick<Resource, 'records' | 'id' | 'paging' | 'total'> {
  readonly modifiedAt: { readonly path: string };
}

/** Reads a reply's JSON. Throws AttemptError when it does not look like a page: a sign-in, an error, another API. */
export function listingOf(json: unknown, resource: ListingShape, taker: RowTaker, headers = new Headers()): Listing {
  const list = resource.records === undefined ? json : valueAt(json, resource.records);
  if (!Array.isArray(list)) {
    throw new AttemptError(`the answer has no list of records at ${resource.records ?? 'its top'}`);
  }
  const placed: Placed[] = [];
  const refused: Refused[] = [];
  for (const raw of list) {
    const row = placedOrRefused(raw, resource, taker);
    if ('record' in row) placed.push(row);
    else refused.push(row);
  }
  const total =
    resource.total?.header === undefined
      ? countAt(json, resource.total?.path)
      : countIn(headers, resource.total.header);
  return { placed, refused, rows: list.length, total, next: nextOf(json, resource, headers) };
}

function placedOrRefused(raw: unknown, resource: ListingShape, { rows, entities }: RowTaker): Placed | Refused {
  const id = rows.id(raw);
  const ms = rows.modifiedMs(raw);
  const modifiedAt = isoOf(ms);
  if (id !== null && ms !== null && modifiedAt !== null) {
    return { record: { id, entities: entities(raw, id), modifiedAt, raw }, ms };
  }
  const reason =
    id === null
      ? faultAt(raw, resource.id, 'not an id (a text or a whole number)')
      : faultAt(raw, resource.modifiedAt.path, 'not a date that the profile describes');
  return { row: { raw, reason }, print: digest(canonicalJson(raw)) };
}

/** The path and what is wrong there, never the value. */
function faultAt(raw: unknown, path: string, wrong: string): string {
  const value = valueAt(raw, path);
  if (value === undefined) return `${path}: is absent`;
  return `${path}: ${value === null || isBlank(value) ? 'is empty' : wrong}`;
}

/** A number, or a text of digits; undefined when the vendor does not say. */
export const countAt = (json: unknown, path: string | undefined): number | undefined =>
  path === undefined ? undefined : countOf(valueAt(json, path));

const countIn = (headers: Headers, name: string): number | undefined => countOf(headers.get(name));

/** A count of its own may be the whole reply. */
export function countOf(value: unknown): number | undefined {
  const text = idOf(value);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function nextOf(json: unknown, { paging }: ListingShape, headers: Headers): string | null {
  if (paging.kind === 'link-header') return linkIn(headers.get('link') ?? '', paging.rel);
  return paging.kind === 'cursor' || paging.kind === 'link' ? idOf(valueAt(json, paging.from)) : null;
}

/** RFC 8288, 3: `<address>; rel="next"`, several by commas. Names and relations are compared without case. */
function linkIn(header: string, rel: string): string | null {
  for (const [, address = '', parameters = ''] of header.matchAll(
    /<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:"[^"]*"|[^\s";,]+))*)/g,
  )) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))/i.exec(parameters);
    const words = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/);
    if (words.includes(rel.toLowerCase())) return address;
  }
  return null;
}
