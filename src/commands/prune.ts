/** `prune`: what has outlived its time, in the state and beside it. A daily job of the schedule does the same. */
import { rmSync, statSync } from 'node:fs';
import { sizeOf } from '../bytes.ts';
import { type Config, loadConfig } from '../config.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { grouped } from '../report/style.ts';
import { outlivedFiles } from '../state/backup.ts';
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

interface Done {
  readonly rows: Pruned;
  readonly files: readonly string[];
  readonly freedBytes: number;
}

/** Deletes under the portal's lock; a dry run only counts. */
export async function pruneState(flags: PruneFlags, invocation: Invocation): Promise<ExitCode> {
  const { env, cwd, stdout } = invocation;
  const config = loadConfig({ env, cwd, needs: [] });
  const ages = agesOf(config, flags, Date.now());
  const done = flags.dryRun ? counted(config, ages, invocation) : await pruneLocked(ages, flags, invocation);
  if (flags.json) stdout.write(`${JSON.stringify(documentOf(done, ages, flags), null, 2)}\n`);
  else stdout.write(render(done, ages, config.keep.backups, flags));
  return EXIT.ok;
}

function agesOf({ keep }: Pick<Config, 'keep'>, { olderThan, payloads }: PruneFlags, nowMs: number): Ages {
  const before = (days: number): number => nowMs - days * DAY_MS;
  const lettersBeforeMs = olderThan === undefined ? before(keep.lettersDays) : nowMs - olderThan;
  return {
    lettersBeforeMs,
    // Seen in this very millisecond is settled as well.
    payloadsBeforeMs: payloads ? nowMs + 1 : Math.max(before(keep.payloadsDays), lettersBeforeMs),
    journalBeforeMs: olderThan === undefined ? before(keep.journalDays) : nowMs - olderThan,
    runsBeforeMs: before(keep.runsDays),
    probesBeforeMs: before(keep.probesDays),
  };
}

const filesOf = ({ stateDir, keep }: Pick<Config, 'stateDir' | 'keep'>, { journalBeforeMs }: Ages): readonly string[] =>
  outlivedFiles(stateDir, keep.backups, journalBeforeMs);

const counted = (config: Config, ages: Ages, invocation: Invocation): Done => ({
  rows: withStoredState(invocation, (db) => prunable(db, ages), NOTHING),
  files: filesOf(config, ages),
  freedBytes: 0,
});

const NOTHING: Pruned = { letters: 0, payloads: 0, journal: 0, runs: 0, slots: 0, comparisons: 0, probes: 0 };

const pruneLocked = (ages: Ages, { vacuum }: PruneFlags, invocation: Invocation): Promise<Done> =>
  withLock(invocation, { needs: [] }, ({ config, db }) => {
    const path = databasePath(config.stateDir);
    const files = filesOf(config, ages);
    const sizeBefore = bytesIn([path, `${path}-wal`, ...files]);
    const rows = prune(db, ages);
    shrink(db, vacuum === true);
    for (const file of files) rmSync(file, { force: true });
    return { rows, files, freedBytes: Math.max(0, sizeBefore - bytesIn([path, `${path}-wal`])) };
  });

const bytesIn = (files: readonly string[]): number =>
  files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);

const iso = (ms: number): string => new Date(ms).toISOString();

const documentOf = ({ rows, files, freedBytes }: Done, ages: Ages, { dryRun }: PruneFlags) => ({
  ...{ schemaVersion: 1, runId: null, status: 'ok', dryRun: dryRun === true },
  ...{ counts: { ...rows, files: files.length }, freedBytes, files },
  before: {
    ...{ letters: iso(ages.lettersBeforeMs), payloads: iso(ages.payloadsBeforeMs), journal: iso(ages.journalBeforeMs) },
    ...{ runs: iso(ages.runsBeforeMs), slots: iso(ages.runsBeforeMs), comparisons: iso(ages.runsBeforeMs) },
    probes: iso(ages.probesBeforeMs),
  },
});

function render({ rows, files, freedBytes }: Done, ages: Ages, backups: number, flags: PruneFlags): string {
  const row = (count: number, what: string, beforeMs: number): string =>
    `  ${grouped(count).padStart(9)}  ${what} before ${iso(beforeMs).slice(0, 10)}`;
  const rest = flags.dryRun
    ? 'do it: the same without --dry-run'
    : `${sizeOf(freedBytes)} given back to the disk${flags.vacuum ? '' : '; more with --vacuum'}`;
  return `${[
    flags.dryRun ? 'would delete' : 'deleted',
    row(rows.letters, 'resolved and discarded letters last seen', ages.lettersBeforeMs),
    flags.payloads
      ? `  ${grouped(rows.payloads).padStart(9)}  payloads of all other resolved and discarded letters`
      : row(rows.payloads, 'payloads of those last seen', ages.payloadsBeforeMs),
    row(rows.journal, 'entries of the journal', ages.journalBeforeMs),
    row(rows.runs, 'runs', ages.runsBeforeMs),
    row(rows.slots, 'slots of the schedule', ages.runsBeforeMs),
    row(rows.comparisons, 'comparisons with HubSpot', ages.runsBeforeMs),
    row(rows.probes, 'probes', ages.probesBeforeMs),
    `  ${grouped(files.length).padStart(9)}  files: daily copies beyond ${backups}, databases moved aside by a restore`,
    ...files.map((file) => `             ${file}`),
    'open letters, the last proven run of each pipe, cursors and records stay',
    rest,
  ].join('\n')}\n`;
}
