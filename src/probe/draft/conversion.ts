/** How a column becomes the canonical value: the `convert` of a profile, and the codes that somebody has to fill in. */
import { instantOf } from '../../sources/erp/dates.ts';
import { type Column, numeralsOf } from './columns.ts';
import { type Entry, needed } from './entry.ts';
import { formatOf } from './identity.ts';
import { isYesNo, meansYes, plain } from './match.ts';
import { gap, guessed } from './model.ts';
import { CODE_WORDS, type FieldWords, FLAG_WORDS } from './vocabulary.ts';

export interface Conversion {
  readonly convert: unknown;
  /** Of an enum, one entry for each of the vendor's values. */
  readonly codes: readonly Entry[] | null;
  /** Values that stand for nothing. */
  readonly empty: readonly string[];
  /** Why it may be wrong although the column is the right one. */
  readonly doubt: string | null;
}

const NO_DATES = [
  '0001-01-01',
  '0000-00-00',
  '1900-01-01',
  '1753-01-01',
  '0001-01-01T00:00:00Z',
  '0001-01-01T00:00:00',
];
const NO_ID = '00000000-0000-0000-0000-000000000000';

export function conversion(words: FieldWords, column: Column, zone: string): Conversion {
  const none = { convert: null, codes: null, empty: [], doubt: null };
  switch (words.want) {
    case 'text':
      return column.distinct.has(NO_ID) ? { ...none, empty: [NO_ID] } : none;
    case 'integer':
      return { ...none, convert: 'integer' };
    case 'decimal':
      return { ...none, ...decimal(column) };
    case 'flag':
      return { ...none, convert: flag(column) };
    case 'day':
      return { ...none, ...day(column, zone) };
    case 'enum':
      return column.kind === 'empty'
        ? { ...none, codes: [], doubt: 'no value seen' }
        : { ...none, codes: codesOf(words, column) };
  }
}

function decimal(column: Column): Pick<Conversion, 'convert' | 'doubt'> {
  const numerals = numeralsOf(column);
  if (numerals === null) return { convert: 'decimal', doubt: 'numbers are written in two ways' };
  return { convert: numerals === undefined ? 'decimal' : { decimal: numerals }, doubt: null };
}

function flag({ kind, distinct }: Column): unknown {
  if (kind === 'boolean' || kind === 'empty') return 'boolean';
  const all = [...distinct.keys()];
  const yes = all.filter(meansYes);
  const no = all.filter((value) => !meansYes(value));
  return { boolean: { ...(yes.length > 0 ? { true: yes } : {}), ...(no.length > 0 ? { false: no } : {}) } };
}

function day(column: Column, zone: string): Pick<Conversion, 'convert' | 'empty' | 'doubt'> {
  const empty = NO_DATES.filter((date) => column.distinct.has(date));
  const real = { ...column, values: column.values.filter((value) => !empty.includes(String(value))) };
  const format = formatOf(real, zone);
  if (format === 'iso') return { convert: 'date', empty, doubt: null };
  if (format !== null) return { convert: { date: { format } }, empty, doubt: null };
  const some = real.values.filter((value) => instantOf(value, { format: 'iso', zone }) !== null).length;
  return {
    convert: 'date',
    empty,
    doubt: `${real.values.length - some} of ${real.values.length} are written otherwise`,
  };
}

function codesOf({ values = [] }: FieldWords, column: Column): Entry[] {
  const { path, distinct, values: all } = column;
  const flags = isYesNo(column) ? FLAG_WORDS[plain(path.replace(/^.*\./, ''))] : undefined;
  return [...distinct].map(([code, count]) => {
    const share = `${percent(count, all.length)} of ${all.length}`;
    const ours = meaning(code, values, flags);
    return needed(code, ours === null ? gap(`${share}; one of ${values.join(', ')}`) : guessed(ours, 0.8, share));
  });
}

function meaning(code: string, values: readonly string[], flags: readonly [string, string] | undefined): string | null {
  const word = plain(code);
  const own = values.find((value) => plain(value) === word);
  const known = own ?? (flags === undefined ? CODE_WORDS[word] : flags[meansYes(code) ? 0 : 1]);
  return known !== undefined && values.includes(known) ? known : null;
}

const percent = (part: number, all: number): string => {
  const share = (part / all) * 100;
  return share < 1 ? '< 1 %' : `${Math.round(share)} %`;
};
