/** Which of the vendor's columns is which field, by its name and by what it holds. */
import { type Column, filledShare, inWords } from './columns.ts';
import type { FieldWords, Want } from './vocabulary.ts';

export interface Match {
  readonly column: Column;
  readonly confidence: number;
  readonly evidence: string;
}

/** Below this a match says less than an empty line with candidates. */
const CONFIDENCE_MIN = 0.5;
const CODES_MAX = 20;

export const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** How well the values fit, 0 to 1. A column without values says nothing: half. */
export function fitOf(want: Want, column: Column): number {
  const { kind, values, distinct } = column;
  if (kind === 'empty') return 0.5;
  if (want === 'enum') return isCode(column) ? 1 : 0;
  if (want === 'flag') return kind === 'boolean' ? 1 : distinct.size <= 2 && isYesNo(column) ? 0.9 : 0;
  return FITS[want][kind] ?? (want === 'text' && kind === 'mixed' && values.length > 0 ? 0.5 : 0);
}

const FITS: Readonly<
  Record<'text' | 'decimal' | 'integer' | 'day', Readonly<Partial<Record<Column['kind'], number>>>>
> = {
  text: { text: 1, 'integer-text': 1, integer: 0.9, 'number-text': 0.5, decimal: 0.2 },
  decimal: { decimal: 1, integer: 0.95, 'number-text': 1, 'integer-text': 0.8 },
  integer: { integer: 1, 'integer-text': 0.9 },
  day: { day: 1, instant: 0.9, 'local-instant': 0.9, 'epoch-s': 0.8, 'epoch-ms': 0.8, 'local-date': 0.8 },
};

/** Few values that come again and again. */
function isCode({ kind, distinct, values, format }: Column): boolean {
  const isWord = ['text', 'integer', 'integer-text', 'boolean'].includes(kind);
  const isPrivate = ['e-mail', 'phone', 'URL'].includes(format ?? '');
  return (
    isWord && !isPrivate && distinct.size <= CODES_MAX && (distinct.size <= 3 || distinct.size * 2 <= values.length)
  );
}

const YES = ['true', 'yes', 'y', 't', 'on', '1', 'x'];
const NO = ['false', 'no', 'n', 'f', 'off', '0'];
export const meansYes = (value: string): boolean => YES.includes(value.toLowerCase());
export const isYesNo = ({ distinct }: Column): boolean =>
  [...distinct.keys()].every((value) => meansYes(value) || NO.includes(value.toLowerCase()));

/** 1 for our own name, less for a synonym, less again for one without the word that says whose it is. */
function nameScore(path: string, field: string, names: readonly string[], own: readonly string[]): number {
  const depth = path.split('.').length - 1;
  const last = plain(path.replace(/^.*\./, ''));
  const forms = [last, plain(path)];
  const score = Math.max(
    ...forms.map((form) => scoreOf(form, field, names)),
    ...bare(last, own).map((form) => scoreOf(form, field, names) - 0.05),
  );
  return score - depth * 0.03;
}

function scoreOf(form: string, field: string, names: readonly string[]): number {
  if (form === plain(field)) return 1;
  const at = names.indexOf(form);
  return at < 0 ? 0 : 0.95 - 0.02 * at;
}

const bare = (name: string, own: readonly string[]): string[] =>
  own.filter((word) => name.startsWith(word) && name.length > word.length).map((word) => name.slice(word.length));

/** The best column for each field; a column serves one field. */
export function matchColumns(
  fields: Readonly<Record<string, FieldWords>>,
  columns: readonly Column[],
  own: readonly string[],
): Map<string, Match> {
  const pairs = Object.entries(fields).flatMap(([field, { want, names }]) =>
    columns.flatMap((column) => {
      const name = nameScore(column.path, field, names, own);
      const fits = name > 0 ? fitOf(want, column) : 0;
      const confidence = name * (0.5 + 0.5 * fits);
      return fits > 0 && confidence >= CONFIDENCE_MIN ? [{ field, column, confidence }] : [];
    }),
  );
  const found = new Map<string, Match>();
  const taken = new Set<Column>();
  for (const { field, column, confidence } of pairs.toSorted((a, b) => b.confidence - a.confidence)) {
    if (found.has(field) || taken.has(column)) continue;
    taken.add(column);
    const share = filledShare(column) < 0.02 && column.values.length > 0 ? ', nearly always empty' : '';
    found.set(field, { column, confidence: Math.min(0.98, confidence), evidence: inWords(column) + share });
  }
  return found;
}

/** What a column holds gives it away whatever its name: a bar code by its check digit, an address by its form. */
export function matchByContent(field: string, columns: readonly Column[], taken: ReadonlySet<Column>): Match | null {
  const holds = CONTENT[field];
  const column =
    holds &&
    columns.find(
      (one) => !taken.has(one) && one.values.length >= 3 && one.values.every((value) => holds(String(value), one)),
    );
  return column ? { column, confidence: 0.6, evidence: `by its values alone: ${inWords(column)}` } : null;
}

const CONTENT: Readonly<Record<string, (value: string, column: Column) => boolean>> = {
  upc: (value) => /^\d{12,14}$/.test(value.trim()) && hasCheckDigit(value.trim()),
  email: (_value, { format }) => format === 'e-mail',
  website: (_value, { format }) => format === 'URL',
};

/** GS1 General Specifications, 7.9: weights 3 and 1 from the right. */
function hasCheckDigit(digits: string): boolean {
  const sum = [...digits].toReversed().reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0);
  return sum % 10 === 0;
}
