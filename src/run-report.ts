/** What a run tells: how far it is, and in the end what became of everything it read. */
import type { LinkCounts } from './engine/afterwards.ts';
import type { DeletionCounts } from './engine/deletions.ts';
import type { Counts } from './engine/ledger.ts';
import type { PartitionProof } from './engine/read.ts';
import type { UpsertCounts } from './engine/upsert-counts.ts';
import type { Conclusion } from './engine/verdict.ts';

/** How far a run is, for people who watch. */
export interface Progress {
  readonly phase: 'reading' | 'writing' | 'waiting';
  readonly read: number;
  readonly total: number | null;
  readonly written: number;
  readonly unchanged: number;
  readonly excluded: number;
  readonly held: number;
  readonly deadLettered: number;
  readonly waitUntilMs: number | null;
}

export interface RunReport extends Conclusion {
  readonly counts: Counts;
  readonly upserts: UpsertCounts & { readonly unchanged: number };
  readonly links: LinkCounts;
  /** What the mapper remarked, with how often. */
  readonly notes: readonly { readonly note: string; readonly times: number }[];
  /** Amounts that no object carries, by what they are. */
  readonly sums: Readonly<Record<string, string>>;
  readonly deadLettersAdded: number;
  /** Null when the run was no proven pass over the whole source, and concluded nothing. */
  readonly deletions: DeletionCounts | null;
  readonly proofs: readonly PartitionProof[];
  readonly dryRun: boolean;
}
