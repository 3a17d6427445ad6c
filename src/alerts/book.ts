/** What people were told of: the table of incidents, the channels' health, and the signals of work without a run. */
import type { Database } from 'better-sqlite3';
import { type Figures, type Incident, KINDS, type Kind, keyOf } from './incident.ts';

export interface Row extends Incident {
  readonly id: number;
  readonly key: string;
  readonly notifiedAtMs: number | null;
  readonly remindedAtMs: number | null;
  readonly resolvedAtMs: number | null;
}

type Stored = Omit<Row, 'figures' | 'kind'> & { readonly figures: string; readonly kind: string };

const COLUMNS = `id, key, kind, subject, cause, figures, run, since AS sinceMs, notified_at AS notifiedAtMs,
  reminded_at AS remindedAtMs, resolved_at AS resolvedAtMs`;
/** As long as the runs that they speak of. */
const KEPT_MS = 400 * 86_400_000;

const isKind = (text: string): text is Kind => KINDS.some((kind) => kind === text);
/** A kind of a later version that was taken back is left out. */
const rowsOf = (rows: readonly Stored[]): Row[] =>
  rows.flatMap(({ kind, figures, ...row }) =>
    isKind(kind) ? [{ ...row, kind, figures: JSON.parse(figures) satisfies Figures }] : [],
  );

/** How the last run of a pipe went: of these at most one is true. */
const OF_RUNS: ReadonlySet<Kind> = new Set(['run-failed', 'drift', 'billable-contact', 'incomplete', 'quota']);

const follows = (one: Incident, before: Incident): boolean =>
  one.subject === before.subject && (one.kind === before.kind || (OF_RUNS.has(one.kind) && OF_RUNS.has(before.kind)));

/** Brings the table up to what is wrong now. Returns the rows of which something may have to be told. */
export function update(db: Database, incidents: readonly Incident[], nowMs: number): Row[] {
  const now = new Map(incidents.map((incident) => [keyOf(incident), incident]));
  const seen = db.prepare(
    `INSERT INTO incidents (key, kind, subject, cause, figures, run, since, opened_at, seen_at)
      VALUES (@key, @kind, @subject, @cause, @figures, @run, @sinceMs, @nowMs, @nowMs)
      ON CONFLICT (key) WHERE resolved_at IS NULL
      DO UPDATE SET seen_at = excluded.seen_at, figures = excluded.figures, run = excluded.run`,
  );
  return db
    .transaction(() => {
      for (const [key, incident] of now) {
        seen.run({ ...incident, key, figures: JSON.stringify(incident.figures), nowMs });
      }
      const close = db.prepare('UPDATE incidents SET resolved_at = @nowMs, recovery_at = @recoveryMs WHERE id = @id');
      for (const row of openIncidents(db)) {
        if (now.has(row.key)) continue;
        // Nobody heard of it, it was news and no trouble, or the trouble only has another name now: nothing to tell.
        const isSilent =
          row.notifiedAtMs === null || row.kind === 'cutover' || incidents.some((one) => follows(one, row));
        close.run({ id: row.id, nowMs, recoveryMs: isSilent ? 0 : null });
      }
      db.prepare('DELETE FROM incidents WHERE recovery_at IS NOT NULL AND resolved_at < ?').run(nowMs - KEPT_MS);
      return rowsOf(
        db
          .prepare<[], Stored>(
            `SELECT ${COLUMNS} FROM incidents WHERE resolved_at IS NULL OR recovery_at IS NULL ORDER BY id`,
          )
          .all(),
      );
    })
    .immediate();
}

/** The longest first. */
export const openIncidents = (db: Database): Row[] =>
  rowsOf(db.prepare<[], Stored>(`SELECT ${COLUMNS} FROM incidents WHERE resolved_at IS NULL ORDER BY since, id`).all());

/** The news were taken by at least one channel. */
export function told(db: Database, rows: readonly Row[], nowMs: number): void {
  db.prepare(
    `UPDATE incidents SET reminded_at = CASE WHEN notified_at IS NULL THEN NULL ELSE @nowMs END,
       notified_at = coalesce(notified_at, @nowMs), recovery_at = CASE WHEN resolved_at IS NULL THEN NULL ELSE @nowMs END
      WHERE id IN (SELECT value FROM json_each(@ids))`,
  ).run({ nowMs, ids: JSON.stringify(rows.map(({ id }) => id)) });
}

/** Messages since an instant: all that one of them said has its time. */
export const messagesSince = (db: Database, sinceMs: number): number =>
  db
    .prepare<{ sinceMs: number }, { n: number }>(
      `SELECT count(*) AS n FROM (SELECT notified_at AS at FROM incidents UNION SELECT reminded_at FROM incidents
         UNION SELECT recovery_at FROM incidents) WHERE at > @sinceMs`,
    )
    .get({ sinceMs })?.n ?? 0;

/** A channel took a message, or did not, with a code. */
export function noteChannel(db: Database, name: string, reason: string | null, nowMs: number): void {
  const [okMs, failedMs] = reason === null ? [nowMs, null] : [null, nowMs];
  db.prepare(
    `INSERT INTO alert_channels (channel, ok_at, failed_at, reason) VALUES (@name, @okMs, @failedMs, @reason)
      ON CONFLICT (channel) DO UPDATE SET ok_at = coalesce(excluded.ok_at, ok_at), reason = excluded.reason,
        failed_at = CASE WHEN excluded.failed_at IS NULL THEN NULL ELSE coalesce(failed_at, excluded.failed_at) END`,
  ).run({ name, okMs, failedMs, reason });
}

/** Work ended before it could put a run on record (a cause), or got further again (null). */
export function signal(db: Database, job: string, cause: string | null, nowMs: number): void {
  if (cause === null) db.prepare('DELETE FROM alert_signals WHERE job = ?').run(job);
  else {
    db.prepare(
      `INSERT INTO alert_signals (job, cause, since) VALUES (@job, @cause, @nowMs)
        ON CONFLICT (job) DO UPDATE SET since = CASE WHEN cause = excluded.cause THEN since ELSE excluded.since END,
          cause = excluded.cause`,
    ).run({ job, cause, nowMs });
  }
}
