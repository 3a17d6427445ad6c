/** What readers see while a write has not reached them yet: search and, if switched on, reads lag behind the store. */
import type { ObjectRecord, Snapshot } from './store.ts';

interface Older {
  readonly untilMs: number;
  /** What was there before the write; null before a creation. */
  readonly seen: Snapshot | null;
}

/** Outdated entries are swept when this many have come since the last sweep. */
const SWEEP_EVERY = 4096;

export class LaggedView {
  readonly #older = new Map<string, Older[]>();
  #added = 0;

  /** @param untilMs until then readers see `before`. */
  remember(id: string, before: Snapshot | null, untilMs: number, nowMs: number): void {
    const older = this.#older.get(id);
    if (older) older.push({ untilMs, seen: before });
    else this.#older.set(id, [{ untilMs, seen: before }]);
    if (++this.#added >= SWEEP_EVERY) this.#sweep(nowMs);
  }

  /** The record as readers see it now; null when they do not see it yet. */
  at(record: ObjectRecord, nowMs: number): Snapshot | null {
    const older = this.#older.get(record.id);
    if (!older) return record;
    const veiled = older.find((version) => version.untilMs > nowMs);
    if (veiled) return veiled.seen;
    this.#older.delete(record.id);
    return record;
  }

  #sweep(nowMs: number): void {
    this.#added = 0;
    for (const [id, older] of this.#older) {
      if (older.every((version) => version.untilMs <= nowMs)) this.#older.delete(id);
    }
  }
}
