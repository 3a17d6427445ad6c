/** `prune`: what the state no longer needs, by age. */
import { statSync } from 'node:fs';
import { EXIT, type ExitCode } from '../errors.ts';
import { grouped } from '../report/style.ts';
import { databasePath } from '../state/database.ts';
import { type Ages, type Pruned, prunable, prune, shrink } from '../state/retention.ts';
import type { Invocation } from './invocation.ts';
import { withLock } from './locked.ts';
import { withStoredState } from './stored.ts';

export interface PruneFlags {
  readonly dryRun?: boolean;
  /** Of letters and journal, in milliseconds. */
  readonly olderThan?: number;
  readonly vacuum?: boolean;
  /** Clear the payloads of settled letters, whatever their age. */
  readonly payloads?: boolean;
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;
const LETTERS_AND_JOURNAL_MS = 90 * DAY_MS;
const RUNS_MS = 400 * DAY_MS;

/** Deletes under the portal's lock; a dry run only counts. */
export async function pruneState(flags: PruneFlags, invocation: Invocation): Promise<ExitCode> {
  const nowMs = Date.now();
  const before = nowMs - (flags.olderThan ?? LETTERS_AND_JOURNAL_MS);
  const ages: Ages = {
    lettersBeforeMs: before,
    journalBeforeMs: before,
    runsBeforeMs: nowMs - RUNS_MS,
    withPayloads: flags.payloads === true,
  };
  const { pruned, freedBytes } = flags.dryRun
    ? { pruned: withStoredState(invocation, (db) => prunable(db, ages), NOTHING), freedBytes: 0 }
    : await pruneLocked(ages, flags.vacuum === true, invocation);
  const { stdout } = invocation;
  if (flags.json) {
    const { lettersBeforeMs, runsBeforeMs } = ages;
    const document = {
      ...{ schemaVersion: 1, runId: null, status: 'ok', dryRun: flags.dryRun === true, counts: pruned, freedBytes },
      before: { letters: iso(lettersBeforeMs), journal: iso(lettersBeforeMs), runs: iso(runsBeforeMs) },
    };
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else stdout.write(render(pruned, ages, freedBytes, flags));
  return EXIT.ok;
}

const NOTHING: Pruned = { letters: 0, payloads: 0, journal: 0, runs: 0 };

const iso = (ms: number): string => new Date(ms).toISOString();

const pruneLocked = (
  ages: Ages,
  vacuum: boolean,
  invocation: Invocation,
): Promise<{ readonly pruned: Pruned; readonly freedBytes: number }> =>
  withLock(invocation, { needs: [] }, ({ config, db }) => {
    const path = databasePath(config.stateDir);
    const sizeBefore = sizeOf(path);
    const pruned = prune(db, ages);
    shrink(db, vacuum);
    return { pruned, freedBytes: Math.max(0, sizeBefore - sizeOf(path)) };
  });

/** The database with what SQLite has not yet moved into it. */
const sizeOf = (path: string): number =>
  [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);

function render(
  { letters, payloads, journal, runs }: Pruned,
  ages: Ages,
  freedBytes: number,
  flags: PruneFlags,
): string {
  const word = flags.dryRun ? 'would delete' : 'deleted';
  const row = (count: number, what: string, beforeMs: number): string =>
    `  ${grouped(count).padStart(9)}  ${what} before ${iso(beforeMs).slice(0, 10)}`;
  const rest = flags.dryRun
    ? 'do it: the same without --dry-run'
    : `${grouped(Math.round(freedBytes / 1024))} KB given back to the disk${flags.vacuum ? '' : '; more with --vacuum'}`;
  return `${[
    word,
    row(letters, 'resolved and discarded letters last seen', ages.lettersBeforeMs),
    ...(flags.payloads ? [`  ${grouped(payloads).padStart(9)}  payloads of other resolved and discarded letters`] : []),
    row(journal, 'entries of the journal', ages.journalBeforeMs),
    row(runs, 'runs', ages.runsBeforeMs),
    'open letters, the last proven run of each pipe, cursors and records stay',
    rest,
  ].join('\n')}\n`;
}
