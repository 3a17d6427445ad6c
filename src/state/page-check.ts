/**
 * Whether every page of the database has to be read at this opening. It was read once, and nobody but us has touched the
 * file since, as its size, its inode and the nanoseconds of its last changes say: then a day may pass. What somebody
 * changes while we hold it open is taken for ours until then. A file that changed behind our back, and one whose last user
 * did not close it, is read again, whatever the hour.
 *
 * The note lies beside the database, because writing it inside would change what it speaks of. A note that is lost, torn
 * or about another file only costs a check.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** A disk may change a page without any sign: so each day's first run looks. */
const GOOD_FOR_MS = 20 * 3_600_000;

interface Note {
  readonly checkedAtMs: number;
  /** Of the file as we left it. */
  readonly looks: string;
}

const notePath = (path: string): string => `${path}.checked`;

/** To be asked before the file is opened. */
export function isCheckDue(path: string, nowMs: number): boolean {
  const note = readNote(path);
  if (note === null || note.looks !== looksOf(path)) return true;
  return nowMs < note.checkedAtMs || nowMs - note.checkedAtMs > GOOD_FOR_MS;
}

/** Every page was read and is whole. The note counts from the closing on. */
export const noteCheck = (path: string, nowMs: number): void => write(path, { checkedAtMs: nowMs, looks: '' });

/**
 * After the closing, by who opened the file when it was whole: whatever changed since was changed by us. With a log that is
 * still open nothing is noted.
 */
export function noteClosing(path: string): void {
  const note = readNote(path);
  const looks = looksOf(path);
  if (note !== null && looks !== null) write(path, { ...note, looks });
}

/** Damage was met: the next opening looks at every page. */
export function forgetCheck(path: string): void {
  try {
    rmSync(notePath(path), { force: true });
  } catch {
    // a folder that cannot be written: nothing is noted there either
  }
}

/** Null while the log holds what the file does not. */
function looksOf(path: string): string | null {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (file === undefined || (log !== undefined && log.size > 0)) return null;
  return [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(' ');
}

function write(path: string, note: Note): void {
  try {
    writeFileSync(notePath(path), JSON.stringify(note), { mode: 0o600 });
  } catch {
    forgetCheck(path); // a disk without room: the next opening checks
  }
}

function readNote(path: string): Note | null {
  try {
    const read: unknown = JSON.parse(readFileSync(notePath(path), 'utf8'));
    if (typeof read !== 'object' || read === null || !('checkedAtMs' in read) || !('looks' in read)) return null;
    const { checkedAtMs, looks: noted } = read;
    return typeof checkedAtMs === 'number' && typeof noted === 'string' ? { checkedAtMs, looks: noted } : null;
  } catch {
    return null; // not there, or not whole
  }
}
