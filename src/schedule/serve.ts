/** The service: node-cron at the hours of the schedule, and a look at the ledger between them, which notices a sleep. */
import { schedule as cron, type ScheduledTask } from 'node-cron';
import type { Clock } from '../clock.ts';
import { asError } from '../errors.ts';
import type { Schedule } from './plan.ts';
import { minutes } from './tick.ts';

/** Longest step of the loop: a timer is late by as long as the machine slept, and one over 24.8 days fires at once. */
const LOOK_MS = 30_000;
/** A look that comes so much later than it should means that the machine slept, or the clock was set. */
const SLEPT_MS = 60_000;
/** A whole tick at least so often: it plans ahead, and follows a schedule that was edited. */
const TICK_AT_LEAST_MS = 15 * 60_000;
/** After a tick that failed before it could write into the ledger. */
const PAUSE_MS = 5 * 60_000;

export interface ServeEnds {
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /** Read again at every look. */
  readonly schedule: () => Promise<Schedule>;
  readonly isDue: (schedule: Schedule, nowMs: number) => boolean;
  /** Runs what is due, and returns the exit code. */
  readonly tick: () => Promise<number>;
  readonly onNotice: (message: string) => void;
  readonly onWarning: (message: string) => void;
}

/** Ends with the signal, after the tick under way. */
export async function serve(ends: ServeEnds): Promise<void> {
  const { clock, stop, onNotice, onWarning } = ends;
  const wake = new Alarm();
  stop.addEventListener('abort', () => wake.ring(), { once: true });
  const crons = new Crons(() => wake.ring(), onNotice);
  let [tickedAtMs, notBeforeMs] = [Number.NEGATIVE_INFINITY, 0];
  try {
    while (!stop.aborted) {
      const schedule = await ends.schedule().catch((thrown: unknown) => onWarning(asError(thrown).message));
      if (schedule) crons.follow(schedule);
      const nowMs = clock.now();
      const wasSetBack = nowMs < tickedAtMs; // must not silence the service
      const isLong = nowMs - tickedAtMs >= TICK_AT_LEAST_MS || wasSetBack;
      if (schedule && (nowMs >= notBeforeMs || wasSetBack) && (isLong || look(ends, schedule, nowMs))) {
        tickedAtMs = nowMs;
        notBeforeMs = await tickOnce(ends);
        continue; // what has become due meanwhile
      }
      const isRung = await wake.wait(LOOK_MS);
      const lateMs = clock.now() - nowMs - LOOK_MS;
      if (isRung || Math.abs(lateMs) <= SLEPT_MS) continue;
      onNotice(`the machine slept, or its clock was set: ${minutes(Math.abs(lateMs))} are missing`);
      crons.forget(); // their timers stood still as well
    }
  } finally {
    await crons.end();
  }
}

/** Returns when the next one may begin. */
async function tickOnce({ tick, clock, onWarning }: ServeEnds): Promise<number> {
  const exit = await tick();
  if (exit !== 0) onWarning(`the tick ended with exit ${exit}; retail-sync jobs history shows why`);
  return exit === 0 || exit === 3 ? 0 : clock.now() + PAUSE_MS;
}

/** A ledger that cannot be read now (a full disk, a restore under way) is looked at again. */
function look({ isDue, onWarning }: ServeEnds, schedule: Schedule, nowMs: number): boolean {
  try {
    return isDue(schedule, nowMs);
  } catch (thrown) {
    onWarning(asError(thrown).message);
    return true;
  }
}

/** Ends a wait early. One that rings while nobody waits is heard by the next wait. */
class Alarm {
  #rung = false;
  #heard: () => void = () => undefined;

  ring(): void {
    this.#rung = true;
    this.#heard();
  }

  /** Returns whether it rang. */
  async wait(ms: number): Promise<boolean> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }
}

/** One cron task for each hour of the schedule, in its zone whatever the machine's. */
class Crons {
  #known = '';
  #tasks: ScheduledTask[] = [];
  readonly #ring: () => void;
  readonly #onNotice: (message: string) => void;

  constructor(ring: () => void, onNotice: (message: string) => void) {
    this.#ring = ring;
    this.#onNotice = onNotice;
  }

  follow({ jobs, zone }: Schedule): void {
    const on = jobs.filter(({ isOn }) => isOn);
    const hours = [...new Set(on.map(cronOf))];
    const wanted = `${zone} ${hours.join(', ')}`;
    if (wanted === this.#known) return;
    void this.end();
    this.#known = wanted;
    this.#tasks = hours.map((expression) => cron(expression, () => this.#ring(), { timezone: zone }));
    this.#onNotice(`at work: ${on.map(({ name, at }) => `${name} ${at}`).join(', ')} (${zone})`);
  }

  /** They are made anew by the next `follow`. */
  forget(): void {
    this.#known = '';
  }

  async end(): Promise<void> {
    await Promise.all(this.#tasks.splice(0).map((task) => task.destroy()));
  }
}

function cronOf({ at, weekday }: Pick<Schedule['jobs'][number], 'at' | 'weekday'>): string {
  const [hour, minute] = at.split(':').map(Number);
  return `${minute} ${hour} * * ${weekday ?? '*'}`;
}
