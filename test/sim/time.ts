/**
 * Time that only moves when nothing else is left to do: one event after the other, and between two of them every promise
 * that can go on goes on. Timers, deadlines and clocks of the code under test run on it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Where a timer counts only as long as its process lives. */
export interface Life {
  readonly dead: boolean;
  /** Until then nothing of it goes on, and its timers run out late. */
  readonly asleepUntilMs: number;
}

/** Something that is to happen; where its process sleeps, another event takes its place. */
export interface Appointment {
  event: unknown;
}

/** A run that takes more events than this goes in circles. */
const EVENTS_MAX = 60_000;

export class VirtualTime {
  nowMs: number;
  /** Whose timers are being set: several processes may live at once. */
  readonly lives = new AsyncLocalStorage<Life>();
  #order = 0;
  #events: Event[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  at(atMs: number, run: () => void): Event {
    const event = { atMs: Math.max(Math.ceil(atMs), this.nowMs), order: this.#order++, run };
    let place = this.#events.length; // few events wait at once: the place is found from the end
    while (place > 0 && (this.#events[place - 1]?.atMs ?? 0) > event.atMs) place--;
    this.#events.splice(place, 0, event);
    return event;
  }

  /** Happens to a process: never when it is dead, and not before it wakes up. */
  atFor(life: Life | undefined, atMs: number, run: () => void): Appointment {
    const appointment: Appointment = { event: null };
    const arrive = (): void => {
      if (life?.dead) return;
      if (life && life.asleepUntilMs > this.nowMs) appointment.event = this.at(life.asleepUntilMs, arrive);
      else if (life) this.lives.run(life, run);
      else run();
    };
    appointment.event = this.at(atMs, arrive);
    return appointment;
  }

  cancel(event: unknown): void {
    this.#events = this.#events.filter((other) => other !== event);
  }

  /** Lets time pass until `work` is settled; its result or error. Throws when nothing can settle it any more. */
  async until<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    work.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (let events = 0; ; events++) {
      do await nextTurn();
      while (turnsWanted > 0);
      if (settled) return work;
      const event = this.#events.shift();
      if (event === undefined) throw new Error('S8: nothing is left to happen, and the run has not ended');
      if (events > EVENTS_MAX) throw new Error('S8: the run does not end');
      this.nowMs = Math.max(this.nowMs, event.atMs);
      event.run();
    }
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(new Promise<void>((resolve) => this.at(this.nowMs + ms, resolve)));
  }
}

let current: VirtualTime | null = null;
/** What the code under test still wants to do in later turns of the event loop, without time passing. */
let turnsWanted = 0;
const inLaterTurn = setImmediate;

/** From here on this process has no other time. Only for processes that do nothing but simulate. */
export function replaceClocks(time: VirtualTime): void {
  current = time;
}

function timeNow(): VirtualTime {
  if (current === null) throw new Error('no simulation is running');
  return current;
}

const replaced: Readonly<Record<string, unknown>> = {
  setTimeout: (run: () => void, ms = 0) => {
    const time = timeNow();
    const appointment = time.atFor(time.lives.getStore(), time.nowMs + ms, run);
    return { appointment, unref: () => undefined, ref: () => undefined };
  },
  setImmediate: (run: () => void) => {
    turnsWanted++;
    return inLaterTurn(() => {
      turnsWanted--;
      run();
    });
  },
  clearTimeout: (timer?: { appointment: Appointment }) => {
    if (timer) timeNow().cancel(timer.appointment.event);
  },
};

/** The machine's own functions, replaced once for the life of this process. */
export function installVirtualTime(): void {
  for (const [name, value] of Object.entries(replaced))
    Object.defineProperty(globalThis, name, { value, writable: true });
  Object.defineProperty(performance, 'now', { value: () => timeNow().nowMs });
  Object.defineProperty(AbortSignal, 'timeout', {
    value: (ms: number) => {
      const ended = new AbortController();
      const time = timeNow();
      time.atFor(time.lives.getStore(), time.nowMs + ms, () =>
        ended.abort(new DOMException('the deadline is over', 'TimeoutError')),
      );
      return ended.signal;
    },
  });
}
