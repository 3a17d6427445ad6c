/**
 * A rolling window: never more than `limit` calls that a server may count within any `intervalMs`.
 *
 * The server counts a call when it arrives, which we cannot see: it lies between sending and answer. The quickest call
 * so far shows how long the way and the work take at least, so whatever a slower call took beyond that is the most it
 * can have been late. A call therefore keeps its place until one interval after its answer, less the quickest round
 * trip of its kind. With an even latency that is one interval after sending; with an uneven one it is later, never
 * earlier than the server's own count allows.
 */
import type { Clock } from './clock.ts';

export type CallKind = 'read' | 'write';

/** What a response's headers say about the window; null where they are silent. */
export interface WindowHeaders {
  readonly max: number | null;
  readonly remaining: number | null;
  readonly intervalMs: number | null;
  /** Calls of the day, where the answer tells; it concerns no window. */
  readonly daily?: { readonly limit: number; readonly left: number };
}

/** A place in the window, held by a call in flight. `answered` is called once, at the answer or at the failure. */
export interface Slot {
  answered(headers: WindowHeaders | null): void;
}

export interface WindowOptions {
  readonly clock: Clock;
  readonly limit: number;
  readonly intervalMs: number;
  /** 0 to 1: what reads leave free for other apps and for our own writes. */
  readonly reserveShare: number;
  /** Wait for the first headers before sending a second call: another process may just have used the window up. */
  readonly learns: boolean;
  /**
   * Take a call for counted at its answer, not at its sending: in a window of one second a busy event loop here is
   * enough to send later than it seems.
   */
  readonly countsAtAnswer?: boolean;
}

interface Waiter {
  readonly kind: CallKind;
  readonly sinceMs: number;
  readonly grant: () => void;
}

/** A call that has ended, ours or another process's. `kind` is null when its end does not tell when it arrived. */
interface Past {
  readonly endedMs: number;
  readonly kind: CallKind | null;
}

/** Timers and clocks count whole milliseconds on both sides, and the quickest call may not have been quite the quickest. */
const GUARD_MS = 50;

export class RollingWindow {
  readonly #clock: Clock;
  readonly #reserveShare: number;
  readonly #countsAtAnswer: boolean;
  #limit: number;
  #intervalMs: number;
  #inFlight = 0;
  /** Calls since the start: what was sent while another call was on its way. */
  #opened = 0;
  /** Ended calls that may still count; at most `limit` of them. */
  #past: Past[] = [];
  /** Shortest time from sending to the headers, by kind. */
  readonly #quickestMs = new Map<CallKind, number>();
  #blockedUntilMs = Number.NEGATIVE_INFINITY;
  /** Null once headers have been seen, or when there is nothing to learn. */
  #learning: { untilMs: number | null } | null;
  #waiters: Waiter[] = [];
  #alarm: { readonly atMs: number; readonly stop: AbortController } | null = null;

  constructor(options: WindowOptions) {
    this.#clock = options.clock;
    this.#limit = options.limit;
    this.#intervalMs = options.intervalMs;
    this.#reserveShare = options.reserveShare;
    this.#countsAtAnswer = options.countsAtAnswer ?? false;
    this.#learning = options.learns ? { untilMs: null } : null;
  }

  get limit(): number {
    return this.#limit;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Calls that the server may be counting now: those in flight, and those that ended within the interval. */
  get used(): number {
    this.#forget(this.#clock.now());
    return this.#inFlight + this.#past.length;
  }

  setLimit(limit: number): void {
    this.#limit = Math.max(1, limit);
    this.#pump();
  }

  /** Waits for a place, for as long as it takes; rejects with the signal's reason. */
  acquire(kind: CallKind, signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        this.#pump();
        reject(signal.reason);
      };
      const waiter: Waiter = {
        kind,
        sinceMs: this.#clock.now(),
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(this.#open(kind));
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#pump();
    });
  }

  /** Nothing is sent before `untilMs`: the server said that the window is full. */
  block(untilMs: number): void {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, untilMs);
    this.#pump();
  }

  #open(kind: CallKind): Slot {
    const sentMs = this.#clock.now();
    this.#inFlight += 1;
    this.#opened += 1;
    const [heldThen, openedThen] = [this.#inFlight + this.#past.length, this.#opened];
    if (this.#learning) this.#learning.untilMs ??= sentMs + this.#intervalMs;
    let open = true;
    return {
      answered: (headers) => {
        if (!open) return;
        open = false;
        this.#inFlight -= 1;
        const endedMs = this.#clock.now();
        this.#past.push({ endedMs, kind: headers && !this.#countsAtAnswer ? kind : null });
        if (headers) {
          this.#quickestMs.set(
            kind,
            Math.min(endedMs - sentMs, this.#quickestMs.get(kind) ?? Number.POSITIVE_INFINITY),
          );
          this.#correct(headers, heldThen + this.#opened - openedThen);
        }
        this.#pump();
      },
    };
  }

  /**
   * What the server counts beyond our own calls is somebody else's. `ours`: every call of ours that it can have counted
   * when it wrote the headers, at some moment between sending and answer.
   */
  #correct(headers: WindowHeaders, ours: number): void {
    this.#learning = null;
    if (headers.intervalMs !== null) this.#intervalMs = headers.intervalMs;
    if (headers.max !== null) this.#limit = headers.max;
    if (headers.max === null || headers.remaining === null) return;
    const foreign = headers.max - headers.remaining - ours;
    const endedMs = this.#clock.now();
    for (let count = 0; count < foreign; count += 1) this.#past.push({ endedMs, kind: null });
  }

  #leavesAtMs({ endedMs, kind }: Past): number {
    const quickestMs = kind === null ? 0 : (this.#quickestMs.get(kind) ?? 0);
    return endedMs + this.#intervalMs + GUARD_MS - quickestMs;
  }

  #forget(now: number): void {
    this.#past = this.#past.filter((call) => this.#leavesAtMs(call) > now);
  }

  /** Grants whoever may go, and sets one alarm for the next moment at which somebody may. */
  #pump(): void {
    const now = this.#clock.now();
    this.#forget(now);
    for (;;) {
      const waiter = this.#heads().find((head) => this.#freeAtMs(head, now) <= now);
      if (!waiter) break; // ends: each round takes one waiter out
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.grant();
    }
    this.#setAlarm(Math.min(...this.#heads().map((head) => this.#freeAtMs(head, now))));
  }

  /** The longest waiting call of each kind, the older one first. */
  #heads(): Waiter[] {
    const first = this.#waiters[0];
    const other = first && this.#waiters.find((waiter) => waiter.kind !== first.kind);
    return [first, other].filter((waiter) => waiter !== undefined);
  }

  /** Infinity: only an answer can make room. */
  #freeAtMs(waiter: Waiter, now: number): number {
    const learntAtMs = this.#learntAtMs(now);
    if (learntAtMs > now && this.#inFlight > 0) return learntAtMs;
    const sharedAtMs = this.#roomAtMs(this.#capacity('write'), now);
    if (waiter.kind === 'write') return sharedAtMs;
    // A read that has waited for a whole interval goes like a write: a busy writer must not starve it.
    const patientUntilMs = Math.max(sharedAtMs, waiter.sinceMs + this.#intervalMs);
    return Math.min(this.#roomAtMs(this.#capacity('read'), now), patientUntilMs);
  }

  #capacity(kind: CallKind): number {
    if (kind === 'write') return this.#limit;
    return Math.max(1, Math.floor(this.#limit * (1 - this.#reserveShare)));
  }

  #roomAtMs(capacity: number, now: number): number {
    const mustLeave = this.#inFlight + this.#past.length - capacity + 1;
    if (mustLeave <= 0) return Math.max(now, this.#blockedUntilMs);
    const leavingAtMs = this.#past.map((call) => this.#leavesAtMs(call)).sort((a, b) => a - b);
    return Math.max(leavingAtMs[mustLeave - 1] ?? Number.POSITIVE_INFINITY, this.#blockedUntilMs);
  }

  /** Until the first headers calls go one by one, but not longer than another process's calls can count. */
  #learntAtMs(now: number): number {
    return this.#learning ? (this.#learning.untilMs ?? now + this.#intervalMs) : now;
  }

  #setAlarm(atMs: number): void {
    if (this.#alarm?.atMs === atMs) return;
    this.#alarm?.stop.abort();
    this.#alarm = null;
    if (!Number.isFinite(atMs)) return;
    const alarm = { atMs, stop: new AbortController() };
    this.#alarm = alarm;
    this.#clock.sleep(Math.max(0, atMs - this.#clock.now()), alarm.stop.signal).then(
      () => {
        if (this.#alarm === alarm) this.#alarm = null;
        this.#pump();
      },
      () => undefined, // stopped because another moment is the right one
    );
  }
}
