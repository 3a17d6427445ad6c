/** The last thing a command does that read whole pipes: HubSpot's count of our objects against the state's. */
import { systemClock } from '../clock.ts';
import { asError, EXIT } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import type { Mission, Mode } from '../mission.ts';
import { agrees, countAll, disagreement } from '../reconcile/counts.ts';
import { noteCounts } from '../state/reconciliation.ts';
import type { Flown } from './sync.ts';

/**
 * The same runs, with what was counted; a disagreement is a note and changes no verdict. Runs that saw a part only, wrote
 * nothing or failed are not counted. Nothing of it may fail what has been done.
 */
export async function withCounts(
  flown: readonly Flown[],
  mode: Mode,
  jobs: readonly LoadedJob[],
  { db, portal, stop, onWarning }: Mission,
): Promise<Flown[]> {
  const isPart = [mode.since, mode.limit, mode.partition, mode.records].some((value) => value !== null);
  const ended = flown.filter(({ exit }) => exit === EXIT.ok || exit === EXIT.deadLetters);
  if (isPart || mode.dryRun || ended.length === 0 || stop.aborted) return [...flown];
  const pipes = jobs
    .filter(({ pipe }) => ended.some(({ summary }) => summary.pipe === pipe))
    .map(({ pipe, mapping }) => ({ pipe, specs: mapping.properties }));
  try {
    const options = { db, transport: portal.transport, clock: systemClock, signal: stop };
    const counted = await countAll(pipes, options);
    return flown.map((one) => {
      const { objects, calls } = counted.get(one.summary.pipe) ?? { objects: [], calls: 0 };
      if (objects.length === 0) return one;
      noteCounts(db, one.summary.runId, objects, systemClock.now());
      const { notes } = one.summary;
      const more = objects.filter((object) => !agrees(object)).map((object) => disagreement(one.summary.pipe, object));
      const summary = {
        ...one.summary,
        counted: objects,
        calls: one.summary.calls + calls,
        notes: [...notes, ...more],
      };
      return { ...one, summary };
    });
  } catch (thrown) {
    if (!stop.aborted) for (const { pipe } of pipes) onWarning(pipe, `not counted: ${asError(thrown).message}`);
    return [...flown];
  }
}
