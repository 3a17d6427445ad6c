/** Goes through records leaf by leaf: gathers what is somebody's, and replaces it. */
import { statisticsOf } from '../statistics.ts';
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

export interface RedactionOptions {
  readonly key: Uint8Array;
  readonly fields: SchemaFields;
  /** Words of the program: no evidence of anybody. */
  readonly ownWords: ReadonlySet<string>;
  /** Every canonical record of the sample, those that no fixture is made of, too. */
  readonly records: readonly unknown[];
  /** Records joined to them, which other schemas describe: nothing of them is a code but what repeats. */
  readonly joined: readonly unknown[];
}

export class Redaction {
  readonly tellTales = new TellTales();
  readonly #options: RedactionOptions;
  readonly #codes: Codes;
  readonly #names = new TellTales();
  readonly #substitution: Substitution;
  readonly #kept = new Set<string>();

  constructor(options: RedactionOptions) {
    this.#options = options;
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
      const isHeld = this.tellTales.in(text, this.#options.ownWords) !== null;
      if (isHeld || (!this.#kept.has(text) && this.tellTales.isShort(text))) found = path;
      return leaf;
    });
    return found;
  }

  #gather(leaf: string | number, path: string, avoid: Set<string>): unknown {
    if (this.#ruled(leaf, path) !== 'other') return leaf;
    const text = String(leaf);
    this.tellTales.add(text);
    for (const word of wordsIn(text)) {
      avoid.add(word);
      if (isPersonsName(path)) this.#names.add(word);
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
    const other = this.#substitution.text(text);
    const number = Number(other);
    return typeof leaf === 'number' && Number.isFinite(number) ? number : other;
  }

  #isKept(leaf: string | number, path: string): boolean {
    const ruled = this.#ruled(leaf, path);
    if (ruled !== 'kept') return ruled === 'fixed';
    const { ownWords } = this.#options;
    const text = String(leaf);
    return this.tellTales.in(text, ownWords) === null && this.#names.in(text, ownWords) === null;
  }
}

/** Amounts, counts and days: they stay, and hold any short number by chance. */
const isFigure = (leaf: string | number): boolean =>
  /^-?\d+\.\d+$|^-?\d{1,6}$|^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d))?$/.test(String(leaf));
