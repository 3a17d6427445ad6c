/**
 * What HubSpot has and the source has no more. Absence from one answer is not deletion: it takes a whole pass over the
 * source that was proven complete, fewer records in it than the mirror knows, and two reads by id that do not find them.
 */
import type { Database } from 'better-sqlite3';
import type { Clock } from '../clock.ts';
import type { Source } from '../pipe.ts';
import { knownRecords, leftBehind, objectsOfRecords, provenPass, recordIds } from '../state/reconciliation.ts';
import { type Difference, difference } from './difference.ts';

export interface Deletions {
  /** False: nothing can be concluded, for this reason. */
  readonly isConcluded: boolean;
  readonly reason: string | null;
  readonly differences: readonly Difference[];
  /** Of the differences: this tool created the object and its records are gone, so that it may be archived on request. */
  readonly archivable: readonly Difference[];
}

export interface DeletionOptions {
  readonly db: Database;
  readonly stream: number;
  readonly pipe: string;
  readonly source: Pick<Source, 'get'>;
  readonly clock: Clock;
  readonly pauseMs: number;
  readonly signal: AbortSignal;
}

/** A pass that is older says nothing about today. */
const PASS_MS_MAX = 24 * 3_600_000;
/** Ids asked for at once. */
const ASK_MAX = 500;

const NONE = { differences: [], archivable: [] } as const;

export async function findDeleted(options: DeletionOptions): Promise<Deletions> {
  const { db, stream, pipe, clock } = options;
  const pass = provenPass(db, stream);
  if (pass === null || clock.now() - pass.endedAtMs > PASS_MS_MAX) {
    const reason = `needs a proven pass over the whole source of the last 24 h: retail-sync sync ${pipe} --full`;
    return { isConcluded: false, reason, ...NONE };
  }
  const lackingMax = knownRecords(db, stream) - pass.read;
  if (lackingMax <= 0) return { isConcluded: true, reason: null, ...NONE };
  const absent = await absentTwice(options);
  if (absent.length > lackingMax) {
    const reason = `${absent.length} records are not found by id, but the last pass lacked ${lackingMax} at most: run retail-sync sync ${pipe} --full once more`;
    return { isConcluded: false, reason, ...NONE };
  }
  const objects = objectsOfRecords(db, stream, absent);
  const all = objects.map((one) => ({
    isOurs: one.isOurs === 1,
    difference: difference('deleted-at-source', one, {
      note:
        one.isOurs === 1
          ? 'its record is gone at the source'
          : 'its record is gone at the source; people made the object',
    }),
  }));
  return {
    isConcluded: true,
    reason: null,
    differences: all.map((one) => one.difference),
    archivable: all.filter((one) => one.isOurs).map((one) => one.difference),
  };
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
    difference('deleted-at-source', { object, hubspotId: null, ...one }, { note: 'its record is there, without it' }),
  );
