/** The log: JSON lines in files and on stderr, short lines for a person at a terminal. Allow-listed fields, scrubbed, sync. */
import { allowed, type Clean, type Fields } from './log/fields.ts';
import { FileLog, type LogFiles } from './log/file.ts';
import { humanLine } from './log/human.ts';
import { type Scrub, scrubber } from './log/scrub.ts';
import { painter, type Screen, safe } from './report/style.ts';

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Messages are words of ours, without data in them: what varies goes into the fields. */
export interface Log {
  trace(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** The same log with fields that every line carries. */
  with(fields: Fields): Log;
  /** The same log for what is worth keeping and not worth showing: it is shown only from `debug` on. */
  quiet(): Log;
}

/** Where lines go; stderr writes synchronously to files, terminals and pipes, so that no line dies with the process. */
export interface LogStream extends Screen {
  write(text: string): unknown;
}

export interface LogOptions {
  /** Of what is shown; the files have `debug` and above whatever it is, `trace` only when it says so. */
  readonly level: Level | 'silent';
  /** Kept for later; null: nothing is kept. */
  readonly files?: LogFiles | null;
  readonly stream?: LogStream;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values that must never appear, whoever hands them over. */
  readonly secrets?: readonly string[];
  readonly now?: () => Date;
}

/** What the configuration says of it. */
export const logOf = ({
  logLevel: level,
  logFiles: files,
  secrets,
}: {
  readonly logLevel: LogOptions['level'];
  readonly logFiles: LogFiles;
  readonly secrets: readonly string[];
}): Pick<LogOptions, 'level' | 'files' | 'secrets'> => ({ level, files, secrets });

type WriteLine = (level: Level, message: string, fields: Clean) => void;

const RANK: Readonly<Record<Level | 'silent', number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: 99,
};

/** Loads pino only when JSON lines are wanted: it takes as long as a third of `--help`. */
export async function openLog(options: LogOptions): Promise<Log> {
  const stream = options.stream ?? process.stderr;
  const scrub = scrubber(options.secrets ?? []);
  const outlets: Outlet[] = [];
  if (options.level !== 'silent') {
    const write = stream.isTTY === true ? humanLines(stream, scrub, options) : await jsonLines(stream, scrub, options);
    outlets.push({ least: RANK[options.level], isFile: false, write });
  }
  if (options.files) {
    const least = Math.min(RANK.debug, RANK[options.level]);
    const write = await jsonLines(fileOf(options.files, stream, options), scrub, { ...options, level: 'trace' });
    outlets.push({ least, isFile: true, write });
  }
  return logWith(outlets, scrub, {});
}

/** Where lines of a rank and above go. */
interface Outlet {
  readonly least: number;
  readonly isFile: boolean;
  readonly write: WriteLine;
}

function fileOf(files: LogFiles, stream: LogStream, { now }: LogOptions): FileLog {
  const clock = now ?? (() => new Date());
  const onLost = (code: string): void =>
    void stream.write(`the log cannot be written into ${files.folder} (${code}); everything else goes on\n`);
  return new FileLog(files, () => clock().getTime(), onLost);
}

/** Drops everything; for callers that were given no log. */
export const silentLog: Log = logWith([], (text) => text, {});

function logWith(outlets: readonly Outlet[], scrub: Scrub, bound: Fields): Log {
  const at =
    (level: Level) =>
    (message: string, fields: Fields = {}): void => {
      const open = outlets.filter(({ least }) => RANK[level] >= least);
      if (open.length === 0) return;
      const [text, clean] = [scrub(safe(message)), allowed({ ...bound, ...fields }, scrub)];
      for (const { write } of open) write(level, text, clean);
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => logWith(outlets, scrub, { ...bound, ...fields }),
    quiet: () =>
      logWith(
        outlets.filter(({ isFile, least }) => isFile || least <= RANK.debug),
        scrub,
        bound,
      ),
  };
}

async function jsonLines(
  stream: Pick<LogStream, 'write'>,
  scrub: Scrub,
  { level, now }: LogOptions,
): Promise<WriteLine> {
  const { pino } = await import('pino');
  const clock = now ?? (() => new Date());
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${clock().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => stream.write(escapeSeparators(scrub(line))) },
  );
  return (at, message, fields) => logger[at](fields, message);
}

/** U+2028 and U+2029 end a line for some readers, though not for JSON. */
const escapeSeparators = (line: string): string => line.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

function humanLines(stream: LogStream, scrub: Scrub, { env, now }: LogOptions): WriteLine {
  const paint = painter(stream, env ?? process.env);
  const clock = now ?? (() => new Date());
  return (level, message, fields) => {
    const time = clock().toTimeString().slice(0, 8);
    stream.write(scrub(humanLine({ time, level, message }, fields, paint)));
  };
}
