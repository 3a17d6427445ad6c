/** Dead letters as people handle them: which there are, what is behind them, what a person decided about them. */
import type { Database } from 'better-sqlite3';

export type LetterState = 'open' | 'resolved' | 'discarded';

export interface LetterRow {
  readonly id: number;
  readonly pipe: string;
  /** Row of `streams`: the source instance whose record it is about. */
  readonly stream: number;
  /** 'record <ids>', 'row <digest>', '<object> <key>' or 'link …'. */
  readonly subject: string;
  readonly entity: string | null;
  readonly stage: 'read' | 'scope' | 'map' | 'write' | 'link';
  readonly category: string;
  readonly reason: string;
  readonly mapper: string;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly attempts: number;
  readonly run: string;
  readonly state: LetterState;
  /** When a run tries it again by itself; null: when its record changes, or a person asks. */
  readonly nextAttemptMs: number | null;
}

/** What is asked for; null where everything is. */
export interface LetterFilter {
  readonly pipe: string | null;
  readonly stage: string | null;
  readonly category: string | null;
  readonly state: LetterState | null;
  /** Last seen at or after. */
  readonly sinceMs: number | null;
}

const COLUMNS = `d.id, s.pipe, d.stream, d.subject, d.entity, d.stage, d.category, d.reason, d.mapper,
  d.first_seen AS firstSeenMs, d.last_seen AS lastSeenMs, d.attempts, d.run, d.state,
  CASE WHEN d.state = 'open' THEN d.next_attempt END AS nextAttemptMs`;
const FROM = 'FROM dead_letters d JOIN streams s ON s.id = d.stream';
const WHERE = `WHERE (@pipe IS NULL OR s.pipe = @pipe) AND (@stage IS NULL OR d.stage = @stage)
  AND (@category IS NULL OR d.category = @category) AND (@state IS NULL OR d.state = @state)
  AND (@sinceMs IS NULL OR d.last_seen >= @sinceMs)`;

/** Up to `limit` letters, the latest seen first, and how many there are. */
export function listLetters(
  db: Database,
  filter: LetterFilter,
  limit: number,
): { readonly letters: readonly LetterRow[]; readonly total: number } {
  const letters = db
    .prepare<[LetterFilter & { limit: number }], LetterRow>(
      `SELECT ${COLUMNS} ${FROM} ${WHERE} ORDER BY d.last_seen DESC, d.id LIMIT @limit`,
    )
    .all({ ...filter, limit });
  const total = db.prepare<[LetterFilter], { n: number }>(`SELECT count(*) AS n ${FROM} ${WHERE}`).get(filter)?.n ?? 0;
  return { letters, total };
}

/** Letters by number; those that are not there are left out. */
export const findLetters = (db: Database, ids: readonly number[]): readonly LetterRow[] =>
  db
    .prepare<[string], LetterRow>(
      `SELECT ${COLUMNS} ${FROM} WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id`,
    )
    .all(JSON.stringify(ids));

/** The kept payload as JSON text; null where none may be kept. */
export const payloadOf = (db: Database, id: number): string | null =>
  db.prepare<[number], { raw: string | null }>('SELECT raw FROM dead_letters WHERE id = ?').get(id)?.raw ?? null;

/** The ids of the source's records behind a letter; empty for a row without a usable id. */
export function recordsBehind(db: Database, { stream, entity, stage, subject }: LetterRow): readonly string[] {
  const entities = stage === 'link' ? entitiesOfLink(db, stream, subject) : entity === null ? [] : [entity];
  const members = db
    .prepare<[number, string], { record: string }>(
      'SELECT DISTINCT record FROM membership WHERE stream = ? AND entity IN (SELECT value FROM json_each(?)) ORDER BY 1',
    )
    .all(stream, JSON.stringify(entities))
    .map(({ record }) => record);
  if (members.length > 0) return members;
  return subject.startsWith('record ') ? subject.slice('record '.length).split(',') : [];
}

/** Why a run opened this letter again, or another one about its entity; null when it did not. */
export const refusalIn = (db: Database, { stream, subject, entity }: LetterRow, run: string): string | null =>
  db
    .prepare<[number, string, string, string | null], { reason: string }>(
      `SELECT reason FROM dead_letters
        WHERE stream = ? AND run = ? AND state = 'open' AND (subject = ? OR entity = ?) ORDER BY last_seen DESC, id LIMIT 1`,
    )
    .get(stream, run, subject, entity)?.reason ?? null;

/** Whose object the link begins at: the subject says `link <object> <key> to …`. */
const entitiesOfLink = (db: Database, stream: number, subject: string): string[] =>
  db
    .prepare<[number, string], { entity: string }>(
      `SELECT DISTINCT o.entity FROM objects o, (SELECT ? AS stream, ? AS subject) l
        WHERE o.stream = l.stream
          AND substr(l.subject, 1, length(o.object) + length(o.key) + 10) = 'link ' || o.object || ' ' || o.key || ' to '`,
    )
    .all(stream, subject)
    .map(({ entity }) => entity);

/** Who decided it, when, and why. */
export interface Decision {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

/** Sets open letters aside; journaled. Returns the numbers of those that were open. */
export const discardLetters = (db: Database, ids: readonly number[], decision: Decision): readonly number[] =>
  changeState(db, ids, { from: 'open', to: 'discarded', kind: 'letter discarded' }, decision);

/** A link is tried by the next run, whatever its letter waits for. */
export function makeDue(db: Database, ids: readonly number[], atMs: number): void {
  db.prepare(
    `UPDATE dead_letters SET next_attempt = ?, retries = 0
      WHERE stage = 'link' AND state = 'open' AND id IN (SELECT value FROM json_each(?))`,
  ).run(atMs, JSON.stringify(ids));
}

/** Takes up again what was set aside; journaled. Returns the numbers of those that were. */
export const reopenLetters = (db: Database, ids: readonly number[], decision: Decision): readonly number[] =>
  changeState(db, ids, { from: 'discarded', to: 'open', kind: 'letter reopened' }, decision);

function changeState(
  db: Database,
  ids: readonly number[],
  { from, to, kind }: { readonly from: LetterState; readonly to: LetterState; readonly kind: string },
  { atMs, by, reason }: Decision,
): readonly number[] {
  const update = db.prepare<[LetterState, number, LetterState], { stream: number }>(
    'UPDATE dead_letters SET state = ? WHERE id = ? AND state = ? RETURNING stream',
  );
  const note = db.prepare('INSERT INTO journal (at, run, stream, kind, subject, detail) VALUES (?, ?, ?, ?, ?, ?)');
  return db
    .transaction(() =>
      ids.filter((id) => {
        const changed = update.get(to, id, from);
        if (changed) note.run(atMs, by, changed.stream, kind, `letter ${id}`, JSON.stringify({ reason }));
        return changed !== undefined;
      }),
    )
    .immediate();
}

/** What people did with a letter, oldest first. */
export function historyOf(
  db: Database,
  id: number,
): readonly { readonly atMs: number; readonly by: string; readonly what: string; readonly reason: string }[] {
  return db
    .prepare<[string], { atMs: number; by: string; what: string; detail: string }>(
      `SELECT at AS atMs, run AS by, kind AS what, detail FROM journal
        WHERE subject = ? AND kind IN ('letter discarded', 'letter reopened') ORDER BY id`,
    )
    .all(`letter ${id}`)
    .map(({ detail, ...row }) => {
      const { reason }: { reason: string } = JSON.parse(detail);
      return { ...row, reason };
    });
}

/** The rules that exclude the records of these letters now: a letter about such a record is settled. */
export function resolveExcluded(db: Database, ids: readonly number[], atMs: number): void {
  db.prepare(
    `UPDATE dead_letters SET state = 'resolved', last_seen = ?, raw = NULL
      WHERE state = 'open' AND id IN (SELECT value FROM json_each(?))
        AND EXISTS (SELECT 1 FROM entities e
                     WHERE e.stream = dead_letters.stream AND e.id = dead_letters.entity AND e.state = 'excluded')`,
  ).run(atMs, JSON.stringify(ids));
}
