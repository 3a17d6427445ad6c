/** Create-only properties that are still owed to objects: sent once, after the object was created. */
import type { ObjectType } from '../pipe.ts';
import type { Statements } from './statements.ts';

export interface Owing {
  readonly object: ObjectType;
  readonly key: string;
  readonly hubspotId: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Stands in `owed` for an object that people made; null is for one that owes nothing any more, or is not there yet. */
export const OWED_NOTHING = '{}';

export class OwedProperties {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Created objects whose create-only properties are still to be sent. */
  waiting(limit: number): Owing[] {
    return this.#sql
      .all<{ object: ObjectType; key: string; hubspotId: string; owed: string }>(
        // Left to itself SQLite walks all objects of the stream by the primary key.
        `SELECT o.object, o.key, o.owed,
                (SELECT h.hubspot_id FROM hubspot_ids h WHERE h.key = o.key AND h.object = o.object) AS hubspotId
           FROM objects o INDEXED BY objects_owing WHERE o.stream = ? AND o.owed IS NOT NULL
            AND EXISTS (SELECT 1 FROM hubspot_ids h WHERE h.key = o.key AND h.object = o.object) LIMIT ?`,
        limit,
      )
      .map(({ owed, ...row }) => ({ ...row, properties: JSON.parse(owed) }));
  }

  /** People made it: it is owed nothing, whatever becomes of the process before the state knows more of it. */
  noneTo(object: ObjectType, key: string): void {
    this.#sql.change(
      'UPDATE objects SET owed = ?4 WHERE stream = ?1 AND object = ?2 AND key = ?3',
      object,
      key,
      OWED_NOTHING,
    );
  }

  paid(object: ObjectType, key: string): void {
    this.#sql.change('UPDATE objects SET owed = NULL WHERE stream = ? AND object = ? AND key = ?', object, key);
  }
}
