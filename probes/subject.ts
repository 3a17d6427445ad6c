/** What a probe looks at: one resource of one system, with what is needed to ask it. Nothing here can write. */
import type { Inquiry } from '../src/inquiry.ts';
import type { LoadedJob } from '../src/jobs.ts';
import type { Facts, Partition, Source } from '../src/pipe.ts';
import type { Systems } from '../src/systems.ts';

export interface Subject {
  readonly system: 'erp' | 'square' | 'hubspot';
  readonly resource: string;
  /** Tells one address from another; statistics of one are no baseline for the other. */
  readonly instance: string;
  /** For people: which address and how it is described. */
  readonly about: string;
  readonly inquiry: Inquiry;
  readonly partitions: (signal: AbortSignal) => Promise<readonly Partition[]>;
  /** The records are about people: only codes are shown as they are. */
  readonly isAboutPeople: boolean;
  /** Where a person corrects what is wrong. */
  readonly where: string;
  /** How it is asked stands in an ERP profile, and not in code. */
  readonly hasProfile: boolean;
  /** The pipe that reads this, for `--against mapper` and `--record`; null when none does. */
  readonly fed: {
    readonly job: LoadedJob;
    readonly source: Source;
    readonly facts: Facts;
    /** Of the same instance: what the pipe's mapping joins is read there. */
    readonly systems: Systems;
  } | null;
}

/** Slices listed for a sample, at most: more are no partition list. */
const SLICES_MAX = 2_000;

export async function slicesOf(source: Source, signal: AbortSignal): Promise<readonly Partition[]> {
  const slices: Partition[] = [];
  for await (const slice of source.partitions({ kind: 'everything' }, signal)) {
    slices.push(slice);
    if (slices.length >= SLICES_MAX) break;
  }
  return slices.length > 1 ? slices : [];
}
