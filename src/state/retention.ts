/** What the state no longer needs: by age, in small transactions, and never what is open or still compared with. */
import type { Database } from 'better-sqlite3';

export interface Ages {
  /** Resolved and discarded letters last seen before. */
  readonly lettersBeforeMs: number;
  readonly journalBeforeMs: number;
  /** Runs, and what people decided. */
  readonly runsBeforeMs: number;
  /** Payloads of letters that are settled, whatever their age. */
  readonly withPayloads: boolean;
}

export interface Pruned {
  readonly letters: number;
  /** Payloads cleared of letters that stay. */
  readonly payloads: number;
  readonly journal: number;
  readonly runs: number;
}

/** Rows changed in one transaction, so that a reader beside it never waits long. */
const CHUNK = 5_000;

/** Entries that people made, kept as long as runs; the change of a pipe to production is kept for good. */
const DECISIONS = "('cursor', 'letter discarded', 'letter reopened')";

const DOOMED = {
  letters: "SELECT id FROM dead_letters WHERE state IN ('resolved', 'discarded') AND last_seen < @lettersBeforeMs",
  payloads: "SELECT id FROM dead_letters WHERE state IN ('resolved', 'discarded') AND raw IS NOT NULL",
  journal: `SELECT id FROM journal WHERE kind <> 'flip'
    AND at < CASE WHEN kind IN ${DECISIONS} THEN @runsBeforeMs ELSE @journalBeforeMs END`,
  // The last proven run of a stream is what the next one is measured by; the last run of a pipe is what `status` shows.
  runs: `SELECT id FROM runs r WHERE status <> 'running' AND started_at < @runsBeforeMs
    AND id NOT IN (SELECT id FROM (SELECT id, max(started_at) FROM runs WHERE status = 'ok'
      AND json_extract(mode, '$.dryRun') = 0 AND json_extract(mode, '$.restricted') = 0 GROUP BY pipe, stream))
    AND id NOT IN (SELECT id FROM (SELECT id, max(started_at) FROM runs GROUP BY pipe))
    AND id NOT IN (SELECT run FROM dead_letters WHERE state = 'open')`,
} as const;

/** How much `prune` would delete; changes nothing. */
export function prunable(db: Database, { withPayloads, ...ages }: Ages): Pruned {
  const count = (doomed: string): number =>
    db.prepare<[Before], { n: number }>(`SELECT count(*) AS n FROM (${doomed})`).get(ages)?.n ?? 0;
  const letters = count(DOOMED.letters);
  const left = `${DOOMED.payloads} AND last_seen >= @lettersBeforeMs`;
  const payloads = withPayloads ? count(left) : 0;
  return { letters, payloads, journal: count(DOOMED.journal), runs: count(DOOMED.runs) };
}

/** Deletes it, and says how much it was. */
export function prune(db: Database, { withPayloads, ...ages }: Ages): Pruned {
  const letters = inChunks(db, ages, DOOMED.letters, ['DELETE FROM dead_letters WHERE id IN']);
  const clear = ['UPDATE dead_letters SET raw = NULL WHERE id IN'];
  const payloads = withPayloads ? inChunks(db, ages, DOOMED.payloads, clear) : 0;
  const journal = inChunks(db, ages, DOOMED.journal, ['DELETE FROM journal WHERE id IN']);
  const runs = inChunks(db, ages, DOOMED.runs, [
    'DELETE FROM run_partitions WHERE run IN',
    'DELETE FROM runs WHERE id IN',
  ]);
  return { letters, payloads, journal, runs };
}

type Before = Omit<Ages, 'withPayloads'>;

/** Returns how many rows the last of the statements changed. */
function inChunks(db: Database, ages: Before, doomed: string, changes: readonly string[]): number {
  const select = db.prepare<[Before & { limit: number }], { id: number | string }>(`${doomed} LIMIT @limit`);
  const statements = changes.map((text) => db.prepare<[string]>(`${text} (SELECT value FROM json_each(?))`));
  for (let changed = 0; ; ) {
    const count = db
      .transaction(() => {
        const ids = JSON.stringify(select.all({ ...ages, limit: CHUNK }).map(({ id }) => id));
        return statements.reduce((_, statement) => statement.run(ids).changes, 0);
      })
      .immediate();
    if (count === 0) return changed; // bounded: every round changes at least one row for good, or is the last
    changed += count;
  }
}

/** Gives the journal file of SQLite back to the disk, and with `vacuum` what the database itself no longer uses. */
export function shrink(db: Database, vacuum: boolean): void {
  if (vacuum) db.exec('VACUUM');
  db.pragma('wal_checkpoint(TRUNCATE)');
}
