/** The state of a simulated process as a file in memory, and as text to compare. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from '../../src/state/database.ts';
import type { Engine } from './engine.ts';

/** Where files cost nothing; a disk where there is no such place. */
export const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const TABLES = ['records', 'entities', 'membership', 'objects', 'claims', 'hubspot_ids', 'links', 'dead_letters'];

let template: string | null = null;

/** A migrated, empty state; copied, because migrating takes longer than the rest of a small history. */
export function emptyState(engine: Engine, folder: string): void {
  if (template === null) {
    template = mkdtempSync(join(MEMORY, 'retail-sync-template-'));
    engine.openDatabase(template, null).close();
    const made = template;
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  copyFileSync(join(template, 'state.db'), join(folder, 'state.db'));
}

/** The state but for the ledgers of runs and of what was done. */
export function dump(db: Db): string {
  return TABLES.flatMap((table) => {
    const all = db.prepare<[], Record<string, unknown>>(`SELECT * FROM ${table} ORDER BY 1, 2, 3`).all();
    // A refused link is tried again by itself, and its letter remembers how often.
    const rows = all.filter(({ stage }) => stage !== 'link');
    return rows.map(
      (row) => `${table} ${JSON.stringify({ ...row, run: undefined, last_seen: undefined, attempts: undefined })}`,
    );
  }).join('\n');
}

export function firstDifference(before: string, after: string): string {
  const old = new Set(before.split('\n'));
  const fresh = after.split('\n').find((line) => !old.has(line));
  return fresh ?? 'something is gone';
}

/** A copy of the state between two processes, as a person makes it. */
export const saveState = (folder: string): void => copyFileSync(join(folder, 'state.db'), join(folder, 'copy.db'));

/** The copy takes the place of the state; the file that counts the generations stays. */
export function restoreState(folder: string): void {
  for (const ending of ['-wal', '-shm']) rmSync(join(folder, `state.db${ending}`), { force: true });
  copyFileSync(join(folder, 'copy.db'), join(folder, 'state.db'));
}
