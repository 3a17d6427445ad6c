/**
 * Which records are associated, by which types. Both directions are kept, each under its own type id.
 * Source: developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
 */
import type { ObjectName } from './kinds.ts';

export interface LinkType {
  readonly id: number;
  readonly from: ObjectName;
  readonly to: ObjectName;
  readonly inverse: number;
  readonly label: string | null;
  /** A record of this side has one such link at most: a contact's or a deal's primary company. */
  readonly oneOf?: 'from' | 'to';
}

function pair(from: ObjectName, to: ObjectName, id: number, inverse: number, label: string | null = null): LinkType[] {
  const there: LinkType = { id, from, to, inverse, label, ...(label === 'Primary' ? { oneOf: 'from' as const } : {}) };
  const back: LinkType = {
    id: inverse,
    from: to,
    to: from,
    inverse: id,
    label,
    ...(label === 'Primary' ? { oneOf: 'to' as const } : {}),
  };
  return id === inverse ? [there] : [there, back];
}

const TYPES: readonly LinkType[] = [
  ...pair('contacts', 'companies', 279, 280),
  ...pair('contacts', 'companies', 1, 2, 'Primary'),
  ...pair('deals', 'companies', 341, 342),
  ...pair('deals', 'companies', 5, 6, 'Primary'),
  ...pair('deals', 'contacts', 3, 4),
  ...pair('deals', 'line_items', 19, 20),
  ...pair('companies', 'companies', 450, 450),
  { id: 13, from: 'companies', to: 'companies', inverse: 14, label: 'Child Company' },
  { id: 14, from: 'companies', to: 'companies', inverse: 13, label: 'Parent Company' },
];

const BY_ID: ReadonlyMap<number, LinkType> = new Map(TYPES.map((type) => [type.id, type]));

/** The unlabelled type of a pair; undefined where HubSpot has none, as for line items and products. */
export function defaultType(from: ObjectName, to: ObjectName): LinkType | undefined {
  return TYPES.find((type) => type.from === from && type.to === to && type.label === null);
}

/** A type by id, only if its direction fits. */
export function typeFor(from: ObjectName, to: ObjectName, id: number): LinkType | undefined {
  const type = BY_ID.get(id);
  return type && type.from === from && type.to === to ? type : undefined;
}

export const labelOf = (id: number): string | null => BY_ID.get(id)?.label ?? null;

interface End {
  readonly object: ObjectName;
  readonly id: string;
}

export class Links {
  /** Ids are unique over all object types, so an id alone names a record. */
  readonly #from = new Map<string, Map<ObjectName, Map<string, Set<number>>>>();

  /** Associated records of one type, in the order they were linked. */
  of(from: End, to: ObjectName): ReadonlyMap<string, ReadonlySet<number>> {
    return this.#from.get(from.id)?.get(to) ?? new Map();
  }

  typesOf(from: End, to: End): ReadonlySet<number> {
    return this.of(from, to.object).get(to.id) ?? new Set();
  }

  /** Adds the unlabelled type. @returns whether anything changed: a repeat is a no-op. */
  addDefault(from: End, to: End, type: LinkType): boolean {
    if (this.typesOf(from, to).has(type.id)) return false;
    this.#set(from, to, new Set([...this.typesOf(from, to), type.id]));
    return true;
  }

  /** Replaces the labels of a pair; a label implies the unlabelled type, a new primary demotes the old one. */
  setLabels(from: End, to: End, types: readonly LinkType[]): boolean {
    const plain = defaultType(from.object, to.object);
    const wanted = new Set([...types.map((type) => type.id), ...(plain ? [plain.id] : [])]);
    const had = this.typesOf(from, to);
    for (const type of types) {
      if (type.oneOf === 'from') this.#demote(from, to, type);
      if (type.oneOf === 'to') this.#demote(to, from, BY_ID.get(type.inverse) ?? type);
    }
    if (had.size === wanted.size && [...wanted].every((id) => had.has(id))) return false;
    this.#set(from, to, wanted);
    return true;
  }

  /** @returns whether the pair was linked. */
  remove(from: End, to: End): boolean {
    if (this.typesOf(from, to).size === 0) return false;
    this.#set(from, to, new Set());
    return true;
  }

  /** Removing the unlabelled type removes every label of the pair. */
  removeTypes(from: End, to: End, types: readonly LinkType[]): boolean {
    const plain = defaultType(from.object, to.object)?.id;
    if (types.some((type) => type.id === plain)) return this.remove(from, to);
    const had = this.typesOf(from, to);
    const left = new Set([...had].filter((id) => !types.some((type) => type.id === id)));
    if (left.size === had.size) return false;
    this.#set(from, to, left);
    return true;
  }

  /** An archived record loses its links. */
  drop(end: End): void {
    for (const [object, targets] of this.#from.get(end.id) ?? []) {
      for (const id of targets.keys()) this.#from.get(id)?.get(end.object)?.delete(end.id);
      targets.clear();
      this.#from.get(end.id)?.delete(object);
    }
    this.#from.delete(end.id);
  }

  /** Hands the links of a merged record to the survivor, which keeps its own primary. */
  move(old: End, survivor: End): void {
    for (const [object, targets] of this.#from.get(old.id) ?? []) {
      for (const [id, types] of targets) {
        const to = { object, id };
        const taken = [...this.of(survivor, object).values()].flatMap((ids) => [...ids]);
        const kept = [...types].filter((type) => BY_ID.get(type)?.oneOf !== 'from' || !taken.includes(type));
        this.#set(survivor, to, new Set([...this.typesOf(survivor, to), ...kept]));
      }
    }
    this.drop(old);
  }

  /** Every link once per direction, for tests. */
  *all(): Generator<{ from: string; to: string; toObject: ObjectName; types: readonly number[] }> {
    for (const [from, objects] of this.#from) {
      for (const [toObject, targets] of objects) {
        for (const [to, types] of targets) yield { from, to, toObject, types: [...types].sort((a, b) => a - b) };
      }
    }
  }

  #demote(owner: End, except: End, type: LinkType): void {
    for (const [id, types] of [...this.of(owner, except.object)]) {
      if (id === except.id || !types.has(type.id)) continue;
      const left = new Set([...types].filter((known) => known !== type.id));
      this.#set(owner, { object: except.object, id }, left);
    }
  }

  #set(from: End, to: End, types: ReadonlySet<number>): void {
    const inverse = new Set([...types].map((id) => BY_ID.get(id)?.inverse ?? id));
    this.#half(from, to, new Set(types));
    this.#half(to, from, inverse);
  }

  #half(from: End, to: End, types: Set<number>): void {
    const objects = this.#from.get(from.id) ?? new Map<ObjectName, Map<string, Set<number>>>();
    const targets = objects.get(to.object) ?? new Map<string, Set<number>>();
    this.#from.set(from.id, objects);
    objects.set(to.object, targets);
    if (types.size === 0) targets.delete(to.id);
    else targets.set(to.id, types);
  }
}
