/** `tick`: the one entry of every trigger. What is due and not done is done, once; everything else is left alone. */
import type { Database } from 'better-sqlite3';
import type { Clock } from '../clock.ts';
import { asError, EXIT, type ExitCode, FatalError } from '../errors.ts';
import { claimSlot, newestKnownMs, noteSlot, type SlotRow, settleSlot } from '../state/slots.ts';
import {
  ATTEMPTS_MAX,
  bringUpToDate,
  dueSlots,
  failedBefore,
  isAnythingDue,
  RETRY_MS,
  type Ready,
  type Waiting,
} from './ledger.ts';
import type { Schedule, ScheduledJob } from './plan.ts';

/** Clocks that differ by less are called equal; a vendor's answer and ours may lie a minute apart. */
export const SKEW_MS_MAX = 5 * 60_000;

/** What a job did, whatever it was. */
export interface Outcome {
  readonly exit: ExitCode;
  readonly runs: readonly string[];
  readonly reason: string | null;
  readonly hint: string | null;
}

export interface TickEnds {
  /** Opens the state for one piece of work; the schedule's lock is held by the caller. */
  readonly ledger: <T>(work: (db: Database) => T) => T;
  readonly schedule: Schedule;
  readonly clock: Clock;
  readonly trigger: string;
  readonly stop: AbortSignal;
  /** Waits for the network and holds our clock against a vendor's. Throws FatalError when nothing may begin yet. */
  readonly gate: (signal: AbortSignal) => Promise<void>;
  /** Never throws: what goes wrong is its outcome. */
  readonly runJob: (job: ScheduledJob, signal: AbortSignal) => Promise<Outcome>;
  readonly onNotice: (message: string) => void;
}

interface Done {
  readonly slot: SlotRow;
  readonly outcome: Outcome;
}

export interface TickReport {
  readonly done: readonly Done[];
  readonly waiting: readonly Waiting[];
}

/**
 * Runs every slot that is due, one after the other, each at most once. A hundred ticks at one moment do what one does.
 * Throws FatalError when the clock cannot be right, or when there is no network.
 */
export async function tick(ends: TickEnds): Promise<TickReport> {
  const { ledger, schedule, clock, stop, onNotice } = ends;
  ledger((db) => refuseWrongClock(newestKnownMs(db), clock.now()));
  if (ledger((db) => isAnythingDue(db, schedule, clock.now()))) await passOrNote(ends);
  const done: Done[] = [];
  const tried = new Set<string>();
  for (;;) {
    // bounded: each job at most once
    if (stop.aborted) return { done, waiting: [] };
    const { ready, waiting } = ledger((db) => {
      bringUpToDate(db, schedule, clock.now(), true);
      return dueSlots(db, schedule, clock.now());
    });
    const next = ready.find(({ job }) => !tried.has(job.name));
    if (!next) {
      for (const { job, for: other } of waiting) onNotice(`${job.name} waits for ${other}`);
      return { done, waiting };
    }
    tried.add(next.job.name);
    const attempted = await attempt(next, ends);
    if (attempted) done.push(attempted);
  }
}

/** A clock behind what has happened already is wrong: at boot, before the network has set it. */
function refuseWrongClock(newestMs: number, nowMs: number): void {
  if (nowMs >= newestMs - SKEW_MS_MAX) return;
  throw new FatalError(
    EXIT.internal,
    `the clock of this machine says ${new Date(nowMs).toISOString()}, but something began at ${new Date(newestMs).toISOString()} already: nothing is run by a wrong clock`,
    'set the clock; the next tick looks again',
  );
}

/** What keeps a slot waiting is written beside it: `jobs history` tells it, and a missed slot keeps it. */
async function passOrNote({ ledger, schedule, clock, gate, stop }: TickEnds): Promise<void> {
  try {
    await gate(stop);
  } catch (thrown) {
    const { message } = asError(thrown);
    const hint = thrown instanceof FatalError ? thrown.hint : null;
    ledger((db) => {
      // Nothing else of the ledger is touched: the clock may be wrong.
      const { ready, waiting } = dueSlots(db, schedule, clock.now());
      for (const { slot } of [...ready, ...waiting]) noteSlot(db, slot, { reason: message, hint });
    });
    throw thrown;
  }
}

/** Null when somebody else has taken the slot, or closed it, since it was found. */
async function attempt(ready: Ready, ends: TickEnds): Promise<Done | null> {
  const { ledger, clock, trigger, onNotice } = ends;
  const { job, slot } = ready;
  const atMs = clock.now();
  const claim = { pid: process.pid, trigger, atMs, retryAtMs: atMs + RETRY_MS, from: ['open'] as const };
  const failed = ledger((db) => (claimSlot(db, slot, claim) ? failedBefore(db, ready) : null));
  if (failed === null) {
    onNotice(`${job.name} of ${slot.date} is somebody else's already`);
    return null;
  }
  const lateMs = atMs - slot.plannedAtMs;
  onNotice(`${job.name} of ${slot.date} begins${lateMs >= 60_000 ? `, ${minutes(lateMs)} late` : ''}`);
  const outcome = await withDeadline(ends, (signal) => ends.runJob(job, signal));
  const notes = failed.map(
    (other) => `${other.job} ${other.state === 'failed' ? 'had failed' : `was ${other.state}`} before it`,
  );
  const reason = [outcome.reason, ...notes].filter((text) => text !== null).join('; ');
  const told = { ...outcome, reason: reason === '' ? null : reason };
  ledger((db) => settle(db, slot, told, clock.now()));
  return { slot, outcome: told };
}

/** Writes down an attempt: over, or to be tried again. */
export function settle(
  db: Database,
  slot: Pick<SlotRow, 'job' | 'date' | 'attempts'>,
  outcome: Outcome,
  nowMs: number,
): void {
  const { exit } = outcome;
  const again = MAY_PASS_LATER.includes(exit) && slot.attempts + 1 < ATTEMPTS_MAX;
  const state = exit === EXIT.ok ? 'ok' : exit === EXIT.deadLetters ? 'partial' : again ? 'open' : 'failed';
  settleSlot(db, slot, { ...outcome, state, atMs: nowMs, retryAtMs: nowMs + RETRY_MS });
}

/** What another attempt may mend without a person: a full disk, a vendor that is down, a busy portal, a shutdown. */
const MAY_PASS_LATER: readonly ExitCode[] = [
  EXIT.internal,
  EXIT.source,
  EXIT.hubspot,
  EXIT.locked,
  EXIT.interrupted,
  EXIT.terminated,
];

/** Timers stand still while a machine sleeps: the deadline is asked of the wall clock this often. */
const WATCH_MS = 15_000;

/** Stops the work in an orderly way when it takes longer than the schedule allows. */
export async function withDeadline<T>(
  { clock, stop, schedule }: Pick<TickEnds, 'clock' | 'stop' | 'schedule'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const endsAtMs = clock.now() + schedule.runMsMax;
  const watch = setInterval(
    () => {
      if (clock.now() >= endsAtMs) own.abort(tooLong(schedule.runMsMax));
    },
    Math.min(WATCH_MS, schedule.runMsMax),
  );
  try {
    return await work(AbortSignal.any([stop, own.signal]));
  } finally {
    clearInterval(watch);
  }
}

const tooLong = (runMsMax: number): FatalError =>
  new FatalError(
    EXIT.internal,
    `it took longer than the ${minutes(runMsMax)} that the schedule allows, and was stopped`,
    'the next attempt goes on where it stopped; maxRunMinutes in schedule.yaml allows more',
  );

export const minutes = (ms: number): string => {
  const whole = Math.round(ms / 60_000);
  return whole < 120 ? `${whole} min` : `${Math.floor(whole / 60)} h${whole % 60 === 0 ? '' : ` ${whole % 60} min`}`;
};
