/** What a person is told when a command fails: the cause and the next thing to do. */
import { EXIT, type ExitCode, FatalError, TooLargeError, TransientError } from '../errors.ts';
import type { Invocation } from './invocation.ts';

export interface Advice {
  readonly exit: ExitCode;
  readonly message: string;
  readonly hint: string | null;
}

/**
 * A stack only where the fault is ours: a damaged state, which may make anything fail that reads it, is told apart; a
 * large one is not read for that here, so the fault itself sends to `doctor`, which does.
 */
export async function adviceOn(error: Error, where: Pick<Invocation, 'env' | 'cwd'>): Promise<Advice> {
  if (error instanceof FatalError) return error;
  if (error instanceof TransientError || error instanceof TooLargeError) {
    const isHubSpot = error instanceof TransientError && error.system === 'hubspot';
    return {
      exit: isHubSpot ? EXIT.hubspot : EXIT.source,
      message: `${isHubSpot ? 'HubSpot' : 'The source'} does not answer as it should: ${error.message}`,
      hint: 'run the same command again later; retail-sync doctor looks at every connection',
    };
  }
  return (await ofState(error, where)) ?? (isFull(error) ? full(error) : fault(error));
}

const fault = (error: Error): Advice => ({
  exit: EXIT.internal,
  message: `a fault in retail-sync itself: ${error.stack ?? error.message}`,
  hint: 'retail-sync doctor reads all of the state, however large, and asks every system; if it finds nothing, report the message',
});

const isFull = (error: Error): boolean => 'code' in error && /^(?:ENOSPC|EDQUOT)$/.test(String(error.code));

/** Which disk it is, an error of an open file does not say. */
const full = (error: Error): Advice => ({
  exit: EXIT.internal,
  message: `a disk, or this user's share of it, is full: ${error.message}`,
  hint: 'free some space, then run the same command again',
});

/** Null when the state has nothing to do with it, as far as anybody can tell. A fault that only hides behind damage is its cause. */
async function ofState(error: Error, { env, cwd }: Pick<Invocation, 'env' | 'cwd'>): Promise<FatalError | null> {
  try {
    const { loadOwnConfig } = await import('../config/own.ts');
    const { databasePath, explain, findDamage, isAbout } = await import('../state/database.ts');
    const { stateDir } = loadOwnConfig({ env, cwd, needs: [] });
    // Here nobody knows what was being written: without a path it may be any disk.
    const told = isAbout(stateDir, error) ? explain(error, databasePath(stateDir)) : error;
    return told instanceof FatalError ? told : findDamage(stateDir, error);
  } catch {
    return null; // the configuration cannot be read either: the fault itself is what there is to tell
  }
}
