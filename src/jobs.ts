/** Finds the pipes: one file in `jobs/` each, its stem also that of its mapper and fixture. The only dynamic import by name. */
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { asError, codeOf, EXIT, FatalError } from './errors.ts';
import { digest } from './fingerprint.ts';
import type { Job } from './pipe.ts';
import { pipeNames, ROOT } from './pipe-names.ts';
import type { Systems } from './systems.ts';

/** A job as the engine gets it: what its entity is, only its mapping knows. */
export interface LoadedJob extends Job<Systems, unknown> {
  /** Changes with the mapper file: what was mapped by another text is mapped again. */
  readonly mapperVersion: string;
}

/** Loads every job, by their hour, those that others link to first. Throws for a file that breaks the rules, with its path. */
export async function loadJobs(root = ROOT): Promise<LoadedJob[]> {
  const jobs = await Promise.all(pipeNames(root).map((stem) => loadJob(root, stem)));
  return inOrder(jobs.sort((a, b) => (a.daily < b.daily ? -1 : a.daily > b.daily ? 1 : 0)));
}

async function loadJob(root: string, stem: string): Promise<LoadedJob> {
  const path = `${root}/jobs/${stem}.ts`;
  const mapper = `${root}/mappers/${stem}.ts`;
  const module: unknown = await import(pathToFileURL(path).href).catch((thrown: unknown) => {
    throw codeOf(thrown) === 'ERR_MODULE_NOT_FOUND' ? broken(path, asError(thrown).message, thrown) : thrown;
  });
  const job = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (!isJob(job)) throw broken(path, 'it has no default export that is a job');
  if (job.pipe !== stem) throw broken(path, `its pipe is called ${job.pipe}, its file ${stem}`);
  if (!existsSync(mapper)) throw broken(path, `mappers/${stem}.ts is missing`);
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(job.daily)) throw broken(path, `daily is "${job.daily}", not HH:MM`);
  return { ...job, mapperVersion: digest(readFileSync(mapper, 'utf8')) };
}

/** Enough to be called one: the type checker sees to the rest when the file is written. */
function isJob(value: unknown): value is Job<Systems, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pipe' in value &&
    typeof value.pipe === 'string' &&
    'from' in value &&
    typeof value.from === 'function' &&
    'mapping' in value &&
    typeof value.mapping === 'object' &&
    'after' in value &&
    Array.isArray(value.after) &&
    'daily' in value &&
    typeof value.daily === 'string'
  );
}

function inOrder(jobs: readonly LoadedJob[]): LoadedJob[] {
  const ordered: LoadedJob[] = [];
  const left = [...jobs];
  while (left.length > 0) {
    const next = left.findIndex((job) => job.after.every((pipe) => !left.some((other) => other.pipe === pipe)));
    const [job] = next < 0 ? [] : left.splice(next, 1);
    if (!job)
      throw broken(`jobs/${left[0]?.pipe}.ts`, `it waits in a circle: ${left.map((one) => one.pipe).join(', ')}`);
    ordered.push(job);
  }
  return ordered;
}

const broken = (path: string, what: string, cause?: unknown): FatalError =>
  new FatalError(
    EXIT.usage,
    `${path} is no usable job: ${what}`,
    'docs/adding-a-pipe.md shows the three files of a pipe',
    { cause },
  );
