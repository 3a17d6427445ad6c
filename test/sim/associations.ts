/** The associations of the simulated HubSpot, in the direction in which the program makes them. */
import type { Wire } from './wire.ts';

/** HubSpot's own types (developers.hubspot.com/docs/api-reference/crm-associations-v4/guide). */
export const PARENT = 14;
export const PRIMARY = 5;
const UNLABELLED: Readonly<Record<string, number>> = { 'deals companies': 341, 'companies companies': 450 };

export const unlabelledOf = (from: string, to: string): number => UNLABELLED[`${from} ${to}`] ?? 0;

/** Ids of two objects. */
export interface Ends {
  readonly from: string;
  readonly to: string;
}

export class Associations {
  readonly #wire: Wire;
  readonly #types = new Map<string, Map<string, Set<number>>>();
  /** The newest request that has taken effect on an object's links. */
  readonly #newest = new Map<string, number>();
  /** Ids of objects whose links an older request changed after a newer one: nobody can promise anything of them. */
  readonly overtaken = new Set<string>();
  /** Pairs that the program has asked to be linked, and those that people have. */
  readonly asked = new Set<string>();
  readonly byPeople = new Set<string>();
  /** Pairs that are never linked, such as one over a limit of the portal. */
  readonly #refused = new Map<string, boolean>();
  changes = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  of(from: string): ReadonlyMap<string, ReadonlySet<number>> {
    return this.#types.get(from) ?? new Map();
  }

  refuses(ends: Ends): boolean {
    const { chance, rates } = this.#wire;
    const known = this.#refused.get(pair(ends)) ?? chance.hits(rates.linkRefused);
    this.#refused.set(pair(ends), known);
    return known;
  }

  /** `labels` replace those of the pair; null adds the unlabelled type alone. */
  make(ends: Ends, unlabelled: number, labels: readonly number[] | null, request: number): void {
    const { from, to } = ends;
    const before = this.of(from).get(to) ?? new Set();
    const after = new Set([unlabelled, ...(labels ?? before)]);
    if (!this.#takesEffect(from, request, after.symmetricDifference(before).size > 0)) return;
    // One company is the primary one: another that was is no more.
    if (after.has(PRIMARY)) for (const [, types] of this.#types.get(from) ?? []) types.delete(PRIMARY);
    const targets = this.#types.get(from) ?? new Map<string, Set<number>>();
    this.#types.set(from, targets.set(to, after));
    this.#wire.trace(`portal link ${pair(ends)} = ${[...after]}`);
    this.#wire.count('link made');
  }

  /** Takes these labels away; null: the whole association. */
  remove(ends: Ends, labels: readonly number[] | null, request: number): void {
    const types = this.#types.get(ends.from)?.get(ends.to);
    const changes = types !== undefined && (labels === null || labels.some((label) => types.has(label)));
    if (!this.#takesEffect(ends.from, request, changes)) return;
    if (labels === null) this.#types.get(ends.from)?.delete(ends.to);
    else for (const label of labels) types?.delete(label);
    this.#wire.trace(`portal unlink ${pair(ends)} ${labels ?? ''}`);
    this.#wire.count('link removed');
  }

  #takesEffect(from: string, request: number, changes: boolean): boolean {
    const newest = this.#newest.get(from) ?? 0;
    this.#newest.set(from, Math.max(newest, request));
    if (changes) this.changes++;
    if (changes && request < newest) {
      this.overtaken.add(from);
      this.#wire.count('late link over a newer one');
    }
    return changes;
  }

  /** Somebody links two objects by hand. */
  linkByHand(ends: Ends, unlabelled: number): void {
    if (this.asked.has(pair(ends)) || this.of(ends.from).has(ends.to)) return;
    this.byPeople.add(pair(ends));
    this.#wire.count('people link in HubSpot');
    const targets = this.#types.get(ends.from) ?? new Map<string, Set<number>>();
    this.#types.set(ends.from, targets.set(ends.to, new Set([unlabelled])));
  }

  /** What is archived or deleted loses its associations. */
  drop(id: string): void {
    this.#types.delete(id);
    for (const targets of this.#types.values()) targets.delete(id);
  }

  /** The survivor of a merge has those of both. */
  move(id: string, to: string): void {
    if (id === to) return;
    const own = this.#types.get(id);
    this.#types.set(to, new Map([...(own ?? []), ...(this.#types.get(to) ?? [])]));
    this.#types.delete(id);
    for (const targets of this.#types.values()) {
      const types = targets.get(id);
      targets.delete(id);
      if (types) targets.set(to, types);
    }
  }
}

export const pair = ({ from, to }: Ends): string => `${from} ${to}`;
