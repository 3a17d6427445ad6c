/** Files that a command writes where a person said: they hold names and figures of a business, so they are its own. */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { EXIT, FatalError } from '../errors.ts';

/** Writes a file with mode 0600, over one that is there. Throws FatalError (exit 2) that names `flag`. */
export function writePrivately(path: string, text: string, flag: string): void {
  try {
    const handle = openSync(path, 'w', 0o600);
    try {
      fchmodSync(handle, 0o600); // a file that was there keeps its mode otherwise
      writeFileSync(handle, text);
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw new FatalError(EXIT.usage, `${path} cannot be written`, `give ${flag} a file in a folder of yours`, {
      cause,
    });
  }
}

/** Before long work: throws the same for a place that `writePrivately` could not write to. */
export function refuseUnwritable(path: string, flag: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error('a folder');
  } catch (cause) {
    throw new FatalError(EXIT.usage, `${path} cannot be written`, `give ${flag} a file in a folder of yours`, {
      cause,
    });
  }
}

/**
 * Writes a new file with mode 0600, whole or not at all. One that is there is refused, or with `isForced` replaced in one
 * step. Throws FatalError (exit 2) that names `flag`.
 */
export function writeAnew(path: string, content: string | Uint8Array, flag: string, isForced: boolean): void {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  let isOurs = false;
  try {
    writeDurably(draft, content);
    isOurs = true;
    if (isForced) renameSync(draft, path);
    else nameOnce(draft, path);
  } catch (cause) {
    throw unwritten(path, flag, cause);
  } finally {
    if (isOurs) rmSync(draft, { force: true });
  }
}

/** A second name fails when somebody was faster; a file system without second names is asked beforehand. */
function nameOnce(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code === 'EEXIST' || lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw cause;
    renameSync(draft, path);
  }
}

/** Before long work: throws the same for a file that is there, unless `isForced`, and for a place not to be written to. */
export function refuseExisting(path: string, flag: string, isForced: boolean): void {
  refuseUnwritable(path, flag);
  if (!isForced && lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw taken(path, flag);
}

function unwritten(path: string, flag: string, cause: unknown): FatalError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (code === 'EEXIST') return taken(path, flag);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FatalError(EXIT.usage, `no room on the disk for ${path}`, `make room, or give ${flag} another disk`, {
      cause,
    });
  return new FatalError(EXIT.usage, `${path} cannot be written`, `give ${flag} a file in a folder of yours`, { cause });
}

const taken = (path: string, flag: string): FatalError =>
  new FatalError(EXIT.usage, `${path} is there already`, `give ${flag} another name, or add --force to replace it`);
