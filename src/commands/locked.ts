/** What every command that changes state opens first: configuration, database, and the portal's lock. */
import { systemClock } from '../clock.ts';
import { type Config, loadConfig, type Need } from '../config.ts';
import { type Db, databasePath, explain, openDatabase } from '../state/database.ts';
import { lockFolder, lockPortal } from '../state/lock.ts';
import type { Invocation } from './invocation.ts';

export interface LockedState {
  readonly config: Config<'hubspot'>;
  readonly db: Db;
}

/**
 * Works on the state while no other run can write to the portal or change the state. Throws FatalError: exit 2 for the
 * configuration, 75 when the lock is still taken after `waitMs`.
 */
export async function withLock<T>(
  invocation: Invocation,
  { needs, waitMs = 0 }: { readonly needs: readonly Need[]; readonly waitMs?: number },
  work: (state: LockedState) => T | Promise<T>,
): Promise<T> {
  const { env, cwd, stop } = invocation;
  const all: ('hubspot' | Need)[] = [...new Set<'hubspot' | Need>(['hubspot', ...needs])];
  const config: Config<'hubspot'> = loadConfig({ env, cwd, needs: all });
  const { environment, hubspot } = config;
  const db = openDatabase(config.stateDir, { environment, portalId: hubspot.portalId });
  try {
    const lock = await lockPortal(lockFolder(env), hubspot.portalId, waitMs, (ms) => systemClock.sleep(ms, stop));
    try {
      return await work({ config, db });
    } finally {
      lock.release();
    }
  } catch (thrown) {
    throw explain(thrown, databasePath(config.stateDir));
  } finally {
    db.close();
  }
}
