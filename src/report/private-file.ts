/** Files that a command writes where a person said: they hold names and figures of a business, so they are its own. */
import { accessSync, closeSync, constants, fchmodSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
