/** `sync`: one pipe or all of them, in the order of their links, under the portal's lock. */
import type { Watched } from '../alerts/watch.ts';
import { Stopped } from '../engine/verdict.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import { type Flight, type Mission, type Mode, runJob } from '../mission.ts';
import { nearestOf } from '../nearest.ts';
import { painter } from '../report/style.ts';
import { type RunSummary, renderSummary, summaryDocument } from '../report/summary.ts';
import { withCounts } from './count-check.ts';
import { worstOf } from './exits.ts';
import type { Invocation } from './invocation.ts';
import { withLock } from './locked.ts';
import { withMission } from './mission.ts';
import { summarize } from './run-summary.ts';

export interface SyncFlags {
  readonly since?: string;
  readonly full?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly partition?: string;
  readonly approve?: boolean;
  readonly maxCreates?: number;
  readonly maxUpdates?: number;
  readonly adopt?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** More slips than these are another word. */
const SLIPS_MAX = 3;
/** A run that was told to wait, or that the schedule started, gives up after this. */
export const LOCK_WAIT_MS = 2 * 3_600_000;

/** Runs and reports. Returns the exit code; throws FatalError for what was wrong before the first pipe began. */
export async function sync(name: string, flags: SyncFlags, invocation: Invocation): Promise<ExitCode> {
  const jobs = await loadJobs();
  const chosen = choose(jobs, name);
  const order = { jobs, chosen, mode: modeOf(flags), adopt: flags.adopt !== false };
  const work = async (): Promise<Watched> => {
    const flown = await fly(order, flags.wait ? LOCK_WAIT_MS : 0, invocation);
    const { stop } = invocation;
    const stopped = stop.reason instanceof Stopped ? [stop.reason.exit] : [];
    const exit = worstOf([...stopped, ...flown.map(({ exit }) => exit)]);
    const summaries = flown.map(({ summary }) => summary);
    print(summaries, name === 'all', exit, flags, invocation);
    return { exit, runs: summaries.map(({ runId }) => runId) };
  };
  if (flags.dryRun) return (await work()).exit;
  const { announced, pinged } = await import('../alerts/watch.ts');
  // At a terminal somebody tries something: a ping for it would tell the watcher that the daily job is alive.
  const isTyped = invocation.trigger === 'manual' && invocation.stderr.isTTY === true;
  const { exit } = await announced(name, invocation, () => (isTyped ? work() : pinged(name, invocation, work)));
  return exit;
}

/** A run that is over: what is shown and kept of it. */
export interface Flown {
  readonly summary: RunSummary;
  readonly exit: ExitCode;
}

interface Order {
  readonly jobs: readonly LoadedJob[];
  readonly chosen: readonly LoadedJob[];
  readonly mode: Mode;
  readonly adopt: boolean;
}

/** Runs the chosen pipes one after the other under the portal's lock: for a person and for the schedule alike. */
export function fly({ jobs, chosen, mode, adopt }: Order, waitMs: number, invocation: Invocation): Promise<Flown[]> {
  // A join needs the joined pipe's source too; today every join is within the ERP.
  const needs = chosen.map((job) => job.system);
  return withLock(invocation, { needs, waitMs }, (state) =>
    withMission(state, { jobs, chosen, adopt }, invocation, (mission) => syncAll(chosen, mode, mission)),
  );
}

function choose(jobs: readonly LoadedJob[], name: string): readonly LoadedJob[] {
  const chosen = name === 'all' ? jobs : jobs.filter((job) => job.pipe === name);
  if (chosen.length > 0) return chosen;
  const names = jobs.map((job) => job.pipe).join(', ');
  const { word: near, slips } = nearestOf(name, [...jobs.map((job) => job.pipe), 'all']);
  const hint = slips > SLIPS_MAX ? `choose one of: ${names}, all` : `did you mean ${near}? There are: ${names}, all`;
  throw new FatalError(EXIT.usage, `there is no pipe called ${name}`, hint);
}

async function syncAll(chosen: readonly LoadedJob[], mode: Mode, mission: Mission): Promise<Flown[]> {
  const { portal, stop } = mission;
  const flown: Flown[] = [];
  for (const job of chosen) {
    if (stop.aborted) break;
    const before = portal.stats();
    const finish = (flight: Flight): RunSummary => summarize(job.pipe, mode, flight, before, portal.stats());
    const flight = await runJob(job, mode, mission, finish);
    flown.push({ summary: finish(flight), exit: flight.report.exit });
  }
  return await withCounts(flown, mode, chosen, mission);
}

const modeOf = (flags: SyncFlags): Mode => ({
  since: flags.since ?? null,
  full: flags.full === true,
  dryRun: flags.dryRun === true,
  limit: flags.limit ?? null,
  partition: flags.partition ?? null,
  records: null,
  approved: flags.approve === true,
  ...(flags.maxCreates === undefined && flags.maxUpdates === undefined
    ? {}
    : { limits: { creates: flags.maxCreates ?? null, updates: flags.maxUpdates ?? null } }),
});

/** One pipe is its own document; `all` is always a list, however far it came. */
function print(
  summaries: readonly RunSummary[],
  isAll: boolean,
  exit: ExitCode,
  flags: SyncFlags,
  { stdout, env }: Invocation,
): void {
  if (!flags.json) {
    stdout.write(summaries.map((summary) => renderSummary(summary, painter(stdout, env))).join('\n'));
    return;
  }
  const documents = summaries.map(summaryDocument);
  const [only] = documents;
  const status = exit === EXIT.ok ? 'ok' : exit === EXIT.deadLetters ? 'partial' : 'failed';
  const document =
    !isAll && only ? { ...only, exit } : { schemaVersion: 1, runId: null, status, exit, runs: documents };
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
