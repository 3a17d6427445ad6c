/** What `doctor` finds out: one line each, with its fix when something is to be done. */
import { asError, EXIT, type ExitCode, FatalError, TooLargeError, TransientError } from '../errors.ts';

export const GROUPS = [
  'runtime',
  'configuration',
  'files',
  'state',
  'lock',
  'clock',
  'network',
  'hubspot',
  'scopes',
  'erp',
  'square',
  'schedule',
  'alerts',
] as const;
export type Group = (typeof GROUPS)[number];

export interface Finding {
  readonly group: Group;
  readonly name: string;
  readonly level: 'ok' | 'warning' | 'fault';
  /** What was found. */
  readonly result: string;
  /** What follows from it; null where the result says all. */
  readonly meaning: string | null;
  /** What to do; null when there is nothing to do. */
  readonly fix: string | null;
  /** Of a fault: what a run would exit with because of it. */
  readonly exit: ExitCode | null;
}

/** What a fault costs, by the exit code of the run that meets it. */
const COSTS: Partial<Record<ExitCode, string>> = {
  [EXIT.usage]: 'a sync that needs this stops with exit 2',
  [EXIT.access]: 'a sync that needs this stops with exit 5, before it writes',
  [EXIT.source]: 'the pipes that read it end with exit 6 and lose nothing',
  [EXIT.hubspot]: 'every sync ends with exit 7 and loses nothing',
};

type Named = readonly [group: Group, name: string, result: string];

export const fine = (...[group, name, result]: Named): Finding => ({
  group,
  name,
  level: 'ok',
  result,
  meaning: null,
  fix: null,
  exit: null,
});

export const warning = (
  ...[group, name, result, fix, meaning]: [...Named, fix: string | null, meaning?: string]
): Finding => ({ group, name, level: 'warning', result, meaning: meaning ?? null, fix, exit: null });

export const fault = (...[group, name, result, fix, exit]: [...Named, fix: string, exit: ExitCode]): Finding => ({
  group,
  name,
  level: 'fault',
  result,
  meaning: COSTS[exit] ?? null,
  fix,
  exit,
});

/** A network check that takes longer has failed. */
const CHECK_MS_MAX = 10_000;

/** What failed, in its own words. Messages of errors that are not ours may hold data: only their name is shown. */
export function failed(group: Group, name: string, thrown: unknown, unavailable: ExitCode): Finding {
  if (thrown instanceof FatalError) return fault(group, name, thrown.message, thrown.hint, thrown.exit);
  if (thrown instanceof TransientError || thrown instanceof TooLargeError) {
    return fault(
      group,
      name,
      thrown.message,
      'try again in a few minutes; see the address and the network',
      unavailable,
    );
  }
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    const result = `no answer within ${CHECK_MS_MAX / 1000} s`;
    return fault(group, name, result, 'see the address, the network and whether the system is up', unavailable);
  }
  return fault(group, name, `the check itself failed (${asError(thrown).name})`, 'report this', EXIT.internal);
}

/** Gives a check its 10 s; what it throws becomes a line. Rejects only when the command itself is stopped. */
export async function bounded(
  group: Group,
  name: string,
  unavailable: ExitCode,
  stop: AbortSignal,
  check: (signal: AbortSignal) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const deadline = AbortSignal.timeout(CHECK_MS_MAX);
  try {
    return await check(AbortSignal.any([stop, deadline]));
  } catch (thrown) {
    stop.throwIfAborted();
    return [failed(group, name, thrown, unavailable)];
  }
}
