/** The weekly comparison of everything, for a scheduler: a whole pass over each source, then both sides by key. */
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { worstOf } from './exits.ts';
import type { Invocation } from './invocation.ts';
import { reconcileCommand } from './reconcile.ts';
import { sync } from './sync.ts';

/** What a scheduler may set; the names are those of the commands' flags. */
export interface WeeklyFlags {
  /** Wait up to 2 h for another run to end, instead of exit 75. */
  readonly wait?: boolean;
  /** Flags of the comparison of one pipe, such as `fix`: refused. */
  readonly [other: string]: unknown;
}

/**
 * `sync all --full`, then `reconcile` of each pipe. Repairs nothing and archives nothing: the comparison only reads.
 * Returns the worst exit code: 3 when differences are left. A sync that was stopped is not followed by a comparison,
 * because what it left behind would look like one. Throws FatalError as `sync` does.
 */
export async function weeklyReconcile(flags: WeeklyFlags, invocation: Invocation): Promise<ExitCode> {
  const stray = Object.entries(flags).find(([name, value]) => name !== 'wait' && value === true)?.[0];
  if (stray !== undefined) {
    throw new FatalError(
      EXIT.usage,
      `reconcile weekly only compares: --${stray} is for one pipe`,
      `retail-sync reconcile <pipe> --${stray}, with one of: ${(await loadJobs()).map(({ pipe }) => pipe).join(', ')}`,
    );
  }
  const read = await sync('all', { full: true, wait: flags.wait === true }, invocation);
  if (read !== EXIT.ok && read !== EXIT.deadLetters) return read;
  const exits: ExitCode[] = [read];
  for (const { pipe } of await loadJobs()) {
    if (invocation.stop.aborted) break;
    exits.push(await reconcileCommand(pipe, {}, invocation));
  }
  return worstOf(exits);
}
