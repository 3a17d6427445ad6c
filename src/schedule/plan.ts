/** The plan: which job is due when. Pure; the clock and the zone are passed in. */
import { digest } from '../fingerprint.ts';
import { dateIn, daysAfter, instantIn, weekdayOf } from './zone.ts';

type Task = 'sync' | 'reconcile' | 'prune';

/** One line of the schedule. Pipes of one hour are one job. */
export interface ScheduledJob {
  /** Its pipes with `+` between, or the name of its task. */
  readonly name: string;
  readonly task: Task;
  /** In the order they run; empty for a task without pipes. */
  readonly pipes: readonly string[];
  /** Local time, `HH:MM`. */
  readonly at: string;
  /** 0 is Sunday; null: every day. */
  readonly weekday: number | null;
  /** Jobs that should have ended before it: they make the objects that this one links to. */
  readonly after: readonly string[];
  /** How late a missed slot may still begin. */
  readonly windowMs: number;
  /** A slot begins up to this much later, by a draw that is the same whenever it is made. */
  readonly jitterMs: number;
  readonly isOn: boolean;
}

export interface Schedule {
  /** IANA name: whose clock the hours are on. */
  readonly zone: string;
  /** By their hour. */
  readonly jobs: readonly ScheduledJob[];
  /** A run that takes longer on the wall clock is stopped in an orderly way. */
  readonly runMsMax: number;
}

/**
 * Whether a job or a pipe is switched off, under whatever name: an edit of the schedule merges jobs or splits them, and
 * the ledger keeps the earlier names until the next tick. What the schedule does not know is not called off.
 */
export const isOff = ({ jobs }: Pick<Schedule, 'jobs'>, name: string): boolean =>
  name.split('+').every((part) => jobs.some((job) => !job.isOn && (job.name === part || job.pipes.includes(part))));

/** A job on a local date: unique by these two. */
export interface PlannedSlot {
  readonly job: string;
  /** YYYY-MM-DD in the schedule's zone. */
  readonly date: string;
  readonly plannedAtMs: number;
  /** With its jitter. */
  readonly notBeforeMs: number;
}

type Timed = Pick<ScheduledJob, 'name' | 'at' | 'weekday' | 'jitterMs'>;

/** The slot of a date; null on days that are not its weekday. */
export function slotOn(job: Timed, date: string, zone: string): PlannedSlot | null {
  if (job.weekday !== null && weekdayOf(date) !== job.weekday) return null;
  const plannedAtMs = instantIn(zone, date, job.at);
  return { job: job.name, date, plannedAtMs, notBeforeMs: plannedAtMs + jitterOf(job, date) };
}

/** The slots of all dates from the first to the last, both included. */
export function slotsBetween(job: Timed, zone: string, firstDate: string, lastDate: string): PlannedSlot[] {
  const slots: PlannedSlot[] = [];
  for (let date = firstDate; date <= lastDate; date = daysAfter(date, 1)) {
    const slot = slotOn(job, date, zone);
    if (slot) slots.push(slot);
  }
  return slots;
}

/** The next slots planned after an instant, at most so many. */
export function nextSlots(job: Timed, zone: string, afterMs: number, count: number): PlannedSlot[] {
  const first = dateIn(zone, afterMs);
  const days = (count + 1) * (job.weekday === null ? 1 : 7);
  return slotsBetween(job, zone, first, daysAfter(first, days))
    .filter(({ plannedAtMs }) => plannedAtMs > afterMs)
    .slice(0, count);
}

/** The newest slot planned at or before an instant. */
export function previousSlot(job: Timed, zone: string, atMs: number): PlannedSlot | null {
  const today = dateIn(zone, atMs);
  return (
    slotsBetween(job, zone, daysAfter(today, -8), today)
      .filter(({ plannedAtMs }) => plannedAtMs <= atMs)
      .at(-1) ?? null
  );
}

const JITTER_STEPS = 0x1_0000_0000;

/** The same for a job and date whenever it is asked, so that a restart does not draw again. */
function jitterOf({ name, jitterMs }: Timed, date: string): number {
  if (jitterMs === 0) return 0;
  return Math.floor((Number.parseInt(digest(`${name} ${date}`).slice(0, 8), 16) / JITTER_STEPS) * jitterMs);
}

/** What is read of a job file. */
export interface PipeTimes {
  readonly pipe: string;
  /** `HH:MM` */
  readonly daily: string;
  readonly after: readonly string[];
}

/** Settings of one line of the schedule, filled in. */
export interface Line {
  readonly at: string;
  readonly isOn: boolean;
  readonly windowMs: number;
  readonly jitterMs: number;
}

/** Pipes whose lines are equal are one job. `pipes` are in the order they run. */
export function groupPipes(pipes: readonly PipeTimes[], lineOf: (pipe: PipeTimes) => Line): ScheduledJob[] {
  const groups = Map.groupBy(pipes, (pipe) => JSON.stringify(lineOf(pipe)));
  const named = [...groups.values()].map((members) => ({
    members,
    name: members.map(({ pipe }) => pipe).join('+'),
  }));
  const jobOf = (pipe: string): string | undefined =>
    named.find(({ members }) => members.some((member) => member.pipe === pipe))?.name;
  return named.flatMap(({ name, members }) => {
    const [first] = members;
    if (!first) return [];
    const after = members.flatMap((member) => member.after.map(jobOf)).filter((other) => other !== undefined);
    return {
      ...lineOf(first),
      ...{ name, task: 'sync', weekday: null },
      pipes: members.map(({ pipe }) => pipe),
      after: [...new Set(after)].filter((other) => other !== name),
    } satisfies ScheduledJob;
  });
}
