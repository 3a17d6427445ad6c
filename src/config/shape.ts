/**
 * How the text of a setting becomes its value. Every setting is one line of text, so this is all there is to it; the
 * schema library that reads files and answers takes longer to load than `status` may take.
 */

/** Sentences that start with the variable's name; none repeats the text, which may be a secret in the wrong place. */
export class Wrong {
  readonly sentences: readonly string[];

  constructor(...sentences: readonly string[]) {
    this.sentences = sentences;
  }
}

export type Read<T> = (text: string) => T | Wrong;

/** What a setting is for, and a value that shows it; both are in `.env.example`. */
export interface Description {
  readonly about: string;
  readonly example: string;
}

/** A setting as people meet it. */
export interface Setting<T> extends Description {
  /** What the text means; absent text means the default. */
  readonly read: Read<T>;
  readonly absent: T;
}

/** A way to read a text; what absence means and what it is for makes a setting of it. */
export class Shape<T> {
  readonly read: Read<T>;

  constructor(read: Read<T>) {
    this.read = read;
  }

  transform<Other>(change: (value: T) => Other): Shape<Other> {
    return new Shape((text) => {
      const value = this.read(text);
      return value instanceof Wrong ? value : change(value);
    });
  }

  refine(holds: (value: T) => boolean, wrong: string): Shape<T> {
    return new Shape((text) => {
      const value = this.read(text);
      return value instanceof Wrong || holds(value) ? value : new Wrong(wrong);
    });
  }

  optional(description: Description): Setting<T | undefined> {
    return { read: this.read, absent: undefined, ...description };
  }

  default(absent: T, description: Description): Setting<T> {
    return { read: this.read, absent, ...description };
  }
}

/** Any text. */
export const text = new Shape((given) => given);

export const matching = (pattern: RegExp, wrong: string): Shape<string> =>
  text.refine((given) => pattern.test(given), wrong);

export const oneOf = <const Word extends string>(words: readonly Word[], wrong: string): Shape<Word> =>
  new Shape((given) => words.find((word) => word === given) ?? new Wrong(wrong));

/** Yes or no. */
export const flag = oneOf(['true', 'false'], 'is neither true nor false').transform((word) => word === 'true');
