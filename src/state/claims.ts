/** Who maps to which key, and who holds a value that only one object may hold. */
import { compareIds } from '../canonical.ts';
import { foldKey } from '../fingerprint.ts';
import type { ObjectType } from '../pipe.ts';
import type { Statements } from './statements.ts';

export interface Claim {
  readonly object: ObjectType;
  readonly key: string;
}

export interface ExclusiveValue extends Claim {
  readonly property: string;
  readonly value: string;
}

/** An entity that maps to a key, or to another spelling of it. */
interface Claimant {
  readonly key: string;
  readonly entity: string;
  readonly modifiedAt: string;
}

interface Standing {
  /** The entity whose record changed last, of those that map to this very key; null when none does. */
  readonly owner: string | null;
  readonly otherSpelling: string | null;
}

/** What an entity maps to now. */
export interface EntityClaims {
  readonly entity: string;
  /** When the last of its records changed. */
  readonly modifiedAt: string;
  readonly claims: readonly Claim[];
  readonly values: readonly ExclusiveValue[];
}

type ClaimRow = Claim & { readonly folded: string; readonly entity: string; readonly modifiedAt: string };

/**
 * Whole pages at once: one question for what they claimed before, one for who else claims the same, and a write only for
 * what differs. `INDEXED BY`: left to itself SQLite walks the whole stream by the primary key.
 */
export class Claims {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Replaces what these entities claim. Returns the other entities concerned by what was given up or taken. */
  replace(entries: readonly EntityClaims[]): Set<string> {
    const before = Map.groupBy(this.#claimed(entries), ({ entity }) => entity);
    const moved: Claim[] = [];
    for (const entry of entries) moved.push(...this.#replaceOne(entry, before.get(entry.entity) ?? []));
    const concerned = new Set<string>();
    for (const found of this.#claimants(moved).values()) for (const { entity } of found) concerned.add(entity);
    for (const other of this.#replaceValues(entries)) concerned.add(other);
    for (const { entity } of entries) concerned.delete(entity);
    return concerned;
  }

  /** Who owns each of these keys, and whether people would take another one for the same. */
  standings(claims: readonly Claim[]): (claim: Claim) => Standing {
    const found = this.#claimants(claims);
    return (claim) => standingOf(claim, found.get(placeOf(claim)) ?? []);
  }

  /** The key that holds a value: the smallest of all that want it. */
  holder({ object, property, value }: ExclusiveValue): string | null {
    return this.#wanting({ object, property, value })[0]?.key ?? null;
  }

  #claimed(entries: readonly EntityClaims[]): ClaimRow[] {
    return this.#sql.all<ClaimRow>(
      `SELECT entity, object, folded, key, modified_at AS modifiedAt FROM claims INDEXED BY claims_by_entity
        WHERE stream = ? AND entity IN (SELECT value FROM json_each(?))`,
      JSON.stringify(entries.map(({ entity }) => entity)),
    );
  }

  /** Returns the claims that were given up, taken, or are of another date: each may have another owner now. */
  #replaceOne({ entity, modifiedAt, claims }: EntityClaims, before: readonly ClaimRow[]): Claim[] {
    const gone = before.filter((old) => !claims.some((now) => isSame(old, now)));
    const put = claims.filter((now) => !before.some((old) => isSame(old, now) && old.modifiedAt === modifiedAt));
    for (const { object, folded, key } of gone) {
      this.#sql.change(
        'DELETE FROM claims WHERE stream = ? AND object = ? AND folded = ? AND key = ? AND entity = ?',
        object,
        folded,
        key,
        entity,
      );
    }
    for (const { object, key } of put) {
      this.#sql.change(
        `INSERT INTO claims (stream, object, folded, key, entity, modified_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET modified_at = excluded.modified_at`,
        object,
        foldKey(key),
        key,
        entity,
        modifiedAt,
      );
    }
    return [...gone, ...put];
  }

  /** By object and folded key. */
  #claimants(claims: readonly Claim[]): Map<string, Claimant[]> {
    const found = new Map<string, Claimant[]>();
    for (const [object, some] of Map.groupBy(claims, (claim) => claim.object)) {
      const rows = this.#sql.all<Claimant & { folded: string }>(
        `SELECT folded, key, entity, modified_at AS modifiedAt FROM claims
          WHERE stream = ? AND object = ? AND folded IN (SELECT value FROM json_each(?))`,
        object,
        JSON.stringify(some.map(({ key }) => foldKey(key))),
      );
      for (const row of rows) {
        const place = `${object} ${row.folded}`;
        const list = found.get(place);
        if (list) list.push(row);
        else found.set(place, [row]);
      }
    }
    return found;
  }

  #wanting({ object, property, value }: Omit<ExclusiveValue, 'key'>): { key: string; entity: string }[] {
    return this.#sql
      .all<{ key: string; entity: string }>(
        'SELECT key, entity FROM exclusive_values WHERE stream = ? AND object = ? AND property = ? AND value = ?',
        object,
        property,
        value,
      )
      .sort((a, b) => compareIds(a.key, b.key));
  }

  #replaceValues(entries: readonly EntityClaims[]): Set<string> {
    const concerned = new Set<string>();
    let before = this.#valuesOf(entries);
    for (const { entity, values } of entries) {
      const { others, hasTaken } = this.#replaceValuesOf(entity, values, before.get(entity) ?? []);
      for (const other of others) concerned.add(other);
      // The row of another entity under the very same key is this one's now: what that one holds was read too early.
      if (hasTaken) before = this.#valuesOf(entries);
    }
    return concerned;
  }

  #valuesOf(entries: readonly EntityClaims[]): Map<string, ExclusiveValue[]> {
    const rows = this.#sql.all<ExclusiveValue & { entity: string }>(
      `SELECT entity, object, property, value, key FROM exclusive_values INDEXED BY exclusive_by_entity
        WHERE stream = ? AND entity IN (SELECT value FROM json_each(?))`,
      JSON.stringify(entries.map(({ entity }) => entity)),
    );
    return Map.groupBy(rows, ({ entity }) => entity);
  }

  #replaceValuesOf(
    entity: string,
    values: readonly ExclusiveValue[],
    before: readonly ExclusiveValue[],
  ): { others: Set<string>; hasTaken: boolean } {
    const others = new Set<string>();
    let hasTaken = false;
    const same =
      before.length === values.length &&
      before.every((old) => values.some((now) => isSame(old, now) && old.value === now.value));
    if (same) return { others, hasTaken };
    for (const old of before) for (const other of this.#wanting(old)) others.add(other.entity);
    if (before.length > 0) this.#sql.change('DELETE FROM exclusive_values WHERE stream = ? AND entity = ?', entity);
    for (const { object, property, value, key } of values) {
      for (const other of this.#wanting({ object, property, value })) {
        // A row of this very key becomes this entity's, which changes nothing: who owns the key is told by the claims.
        if (other.key === key) hasTaken ||= other.entity !== entity;
        else others.add(other.entity);
      }
      this.#sql.change(
        'INSERT OR REPLACE INTO exclusive_values (stream, object, property, value, key, entity) VALUES (?, ?, ?, ?, ?, ?)',
        object,
        property,
        value,
        key,
        entity,
      );
    }
    return { others, hasTaken };
  }
}

const placeOf = ({ object, key }: Claim): string => `${object} ${foldKey(key)}`;

function standingOf({ key }: Claim, claimants: readonly Claimant[]): Standing {
  let owner: Claimant | null = null;
  let otherSpelling: string | null = null;
  for (const claimant of claimants) {
    if (claimant.key !== key) otherSpelling ??= claimant.key;
    else if (owner === null || outranks(claimant, owner)) owner = claimant;
  }
  return { owner: owner?.entity ?? null, otherSpelling };
}

const isSame = (a: Claim, b: Claim): boolean => a.object === b.object && a.key === b.key;

const outranks = (a: Claimant, b: Claimant): boolean =>
  a.modifiedAt > b.modifiedAt || (a.modifiedAt === b.modifiedAt && compareBytes(a.entity, b.entity) < 0);

/** As SQLite orders text: by UTF-8 bytes. */
const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
