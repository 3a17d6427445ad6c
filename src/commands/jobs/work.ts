/** What a job of the schedule does: the very commands that a person would type, and how they ended. */
import { Stopped } from '../../engine/verdict.ts';
import { asError, EXIT, FatalError, TransientError } from '../../errors.ts';
import { loadJobs } from '../../jobs.ts';
import { painter } from '../../report/style.ts';
import { renderSummary } from '../../report/summary.ts';
import type { ScheduledJob } from '../../schedule/plan.ts';
import type { Outcome } from '../../schedule/tick.ts';
import { worstOf } from '../exits.ts';
import type { Invocation } from '../invocation.ts';
import { type Flown, fly } from '../sync.ts';

export interface WorkOptions {
  readonly waitMs: number;
  /** Print the reports of the runs as they end. */
  readonly isShown: boolean;
}

/** Never throws: what stopped it is its outcome. */
export async function runScheduledJob(
  job: ScheduledJob,
  options: WorkOptions,
  invocation: Invocation,
): Promise<Outcome> {
  try {
    if (job.task === 'sync') return await syncJob(job, options, invocation);
    if (job.task === 'prune') return await pruneJob(options, invocation);
    return await reconcileJob(options, invocation);
  } catch (thrown) {
    return outcomeOf(thrown, invocation.stop);
  }
}

async function syncJob(
  { pipes }: Pick<ScheduledJob, 'pipes'>,
  { waitMs, isShown }: WorkOptions,
  invocation: Invocation,
): Promise<Outcome> {
  const jobs = await loadJobs();
  const chosen = pipes.flatMap((pipe) => jobs.find((job) => job.pipe === pipe) ?? []);
  const mode = {
    ...{ since: null, full: false, dryRun: false, limit: null, partition: null, records: null },
    approved: false,
  };
  const flown = await fly({ jobs, chosen, mode, adopt: true }, waitMs, invocation);
  const { stdout, env, stop } = invocation;
  if (isShown) stdout.write(flown.map(({ summary }) => renderSummary(summary, painter(stdout, env))).join('\n'));
  if (stop.aborted && !flown.some(({ exit }) => exit !== EXIT.ok)) return outcomeOf(stop.reason, stop);
  return together(flown);
}

function together(flown: readonly Flown[]): Outcome {
  const exit = worstOf(flown.map((one) => one.exit));
  const bad = flown.filter((one) => one.exit !== EXIT.ok);
  const reasons = bad.map(({ summary }) => `${summary.pipe}: ${summary.reason ?? summary.verdict}`);
  const hint = bad.find((one) => one.exit === exit)?.summary.hint ?? null;
  const runs = flown.map(({ summary }) => summary.runId);
  return { exit, runs, reason: reasons.length > 0 ? reasons.join('; ') : null, hint };
}

async function pruneJob({ isShown }: WorkOptions, invocation: Invocation): Promise<Outcome> {
  const { pruneState } = await import('../prune.ts');
  const exit = await pruneState({}, isShown ? invocation : { ...invocation, stdout: NOWHERE });
  return { exit, runs: [], reason: null, hint: null };
}

/** Nothing is repaired: a person decides. */
async function reconcileJob({ waitMs, isShown }: WorkOptions, invocation: Invocation): Promise<Outcome> {
  const { weeklyReconcile } = await import('../weekly-reconcile.ts');
  const onText = (text: string): void => void (isShown && invocation.stdout.write(text));
  const { exit, flown, reason, hint } = await weeklyReconcile({ waitMs, onText }, invocation);
  return { exit, runs: flown.map(({ summary }) => summary.runId), reason, hint };
}

const NOWHERE = { write: () => true };

function outcomeOf(thrown: unknown, stop: AbortSignal): Outcome {
  const error = asError(stop.aborted ? stop.reason : thrown);
  const [exit, hint] =
    error instanceof FatalError
      ? [error.exit, error.hint]
      : error instanceof Stopped
        ? [error.exit, null]
        : error instanceof TransientError
          ? [error.system === 'hubspot' ? EXIT.hubspot : EXIT.source, 'retail-sync doctor']
          : [EXIT.internal, null];
  return { exit, runs: [], reason: error.message, hint };
}
