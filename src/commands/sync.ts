/** `sync`: one pipe or all of them, in the order of their links, under the portal's lock. */
import { systemClock } from '../clock.ts';
import { type Config, loadConfig, type Need } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import { openLog } from '../log.ts';
import { type Flight, type Mission, type Mode, runJob } from '../mission.ts';
import { openProgress, type Progress } from '../report/progress.ts';
import { painter } from '../report/style.ts';
import { type RunSummary, renderSummary, summaryDocument } from '../report/summary.ts';
import { type Db, openDatabase } from '../state/database.ts';
import { lockFolder, lockPortal } from '../state/lock.ts';
import { markCrashed } from '../state/runs.ts';
import { openPortal } from '../systems.ts';
import type { Invocation } from './invocation.ts';
import { summarize } from './run-summary.ts';

export interface SyncFlags {
  readonly since?: string;
  readonly full?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly partition?: string;
  readonly approve?: boolean;
  readonly adopt?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** A run that was told to wait gives up after this. */
const LOCK_WAIT_MS = 2 * 3_600_000;

/** The first of these that occurred in any pipe is the exit code of the whole command. */
const WORST_FIRST: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.terminated,
  EXIT.internal,
  EXIT.access,
  EXIT.gate,
  EXIT.hubspot,
  EXIT.source,
  EXIT.usage,
  EXIT.deadLetters,
];

/** Runs and reports. Returns the exit code; throws FatalError for what was wrong before the first pipe began. */
export async function sync(name: string, flags: SyncFlags, invocation: Invocation): Promise<ExitCode> {
  const jobs = await loadJobs();
  const chosen = choose(jobs, name);
  const config = loadConfig({ env: invocation.env, cwd: invocation.cwd, needs: needsOf(chosen) });
  const { environment, hubspot } = config;
  const db = openDatabase(config.stateDir, { environment, portalId: hubspot.portalId });
  try {
    const waitMs = flags.wait ? LOCK_WAIT_MS : 0;
    const lock = await lockPortal(lockFolder(invocation.env), hubspot.portalId, waitMs, (ms) =>
      systemClock.sleep(ms, invocation.stop),
    );
    try {
      return await syncLocked(chosen, jobs, config, db, flags, invocation);
    } finally {
      lock.release();
    }
  } finally {
    db.close();
  }
}

function choose(jobs: readonly LoadedJob[], name: string): readonly LoadedJob[] {
  const chosen = name === 'all' ? jobs : jobs.filter((job) => job.pipe === name);
  if (chosen.length > 0) return chosen;
  const names = jobs.map((job) => job.pipe).join(', ');
  throw new FatalError(EXIT.usage, `there is no pipe called ${name}`, `choose one of: ${names}, all`);
}

/** A join needs the joined pipe's source too; today every join is within the ERP. */
const needsOf = (jobs: readonly LoadedJob[]): ('hubspot' | Need)[] => [
  ...new Set(['hubspot' as const, ...jobs.map((job) => job.system)]),
];

async function syncLocked(
  chosen: readonly LoadedJob[],
  jobs: readonly LoadedJob[],
  config: Config<'hubspot'>,
  db: Db,
  flags: SyncFlags,
  invocation: Invocation,
): Promise<ExitCode> {
  const { stop, stderr, env, trigger } = invocation;
  const progress = openProgress({ stream: stderr, env, nowMs: Date.now }, () => log);
  const log = await openLog({ level: config.logLevel, stream: progress.stream, env, secrets: config.secrets });
  for (const runId of markCrashed(db, Date.now())) {
    log.warn('an earlier run died; this one continues where it stopped', { runId });
  }
  const mappings = chosen.map((job) => job.mapping);
  const wanted = {
    specs: mappings.flatMap((mapping) => mapping.properties),
    pipelines: mappings.flatMap((mapping) => mapping.pipeline ?? []),
    adopt: flags.adopt !== false,
  };
  const portal = await openPortal(config, wanted, stop);
  const mission: Mission = {
    jobs,
    config,
    db,
    portal,
    trigger,
    stop,
    onProgress: showProgress(progress, portal.stats),
    onWarning: (pipe, message) => log.warn(message, { pipe }),
  };
  const summaries: RunSummary[] = [];
  const exits = new Set<ExitCode>();
  try {
    for (const job of chosen) {
      if (stop.aborted) break;
      const before = portal.stats();
      const finish = (flight: Flight): RunSummary => summarize(job.pipe, modeOf(flags), flight, before, portal.stats());
      const flight = await runJob(job, modeOf(flags), mission, finish);
      summaries.push(finish(flight));
      exits.add(flight.report.exit);
    }
  } finally {
    progress.end();
  }
  const exit = WORST_FIRST.find((code) => exits.has(code)) ?? EXIT.ok;
  print(summaries, exit, flags, invocation);
  return exit;
}

const modeOf = (flags: SyncFlags): Mode => ({
  since: flags.since ?? null,
  full: flags.full === true,
  dryRun: flags.dryRun === true,
  limit: flags.limit ?? null,
  partition: flags.partition ?? null,
  records: null,
  approved: flags.approve === true,
});

function showProgress(progress: Progress, stats: Mission['portal']['stats']): Mission['onProgress'] {
  const callsBefore = new Map<string, number>();
  return (pipe, { total, phase, ...counts }) => {
    const { calls, limitPer10s, usedInWindow } = stats();
    const before = callsBefore.get(pipe) ?? calls;
    callsBefore.set(pipe, before);
    progress.update({
      pipe,
      phase,
      ...counts,
      ...(total === null ? {} : { total }),
      calls: calls - before,
      limitPer10s,
      usedInWindow,
    });
  };
}

function print(summaries: readonly RunSummary[], exit: ExitCode, flags: SyncFlags, { stdout, env }: Invocation): void {
  if (!flags.json) {
    stdout.write(summaries.map((summary) => renderSummary(summary, painter(stdout, env))).join('\n'));
    return;
  }
  const documents = summaries.map(summaryDocument);
  const [only] = documents;
  const status = exit === EXIT.ok ? 'ok' : exit === EXIT.deadLetters ? 'partial' : 'failed';
  const document =
    documents.length === 1 && only
      ? { ...only, exit }
      : { schemaVersion: 1, runId: null, status, exit, runs: documents };
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
