/** What the state no longer needs: by age, in small transactions, and never what is open or still compared with. */
import type { Database } from 'better-sqlite3';

export interface Ages {
  /** Resolved and discarded letters last seen before. */
  readonly lettersBeforeMs: number;
  readonly journalBeforeMs: number;
  /** Runs, and what people decided. */
  readonly runsBeforeMs: number;
}

export interface Pruned {
  readonly letters: number;
  readonly journal: number;
  readonly runs: number;
}

/** Rows deleted in one transaction, so that a reader beside it never waits long. */
const CHUNK = 5_000;

/** Entries that people made, kept as long as runs; the change of a pipe to production is kept for good. */
const DECISIONS = "('cursor', 'letter discarded', 'letter reopened')";

const DOOMED = {
  letters: "SELECT id FROM dead_letters WHERE state IN ('resolved', 'discarded') AND last_seen < @lettersBeforeMs",
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
export function prunable(db: Database, ages: Ages): Pruned {
  const count = (doomed: string): number =>
    db.prepare<[Ages], { n: number }>(`SELECT count(*) AS n FROM (${doomed})`).get(ages)?.n ?? 0;
  return { letters: count(DOOMED.letters), journal: count(DOOMED.journal), runs: count(DOOMED.runs) };
}

/** Deletes it, and says how much it was. */
export function prune(db: Database, ages: Ages): Pruned {
  const letters = deleteAll(db, ages, DOOMED.letters, ['DELETE FROM dead_letters WHERE id IN']);
  const journal = deleteAll(db, ages, DOOMED.journal, ['DELETE FROM journal WHERE id IN']);
  const runs = deleteAll(db, ages, DOOMED.runs, [
    'DELETE FROM run_partitions WHERE run IN',
    'DELETE FROM runs WHERE id IN',
  ]);
  return { letters, journal, runs };
}

/** Returns how many rows the last of the statements deleted. */
function deleteAll(db: Database, ages: Ages, doomed: string, deletes: readonly string[]): number {
  const select = db.prepare<[Ages & { limit: number }], { id: number | string }>(`${doomed} LIMIT @limit`);
  const statements = deletes.map((text) => db.prepare<[string]>(`${text} (SELECT value FROM json_each(?))`));
  for (let deleted = 0; ; ) {
    const changes = db
      .transaction(() => {
        const ids = JSON.stringify(select.all({ ...ages, limit: CHUNK }).map(({ id }) => id));
        return statements.reduce((_, statement) => statement.run(ids).changes, 0);
      })
      .immediate();
    if (changes === 0) return deleted; // bounded: every round deletes at least one row, or is the last
    deleted += changes;
  }
}

/** Gives the journal file of SQLite back to the disk, and with `vacuum` what the database itself no longer uses. */
export function shrink(db: Database, vacuum: boolean): void {
  if (vacuum) db.exec('VACUUM');
  db.pragma('wal_checkpoint(TRUNCATE)');
}
