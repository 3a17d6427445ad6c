/** Time for everything that waits on purpose. Deadlines of the wire run on real timers: a stalled socket has no clock. */

export interface Clock {
  /** Milliseconds; only differences are used. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
