/** `dead-letters retry`: reads the records again, maps them with today's mapper, and writes them like any other. */
import { EXIT, type ExitCode, FatalError } from '../../errors.ts';
import { type LoadedJob, loadJobs } from '../../jobs.ts';
import { type Flight, type Mission, type Mode, runJob } from '../../mission.ts';
import { painter } from '../../report/style.ts';
import { streamOf } from '../../state/cursor-desk.ts';
import type { Db } from '../../state/database.ts';
import {
  findLetters,
  type LetterRow,
  listLetters,
  makeDue,
  recordsBehind,
  refusalIn,
  reopenLetters,
  resolveExcluded,
} from '../../state/letter-box.ts';
import { watchLetters } from '../../state/letter-watch.ts';
import { sourceInstance } from '../../state/runs.ts';
import { instanceOf } from '../../systems.ts';
import { type FilterFlags, filterOf, noSuchLetter } from '../dead-letters.ts';
import { worstOf } from '../exits.ts';
import type { Invocation } from '../invocation.ts';
import { type LockedState, withLock } from '../locked.ts';
import { withMission } from '../mission.ts';
import { summarize } from '../run-summary.ts';
import { checkPipe, withStoredState } from '../stored.ts';
import { type RetriedRun, renderRetry, retryDocument } from './render.ts';
import { judgePreview, judgeRun, type Retried, untouched } from './verdicts.ts';

export interface RetryFlags extends FilterFlags {
  readonly all?: boolean;
  readonly preview?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Letters one command takes: bounds memory, and the time for which the portal is locked. */
const LETTERS_MAX = 10_000;

/** Letters of one pipe that one run can take. */
interface Load {
  readonly job: LoadedJob;
  readonly letters: readonly LetterRow[];
  readonly records: readonly string[];
}

/**
 * Exit 0 when every letter is resolved (with `preview`: would be), 3 when some are still open, another one when a run
 * failed as a whole. Without `preview` only letters named by number are tried unless `yes` is given.
 */
export async function retryDeadLetters(
  ids: readonly number[],
  flags: RetryFlags,
  invocation: Invocation,
): Promise<ExitCode> {
  const chosen = choose(ids, flags, invocation);
  const jobs = await loadJobs();
  const named = jobs.filter(({ pipe }) => chosen.some((letter) => letter.pipe === pipe));
  const { letters, runs } =
    chosen.length === 0
      ? { letters: [], runs: [] }
      : await withLock(invocation, { needs: named.map(({ system }) => system) }, (state) => {
          // Read again under the lock: a run may have resolved some of them meanwhile.
          const present = findLetters(
            state.db,
            chosen.map(({ id }) => id),
          );
          return retryAll(present, jobs, named, flags.preview === true, state, invocation);
        });
  const isDone = letters.every(({ outcome }) => outcome === 'resolved' || outcome === 'would-pass');
  const failed = runs.map(({ exit }) => exit).filter((exit) => exit !== EXIT.deadLetters);
  const exit = worstOf([...failed, isDone ? EXIT.ok : EXIT.deadLetters]);
  const { stdout, env } = invocation;
  if (flags.json)
    stdout.write(`${JSON.stringify(retryDocument(letters, runs, flags.preview === true, exit), null, 2)}\n`);
  else stdout.write(renderRetry(letters, runs, flags.preview === true, painter(stdout, env)));
  return exit;
}

function choose(ids: readonly number[], flags: RetryFlags, invocation: Invocation): readonly LetterRow[] {
  const isFiltered = [flags.pipe, flags.stage, flags.category, flags.since].some((flag) => flag !== undefined);
  if (ids.length === 0 && !isFiltered && !flags.all) {
    throw new FatalError(
      EXIT.usage,
      'no letters are named',
      'give their numbers (retail-sync dead-letters list), or --pipe <pipe>, or --all',
    );
  }
  if (flags.pipe !== undefined) checkPipe(flags.pipe);
  if (ids.length > 0) {
    const found = withStoredState(invocation, (db) => findLetters(db, ids), []);
    const missing = ids.filter((id) => !found.some((letter) => letter.id === id));
    if (missing.length > 0) throw noSuchLetter(missing);
    return found;
  }
  const open = filterOf(flags, 'open');
  const nothing = { letters: [], total: 0 };
  const { letters, total } = withStoredState(invocation, (db) => listLetters(db, open, LETTERS_MAX), nothing);
  if (total > LETTERS_MAX) {
    const hint = 'take a part of them with --pipe, --stage, --category or --since';
    throw new FatalError(EXIT.usage, `${total} letters are more than one command takes (${LETTERS_MAX})`, hint);
  }
  if (total > 0 && !flags.preview && !flags.yes) {
    const hint = 'see what would pass with --preview, then add --yes';
    throw new FatalError(EXIT.usage, `${total} letters would be read again and written`, hint);
  }
  return letters;
}

async function retryAll(
  letters: readonly LetterRow[],
  jobs: readonly LoadedJob[],
  chosen: readonly LoadedJob[],
  isPreview: boolean,
  state: LockedState,
  invocation: Invocation,
): Promise<{ letters: readonly Retried[]; runs: readonly RetriedRun[] }> {
  const idle: Retried[] = [];
  const loads = chosen.map((job): Load => {
    const present = presentStream(job, state);
    const own = letters.filter(({ pipe }) => pipe === job.pipe);
    const able = own.filter((letter) => {
      const why = hindrance(letter, present, state.db);
      if (why !== null) idle.push(untouched(letter, why));
      return why === null;
    });
    return { job, letters: able, records: [...new Set(able.flatMap((letter) => recordsBehind(state.db, letter)))] };
  });
  const able = loads.filter((load) => load.letters.length > 0);
  if (able.length === 0) return { letters: idle, runs: [] };
  const crew = { jobs, chosen: able.map(({ job }) => job), adopt: true };
  return withMission(state, crew, invocation, async (mission) => {
    const tried: Retried[] = [];
    const runs: RetriedRun[] = [];
    for (const load of able) {
      if (invocation.stop.aborted) break;
      const { judged, run } = await (isPreview ? preview(load, mission) : retry(load, mission));
      tried.push(...judged);
      runs.push(run);
    }
    return { letters: [...tried, ...idle].sort((a, b) => a.id - b.id), runs };
  });
}

function presentStream(job: LoadedJob, { config, db }: LockedState): number | null {
  const { id } = instanceOf(job, config, sourceInstance(db, job.pipe), () => undefined);
  return streamOf(db, job.pipe, id);
}

/** Why a letter cannot be tried again; null when it can. */
function hindrance(letter: LetterRow, present: number | null, db: Db): string | null {
  if (letter.state === 'resolved') return 'it is resolved';
  if (letter.stream !== present) return 'its source no longer feeds this pipe: discard it';
  if (recordsBehind(db, letter).length === 0) {
    return `a row without a usable id cannot be asked for: correct it in the source, run retail-sync sync ${letter.pipe} --full, then discard it`;
  }
  return null;
}

const modeOf = (records: readonly string[], dryRun: boolean): Mode => ({
  ...{ since: null, full: false, limit: null, partition: null, approved: false },
  records,
  dryRun,
});

interface Answer {
  readonly judged: readonly Retried[];
  readonly run: RetriedRun;
}

/** The same run as the real one, except that HubSpot is not asked and nothing is kept. */
async function preview({ job, letters, records }: Load, mission: Mission): Promise<Answer> {
  const watch = watchLetters(mission.db);
  try {
    const run = await fly(job, modeOf(records, true), mission);
    return { run, judged: letters.map((letter) => judgePreview(letter, watch, run.reason)) };
  } finally {
    watch.stop();
  }
}

async function retry({ job, letters, records }: Load, mission: Mission): Promise<Answer> {
  const { db, trigger } = mission;
  const ids = letters.map(({ id }) => id);
  reopenLetters(db, ids, { atMs: Date.now(), by: trigger, reason: 'retry' });
  makeDue(db, ids, Date.now());
  const run = await fly(job, modeOf(records, false), mission);
  resolveExcluded(db, ids, Date.now());
  const after = new Map(findLetters(db, ids).map((letter) => [letter.id, letter]));
  const judged = letters.map((letter) =>
    judgeRun(after.get(letter.id) ?? letter, refusalIn(db, letter, run.runId), run.reason),
  );
  return { run, judged };
}

async function fly(job: LoadedJob, mode: Mode, mission: Mission): Promise<RetriedRun> {
  const before = mission.portal.stats();
  const finish = (flight: Flight) => summarize(job.pipe, mode, flight, before, mission.portal.stats());
  const { id, report } = await runJob(job, mode, mission, finish);
  // Letters that stay open are said one by one; only a run that failed as a whole has something to add.
  const isFailed = report.exit !== EXIT.ok && report.exit !== EXIT.deadLetters;
  const { exit, status } = report;
  return {
    pipe: job.pipe,
    runId: id,
    status,
    exit,
    reason: isFailed ? report.reason : null,
    hint: isFailed ? report.hint : null,
  };
}
