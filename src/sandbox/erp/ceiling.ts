/** The vendor's database: one query at a time, and none for longer than 30 s. */

/** What a row costs, skipped rows included: an offset is scanned, not jumped. */
const ROW_MS = 3;
const KILLED_AT_MS = 30_000;

export interface QueryTime {
  /** From now until the answer, the wait for earlier queries included. */
  readonly ms: number;
  readonly killed: boolean;
}

export class QueryLine {
  readonly #timeScale: number;
  readonly #clock: () => number;
  #freeAtMs = 0;

  /** `timeScale` shortens waits only: which queries are killed does not depend on it. */
  constructor(timeScale: number, clock: () => number = () => performance.now()) {
    this.#timeScale = timeScale;
    this.#clock = clock;
  }

  /** Queues a query that scans so many rows. Its own time counts towards the ceiling, the wait in line does not. */
  run(rowsScanned: number): QueryTime {
    const ownMs = Math.min(rowsScanned * ROW_MS, KILLED_AT_MS);
    const nowMs = this.#clock();
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + ownMs * this.#timeScale;
    return { ms: this.#freeAtMs - nowMs, killed: ownMs >= KILLED_AT_MS };
  }
}
