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

/** `INDEXED BY`: left to itself SQLite walks the whole stream by the primary key. */
export class Claims {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Replaces what an entity claims. Returns the other entities that are concerned by what it gave up or took. */
  replace(
    entity: string,
    modifiedAt: string,
    claims: readonly Claim[],
    values: readonly ExclusiveValue[],
  ): Set<string> {
    const concerned = new Set<string>();
    const before = this.#sql.all<Claim & { modified_at: string }>(
      'SELECT object, key, modified_at FROM claims INDEXED BY claims_by_entity WHERE stream = ? AND entity = ?',
      entity,
    );
    const same =
      before.length === claims.length &&
      before.every((old) => old.modified_at === modifiedAt && claims.some((now) => isSame(old, now)));
    if (!same) {
      for (const old of before) {
        if (!claims.some((now) => isSame(old, now)))
          for (const other of this.#claimants(old)) concerned.add(other.entity);
      }
      if (before.length > 0)
        this.#sql.change('DELETE FROM claims INDEXED BY claims_by_entity WHERE stream = ? AND entity = ?', entity);
      for (const { object, key } of claims) {
        this.#sql.change(
          'INSERT OR IGNORE INTO claims (stream, object, folded, key, entity, modified_at) VALUES (?, ?, ?, ?, ?, ?)',
          object,
          foldKey(key),
          key,
          entity,
          modifiedAt,
        );
        for (const other of this.#claimants({ object, key })) concerned.add(other.entity);
      }
    }
    for (const other of this.#replaceValues(entity, values)) concerned.add(other);
    concerned.delete(entity);
    return concerned;
  }

  /** Who owns a key, and whether people would take another one for the same. */
  standing({ object, key }: Claim): Standing {
    let owner: Claimant | null = null;
    let otherSpelling: string | null = null;
    for (const claimant of this.#claimants({ object, key })) {
      if (claimant.key !== key) otherSpelling ??= claimant.key;
      else if (owner === null || outranks(claimant, owner)) owner = claimant;
    }
    return { owner: owner?.entity ?? null, otherSpelling };
  }

  /** The key that holds a value: the smallest of all that want it. */
  holder({ object, property, value }: ExclusiveValue): string | null {
    return this.#wanting({ object, property, value })[0]?.key ?? null;
  }

  #claimants({ object, key }: Claim): Claimant[] {
    return this.#sql.all<Claimant>(
      'SELECT key, entity, modified_at AS modifiedAt FROM claims WHERE stream = ? AND object = ? AND folded = ?',
      object,
      foldKey(key),
    );
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

  #replaceValues(entity: string, values: readonly ExclusiveValue[]): Set<string> {
    const concerned = new Set<string>();
    const before = this.#sql.all<ExclusiveValue>(
      'SELECT object, property, value, key FROM exclusive_values WHERE stream = ? AND entity = ?',
      entity,
    );
    const same =
      before.length === values.length &&
      before.every((old) => values.some((now) => isSame(old, now) && old.value === now.value));
    if (same) return concerned;
    for (const old of before) for (const other of this.#wanting(old)) concerned.add(other.entity);
    this.#sql.change('DELETE FROM exclusive_values WHERE stream = ? AND entity = ?', entity);
    for (const { object, property, value, key } of values) {
      this.#sql.change(
        'INSERT OR REPLACE INTO exclusive_values (stream, object, property, value, key, entity) VALUES (?, ?, ?, ?, ?, ?)',
        object,
        property,
        value,
        key,
        entity,
      );
      for (const other of this.#wanting({ object, property, value })) concerned.add(other.entity);
    }
    return concerned;
  }
}

const isSame = (a: Claim, b: Claim): boolean => a.object === b.object && a.key === b.key;

const outranks = (a: Claimant, b: Claimant): boolean =>
  a.modifiedAt > b.modifiedAt || (a.modifiedAt === b.modifiedAt && compareBytes(a.entity, b.entity) < 0);

/** As SQLite orders text: by UTF-8 bytes. */
const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
