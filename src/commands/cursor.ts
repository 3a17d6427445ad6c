/** `cursor`: up to where each slice of a source has been read, and the two ways a person may move that mark. */
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { pipeNames } from '../pipe-names.ts';
import { painter } from '../report/style.ts';
import { minuteOf, paragraph, tableLines } from '../report/table.ts';
import {
  type CursorMove,
  type CursorRow,
  cursorsOf,
  knownPartitions,
  latestStream,
  moveCursors,
  oldestWaiting,
  streamOf,
} from '../state/cursor-desk.ts';
import type { Db } from '../state/database.ts';
import { sourceInstance } from '../state/runs.ts';
import { instanceOf } from '../systems.ts';
import type { Invocation } from './invocation.ts';
import { type LockedState, withLock } from './locked.ts';
import { checkPipe, withStoredState } from './stored.ts';

export interface MoveFlags {
  readonly reason: string;
  readonly partition?: string;
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

interface PipeCursors {
  readonly pipe: string;
  readonly cursors: readonly CursorRow[];
  /** The earliest change that is read and not settled: no run moves a cursor past it. */
  readonly oldestWaiting: string | null;
}

// ---------------------------------------------------------------------------------------------------- show

/** Reads the state only. */
export async function cursorShow(
  pipe: string | undefined,
  flags: { readonly json?: boolean },
  invocation: Invocation,
): Promise<ExitCode> {
  if (pipe !== undefined) checkPipe(pipe);
  const names = pipe === undefined ? pipeNames() : [pipe];
  const nothing = names.map((name): PipeCursors => ({ pipe: name, cursors: [], oldestWaiting: null }));
  const pipes = withStoredState(invocation, (db) => names.map((name) => pipeCursors(db, name)), nothing);
  const { stdout, env } = invocation;
  if (!flags.json) {
    stdout.write(renderCursors(pipes, (text) => painter(stdout, env)('bold', text)));
    return EXIT.ok;
  }
  const cursors = pipes.flatMap((one) =>
    one.cursors.map(({ movedAtMs, ...cursor }) => ({ ...cursor, movedAt: new Date(movedAtMs).toISOString() })),
  );
  const waiting = pipes.map((one) => ({ pipe: one.pipe, oldestWaiting: one.oldestWaiting }));
  const counts = { pipes: pipes.length, cursors: cursors.length };
  const document = { schemaVersion: 1, runId: null, status: 'ok', counts, pipes: waiting, cursors };
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  return EXIT.ok;
}

function pipeCursors(db: Db, pipe: string): PipeCursors {
  const stream = latestStream(db, pipe);
  if (stream === null) return { pipe, cursors: [], oldestWaiting: null };
  return { pipe, cursors: cursorsOf(db, stream), oldestWaiting: oldestWaiting(db, stream) };
}

function renderCursors(pipes: readonly PipeCursors[], bold: (text: string) => string): string {
  const columns = [
    { head: 'pipe', max: 12 },
    { head: 'partition', max: 22 },
    { head: 'read up to (UTC)' },
    { head: 'moved (UTC)' },
  ];
  const rows = pipes.flatMap(({ pipe, cursors }) =>
    cursors.map(({ partition, position, movedAtMs }) => [
      ...[pipe, partition, minuteOf(Date.parse(position)), minuteOf(movedAtMs)],
    ]),
  );
  const [head = '', ...lines] = tableLines(columns, rows);
  const notes = pipes.flatMap(({ pipe, cursors, oldestWaiting: oldest }) => [
    ...(cursors.length === 0 ? paragraph(`${pipe} has no cursor: its next run reads everything`, '') : []),
    ...(oldest === null ? [] : paragraph(`${pipe} waits for a change of ${oldest} to be settled`, '')),
  ]);
  return `${[...(rows.length > 0 ? [bold(head), ...lines] : []), ...notes].join('\n')}\n`;
}

// ---------------------------------------------------------------------------------------------------- move

/**
 * Puts the cursors of a pipe, or of one partition, to an instant. Throws FatalError (exit 2) for a move forward, past
 * ground that was not read, unless `force` says that it is meant.
 */
export async function cursorSet(pipe: string, to: string, flags: MoveFlags, invocation: Invocation): Promise<ExitCode> {
  return move(
    pipe,
    flags,
    invocation,
    () => to,
    (moves) => {
      if (Date.parse(to) > Date.now()) throw refused(`${to} lies in the future`, 'give an instant that has been');
      checkForward(pipe, moves, flags);
      if (moves.length > 1 && !flags.yes && !flags.force) {
        throw refused(`all ${moves.length} cursors of ${pipe} would be set`, 'name one with --partition, or add --yes');
      }
    },
  );
}

/** Puts the cursors of a pipe, or of one partition, back: what lies between is read once more. */
export async function cursorRewind(
  pipe: string,
  byMs: number,
  flags: MoveFlags,
  invocation: Invocation,
): Promise<ExitCode> {
  if (byMs === 0) throw refused('a rewind by nothing', 'give days or hours, such as 3d or 12h');
  const back = (from: string | null): string | null =>
    from === null ? null : new Date(Date.parse(from) - byMs).toISOString();
  return move(pipe, flags, invocation, back, () => undefined);
}

async function move(
  pipe: string,
  flags: MoveFlags,
  invocation: Invocation,
  target: (from: string | null) => string | null,
  check: (moves: readonly CursorMove[]) => void,
): Promise<ExitCode> {
  checkPipe(pipe);
  const reason = flags.reason.trim();
  if (reason === '') throw refused('the reason is empty', 'say why: --reason "the ERP restored a backup"');
  const job = (await loadJobs()).find((one) => one.pipe === pipe);
  const moves = await withLock(invocation, { needs: job ? [job.system] : [] }, (state) => {
    const stream = job ? streamOf(state.db, pipe, instanceFor(job, state)) : null;
    if (stream === null) throw nothingToMove(pipe);
    const planned = plan(pipe, state.db, stream, flags.partition, target);
    check(planned);
    const decision = { atMs: Date.now(), by: invocation.trigger, reason, forced: flags.force === true };
    moveCursors(state.db, stream, planned, decision);
    return planned;
  });
  print(pipe, moves, reason, flags, invocation);
  return EXIT.ok;
}

const instanceFor = (job: Parameters<typeof instanceOf>[0] & { readonly pipe: string }, { config, db }: LockedState) =>
  instanceOf(job, config, sourceInstance(db, job.pipe), () => undefined).id;

function plan(
  pipe: string,
  db: Db,
  stream: number,
  partition: string | undefined,
  target: (from: string | null) => string | null,
): CursorMove[] {
  const cursors = new Map(cursorsOf(db, stream).map((cursor) => [cursor.partition, cursor.position]));
  const known = new Set([...cursors.keys(), ...knownPartitions(db, stream)]);
  if (partition !== undefined && !known.has(partition)) {
    throw refused(`${pipe} has no partition ${partition}`, `see them with: retail-sync partitions show ${pipe}`);
  }
  const wanted = partition === undefined ? [...cursors.keys()] : [partition];
  const moves = wanted.flatMap((key): CursorMove[] => {
    const from = cursors.get(key) ?? null;
    const to = target(from);
    return to === null ? [] : [{ partition: key, from, to }];
  });
  if (moves.length === 0) throw nothingToMove(pipe);
  return moves;
}

/** A cursor vouches for what lies before it and for nothing else: to set it forward is to leave something out. */
function checkForward(pipe: string, moves: readonly CursorMove[], { force }: MoveFlags): void {
  const forward = moves.filter(({ from, to }) => from === null || to > from);
  const [first] = forward;
  if (first === undefined || force) return;
  const { partition, from, to } = first;
  const skipped = from === null ? `everything before ${to}` : `changes from ${from} to ${to}`;
  const others = forward.length > 1 ? `, and of ${forward.length - 1} other partitions` : '';
  throw refused(
    `this would skip ${skipped} of partition ${partition}${others}: nothing proves that they were read`,
    `read them: retail-sync sync ${pipe}; or leave them out with --force, then only sync ${pipe} --full finds them`,
  );
}

const refused = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);

const nothingToMove = (pipe: string): FatalError =>
  refused(`${pipe} has no cursor yet: its next run reads everything`, `retail-sync sync ${pipe}`);

function print(
  pipe: string,
  moves: readonly CursorMove[],
  reason: string,
  flags: MoveFlags,
  { stdout }: Invocation,
): void {
  if (flags.json) {
    const document = {
      schemaVersion: 1,
      runId: null,
      status: 'ok',
      counts: { moved: moves.length },
      pipe,
      reason,
      moves,
    };
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const columns = [{ head: 'partition', max: 24 }, { head: 'from' }, { head: 'to' }];
  const rows = moves.map(({ partition, from, to }) => [partition, from ?? 'none', to]);
  stdout.write(`${[...tableLines(columns, rows), '', `next: retail-sync sync ${pipe}`].join('\n')}\n`);
}
