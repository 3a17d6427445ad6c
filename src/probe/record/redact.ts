/** Goes through records leaf by leaf: gathers what is somebody's, and replaces it. */
import { statisticsOf } from '../statistics.ts';
import { isOnlyShared, PLAIN_ENDS } from './hosts.ts';
import type { SchemaFields } from './schema-fields.ts';
import { Substitution } from './substitution.ts';
import { TellTales, wordsIn } from './tell-tale.ts';
import { type Codes, codesOf, isIdPath, isPersonsName, type Treatment, treatmentOf } from './treatment.ts';

/** Of a record as JSON: its texts, numbers and flags with their paths, replaced by what `change` makes of them. */
export function mapLeaves(
  value: unknown,
  change: (leaf: string | number, path: string) => unknown,
  path = '',
): unknown {
  if (typeof value === 'string' || typeof value === 'number') return change(value, path);
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, change, `${path}[]`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      mapLeaves(field, change, path === '' ? name : `${path}.${name}`),
    ]),
  );
}

/** After so many the last look decides. */
const TURNS_MAX = 50;

export interface RedactionOptions {
  readonly key: Uint8Array;
  readonly fields: SchemaFields;
  /** Words of the program itself. */
  readonly ownWords: ReadonlySet<string>;
  /** The records are about people or firms, not about things only. */
  readonly isAboutPeople: boolean;
  /** Every canonical record of the sample, those that no fixture is made of, too. */
  readonly records: readonly unknown[];
  /** Records joined to them, which other schemas describe: nothing of them is a code but what repeats. */
  readonly joined: readonly unknown[];
}

export class Redaction {
  readonly tellTales = new TellTales();
  readonly #options: RedactionOptions;
  /** Words that are no evidence of anybody. */
  readonly #own: ReadonlySet<string>;
  readonly #codes: Codes;
  readonly #names = new TellTales();
  readonly #substitution: Substitution;
  readonly #kept = new Set<string>();

  constructor(options: RedactionOptions) {
    this.#options = options;
    this.#own = new Set([...options.ownWords, ...IN_ADDRESSES]);
    const all = [...options.records, ...options.joined];
    this.#codes = codesOf(statisticsOf(options.records, { isAboutPeople: true, isUnmasked: true }));
    const avoid = new Set<string>(options.ownWords);
    for (const record of all) mapLeaves(record, (leaf, path) => this.#gather(leaf, path, avoid));
    this.#substitution = new Substitution(options.key, avoid);
  }

  record(record: unknown): unknown {
    return mapLeaves(record, (leaf, path) => this.#changed(leaf, path));
  }

  /** A text that stands beside the records, such as the name of a location, or an id that may be made of a name. */
  text(text: string, path: string): string {
    return String(this.#changed(text, path));
  }

  /** Whether a text is one of few that a program knows, and nobody's: it may be named. */
  isCode(leaf: string | number, path: string): boolean {
    if (typeof leaf !== 'string' || isIdPath(path)) return false;
    const isKnown = this.#options.fields.get(path)?.codes?.includes(leaf) ?? false;
    return isKnown || (this.#ruled(leaf, path) === 'kept' && this.#isKept(leaf, path));
  }

  /** The path of the first text that is, or holds, somebody's value; null when there is none. */
  find(record: unknown): string | null {
    let found: string | null = null;
    mapLeaves(record, (leaf, path) => {
      if (found !== null || isFigure(leaf)) return leaf;
      const text = String(leaf);
      const isHeld = this.tellTales.in(text, this.#own) !== null;
      if (isHeld || (!this.#kept.has(text) && this.tellTales.isShort(text))) found = path;
      return leaf;
    });
    return found;
  }

  #gather(leaf: string | number, path: string, avoid: Set<string>): unknown {
    if (this.#ruled(leaf, path) !== 'other') return leaf;
    const text = String(leaf);
    if (isNobodys(text)) return leaf;
    this.tellTales.add(text);
    const isName = isPersonsName(path, this.#options.isAboutPeople);
    for (const word of wordsIn(text)) {
      avoid.add(word);
      if (isName) this.#names.add(word);
    }
    const digits = text.replace(/\D/g, '');
    if (digits.length >= 7) avoid.add(digits).add(digits.replace(/^1(?=\d{10}$)/, ''));
    return leaf;
  }

  #ruled(leaf: string | number, path: string): Treatment {
    return treatmentOf(path, leaf, this.#options.fields, this.#codes);
  }

  #changed(leaf: string | number, path: string): unknown {
    const text = String(leaf);
    if (this.#isKept(leaf, path)) {
      this.#kept.add(text);
      return leaf;
    }
    const other = this.#otherThan(text);
    const number = Number(other);
    return typeof leaf === 'number' && Number.isFinite(number) ? number : other;
  }

  /** Short words may come out as what somebody has: then others are taken, for this value. */
  #otherThan(text: string): string {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const other = this.#substitution.text(text, turn);
      if (this.tellTales.in(other, this.#own) === null && !this.tellTales.isShort(other)) return other;
    }
    return this.#substitution.text(text);
  }

  #isKept(leaf: string | number, path: string): boolean {
    const ruled = this.#ruled(leaf, path);
    if (ruled !== 'kept') return ruled === 'fixed';
    const text = String(leaf);
    return this.tellTales.in(text, this.#own) === null && this.#names.in(text, this.#own) === null;
  }
}

/** Nothing in it is replaced: zeros in place of a telephone, and what many share. */
const isNobodys = (text: string): boolean => !/[\p{L}1-9]|(?![0-9])\p{Nd}/u.test(text) || isOnlyShared(text);

/** What stays in addresses, or is in each that is made up. */
const IN_ADDRESSES = ['http', 'https', 'www', 'http://www', 'https://www', ...PLAIN_ENDS];

/** Amounts, counts and days: they stay, and hold any short number by chance. */
const isFigure = (leaf: string | number): boolean =>
  /^-?\d+\.\d+$|^-?\d{1,6}$|^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d))?$/.test(String(leaf));
