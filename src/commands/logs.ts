/** `logs`: what the tool wrote down, of one run or the latest of all. */
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { logFilesIn } from '../log/file.ts';
import { humanLine } from '../log/human.ts';
import { type Entry, follow, newest } from '../log/read.ts';
import { painter } from '../report/style.ts';
import type { Invocation } from './invocation.ts';

export interface LogsFlags {
  readonly run?: string;
  readonly level: string;
  readonly lines?: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const LINES = 100;
/** A run's own lines are all shown, up to this many. */
const LINES_OF_A_RUN = 10_000;

/** Throws FatalError (exit 2) for a run of which no line is kept. */
export async function logs(flags: LogsFlags, invocation: Invocation): Promise<ExitCode> {
  const { env, cwd, stdout, stop } = invocation;
  const { logFiles } = loadConfig({ env, cwd, needs: [] });
  const { folder } = logFiles;
  const wanted = { run: flags.run ?? null, level: flags.level };
  const most = flags.lines ?? (flags.run === undefined ? LINES : LINES_OF_A_RUN);
  const entries = await newest(folder, wanted, most);
  if (entries.length === 0 && flags.run !== undefined && !flags.follow) throw noSuchRun(flags.run);
  const paint = painter(stdout, env);
  const say = (entry: Entry): void =>
    void stdout.write(flags.json ? `${JSON.stringify(entry)}\n` : lineOf(entry, paint, flags.run === undefined));
  if (flags.json && !flags.follow) {
    const head = { schemaVersion: 1, runId: flags.run ?? null, status: 'ok', counts: { lines: entries.length } };
    stdout.write(`${JSON.stringify({ ...head, files: logFilesIn(folder), lines: entries }, null, 2)}\n`);
    return EXIT.ok;
  }
  for (const entry of entries) say(entry);
  if (entries.length === 0 && !flags.follow) invocation.stderr.write(`No line of that kind is in ${folder}.\n`);
  if (flags.follow) await follow(folder, wanted, say, stop);
  return EXIT.ok;
}

/** Of several runs each line names its own. */
function lineOf({ time, level, message, ...fields }: Entry, paint: ReturnType<typeof painter>, named: boolean): string {
  const at = time.slice(0, 19).replace('T', ' ');
  const shown = named && typeof fields.runId === 'string' ? { ...fields, run: fields.runId } : fields;
  return humanLine({ time: at, level, message }, shown, paint);
}

const noSuchRun = (run: string): FatalError =>
  new FatalError(
    EXIT.usage,
    `no line of run ${run} is kept at that level`,
    'see runs with: retail-sync status --json; lines of all runs with: retail-sync logs; KEEP_LOGS_DAYS says how long they stay',
  );
