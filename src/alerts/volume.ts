/** How many records a pipe reads on a weekday, learned from its past, and whether none at all is odd. Pure. */
import { dateIn, weekdayOf } from '../schedule/zone.ts';
import type { Figures, RunFact } from './incident.ts';

const WEEKS = 8;
/** From fewer runs of a weekday nothing is concluded. */
const RUNS_MIN = 3;
const WEEK_MS = 7 * 86_400_000;

/**
 * The range of earlier runs, when the last run read nothing and that is odd: of the same weekday within eight weeks
 * there are three runs or more, and every one of them read something. A pass over everything is held against earlier
 * such passes of any day: a source is not empty by the weekday. Runs just before that read nothing either are the same
 * silence, not its excuse.
 */
export function oddSilence(last: RunFact, earlier: readonly RunFact[], zone: string): Figures | null {
  if (last.read > 0 || last.restricted || !isFinished(last)) return null;
  const spoken = earlier.findIndex(({ read }) => read > 0);
  const alike = earlier
    .slice(spoken < 0 ? earlier.length : spoken)
    .filter(
      (run) =>
        isFinished(run) &&
        !run.restricted &&
        run.isFull === last.isFull &&
        last.startedMs - run.startedMs < (WEEKS + 0.5) * WEEK_MS &&
        (last.isFull || weekday(run, zone) === weekday(last, zone)),
    );
  const reads = alike.map(({ read }) => read);
  if (reads.length < (last.isFull ? 1 : RUNS_MIN)) return null;
  const least = Math.min(...reads);
  return least > 0 ? { least, most: Math.max(...reads), runs: reads.length } : null;
}

const isFinished = ({ status }: RunFact): boolean => status === 'ok' || status === 'partial';
const weekday = ({ startedMs }: RunFact, zone: string): number => weekdayOf(dateIn(zone, startedMs));
