/** Circuit breakers: a run far from its usual size stops before its first write and says the numbers. */
import { EXIT, FatalError } from '../errors.ts';
import type { Tally } from './dispatch.ts';

/** The larger of a number and a share, 0 to 1, of what is known. */
interface Limit {
  readonly atLeast: number;
  readonly share: number;
}

export interface BreakerLimits {
  /** New objects a run may create; the share is of the objects known. */
  readonly creates: Limit;
  /** Known objects a run may change. */
  readonly changes: Limit;
  /** Updates that may empty the same property; the share is of the updates, of which there must be `atLeast`. */
  readonly blanked: Limit;
  /** Records that may be concluded to be deleted at the source at once; the share is of the records known. */
  readonly gone: Limit;
}

/** Where a limit is set; docs/operations.md describes them. */
export const LIMIT_VARIABLES = {
  creates: 'BREAKER_CREATES',
  changes: 'BREAKER_CHANGES',
  blanked: 'BREAKER_EMPTIED',
  gone: 'BREAKER_GONE',
  deadLetters: 'DEAD_LETTERS_MAX',
} as const;

/** How many may be. */
const allowed = ({ atLeast, share }: Limit, known: number): number => Math.max(atLeast, Math.floor(known * share));

/** Throws FatalError (exit 4) for the first limit that is passed. `countKnown` counts the objects known, which takes a moment. */
export function checkBreakers(pipe: string, tally: Tally, countKnown: () => number, limits: BreakerLimits): void {
  const { creates, changes, blanked } = limits;
  const isSmall = tally.creates <= creates.atLeast && tally.updates <= changes.atLeast;
  const knownObjects = isSmall ? 0 : countKnown();
  if (tally.creates > allowed(creates, knownObjects)) {
    throw stopped(pipe, 'creates', `it would create ${tally.creates} objects`, usual(creates, knownObjects));
  }
  if (tally.updates > allowed(changes, knownObjects)) {
    throw stopped(pipe, 'changes', `it would change ${tally.updates} objects`, usual(changes, knownObjects));
  }
  if (tally.updates < blanked.atLeast) return;
  for (const [property, count] of tally.blanked) {
    const most = Math.floor(tally.updates * blanked.share);
    const what = `it would empty ${property} on ${count} of the ${tally.updates} objects that it updates`;
    if (count > most) throw stopped(pipe, 'blanked', what, `at most ${most} are usual, ${percent(blanked.share)}`);
  }
}

/** What one run may do, as the person who started it said; null where he said nothing. */
export interface RunLimits {
  readonly creates: number | null;
  readonly updates: number | null;
}

/** Throws FatalError (exit 4) when the run would do more than it was allowed to. */
export function checkRunLimits(pipe: string, tally: Tally, { creates, updates }: RunLimits): void {
  for (const [count, most, verb, flag, code] of [
    [tally.creates, creates, 'create', '--max-creates', 'creates'],
    [tally.updates, updates, 'change', '--max-updates', 'changes'],
  ] as const) {
    if (most === null || count <= most) continue;
    throw new FatalError(
      EXIT.gate,
      `${pipe} was stopped before its first write: it would ${verb} ${count} objects, ${flag} allows ${most}`,
      `see which with: retail-sync plan ${pipe}; if they are right, run it again with a higher ${flag}`,
      { code },
    );
  }
}

/** `gone` records are in no listing and in no answer by id. Throws FatalError (exit 4) for more than usual. */
export function checkGone(pipe: string, gone: readonly string[], knownRecords: number, { gone: limit }: BreakerLimits) {
  if (gone.length <= allowed(limit, knownRecords)) return;
  const what = `${gone.length} records or more are gone at the source, ${gone.slice(0, IDS_SHOWN).join(', ')} among them`;
  throw new FatalError(
    EXIT.gate,
    sentence(pipe, 'gone', what, usual(limit, knownRecords)),
    `look for one of them in the source; if they were deleted: retail-sync sync ${pipe} --full --approve`,
  );
}

/** The limit of one run, which counts while it writes: the next one goes on. */
export const tooManyLetters = (pipe: string, most: number): FatalError =>
  new FatalError(
    EXIT.gate,
    `${pipe} added more than ${most} dead letters, the limit of one run (${LIMIT_VARIABLES.deadLetters})`,
    `see what they have in common: retail-sync dead-letters list --pipe ${pipe}; if they may stay: run it again, it goes on`,
    { code: 'too-many-letters' },
  );

/** A first load that makes more objects, contacts apart, than a look at its source had counted. */
export const tooManyCreated = (pipe: string, created: number, most: number): FatalError =>
  new FatalError(
    EXIT.gate,
    `${pipe} created ${created} objects; ${most} is what the source had proved to hold before`,
    `look at the source: retail-sync cutover status; if it is right: retail-sync sync ${pipe}`,
    { code: 'creates' },
  );

const IDS_SHOWN = 3;

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

const usual = (limit: Limit, known: number): string =>
  `at most ${allowed(limit, known)} are usual, the larger of ${limit.atLeast} and ${percent(limit.share)} of the ${known} known`;

const sentence = (pipe: string, name: keyof BreakerLimits, what: string, most: string): string =>
  `${pipe} was stopped before its first write: ${what}; ${most} (${LIMIT_VARIABLES[name]})`;

const stopped = (pipe: string, name: keyof BreakerLimits, what: string, most: string): FatalError =>
  new FatalError(
    EXIT.gate,
    sentence(pipe, name, what, most),
    `look with: retail-sync sync ${pipe} --dry-run; if it is right: retail-sync sync ${pipe} --approve`,
    { code: name },
  );
