/** Up to where each partition has been read, by the source's clock. */
import type { Statements } from './statements.ts';

export class Cursors {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  of(partition: string): string | null {
    return (
      this.#sql.all<{ position: string }>(
        'SELECT position FROM cursors WHERE stream = ? AND partition = ?',
        partition,
      )[0]?.position ?? null
    );
  }

  /**
   * Moves a cursor up to `candidate`, never back, never past the oldest change that is not settled yet. Returns how many
   * entities it had to look at: those that are open.
   */
  advance(partition: string, candidate: string): number {
    const { oldest, open } = this.#sql.first<{ oldest: string | null; open: number }>(
      // Left to itself SQLite walks all entities of the stream, at each page.
      `SELECT min(oldest) AS oldest, count(*) AS open FROM entities INDEXED BY entities_open
        WHERE stream = ? AND state IN ('pending', 'sending', 'held')`,
    ) ?? { oldest: null, open: 0 };
    const position = oldest !== null && oldest < candidate ? oldest : candidate;
    this.#sql.change(
      `INSERT INTO cursors (stream, partition, position, moved_at, run) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream, partition) DO UPDATE SET position = excluded.position, moved_at = excluded.moved_at,
         run = excluded.run WHERE excluded.position > position`,
      partition,
      position,
      this.#sql.now(),
      this.#sql.run,
    );
    return open;
  }
}
