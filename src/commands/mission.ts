/** The portal, the log and the progress bars, opened for the jobs that one command runs. */
import { EXIT, FatalError, TransientError } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import { type Log, logOf, openLog } from '../log.ts';
import type { Mission } from '../mission.ts';
import { observer } from '../observe.ts';
import { openProgress, type Progress } from '../report/progress.ts';
import { markCrashed, refuseRun } from '../state/runs.ts';
import { openPortal } from '../systems.ts';
import { openTelemetry } from '../telemetry/open.ts';
import type { Invocation } from './invocation.ts';
import type { LockedState } from './locked.ts';

export interface Crew {
  /** Every job there is: those that are joined too. */
  readonly jobs: readonly LoadedJob[];
  /** Those that are going to run. */
  readonly chosen: readonly LoadedJob[];
  /** Look for objects people made before creating companies and contacts. */
  readonly adopt: boolean;
}

/** Runs with everything `runJob` needs; the portal's lock is held by the caller. Progress ends with it. */
export async function withMission<T>(
  { config, db }: LockedState,
  { jobs, chosen, adopt }: Crew,
  { stop, stderr, env, trigger }: Invocation,
  work: (mission: Mission) => Promise<T>,
): Promise<T> {
  let logNow = (): Log | null => null;
  const progress = openProgress({ stream: stderr, env, nowMs: Date.now }, () => logNow());
  const log = await openLog({ ...logOf(config), stream: progress.stream, env });
  for (const runId of markCrashed(db, Date.now())) {
    log.warn('an earlier run died; this one continues where it stopped', { runId });
  }
  const telemetry = await openTelemetry(config, log);
  const watch = observer(log, telemetry);
  logNow = watch.log;
  const mappings = chosen.map((job) => job.mapping);
  const wanted = {
    specs: mappings.flatMap((mapping) => mapping.properties),
    pipelines: mappings.flatMap((mapping) => mapping.pipeline ?? []),
    adopt,
  };
  const portal = await openPortal(config, wanted, stop, watch.call).catch((error: unknown) => {
    for (const { pipe } of chosen) noteRefusal(db, pipe, trigger, error);
    return telemetry?.flush().then(() => Promise.reject(error)) ?? Promise.reject(error);
  });
  const mission: Mission = {
    jobs,
    config,
    db,
    portal,
    trigger,
    stop,
    onProgress: showProgress(progress, portal.stats),
    onWarning: (pipe, message) => watch.log().warn(message, { pipe }),
    observer: watch,
  };
  try {
    return await work(mission);
  } finally {
    progress.end();
    await telemetry?.flush();
  }
}

function noteRefusal(db: LockedState['db'], pipe: string, trigger: string, error: unknown): void {
  const about = { pipe, trigger, atMs: Date.now() };
  if (error instanceof FatalError)
    refuseRun(db, { ...about, exit: error.exit, reason: error.message, hint: error.hint, code: error.code });
  else if (error instanceof TransientError) {
    refuseRun(db, { ...about, exit: EXIT.hubspot, reason: error.message, hint: 'retail-sync doctor' });
  }
}

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
