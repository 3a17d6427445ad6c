/** What an unknown answer is made of: its list of records, and the single values around it. */
import { isObject, valueAt } from '../../sources/erp/row.ts';
import type { Row } from './model.ts';

/** Envelopes are shallow: `response.data.items` is as deep as they come. */
const DEPTH_MAX = 3;

export interface Lists {
  /** Lists of records, the longest first; `path` is null for the answer itself. */
  readonly records: readonly { readonly path: string | null; readonly rows: readonly Row[] }[];
  /** Paths of lists without any item, and of lists of single values. */
  readonly empty: readonly string[];
  readonly scalars: readonly string[];
}

type Scalar = string | number;

const isRow = (value: unknown): value is Row => isObject(value);
const TOP = 'its top';

export function listsIn(body: unknown): Lists {
  const records: { path: string | null; rows: readonly Row[] }[] = [];
  const empty: string[] = [];
  const scalars: string[] = [];
  walk(body, '', 0, (path, value) => {
    if (!Array.isArray(value)) return;
    const rows = value.filter(isRow);
    if (value.length === 0) empty.push(path || TOP);
    else if (rows.length === value.length) records.push({ path: path || null, rows });
    else if (rows.length === 0) scalars.push(path || TOP);
  });
  return { records: records.toSorted((a, b) => b.rows.length - a.rows.length), empty, scalars };
}

/** The rows at a known place; null when there is no list, or one that holds something else. */
export function rowsAt(body: unknown, path: string | null): readonly Row[] | null {
  const list = path === null ? body : valueAt(body, path);
  return Array.isArray(list) && list.every(isRow) ? list : null;
}

/** The texts and numbers beside the records, by path. */
export function around(body: unknown): ReadonlyMap<string, Scalar> {
  const found = new Map<string, Scalar>();
  walk(body, '', 0, (path, value) => {
    if (path !== '' && ((typeof value === 'string' && value !== '') || typeof value === 'number'))
      found.set(path, value);
  });
  return found;
}

/** Objects only: what lies in a list belongs to its records. */
function walk(value: unknown, path: string, depth: number, visit: (path: string, value: unknown) => void): void {
  visit(path, value);
  if (!isRow(value) || depth >= DEPTH_MAX) return;
  for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key, depth + 1, visit);
}

/** For a message: what an answer is, where it holds no list of records. */
export function describe(body: unknown): string {
  if (!isRow(body)) return body === null ? 'null' : `a ${typeof body}`;
  const keys = Object.keys(body).slice(0, 8).map(printable);
  return `an object with ${keys.length === 0 ? 'nothing in it' : keys.join(', ')}`;
}

/** The vendor's own words in a message or a comment: one line, short, nothing that acts on a terminal. */
export const printable = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, 60);
