/**
 * What HubSpot has and the source has no more. Where the pipe's mapping says what becomes of it, runs conclude that from
 * two proven passes (`src/engine/deletions.ts`), and a comparison tells what they concluded and what is still open.
 * Elsewhere a comparison concludes it: from a whole pass that was proven complete, fewer records in it than the mirror
 * knows, and two reads by id that do not find them.
 */
import type { Database } from 'better-sqlite3';
import type { Clock } from '../clock.ts';
import type { Source } from '../pipe.ts';
import {
  deletedObjects,
  knownRecords,
  lackingRecords,
  leftBehind,
  objectsOfRecords,
  provenPass,
  recordIds,
} from '../state/deletions.ts';
import { type Difference, difference } from './difference.ts';

export interface Deletions {
  /** False: nothing can be concluded, for this reason. */
  readonly isConcluded: boolean;
  readonly reason: string | null;
  readonly differences: readonly Difference[];
  /** Objects that were told of it: a run has concluded that their records are gone. They are no difference. */
  readonly told: number;
  /** This tool created the object and its records are gone, so that it may be archived on request. */
  readonly archivable: readonly Difference[];
}

export interface DeletionOptions {
  readonly db: Database;
  readonly stream: number;
  readonly pipe: string;
  readonly source: Pick<Source, 'get'>;
  /** Runs of the pipe conclude deletions themselves. */
  readonly concludesDeletions?: boolean;
  readonly clock: Clock;
  readonly pauseMs: number;
  readonly signal: AbortSignal;
}

/** A pass that is older says nothing about today. */
const PASS_MS_MAX = 24 * 3_600_000;
/** Ids asked for at once. */
const ASK_MAX = 500;

const NONE = { differences: [], told: 0, archivable: [] } as const;

const GONE = 'its record is gone at the source';
const UNDECIDED = 'missing once: one more full pass decides';

export async function findDeleted(options: DeletionOptions): Promise<Deletions> {
  const { db, stream, pipe, clock } = options;
  const pass = provenPass(db, stream);
  if (pass === null || clock.now() - pass.endedAtMs > PASS_MS_MAX) {
    const reason = `needs a proven pass over the whole source of the last 24 h: retail-sync sync ${pipe} --full`;
    return { isConcluded: false, reason, ...NONE, ...whatRunsConcluded(options) };
  }
  if (options.concludesDeletions) {
    return { isConcluded: true, reason: null, ...whatRunsConcluded(options), differences: await undecided(options) };
  }
  const lackingMax = knownRecords(db, stream) - pass.read;
  if (lackingMax <= 0) return { isConcluded: true, reason: null, ...NONE };
  const absent = await absentTwice(options);
  if (absent.length > lackingMax) {
    const reason = `${absent.length} records are not found by id, but the last pass lacked ${lackingMax} at most: run retail-sync sync ${pipe} --full once more`;
    return { isConcluded: false, reason, ...NONE };
  }
  const all = objectsOfRecords(db, stream, absent).map((one) => ({
    isOurs: one.isOurs === 1,
    difference: difference('deleted-at-source', one, {
      note: one.isOurs === 1 ? GONE : `${GONE}; people made the object`,
    }),
  }));
  return {
    ...{ isConcluded: true, reason: null, told: 0 },
    differences: all.map((one) => one.difference),
    archivable: all.filter((one) => one.isOurs).map((one) => one.difference),
  };
}

/** Known to the state alone: nothing is asked of anybody. */
function whatRunsConcluded({ db, stream, concludesDeletions }: DeletionOptions) {
  if (!concludesDeletions) return { differences: [], told: 0, archivable: [] };
  const told = deletedObjects(db, stream);
  const archivable = told.filter(({ isOurs }) => isOurs === 1);
  return {
    differences: [],
    told: told.length,
    archivable: archivable.map((one) => difference('deleted-at-source', one, { note: GONE })),
  };
}

/** What the last full pass lacked: reported, and left to the next one. */
async function undecided(options: DeletionOptions): Promise<readonly Difference[]> {
  const { db, stream } = options;
  const lacking = lackingRecords(db, stream);
  const absent: string[] = [];
  for (let start = 0; start < lacking.length; start += ASK_MAX) {
    absent.push(...(await absentOf(lacking.slice(start, start + ASK_MAX), options)));
  }
  return objectsOfRecords(db, stream, absent).map((one) => difference('deleted-at-source', one, { note: UNDECIDED }));
}

async function absentTwice(options: DeletionOptions): Promise<string[]> {
  const { db, stream, clock, pauseMs, signal } = options;
  const once: string[] = [];
  let after = '';
  for (;;) {
    const ids = recordIds(db, stream, after, ASK_MAX); // bounded: `after` only grows
    const last = ids.at(-1);
    if (last === undefined) break;
    once.push(...(await absentOf(ids, options)));
    after = last;
  }
  if (once.length === 0) return [];
  await clock.sleep(pauseMs, signal);
  const twice: string[] = [];
  for (let start = 0; start < once.length; start += ASK_MAX) {
    twice.push(...(await absentOf(once.slice(start, start + ASK_MAX), options)));
  }
  return twice;
}

/** Those of the ids that the source does not find. */
export async function absentOf(
  ids: readonly string[],
  { source, signal }: Pick<DeletionOptions, 'source' | 'signal'>,
): Promise<string[]> {
  const found = new Set((await source.get(ids, signal)).map((record) => record.id));
  return ids.filter((id) => !found.has(id));
}

/** Objects that no record maps to any more: known from the mirror alone. They are reported, never archived. */
export const findLeftBehind = (
  { db, stream }: Pick<DeletionOptions, 'db' | 'stream'>,
  object: Difference['object'],
): Difference[] =>
  leftBehind(db, stream, object).map((one) =>
    difference(
      'deleted-at-source',
      { object, hubspotId: null, ...one },
      { note: 'its record is still there, and makes no such object any more' },
    ),
  );
