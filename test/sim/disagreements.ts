/** What the two sides differ in, said without the product's `reconcile`: it has to report just that. */
import type { Kind } from '../../src/reconcile/difference.ts';
import type { Reconciliation } from '../../src/reconcile.ts';
import type { Db } from '../../src/state/database.ts';
import { Broken } from './oracle.ts';
import type { Portal } from './portal.ts';
import type { Vendor } from './vendor.ts';
import type { Wire } from './wire.ts';

export interface Compared {
  readonly wire: Wire;
  readonly portal: Portal;
  readonly vendor: Vendor;
  readonly objects: readonly string[];
  readonly assembles: 'one-record' | 'many-records';
}

/** Keys that are not what they were before, by what people did: only planted, never in the histories themselves. */
export interface Planted {
  /** From the old key to the new one. */
  readonly rekeyed: Map<string, string>;
  readonly duplicates: Set<string>;
}

export const nothingPlanted = (): Planted => ({ rekeyed: new Map(), duplicates: new Set() });

const DEEDS = ['edit', 'archive', 'delete', 'merge', 'rekey', 'duplicate', 'stranger'] as const;

/** People do one thing each to some of the objects. */
export function plantDisagreements(compared: Compared): Planted {
  const { wire, portal } = compared;
  const planted = nothingPlanted();
  const names = wire.chance.shuffled([...portal.objects.keys()].filter((name) => !portal.survivors.has(name)));
  const left = names.slice(0, 6);
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const deed = wire.chance.pick(DEEDS);
    wire.trace(`planted: ${deed} ${name}`);
    wire.count(`planted: ${deed}`);
    // The survivor of a merge is touched by nothing else, so that each object differs in one way.
    if (deed === 'merge') portal.merge(takeSameType(left, name), name);
    else plantOne(compared, planted, deed, name);
  }
  return planted;
}

/** The first object of the same type, which is then left to itself; '' when there is none. */
function takeSameType(names: string[], name: string): string {
  const place = names.findIndex((other) => typeIn(other) === typeIn(name));
  return place < 0 ? '' : (names.splice(place, 1)[0] ?? '');
}

const typeIn = (name: string): string => name.slice(0, name.indexOf(' '));

function plantOne(
  { portal }: Compared,
  planted: Planted,
  deed: Exclude<(typeof DEEDS)[number], 'merge'>,
  name: string,
): void {
  const object = typeIn(name);
  const key = name.slice(object.length + 1);
  if (deed === 'edit') portal.edit(name, 'name', `planted ${key}`);
  else if (deed === 'archive' || deed === 'delete') portal.archive(name, deed === 'delete');
  else if (deed === 'rekey') {
    planted.rekeyed.set(key, `x-${key}`);
    portal.rekey(name, `x-${key}`);
  } else if (deed === 'duplicate') {
    planted.duplicates.add(` ${key}`);
    portal.addStranger(object, ` ${key}`);
  } else portal.addStranger(object, `y-${key}`);
}

/** Throws L6 where what is reported is more, less or something else than what differs. */
export function checkReconcile(compared: Compared, planted: Planted, db: Db, result: Reconciliation): void {
  const reported = result.objects.flatMap(({ differences }) => differences.map(({ kind, key }) => `${kind} ${key}`));
  const expected: readonly string[] = [...expectedDifferences(compared, planted, db)];
  for (const one of expected) {
    compared.wire.count('difference to be reported');
    if (!reported.includes(one)) throw new Broken('L6', `reconcile does not report: ${one}`);
  }
  const more = reported.find((one) => !expected.includes(one));
  if (more !== undefined) throw new Broken('L6', `reconcile reports what is not so: ${more}`);
  if (!result.deletions.isConcluded) throw new Broken('L6', `no word on deletions: ${result.deletions.reason}`);
}

function* expectedDifferences(compared: Compared, planted: Planted, db: Db): Generator<`${Kind} ${string}`> {
  for (const object of compared.objects) yield* differencesOf(object, compared, planted, db);
}

function* differencesOf(object: string, compared: Compared, planted: Planted, db: Db): Generator<`${Kind} ${string}`> {
  const { portal } = compared;
  const explained = new Set<string>();
  for (const { key, id } of settledKeys(db, object)) {
    const living = portal.objects.get(`${object} ${key}`);
    if (living === undefined) {
      yield `${whatBecameOf(object, compared, planted, key, id)} ${key}`;
      explained.add(planted.rekeyed.get(key) ?? '');
    } else {
      if (living.edited.size > 0) yield `changed ${key}`;
      if (isGoneAtSource(compared, key)) yield `deleted-at-source ${key}`;
    }
  }
  const known = knownKeys(db, object);
  for (const { object: type, key } of portal.objects.values()) {
    if (type !== object) continue;
    if (planted.duplicates.has(key)) yield `duplicate ${key}`;
    // Made by people, or by a process that the state knows nothing of.
    else if (!known.has(key) && !explained.has(key)) yield `orphan ${key}`;
  }
}

const knownKeys = (db: Db, object: string): ReadonlySet<string> =>
  new Set(
    db
      .prepare<[string, string], { key: string }>(
        'SELECT key FROM hubspot_ids WHERE object = ? UNION SELECT key FROM objects WHERE object = ?',
      )
      .all(object, object)
      .map(({ key }) => key),
  );

function whatBecameOf(object: string, { portal }: Compared, planted: Planted, key: string, id: string | null): Kind {
  if (planted.rekeyed.has(key)) return 'key-changed';
  const swallowed = [...portal.objects.values()].some(({ mergedIds }) => id !== null && mergedIds.includes(id));
  if (swallowed) return 'merged';
  const isInBin = portal.bin.some(
    (one) => one.object === object && (one.key === key || one.id === id || (id !== null && one.mergedIds.includes(id))),
  );
  return isInBin ? 'archived' : 'missing';
}

/** What the state says is settled; whether that is true is not asked of it. */
const settledKeys = (db: Db, object: string): { key: string; id: string | null }[] =>
  db
    .prepare<[string], { key: string; id: string | null }>(
      `SELECT o.key, h.hubspot_id AS id FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
         LEFT JOIN hubspot_ids h ON h.object = o.object AND h.key = o.key
        WHERE o.object = ? AND e.state = 'clean' AND o.fingerprint IS NOT NULL AND o.properties IS NOT NULL`,
    )
    .all(object);

function isGoneAtSource({ vendor, assembles, wire }: Compared, entity: string): boolean {
  const { nowMs } = wire.time;
  const records =
    assembles === 'one-record'
      ? [entity]
      : vendor.ids.filter((id) => vendor.versionsOf(id).some(({ group }) => group === entity));
  const known = records.filter((id) => vendor.wasShown(id));
  return known.length > 0 && known.every((id) => vendor.seen(id, nowMs)?.deleted === true);
}
