/** What every command that changes state opens first: configuration, the portal's lock, and the database. */
import { systemClock } from '../clock.ts';
import { type Config, loadConfig, type Need } from '../config.ts';
import { asError } from '../errors.ts';
import { logOf, openLog } from '../log.ts';
import { backupIfDue } from '../state/backup.ts';
import { closeDatabase, type Db, databasePath, explain, openDatabase } from '../state/database.ts';
import { endGeneration, startGeneration } from '../state/generation.ts';
import { lockFolder, lockPortal } from '../state/lock.ts';
import type { Invocation } from './invocation.ts';

export interface LockedState {
  readonly config: Config<'hubspot'>;
  readonly db: Db;
}

/**
 * Works on the state while no other run can write to the portal or change the state. Notices a state that is older than
 * what was sent (a restored backup), and keeps a daily backup. Throws FatalError: exit 2 for the configuration, 75 when
 * the lock is still taken after `waitMs`.
 */
export async function withLock<T>(
  invocation: Invocation,
  { needs, waitMs = 0 }: { readonly needs: readonly Need[]; readonly waitMs?: number },
  work: (state: LockedState) => T | Promise<T>,
): Promise<T> {
  const { env, cwd, stop, stderr } = invocation;
  const all: ('hubspot' | Need)[] = [...new Set<'hubspot' | Need>(['hubspot', ...needs])];
  const config: Config<'hubspot'> = loadConfig({ env, cwd, needs: all });
  const { environment, hubspot, stateDir } = config;
  const log = await openLog({ ...logOf(config), stream: stderr, env });
  const onWarning = (message: string): void => log.warn(message);
  const lock = await lockPortal(lockFolder(env), hubspot.portalId, waitMs, (ms) => systemClock.sleep(ms, stop));
  try {
    const db = openDatabase(stateDir, { environment, portalId: hubspot.portalId }, { onWarning });
    try {
      const { sentence } = startGeneration(db, stateDir, Date.now());
      if (sentence !== null) onWarning(sentence);
      const result = await work({ config, db });
      endGeneration(stateDir, Date.now());
      keepBackup(db, config, onWarning);
      return result;
    } finally {
      closeDatabase(db);
    }
  } catch (thrown) {
    throw explain(thrown, databasePath(stateDir));
  } finally {
    lock.release();
  }
}

/** A backup that cannot be made is no reason to fail what has been done. */
function keepBackup(
  db: Db,
  { stateDir, keep }: Pick<Config, 'stateDir' | 'keep'>,
  onWarning: (message: string) => void,
): void {
  try {
    backupIfDue(db, stateDir, Date.now(), keep.backups);
  } catch (thrown) {
    onWarning(`no backup of the state was made: ${asError(thrown).message}`);
  }
}
