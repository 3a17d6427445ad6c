/** Prepared statements of one stream. Every statement gets the stream as its first value. */
import type { Database, Statement } from 'better-sqlite3';

interface Prepared {
  readonly statement: Statement<unknown[]>;
  /** For each place in the statement, which value goes there; empty for plain `?`. */
  readonly order: readonly number[];
}

export class Statements {
  readonly db: Database;
  readonly stream: number;
  /** The run on whose behalf everything is written. */
  readonly run: string;
  readonly now: () => number;
  readonly #cache = new Map<string, Prepared>();

  constructor(db: Database, stream: number, run: string, now: () => number) {
    this.db = db;
    this.stream = stream;
    this.run = run;
    this.now = now;
  }

  /** Immediate, because a transaction that reads first and writes later fails at once when another one wrote. */
  transaction<T>(work: () => T): T {
    return this.db.transaction(work).immediate();
  }

  all<Row>(text: string, ...rest: unknown[]): Row[] {
    const { statement, order } = this.#prepared(text);
    // The one place where a row gets its type: it is the column list of the statement beside it.
    return statement.all(...bound([this.stream, ...rest], order)) as Row[];
  }

  first<Row>(text: string, ...rest: unknown[]): Row | undefined {
    return this.all<Row>(text, ...rest)[0];
  }

  /** Returns how many rows changed. */
  change(text: string, ...rest: unknown[]): number {
    const { statement, order } = this.#prepared(text);
    return statement.run(...bound([this.stream, ...rest], order)).changes;
  }

  /**
   * Prepared once: preparing costs ten times what running does. `?2` stands for the second value wherever it appears;
   * better-sqlite3 binds plain `?` only, so each use gets its value by position.
   */
  #prepared(text: string): Prepared {
    let prepared = this.#cache.get(text);
    if (!prepared) {
      const order = [...text.matchAll(/\?(\d+)/g)].map((match) => Number(match[1]) - 1);
      prepared = { statement: this.db.prepare<unknown[]>(text.replace(/\?\d+/g, '?')), order };
      this.#cache.set(text, prepared);
    }
    return prepared;
  }
}

const bound = (values: readonly unknown[], order: readonly number[]): readonly unknown[] =>
  order.length === 0 ? values : order.map((index) => values[index]);
