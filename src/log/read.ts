/** Reads the log files: filtered by run and level, the newest lines last, and on as they grow. */
import { createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { logFilesIn } from './file.ts';

export interface Entry {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Wanted {
  readonly run: string | null;
  /** This level and those above it. */
  readonly level: string;
}

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error'];
const FOLLOW_MS = 300;

const isWanted = (entry: Entry, { run, level }: Wanted): boolean =>
  (run === null || entry.runId === run) && LEVELS.indexOf(entry.level) >= LEVELS.indexOf(level);

/** A line that is not whole (a power cut) or not ours is left out. */
function entryOf(line: string): Entry | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return null;
    const { time, level, message, ...rest }: Record<string, unknown> = { ...value };
    if (typeof time !== 'string' || typeof level !== 'string' || typeof message !== 'string') return null;
    return { time, level, message, ...rest };
  } catch {
    return null;
  }
}

async function* entriesOf(path: string, start: number, end: number): AsyncIterable<Entry> {
  if (end <= start) return;
  const lines = createInterface({ input: createReadStream(path, { start, end: end - 1 }), crlfDelay: Infinity });
  for await (const line of lines) {
    const entry = entryOf(line);
    if (entry) yield entry;
  }
}

/** The newest `most` entries that are wanted, oldest first; memory is bounded by them. */
export async function newest(folder: string, wanted: Wanted, most: number): Promise<Entry[]> {
  const kept: Entry[] = [];
  for (const { path, bytes } of logFilesIn(folder)) {
    for await (const entry of entriesOf(path, 0, bytes)) {
      if (!isWanted(entry, wanted)) continue;
      kept.push(entry);
      if (kept.length > 2 * most) kept.splice(0, kept.length - most);
    }
  }
  return kept.slice(-most);
}

/** Entries written from now on, until the signal. */
export async function follow(
  folder: string,
  wanted: Wanted,
  onEntry: (entry: Entry) => void,
  stop: AbortSignal,
): Promise<void> {
  const read = new Map(logFilesIn(folder).map(({ path, bytes }) => [path, bytes]));
  while (!stop.aborted) {
    for (const { path } of logFilesIn(folder)) {
      const from = read.get(path) ?? 0;
      const upTo = wholeLines(path);
      for await (const entry of entriesOf(path, from, upTo)) if (isWanted(entry, wanted)) onEntry(entry);
      read.set(path, Math.max(from, upTo));
    }
    await sleep(FOLLOW_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** A line is one write: what is there is whole. */
const wholeLines = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
