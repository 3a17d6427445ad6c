/** The weekly comparison of everything, for a scheduler: a whole pass over each source, then both sides by key. */
import { EXIT, type ExitCode } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { worstOf } from './exits.ts';
import type { Invocation } from './invocation.ts';
import { reconcileCommand } from './reconcile.ts';
import { sync } from './sync.ts';

/** What a scheduler may set; the names are those of the commands' flags. */
export interface WeeklyFlags {
  /** Wait up to 2 h for another run to end, instead of exit 75. */
  readonly wait?: boolean;
}

/**
 * `sync all --full`, then `reconcile` of each pipe. Repairs nothing and archives nothing: the comparison only reads.
 * Returns the worst exit code: 3 when differences are left. A sync that was stopped is not followed by a comparison,
 * because what it left behind would look like one. Throws FatalError as `sync` does.
 */
export async function weeklyReconcile(flags: WeeklyFlags, invocation: Invocation): Promise<ExitCode> {
  const read = await sync('all', { full: true, wait: flags.wait === true }, invocation);
  if (read !== EXIT.ok && read !== EXIT.deadLetters) return read;
  const exits: ExitCode[] = [read];
  for (const { pipe } of await loadJobs()) {
    if (invocation.stop.aborted) break;
    exits.push(await reconcileCommand(pipe, {}, invocation));
  }
  return worstOf(exits);
}
