/** What a command gets from the process, so that no command reads globals. */
import type { LogStream } from '../log.ts';

export interface Invocation {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Data goes to stdout, everything else to stderr. */
  readonly stdout: LogStream;
  readonly stderr: LogStream;
  /** Aborted with a `Stopped` by the first signal; the second one ends the process at once. */
  readonly stop: AbortSignal;
  /** Who started it: `manual`, or the scheduler's name. */
  readonly trigger: string;
}
