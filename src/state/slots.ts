/** The ledger of the schedule: what was planned, who took it, and what became of it. */
import type { Database } from 'better-sqlite3';

/** `missed`: its window closed before anything could run it. `skipped`: the schedule no longer wants it. */
export type SlotState = 'open' | 'running' | 'ok' | 'partial' | 'failed' | 'superseded' | 'missed' | 'skipped';

export interface SlotRow {
  readonly job: string;
  /** YYYY-MM-DD in the schedule's zone. */
  readonly date: string;
  readonly plannedAtMs: number;
  /** Of the next attempt. */
  readonly notBeforeMs: number;
  readonly state: SlotState;
  readonly attempts: number;
  readonly ownerPid: number | null;
  readonly trigger: string | null;
  /** Of the first attempt. */
  readonly startedAtMs: number | null;
  /** Of the last attempt, or when it was given up. */
  readonly endedAtMs: number | null;
  readonly exit: number | null;
  readonly runs: readonly string[];
  readonly reason: string | null;
  readonly hint: string | null;
}

type Key = Pick<SlotRow, 'job' | 'date'>;
type Plan = Key & Pick<SlotRow, 'plannedAtMs' | 'notBeforeMs'>;
type Stored = Omit<SlotRow, 'runs'> & { readonly runs: string };

const COLUMNS = `job, date, planned_at AS plannedAtMs, not_before AS notBeforeMs, state, attempts, owner_pid AS ownerPid,
  trigger, started_at AS startedAtMs, ended_at AS endedAtMs, exit, runs, reason, hint`;

const rowOf = ({ runs, ...row }: Stored): SlotRow => ({ ...row, runs: JSON.parse(runs) });

/** Slots planned since an instant, the latest first; of one job or of all. */
export function slotsSince(db: Database, sinceMs: number, job: string | null = null): SlotRow[] {
  return db
    .prepare<[number, string | null, string | null], Stored>(
      `SELECT ${COLUMNS} FROM slots WHERE planned_at >= ? AND (? IS NULL OR job = ?) ORDER BY planned_at DESC, job`,
    )
    .all(sinceMs, job, job)
    .map(rowOf);
}

/** All slots of a local date. */
export const slotsOn = (db: Database, date: string): SlotRow[] =>
  db
    .prepare<[string], Stored>(`SELECT ${COLUMNS} FROM slots WHERE date = ? ORDER BY planned_at, job`)
    .all(date)
    .map(rowOf);

/** What is not over yet: planned, waiting for another attempt, or running. */
export const unfinishedSlots = (db: Database): SlotRow[] =>
  db
    .prepare<[], Stored>(`SELECT ${COLUMNS} FROM slots WHERE state IN ('open', 'running') ORDER BY planned_at, job`)
    .all()
    .map(rowOf);

export function slotOf(db: Database, job: string, date: string): SlotRow | null {
  const row = db
    .prepare<[string, string], Stored>(`SELECT ${COLUMNS} FROM slots WHERE job = ? AND date = ?`)
    .get(job, date);
  return row ? rowOf(row) : null;
}

/** The last date a job is planned for; null for one that the ledger does not know. */
export const lastDateOf = (db: Database, job: string): string | null =>
  db.prepare<[string], { date: string | null }>('SELECT max(date) AS date FROM slots WHERE job = ?').get(job)?.date ??
  null;

/** A date that is planned already stays as it is. */
export function planSlot(db: Database, { job, date, plannedAtMs, notBeforeMs }: Plan): void {
  db.prepare(
    "INSERT INTO slots (job, date, planned_at, not_before, state) VALUES (?, ?, ?, ?, 'open') ON CONFLICT DO NOTHING",
  ).run(job, date, plannedAtMs, notBeforeMs);
}

/** To another hour, as long as nobody has tried it. */
export function moveSlot(db: Database, { job, date, plannedAtMs, notBeforeMs }: Plan): void {
  db.prepare(
    "UPDATE slots SET planned_at = ?, not_before = ? WHERE job = ? AND date = ? AND state = 'open' AND attempts = 0",
  ).run(plannedAtMs, notBeforeMs, job, date);
}

/** Says beside a slot that is still open what it waits for. */
export function noteSlot(db: Database, { job, date }: Key, { reason, hint }: Pick<SlotRow, 'reason' | 'hint'>): void {
  const text = "UPDATE slots SET reason = ?, hint = ? WHERE job = ? AND date = ? AND state = 'open'";
  db.prepare(text).run(reason, hint, job, date);
}

/** Ends a slot that is not going to run. What an earlier attempt left stays on record. */
export function closeSlot(
  db: Database,
  { job, date }: Key,
  end: { readonly state: SlotState; readonly atMs: number; readonly reason: string },
): void {
  db.prepare(
    `UPDATE slots SET state = ?, ended_at = ?, owner_pid = NULL, reason = iif(reason IS NULL, ?, reason || '; ' || ?)
      WHERE job = ? AND date = ? AND state IN ('open', 'running')`,
  ).run(end.state, end.atMs, end.reason, end.reason, job, date);
}

export interface Claim {
  readonly pid: number;
  readonly trigger: string;
  readonly atMs: number;
  /** When it may be tried again should this process die. */
  readonly retryAtMs: number;
  /** A person may take up again what the schedule has given up. */
  readonly from: readonly SlotState[];
}

/** Takes a slot: true for exactly one of several that try at once. */
export function claimSlot(db: Database, { job, date }: Key, claim: Claim): boolean {
  return (
    db
      .prepare(
        `UPDATE slots SET state = 'running', attempts = attempts + 1, owner_pid = ?, trigger = ?, not_before = ?,
          started_at = coalesce(started_at, ?), ended_at = NULL
          WHERE job = ? AND date = ? AND state IN (SELECT value FROM json_each(?))`,
      )
      .run(claim.pid, claim.trigger, claim.retryAtMs, claim.atMs, job, date, JSON.stringify(claim.from)).changes === 1
  );
}

export interface Ending extends Pick<SlotRow, 'state' | 'exit' | 'reason' | 'hint'> {
  readonly atMs: number;
  readonly retryAtMs: number;
  readonly runs: readonly string[];
}

/** Writes down how an attempt ended. */
export function settleSlot(db: Database, { job, date }: Key, end: Ending): void {
  const runs = [...(slotOf(db, job, date)?.runs ?? []), ...end.runs];
  db.prepare(
    `UPDATE slots SET state = ?, exit = ?, reason = ?, hint = ?, runs = ?, ended_at = ?, not_before = ?,
      owner_pid = NULL WHERE job = ? AND date = ?`,
  ).run(end.state, end.exit, end.reason, end.hint, JSON.stringify(runs), end.atMs, end.retryAtMs, job, date);
}

/** The newest instant at which anything is known to have begun; a clock that is behind it is wrong. */
export const newestKnownMs = (db: Database): number =>
  db
    .prepare<[], { atMs: number | null }>(
      'SELECT max(at) AS atMs FROM (SELECT max(started_at) AS at FROM runs UNION ALL SELECT max(started_at) FROM slots)',
    )
    .get()?.atMs ?? 0;
