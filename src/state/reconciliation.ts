/** What a comparison with HubSpot asks of the state, and what it counted. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';

/** An object as HubSpot acknowledged it last. */
export interface ExpectedObject {
  readonly object: ObjectType;
  readonly key: string;
  readonly entity: string;
  readonly fingerprint: string;
  /** The acknowledged content as JSON, key property included. */
  readonly properties: string;
  /** Null when the acknowledged id is not known. */
  readonly hubspotId: string | null;
}

/** An object type, and the property that holds its keys. */
export interface Keyed {
  readonly object: ObjectType;
  readonly keyProperty: string;
}

/** Settled, and nothing on its way that could still change it. */
export const SETTLED = `o.fingerprint IS NOT NULL AND o.properties IS NOT NULL AND o.intent IS NULL
  AND (o.late IS NULL OR o.late IS o.fingerprint) AND e.state = 'clean'`;

/** The HubSpot portal that the state belongs to; null before anything was written. */
export const portalOf = (db: Database): string | null =>
  db.prepare<[], { value: string }>("SELECT value FROM meta WHERE key = 'portalId'").get()?.value ?? null;

/** The stream of a pipe and source instance; null when it never ran. */
export const streamOf = (db: Database, pipe: string, instance: string): number | null =>
  db
    .prepare<[string, string], { id: number }>('SELECT id FROM streams WHERE pipe = ? AND instance = ?')
    .get(pipe, instance)?.id ?? null;

/** Up to `limit` settled objects of a type, in key order after `after`. */
export const expectedObjects = (
  db: Database,
  stream: number,
  { object, keyProperty }: Keyed,
  after: string,
  limit: number,
): ExpectedObject[] =>
  db
    .prepare<[string, number, ObjectType, string, number], ExpectedObject>(
      `SELECT o.object, o.key, o.entity, o.fingerprint, o.properties, h.hubspot_id AS hubspotId
         FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
         LEFT JOIN hubspot_ids h ON h.object = o.object AND h.key_property = ? AND h.key = o.key
        WHERE o.stream = ? AND o.object = ? AND o.key > ? AND ${SETTLED} ORDER BY o.key LIMIT ?`,
    )
    .all(keyProperty, stream, object, after, limit);

/** Those of these keys that are settled now, as they are now. */
export const expectedByKey = (
  db: Database,
  stream: number,
  { object, keyProperty }: Keyed,
  keys: readonly string[],
): ExpectedObject[] =>
  db
    .prepare<[string, number, ObjectType, string], ExpectedObject>(
      `SELECT o.object, o.key, o.entity, o.fingerprint, o.properties, h.hubspot_id AS hubspotId
         FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
         LEFT JOIN hubspot_ids h ON h.object = o.object AND h.key_property = ? AND h.key = o.key
        WHERE o.stream = ? AND o.object = ? AND o.key IN (SELECT value FROM json_each(?)) AND ${SETTLED}`,
    )
    .all(keyProperty, stream, object, JSON.stringify(keys));

/** Objects that were sent once and cannot be compared now: waiting, held, dead, or left after their record's exit. */
export const notSettled = (db: Database, stream: number, object: ObjectType): number =>
  db
    .prepare<[number, ObjectType], { n: number }>(
      `SELECT count(*) AS n FROM objects o LEFT JOIN entities e ON e.stream = o.stream AND e.id = o.entity
        WHERE o.stream = ? AND o.object = ? AND (${SETTLED}) IS NOT TRUE`,
    )
    .get(stream, object)?.n ?? 0;

/** Those of these keys that any pipe of this portal has written or is writing. */
export function knownKeys(
  db: Database,
  stream: number,
  { object, keyProperty }: Keyed,
  keys: readonly string[],
): ReadonlySet<string> {
  const list = JSON.stringify(keys);
  const rows = db
    .prepare<[ObjectType, string, string, number, ObjectType, string], { key: string }>(
      `SELECT key FROM hubspot_ids WHERE object = ? AND key_property = ? AND key IN (SELECT value FROM json_each(?))
       UNION SELECT key FROM objects WHERE stream = ? AND object = ? AND key IN (SELECT value FROM json_each(?))`,
    )
    .all(object, keyProperty, list, stream, object, list);
  return new Set(rows.map((row) => row.key));
}

/** The records that entities are made of, with and without a payload. */
export const membersOf = (
  db: Database,
  stream: number,
  entities: readonly string[],
): { entity: string; id: string }[] =>
  db
    .prepare<[number, string], { entity: string; id: string }>(
      `SELECT entity, record AS id FROM membership
        WHERE stream = ? AND entity IN (SELECT value FROM json_each(?)) ORDER BY entity, record`,
    )
    .all(stream, JSON.stringify(entities));

/** The records that entities are made of, those with a payload. */
export const recordsOf = (
  db: Database,
  stream: number,
  entities: readonly string[],
): { entity: string; id: string }[] =>
  db
    .prepare<[number, string], { entity: string; id: string }>(
      `SELECT m.entity, r.id FROM membership m JOIN records r ON r.stream = m.stream AND r.id = m.record
        WHERE m.stream = ? AND r.raw IS NOT NULL AND m.entity IN (SELECT value FROM json_each(?)) ORDER BY m.entity, r.id`,
    )
    .all(stream, JSON.stringify(entities));

/** Objects that HubSpot has acknowledged under keys of this property, whichever pipe wrote them; a merged one once. */
export const idsHeld = (db: Database, { object, keyProperty }: Keyed): number =>
  db
    .prepare<[ObjectType, string], { n: number }>(
      'SELECT count(DISTINCT hubspot_id) AS n FROM hubspot_ids WHERE object = ? AND key_property = ?',
    )
    .get(object, keyProperty)?.n ?? 0;

/** Kept until the next one: `status` shows the newest of a pipe. */
export function noteCounts(
  db: Database,
  run: string,
  counts: readonly { readonly object: string; readonly known: number; readonly counted: number }[],
  atMs: number,
): void {
  db.prepare(
    'INSERT OR REPLACE INTO reconciliations (stream, at, counts) SELECT stream, ?, ? FROM runs WHERE id = ?',
  ).run(atMs, JSON.stringify({ counted: counts }), run);
}

/** What an acknowledgement says was left out of the write, because another object has the value. */
export const withheldFrom = (fingerprint: string): readonly string[] =>
  (/ without (\S+)/.exec(fingerprint)?.[1] ?? '').split(',').filter((name) => name !== '');
