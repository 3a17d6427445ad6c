/** What the commands of the schedule open: configuration, schedule and, briefly each time, the state. */
import { type Config, loadConfig } from '../../config.ts';
import { loadJobs } from '../../jobs.ts';
import type { Schedule } from '../../schedule/plan.ts';
import { loadSchedule } from '../../schedule/settings.ts';
import { closeDatabase, type Db, openDatabase, openReadOnly } from '../../state/database.ts';
import type { Invocation } from '../invocation.ts';

export interface Opened {
  readonly config: Config;
  readonly schedule: Schedule;
}

/** Throws FatalError (exit 2) for a configuration or schedule with faults. */
export async function openSchedule({ env, cwd }: Pick<Invocation, 'env' | 'cwd'>): Promise<Opened> {
  const config = loadConfig({ env, cwd, needs: [] });
  return { config, schedule: loadSchedule(config.schedule, await loadJobs()) };
}

/** The state for one piece of work on the ledger; between two of them a backup may be restored. */
export function ledgerOf(config: Config<'hubspot'>): <T>(work: (db: Db) => T) => T {
  const { stateDir, environment, hubspot } = config;
  return (work) => {
    const db = openDatabase(stateDir, { environment, portalId: hubspot.portalId }, { checksPages: false });
    try {
      return work(db);
    } finally {
      closeDatabase(db);
    }
  };
}

/** For questions; `fallback` when there is no state yet, or one of a version that had no schedule. */
export function readLedger<T>(stateDir: string, work: (db: Db) => T, fallback: T): T {
  const db = openReadOnly(stateDir);
  if (db === null) return fallback;
  try {
    const known = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'slots'").get() !== undefined;
    return known ? work(db) : fallback;
  } finally {
    db.close();
  }
}
