/**
 * One writer per portal. An exclusive transaction held on a file of its own for as long as the run lasts: the operating
 * system frees it the moment the process dies, and keeps it through sleep. No lease, no timeout, nothing to clean up.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EXIT, FatalError } from '../errors.ts';
import { explain } from './failures.ts';
import { makeFolder } from './folder.ts';

export interface PortalLock {
  release(): void;
}

/** How often a waiting run asks again. */
const POLL_MS = 500;

/** The user's own state folder, whatever RETAIL_SYNC_STATE_DIR says: two state folders may share one portal. */
export function lockFolder(env: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'retail-sync');
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'retail-sync');
}

/**
 * Takes the portal's lock, waiting up to `waitMs` for another run to end.
 * Throws FatalError (exit 75) naming the holder when it stays taken.
 */
export async function lockPortal(
  folder: string,
  portalId: string,
  waitMs: number,
  sleep: (ms: number) => Promise<void>,
): Promise<PortalLock> {
  const path = join(folder, `portal-${portalId.replace(/\W/g, '_')}.lock.db`);
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const lock = tryLock(folder, path);
    if (lock) return lock;
    if (waitedMs >= waitMs) throw taken(portalId, path);
    await sleep(POLL_MS);
  }
}

/** The schedule of one state folder: whoever holds it is the only one that takes slots. Null when another does. */
export const lockSchedule = (stateDir: string): PortalLock | null =>
  tryLock(stateDir, join(stateDir, 'schedule.lock.db'));

function tryLock(folder: string, path: string): PortalLock | null {
  let db: Database.Database | undefined;
  try {
    makeFolder(folder);
    db = new Database(path, { timeout: 0 });
    // Rollback journal: only there does EXCLUSIVE shut out readers too, so that one statement is the whole test.
    db.pragma('journal_mode = DELETE');
    db.exec('BEGIN EXCLUSIVE');
    const held = db;
    return {
      release: () => {
        held.exec('ROLLBACK');
        held.close();
      },
    };
  } catch (error) {
    db?.close();
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')) return null;
    throw explain(error, path);
  }
}

const taken = (portalId: string, path: string): FatalError =>
  new FatalError(
    EXIT.locked,
    `another run is writing to HubSpot portal ${portalId}; the lock is ${path}`,
    'retail-sync status shows what runs; wait for it, or add --wait to start as soon as it ends',
  );
