/** Questions about the state as a whole, for people; read-only. */
import type { Database } from 'better-sqlite3';
import { flipOf } from './cutover.ts';
import { latestRuns, type RunRow } from './runs.ts';

export interface LastRun {
  readonly id: string;
  readonly status: RunRow['status'];
  readonly trigger: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly pid: number;
  /** Read only a part: `--limit`, `--since`, `--partition`, single records. */
  readonly isRestricted: boolean;
  /** Null where the run died, or was refused before it began. */
  readonly read: number | null;
  readonly written: number | null;
  readonly reason: string | null;
  readonly hint: string | null;
}

export interface PipeStatus {
  readonly pipe: string;
  readonly lastRun: LastRun | null;
  readonly lastOkAtMs: number | null;
  /** Every change made at the source before is in HubSpot, or an open dead letter: the start of the last proven whole run. */
  readonly dataFromMs: number | null;
  readonly openDeadLetters: number;
  readonly oldestDeadLetterMs: number | null;
  /** Entities that were read and are not settled: pending, being sent, or held. */
  readonly waiting: number;
  /** Links whose other end is not in HubSpot yet. */
  readonly pendingLinks: number;
  readonly oldestPendingLinkMs: number | null;
  /** Objects with our key where HubSpot's count at the end of the last run differs from the state's. */
  readonly miscounted: readonly { readonly object: string; readonly known: number; readonly counted: number }[];
  /** Known records that the last full pass lacked: one more decides whether the source has deleted them. */
  readonly lackingRecords: number;
  /** Records that the source has deleted. */
  readonly deletedRecords: number;
  /** Slices whose last reading was not proven: the next run reads them again, whatever the cursor says. */
  readonly owedReadings: number;
  /** When the pipe changed over to the ERP's production; null for one that has not. */
  readonly flippedAtMs: number | null;
}

/** Of a pipe that has no state yet. */
export const neverRun = (pipe: string): PipeStatus => ({
  ...{ pipe, lastRun: null, lastOkAtMs: null, dataFromMs: null, openDeadLetters: 0, oldestDeadLetterMs: null },
  ...{ waiting: 0, pendingLinks: 0, oldestPendingLinkMs: null, lackingRecords: 0, deletedRecords: 0, owedReadings: 0 },
  flippedAtMs: null,
  miscounted: [],
});

interface Counted {
  readonly n: number;
  readonly sinceMs: number | null;
}

/** Runs that may have been dry runs only, among which the last real one is looked for. */
const LOOKED_AT = 20;

export function pipeStatus(db: Database, pipe: string): PipeStatus {
  const counted = (sql: string): Counted => db.prepare<[string], Counted>(sql).get(pipe) ?? { n: 0, sinceMs: null };
  const last = latestRuns(db, pipe, LOOKED_AT).find((run) => JSON.parse(run.mode).dryRun !== true);
  const whole = db
    .prepare<[string], { startedAtMs: number; endedAtMs: number }>(
      `SELECT started_at AS startedAtMs, ended_at AS endedAtMs FROM runs WHERE pipe = ? AND status = 'ok'
        AND json_extract(mode, '$.dryRun') = 0 AND json_extract(mode, '$.restricted') = 0
        ORDER BY started_at DESC LIMIT 1`,
    )
    .get(pipe);
  const letters = counted(
    `SELECT count(*) AS n, min(first_seen) AS sinceMs FROM dead_letters d JOIN streams s ON s.id = d.stream
      WHERE s.pipe = ? AND d.state = 'open'`,
  );
  const waiting = counted(
    `SELECT count(*) AS n, NULL AS sinceMs FROM entities e INDEXED BY entities_open JOIN streams s ON s.id = e.stream
      WHERE s.pipe = ? AND e.state IN ('pending', 'sending', 'held')`,
  );
  const links = counted(
    `SELECT count(*) AS n, min(since) AS sinceMs FROM links l JOIN streams s ON s.id = l.stream
      WHERE s.pipe = ? AND l.state = 'pending'`,
  );
  const ofLatest = `stream = (SELECT stream FROM runs WHERE pipe = ? AND stream IS NOT NULL ORDER BY started_at DESC LIMIT 1)`;
  // A state of a version that knew nothing of deletions is read too.
  const knows = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'absences'").get() !== undefined;
  const knowsOwed = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'owed_readings'").get() !== undefined;
  const ask = (sql: string): Counted => (knows ? counted(`${sql} AND ${ofLatest}`) : { n: 0, sinceMs: null });
  const lacking = ask('SELECT count(*) AS n, min(since) AS sinceMs FROM absences WHERE true');
  const deleted = ask('SELECT count(*) AS n, NULL AS sinceMs FROM records WHERE gone = 1');
  const owed = knowsOwed ? ask('SELECT count(*) AS n, NULL AS sinceMs FROM owed_readings WHERE true').n : 0;
  return {
    pipe,
    lastRun: last ? lastRunOf(last) : null,
    lastOkAtMs: whole?.endedAtMs ?? null,
    dataFromMs: whole?.startedAtMs ?? null,
    ...{ openDeadLetters: letters.n, oldestDeadLetterMs: letters.sinceMs, waiting: waiting.n },
    ...{ pendingLinks: links.n, oldestPendingLinkMs: links.sinceMs },
    ...{ lackingRecords: lacking.n, deletedRecords: deleted.n, owedReadings: owed },
    flippedAtMs: flipOf(db, pipe)?.atMs ?? null,
    miscounted: knows ? miscountedOf(db, pipe) : [],
  };
}

/** What the newest count found; a comparison by key tells more, and changes nothing about it. */
function miscountedOf(db: Database, pipe: string): PipeStatus['miscounted'] {
  const row = db
    .prepare<[string], { counts: string }>(
      `SELECT counts FROM reconciliations WHERE stream = (SELECT stream FROM runs WHERE pipe = ? AND stream IS NOT NULL
         ORDER BY started_at DESC LIMIT 1) ORDER BY at DESC LIMIT 1`,
    )
    .get(pipe);
  const { counted = [] }: { counted?: PipeStatus['miscounted'] } = row ? JSON.parse(row.counts) : {};
  return counted.filter((one) => one.known !== one.counted);
}

interface KeptReport {
  readonly reason?: string;
  readonly hint?: string;
  readonly counts?: { readonly read: number; readonly written: number };
}

function lastRunOf({ id, status, trigger, startedAtMs, endedAtMs, pid, mode, report }: RunRow): LastRun {
  const { reason, hint, counts }: KeptReport = report ? JSON.parse(report) : {};
  const died = status === 'crashed' ? 'the run died; the next one continues where it stopped' : null;
  return {
    ...{ id, status, trigger, startedAtMs, endedAtMs, pid, isRestricted: JSON.parse(mode).restricted === true },
    ...{ read: counts?.read ?? null, written: counts?.written ?? null },
    ...{ reason: reason ?? died, hint: hint ?? null },
  };
}

/** What the state belongs to, as it was bound by its first run; null before. */
export function boundTo(db: Database): { readonly environment: string; readonly portalId: string } | null {
  const value = (key: string): string | undefined =>
    db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)?.value;
  const environment = value('environment');
  const portalId = value('portalId');
  return environment === undefined || portalId === undefined ? null : { environment, portalId };
}
