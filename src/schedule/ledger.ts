/** Brings the ledger up to the clock: plans ahead, gives up what is too old, and says what is due. */
import type { Database } from 'better-sqlite3';
import {
  closeSlot,
  lastDateOf,
  moveSlot,
  planSlot,
  type SlotRow,
  slotsOn,
  slotsSince,
  unfinishedSlots,
} from '../state/slots.ts';
import { nextSlots, previousSlot, type Schedule, type ScheduledJob, slotOn, slotsBetween } from './plan.ts';
import { dateIn, daysAfter } from './zone.ts';

/** After these a slot is given up: nothing suggests that a fourth attempt of the day would do better. */
export const ATTEMPTS_MAX = 3;
export const RETRY_MS = 15 * 60_000;
/** Dates of one long absence that are written down one by one; of an older past nothing is. */
const DATES_MAX = 60;
const DAY_MS = 86_400_000;

/**
 * One transaction. `ownersAreDead`: the caller holds the lock of the schedule, so that whoever had a slot and is not
 * the caller has died: a crash, `kill -9`, a power cut.
 */
export function bringUpToDate(db: Database, schedule: Schedule, nowMs: number, ownersAreDead: boolean): void {
  db.transaction(() => {
    if (ownersAreDead) reopenOrphans(db, nowMs);
    for (const job of schedule.jobs) planAhead(db, job, schedule.zone, nowMs);
    for (const job of schedule.jobs) leaveToOthers(db, job, nowMs);
    for (const slot of unfinishedSlots(db)) if (slot.state === 'open') followSchedule(db, slot, schedule, nowMs);
    for (const job of schedule.jobs) giveUpOld(db, job, nowMs);
  }).immediate();
}

function reopenOrphans(db: Database, nowMs: number): void {
  for (const slot of unfinishedSlots(db)) {
    if (slot.state !== 'running') continue;
    const reason = `the process ${slot.ownerPid} that ran it died`;
    if (slot.attempts >= ATTEMPTS_MAX) closeSlot(db, slot, { state: 'failed', atMs: nowMs, reason });
    else reopen(db, slot, reason);
  }
}

function reopen(db: Database, { job, date }: SlotRow, reason: string): void {
  db.prepare("UPDATE slots SET state = 'open', owner_pid = NULL, reason = ? WHERE job = ? AND date = ?").run(
    reason,
    job,
    date,
  );
}

/** A job that the ledger does not know begins with its next slot: nobody has promised anything before. */
function planAhead(db: Database, job: ScheduledJob, zone: string, nowMs: number): void {
  const [next] = nextSlots(job, zone, nowMs, 1);
  if (!next) return;
  const last = lastDateOf(db, job.name);
  const oldest = daysAfter(next.date, -DATES_MAX);
  const first = last === null ? firstDateOf(db, job, zone, nowMs, next.date) : laterOf(daysAfter(last, 1), oldest);
  for (const slot of slotsBetween(job, zone, first, next.date)) planSlot(db, slot);
}

const laterOf = (a: string, b: string): string => (a > b ? a : b);

/**
 * An edit of the schedule may merge jobs, or split one: then the name is new, and its pipes are not. What the old name
 * still owed today, the new one owes.
 */
function firstDateOf(db: Database, job: ScheduledJob, zone: string, nowMs: number, nextDate: string): string {
  const today = dateIn(zone, nowMs);
  const owed = slotsOfOthers(db, job, today).filter(
    ({ state, plannedAtMs }) => (state === 'open' || state === 'running') && plannedAtMs <= nowMs,
  );
  return owed.length > 0 ? today : nextDate;
}

/** Slots of a date under other names that have a pipe of this job. */
const slotsOfOthers = (db: Database, job: ScheduledJob, date: string): SlotRow[] =>
  slotsOn(db, date).filter(
    ({ job: name }) => name !== job.name && job.pipes.some((pipe) => pipesIn(name).includes(pipe)),
  );

const pipesIn = (name: string): readonly string[] => name.split('+');

/** A slot whose pipes have all run on its date, under the names that their jobs had then, is not run once more. */
function leaveToOthers(db: Database, job: ScheduledJob, nowMs: number): void {
  if (job.pipes.length === 0) return;
  for (const slot of unfinishedSlots(db)) {
    if (slot.job !== job.name || slot.state !== 'open' || slot.attempts > 0) continue;
    const ran = slotsOfOthers(db, job, slot.date).filter(({ state }) => state === 'ok' || state === 'partial');
    if (!job.pipes.every((pipe) => ran.some(({ job: name }) => pipesIn(name).includes(pipe)))) continue;
    const reason = `its pipes have run that day as ${ran.map(({ job: name }) => name).join(', ')}`;
    closeSlot(db, slot, { state: 'superseded', atMs: nowMs, reason });
  }
}

/** A slot that nobody has tried goes with its job to another hour; it goes away with its job. */
function followSchedule(db: Database, slot: SlotRow, { jobs, zone }: Schedule, nowMs: number): void {
  const job = jobs.find(({ name }) => name === slot.job);
  const planned = job && slotOn(job, slot.date, zone);
  const skip = (reason: string): void => closeSlot(db, slot, { state: 'skipped', atMs: nowMs, reason });
  if (!job || !planned) {
    skip(job ? 'the schedule has this job no longer on that day' : 'the schedule has this job no longer');
    return;
  }
  if (slot.date >= dateIn(zone, nowMs) && planned.notBeforeMs !== slot.notBeforeMs) moveSlot(db, planned);
  if (!job.isOn && planned.plannedAtMs <= nowMs) skip('it is switched off in the schedule');
}

/** Of several that were missed the newest counts, and only within its window. */
function giveUpOld(db: Database, job: ScheduledJob, nowMs: number): void {
  const due = unfinishedSlots(db).filter(
    (slot) => slot.job === job.name && slot.state === 'open' && slot.plannedAtMs <= nowMs,
  );
  const newest = due.at(-1);
  for (const slot of due) {
    if (slot !== newest) {
      closeSlot(db, slot, { state: 'superseded', atMs: nowMs, reason: `${newest?.date} runs instead` });
    } else if (nowMs > slot.plannedAtMs + job.windowMs) {
      const state = slot.attempts > 0 ? 'failed' : 'missed';
      const reason = `its window of ${job.windowMs / 3_600_000} h has closed`;
      closeSlot(db, slot, { state, atMs: nowMs, reason });
    }
  }
}

export interface Ready {
  readonly job: ScheduledJob;
  readonly slot: SlotRow;
}

export interface Waiting extends Ready {
  /** The job it waits for. */
  readonly for: string;
}

/** What may begin now, the earliest planned first, and what is due but waits for another job of its date. */
export function dueSlots(db: Database, { jobs }: Schedule, nowMs: number): { ready: Ready[]; waiting: Waiting[] } {
  const unfinished = unfinishedSlots(db);
  const ready: Ready[] = [];
  const waiting: Waiting[] = [];
  for (const slot of unfinished) {
    const job = jobs.find(({ name }) => name === slot.job);
    if (!job || slot.state !== 'open' || slot.notBeforeMs > nowMs || slot.plannedAtMs > nowMs) continue;
    const before = unfinished.find(
      (other) => job.after.includes(other.job) && other.date === slot.date && other.plannedAtMs <= slot.plannedAtMs,
    );
    if (before) waiting.push({ job, slot, for: before.job });
    else ready.push({ job, slot });
  }
  return { ready, waiting };
}

/** Whether a tick would find something to do; changes nothing. */
export function isAnythingDue(db: Database, schedule: Schedule, nowMs: number): boolean {
  if (dueSlots(db, schedule, nowMs).ready.length > 0) return true;
  const today = dateIn(schedule.zone, nowMs);
  return schedule.jobs.some((job) => {
    const last = lastDateOf(db, job.name);
    if (!job.isOn || last === null || last >= today) return false; // nearly always: slots are planned ahead
    const previous = previousSlot(job, schedule.zone, nowMs);
    return previous !== null && previous.date > last && previous.notBeforeMs <= nowMs;
  });
}

/** Jobs of the same date that ended otherwise than they should and that this one links to. */
export const failedBefore = (db: Database, { job, slot }: Ready): SlotRow[] =>
  slotsSince(db, slot.plannedAtMs - DAY_MS).filter(
    (other) =>
      job.after.includes(other.job) &&
      other.date === slot.date &&
      other.plannedAtMs <= slot.plannedAtMs &&
      !['ok', 'partial'].includes(other.state),
  );
