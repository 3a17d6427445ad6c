/** Text, and what is written as text: flags, stock lists and the order of ids. */
import { add, compare, decimal } from './decimal.ts';

/** Longest value of a HubSpot text property: https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide */
export const HUBSPOT_TEXT_CHARS_MAX = 65_536;

const LINE_BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/gu;
const SPACING = /[\t\n\v\f\r\u0085\u2028\u2029]+/gu;
/** Every control character that is neither a tab nor a line break. */
const INVISIBLE = /[^\P{Cc}\t\n\v\f\r\u0085]/gu;

/**
 * Well-formed NFC text without control characters and without blanks around it. Line breaks and tabs stay when `lines`
 * is 'many' (breaks as \n) and become a blank when it is 'one'.
 *
 * Absent stays undefined (leave alone); null and blank become '' (clear).
 */
export function text(value: string, lines?: 'one' | 'many'): string;
export function text(value: string | null | undefined, lines?: 'one' | 'many'): string | undefined;
export function text(value: string | null | undefined, lines: 'one' | 'many' = 'one'): string | undefined {
  if (value === undefined) return undefined;
  if (value === null) return '';
  const visible = value.toWellFormed().replace(INVISIBLE, '');
  const spaced = lines === 'many' ? visible.replace(LINE_BREAK, '\n') : visible.replace(SPACING, ' ');
  return spaced.normalize('NFC').trim();
}

/** Slow to make, and hardly a text is that long. */
let graphemes: Intl.Segmenter | undefined;

/**
 * The text within `charsMax` UTF-16 units and how many of them were removed. It ends between two graphemes, so that no
 * letter loses its accent and no emoji falls apart; only a single grapheme above the limit is cut inside.
 */
export function cut(whole: string, charsMax: number = HUBSPOT_TEXT_CHARS_MAX): { text: string; removed: number } {
  if (whole.length <= charsMax) return { text: whole, removed: 0 };
  graphemes ??= new Intl.Segmenter('und', { granularity: 'grapheme' });
  const boundary = graphemes.segment(whole).containing(charsMax)?.index ?? 0;
  const kept = boundary > 0 ? whole.slice(0, boundary) : withoutHalfPair(whole.slice(0, charsMax));
  const trimmed = kept.trim();
  return { text: trimmed, removed: whole.length - trimmed.length };
}

const withoutHalfPair = (slice: string): string => (slice.isWellFormed() ? slice : slice.slice(0, -1));

/** HubSpot's spelling of a yes or no. */
export const bool = (value: boolean): 'true' | 'false' => (value ? 'true' : 'false');

interface Stock {
  readonly location?: string | null | undefined;
  readonly quantity?: string | null | undefined;
}

/** Stands for stock that the source keeps under no location. */
const NO_LOCATION = '-';

/**
 * `MAIN 12; NORTH 3`: sorted by location, several bins of one location added up. Rows without a quantity are left out.
 * Undefined when a quantity is not a decimal number.
 */
export function stockByLocation(stock: readonly Stock[]): string | undefined {
  const totals = new Map<string, string>();
  for (const { location, quantity } of stock) {
    if (quantity === undefined || quantity === null) continue;
    const canonical = decimal(quantity);
    if (canonical === undefined) return undefined;
    const name = text(location) || NO_LOCATION;
    const before = totals.get(name);
    totals.set(name, before === undefined ? canonical : add(before, canonical));
  }
  const rows = [...totals].sort(([a], [b]) => compareText(a, b));
  return rows.map(([location, quantity]) => `${location} ${quantity}`).join('; ');
}

/** By code units: the same on every machine, whatever its locale. */
const compareText = (a: string, b: string): -1 | 0 | 1 => (a < b ? -1 : a > b ? 1 : 0);

const DIGITS = /^\d+$/;

/**
 * The order of two ids as people count: runs of digits by their number, so Q-9 comes before Q-10. Total: only equal ids
 * compare as 0.
 */
export function compareIds(a: string, b: string): -1 | 0 | 1 {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (const [position, chunk] of left.entries()) {
    const other = right[position];
    if (other === undefined) return 1;
    const order = DIGITS.test(chunk) && DIGITS.test(other) ? compare(chunk, other) : compareText(chunk, other);
    if (order !== 0) return order;
  }
  return left.length < right.length ? -1 : compareText(a, b);
}
