/** The portal's records: the one store behind every path version. Knows commits and times, no rules of the API. */
import { type CommitAction, Journal } from './journal.ts';
import { UniqueKeys } from './keys.ts';
import { OBJECT_NAMES, type ObjectName } from './kinds.ts';
import type { Schema } from './schema.ts';
import type { HubSpotSwitches } from './switches.ts';
import { LaggedView } from './views.ts';

/** What a reader can see of a record at one moment. `properties` is replaced by each write, never changed. */
export interface Snapshot {
  readonly properties: Readonly<Record<string, string>>;
  readonly updatedAtMs: number;
  readonly archivedAtMs: number | null;
}

export interface ObjectRecord extends Snapshot {
  readonly id: string;
  readonly object: ObjectName;
  readonly createdAtMs: number;
}

interface StoredRecord extends ObjectRecord {
  properties: Readonly<Record<string, string>>;
  updatedAtMs: number;
  archivedAtMs: number | null;
}

export interface StoreOptions {
  readonly schema: Schema;
  readonly switches: () => HubSpotSwitches;
  readonly now: () => number;
  readonly random: () => number;
}

/** HubSpot's ids are decimal strings that grow. */
const FIRST_ID = 17_000_000_001;

export class Store {
  readonly journal = new Journal();
  readonly keys: UniqueKeys;
  readonly #options: StoreOptions;
  readonly #byId = new Map<ObjectName, Map<string, StoredRecord>>(OBJECT_NAMES.map((name) => [name, new Map()]));
  /** Ids of all object types come from one sequence, so arrival order is id order. */
  readonly #inOrder = new Map<ObjectName, StoredRecord[]>(OBJECT_NAMES.map((name) => [name, []]));
  readonly #searchView = new LaggedView();
  readonly #readView = new LaggedView();
  #nextId = FIRST_ID;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.keys = new UniqueKeys(options.schema, options.switches);
  }

  /** All records in the order of their ids, archived ones included. */
  all(object: ObjectName): readonly ObjectRecord[] {
    return this.#inOrder.get(object) ?? [];
  }

  /** Records with an id greater than `id`, in order. */
  *after(object: ObjectName, id: number): Generator<ObjectRecord> {
    const records = this.all(object);
    let low = 0;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Number(records[middle]?.id) <= id) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < records.length; at++) {
      const record = records[at];
      if (record) yield record;
    }
  }

  /** A record by id, archived or not; undefined once it was merged away. */
  find(object: ObjectName, id: string): ObjectRecord | undefined {
    return this.#byId.get(object)?.get(id);
  }

  findLive(object: ObjectName, id: string): ObjectRecord | undefined {
    const record = this.find(object, id);
    return record?.archivedAtMs === null ? record : undefined;
  }

  findByKey(object: ObjectName, property: string, value: string): ObjectRecord | undefined {
    const id = this.keys.holder(object, property, value);
    return id === undefined ? undefined : this.findLive(object, id);
  }

  findArchivedByKey(object: ObjectName, property: string, value: string): ObjectRecord | undefined {
    const id = this.keys.archivedHolder(object, property, value);
    return id === undefined ? undefined : this.find(object, id);
  }

  /** The record as a search sees it now. */
  asSearched(record: ObjectRecord): Snapshot | null {
    return this.#searchView.at(record, this.#options.now());
  }

  /** The record as a read by id or key sees it now. */
  asRead(record: ObjectRecord): Snapshot | null {
    return this.#readView.at(record, this.#options.now());
  }

  count(object: ObjectName): { live: number; archived: number } {
    let archived = 0;
    for (const record of this.all(object)) if (record.archivedAtMs !== null) archived++;
    return { live: this.all(object).length - archived, archived };
  }

  /** @param request number of the causing request, 0 for a person. @param createdAtMs backdates seeded records. */
  create(
    object: ObjectName,
    properties: Readonly<Record<string, string>>,
    request: number,
    createdAtMs?: number,
  ): ObjectRecord {
    const record = this.#insert(object, properties, createdAtMs ?? this.#stamp());
    if (createdAtMs === undefined) this.#veil(record.id, null);
    this.#write(record, 'created', request, true);
    return record;
  }

  #insert(object: ObjectName, properties: Readonly<Record<string, string>>, stamp: number): StoredRecord {
    const record: StoredRecord = {
      id: String(this.#nextId++),
      object,
      createdAtMs: stamp,
      properties: compact(properties),
      updatedAtMs: stamp,
      archivedAtMs: null,
    };
    this.#byId.get(object)?.set(record.id, record);
    this.#inOrder.get(object)?.push(record);
    this.keys.add(record);
    return record;
  }

  /** Sets the named properties; '' clears. Revives an archived record. */
  update(target: ObjectRecord, changes: Readonly<Record<string, string>>, request: number): ObjectRecord {
    const record = this.#stored(target);
    const before = snapshot(record);
    const changed = Object.entries(changes).some(([name, value]) => (before.properties[name] ?? '') !== value);
    const revived = record.archivedAtMs !== null;
    if (changed) record.properties = compact({ ...before.properties, ...changes });
    record.archivedAtMs = null;
    if (changed || revived || this.#options.switches().touchOnEqualWrite) record.updatedAtMs = this.#stamp();
    if (revived) this.keys.revive(record);
    else this.keys.move(record, before);
    this.#veil(record.id, before);
    this.#write(record, 'updated', request, changed || revived);
    return record;
  }

  archive(target: ObjectRecord, request: number): void {
    const record = this.#stored(target);
    if (record.archivedAtMs !== null) return;
    const before = snapshot(record);
    this.keys.archive(record);
    record.archivedAtMs = this.#stamp();
    this.#veil(record.id, before);
    this.#write(record, 'archived', request, true);
  }

  /** The losing record vanishes without being archived. @returns the survivor, under a new id unless `keepId`. */
  merge(
    primary: ObjectRecord,
    loser: ObjectRecord,
    properties: Readonly<Record<string, string>>,
    request: number,
    keepId: boolean,
  ): ObjectRecord {
    this.#forget(loser);
    const lost = snapshot(loser);
    if (!keepId) this.#forget(primary);
    const survivor = keepId
      ? this.#stored(this.update(primary, properties, request))
      : this.#insert(primary.object, properties, primary.createdAtMs);
    survivor.updatedAtMs = this.#stamp();
    if (this.#options.switches().mergeLosingKey === 'kept') this.keys.alias(primary.object, lost, survivor.id);
    this.#write(survivor, 'merged', request, true);
    return survivor;
  }

  /** After a change of switches or properties. */
  reindex(): void {
    this.keys.rebuild([...this.#inOrder.values()].flat());
  }

  #forget(record: ObjectRecord): void {
    this.keys.remove(record.object, record.id, record);
    this.#byId.get(record.object)?.delete(record.id);
    const records = this.#inOrder.get(record.object) ?? [];
    this.#inOrder.set(
      record.object,
      records.filter((known) => known.id !== record.id),
    );
  }

  #stored(record: ObjectRecord): StoredRecord {
    const stored = this.#byId.get(record.object)?.get(record.id);
    if (!stored) throw new Error(`record ${record.id} is not in the store`);
    return stored;
  }

  #stamp(): number {
    const grain = this.#options.switches().stampGrainMs;
    return Math.floor(this.#options.now() / grain) * grain;
  }

  #veil(id: string, before: Snapshot | null): void {
    const { searchLagMs, readLagMs } = this.#options.switches();
    const now = this.#options.now();
    if (searchLagMs > 0) {
      this.#searchView.remember(id, before, now + searchLagMs * (0.5 + this.#options.random()), now);
    }
    if (readLagMs > 0) this.#readView.remember(id, before, now + readLagMs, now);
  }

  #write(record: ObjectRecord, action: CommitAction, request: number, changed: boolean): void {
    this.journal.add({
      request,
      atMs: this.#options.now(),
      object: record.object,
      id: record.id,
      action,
      changed,
      keys: this.keys.valuesOf(record.object, record),
    });
  }
}

const snapshot = (record: ObjectRecord): Snapshot => ({
  properties: record.properties,
  updatedAtMs: record.updatedAtMs,
  archivedAtMs: record.archivedAtMs,
});

/** Cleared values are not kept: an empty property and one never set read the same. */
function compact(properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const name in properties) {
    const value = properties[name];
    if (value !== undefined && value !== '') kept[name] = value;
  }
  return kept;
}
