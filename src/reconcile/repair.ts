/** Sends again what the source owns: through the ordinary run of the pipe, so that every rule of a sync holds here too. */
import { type BreakerLimits, checkBreakers } from '../engine/breakers.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import type { ObjectResult, Sides } from '../reconcile.ts';
import { shelvesOf } from '../reconcile.ts';
import { expectedByKey, recordsOf } from '../state/reconciliation.ts';
import { noteMovedId, sendAgain } from '../state/repair.ts';
import { StreamState } from '../state/stream.ts';
import { compare } from './compare.ts';
import { absentOf } from './deleted.ts';
import type { Difference, Kind } from './difference.ts';

/** How the run that sent them ended. */
export interface Sending {
  readonly id: string;
  readonly exit: ExitCode;
  readonly reason: string | null;
  readonly hint: string | null;
}

export interface Repair {
  readonly repaired: readonly Difference[];
  /** Everything that is still different, with why. */
  readonly left: readonly Difference[];
  /** Null when there was nothing to send. */
  readonly sending: Sending | null;
}

export interface RepairOptions {
  /** Objects that a person archived are created again. */
  readonly recreate: boolean;
  /** A person has seen the numbers. */
  readonly approved: boolean;
  readonly limits: BreakerLimits;
  /** Runs the pipe for these records only. */
  readonly send: (records: readonly string[]) => Promise<Sending>;
}

/** What is repaired when it is asked for; everything else is a person's decision. */
const REPAIRABLE: readonly Kind[] = ['changed', 'missing'];

/**
 * To be called with the portal's lock held. Throws FatalError (exit 4), before anything is marked, for more repairs than a
 * run may make without approval.
 */
export async function repair(sides: Sides, objects: readonly ObjectResult[], options: RepairOptions): Promise<Repair> {
  const all = objects.flatMap((one) => one.differences);
  const kinds = options.recreate ? [...REPAIRABLE, 'archived'] : REPAIRABLE;
  const { wanted, records, unwanted } = await whatTheSourceHas(
    sides,
    all.filter((one) => kinds.includes(one.kind)),
  );
  const others = [...all.filter((one) => !kinds.includes(one.kind)), ...unwanted];
  if (!options.approved) refuseTooMany(sides, wanted, options.limits);
  mark(sides, objects, wanted);
  if (wanted.length === 0) return { repaired: [], left: others, sending: null };
  const sending = await options.send(records);
  const settled = await settledNow(sides, wanted);
  const isRepaired = (one: Difference): boolean => settled.has(nameOf(one));
  const note = sending.reason ?? `not written: retail-sync dead-letters list --pipe ${sides.pipe}`;
  return {
    repaired: wanted.filter(isRepaired),
    left: [...others, ...wanted.filter((one) => !isRepaired(one)).map((one) => ({ ...one, note }))],
    sending,
  };
}

/** An object that is gone from HubSpot is not made again for a record that is gone too. */
async function whatTheSourceHas(
  sides: Sides,
  candidates: readonly Difference[],
): Promise<{ wanted: readonly Difference[]; records: readonly string[]; unwanted: readonly Difference[] }> {
  const entities = [...new Set(candidates.flatMap(({ entity }) => entity ?? []))];
  const members = recordsOf(sides.db, sides.stream, entities);
  const creating = new Set(candidates.filter(({ kind }) => kind !== 'changed').map(({ entity }) => entity));
  const asked = members.filter(({ entity }) => creating.has(entity)).map(({ id }) => id);
  const absent = new Set(asked.length > 0 ? await absentOf([...new Set(asked)], sides) : []);
  const present = new Set(members.filter(({ id }) => !absent.has(id)).map(({ entity }) => entity));
  const wanted = candidates.filter(({ entity }) => entity !== null && present.has(entity));
  const sent = new Set(wanted.map(({ entity }) => entity));
  return {
    wanted,
    records: [...new Set(members.filter(({ entity, id }) => sent.has(entity) && !absent.has(id)).map(({ id }) => id))],
    unwanted: candidates
      .filter((one) => !wanted.includes(one))
      .map((one) => ({ ...one, note: 'not made again: its record is gone at the source' })),
  };
}

function refuseTooMany({ db, stream, pipe, clock }: Sides, wanted: readonly Difference[], limits: BreakerLimits): void {
  const known = new StreamState(db, stream, '', '', clock.now).objects.count();
  const updates = wanted.filter(({ kind }) => kind === 'changed').length;
  try {
    checkBreakers(pipe, { creates: wanted.length - updates, updates, blanked: new Map() }, () => known, limits);
  } catch (thrown) {
    if (!(thrown instanceof FatalError)) throw thrown;
    const hint = `look with: retail-sync reconcile ${pipe}; if it is right: retail-sync reconcile ${pipe} --fix --approve`;
    throw new FatalError(EXIT.gate, thrown.message, hint, { cause: thrown });
  }
}

/** One transaction, before the run: if this process dies between the two, the next sync does the rest. */
function mark({ db, stream }: Sides, objects: readonly ObjectResult[], wanted: readonly Difference[]): void {
  const keyProperties = new Map(objects.map((one) => [one.object, one.keyProperty]));
  db.transaction(() => {
    for (const { object, key, to } of objects.flatMap((one) => one.moved)) {
      noteMovedId(db, { object, keyProperty: keyProperties.get(object) ?? '', key, hubspotId: to });
    }
    for (const { object, key, entity, kind } of wanted) {
      if (entity === null) continue;
      const keyProperty = keyProperties.get(object) ?? '';
      sendAgain(db, stream, { object, keyProperty, key, entity, gone: kind !== 'changed' });
    }
  }).immediate();
}

/** Which of them HubSpot has now as they were sent; a read that lags is given one more chance. */
async function settledNow(sides: Sides, wanted: readonly Difference[]): Promise<ReadonlySet<string>> {
  const settled = new Set<string>();
  for (const round of [1, 2]) {
    for (const shelf of shelvesOf(sides)) {
      const open = wanted.filter((one) => one.object === shelf.object && !settled.has(nameOf(one)));
      const expected = expectedByKey(
        sides.db,
        sides.stream,
        shelf,
        open.map(({ key }) => key),
      );
      for (const one of await compare(shelf, sides.specs, expected, sides.signal)) {
        if (one.hubspotId !== null && one.changed.length === 0) settled.add(nameOf(one.expected));
      }
    }
    if (settled.size === new Set(wanted.map(nameOf)).size || round === 2) break;
    await sides.clock.sleep(sides.pauseMs, sides.signal);
  }
  return settled;
}

const nameOf = ({ object, key }: Pick<Difference, 'object' | 'key'>): string => `${object} ${key}`;
