/** Questions about the state as a whole, for people; read-only. */
import type { Database } from 'better-sqlite3';
import { latestRuns } from './runs.ts';

export interface PipeStatus {
  readonly pipe: string;
  readonly lastRun: {
    readonly id: string;
    readonly status: string;
    readonly startedAtMs: number;
    readonly endedAtMs: number | null;
    readonly reason: string | null;
    readonly hint: string | null;
  } | null;
  readonly lastOkAtMs: number | null;
  readonly openDeadLetters: number;
  /** Entities that were read and are not settled: pending, being sent, or held. */
  readonly waiting: number;
  readonly pendingLinks: number;
}

export function pipeStatus(db: Database, pipe: string): PipeStatus {
  const last = latestRuns(db, pipe, 20).find((run) => JSON.parse(run.mode).dryRun !== true);
  const one = (sql: string): number => db.prepare<[string], { n: number | null }>(sql).get(pipe)?.n ?? 0;
  const ok = db
    .prepare<[string], { at: number | null }>(
      "SELECT max(ended_at) AS at FROM runs WHERE pipe = ? AND status = 'ok' AND json_extract(mode, '$.dryRun') = 0 AND json_extract(mode, '$.restricted') = 0",
    )
    .get(pipe);
  const report: { reason?: string; hint?: string } = last?.report ? JSON.parse(last.report) : {};
  return {
    pipe,
    lastRun: last
      ? {
          id: last.id,
          status: last.status,
          startedAtMs: last.startedAtMs,
          endedAtMs: last.endedAtMs,
          reason:
            report.reason ??
            (last.status === 'crashed' ? 'the run died; the next one continues where it stopped' : null),
          hint: report.hint ?? null,
        }
      : null,
    lastOkAtMs: ok?.at ?? null,
    openDeadLetters: one(
      "SELECT count(*) AS n FROM dead_letters d JOIN streams s ON s.id = d.stream WHERE s.pipe = ? AND d.state = 'open'",
    ),
    waiting: one(
      `SELECT count(*) AS n FROM entities e JOIN streams s ON s.id = e.stream
        WHERE s.pipe = ? AND e.state IN ('pending', 'sending', 'held')`,
    ),
    pendingLinks: one(
      "SELECT count(*) AS n FROM links l JOIN streams s ON s.id = l.stream WHERE s.pipe = ? AND l.state = 'pending'",
    ),
  };
}
