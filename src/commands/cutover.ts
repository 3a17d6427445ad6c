/** `cutover`: what each ERP pipe has seen of production, what it waits for, and the switch that holds it. */
import { type Clock, systemClock } from '../clock.ts';
import { loadConfig } from '../config.ts';
import { cutoverOf } from '../cutover/overview.ts';
import { erpJobs } from '../cutover.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { pipeNames } from '../pipe-names.ts';
import { renderCutover } from '../report/cutover.ts';
import { painter } from '../report/style.ts';
import { hold, holdOn, release } from '../state/cutover.ts';
import { type Db, databasePath, explain, openDatabase, openReadOnly } from '../state/database.ts';
import type { Invocation } from './invocation.ts';

/** Prints what is known; asks nothing of any vendor. Throws FatalError (exit 2) for a faulty configuration. */
export async function cutoverStatus(
  flags: { readonly json?: boolean },
  { env, cwd, stdout }: Invocation,
  clock: Clock = systemClock,
): Promise<ExitCode> {
  const config = loadConfig({ env, cwd, needs: ['erp'] });
  const jobs = await erpJobs();
  const db = openReadOnly(config.stateDir);
  try {
    const pipes = jobs.map((job) => cutoverOf(db, job, jobs, config, clock.now()));
    const { held: _, ...rule } = config.cutover;
    if (!flags.json) {
      stdout.write(renderCutover(pipes, rule, painter(stdout, env)));
      return EXIT.ok;
    }
    const counts = {
      pipes: pipes.length,
      production: pipes.filter((pipe) => pipe.fedFrom === 'production').length,
      held: pipes.filter((pipe) => pipe.heldBy !== null).length,
      stagingOnly: pipes.reduce((sum, pipe) => sum + (pipe.stagingOnly?.length ?? 0), 0),
    };
    const document = { schemaVersion: 1, runId: null, status: 'ok', counts, rule, pipes };
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return EXIT.ok;
  } finally {
    db?.close();
  }
}

/** Keeps a pipe, or all of them, on staging until `release`. */
export async function cutoverHold(pipe: string | null, invocation: Invocation): Promise<ExitCode> {
  await change(pipe, invocation, (db) => hold(db, pipe, Date.now()));
  const command = `retail-sync cutover release${pipe === null ? '' : ` ${pipe}`}`;
  invocation.stdout.write(`${pipe ?? 'every pipe'} is held: it stays where it is until ${command}\n`);
  return EXIT.ok;
}

/** Lets a pipe, or all of them, change over again. */
export async function cutoverRelease(pipe: string | null, invocation: Invocation): Promise<ExitCode> {
  const isHeldWithAll = await change(pipe, invocation, (db) => {
    release(db, pipe);
    return pipe !== null && holdOn(db, pipe) === 'all';
  });
  const left = isHeldWithAll ? 'is still held with all pipes: retail-sync cutover release' : 'is released';
  invocation.stdout.write(`${pipe ?? 'every pipe'} ${left}\n`);
  return EXIT.ok;
}

async function change<T>(pipe: string | null, { env, cwd }: Invocation, work: (db: Db) => T): Promise<T> {
  const { stateDir } = loadConfig({ env, cwd, needs: [] });
  const names = pipe === null ? [] : (await erpJobs()).map((job) => job.pipe);
  if (pipe !== null && !names.includes(pipe)) {
    throw new FatalError(
      EXIT.usage,
      `${pipeNames().includes(pipe) ? `${pipe} is not fed from the ERP` : `there is no pipe called ${pipe}`}`,
      `choose one of: ${names.join(', ')}; or none, for all of them`,
    );
  }
  const db = openDatabase(stateDir, null);
  try {
    return work(db);
  } catch (thrown) {
    throw explain(thrown, databasePath(stateDir));
  } finally {
    db.close();
  }
}
