/**
 * A laptop with the service on it: the real loop, node-cron, tick and ledger, on a clock of the test. Asleep, timers
 * stand still and time goes on; when the power goes, whatever was under way is gone, and the ledger file stays.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { asError, type ExitCode, FatalError } from '../src/errors.ts';
import { isAnythingDue } from '../src/schedule/ledger.ts';
import type { Schedule } from '../src/schedule/plan.ts';
import { serve } from '../src/schedule/serve.ts';
import { type Outcome, tick } from '../src/schedule/tick.ts';
import { type Db, openDatabase } from '../src/state/database.ts';
import { judgeFolder } from '../src/state/folder.ts';
import { type SlotRow, slotsSince } from '../src/state/slots.ts';
import { MEMORY } from './sim/state-files.ts';

/** How the vendors answer a job on this day, and how long it takes. */
export type Answer = (job: string, nowMs: number) => { readonly exit: ExitCode; readonly minutes: number };

const folders: string[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

export class Laptop {
  readonly folder = mkdtempSync(join(MEMORY, 'retail-sync-laptop-'));
  /** When each run began, with its job. */
  readonly began: { readonly job: string; readonly atMs: number }[] = [];
  readonly warnings: string[] = [];
  readonly #schedule: Schedule;
  readonly #answer: Answer;
  #freeBlocks = 1_000_000;
  #boots = 0;
  #db: Db | null = null;

  constructor(startsAt: string, schedule: Schedule, answer: Answer) {
    folders.push(this.folder);
    this.#schedule = schedule;
    this.#answer = answer;
    vi.useFakeTimers({
      now: Date.parse(startsAt),
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
  }

  /** Until then it is awake. */
  async awakeUntil(time: string): Promise<void> {
    await vi.advanceTimersByTimeAsync(Date.parse(time) - Date.now());
  }

  /** The lid is closed: no timer fires. */
  asleepUntil(time: string): void {
    vi.setSystemTime(Date.parse(time));
  }

  /** Nothing that ran goes on. */
  offUntil(time: string): void {
    this.#boots += 1;
    vi.clearAllTimers();
    this.#db?.close();
    this.#db = null;
    vi.setSystemTime(Date.parse(time));
  }

  fillDisk(): void {
    this.#freeBlocks = 1;
  }

  clearDisk(): void {
    this.#freeBlocks = 1_000_000;
  }

  /** Starts the service, as launchd does at login. */
  boot(): void {
    const mine = ++this.#boots;
    const isGone = (): boolean => mine !== this.#boots;
    const stop = new AbortController().signal;
    void serve({
      clock: systemClock,
      stop,
      schedule: async () => this.#schedule,
      isDue: (schedule, nowMs) => this.#ledger((db) => isAnythingDue(db, schedule, nowMs)),
      tick: () => this.#tick(stop, isGone),
      onNotice: () => undefined,
      onWarning: (message) => this.warnings.push(message),
    });
  }

  async #tick(stop: AbortSignal, isGone: () => boolean): Promise<number> {
    try {
      const report = await tick({
        ...{ ledger: (work) => this.#ledger(work), schedule: this.#schedule, clock: systemClock, trigger: 'service' },
        ...{ stop, gate: async () => undefined, onNotice: () => undefined },
        runJob: (job) => this.#run(job.name, isGone),
      });
      return report.done.find(({ outcome }) => outcome.exit !== 0)?.outcome.exit ?? 0;
    } catch (thrown) {
      this.warnings.push(asError(thrown).message);
      return thrown instanceof FatalError ? thrown.exit : 1;
    }
  }

  async #run(job: string, isGone: () => boolean): Promise<Outcome> {
    this.began.push({ job, atMs: Date.now() });
    const { exit, minutes } = this.#answer(job, Date.now());
    await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
    if (isGone()) return new Promise(() => undefined);
    return { exit, runs: [], reason: exit === 0 ? null : (WHY[exit] ?? `exit ${exit}`), hint: null };
  }

  /** Refused by a full disk as the commands are; opened once, because opening it checks every page. */
  #ledger<T>(work: (db: Db) => T): T {
    const readDisk = () => ({ type: 0, bsize: 4_096, bavail: this.#freeBlocks, blocks: 2_000_000 });
    const { refusal } = judgeFolder(this.folder, readDisk);
    if (refusal) throw refusal;
    if (!this.#db) {
      this.#db = openDatabase(this.folder, null);
      this.#db.pragma('synchronous = OFF'); // the power that goes here is not that of this machine
    }
    return work(this.#db);
  }

  slots(): SlotRow[] {
    this.clearDisk();
    return this.#ledger((db) => slotsSince(db, 0)).filter(({ plannedAtMs }) => plannedAtMs <= Date.now());
  }
}

const WHY: Readonly<Record<number, string>> = {
  3: '1 dead letter was added',
  6: 'the ERP did not answer',
};
