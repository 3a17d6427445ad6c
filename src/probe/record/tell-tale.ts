/** Finds people's values in texts: whole, between letters and digits that are not theirs, in whatever case. */

/** Shorter ones are in any text by chance. */
const CHARS_MIN = 4;
/** Words of a value that are compared; the first so many of a longer one. */
const WORDS_MAX = 12;
const RUN = /[\p{L}\p{M}]+|\p{N}+/gu;

const folded = (text: string): string =>
  text
    .toWellFormed()
    .normalize('NFC')
    .toLowerCase()
    .replace(/\p{Cc}/gu, ' ')
    .replace(/\s+/gu, ' ');

interface Span {
  readonly from: number;
  readonly to: number;
}

const runsOf = (text: string): Span[] =>
  [...text.matchAll(RUN)].map(({ 0: run, index }) => ({ from: index, to: index + run.length }));

/** Enough of it that it cannot be part of any amount, date or id by chance. */
const isTelling = (value: string): boolean =>
  (value.match(/\p{L}/gu)?.length ?? 0) >= CHARS_MIN || (value.match(/\p{N}/gu)?.length ?? 0) >= 7;

export class TellTales {
  readonly #values = new Set<string>();
  readonly #short = new Set<string>();

  /** Bounded by the values of one sample. */
  add(value: string): void {
    const text = folded(value);
    const runs = runsOf(text).slice(0, WORDS_MAX);
    const [first] = runs;
    const last = runs.at(-1);
    if (first === undefined || last === undefined) return;
    const core = text.slice(first.from, last.to);
    if (core.length < CHARS_MIN) return;
    (isTelling(core) ? this.#values : this.#short).add(core);
  }

  get size(): number {
    return this.#values.size + this.#short.size;
  }

  /** The value that the text holds, or null. */
  in(text: string, own: ReadonlySet<string>): string | null {
    const whole = folded(text);
    const runs = runsOf(whole);
    for (const [at, { from }] of runs.entries()) {
      for (const { to } of runs.slice(at, at + WORDS_MAX)) {
        const part = whole.slice(from, to);
        if (this.#values.has(part) && !own.has(part)) return part;
      }
    }
    return null;
  }

  /** Is nothing but a value too short to be searched for within texts: a postal code, an extension. */
  isShort(text: string): boolean {
    return this.#short.has(folded(text).trim());
  }
}

/** Runs of letters or digits that a word made up must not be. */
export function wordsIn(value: string): string[] {
  const text = folded(value);
  return runsOf(text)
    .map(({ from, to }) => text.slice(from, to))
    .filter((run) => run.length >= CHARS_MIN);
}
