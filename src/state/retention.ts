/** What the state no longer needs: by age, in small transactions, and never what is open or still compared with. */
import type { Database } from 'better-sqlite3';

export interface Ages {
  /** Resolved and discarded letters last seen before. */
  readonly lettersBeforeMs: number;
  /** The same, of their payloads; the letter stays. */
  readonly payloadsBeforeMs: number;
  readonly journalBeforeMs: number;
  /** Runs, slots of the schedule, comparisons with HubSpot, and what people decided. */
  readonly runsBeforeMs: number;
  readonly probesBeforeMs: number;
}

const KINDS = ['letters', 'payloads', 'journal', 'runs', 'slots', 'comparisons', 'probes'] as const;
type Kind = (typeof KINDS)[number];
/** Rows, by what they are; `payloads`: cleared of letters that stay. */
export type Pruned = Readonly<Record<Kind, number>>;

/** Rows changed in one transaction, so that a reader beside it never waits long. */
const CHUNK = 5_000;

/** Entries that people made, kept as long as runs; the change of a pipe to production is kept for good. */
const DECISIONS = "('cursor', 'letter discarded', 'letter reopened')";

/** That this tool made an object decides for as long as the object is known whether it may be archived. */
const IS_ORIGIN = `(kind = 'created' AND EXISTS (SELECT 1 FROM objects o WHERE o.stream = j.stream
    AND o.object = substr(j.subject, 1, instr(j.subject, ' ') - 1) AND o.key = substr(j.subject, instr(j.subject, ' ') + 1)))`;

/** Which rows go, by their id. */
const DOOMED: Readonly<Record<Kind, string>> = {
  letters: "SELECT id FROM dead_letters WHERE state IN ('resolved', 'discarded') AND last_seen < @lettersBeforeMs",
  payloads: `SELECT id FROM dead_letters WHERE state IN ('resolved', 'discarded') AND raw IS NOT NULL
    AND last_seen < @payloadsBeforeMs AND last_seen >= @lettersBeforeMs`,
  journal: `SELECT id FROM journal j WHERE kind <> 'flip' AND NOT ${IS_ORIGIN}
    AND at < CASE WHEN kind IN ${DECISIONS} THEN @runsBeforeMs ELSE @journalBeforeMs END`,
  // The last proven run of a stream is what the next one is measured by; the last run of a pipe is what `status` shows.
  runs: `SELECT id FROM runs r WHERE status <> 'running' AND started_at < @runsBeforeMs
    AND id NOT IN (SELECT id FROM (SELECT id, max(started_at) FROM runs WHERE status = 'ok'
      AND json_extract(mode, '$.dryRun') = 0 AND json_extract(mode, '$.restricted') = 0 GROUP BY pipe, stream))
    AND id NOT IN (SELECT id FROM (SELECT id, max(started_at) FROM runs GROUP BY pipe))
    AND id NOT IN (SELECT run FROM dead_letters WHERE state = 'open')`,
  // The newest slot of a job says from which date on it is planned.
  slots: `SELECT job || ' ' || date AS id FROM slots s WHERE planned_at < @runsBeforeMs
    AND state NOT IN ('open', 'running') AND date < (SELECT max(date) FROM slots WHERE job = s.job)`,
  comparisons: `SELECT stream || ' ' || at AS id FROM reconciliations r WHERE at < @runsBeforeMs
    AND at < (SELECT max(at) FROM reconciliations WHERE stream = r.stream)`,
  // The newest of a subject is what the next probe is compared with.
  probes: `SELECT id FROM probes WHERE at < @probesBeforeMs
    AND id NOT IN (SELECT max(id) FROM probes GROUP BY system, resource, instance, kind)`,
};

const CHANGES: Readonly<Record<Kind, readonly string[]>> = {
  letters: ['DELETE FROM dead_letters WHERE id IN'],
  payloads: ['UPDATE dead_letters SET raw = NULL WHERE id IN'],
  journal: ['DELETE FROM journal WHERE id IN'],
  runs: ['DELETE FROM run_partitions WHERE run IN', 'DELETE FROM runs WHERE id IN'],
  slots: ["DELETE FROM slots WHERE job || ' ' || date IN"],
  comparisons: ["DELETE FROM reconciliations WHERE stream || ' ' || at IN"],
  probes: ['DELETE FROM probes WHERE id IN'],
};

const ofEach = (count: (kind: Kind) => number): Pruned => {
  const [letters, payloads, journal] = [count('letters'), count('payloads'), count('journal')];
  const [runs, slots, comparisons, probes] = [count('runs'), count('slots'), count('comparisons'), count('probes')];
  return { letters, payloads, journal, runs, slots, comparisons, probes };
};

/** How much `prune` would delete; changes nothing. */
export const prunable = (db: Database, ages: Ages): Pruned =>
  ofEach((kind) => db.prepare<[Ages], { n: number }>(`SELECT count(*) AS n FROM (${DOOMED[kind]})`).get(ages)?.n ?? 0);

/** Deletes it, and says how much it was. */
export const prune = (db: Database, ages: Ages): Pruned =>
  ofEach((kind) => inChunks(db, ages, DOOMED[kind], CHANGES[kind]));

/** Returns how many rows the last of the statements changed. */
function inChunks(db: Database, ages: Ages, doomed: string, changes: readonly string[]): number {
  const select = db.prepare<[Ages & { limit: number }], { id: number | string }>(`${doomed} LIMIT @limit`);
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
