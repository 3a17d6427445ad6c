/**
 * Group commit: what several batches have to make durable in one turn of the event loop goes into one transaction, and
 * each goes on when it is on the disk. Under load that is one fsync instead of twenty; alone a batch waits for nothing
 * but the turn. Nobody is told "done" before the commit.
 */
import type { StreamState } from './stream.ts';

interface Waiting {
  /** Does the work inside the shared transaction. */
  readonly work: () => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

export class CommitGroup {
  readonly #state: Pick<StreamState, 'transaction'>;
  /** At most twice as many as batches are in flight: each waits for its commit before it goes on. */
  #waiting: Waiting[] = [];

  constructor(state: Pick<StreamState, 'transaction'>) {
    this.#state = state;
  }

  /**
   * Resolves with what `work` returned once that is durable. Where one of a group throws, or the disk is full, nothing of
   * the group stays and all of it rejects: a savepoint for each would write every page twice.
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#waiting.push({
        work: () => {
          result = work();
        },
        committed: () => resolve(result),
        failed: reject,
      });
      if (this.#waiting.length === 1) setImmediate(() => this.#commit());
    });
  }

  #commit(): void {
    const group = this.#waiting;
    this.#waiting = [];
    try {
      this.#state.transaction(() => {
        for (const { work } of group) work();
      });
    } catch (error) {
      for (const { failed } of group) failed(error);
      return;
    }
    for (const { committed } of group) committed();
  }
}
