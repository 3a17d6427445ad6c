/** What an unproven reading leaves owed: it is read again, as far back, until a run has proven it. */
import type { Partition, Since } from '../pipe.ts';
import type { StreamState } from '../state/stream.ts';
import type { PartitionProof } from './read.ts';
import { UNION } from './verdict.ts';

const READ_WHOLE_AGAIN = 'read whole again because the last whole reading was not proven';
const READ_PART_AGAIN = 'read again as far back as the last reading, because that one was not proven';

export class ReadingDebt {
  readonly #state: StreamState;
  #owed: ReadonlyMap<string, string | null> = new Map();
  #isAllOwed = false;

  constructor(state: StreamState) {
    this.#state = state;
  }

  /**
   * At the start of a run. What is owed of all slices together, or of one that is not asked under that name any more,
   * may lie in any of them.
   */
  load(asked: readonly string[]): void {
    this.#owed = this.#state.owedReadings.all();
    const names = new Set(asked);
    this.#isAllOwed = [...this.#owed.keys()].some((partition) => !names.has(partition));
  }

  /** From where a slice has to be read at the latest; null when nothing of it is owed. */
  of(partition: string): string | 'everything' | null {
    const since = this.#owed.get(partition);
    return this.#isAllOwed || since === null ? 'everything' : (since ?? null);
  }

  /** Why a slice is read once more. */
  reasonOf(partition: string): string | null {
    const owed = this.of(partition);
    if (owed === null) return null;
    return owed === 'everything' ? READ_WHOLE_AGAIN : READ_PART_AGAIN;
  }

  /** Durable before the first page is, and so before the cursor moves. */
  begin(partition: string, since: Since): void {
    this.#state.owedReadings.owe(partition, since.kind === 'everything' ? null : since.from);
  }

  settle(partition: string): void {
    this.#state.owedReadings.settle(partition);
  }

  /** What was owed of a slice is owed of each of its parts. */
  divide(whole: Partition, parts: readonly Partition[]): void {
    const { owedReadings } = this.#state;
    this.#state.transaction(() => {
      const since = owedReadings.all().get(whole.key);
      if (since === undefined) return;
      for (const part of parts) owedReadings.owe(part.key, since);
      owedReadings.settle(whole.key);
    });
  }

  /** At the end of a run over all slices: what is in none of them is owed by all; a proven whole owes nothing. */
  close(proofs: readonly PartitionProof[], wasEverything: boolean): void {
    const { owedReadings } = this.#state;
    const open = proofs.filter(({ verdict }) => verdict !== 'complete');
    if (open.length === 0 && proofs.length > 0 && wasEverything) owedReadings.settleAll();
    if (open.length > 0 && open.every(({ partition }) => partition === UNION)) owedReadings.owe(UNION, null);
  }

  notes(proofs: readonly PartitionProof[]): { readonly note: string; readonly times: number }[] {
    const times = (reason: string): number => proofs.filter(({ again }) => again === reason).length;
    return [READ_WHOLE_AGAIN, READ_PART_AGAIN]
      .map((note) => ({ note, times: times(note) }))
      .filter((one) => one.times > 0);
  }
}
