/** What runs have cost HubSpot, and what a load of everything would; read-only. */
import type { Database } from 'better-sqlite3';

export interface PipeUsage {
  readonly pipe: string;
  readonly runsToday: number;
  readonly callsToday: number;
  /** Of the whole runs of the last 30 days; null before the first. */
  readonly medianCalls: number | null;
  /** HubSpot objects that this pipe keeps. */
  readonly objects: number;
  /** Calls for each object written, of the run that wrote most; null when none wrote enough to tell. */
  readonly callsPerObject: number | null;
}

/** A run that wrote less says more about its fixed calls than about its batches. */
const WRITTEN_MIN = 100;
const DAY_MS = 86_400_000;

export function pipeUsage(db: Database, pipe: string, dayBeganMs: number, nowMs: number): PipeUsage {
  const today = db
    .prepare<[string, number], { runs: number; calls: number | null }>(
      `SELECT count(*) AS runs, sum(json_extract(report, '$.calls')) AS calls FROM runs
        WHERE pipe = ? AND started_at >= ?`,
    )
    .get(pipe, dayBeganMs);
  const calls = db
    .prepare<[string, number], { calls: number }>(
      `SELECT json_extract(report, '$.calls') AS calls FROM runs WHERE pipe = ? AND started_at >= ?
        AND json_extract(mode, '$.restricted') = 0 AND json_extract(mode, '$.dryRun') = 0
        AND json_extract(report, '$.calls') IS NOT NULL ORDER BY calls`,
    )
    .all(pipe, nowMs - 30 * DAY_MS)
    .map((row) => row.calls);
  const biggest = db
    .prepare<[string], { calls: number; written: number }>(
      `SELECT json_extract(report, '$.calls') AS calls,
        json_extract(report, '$.upserts.created') + json_extract(report, '$.upserts.updated') AS written
        FROM runs WHERE pipe = ? AND json_extract(mode, '$.dryRun') = 0 AND report IS NOT NULL
        ORDER BY written DESC LIMIT 1`,
    )
    .get(pipe);
  const objects = db
    .prepare<[string], { n: number }>(
      'SELECT count(*) AS n FROM objects o JOIN streams s ON s.id = o.stream WHERE s.pipe = ?',
    )
    .get(pipe);
  return {
    pipe,
    runsToday: today?.runs ?? 0,
    callsToday: today?.calls ?? 0,
    medianCalls: calls[Math.floor(calls.length / 2)] ?? null,
    objects: objects?.n ?? 0,
    callsPerObject: biggest && biggest.written >= WRITTEN_MIN ? biggest.calls / biggest.written : null,
  };
}

/** Records that a rule keeps out of HubSpot, by rule. */
export const keptOut = (db: Database, pipe: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    db
      .prepare<[string], { rule: string; n: number }>(
        `SELECT rule, count(*) AS n FROM records r JOIN streams s ON s.id = r.stream
          WHERE s.pipe = ? AND rule IS NOT NULL GROUP BY rule ORDER BY n DESC`,
      )
      .all(pipe)
      .map(({ rule, n }) => [rule, n]),
  );

/** The property that keys an object type in this state; null before its first write. */
export const keyPropertyOf = (db: Database, object: string): string | null =>
  db
    .prepare<[string], { name: string }>('SELECT key_property AS name FROM hubspot_ids WHERE object = ? LIMIT 1')
    .get(object)?.name ?? null;
