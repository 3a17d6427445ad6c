/**
 * Both sides of a pipe, compared by key: what HubSpot acknowledged against what it has now. Reads only. Whatever differs
 * is read once more after a pause, and counts when it differs twice while the same is expected of it.
 */
import type { Database } from 'better-sqlite3';
import type { Clock } from './clock.ts';
import type { ObjectType, PropertySpec, Source } from './pipe.ts';
import { explainAbsent } from './reconcile/absent.ts';
import { type Compared, compare } from './reconcile/compare.ts';
import { type Deletions, findDeleted, findLeftBehind } from './reconcile/deleted.ts';
import { type Difference, difference } from './reconcile/difference.ts';
import { confirmStrangers, type Listing, listStrangers } from './reconcile/strangers.ts';
import type { Shelf } from './sinks/hubspot/listing.ts';
import type { Transport } from './sinks/hubspot/transport.ts';
import { type ExpectedObject, expectedByKey, expectedObjects, knownKeys, notSettled } from './state/reconciliation.ts';

export interface Sides {
  readonly db: Database;
  readonly stream: number;
  readonly pipe: string;
  readonly specs: readonly PropertySpec[];
  readonly transport: Transport;
  readonly source: Pick<Source, 'get'>;
  /** Runs of the pipe conclude deletions themselves. */
  readonly concludesDeletions?: boolean;
  readonly clock: Clock;
  /** Between the first look and the second. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
}

/** An id that HubSpot changed: the key is now that of another object, mostly the survivor of a merge. */
interface Moved {
  readonly object: ObjectType;
  readonly key: string;
  readonly from: string | null;
  readonly to: string;
}

/** What was compared of one object type. */
export interface ObjectResult {
  readonly object: ObjectType;
  readonly keyProperty: string;
  /** Settled objects that were read by key. */
  readonly compared: number;
  /** Sent once, and not settled now: nothing is said about them. */
  readonly notSettled: number;
  /** Objects that HubSpot lists with a key. */
  readonly listed: number;
  readonly isListComplete: boolean;
  readonly differences: readonly Difference[];
  readonly moved: readonly Moved[];
  /** Objects with another value in a property that is people's by now. */
  readonly leftToPeople: number;
}

export interface Reconciliation {
  readonly objects: readonly ObjectResult[];
  readonly deletions: Deletions;
}

/** Expected objects held at once. */
const CHUNK = 1_000;

/** Compares every object type of the pipe. Throws like the transport and the source. */
export async function reconcile(sides: Sides): Promise<Reconciliation> {
  const first: FirstLook[] = [];
  for (const shelf of shelvesOf(sides)) first.push(await lookOnce(sides, shelf));
  if (first.some(({ suspects, listing }) => suspects.length + listing.orphans.length + listing.duplicates.length > 0)) {
    await sides.clock.sleep(sides.pauseMs, sides.signal);
  }
  const deletions = await findDeleted(sides);
  const objects: ObjectResult[] = [];
  for (const look of first) objects.push(await lookAgain(sides, look, deletions));
  return { objects, deletions };
}

/** The object types that a pipe writes, with their keys. */
export const shelvesOf = ({ specs, transport }: Pick<Sides, 'specs' | 'transport'>): Shelf[] =>
  specs.filter((spec) => spec.unique).map(({ object, name }) => ({ transport, object, keyProperty: name }));

interface FirstLook {
  readonly shelf: Shelf;
  readonly compared: number;
  readonly suspects: readonly Compared[];
  readonly moved: readonly Moved[];
  readonly leftToPeople: number;
  readonly listing: Listing;
}

async function lookOnce(sides: Sides, shelf: Shelf): Promise<FirstLook> {
  const { db, stream, specs, signal } = sides;
  const suspects: Compared[] = [];
  const moved: Moved[] = [];
  let compared = 0;
  let leftToPeople = 0;
  let after = '';
  for (;;) {
    const expected = expectedObjects(db, stream, shelf, after, CHUNK); // bounded: `after` only grows
    const last = expected.at(-1);
    if (last === undefined) break;
    after = last.key;
    compared += expected.length;
    for (const one of await compare(shelf, specs, expected, signal)) {
      if (isSuspect(one)) suspects.push(one);
      if (one.leftToPeople.length > 0) leftToPeople++;
      moved.push(...movedOf(shelf, one));
    }
  }
  const listing = await listStrangers(shelf, (keys) => knownKeys(db, stream, shelf, keys), signal);
  return { shelf, compared, suspects, moved, leftToPeople, listing };
}

const isSuspect = ({ hubspotId, changed }: Compared): boolean => hubspotId === null || changed.length > 0;

const movedOf = ({ object }: Shelf, { expected: { key, hubspotId: from }, hubspotId: to }: Compared): Moved[] =>
  to === null || to === from ? [] : [{ object, key, from, to }];

async function lookAgain(sides: Sides, look: FirstLook, deletions: Deletions): Promise<ObjectResult> {
  const { db, stream, signal } = sides;
  const { shelf, listing, suspects } = look;
  const { object, keyProperty } = shelf;
  const expected = stillExpected(db, stream, shelf, suspects);
  const confirmed = (await compare(shelf, sides.specs, expected, signal)).filter(isSuspect);
  const absent = confirmed.filter((one) => one.hubspotId === null).map((one) => one.expected);
  const changed = confirmed
    .filter((one) => one.hubspotId !== null)
    .map(({ expected: { key, entity }, hubspotId, changed: properties }) =>
      difference('changed', { object, key, entity, hubspotId }, { properties }),
    );
  const explained = await explainAbsent(shelf, absent, listing.swallowed, signal);
  const rekeyed = new Set(explained.filter(({ kind }) => kind === 'key-changed').map(({ hubspotId }) => hubspotId));
  const strangers = await confirmStrangers(shelf, listing, (keys) => knownKeys(db, stream, shelf, keys), signal);
  const differences = [
    ...changed,
    ...explained,
    // An object with a key of somebody's making is no stranger as long as it is missed under its own.
    ...strangers.filter(({ hubspotId }) => !rekeyed.has(hubspotId)),
    // What HubSpot has no more either is no difference.
    ...[...deletions.differences.filter((one) => one.object === object), ...findLeftBehind(sides, object)].filter(
      ({ key }) => !absent.some((one) => one.key === key),
    ),
  ];
  return {
    object,
    keyProperty,
    compared: look.compared,
    notSettled: notSettled(db, stream, object),
    listed: listing.keyed,
    isListComplete: listing.isComplete,
    differences,
    moved: look.moved,
    leftToPeople: look.leftToPeople,
  };
}

/** What a sync settled anew during the pause is expected to differ from what was read before it: that is no finding. */
function stillExpected(
  db: Database,
  stream: number,
  shelf: Shelf,
  suspects: readonly Compared[],
): readonly ExpectedObject[] {
  const before = new Map(suspects.map(({ expected }) => [expected.key, expected.fingerprint]));
  const now = expectedByKey(db, stream, shelf, [...before.keys()]);
  return now.filter((one) => one.fingerprint === before.get(one.key));
}
