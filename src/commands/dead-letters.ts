/** `dead-letters`: what could not be synced and why, seen, tried again, or set aside. */
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { renderLetter, renderLetterList, shapeOf } from '../report/letters.ts';
import { painter } from '../report/style.ts';
import {
  type Decision,
  discardLetters,
  findLetters,
  historyOf,
  type LetterFilter,
  type LetterRow,
  type LetterState,
  listLetters,
  payloadOf,
  recordsBehind,
} from '../state/letter-box.ts';
import type { Invocation } from './invocation.ts';
import { withLock } from './locked.ts';
import { withStoredState } from './stored.ts';

export interface FilterFlags {
  readonly pipe?: string;
  readonly stage?: string;
  readonly category?: string;
  readonly since?: string;
}

export interface ListFlags extends FilterFlags {
  readonly state?: LetterState;
  readonly limit?: number;
  readonly json?: boolean;
}

const SHOWN_UNLESS_SAID = 50;
/** More letters than this are not set aside by a slip of the keyboard. */
const DISCARDED_UNASKED_MAX = 20;

export const filterOf = ({ pipe, stage, category, since }: FilterFlags, state: LetterState): LetterFilter => ({
  pipe: pipe ?? null,
  stage: stage ?? null,
  category: category ?? null,
  state,
  sinceMs: since === undefined ? null : Date.parse(since),
});

/** A letter as `--json` shows it: without its payload. */
export const letterDocument = ({ stream: _, firstSeenMs, lastSeenMs, nextAttemptMs, ...letter }: LetterRow) => ({
  ...letter,
  firstSeen: new Date(firstSeenMs).toISOString(),
  lastSeen: new Date(lastSeenMs).toISOString(),
  nextAttempt: nextAttemptMs === null ? null : new Date(nextAttemptMs).toISOString(),
});

/** Letters, the latest seen first. Reads the state only. */
export async function listDeadLetters(flags: ListFlags, invocation: Invocation): Promise<ExitCode> {
  const { stdout, env } = invocation;
  const filter = filterOf(flags, flags.state ?? 'open');
  const { letters, total } = withStoredState(
    invocation,
    (db) => listLetters(db, filter, flags.limit ?? SHOWN_UNLESS_SAID),
    { letters: [], total: 0 },
  );
  if (flags.json) {
    const counts = { letters: total, shown: letters.length };
    const document = { schemaVersion: 1, runId: null, status: 'ok', counts, letters: letters.map(letterDocument) };
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else stdout.write(renderLetterList(letters, total, flags.state ?? 'open', Date.now(), painter(stdout, env)));
  return EXIT.ok;
}

/** One letter with its story; its payload only when asked for, because it is people's data. */
export async function showDeadLetter(
  id: number,
  flags: { readonly raw?: boolean; readonly json?: boolean },
  invocation: Invocation,
): Promise<ExitCode> {
  const { stdout, env } = invocation;
  const found = withStoredState(
    invocation,
    (db) => {
      const [letter] = findLetters(db, [id]);
      if (!letter) return null;
      return { letter, records: recordsBehind(db, letter), history: historyOf(db, id), raw: payloadOf(db, id) };
    },
    null,
  );
  if (found === null) throw noSuchLetter([id]);
  const { letter, records, history, raw } = found;
  const payload: unknown = raw === null ? null : JSON.parse(raw);
  if (!flags.json) {
    const shown = { letter, records, history, payload, isRaw: flags.raw === true };
    stdout.write(renderLetter(shown, Date.now(), painter(stdout, env)));
    return EXIT.ok;
  }
  const document = {
    ...{ schemaVersion: 1, runId: letter.run, status: 'ok', counts: { records: records.length } },
    letter: { ...letterDocument(letter), records },
    history: history.map(({ atMs, ...entry }) => ({ at: new Date(atMs).toISOString(), ...entry })),
    fields: shapeOf(payload),
    ...(flags.raw ? { raw: payload } : {}),
  };
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  return EXIT.ok;
}

/** Sets open letters aside, with a reason, in the journal; `retry` takes them up again. */
export async function discardDeadLetters(
  ids: readonly number[],
  flags: { readonly reason: string; readonly yes?: boolean; readonly json?: boolean },
  invocation: Invocation,
): Promise<ExitCode> {
  const reason = flags.reason.trim();
  if (reason === '') throw new FatalError(EXIT.usage, 'the reason is empty', 'say why: --reason "sold by mistake"');
  if (ids.length > DISCARDED_UNASKED_MAX && !flags.yes) {
    throw new FatalError(EXIT.usage, `${ids.length} letters would be discarded`, 'if that is meant, add --yes');
  }
  const decision: Decision = { atMs: Date.now(), by: invocation.trigger, reason };
  const { letters, discarded } = await withLock(invocation, { needs: [] }, ({ db }) => {
    const found = findLetters(db, ids);
    const missing = ids.filter((id) => !found.some((letter) => letter.id === id));
    if (missing.length > 0) throw noSuchLetter(missing);
    return { letters: found, discarded: discardLetters(db, ids, decision) };
  });
  const results = letters.map(({ id, pipe, subject, state }) => {
    const isDiscarded = discarded.includes(id);
    return { id, pipe, subject, discarded: isDiscarded, was: state };
  });
  if (flags.json) {
    const counts = { letters: results.length, discarded: discarded.length };
    const document = { schemaVersion: 1, runId: null, status: 'ok', counts, reason, letters: results };
    invocation.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const lines = results.map((one) => (one.discarded ? `${one.id} discarded` : `${one.id} was ${one.was} already`));
    const undo = discarded.length > 0 ? [`undo: retail-sync dead-letters retry ${discarded.join(' ')}`] : [];
    invocation.stdout.write(`${[...lines, ...undo].join('\n')}\n`);
  }
  return EXIT.ok;
}

export const noSuchLetter = (ids: readonly number[]): FatalError =>
  new FatalError(
    EXIT.usage,
    ids.length === 1 ? `there is no dead letter ${ids[0]}` : `there are no dead letters ${ids.join(', ')}`,
    'see them: retail-sync dead-letters list',
  );
