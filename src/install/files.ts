/** Writes and removes what an installation consists of. A file that is there is whole. */
import { existsSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { asError, EXIT, FatalError } from '../errors.ts';
import { makeFolder, syncFolder } from '../state/folder.ts';
import type { UnitFile } from './supervisor.ts';

/** For this user alone, and in one piece: under another name until it is on the disk. Throws FatalError (exit 2). */
export function writeUnit({ path, text }: UnitFile): void {
  const draft = `${path}.unfinished`;
  try {
    makeFolder(dirname(path));
    rmSync(draft, { force: true });
    writeDurably(draft, text);
    renameSync(draft, path);
    syncFolder(dirname(path));
  } catch (thrown) {
    throw new FatalError(
      EXIT.usage,
      `${path} cannot be written: ${asError(thrown).message}`,
      'see whom the folder belongs to',
    );
  }
}

/** Files, and folders that are empty; returns those that were there. */
export function remove(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => {
    if (!existsSync(path)) return false;
    const isFolder = lstatSync(path).isDirectory();
    if (isFolder && readdirSync(path).length > 0) return false;
    if (isFolder) rmdirSync(path);
    else rmSync(path);
    return true;
  });
}
