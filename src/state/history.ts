/** What became of the runs of the last weeks, for the page of `status`; read-only. */
import type { Database } from 'better-sqlite3';
import type { RunRow } from './runs.ts';

export interface PastRun {
  readonly id: string;
  readonly pipe: string;
  readonly trigger: string;
  readonly status: RunRow['status'];
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly isRestricted: boolean;
  readonly read: number;
  readonly written: number;
  readonly deadLettersAdded: number;
  readonly calls: number;
  readonly rateLimited: number;
  /** Null where the run died, or was refused before it began. */
  readonly account: Account | null;
}

/** Where the records of one run went; they add up to what it read. */
export interface Account {
  readonly read: number;
  readonly written: number;
  readonly unchanged: number;
  /** By rule. */
  readonly excluded: Readonly<Record<string, number>>;
  readonly held: number;
  readonly deadLettered: number;
  /** Slices of the source, and how many of them are proven complete. */
  readonly slices: { readonly total: number; readonly complete: number };
}

/** Runs shown at most: a service that fires all pipes every hour for a month stays below it. */
const RUNS_MAX = 5_000;

/** Real runs begun since an instant, the latest first, at most 5,000. */
export function runsSince(db: Database, sinceMs: number): PastRun[] {
  const number = (path: string): string => `coalesce(json_extract(report, '$.${path}'), 0)`;
  return db
    .prepare<[number, number], Row>(
      `SELECT id, pipe, trigger, status, started_at AS startedAtMs, ended_at AS endedAtMs,
        json_extract(mode, '$.restricted') AS restricted, ${number('counts.read')} AS read,
        ${number('counts.written')} AS written, ${number('deadLettersAdded')} AS deadLettersAdded,
        json_extract(report, '$.counts') AS counts, json_extract(report, '$.partitions') AS slices,
        ${number('calls')} AS calls, ${number('rateLimited')} AS rateLimited
        FROM runs WHERE started_at >= ? AND json_extract(mode, '$.dryRun') = 0
        ORDER BY started_at DESC, id DESC LIMIT ?`,
    )
    .all(sinceMs, RUNS_MAX)
    .map(({ restricted, counts, slices, ...run }) => ({
      ...run,
      isRestricted: restricted === 1,
      account: counts === null || slices === null ? null : { ...JSON.parse(counts), slices: JSON.parse(slices) },
    }));
}

interface Row extends Omit<PastRun, 'isRestricted' | 'account'> {
  readonly restricted: number;
  readonly counts: string | null;
  readonly slices: string | null;
}

export interface Kpis {
  readonly days: number;
  /** Whole runs that ended, and those of them that ended `ok`. */
  readonly runs: { readonly ended: number; readonly ok: number };
  /** Slots of the schedule that are over, and those that ended `ok`. */
  readonly slots: { readonly over: number; readonly ok: number; readonly missed: number };
  /** Records read, and dead letters that were added. */
  readonly records: { readonly read: number; readonly deadLettersAdded: number };
  /** Letters first seen in these days, and those of them that are resolved. */
  readonly letters: { readonly seen: number; readonly resolved: number };
  /** Work that waits now, over all pipes. */
  readonly backlog: { readonly waiting: number; readonly deadLetters: number; readonly pendingLinks: number };
  /** Runs that a person started, and decisions: cursors set, letters discarded or taken up again. */
  readonly interventions: { readonly runs: number; readonly decisions: number };
}

/** Of a service that has no state yet. */
export const NO_KPIS: Kpis = {
  days: 30,
  runs: { ended: 0, ok: 0 },
  slots: { over: 0, ok: 0, missed: 0 },
  records: { read: 0, deadLettersAdded: 0 },
  letters: { seen: 0, resolved: 0 },
  backlog: { waiting: 0, deadLetters: 0, pendingLinks: 0 },
  interventions: { runs: 0, decisions: 0 },
};

/** The figures of a service over the last so many days. */
export function kpisOf(db: Database, nowMs: number, days: number): Kpis {
  const sinceMs = nowMs - days * 86_400_000;
  const row = <T>(sql: string): T | undefined => db.prepare<{ sinceMs: number }, T>(sql).get({ sinceMs });
  const whole = "json_extract(mode, '$.dryRun') = 0 AND json_extract(mode, '$.restricted') = 0";
  return {
    days,
    runs:
      row(
        `SELECT count(*) AS ended, coalesce(sum(status = 'ok'), 0) AS ok FROM runs
        WHERE started_at >= @sinceMs AND status <> 'running' AND ${whole}`,
      ) ?? NO_KPIS.runs,
    slots:
      row(
        `SELECT count(*) AS over, coalesce(sum(state = 'ok'), 0) AS ok, coalesce(sum(state = 'missed'), 0) AS missed
        FROM slots WHERE planned_at >= @sinceMs AND state NOT IN ('open', 'running', 'superseded', 'skipped')`,
      ) ?? NO_KPIS.slots,
    records:
      row(
        `SELECT coalesce(sum(json_extract(report, '$.counts.read')), 0) AS read,
        coalesce(sum(json_extract(report, '$.deadLettersAdded')), 0) AS deadLettersAdded
        FROM runs WHERE started_at >= @sinceMs AND json_extract(mode, '$.dryRun') = 0`,
      ) ?? NO_KPIS.records,
    letters:
      row(
        `SELECT count(*) AS seen, coalesce(sum(state = 'resolved'), 0) AS resolved FROM dead_letters
        WHERE first_seen >= @sinceMs`,
      ) ?? NO_KPIS.letters,
    backlog:
      row(
        `SELECT (SELECT count(*) FROM entities WHERE state IN ('pending', 'sending', 'held')) AS waiting,
        (SELECT count(*) FROM dead_letters WHERE state = 'open') AS deadLetters,
        (SELECT count(*) FROM links WHERE state = 'pending') AS pendingLinks WHERE @sinceMs IS NOT NULL`,
      ) ?? NO_KPIS.backlog,
    interventions:
      row(
        `SELECT (SELECT count(*) FROM runs WHERE started_at >= @sinceMs AND trigger = 'manual'
          AND json_extract(mode, '$.dryRun') = 0) AS runs,
        (SELECT count(*) FROM journal WHERE at >= @sinceMs
          AND kind IN ('cursor', 'letter discarded', 'letter reopened')) AS decisions`,
      ) ?? NO_KPIS.interventions,
  };
}
