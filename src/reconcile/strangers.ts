/** What HubSpot lists under our key property: who swallowed whom, keys the state does not know, keys held twice. */
import { foldKey } from '../fingerprint.ts';
import { type ListedObject, listObjects, lookUp, type Shelf } from '../sinks/hubspot/listing.ts';
import { type Difference, difference } from './difference.ts';

export interface Listing {
  /** Objects that have a key. */
  readonly keyed: number;
  /** False when there were more pages than are read: orphans and duplicates may be missing from what is said. */
  readonly isComplete: boolean;
  /** By the id of an object that was merged away, the one it was merged into. */
  readonly swallowed: ReadonlyMap<string, ListedObject>;
  readonly orphans: readonly ListedObject[];
  readonly duplicates: readonly Duplicate[];
}

interface Duplicate {
  readonly object: ListedObject;
  /** The one that was listed before it. */
  readonly first: ListedObject;
}

/** Which of these keys the state knows. */
export type KnownKeys = (keys: readonly string[]) => ReadonlySet<string>;

/** Reads all objects of a type, 100 in a call; holds a key and an id of those that have a key. */
export async function listStrangers(shelf: Shelf, known: KnownKeys, signal: AbortSignal): Promise<Listing> {
  const sorter = new Sorter();
  const pages = listObjects(shelf, { archived: false }, signal);
  for (;;) {
    const page = await pages.next(); // bounded: the listing has a limit of pages
    if (page.done) return sorter.listing(page.value);
    const isKnown = known(page.value.flatMap(({ key }) => key ?? []));
    for (const object of page.value) sorter.take(object, isKnown);
  }
}

class Sorter {
  readonly #byKey = new Map<string, ListedObject>();
  readonly #swallowed = new Map<string, ListedObject>();
  readonly #orphans: ListedObject[] = [];
  readonly #duplicates: Duplicate[] = [];

  take(object: ListedObject, known: ReadonlySet<string>): void {
    for (const id of object.mergedIds) this.#swallowed.set(id, object);
    if (object.key === null) return;
    // Keys that people take for the same are the same here: a copy with a space before its number is a copy.
    const folded = foldKey(object.key);
    const first = this.#byKey.get(folded);
    if (first === undefined) {
      this.#byKey.set(folded, object);
      if (!known.has(object.key)) this.#orphans.push(object);
    } else if (first.hubspotId !== object.hubspotId) this.#duplicates.push({ object, first });
  }

  listing(isComplete: boolean): Listing {
    const keyed = this.#byKey.size + this.#duplicates.length;
    return {
      keyed,
      isComplete,
      swallowed: this.#swallowed,
      orphans: this.#orphans,
      duplicates: this.#duplicates,
    };
  }
}

/** Those that are still what they were: a sync may have created, a person may have corrected them meanwhile. */
export async function confirmStrangers(
  shelf: Shelf,
  { orphans, duplicates }: Listing,
  known: KnownKeys,
  signal: AbortSignal,
): Promise<readonly Difference[]> {
  const ids = [...orphans, ...duplicates.flatMap(({ object, first }) => [object, first])].map((one) => one.hubspotId);
  if (ids.length === 0) return [];
  const found = await lookUp(shelf, { idProperty: null, values: ids, archived: false }, signal);
  const now = new Map(found.map((one) => [one.hubspotId, one.key]));
  const stays = ({ hubspotId, key }: ListedObject): boolean => key !== null && now.get(hubspotId) === key;
  const isKnown = known(orphans.flatMap(({ key }) => key ?? []));
  const named = ({ hubspotId, key }: ListedObject) =>
    ({ object: shelf.object, key: key ?? '', entity: null, hubspotId }) as const;
  return [
    ...orphans
      .filter((one) => stays(one) && !isKnown.has(one.key ?? ''))
      .map((one) => difference('orphan', named(one))),
    ...duplicates
      .filter(({ object, first }) => stays(object) && stays(first))
      .map(({ object, first }) => difference('duplicate', named(object), { other: first })),
  ];
}
