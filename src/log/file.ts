/** The log on disk: one file a day and 20 MB, for this user alone, kept by age and total size. It never throws. */
import { closeSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../state/folder.ts';

export interface LogFiles {
  readonly folder: string;
  readonly keepDays: number;
  readonly keepBytes: number;
}

/** A larger one is continued in another file of the day. */
const FILE_BYTES_MAX = 20_000_000;
/** Bounds a day: a process that goes mad fills no disk. */
const FILES_A_DAY_MAX = 99;
const DAY_MS = 86_400_000;
const NAME = /^retail-sync-(\d{4}-\d{2}-\d{2})\.(\d{2})\.log$/;

export interface StoredFile {
  readonly path: string;
  /** YYYY-MM-DD in UTC. */
  readonly day: string;
  readonly bytes: number;
}

/** The files there are, the oldest first. */
export function logFilesIn(folder: string): StoredFile[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => NAME.test(name));
  } catch {
    return []; // no folder yet
  }
  return names.sort().flatMap((name) => {
    const path = join(folder, name);
    const bytes = statSync(path, { throwIfNoEntry: false })?.size;
    return bytes === undefined ? [] : [{ path, day: NAME.exec(name)?.[1] ?? '', bytes }];
  });
}

/**
 * Appends lines; several processes may at once, since a line is one write at the end of the file. A full disk or a
 * folder that may not be written costs the lines and nothing else: `onLost` is told once.
 */
export class FileLog {
  readonly #files: LogFiles;
  readonly #now: () => number;
  readonly #onLost: (code: string) => void;
  #open: { readonly descriptor: number; readonly day: string; bytes: number } | null = null;
  #isLost = false;

  constructor(files: LogFiles, now: () => number, onLost: (code: string) => void) {
    this.#files = files;
    this.#now = now;
    this.#onLost = onLost;
  }

  write(line: string): void {
    try {
      const file = this.#fileFor(Buffer.byteLength(line));
      file.bytes += writeSync(file.descriptor, line);
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
      if (!this.#isLost) this.#onLost(code);
      this.#isLost = true;
    }
  }

  #fileFor(bytes: number): { readonly descriptor: number; bytes: number } {
    const day = new Date(this.#now()).toISOString().slice(0, 10);
    if (this.#open?.day === day && this.#open.bytes + bytes <= FILE_BYTES_MAX) return this.#open;
    if (this.#open) closeSync(this.#open.descriptor);
    this.#open = null;
    makeFolder(this.#files.folder);
    this.#dropOld(day);
    const path = this.#pathOn(day);
    const descriptor = openSync(path, 'a', 0o600);
    this.#open = { descriptor, day, bytes: statSync(path).size };
    return this.#open;
  }

  #pathOn(day: string): string {
    for (let part = 1; ; part++) {
      const path = join(this.#files.folder, `retail-sync-${day}.${String(part).padStart(2, '0')}.log`);
      const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (bytes < FILE_BYTES_MAX || part === FILES_A_DAY_MAX) return path;
    }
  }

  /** Older than the days that are kept, then the oldest until the rest fits; the last file stays. */
  #dropOld(today: string): void {
    const { folder, keepDays, keepBytes } = this.#files;
    const first = new Date(Date.parse(today) - (keepDays - 1) * DAY_MS).toISOString().slice(0, 10);
    const files = logFilesIn(folder);
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files.slice(0, -1)) {
      if (file.day >= first && bytes + FILE_BYTES_MAX <= keepBytes) continue;
      rmSync(file.path, { force: true });
      bytes -= file.bytes;
    }
  }
}
