/** Which rows of other pipes a record was mapped with, and what has to be decided once more when one of them changes. */
import type { Statements } from './statements.ts';

export class Joins {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Which rows of other pipes a record was mapped or judged with. */
  note(record: string, joins: readonly { readonly pipe: string; readonly id: string }[]): void {
    this.#sql.change('DELETE FROM joined WHERE stream = ? AND record = ?', record);
    for (const { pipe, id } of joins) {
      this.#sql.change('INSERT OR IGNORE INTO joined (stream, record, pipe, id) VALUES (?, ?, ?, ?)', record, pipe, id);
    }
  }

  /** Marks the entities whose joined rows changed after they were last mapped. Returns how many. */
  touchDependents(pipe: string, streamOfPipe: number): number {
    return this.#sql.change(
      `UPDATE entities SET state = 'pending' WHERE stream = ?1 AND state IN ('clean', 'dead', 'excluded') AND id IN (
         SELECT m.entity FROM joined j
           JOIN records r ON r.stream = ?3 AND r.id = j.id
           JOIN membership m ON m.stream = j.stream AND m.record = j.record
           JOIN records own ON own.stream = j.stream AND own.id = j.record AND own.raw IS NOT NULL
           JOIN entities e ON e.stream = m.stream AND e.id = m.entity
          WHERE j.stream = ?1 AND j.pipe = ?2 AND r.run > e.run)`,
      pipe,
      streamOfPipe,
    );
  }

  /** Records kept without payload whose joined rows changed since: they have to be read again to be judged again. */
  toReadAgain(pipe: string, streamOfPipe: number, limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT DISTINCT own.id FROM joined j
           JOIN records r ON r.stream = ?3 AND r.id = j.id
           JOIN records own ON own.stream = j.stream AND own.id = j.record AND own.raw IS NULL
          WHERE j.stream = ?1 AND j.pipe = ?2 AND r.run > own.run LIMIT ?4`,
        pipe,
        streamOfPipe,
        limit,
      )
      .map((row) => row.id);
  }
}
