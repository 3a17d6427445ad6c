/**
 * What the source has deleted. Absence is never deletion, unless two complete, proven passes over the whole source lack a
 * record and a read by id does not find it either.
 */
import { EXIT, FatalError, TransientError } from '../errors.ts';
import type { Source } from '../pipe.ts';
import { DELETED_AT_SOURCE } from '../state/absences.ts';
import type { StreamState } from '../state/stream.ts';
import { type BreakerLimits, checkGone } from './breakers.ts';
import type { Ledger } from './ledger.ts';

export interface DeletionCounts {
  /** Records concluded to be gone. */
  readonly concluded: number;
  /** Known records that this pass lacked and of which nothing is concluded yet. */
  readonly lacking: number;
  /** Of the lacking: found by id, though two passes did not list them. */
  readonly unlisted: number;
  /** Why the source could not be asked by id; then nothing is concluded. */
  readonly reason: string | null;
}

export interface DeletionOptions {
  readonly pipe: string;
  readonly source: Pick<Source, 'get'>;
  readonly state: StreamState;
  readonly ledger: Ledger;
  readonly limits: BreakerLimits;
  /** A person has seen the numbers. */
  readonly approved: boolean;
  /** The mirror was read or mapped in another way: this pass is the first one. */
  readonly isFirstPass: boolean;
  readonly signal: AbortSignal;
}

/** Ids looked up, and asked for, at once. */
const CHUNK = 500;

/**
 * To be called after a proven pass over everything, before the first write. Throws FatalError (exit 4) when more would be
 * concluded than usual: then nothing is.
 */
export async function concludeDeletions(options: DeletionOptions): Promise<DeletionCounts> {
  const { state, isFirstPass } = options;
  const lacking = state.transaction(() => {
    if (isFirstPass) state.absences.forgetPasses();
    return noteLacking(options);
  });
  const { gone, unlisted, reason } = await askForThem(options);
  if (gone.length > 0) conclude(gone, options);
  if (unlisted.length > 0) state.transaction(() => state.absences.seen(unlisted));
  return { concluded: gone.length, lacking: lacking - gone.length, unlisted: unlisted.length, reason };
}

function noteLacking({ state: { absences }, ledger }: DeletionOptions): number {
  let count = 0;
  let after = '';
  for (;;) {
    const ids = absences.known(after, CHUNK); // bounded: `after` only grows
    const last = ids.at(-1);
    if (last === undefined) return count;
    after = last;
    const lacking = ids.filter((id) => !ledger.has(id));
    if (lacking.length > 0) absences.note(lacking);
    count += lacking.length;
  }
}

interface Answers {
  readonly gone: string[];
  readonly unlisted: string[];
  readonly reason: string | null;
}

/** Stops to ask as soon as the breaker has seen enough; a source that does not answer concludes nothing. */
async function askForThem(options: DeletionOptions): Promise<Answers> {
  const { pipe, state, limits, approved } = options;
  const { inScope, excluded } = state.absences.lackedTwice();
  const known = state.absences.recordsInScope();
  const gone: string[] = [];
  const unlisted: string[] = [];
  try {
    for (const { ids, isWatched } of [...chunksOf(inScope, true), ...chunksOf(excluded, false)]) {
      const found = await idsFound(ids, options);
      gone.push(...ids.filter((id) => !found.has(id)));
      unlisted.push(...ids.filter((id) => found.has(id)));
      if (isWatched && !approved) checkGone(pipe, gone, known, limits);
    }
  } catch (thrown) {
    // A profile without a way to read by id, or a source that is too busy for it, is no reason to sync nothing.
    const isTheirs = thrown instanceof TransientError || (thrown instanceof FatalError && thrown.exit === EXIT.usage);
    if (!isTheirs || options.signal.aborted) throw thrown;
    return { gone: [], unlisted: [], reason: thrown.message };
  }
  return { gone, unlisted, reason: null };
}

const chunksOf = (ids: readonly string[], isWatched: boolean) =>
  Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, place) => ({
    ids: ids.slice(place * CHUNK, (place + 1) * CHUNK),
    isWatched,
  }));

async function idsFound(ids: readonly string[], { source, signal }: DeletionOptions): Promise<ReadonlySet<string>> {
  const found = new Set((await source.get(ids, signal)).map(({ id }) => id));
  signal.throwIfAborted();
  return found;
}

/** One transaction: whatever dies after it, the next run says the farewells. */
function conclude(ids: readonly string[], { state, ledger }: DeletionOptions): void {
  state.transaction(() => {
    for (const { id, modifiedAt, isInScope, lackedBy } of state.absences.conclude(ids)) {
      ledger.see(id);
      const entities = state.absences.entitiesOf(id);
      for (const entity of entities) state.entities.touch(entity.id, modifiedAt);
      // What its entity becomes settles it too; a record that only others stand for now is settled here.
      if (!entities.some((entity) => entity.isDeleted))
        ledger.settle(id, { kind: 'excluded', rule: DELETED_AT_SOURCE });
      if (isInScope) state.letters.journal('deleted at the source', `record ${id}`, JSON.stringify({ lackedBy }));
    }
  });
}
