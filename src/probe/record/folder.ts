/** Puts a recording into its folder as a whole: it is there complete, or not at all. */
import { existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { writeDurably } from '../../durable-file.ts';
import { EXIT, FatalError } from '../../errors.ts';

/** What an earlier recording left, and what a file manager does. */
const OWN_FILE = /^(?:index\.json|README\.md|[\w-]+-\d\d-[\w-]+\.json|[\w-]+-\d\d-[\w-]+\.expected\.json|\.DS_Store)$/;

/** Refuses, before any question is asked, a folder that holds anything else. Returns its full path. */
export function checkFolder(given: string, cwd: string, isForced: boolean): string {
  const path = resolve(cwd, given);
  const folder = existsSync(path) ? realpathSync(path) : path;
  if (!relative(folder, realpathSync(cwd)).startsWith('..'))
    throw refusal(
      `${given} is the folder you are in, or one above it`,
      'name a folder to be made, such as --record fixtures-of-today',
    );
  if (!existsSync(folder)) return folder;
  if (!lstatSync(folder).isDirectory()) throw refusal(`${given} is a file`, 'name a folder to be made');
  const held = readdirSync(folder);
  const strange = held.filter((name) => !OWN_FILE.test(name));
  const [first] = strange;
  if (first !== undefined)
    throw refusal(
      `${given} holds what no recording made (${strange.length === 1 ? first : `${strange.length} things, such as ${first}`})`,
      'name a new folder: --force replaces an earlier recording, and nothing else',
    );
  if (held.length > 0 && !isForced)
    throw refusal(`${given} holds a recording already`, 'name another folder, or add --force to replace it');
  return folder;
}

/**
 * Files of mode 0600 in a folder of mode 0700. Written beside it first and synced, then named in one step; what was
 * there is removed only after that.
 */
export function writeFolder(folder: string, files: ReadonlyMap<string, string>): void {
  const made = join(dirname(folder), `.${basename(folder)}.recording`);
  const before = join(dirname(folder), `.${basename(folder)}.before`);
  try {
    mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
    // Left by one that was killed: redacted, and of no use.
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { mode: 0o700 });
    for (const [name, text] of files) writeDurably(join(made, name), text);
    swap(folder, made, before);
  } catch (cause) {
    rmSync(made, { recursive: true, force: true });
    throw new FatalError(
      EXIT.usage,
      `${folder} cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      'give --record a folder of yours',
      {
        cause,
      },
    );
  }
}

function swap(folder: string, made: string, before: string): void {
  rmSync(before, { recursive: true, force: true });
  const isThere = existsSync(folder);
  if (isThere) renameSync(folder, before);
  try {
    renameSync(made, folder);
  } catch (error) {
    if (isThere) renameSync(before, folder);
    throw error;
  }
  rmSync(before, { recursive: true, force: true });
}

const refusal = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
