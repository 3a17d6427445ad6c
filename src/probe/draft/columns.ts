/** The vendor's fields as columns: where they are, what they hold and how often. */
import { isObject } from '../../sources/erp/row.ts';
import { type FormatName, formatOf } from '../formats.ts';
import type { Row } from './model.ts';

/** What all values of a column are. `day` and the like: as written, not as named. */
type Kind =
  | 'empty'
  | 'boolean'
  | 'integer'
  | 'decimal'
  | 'number-text'
  | 'integer-text'
  | 'day'
  | 'instant'
  | 'local-instant'
  | 'epoch-s'
  | 'epoch-ms'
  | 'local-date'
  | 'text'
  | 'mixed';

export interface Column {
  readonly path: string;
  readonly rows: number;
  /** Without null and blank. */
  readonly values: readonly Scalar[];
  /** Values with how often they occur, the frequent ones first; at most `DISTINCT_MAX`. */
  readonly distinct: ReadonlyMap<string, number>;
  readonly kind: Kind;
  /** Of text, where nearly all of it has one. */
  readonly format: FormatName | null;
}

/** A list of objects in the records: lines of a quote, people of a customer. */
export interface NestedList {
  readonly path: string;
  readonly items: readonly Row[];
}

const DEPTH_MAX = 3;
const DISTINCT_MAX = 2_000;
const COLUMNS_MAX = 600;
/** One broken row does not change what a column is. */
const SHARE_MIN = 0.97;
/** A decimal comma, or groups that the probe's formats do not know. */
const COMMA_DECIMAL = /^-?(?:\d{1,3}(?:\.\d{3})+|\d+),\d{1,4}$/;
const NUMBER_TEXT = /^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$|^-?\d*\.?\d+$/;

/** Paths cannot hold what a line of YAML would have to escape. */
const isUsable = (key: string): boolean => key.trim() === key && key !== '' && !/[\p{Cc}\u2028\u2029]/u.test(key);

type Scalar = string | number | boolean;

export interface Found {
  readonly columns: readonly Column[];
  readonly lists: readonly NestedList[];
}

export function columnsOf(rows: readonly Row[]): Found {
  const walk = new Walk();
  for (const row of rows) walk.visit(row, '', 0);
  return {
    columns: [...walk.values].map(([path, held]) => columnOf(path, rows.length, held)),
    lists: [...walk.lists].map(([path, items]) => ({ path, items })),
  };
}

/** Through objects to their values; lists of objects are kept apart. */
class Walk {
  readonly values = new Map<string, Scalar[]>();
  readonly lists = new Map<string, Row[]>();

  visit(value: unknown, path: string, depth: number): void {
    if (Array.isArray(value)) this.#list(value, path);
    else if (isRow(value)) this.#inside(value, path, depth);
    else this.#value(value, path);
  }

  #list(list: readonly unknown[], path: string): void {
    const items = list.filter(isRow);
    if (path !== '' && items.length === list.length) this.lists.set(path, [...(this.lists.get(path) ?? []), ...items]);
  }

  #inside(row: Row, path: string, depth: number): void {
    if (depth >= DEPTH_MAX) return;
    for (const [key, inner] of Object.entries(row))
      if (isUsable(key)) this.visit(inner, path === '' ? key : `${path}.${key}`, depth + 1);
  }

  #value(value: unknown, path: string): void {
    if (this.values.size >= COLUMNS_MAX && !this.values.has(path)) return;
    const known = this.values.get(path) ?? [];
    this.values.set(path, known);
    const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (isScalar && String(value).trim() !== '') known.push(value);
  }
}

const isRow = (value: unknown): value is Row => isObject(value);

function columnOf(path: string, rows: number, values: readonly Scalar[]): Column {
  const counts = new Map<string, number>();
  const formats = new Map<FormatName, number>();
  const name = path.replace(/^.*\./, '');
  const kinds = new Map<Kind, number>();
  for (const value of values) {
    const text = String(value).trim();
    if (counts.size < DISTINCT_MAX || counts.has(text)) counts.set(text, (counts.get(text) ?? 0) + 1);
    const format = typeof value === 'boolean' ? null : formatOf(value, name);
    if (format !== null) formats.set(format, (formats.get(format) ?? 0) + 1);
    const kind = kindOf(value, format);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const format = [...formats].find(([, count]) => count >= values.length * SHARE_MIN)?.[0] ?? null;
  const distinct = new Map([...counts].toSorted((a, b) => b[1] - a[1]));
  return { path, rows, values, distinct, kind: common(kinds, values.length), format };
}

const BY_FORMAT: Readonly<Partial<Record<FormatName, Kind>>> = {
  'ISO date': 'day',
  'ISO datetime': 'instant',
  'ISO datetime without zone': 'local-instant',
  'local date': 'local-date',
  'epoch s': 'epoch-s',
  'epoch ms': 'epoch-ms',
  'integer text': 'integer-text',
  'digits with leading zeros': 'text',
};

function kindOf(value: Scalar, format: FormatName | null): Kind {
  if (typeof value === 'boolean') return 'boolean';
  const known = format === null ? undefined : BY_FORMAT[format];
  if (known !== undefined) return known;
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'decimal';
  const text = value.trim();
  return NUMBER_TEXT.test(text) || COMMA_DECIMAL.test(text) ? 'number-text' : 'text';
}

/** Whole numbers among decimals are decimals; numbers among words are words. */
const WIDER: readonly (readonly [Kind, readonly Kind[]])[] = [
  ['decimal', ['integer']],
  ['number-text', ['integer-text']],
  ['text', ['integer-text', 'number-text', 'integer']],
];

function common(kinds: ReadonlyMap<Kind, number>, all: number): Kind {
  if (all === 0) return 'empty';
  const enough = all * SHARE_MIN;
  for (const [kind, count] of kinds) if (count >= enough) return kind;
  for (const [kind, narrower] of WIDER) {
    const count = [kind, ...narrower].reduce((sum, one) => sum + (kinds.get(one) ?? 0), 0);
    if (kinds.has(kind) && count >= enough) return kind;
  }
  return 'mixed';
}

export const filledShare = ({ values, rows }: Column): number => (rows === 0 ? 0 : values.length / rows);

/** How a text writes numbers; undefined where plain digits do. Null: both ways occur. */
export function numeralsOf({ values }: Column): { point?: string; group?: string } | null | undefined {
  const texts = values.filter((value) => typeof value === 'string');
  const comma = texts.filter((text) => COMMA_DECIMAL.test(text.trim()) && !/^-?\d{1,3},\d{3}$/.test(text.trim()));
  const grouped = texts.filter((text) => /,\d{3}(?:\D|$)/.test(text) && !comma.includes(text));
  if (comma.length > 0 && grouped.some((text) => text.includes('.'))) return null;
  if (comma.length > 0) return { point: ',', group: '.' };
  return grouped.length > 0 ? { group: ',' } : undefined;
}

/** `200 of 200, text`: the evidence that a column gives of itself. */
export function inWords({ values, rows, kind, format, distinct }: Column): string {
  const what = kind === 'text' && format !== null && format !== 'other' ? format : kind.replace('-', ' ');
  const many = distinct.size >= DISTINCT_MAX ? `over ${DISTINCT_MAX}` : String(distinct.size);
  return `${values.length} of ${rows} filled, ${what}, ${many} different`;
}
