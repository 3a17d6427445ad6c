/** The page that was read last in canonical form: what is mapped at once needs no second parsing of its payload. */
import type { Source } from '../pipe.ts';

export class FreshPage {
  readonly #source: Pick<Source, 'canonical'>;
  /** By payload text, so that a payload which changed since can never be taken for this one. One page at most. */
  #values = new Map<string, unknown>();

  constructor(source: Pick<Source, 'canonical'>) {
    this.#source = source;
  }

  /** Canonical values of these records, kept until the next page comes. */
  keep(records: readonly { readonly text: string; readonly raw: unknown }[]): unknown[] {
    const values = records.map(({ text, raw }) =>
      this.#values.has(text) ? this.#values.get(text) : this.#source.canonical(raw),
    );
    this.#values = new Map(records.map(({ text }, index) => [text, values[index]]));
    return values;
  }

  /** A stored payload in canonical form. */
  of(text: string): unknown {
    return this.#values.has(text) ? this.#values.get(text) : this.#source.canonical(JSON.parse(text));
  }
}
