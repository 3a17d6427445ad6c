/** What SQLite and the file system refuse, as one sentence and the next thing to do. */
import { dirname, resolve, sep } from 'node:path';
import { EXIT, FatalError } from '../errors.ts';
import { forgetCheck } from './page-check.ts';

/** From now on, whoever opens the file looks at every page of it. */
export function damaged(path: string, cause?: unknown): FatalError {
  forgetCheck(path);
  return new FatalError(
    EXIT.usage,
    `the state database ${path} is damaged`,
    'restore the newest backup: retail-sync backup list, then retail-sync backup restore FILE; or move it aside (keep it): the next run reads everything again, without duplicates',
    { cause },
  );
}

/** A file that exists but is empty was truncated. */
export const emptied = (path: string, cause?: unknown): FatalError =>
  new FatalError(
    EXIT.usage,
    `the state database ${path} is empty (0 bytes): it was truncated, its cursors and fingerprints are gone`,
    'restore the newest backup: retail-sync backup list, then retail-sync backup restore FILE; or remove the file: the next run reads everything again, without duplicates',
    { cause },
  );

/** What SQLite says of a page that is not as it wrote it, and of a file that is none of its own. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^SQLITE_(?:NOTADB|CORRUPT)/.test(String(error.code));

const UNWRITABLE = ['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'ENOENT', 'ELOOP'];

/**
 * A missing module or a port that may not be opened fails with the codes of a file: only its path tells. The folder's own
 * parents count, because it may be them that cannot be made or entered.
 */
export function isAbout(folder: string, error: Error): boolean {
  if ('code' in error && String(error.code).startsWith('SQLITE_')) return true;
  if (!('path' in error) || typeof error.path !== 'string') return false;
  const [ours, path] = [resolve(folder) + sep, resolve(error.path) + sep];
  return path.startsWith(ours) || ours.startsWith(path);
}

/**
 * What the state's disk, folder or file refused, as one sentence and the next thing to do; any other error as it is.
 * SQLite's result codes: https://www.sqlite.org/rescode.html
 */
export function explain(error: unknown, path: string): unknown {
  if (error instanceof FatalError || !(error instanceof Error)) return error;
  // An open file that cannot be written names no path: whoever asks here was writing the state.
  const isNameless = !('path' in error) && 'code' in error && error.code === 'ENOSPC';
  if (!isNameless && !isAbout(dirname(path), error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') return full(path, error);
  if (UNWRITABLE.some((known) => code.startsWith(known))) {
    return new FatalError(
      EXIT.usage,
      `the state folder ${dirname(path)} cannot be written (${code})`,
      'make it writable for this user, or set RETAIL_SYNC_STATE_DIR to a folder that is',
      { cause: error },
    );
  }
  if (isDamage(error)) return damaged(path, error);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new FatalError(
      EXIT.locked,
      `another process is using ${path}`,
      'wait for it to end: retail-sync status shows what runs',
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return new FatalError(
      EXIT.internal,
      `reading or writing ${path} failed (${code}): the disk is full or failing`,
      'check the disk, then run the same command again: it continues where it stopped',
      { cause: error },
    );
  }
  return error;
}

const full = (path: string, cause: Error): FatalError =>
  new FatalError(
    EXIT.internal,
    `the disk that holds ${path} is full; everything acknowledged so far is saved, nothing is lost`,
    'free some space and run the same command again: it continues where it stopped',
    { cause },
  );
