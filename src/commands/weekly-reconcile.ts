/** The weekly comparison of everything, for people and the schedule: a whole pass over each source, then both sides by key. */
import { Stopped } from '../engine/verdict.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { type ReconcileReport, reconcileDocument, renderReconcile } from '../report/reconcile.ts';
import { painter } from '../report/style.ts';
import { renderSummary, summaryDocument } from '../report/summary.ts';
import { worstOf } from './exits.ts';
import type { Invocation } from './invocation.ts';
import { comparePipe } from './reconcile.ts';
import { type Flown, fly, LOCK_WAIT_MS } from './sync.ts';

export interface WeeklyOptions {
  /** For another run to end, instead of exit 75. */
  readonly waitMs: number;
  /** Reports for people, as the runs and comparisons end. */
  readonly onText: (text: string) => void;
}

export interface WeeklyReport {
  readonly exit: ExitCode;
  readonly flown: readonly Flown[];
  readonly comparisons: readonly ReconcileReport[];
  /** Why it is not ok, and the next command to type. */
  readonly reason: string | null;
  readonly hint: string | null;
}

/**
 * `sync all --full`, then `reconcile` of each pipe. Repairs nothing and archives nothing: the comparison only reads.
 * A sync that was stopped is not followed by a comparison, because what it left behind would look like one. Throws
 * FatalError as `sync` does.
 */
export async function weeklyReconcile(options: WeeklyOptions, invocation: Invocation): Promise<WeeklyReport> {
  const { stdout, env, stop } = invocation;
  const paint = painter(stdout, env);
  const jobs = await loadJobs();
  const mode = {
    ...{ since: null, full: true, dryRun: false, limit: null, partition: null, records: null },
    approved: false,
  };
  const flown = await fly({ jobs, chosen: jobs, mode, adopt: true }, options.waitMs, invocation);
  options.onText(flown.map(({ summary }) => renderSummary(summary, paint)).join('\n'));
  const read = worstOf([...stoppedBy(stop), ...flown.map(({ exit }) => exit)]);
  const comparisons: ReconcileReport[] = [];
  if (read === EXIT.ok || read === EXIT.deadLetters) {
    for (const { pipe } of jobs) {
      if (stop.aborted) break;
      const report = await comparePipe(pipe, {}, invocation);
      options.onText(`\n${renderReconcile(report, paint)}`);
      comparisons.push(report);
    }
  }
  const exit = worstOf([read, ...stoppedBy(stop), ...comparisons.map((one) => one.exit)]);
  return { exit, flown, comparisons, ...causeOf(flown, comparisons, exit) };
}

const stoppedBy = ({ reason }: AbortSignal): ExitCode[] => (reason instanceof Stopped ? [reason.exit] : []);

function causeOf(flown: readonly Flown[], comparisons: readonly ReconcileReport[], exit: ExitCode) {
  const bad = flown.filter((one) => one.exit !== EXIT.ok);
  const differing = comparisons.filter((one) => one.exit !== EXIT.ok).map(({ pipe }) => pipe);
  const reasons = [
    ...bad.map(({ summary }) => `${summary.pipe}: ${summary.reason ?? summary.verdict}`),
    ...(differing.length > 0 ? [`HubSpot differs from what was written: ${differing.join(', ')}`] : []),
  ];
  const [first] = differing;
  const hint =
    first === undefined
      ? (bad.find((one) => one.exit === exit)?.summary.hint ?? null)
      : `retail-sync reconcile ${first}`;
  return { reason: reasons.length > 0 ? reasons.join('; ') : null, hint };
}

/** The flags of the command; whatever else is set is for one pipe and refused. */
export interface WeeklyFlags {
  readonly wait?: boolean;
  readonly json?: boolean;
  readonly [other: string]: unknown;
}

/** `reconcile weekly`. Returns the worst exit code: 3 when differences are left. Throws as `weeklyReconcile` does. */
export async function weeklyCommand(flags: WeeklyFlags, invocation: Invocation): Promise<ExitCode> {
  await refuseFlagsOfOnePipe(flags);
  const { stdout } = invocation;
  const onText = flags.json ? () => undefined : (text: string): void => void stdout.write(text);
  const report = await weeklyReconcile({ waitMs: flags.wait ? LOCK_WAIT_MS : 0, onText }, invocation);
  if (flags.json) stdout.write(`${JSON.stringify(documentOf(report), null, 2)}\n`);
  return report.exit;
}

async function refuseFlagsOfOnePipe(flags: WeeklyFlags): Promise<void> {
  const stray = Object.entries(flags).find(([name, value]) => !['wait', 'json'].includes(name) && value === true)?.[0];
  if (stray === undefined) return;
  throw new FatalError(
    EXIT.usage,
    `reconcile weekly only compares: --${stray} is for one pipe`,
    `retail-sync reconcile <pipe> --${stray}, with one of: ${(await loadJobs()).map(({ pipe }) => pipe).join(', ')}`,
  );
}

function documentOf({ exit, flown, comparisons, reason, hint }: WeeklyReport): unknown {
  return {
    schemaVersion: 1,
    runId: null,
    status: exit === EXIT.ok ? 'ok' : exit === EXIT.deadLetters ? 'partial' : 'failed',
    ...{ exit, reason, hint },
    counts: {
      pipes: flown.length,
      compared: comparisons.length,
      differences: comparisons.reduce((sum, { left }) => sum + left.length, 0),
    },
    runs: flown.map(({ summary }) => summaryDocument(summary)),
    comparisons: comparisons.map(reconcileDocument),
  };
}
