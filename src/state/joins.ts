/** Which rows of other pipes a record was mapped with, and what has to be decided once more when one of them changes. */
import type { Statements } from './statements.ts';

export class Joins {
  readonly #sql: Statements;
  /** By stream: the newest run that had stored a row of it when the dependents were marked. */
  readonly #newest = new Map<number, string>();

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

  /**
   * Marks the entities whose joined rows changed after they were last mapped. Returns how many. Only rows are looked at that
   * a run stored since the last one that was followed to its end: a joined pipe has many rows, and few of them change.
   */
  touchDependents(pipe: string, streamOfPipe: number): number {
    this.#newest.set(streamOfPipe, this.#newestRunOf(streamOfPipe));
    return this.#sql.change(
      `UPDATE entities SET state = 'pending' WHERE stream = ?1 AND state IN ('clean', 'dead', 'excluded') AND id IN (
         SELECT m.entity ${CHANGED_ROWS}
           JOIN membership m ON m.stream = j.stream AND m.record = j.record
           JOIN records own ON own.stream = j.stream AND own.id = j.record AND own.raw IS NOT NULL
           JOIN entities e ON e.stream = m.stream AND e.id = m.entity
          WHERE r.stream = ?3 AND r.run > ?4 AND r.run > e.run)`,
      pipe,
      streamOfPipe,
      this.#followedTo(streamOfPipe),
    );
  }

  /** Records kept without payload whose joined rows changed since: they have to be read again to be judged again. */
  toReadAgain(pipe: string, streamOfPipe: number, after: string, limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT DISTINCT own.id ${CHANGED_ROWS}
           JOIN records own ON own.stream = j.stream AND own.id = j.record AND own.raw IS NULL
          WHERE r.stream = ?3 AND r.run > ?4 AND r.run > own.run AND own.id > ?5 ORDER BY own.id LIMIT ?6`,
        pipe,
        streamOfPipe,
        this.#followedTo(streamOfPipe),
        after,
        limit,
      )
      .map((row) => row.id);
  }

  /**
   * What `touchDependents` found is marked and what `toReadAgain` names was asked for. As long as one of these was not
   * answered, its rows are looked at again by the next run.
   */
  noteFollowed(pipe: string, streamOfPipe: number): void {
    const newest = this.#newest.get(streamOfPipe) ?? '';
    if (newest === '' || this.toReadAgain(pipe, streamOfPipe, '', 1).length > 0) return;
    this.#sql.change(
      `INSERT INTO joins_followed (stream, joined_stream, run) VALUES (?, ?, ?)
       ON CONFLICT (stream, joined_stream) DO UPDATE SET run = excluded.run WHERE run < excluded.run`,
      streamOfPipe,
      newest,
    );
  }

  #newestRunOf(stream: number): string {
    const row = this.#sql.first<{ run: string | null }>(
      'SELECT max(run) AS run FROM records WHERE ?1 IS NOT NULL AND stream = ?2',
      stream,
    );
    return row?.run ?? '';
  }

  #followedTo(streamOfPipe: number): string {
    const row = this.#sql.first<{ run: string }>(
      'SELECT run FROM joins_followed WHERE stream = ? AND joined_stream = ?',
      streamOfPipe,
    );
    return row?.run ?? '';
  }
}

/** Left to itself SQLite walks all joined rows of the stream. */
const CHANGED_ROWS = `FROM records r INDEXED BY records_by_run
           CROSS JOIN joined j ON j.pipe = ?2 AND j.id = r.id AND j.stream = ?1`;
