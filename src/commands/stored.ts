/** What every command that only asks the state opens: nothing is locked, and no vendor is asked. */
import { loadConfig } from '../config.ts';
import { EXIT, FatalError } from '../errors.ts';
import { pipeNames } from '../pipe-names.ts';
import { type Db, databasePath, explain, openReadOnly } from '../state/database.ts';
import type { Invocation } from './invocation.ts';

/** Asks the state; `nothing` is the answer before anything has run. */
export function withStoredState<T>({ env, cwd }: Pick<Invocation, 'env' | 'cwd'>, ask: (db: Db) => T, nothing: T): T {
  const { stateDir } = loadConfig({ env, cwd, needs: [] });
  const db = openReadOnly(stateDir);
  if (db === null) return nothing;
  try {
    return ask(db);
  } catch (thrown) {
    throw explain(thrown, databasePath(stateDir));
  } finally {
    db.close();
  }
}

/** Throws FatalError (exit 2) for a pipe that does not exist. */
export function checkPipe(pipe: string): void {
  const names = pipeNames();
  if (names.includes(pipe)) return;
  throw new FatalError(EXIT.usage, `there is no pipe called ${pipe}`, `choose one of: ${names.join(', ')}`);
}
