/** `reconcile`: both sides of a pipe by key, and what is done about the differences when a person asks for it. */
import { type Clock, systemClock } from '../clock.ts';
import { limitsOf } from '../config/limits.ts';
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import { logOf, openLog } from '../log.ts';
import { type Mission, runJob } from '../mission.ts';
import { archiveAll } from '../reconcile/archive.ts';
import { type Repair, repair, type Sending } from '../reconcile/repair.ts';
import { type Reconciliation, reconcile, type Sides } from '../reconcile.ts';
import { type ReconcileReport, reconcileDocument, renderReconcile } from '../report/reconcile.ts';
import { painter } from '../report/style.ts';
import { openReadOnly } from '../state/database.ts';
import { portalOf, streamOf } from '../state/reconciliation.ts';
import { sourceInstance } from '../state/runs.ts';
import { instanceOf, openPortal } from '../systems.ts';
import type { Invocation } from './invocation.ts';
import { withLock } from './locked.ts';
import { withMission } from './mission.ts';
import { summarize } from './run-summary.ts';

export interface ReconcileFlags {
  readonly fix?: boolean;
  readonly recreate?: boolean;
  readonly approve?: boolean;
  readonly archive?: boolean;
  readonly yes?: boolean;
  readonly values?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** A command that was told to wait gives up after this. */
const LOCK_WAIT_MS = 2 * 3_600_000;
/** Between the two looks at what differs: edits and reads that lag are over by then. */
const PAUSE_MS = 2_000;

/** Throws FatalError for what was wrong before the comparison began. Returns 0 without differences, 3 with. */
export async function reconcileCommand(
  pipe: string,
  flags: ReconcileFlags,
  invocation: Invocation,
  clock: Clock = systemClock,
): Promise<ExitCode> {
  const report = await comparePipe(pipe, flags, invocation, clock);
  const { stdout, env } = invocation;
  if (flags.json) stdout.write(`${JSON.stringify(reconcileDocument(report), null, 2)}\n`);
  else stdout.write(renderReconcile(report, painter(stdout, env)));
  return report.exit;
}

/** What the command does, without printing it. Throws as the command does. */
export async function comparePipe(
  pipe: string,
  flags: ReconcileFlags,
  invocation: Invocation,
  clock: Clock = systemClock,
): Promise<ReconcileReport> {
  refuseHalfFlags(pipe, flags);
  const jobs = await loadJobs();
  const job = choose(jobs, pipe);
  const work: Work = { job, flags, invocation, clock };
  const isWriting = flags.fix === true || (flags.archive === true && flags.yes === true);
  if (!isWriting) return await lookOnly(work);
  const waitMs = flags.wait ? LOCK_WAIT_MS : 0;
  return await withLock(invocation, { needs: [job.system], waitMs }, (state) =>
    withMission(state, { jobs, chosen: [job], adopt: true }, invocation, (mission) =>
      compareAndAct(mission, mission, work),
    ),
  );
}

interface Work {
  readonly job: LoadedJob;
  readonly flags: ReconcileFlags;
  readonly invocation: Invocation;
  readonly clock: Clock;
}

/** Without the lock, beside whatever runs: the state is opened for reading only. */
async function lookOnly(work: Work): Promise<ReconcileReport> {
  const { job, invocation } = work;
  const { env, cwd, stderr, stop } = invocation;
  const config = loadConfig({ env, cwd, needs: ['hubspot', job.system] });
  const db = openReadOnly(config.stateDir);
  if (db === null) throw neverRan(job.pipe);
  try {
    refuseOtherPortal(portalOf(db), config.hubspot.portalId);
    const log = await openLog({ ...logOf(config), stream: stderr, env });
    const pipelines = job.mapping.pipeline ? [job.mapping.pipeline] : [];
    const portal = await openPortal(config, { specs: job.mapping.properties, pipelines, adopt: false }, stop);
    const onWarning = (pipe: string, message: string): void => log.warn(message, { pipe });
    return await compareAndAct({ config, db, portal, onWarning }, null, work);
  } finally {
    db.close();
  }
}

function refuseHalfFlags(pipe: string, { fix, recreate, approve, archive, yes }: ReconcileFlags): void {
  const [half, whole] =
    (recreate || approve) && !fix
      ? ['--recreate and --approve', '--fix']
      : yes && !archive
        ? ['--yes', '--archive']
        : [];
  if (half === undefined) return;
  throw new FatalError(EXIT.usage, `${half} means nothing without ${whole}`, `retail-sync reconcile ${pipe} --help`);
}

function choose(jobs: readonly LoadedJob[], pipe: string): LoadedJob {
  const job = jobs.find((one) => one.pipe === pipe);
  if (job) return job;
  const names = jobs.map((one) => one.pipe).join(', ');
  throw new FatalError(EXIT.usage, `there is no pipe called ${pipe}`, `choose one of: ${names}`);
}

const neverRan = (pipe: string): FatalError =>
  new FatalError(
    EXIT.usage,
    `${pipe} has not run from this source yet: there is nothing to compare HubSpot with`,
    `retail-sync sync ${pipe}`,
  );

/** Opening for writing checks it too: against another portal everything would seem to be missing. */
function refuseOtherPortal(bound: string | null, portalId: string): void {
  if (bound === null || bound === portalId) return;
  throw new FatalError(
    EXIT.access,
    `the state belongs to HubSpot portal ${bound}, but the configuration says ${portalId}`,
    `set HUBSPOT_PORTAL_ID=${bound}, or RETAIL_SYNC_STATE_DIR to the folder of this portal`,
  );
}

/** `mission`: what a repair runs with; null when nothing may be written. */
async function compareAndAct(
  opened: Pick<Mission, 'config' | 'db' | 'portal' | 'onWarning'>,
  mission: Mission | null,
  { job, flags, invocation, clock }: Work,
): Promise<ReconcileReport> {
  const { config, db, portal, onWarning } = opened;
  const startedMs = clock.now();
  const warn = (message: string): void => onWarning(job.pipe, message);
  const instance = instanceOf(job, config, sourceInstance(db, job.pipe), warn);
  const stream = streamOf(db, job.pipe, instance.id);
  if (stream === null) throw neverRan(job.pipe);
  const sides: Sides = {
    db,
    stream,
    pipe: job.pipe,
    specs: job.mapping.properties,
    transport: portal.transport,
    source: job.from(instance.systems),
    concludesDeletions: job.mapping.deleted !== undefined,
    clock,
    pauseMs: PAUSE_MS,
    signal: invocation.stop,
  };
  const result = await reconcile(sides);
  const done = await act(sides, result, mission, job, flags);
  const { calls } = portal.stats();
  const seconds = (clock.now() - startedMs) / 1000;
  return { ...done, pipe: job.pipe, result, calls, seconds, withValues: flags.values === true };
}

interface Done extends Pick<ReconcileReport, 'left' | 'repair' | 'archive'> {
  readonly exit: ExitCode;
}

async function act(
  sides: Sides,
  result: Reconciliation,
  mission: Mission | null,
  job: LoadedJob,
  flags: ReconcileFlags,
): Promise<Done> {
  const all = result.objects.flatMap((one) => one.differences);
  const repaired: Repair | null =
    flags.fix && mission
      ? await repair(sides, result.objects, {
          recreate: flags.recreate === true,
          approved: flags.approve === true,
          limits: limitsOf(mission.config.limits, job.pipe).breakers,
          send: (records) => send(job, records, flags, mission),
        })
      : null;
  const candidates = result.deletions.archivable;
  const isConfirmed = flags.yes === true;
  const archived = flags.archive && isConfirmed && mission ? await archiveAll(sides, candidates) : [];
  const left = (repaired?.left ?? all).filter((one) => !archived.includes(one));
  const sent = repaired?.sending?.exit ?? EXIT.ok;
  const exit = sent !== EXIT.ok && sent !== EXIT.deadLetters ? sent : left.length > 0 ? EXIT.deadLetters : EXIT.ok;
  return { exit, left, repair: repaired, archive: flags.archive ? { isConfirmed, candidates, archived } : null };
}

/** The pipe's ordinary run, for these records only. */
async function send(
  job: LoadedJob,
  records: readonly string[],
  flags: ReconcileFlags,
  mission: Mission,
): Promise<Sending> {
  const mode = {
    ...{ since: null, full: false, dryRun: false, limit: null, partition: null, records },
    approved: flags.approve === true,
  };
  const before = mission.portal.stats();
  const flight = await runJob(job, mode, mission, (ended) =>
    summarize(job.pipe, mode, ended, before, mission.portal.stats()),
  );
  const { exit, reason, hint } = flight.report;
  return { id: flight.id, exit, reason, hint };
}
