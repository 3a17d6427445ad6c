/** `undo run`: the values from before a run, where nobody has changed them since. Shows first, then asks. */
import { systemClock } from '../clock.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import type { Mission } from '../mission.ts';
import { archiveAll } from '../reconcile/archive.ts';
import { difference } from '../reconcile/difference.ts';
import { painter } from '../report/style.ts';
import { renderUndo, renderUndone, undoDocument } from '../report/undo.ts';
import { newRunId } from '../state/runs.ts';
import { noteUndone, objectsOfRun, runOf } from '../state/undo.ts';
import { propertiesOf, restoreAll, type Survey, surveyRun, type Undone } from '../undo/restore.ts';
import type { Invocation } from './invocation.ts';
import { withLock } from './locked.ts';
import { withMission } from './mission.ts';

export interface UndoFlags {
  readonly only?: readonly string[];
  readonly preview?: boolean;
  readonly archive?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `confirm` asks a person; null where nobody is there. */
export async function undoRun(
  run: string,
  flags: UndoFlags,
  invocation: Invocation,
  confirm: ((question: string) => Promise<boolean>) | null = terminalQuestion(invocation),
): Promise<ExitCode> {
  const jobs = await loadJobs();
  return await withLock(invocation, { needs: [] }, (state) => {
    const about = runOf(state.db, run);
    const job = jobs.find(({ pipe }) => pipe === about?.pipe);
    if (about === null || !job) throw noSuchRun(run);
    checkOnly(flags.only ?? [], job.mapping.properties);
    return withMission(state, { jobs, chosen: [job], adopt: false }, invocation, async (mission) => {
      const { sink } = mission.portal;
      const objects = objectsOfRun(state.db, run);
      const survey = await surveyRun(objects, job.mapping.properties, flags.only ?? [], sink, mission.stop);
      const { stdout, env } = invocation;
      const paint = painter(stdout, env);
      if (!flags.json) stdout.write(renderUndo(run, survey, flags.archive === true, paint));
      if (flags.preview || !hasWork(survey, flags)) {
        if (flags.json) stdout.write(`${JSON.stringify(undoDocument(run, survey, null), null, 2)}\n`);
        return EXIT.ok;
      }
      await confirmed(flags, confirm, run);
      const done = await takeBack(run, survey, flags, mission, job);
      if (flags.json) stdout.write(`${JSON.stringify(undoDocument(run, survey, done), null, 2)}\n`);
      else stdout.write(renderUndone(done, paint));
      return done.failed.length > 0 || done.archived < done.toArchive ? EXIT.deadLetters : EXIT.ok;
    });
  });
}

const hasWork = ({ restorable, created }: Survey, { archive }: UndoFlags): boolean =>
  restorable.some(({ restore, already }) => restore.length + already.length > 0) ||
  (archive === true && created.length > 0);

async function confirmed(flags: UndoFlags, confirm: ((question: string) => Promise<boolean>) | null, run: string) {
  if (flags.yes) return;
  if (confirm !== null && !flags.json && (await confirm('Take this back in HubSpot?'))) return;
  throw new FatalError(EXIT.usage, 'nothing was changed', `when it is right: retail-sync undo run ${run} --yes`);
}

async function takeBack(
  run: string,
  { restorable, created }: Survey,
  flags: UndoFlags,
  mission: Mission,
  job: Mission['jobs'][number],
): Promise<Undone> {
  const { db, portal, stop } = mission;
  const id = newRunId(db, Date.now());
  const due = restorable.filter(({ restore, already }) => restore.length + already.length > 0);
  const results = await restoreAll(
    due,
    portal.sink,
    (done) =>
      db
        .transaction(() => {
          for (const { of, restore, already } of done) {
            const values = propertiesOf([...restore, ...already]);
            noteUndone(db, of, { run: id, undone: run, atMs: Date.now(), values });
          }
        })
        .immediate(),
    stop,
  );
  const written = results.filter(({ outcome }) => outcome.kind === 'written');
  const toArchive = flags.archive ? created : [];
  let archived = 0;
  for (const [stream, group] of Map.groupBy(toArchive, (one) => one.stream)) {
    const sides = {
      db,
      stream,
      pipe: job.pipe,
      specs: job.mapping.properties,
      transport: portal.transport,
      source: NOBODY_ASKED,
    };
    const list = group.map(({ object, key, entity, hubspotId }) =>
      difference('deleted-at-source', { object, key, entity, hubspotId }),
    );
    archived += (await archiveAll({ ...sides, clock: systemClock, pauseMs: 0, signal: stop }, list)).length;
  }
  return {
    ...{ id, restored: written.length, values: written.reduce((sum, { one }) => sum + one.restore.length, 0) },
    failed: results.flatMap(({ one, outcome }) =>
      outcome.kind === 'written' ? [] : [{ of: one.of, reason: outcome.reason }],
    ),
    ...{ toArchive: toArchive.length, archived },
  };
}

/** Archiving asks no source. */
const NOBODY_ASKED = { get: async () => [] };

function checkOnly(only: readonly string[], specs: Mission['jobs'][number]['mapping']['properties']): void {
  const names = specs.filter(({ unique, owner }) => !unique && owner === 'source').map((s) => `${s.object}.${s.name}`);
  const strange = only.find((name) => !names.includes(name));
  if (strange === undefined) return;
  const like = names.filter((name) => name.endsWith(`.${strange.split('.').at(-1)}`));
  const hint = `write object and property, such as ${like[0] ?? names[0]}`;
  throw new FatalError(EXIT.usage, `${strange} is no property that this pipe writes`, hint);
}

const noSuchRun = (run: string): FatalError =>
  new FatalError(EXIT.usage, `there is no run ${run} on record`, 'retail-sync status --json names the latest runs');

/** On a terminal; the library that draws the question loads only then. */
function terminalQuestion({ stderr }: Invocation): ((question: string) => Promise<boolean>) | null {
  if (process.stdin.isTTY !== true || stderr.isTTY !== true) return null;
  return async (question) => {
    const { askOn } = await import('../init/questions.ts');
    const questions = await askOn({ input: process.stdin, output: process.stderr });
    return await questions.yes(question, false);
  };
}
