/**
 * The page that was read last in canonical form: its scope, its joins and, where it is mapped at once, its mapping share one
 * conversion. Always of the stored text: what is made of a record now and what is made of it from the mirror later, by
 * another run, can never differ.
 */
import type { Source } from '../pipe.ts';

export class FreshPage {
  readonly #source: Pick<Source, 'canonical'>;
  /** By payload text, so that a payload which changed since can never be taken for this one. One page at most. */
  #values = new Map<string, unknown>();

  constructor(source: Pick<Source, 'canonical'>) {
    this.#source = source;
  }

  /** Canonical values of these payloads, kept until the next page comes. */
  keep(texts: readonly string[]): unknown[] {
    this.#values = new Map(texts.map((text) => [text, this.of(text)]));
    return texts.map((text) => this.#values.get(text));
  }

  /** A stored payload in canonical form. */
  of(text: string): unknown {
    return this.#values.has(text) ? this.#values.get(text) : this.#source.canonical(JSON.parse(text));
  }
}
