/** What records become, and how far each of them is: waits, is sent, is held, is done. docs/state.md draws the states. */
import type { Statements } from './statements.ts';

export type EntityState = 'pending' | 'sending' | 'held' | 'clean' | 'excluded' | 'dead';

/**
 * `state IN (...) AND state = ...`: SQLite takes the index over the few open entities only where its condition is
 * repeated word for word; without it each of these walks every entity of the stream.
 */
export class Entities {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Waiting to be mapped; remembers the earliest change the cursor has to wait for. */
  touch(entity: string, modifiedAt: string): void {
    this.#sql.change(
      `INSERT INTO entities (stream, id, state, rule, oldest, run) VALUES (?, ?, 'pending', NULL, ?, ?)
       ON CONFLICT (stream, id) DO UPDATE SET state = 'pending', rule = NULL, run = excluded.run,
         oldest = CASE WHEN state IN ('pending', 'sending', 'held') THEN min(oldest, excluded.oldest) ELSE excluded.oldest END`,
      entity,
      modifiedAt,
      this.#sql.run,
    );
  }

  set(entity: string, state: EntityState, rule: string | null): void {
    this.#sql.change(
      'UPDATE entities SET state = ?3, rule = ?4, run = ?5 WHERE stream = ?1 AND id = ?2',
      entity,
      state,
      rule,
      this.#sql.run,
    );
  }

  /** Its farewell was said already. */
  isExcluded(entity: string): boolean {
    return (
      this.#sql.first("SELECT 1 FROM entities WHERE stream = ? AND id = ? AND state = 'excluded'", entity) !== undefined
    );
  }

  /** An entity that was decided is decided once more, such as when another spelling of its key turns up. */
  reopenDecided(entity: string): void {
    this.#sql.change(
      "UPDATE entities SET state = 'pending' WHERE stream = ? AND id = ? AND state IN ('clean', 'sending')",
      entity,
    );
  }

  /** As `set` for many, each of which is now on its way. */
  startSending(entities: readonly string[]): void {
    this.#sql.change(
      `UPDATE entities SET state = 'sending', rule = NULL, run = ?3
        WHERE stream = ?1 AND id IN (SELECT value FROM json_each(?2))`,
      JSON.stringify(entities),
      this.#sql.run,
    );
  }

  /**
   * Ends what was being sent. Returns those that were: where a newer record touched an entity meanwhile, that one is still
   * to come.
   */
  settle(entities: readonly string[], state: 'clean' | 'held' | 'dead' | 'excluded'): ReadonlySet<string> {
    const rows = this.#sql.all<{ id: string }>(
      `UPDATE entities SET state = ?3, run = ?4
        WHERE stream = ?1 AND id IN (SELECT value FROM json_each(?2)) AND state = 'sending' RETURNING id`,
      JSON.stringify(entities),
      state,
      this.#sql.run,
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Which of these entities are still to be sent as they were decided: nothing newer was read of them since. */
  stillSending(entities: readonly string[]): ReadonlySet<string> {
    const rows = this.#sql.all<{ id: string }>(
      "SELECT id FROM entities WHERE stream = ? AND state = 'sending' AND id IN (SELECT value FROM json_each(?))",
      JSON.stringify(entities),
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Up to `limit` entities that wait to be mapped, in key order after `after`. */
  pending(limit: number, after: string): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT id FROM entities INDEXED BY entities_open
          WHERE stream = ? AND state IN ('pending', 'sending', 'held') AND state = 'pending' AND id > ?
          ORDER BY id LIMIT ?`,
        after,
        limit,
      )
      .map((row) => row.id);
  }

  get isAnyPending(): boolean {
    return this.pending(1, '').length > 0;
  }

  /** Entities waiting to be mapped whose own record (an entity's id is a record's id) is not in the mirror. */
  withoutOwnRecord(after: string, limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT e.id FROM entities e INDEXED BY entities_open
           LEFT JOIN records r ON r.stream = e.stream AND r.id = e.id
          WHERE e.stream = ? AND e.state IN ('pending', 'sending', 'held') AND e.state = 'pending' AND r.id IS NULL
            AND e.id > ? ORDER BY e.id LIMIT ?`,
        after,
        limit,
      )
      .map((row) => row.id);
  }

  /** Entities that wait to be mapped, and those whose writes HubSpot left unanswered. */
  openCounts(): { readonly waiting: number; readonly held: number } {
    const found = this.#sql.first<{ waiting: number; held: number }>(
      `SELECT count(*) FILTER (WHERE state <> 'held') AS waiting, count(*) FILTER (WHERE state = 'held') AS held
         FROM entities INDEXED BY entities_open WHERE stream = ? AND state IN ('pending', 'sending', 'held')`,
    );
    return found ?? { waiting: 0, held: 0 };
  }

  /** What a process that died had queued or sent goes back to waiting. Returns how many. */
  reopenSending(): number {
    return this.#sql.change(
      `UPDATE entities INDEXED BY entities_open SET state = 'pending'
        WHERE stream = ? AND state IN ('pending', 'sending', 'held') AND state = 'sending'`,
    );
  }

  /** Held entities wait again, to be sent once more. Returns how many. */
  reopenHeld(): number {
    return this.#sql.change(
      `UPDATE entities INDEXED BY entities_open SET state = 'pending'
        WHERE stream = ? AND state IN ('pending', 'sending', 'held') AND state = 'held'`,
    );
  }

  /** The entities of these records are decided once more, whatever became of them before. */
  reopenRecords(ids: readonly string[]): void {
    this.#sql.change(
      `UPDATE entities SET state = 'pending' WHERE stream = ?1 AND state IN ('dead', 'clean') AND id IN (
         SELECT m.entity FROM membership m JOIN records r ON r.stream = m.stream AND r.id = m.record
            AND (r.raw IS NOT NULL OR r.gone = 1)
          WHERE m.stream = ?1 AND m.record IN (SELECT value FROM json_each(?2)))`,
      JSON.stringify(ids),
    );
  }
}
