/**
 * Readings that were begun and are not proven. A cursor moves while a sorted listing is read, before its count has been
 * compared: what such a reading missed lies behind the cursor, and only the same reading once more can find it.
 */
import type { Statements } from './statements.ts';

export class OwedReadings {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** By slice: from where it has to be read again; null: as a whole. */
  all(): ReadonlyMap<string, string | null> {
    const rows = this.#sql.all<{ partition: string; since: string | null }>(
      'SELECT partition, since FROM owed_readings WHERE stream = ? ORDER BY partition',
    );
    return new Map(rows.map(({ partition, since }) => [partition, since]));
  }

  /** Before a reading's first page is kept: of what was owed already, the larger part stays owed. */
  owe(partition: string, since: string | null): void {
    this.#sql.change(
      `INSERT INTO owed_readings (stream, partition, since, at, run) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream, partition) DO UPDATE SET
         since = CASE WHEN since IS NULL OR excluded.since IS NULL THEN NULL ELSE min(since, excluded.since) END`,
      partition,
      since,
      this.#sql.now(),
      this.#sql.run,
    );
  }

  /** A reading of all that was owed is proven. */
  settle(partition: string): void {
    this.#sql.change('DELETE FROM owed_readings WHERE stream = ? AND partition = ?', partition);
  }

  /** The whole source is proven, whatever its slices were called when a reading began. */
  settleAll(): void {
    this.#sql.change('DELETE FROM owed_readings WHERE stream = ?');
  }
}
