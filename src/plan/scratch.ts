/** A copy of the state that a plan may do with as it likes: the state itself is neither locked nor written. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupNow } from '../state/backup.ts';
import { type Binding, type Db, databasePath, openDatabase, openReadOnly } from '../state/database.ts';

const PREFIX = 'plan-scratch-';
/** Older ones belong to a process that died. */
const STALE_MS = 24 * 3_600_000;

export interface Scratch {
  readonly db: Db;
  close(): void;
}

/** In the state folder, with its protection; where there is none yet, in a private one for temporary files. */
export function openScratch(stateDir: string, binding: Binding, nowMs: number): Scratch {
  const present = openReadOnly(stateDir);
  const parent = existsSync(stateDir) ? stateDir : tmpdir();
  removeStale(parent, nowMs);
  const folder = mkdtempSync(join(parent, PREFIX)); // 0700
  try {
    if (present) backupNow(present, stateDir, databasePath(folder), nowMs);
    const db = openDatabase(folder, binding, { checksPages: false });
    forgetMark(db);
    const close = (): void => {
      db.close();
      rmSync(folder, { recursive: true, force: true });
    };
    return { db, close };
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  } finally {
    present?.close();
  }
}

/** It is no restored backup: what it remembers of HubSpot is as good as the state it was copied from. */
const forgetMark = (db: Db): void => void db.prepare("DELETE FROM meta WHERE key = 'copied_at'").run();

function removeStale(parent: string, nowMs: number): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (!name.startsWith(PREFIX) || nowMs - statSync(path).mtimeMs < STALE_MS) continue;
    rmSync(path, { recursive: true, force: true });
  }
}
