/** What is known of each ERP pipe's cut-over, for people and for `--json`. Reads the state only. */
import type { Database } from 'better-sqlite3';
import type { Config } from '../config.ts';
import { type CutoverJob, decide, fedFrom, linkedPipes } from '../cutover.ts';
import { flipOf, holdOn, latestReads } from '../state/cutover.ts';
import { isProductionRead, type StagingOnly, stagingOnly } from '../state/staging.ts';

export interface PipeCutover {
  readonly pipe: string;
  readonly fedFrom: 'staging' | 'production';
  /** When it changed over; null before, and for a pipe that was fed from production from its first run. */
  readonly since: string | null;
  /** Records that production held just before the flip. */
  readonly provenRecords: number | null;
  readonly heldBy: 'configuration' | 'all' | 'pipe' | null;
  readonly waitsFor: readonly string[];
  /** Null when it depends on a person or on another pipe, or when nothing is waited for. */
  readonly earliest: string | null;
  /** Newest first. */
  readonly reads: readonly {
    readonly at: string;
    readonly agrees: boolean;
    readonly records: number | null;
    readonly reason: string;
  }[];
  /** Null until production has been read in full: only then is it known what it lacks. */
  readonly stagingOnly: readonly StagingOnly[] | null;
}

/** Looks that are shown. */
const READS_SHOWN = 6;

export function cutoverOf(
  db: Database | null,
  job: CutoverJob,
  jobs: readonly CutoverJob[],
  config: Config<'erp'>,
  nowMs: number,
): PipeCutover {
  const { pipe } = job;
  const { waitsFor, earliestMs } = decide(db, pipe, linkedPipes(job, jobs), config, nowMs);
  const flipped = db === null ? null : flipOf(db, pipe);
  const reads = db === null ? [] : latestReads(db, pipe, READS_SHOWN);
  return {
    pipe,
    fedFrom: fedFrom(db, pipe, config),
    since: flipped === null ? null : iso(flipped.atMs),
    provenRecords: flipped?.count ?? null,
    heldBy: config.cutover.held ? 'configuration' : db === null ? null : holdOn(db, pipe),
    waitsFor,
    earliest: earliestMs === null ? null : iso(earliestMs),
    reads: reads.map(({ atMs, ...read }) => ({ at: iso(atMs), ...read })),
    stagingOnly: db !== null && isProductionRead(db, pipe) ? stagingOnly(db, pipe, keyProperties(job)) : null,
  };
}

function keyProperties({ mapping }: CutoverJob): Record<string, string> {
  const unique = mapping.properties.filter((spec) => spec.unique === true);
  return Object.fromEntries(unique.map(({ object, name }) => [object, name]));
}

const iso = (ms: number): string => new Date(ms).toISOString();
