/** Circuit breakers: a run far from its usual size stops before its first write and says the numbers. */
import { EXIT, FatalError } from '../errors.ts';
import type { Tally } from './dispatch.ts';

export interface BreakerLimits {
  /** New objects a run may create: the larger of the two, the share being of the objects known. */
  readonly creates: { readonly atLeast: number; readonly share: number };
  /** Known objects a run may change; never stops fewer than `atLeast`. */
  readonly changes: { readonly atLeast: number; readonly share: number };
  /** Updates that may empty the same property, once there are `atLeast` updates. */
  readonly blanked: { readonly atLeast: number; readonly share: number };
}

export const DEFAULT_LIMITS: BreakerLimits = {
  creates: { atLeast: 50, share: 0.05 },
  changes: { atLeast: 50, share: 0.3 },
  blanked: { atLeast: 50, share: 0.05 },
};

/** Throws FatalError (exit 4) for the first limit that is passed. */
export function checkBreakers(pipe: string, tally: Tally, knownObjects: number, limits: BreakerLimits): void {
  const mayCreate = Math.max(limits.creates.atLeast, Math.floor(knownObjects * limits.creates.share));
  if (tally.creates > mayCreate) {
    throw stopped(
      pipe,
      `it would create ${tally.creates} objects; usual is at most ${mayCreate} (${knownObjects} known)`,
    );
  }
  const mayChange = Math.max(limits.changes.atLeast, Math.floor(knownObjects * limits.changes.share));
  if (tally.updates > mayChange) {
    throw stopped(pipe, `it would change ${tally.updates} of ${knownObjects} objects; usual is at most ${mayChange}`);
  }
  if (tally.updates < limits.blanked.atLeast) return;
  for (const [property, count] of tally.blanked) {
    const mayBlank = Math.floor(tally.updates * limits.blanked.share);
    if (count > mayBlank) {
      throw stopped(
        pipe,
        `it would empty ${property} on ${count} of ${tally.updates} objects; usual is at most ${mayBlank}`,
      );
    }
  }
}

const stopped = (pipe: string, what: string): FatalError =>
  new FatalError(
    EXIT.gate,
    `${pipe} was stopped before its first write: ${what}`,
    `look with: retail-sync sync ${pipe} --dry-run; if it is right: retail-sync sync ${pipe} --approve`,
  );
