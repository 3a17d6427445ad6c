/** One field's statistics, gathered value by value in bounded memory. */
import { createHash } from 'node:crypto';
import { type FormatName, formatOf, instantIn, numberIn } from './formats.ts';
import type { FieldSummary } from './model.ts';
import { isPersonalFormat, isPersonalName, maskOf } from './people.ts';
import { Reservoir } from './spread.ts';
import { nameOf } from './walk.ts';

/** Distinct values counted exactly; beyond it the count is a lower bound. */
const DISTINCT_MAX = 2_000;
/** Longer values are told apart by digest: they are no codes. */
const VALUE_CHARS_MAX = 80;
/** A code list longer than this is a field of free values. */
const ENUM_VALUES_MAX = 25;
const ENUM_CHARS_MAX = 32;
/** On average each value of a code comes so often, at least. */
const ENUM_REPEATS_MIN = 4;
const TOP_MAX = 12;
const EXAMPLES_MAX = 3;

export interface SummaryOptions {
  /** The resource as a whole is about people: only codes are shown as they are. */
  readonly isAboutPeople: boolean;
  /** Show people's data as it is. Never for what is stored. */
  readonly isUnmasked: boolean;
}

export class FieldSketch {
  readonly path: string;
  #present = 0;
  #nulls = 0;
  #empties = 0;
  readonly #types = new Map<string, number>();
  readonly #formats = new Map<FormatName, number>();
  readonly #values = new Map<string, number>();
  #isCapped = false;
  #longest = 0;
  readonly #examples: string[] = [];
  readonly #numbers = new Reservoir();
  readonly #instants = new Reservoir();
  readonly #lengths = new Reservoir();

  constructor(path: string) {
    this.path = path;
  }

  add(value: unknown): void {
    this.#present++;
    if (value === null || value === undefined) this.#nulls++;
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      this.#addPlain(value);
    else this.#addNested(value);
  }

  #addNested(value: object): void {
    const isList = Array.isArray(value);
    const size = isList ? value.length : Object.keys(value).length;
    if (isList) this.#lengths.add(size);
    if (size === 0) this.#empties++;
    increase(this.#types, isList ? 'list' : 'object');
  }

  #addPlain(value: string | number | boolean): void {
    const isText = typeof value === 'string';
    increase(this.#types, isText ? 'text' : typeof value);
    if (isText && value.trim() === '') {
      this.#empties++;
      return;
    }
    if (isText) this.#lengths.add(value.length);
    if (typeof value !== 'boolean') this.#measure(value);
    this.#count(String(value));
  }

  #measure(value: string | number): void {
    const format = formatOf(value, nameOf(this.path));
    if (format !== null) increase(this.#formats, format);
    const number = numberIn(value, format);
    if (number !== null) this.#numbers.add(number);
    const ms = instantIn(value, format);
    if (ms !== null) this.#instants.add(ms);
  }

  #count(text: string): void {
    this.#longest = Math.max(this.#longest, text.length);
    const key =
      text.length <= VALUE_CHARS_MAX ? text : `#${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    const known = this.#values.get(key);
    if (known === undefined && this.#values.size >= DISTINCT_MAX) this.#isCapped = true;
    else this.#values.set(key, (known ?? 0) + 1);
    if (this.#examples.length < EXAMPLES_MAX && known === undefined)
      this.#examples.push(text.slice(0, VALUE_CHARS_MAX));
  }

  summary(holders: number, options: SummaryOptions): FieldSummary {
    const filled = this.#present - this.#nulls - this.#empties;
    const plain = ['text', 'number', 'boolean'].reduce((sum, type) => sum + (this.#types.get(type) ?? 0), 0);
    const isEnum = this.#isEnum(plain);
    const isPersonal = this.#isPersonal();
    const isMasked =
      !options.isUnmasked && (isPersonal || (options.isAboutPeople && !isEnum && this.#types.has('text')));
    const show = (value: string): string => (isMasked ? maskOf(value) : value);
    const isUnique = !this.#isCapped && plain > 1 && this.#values.size === filled;
    return {
      path: this.path,
      holders,
      present: this.#present,
      nulls: this.#nulls,
      empties: this.#empties,
      types: Object.fromEntries(sorted(this.#types)),
      distinct: this.#values.size,
      distinctIsCapped: this.#isCapped,
      isUnique,
      isEnum,
      isPersonal,
      top: isUnique ? [] : this.#top(show, isMasked),
      formats: Object.fromEntries(sorted(this.#formats)),
      numbers: isEnum ? null : this.#numbers.spread(),
      instants: this.#instants.spread(),
      lengths: this.#lengths.spread(),
      examples: [...new Set(this.#examples.map(show))],
    };
  }

  /** Shapes that fall together are counted together. */
  #top(show: (value: string) => string, isMasked: boolean): FieldSummary['top'] {
    const shown = isMasked ? new Map<string, number>() : this.#values;
    if (isMasked) for (const [value, count] of this.#values) increase(shown, show(value), count);
    return sorted(shown)
      .slice(0, isMasked ? TOP_MAX / 2 : TOP_MAX)
      .map(([value, count]) => ({ value: value.startsWith('#') && !isMasked ? '(long text)' : value, count }));
  }

  #isEnum(plain: number): boolean {
    const { size } = this.#values;
    if (size === 0 || this.#isCapped || size > ENUM_VALUES_MAX || this.#longest > ENUM_CHARS_MAX) return false;
    const isNumeric = (this.#types.get('number') ?? 0) > 0 || this.#numbers.size > 0;
    if (this.#instants.size > 0 || this.#formats.has('e-mail') || this.#formats.has('URL')) return false;
    // A number is a code only when it has very few values: a quantity has few, too.
    if (isNumeric && size > 6) return false;
    return plain >= size * ENUM_REPEATS_MIN;
  }

  #isPersonal(): boolean {
    return isPersonalName(this.path) || [...this.#formats.keys()].some(isPersonalFormat);
  }
}

function increase<K>(counts: Map<K, number>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** Most frequent first; equals by name, so that two runs print alike. */
const sorted = <K extends string>(counts: ReadonlyMap<K, number>): [K, number][] =>
  [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
