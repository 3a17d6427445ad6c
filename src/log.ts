/** The log: JSON lines on stderr, or short lines for a person at a terminal. Allow-listed fields, scrubbed, sync. */
import { allowed, type Clean, type Fields } from './log/fields.ts';
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
}

/** Where lines go; stderr writes synchronously to files, terminals and pipes, so that no line dies with the process. */
export interface LogStream extends Screen {
  write(text: string): unknown;
}

export interface LogOptions {
  readonly level: Level | 'silent';
  readonly stream?: LogStream;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values that must never appear, whoever hands them over. */
  readonly secrets?: readonly string[];
  readonly now?: () => Date;
}

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
  if (options.level === 'silent') return logWith(() => {}, RANK.silent, scrub, {});
  const write = stream.isTTY === true ? humanLines(stream, scrub, options) : await jsonLines(stream, scrub, options);
  return logWith(write, RANK[options.level], scrub, {});
}

/** Drops everything; for callers that were given no log. */
export const silentLog: Log = logWith(
  () => {},
  RANK.silent,
  (text) => text,
  {},
);

function logWith(write: WriteLine, least: number, scrub: Scrub, bound: Fields): Log {
  const at =
    (level: Level) =>
    (message: string, fields: Fields = {}): void => {
      if (RANK[level] < least) return;
      write(level, scrub(safe(message)), allowed({ ...bound, ...fields }, scrub));
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => logWith(write, least, scrub, { ...bound, ...fields }),
  };
}

async function jsonLines(stream: LogStream, scrub: Scrub, { level, now }: LogOptions): Promise<WriteLine> {
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
  const inks = { trace: 'gray', debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const;
  return (level, message, { pipe, ...fields }) => {
    const time = paint('gray', clock().toTimeString().slice(0, 8));
    const head = `${time} ${paint(inks[level], level.padEnd(5))} ${typeof pipe === 'string' ? `${pipe}: ` : ''}`;
    const tail = Object.entries(fields)
      .filter(([name]) => name !== 'runId')
      .map(([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
    stream.write(`${head}${message}${paint('gray', scrub(safe(tail.join(''))))}\n`);
  };
}
