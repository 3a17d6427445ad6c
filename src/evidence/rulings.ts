/** Which values of an answer may leave the machine: ids, dates, codes, figures and flags; never words of anybody. */
import { type FormatName, formatOf } from '../probe/formats.ts';
import type { SampleSummary } from '../probe/model.ts';
import { isPersonalFormat, isPersonalName } from '../probe/people.ts';
import { CODE_VALUE, codesOf, DATES, isIdPath, treatmentOf } from '../probe/record/treatment.ts';
import { nameOf } from '../probe/walk.ts';
import { isSecretName, isSecretValue } from './secrets.ts';

/**
 * `id`: an id, number of a thing, date or code; stays in every row. `figure`: an amount, count or word of a flag; stays
 * in rows that are shown whole. `other`: only its shape is shown. `secret`: not even that.
 */
export type Ruling = 'id' | 'figure' | 'other' | 'secret';

const NO_FIELDS = new Map<string, never>();
/** Fields whose codes may be written in any case, such as Open or On Hold. */
const CODE_NAME = /(?:type|status|state|stage|kind|terms|level|class|category|group|unit|method)$/i;
/** `itemNo`, `quote_no`; so many digits may be a `homeNo`. */
const NUMBER_NAME = /[a-z]No$|_no$/;
const TELEPHONE = /^\+?\d{10,11}$/;
/** A plain `code` is an error's only below one: a customer's may be a name. */
const ERROR_NAME = /(?:^|\.)(?:error|error_?code|error_?type|errno|errors?(?:\[\])?\.code)$/i;
const ERROR_VALUE = /^[A-Za-z]?[a-z0-9_.-]{1,47}$|^[A-Z0-9_.-]{1,48}$/;
/** A postal code, or part of a telephone's number. */
const DIGITS = /^\d{4,}$/;
/** A short word of such a field may be somebody's name, however often it comes. */
const ROLE =
  /rep|agent|sales_?(?:man|person|people)|seller|clerk|author|editor|manager|assign|driver|technician|(?:creat|modifi|chang|enter|updat|sav|approv|clos|open)ed_?by|employee|staff|operator|handler|signed/i;
const COUNT_NAME = /total|count|size|page|offset|limit|skip|rows|records|number_?of/i;
/** From here on a number that is no id, date or count may be a telephone's or a person's. */
const LONG_NUMBER = 1_000_000;

export class Rulings {
  readonly #codes: ReturnType<typeof codesOf>;
  /** By path and value: rows come many times in one probe. */
  readonly #known = new Map<string, Ruling>();

  readonly #ids: ReadonlySet<string>;

  /**
   * `summary`: of the sample, which shows what is a code; null: nothing is known to be one. `ids`: paths that hold ids
   * whatever they are called.
   */
  constructor(summary: SampleSummary | null, ids: readonly string[]) {
    this.#codes = summary === null ? new Map() : codesOf(summary);
    this.#ids = new Set(ids);
  }

  of(leaf: string | number, path: string): Ruling {
    const key = `${path}\n${leaf}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const ruling = this.#ruled(leaf, path);
    if (this.#known.size < KNOWN_MAX) this.#known.set(key, ruling);
    return ruling;
  }

  #ruled(leaf: string | number, path: string): Ruling {
    const name = nameOf(path);
    const text = String(leaf).trim();
    if (text === '') return 'figure';
    if (isSecretValue(text) || isSecretName(name)) return 'secret';
    if (name === '__class__') return 'id'; // how Tryton types its values
    const format = formatOf(leaf, name);
    const isNumber = NUMBER_NAME.test(name) && !TELEPHONE.test(text) && !isPersonalName(path);
    const isNamedId = this.#ids.has(path) || isNumber;
    if (isNamedId && !isPersonalFormat(format)) return idRuling(text);
    if (isDate(leaf, name, path, format)) return 'id';
    if (leaf === 0 || leaf === 1) return 'figure'; // a flag, whoever it is about
    const treatment = treatmentOf(path, leaf, NO_FIELDS, this.#codes);
    if (treatment === 'kept') return isIdPath(path) ? idRuling(text) : this.#codeRuling(text, path);
    return isPersonalName(path) ? 'other' : formRuling(leaf, path, format);
  }

  #codeRuling(text: string, path: string): Ruling {
    if (!CODE_NAME.test(path) && (ROLE.test(path) || DIGITS.test(text))) return 'other';
    if (CODE_VALUE.test(text)) return 'id';
    return CODE_NAME.test(path) && this.#codes.get(path)?.has(text) ? 'id' : 'other';
  }
}

/** Bounded: beyond it rulings are made anew each time. */
const KNOWN_MAX = 300_000;

/** An id without a digit may be somebody's name. */
const idRuling = (text: string): Ruling => (/\d/.test(text) || text.length <= 3 ? 'id' : 'other');

const numberRuling = (value: number, name: string): Ruling =>
  !Number.isInteger(value) || Math.abs(value) < LONG_NUMBER || COUNT_NAME.test(name) ? 'figure' : 'other';

const DATE_PARTS = /^(?:year|month|day|hour|minute|second|microsecond)$/;

/** When something of a person changed is nobody's secret; when somebody was born is. */
function isDate(leaf: string | number, name: string, path: string, format: FormatName | null): boolean {
  if (typeof leaf === 'number' && DATE_PARTS.test(name)) return !/birth/i.test(path);
  return DATES.has(format) && !isPersonalName(name);
}

/** A value that only its form tells about. */
function formRuling(leaf: string | number, path: string, format: FormatName | null): Ruling {
  const text = String(leaf).trim();
  if (DATES.has(format)) return 'id';
  if (typeof leaf === 'number') return numberRuling(leaf, nameOf(path));
  if (format === 'money text' || format === 'decimal text' || format === 'boolean word') return 'figure';
  if (format === 'integer text') return text.length <= 3 ? 'figure' : 'other';
  return ERROR_NAME.test(path) && ERROR_VALUE.test(text) ? 'id' : 'other';
}
