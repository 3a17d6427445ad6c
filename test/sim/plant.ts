/** A copy of the source tree with one text replaced: how a fault gets into the product without a hook in it. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, loadEngine, REPOSITORY } from './engine.ts';

export interface Replacement {
  readonly file: string;
  readonly old: string;
  readonly fresh: string;
}

/** One text in one file. */
export const one = (file: string, old: string, fresh: string): readonly Replacement[] => [{ file, old, fresh }];

export interface Planted {
  readonly engine: Engine;
  remove(): void;
}

/** Throws when a text is not there exactly once: the code has moved on, and the fault has to follow. */
export async function plant(replacements: readonly Replacement[]): Promise<Planted> {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'retail-sync-planted-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    cpSync(join(REPOSITORY, 'src'), join(root, 'src'), { recursive: true });
    cpSync(join(REPOSITORY, 'package.json'), join(root, 'package.json'));
    symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
    for (const { file, old, fresh } of replacements) {
      const path = join(root, 'src', file);
      const parts = readFileSync(path, 'utf8').split(old);
      if (parts.length !== 2)
        throw new Error(`src/${file} holds this ${parts.length - 1} times instead of once: ${old}`);
      writeFileSync(path, parts.join(fresh));
    }
    return { engine: await loadEngine(root), remove };
  } catch (error) {
    remove();
    throw error;
  }
}
