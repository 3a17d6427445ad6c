/** Dead letters and the journal: what was refused and why, what happened to each record. */
import type { Statements } from './statements.ts';

export interface Letter {
  /** 'record <id>', 'row <digest>' or '<object> <key>'. */
  readonly subject: string;
  readonly entity: string | null;
  readonly stage: 'read' | 'scope' | 'map' | 'write' | 'link';
  readonly category: string;
  readonly reason: string;
  /** JSON text of the payload as the source sent it; null where it must not be kept. */
  readonly raw: string | null;
}

export class Letters {
  readonly #sql: Statements;
  readonly #mapper: string;
  #any: boolean | null = null;

  constructor(sql: Statements, mapper: string) {
    this.#sql = sql;
    this.#mapper = mapper;
  }

  /** Opens a letter, or renews the open one. Returns whether it is news: not open before, or about another content. */
  open(letter: Letter): boolean {
    this.#any = true;
    const before = this.#sql.first<{ raw: string | null }>(
      "SELECT raw FROM dead_letters WHERE stream = ? AND subject = ? AND state = 'open'",
      letter.subject,
    );
    this.#sql.change(
      `INSERT INTO dead_letters (stream, subject, entity, stage, category, reason, raw, mapper, first_seen, last_seen,
         attempts, run, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 1, ?10, 'open')
       ON CONFLICT (stream, subject) DO UPDATE SET entity = excluded.entity, stage = excluded.stage,
         category = excluded.category, reason = excluded.reason, raw = excluded.raw, mapper = excluded.mapper,
         first_seen = CASE WHEN state = 'open' THEN first_seen ELSE excluded.first_seen END,
         last_seen = excluded.last_seen, attempts = attempts + 1, run = excluded.run, state = 'open'`,
      letter.subject,
      letter.entity,
      letter.stage,
      letter.category,
      letter.reason,
      letter.raw,
      this.#mapper,
      this.#sql.now(),
      this.#sql.run,
    );
    return before === undefined || before.raw !== letter.raw;
  }

  /** An entity that arrived healthy clears its letters. */
  resolve(entity: string): void {
    // Most runs begin without open letters, and letters opened in this run set the mark: no look-up per record then.
    this.#any ??=
      this.#sql.first("SELECT 1 FROM dead_letters WHERE stream = ? AND state = 'open' LIMIT 1") !== undefined;
    if (!this.#any) return;
    this.#sql.change(
      "UPDATE dead_letters SET state = 'resolved', last_seen = ?3 WHERE stream = ?1 AND entity = ?2 AND state = 'open'",
      entity,
      this.#sql.now(),
    );
  }

  /** Letters of a record that turned out to be somebody's whose data stays in the source: closed, and emptied. */
  forget(record: string, entities: readonly string[], rule: string): void {
    this.#sql.change(
      `UPDATE dead_letters SET state = CASE state WHEN 'open' THEN 'resolved' ELSE state END, raw = NULL, reason = ?4, last_seen = ?5
        WHERE stream = ?1 AND (subject = 'record ' || ?2 OR entity IN (SELECT value FROM json_each(?3))) AND raw IS NOT NULL`,
      record,
      JSON.stringify(entities),
      `out of scope: ${rule}`,
      this.#sql.now(),
    );
  }

  journal(kind: string, subject: string, detail: string | null): void {
    this.#sql.change(
      'INSERT INTO journal (stream, at, run, kind, subject, detail) VALUES (?, ?, ?, ?, ?, ?)',
      this.#sql.now(),
      this.#sql.run,
      kind,
      subject,
      detail,
    );
  }
}
