/** Dead letters and the journal: what was refused and why, what happened to each record. */
import { type Proof, proofColumns } from './proof.ts';
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
  /** The cause may pass by itself, without a change of the record: later runs try again, less and less often. */
  readonly isPassing?: boolean;
  /** People decided it in HubSpot: a discarded letter stays discarded, and a newer content is no news. */
  readonly isByPeople?: boolean;
}

const HOUR_MS = 3_600_000;
/**
 * Waits before each try of its own, for a job that runs once a day: the next run, then after 1, 2, 4 and 7 days, less
 * four hours, because no run begins at the very minute of the last. After these a person has to ask.
 */
const RETRY_AFTER_MS = [0, 20, 44, 92, 164, 164, 164, 164].map((hours) => hours * HOUR_MS);

export class Letters {
  readonly #sql: Statements;
  readonly #mapper: string;
  #any: boolean | null = null;
  /** Told of each letter that is news. */
  onNews: (letter: Pick<Letter, 'subject' | 'stage' | 'category'>) => void = () => undefined;

  constructor(sql: Statements, mapper: string) {
    this.#sql = sql;
    this.#mapper = mapper;
  }

  /** Opens a letter, or renews the open one. Returns whether it is news: not open before, or about another content. */
  open(letter: Letter): boolean {
    this.#any = true;
    const before = this.#sql.first<{ raw: string | null; category: string; state: string; retries: number }>(
      "SELECT raw, category, state, retries FROM dead_letters WHERE stream = ? AND subject = ? AND state <> 'resolved'",
      letter.subject,
    );
    const isKnown = before?.category === letter.category && (before.state === 'open' || letter.isByPeople === true);
    const retries = isKnown ? before.retries + 1 : 0;
    const waitMs = letter.isPassing ? RETRY_AFTER_MS[retries] : undefined;
    this.#sql.change(
      `INSERT INTO dead_letters (stream, subject, entity, stage, category, reason, raw, mapper, first_seen, last_seen,
         attempts, run, state, next_attempt, retries) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 1, ?10, ?11, ?12, ?13)
       ON CONFLICT (stream, subject) DO UPDATE SET entity = excluded.entity, stage = excluded.stage,
         category = excluded.category, reason = excluded.reason, raw = excluded.raw, mapper = excluded.mapper,
         first_seen = CASE WHEN state = 'resolved' THEN excluded.first_seen ELSE first_seen END,
         last_seen = excluded.last_seen, attempts = attempts + 1, run = excluded.run, state = excluded.state,
         next_attempt = excluded.next_attempt, retries = excluded.retries`,
      letter.subject,
      letter.entity,
      letter.stage,
      letter.category,
      letter.reason,
      letter.raw,
      this.#mapper,
      this.#sql.now(),
      this.#sql.run,
      isKnown ? before.state : 'open',
      waitMs === undefined ? null : this.#sql.now() + waitMs,
      retries,
    );
    if (isKnown && letter.isByPeople) return false;
    const isNews = before?.state !== 'open' || before.raw !== letter.raw;
    if (isNews) this.onNews(letter);
    return isNews;
  }

  /** Entities whose letters are to be tried again by now wait to be mapped. Returns how many. */
  reopenDue(): number {
    return this.#sql.change(
      `UPDATE entities SET state = 'pending' WHERE stream = ?1 AND state = 'dead' AND id IN (
         SELECT entity FROM dead_letters WHERE stream = ?1 AND state = 'open' AND next_attempt <= ?2)`,
      this.#sql.now(),
    );
  }

  /** Links, whichever stream wants them, that are not to be tried now: refused, and not due again or set aside. */
  restingLinks(): ReadonlySet<string> {
    const rows = this.#sql.all<{ subject: string }>(
      `SELECT subject FROM dead_letters WHERE ?1 IS NOT NULL AND stage = 'link'
         AND (state = 'discarded' OR (state = 'open' AND (next_attempt IS NULL OR next_attempt > ?2)))`,
      this.#sql.now(),
    );
    return new Set(rows.map(({ subject }) => subject));
  }

  /** A link that was made clears its letter, whichever run opened it. */
  resolveLink(subject: string): void {
    this.#sql.change(
      "UPDATE dead_letters SET state = 'resolved', last_seen = ?3 WHERE ?1 IS NOT NULL AND subject = ?2 AND stage = 'link' AND state = 'open'",
      subject,
      this.#sql.now(),
    );
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

  journal(kind: string, subject: string, detail: string | null, proof?: Proof): void {
    this.#sql.change(
      'INSERT INTO journal (stream, at, run, kind, subject, detail, batch, trace, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      this.#sql.now(),
      this.#sql.run,
      kind,
      subject,
      detail,
      ...proofColumns(proof),
    );
  }
}
