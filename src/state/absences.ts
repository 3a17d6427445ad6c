/** Which records the source has no more: what one proven pass over all of it lacked, and what is concluded from two. */
import type { Statements } from './statements.ts';

/** The rule under which records that the source deleted are counted. */
export const DELETED_AT_SOURCE = 'deleted-at-source';

/** A record that was concluded to be gone, and what hung on it. */
interface Gone {
  readonly id: string;
  readonly modifiedAt: string;
  /** A payload was kept: it was in scope. */
  readonly isInScope: boolean;
  readonly lackedBy: string | null;
}

export class Absences {
  readonly #sql: Statements;
  #any: boolean | null = null;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** What is seen anywhere is not absent, whichever kind of run sees it. */
  seen(ids: readonly string[]): void {
    // Most runs begin without absences: no statement per page then.
    this.#any ??= this.#sql.first('SELECT 1 FROM absences WHERE stream = ? LIMIT 1') !== undefined;
    if (!this.#any) return;
    this.#sql.change(
      'DELETE FROM absences WHERE stream = ? AND record IN (SELECT value FROM json_each(?))',
      JSON.stringify(ids),
    );
  }

  /** Passes before this one say nothing any more: the source was read in another way. */
  forgetPasses(): void {
    this.#sql.change('DELETE FROM absences WHERE stream = ?');
  }

  /** Up to `limit` ids of records that are not known to be gone, excluded ones too, in order after `after`. */
  known(after: string, limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT id FROM records WHERE stream = ?1 AND id > ?2
            AND id NOT IN (SELECT id FROM records WHERE stream = ?1 AND gone = 1) ORDER BY id LIMIT ?3`,
        after,
        limit,
      )
      .map(({ id }) => id);
  }

  /** This pass lacks them. */
  note(ids: readonly string[]): void {
    this.#any ||= ids.length > 0;
    this.#sql.change(
      `INSERT OR IGNORE INTO absences (stream, record, run, since) SELECT ?1, value, ?3, ?4 FROM json_each(?2)`,
      JSON.stringify(ids),
      this.#sql.run,
      this.#sql.now(),
    );
  }

  /** What an earlier pass lacked as well, records in scope first. To be asked for when this pass has been noted. */
  lackedTwice(): { readonly inScope: string[]; readonly excluded: string[] } {
    const rows = this.#sql.all<{ id: string; isInScope: 0 | 1 }>(
      `SELECT a.record AS id, r.raw IS NOT NULL AS isInScope FROM absences a
         JOIN records r ON r.stream = a.stream AND r.id = a.record WHERE a.stream = ? AND a.run <> ? ORDER BY a.record`,
      this.#sql.run,
    );
    const ids = (isInScope: 0 | 1): string[] => rows.filter((row) => row.isInScope === isInScope).map(({ id }) => id);
    return { inScope: ids(1), excluded: ids(0) };
  }

  /** Records in scope that are not known to be gone. */
  recordsInScope(): number {
    return (
      this.#sql.first<{ n: number }>('SELECT count(*) AS n FROM records WHERE stream = ? AND raw IS NOT NULL')?.n ?? 0
    );
  }

  count(): number {
    return this.#sql.first<{ n: number }>('SELECT count(*) AS n FROM absences WHERE stream = ?')?.n ?? 0;
  }

  /** Empties them and marks them as gone: their rows stay, so that nothing takes them for unread. */
  conclude(ids: readonly string[]): readonly Gone[] {
    const list = JSON.stringify(ids);
    const rows = this.#sql.all<Omit<Gone, 'isInScope'> & { isInScope: 0 | 1 }>(
      `SELECT r.id, r.modified_at AS modifiedAt, r.raw IS NOT NULL AS isInScope, a.run AS lackedBy FROM records r
         LEFT JOIN absences a ON a.stream = r.stream AND a.record = r.id
        WHERE r.stream = ? AND r.id IN (SELECT value FROM json_each(?))`,
      list,
    );
    this.#sql.change(
      "UPDATE records SET gone = 1, raw = NULL, content = '' WHERE stream = ? AND id IN (SELECT value FROM json_each(?))",
      list,
    );
    for (const table of ['absences', 'joined'] as const) {
      this.#sql.change(`DELETE FROM ${table} WHERE stream = ? AND record IN (SELECT value FROM json_each(?))`, list);
    }
    return rows.map((row) => ({ ...row, isInScope: row.isInScope === 1 }));
  }

  /** The entities that a record is part of and that have not left the scope; `isDeleted`: nothing else is part of them. */
  entitiesOf(record: string): { readonly id: string; readonly isDeleted: boolean }[] {
    return this.#sql
      .all<{ id: string; living: number }>(
        `SELECT e.id, (SELECT count(*) FROM membership o JOIN records r ON r.stream = o.stream AND r.id = o.record
                        WHERE o.stream = e.stream AND o.entity = e.id AND r.gone = 0) AS living
           FROM membership m JOIN entities e ON e.stream = m.stream AND e.id = m.entity
          WHERE m.stream = ? AND m.record = ? AND e.state <> 'excluded'`,
        record,
      )
      .map(({ id, living }) => ({ id, isDeleted: living === 0 }));
  }

  /** The records of an entity when every one of them is gone; null when one is not, or when there is none. */
  recordsOfDeleted(entity: string): string[] | null {
    const rows = this.#sql.all<{ id: string; gone: number }>(
      `SELECT r.id, r.gone FROM membership m JOIN records r ON r.stream = m.stream AND r.id = m.record
        WHERE m.stream = ? AND m.entity = ?`,
      entity,
    );
    return rows.length > 0 && rows.every(({ gone }) => gone === 1) ? rows.map(({ id }) => id) : null;
  }
}
