/** Archives what was proven to be gone at the source, after a person has seen the list. */
import type { Sides } from '../reconcile.ts';
import { shelvesOf } from '../reconcile.ts';
import { archiveObjects, lookUp, type Shelf } from '../sinks/hubspot/listing.ts';
import { membersOf } from '../state/reconciliation.ts';
import { forgetArchived } from '../state/repair.ts';
import { newRunId } from '../state/runs.ts';
import { absentOf } from './deleted.ts';
import type { Difference } from './difference.ts';

/** Ids of one batch archive (developers.hubspot.com/docs/api-reference, CRM objects, batch). */
const BATCH = 100;
/** Ids asked of the source at once. */
const ASK_MAX = 500;

/**
 * To be called with the portal's lock held. Returns those that a read by id no longer finds. What the source has again by
 * now is left alone.
 */
export async function archiveAll(sides: Sides, archivable: readonly Difference[]): Promise<readonly Difference[]> {
  const run = newRunId(sides.db, sides.clock.now());
  const done: Difference[] = [];
  const back = await backAtSource(sides, archivable);
  for (const shelf of shelvesOf(sides)) {
    const objects = archivable.filter((one) => one.object === shelf.object && !back.has(one.entity ?? ''));
    for (let start = 0; start < objects.length; start += BATCH) {
      done.push(...(await archiveBatch(sides, shelf, objects.slice(start, start + BATCH), run)));
    }
  }
  return done;
}

/** Entities of which the source finds a record by id. */
async function backAtSource(sides: Sides, archivable: readonly Difference[]): Promise<ReadonlySet<string>> {
  const members = membersOf(sides.db, sides.stream, [...new Set(archivable.flatMap(({ entity }) => entity ?? []))]);
  const back = new Set<string>();
  for (let start = 0; start < members.length; start += ASK_MAX) {
    const some = members.slice(start, start + ASK_MAX);
    const absent = new Set(await absentOf([...new Set(some.map(({ id }) => id))], sides));
    for (const { entity, id } of some) if (!absent.has(id)) back.add(entity);
  }
  return back;
}

async function archiveBatch(
  sides: Sides,
  shelf: Shelf,
  batch: readonly Difference[],
  run: string,
): Promise<readonly Difference[]> {
  const { db, stream, signal, clock } = sides;
  const keys = batch.map((one) => one.key);
  // The id under which HubSpot has the key now: a remembered one may be somebody else's after a merge.
  const present = await lookUp(shelf, { idProperty: shelf.keyProperty, values: keys, archived: false }, signal);
  const ids = new Map(present.flatMap(({ key, hubspotId }) => (key === null ? [] : [[key, hubspotId] as const])));
  const named = batch.filter((one) => ids.has(one.key));
  const asked = named.flatMap((one) => ids.get(one.key) ?? []);
  if (asked.length === 0) return [];
  await archiveObjects(shelf.transport, shelf.object, asked, signal);
  const left = await lookUp(shelf, { idProperty: null, values: asked, archived: false }, signal);
  const living = new Set(left.map((one) => one.hubspotId));
  const archived = named.filter((one) => !living.has(ids.get(one.key) ?? ''));
  db.transaction(() => {
    for (const { object, key, entity } of archived) {
      const { keyProperty } = shelf;
      if (entity !== null) forgetArchived(db, stream, { object, keyProperty, key, entity, run, atMs: clock.now() });
    }
  }).immediate();
  return archived;
}
