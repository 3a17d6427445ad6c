/** What became of objects that no key finds any more. Only what left no trace may be created again. */
import { type ListedObject, listObjects, lookUp, type Shelf } from '../sinks/hubspot/listing.ts';
import type { ExpectedObject } from '../state/reconciliation.ts';
import { type Difference, difference } from './difference.ts';

/**
 * One difference for each. `swallowed`: by the id of an object that was merged away, the object it was merged into, as the
 * listing showed it.
 */
export async function explainAbsent(
  shelf: Shelf,
  absent: readonly ExpectedObject[],
  swallowed: ReadonlyMap<string, ListedObject>,
  signal: AbortSignal,
): Promise<readonly Difference[]> {
  if (absent.length === 0) return [];
  const ids = absent.flatMap((one) => one.hubspotId ?? []);
  const byId = ids.length > 0 ? await lookUp(shelf, { idProperty: null, values: ids, archived: false }, signal) : [];
  const living = new Map(byId.map((one) => [one.hubspotId, one]));
  const survivors = new Map([...swallowed, ...byId.flatMap((one) => one.mergedIds.map((id) => [id, one] as const))]);
  const unexplained = absent.filter(({ hubspotId }) => !living.has(hubspotId ?? '') && !survivors.has(hubspotId ?? ''));
  const binned = await lookIntoBin(shelf, unexplained, signal);
  return absent.map((expected) => {
    const id = expected.hubspotId ?? '';
    const here = living.get(id);
    if (here) return difference('key-changed', expected, { other: here });
    const survivor = survivors.get(id);
    if (survivor) return difference('merged', expected, { other: survivor });
    return difference(binned.has(id) || binned.has(expected.key) ? 'archived' : 'missing', expected);
  });
}

/** Ids and keys of what is in the recycle bin. */
async function lookIntoBin(
  shelf: Shelf,
  absent: readonly ExpectedObject[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  if (absent.length === 0) return new Set();
  const ids = absent.flatMap((one) => one.hubspotId ?? []);
  const byId = ids.length > 0 ? await lookUp(shelf, { idProperty: null, values: ids, archived: true }, signal) : [];
  const found = new Set(byId.map((one) => one.hubspotId));
  const keys = absent.filter(({ hubspotId }) => !found.has(hubspotId ?? '')).map(({ key }) => key);
  if (keys.length === 0) return found;
  const byKey = await lookUp(shelf, { idProperty: shelf.keyProperty, values: keys, archived: true }, signal);
  const inBin = new Set([...found, ...byKey.flatMap((one) => one.key ?? [])]);
  const traceless = absent.filter(({ key, hubspotId }) => !inBin.has(hubspotId ?? '') && !inBin.has(key));
  return traceless.length === 0 ? inBin : new Set([...inBin, ...(await mergedInBin(shelf, signal))]);
}

/** Somebody may have archived the object that swallowed it. */
async function mergedInBin(shelf: Shelf, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const page of listObjects(shelf, { archived: true }, signal)) {
    for (const id of page.flatMap(({ mergedIds }) => mergedIds)) ids.add(id);
  }
  return ids;
}
