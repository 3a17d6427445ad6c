/** A simulated HubSpot: objects by a unique property, a recycle bin, and people who work in it. */
import { Associations, unlabelledOf } from './associations.ts';
import type { Wire } from './wire.ts';

export interface Stored {
  readonly id: string;
  readonly object: string;
  readonly key: string;
  readonly properties: Record<string, string>;
  readonly createdAtMs: number;
  /** Ids of the objects that were merged into it. */
  readonly mergedIds: readonly string[];
  /** Properties that people changed after the program wrote them last. */
  readonly edited: Set<string>;
  /** What the request that wrote it last was numbered. */
  writtenBy: number;
}

/** Property HubSpot lists the swallowed ids in. */
export const MERGED = 'hs_merged_object_ids';

export class Portal {
  readonly #wire: Wire;
  readonly #keyProperty: string;
  /** The living ones, by object type and key. */
  readonly objects = new Map<string, Stored>();
  /** What people archived can be restored for 90 days. */
  readonly bin: Stored[] = [];
  /** Names of objects that people archived, deleted or merged: whether they come back is nobody's promise. */
  readonly archived = new Set<string>();
  /** Names of objects that swallowed others. */
  readonly survivors = new Set<string>();
  /** Names of objects that others swallowed. */
  readonly merged = new Set<string>();
  /** Names by id, of all that ever were. */
  readonly names = new Map<string, string>();
  readonly links: Associations;
  writes = 0;
  #ids = 0;

  constructor(wire: Wire, keyProperty: string) {
    this.#wire = wire;
    this.#keyProperty = keyProperty;
    this.links = new Associations(wire);
  }

  byId(id: string): Stored | undefined {
    return [...this.objects.values()].find((stored) => stored.id === id);
  }

  /** Writes by key; `request` is the number of the request, in the order in which they were sent. */
  put(object: string, key: string, properties: Readonly<Record<string, string>>, request: number): [Stored, boolean] {
    const name = `${object} ${key}`;
    const known = this.objects.get(name);
    if (known) {
      this.#overwrite(known, properties, request);
      return [known, false];
    }
    const made = this.#make(object, key, { ...properties }, [], request);
    return [made, true];
  }

  #make(object: string, key: string, properties: Record<string, string>, mergedIds: string[], writtenBy: number) {
    const id = String(1_000 + this.#ids++);
    const stored: Stored = {
      ...{ id, object, key, properties, mergedIds, writtenBy },
      createdAtMs: this.#wire.time.nowMs,
      edited: new Set(),
    };
    this.objects.set(`${object} ${key}`, stored);
    this.names.set(id, `${object} ${key}`);
    return stored;
  }

  #overwrite(known: Stored, properties: Readonly<Record<string, string>>, request: number): void {
    const changes = Object.entries(properties).some(([name, value]) => known.properties[name] !== value);
    if (request < known.writtenBy && changes) this.#wire.count('late write over a newer one');
    Object.assign(known.properties, properties);
    for (const name of Object.keys(properties)) known.edited.delete(name);
    known.writtenBy = request;
  }

  // ---------------------------------------------------------------------------------------- what people do in it

  /** One of the living objects gets another value in a property of ours. */
  edit(name: string, property: string, value: string): void {
    const stored = this.objects.get(name);
    if (!stored) return;
    stored.properties[property] = value;
    stored.edited.add(property);
  }

  /** Into the bin, or gone for good. */
  archive(name: string, forGood: boolean): void {
    const stored = this.objects.get(name);
    if (!stored) return;
    this.objects.delete(name);
    this.archived.add(name);
    this.links.drop(stored.id);
    if (!forGood) this.bin.push(stored);
  }

  /** The survivor has a new id in most portals; the other one vanishes without being archived, and its key is free. */
  merge(survivor: string, loser: string): void {
    const [kept, lost] = [this.objects.get(survivor), this.objects.get(loser)];
    if (!kept || !lost || kept === lost || kept.object !== lost.object) return;
    this.objects.delete(loser);
    this.archived.add(loser);
    this.merged.add(loser);
    this.survivors.add(survivor);
    const ids = [...kept.mergedIds, ...lost.mergedIds, lost.id];
    const keepsId = this.#wire.chance.hits(0.3);
    const made = keepsId
      ? { ...kept, mergedIds: ids }
      : { ...this.#make(kept.object, kept.key, {}, [], 0), mergedIds: [...ids, kept.id] };
    const properties = { ...lost.properties, ...kept.properties };
    this.objects.set(survivor, { ...made, properties, edited: kept.edited, writtenBy: kept.writtenBy });
    for (const { id } of [kept, lost]) this.links.move(id, made.id);
  }

  /** Two objects are linked by hand. */
  link(name: string, company: string): void {
    const [from, to] = [this.objects.get(name), this.objects.get(company)];
    if (from?.object !== 'deals' || to?.object !== 'companies') return;
    this.links.linkByHand({ from: from.id, to: to.id }, unlabelledOf(from.object, to.object));
  }

  /** The same object under another key. */
  rekey(name: string, key: string): void {
    const stored = this.objects.get(name);
    if (!stored) return;
    this.objects.delete(name);
    this.archived.add(name);
    const properties = { ...stored.properties, [this.#keyProperty]: key };
    this.objects.set(`${stored.object} ${key}`, { ...stored, key, properties });
  }

  /** An object that the program knows nothing of. */
  addStranger(object: string, key: string): void {
    this.#make(object, key, { [this.#keyProperty]: key, name: 'made by people' }, [], 0);
  }
}
