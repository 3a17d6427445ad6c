/** What `profile try` shows of a record: three columns, and of people's data only the shape. */
import { isPersonalName, maskOf } from '../probe/people.ts';

export interface Tried {
  readonly id: string;
  readonly ok: boolean;
  readonly raw: unknown;
  readonly canonical: unknown;
  readonly mapped: unknown;
}

/** Our own words, which say nothing about a person. */
const OWN_WORDS = /(?:^|_)(?:status|type|environment|dealstage|pipeline|object|kind|rule|label|to|by|path|message)$/;
const DATE = /^\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?$/;
const REACHES_SOMEBODY = /@|^\+?[\d\s().-]{7,}$/;

/**
 * Of people's records, text and what stands under a personal name is shown as its shape, unless it is a date or one of
 * our own words; of others, only e-mail addresses and telephone numbers are.
 */
export function masked(value: unknown, isAboutPeople: boolean, path = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item, isAboutPeople, path));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        masked(item, isAboutPeople, path === '' ? key : `${path}.${key}`),
      ]),
    );
  }
  if (typeof value === 'number') return isAboutPeople && isPersonalName(path) ? maskOf(String(value)) : value;
  if (typeof value !== 'string' || DATE.test(value)) return value;
  if (!isAboutPeople)
    return value.includes('@') || (isPersonalName(path) && REACHES_SOMEBODY.test(value)) ? maskOf(value) : value;
  return OWN_WORDS.test(path.split('.').at(-1) ?? '') && /^[a-z][\w -]*$/.test(value) ? value : maskOf(value);
}

const GAP = 2;
const LINES_MAX = 80;

/** Raw, canonical and mapped beside each other, `field value` on each line, cut to the width. */
export function sideBySide({ id, raw, canonical, mapped }: Tried, columns: number): string {
  const width = Math.max(20, Math.floor((columns - 2 * GAP) / 3));
  const lists = [raw, canonical, mapped].map((value) =>
    linesOf(value, '').map((text) => text.replace(/^(?:upserts|issues)\.\d+\.(?:properties\.)?/, '')),
  );
  const rows = Math.min(LINES_MAX, Math.max(...lists.map(({ length }) => length)));
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell) => cut(cell, width).padEnd(width))
      .join(' '.repeat(GAP))
      .trimEnd()}\n`;
  const body = Array.from({ length: rows }, (_, row) => line(lists.map((list) => list[row] ?? '')));
  const more = Math.max(...lists.map(({ length }) => length)) - rows;
  const rest = more > 0 ? `... ${more} more lines; --json shows all\n` : '';
  return `record ${id}\n${line(['as sent', 'as read', 'for HubSpot'])}${line(Array(3).fill('-'.repeat(width)))}${body.join('')}${rest}\n`;
}

function linesOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${path} ${printable(value)}`.trim()];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path} ${Array.isArray(value) ? '(none)' : '(empty)'}`.trim()];
  return entries.flatMap(([key, item]) => linesOf(item, path === '' ? key : `${path}.${key}`));
}

/** A vendor's text may hold anything, also what moves a cursor. */
const printable = (value: unknown): string => (value === null ? '(null)' : String(value).replace(/[\p{C}]+/gu, ' '));

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 3)}...` : text);
