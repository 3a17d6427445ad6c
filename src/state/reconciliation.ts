/** What a comparison with HubSpot asks of the state, and what a repair changes in it. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';
import { DELETED_AT_SOURCE } from './absences.ts';

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
const SETTLED = `o.fingerprint IS NOT NULL AND o.properties IS NOT NULL AND o.intent IS NULL
  AND (o.late IS NULL OR o.late IS o.fingerprint) AND e.state = 'clean'`;

/** This tool created the object: the journal keeps that for as long as the object is known. */
const IS_OURS = `EXISTS (SELECT 1 FROM journal j WHERE j.stream = o.stream
  AND j.subject = o.object || ' ' || o.key AND j.kind = 'created')`;

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

/**
 * From now on the object counts as not written: the next run sends it, whatever it acknowledged before. One that is gone
 * from HubSpot loses its id, and the links it had are wanted again. To be called inside a transaction.
 */
export function sendAgain(
  db: Database,
  stream: number,
  { object, keyProperty, key, entity, gone }: Keyed & { key: string; entity: string; gone: boolean },
): void {
  db.prepare(
    "UPDATE objects SET fingerprint = fingerprint || ' differs' WHERE stream = ? AND object = ? AND key = ?",
  ).run(stream, object, key);
  db.prepare("UPDATE entities SET state = 'pending' WHERE stream = ? AND id = ? AND state = 'clean'").run(
    stream,
    entity,
  );
  if (gone) forgetId(db, { object, keyProperty, key });
}

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

/** A new id for a key that people's merging moved to another object. */
export function noteMovedId(
  db: Database,
  { object, keyProperty, key, hubspotId }: Keyed & { key: string; hubspotId: string },
): void {
  db.prepare('UPDATE hubspot_ids SET hubspot_id = ? WHERE object = ? AND key_property = ? AND key = ?').run(
    hubspotId,
    object,
    keyProperty,
    key,
  );
}

/** What was linked with the object is no longer: HubSpot drops the associations of what it archives or deletes. */
function forgetId(db: Database, { object, keyProperty, key }: Keyed & { key: string }): void {
  const id = db
    .prepare<[ObjectType, string, string], { id: string }>(
      'DELETE FROM hubspot_ids WHERE object = ? AND key_property = ? AND key = ? RETURNING hubspot_id AS id',
    )
    .get(object, keyProperty, key)?.id;
  if (id === undefined) return;
  db.prepare(
    `UPDATE links SET state = 'pending', made_from = NULL, made_to = NULL
      WHERE state = 'made' AND ((from_object = ? AND made_from = ?) OR (to_object = ? AND made_to = ?))`,
  ).run(object, id, object, id);
}

/** A pass over the whole source that was proven complete. */
export interface ProvenPass {
  readonly run: string;
  readonly endedAtMs: number;
  /** Records the source had. */
  readonly read: number;
}

/** The newest `sync --full` of a stream; null when there is none or it was not ok. */
export function provenPass(db: Database, stream: number): ProvenPass | null {
  const row = db
    .prepare<[number], { run: string; status: string; endedAtMs: number | null; read: number | null }>(
      `SELECT id AS run, status, ended_at AS endedAtMs, json_extract(report, '$.counts.read') AS read FROM runs
        WHERE stream = ? AND json_extract(mode, '$.full') = 1 AND json_extract(mode, '$.dryRun') = 0
          AND json_extract(mode, '$.restricted') = 0 ORDER BY started_at DESC, id DESC LIMIT 1`,
    )
    .get(stream);
  if (row?.status !== 'ok' || row.endedAtMs === null || row.read === null) return null;
  return { run: row.run, endedAtMs: row.endedAtMs, read: row.read };
}

/** Records the mirror knows, excluded ones too; without those that are gone. */
export const knownRecords = (db: Database, stream: number): number =>
  db.prepare<[number], { n: number }>('SELECT count(*) AS n FROM records WHERE stream = ? AND gone = 0').get(stream)
    ?.n ?? 0;

/** Records that the last full pass lacked and of which nothing is concluded yet. */
export const lackingRecords = (db: Database, stream: number): string[] =>
  db
    .prepare<[number], { id: string }>('SELECT record AS id FROM absences WHERE stream = ? ORDER BY record')
    .all(stream)
    .map(({ id }) => id);

/** Objects of entities all of whose records a run has concluded to be gone, nothing on its way to them. */
export const deletedObjects = (
  db: Database,
  stream: number,
): { object: ObjectType; key: string; entity: string; hubspotId: null; isOurs: 0 | 1 }[] =>
  db
    .prepare<[number, string], { object: ObjectType; key: string; entity: string; hubspotId: null; isOurs: 0 | 1 }>(
      `SELECT o.object, o.key, o.entity, NULL AS hubspotId, ${IS_OURS} AS isOurs
         FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
        WHERE o.stream = ? AND e.state = 'excluded' AND e.rule = ? AND o.fingerprint IS NOT NULL AND o.intent IS NULL
        ORDER BY o.object, o.key`,
    )
    .all(stream, DELETED_AT_SOURCE);

/** Up to `limit` ids of mirrored records in scope, in order after `after`. */
export const recordIds = (db: Database, stream: number, after: string, limit: number): string[] =>
  db
    .prepare<[number, string, number], { id: string }>(
      'SELECT id FROM records WHERE stream = ? AND raw IS NOT NULL AND id > ? ORDER BY id LIMIT ?',
    )
    .all(stream, after, limit)
    .map((row) => row.id);

/** Settled objects of entities all of whose records are among these. `isOurs`: this tool created the object. */
export const objectsOfRecords = (
  db: Database,
  stream: number,
  records: readonly string[],
): (ExpectedObject & { readonly isOurs: 0 | 1 })[] =>
  db
    .prepare<[string, number], ExpectedObject & { isOurs: 0 | 1 }>(
      `WITH gone AS (SELECT value AS id FROM json_each(?))
       SELECT o.object, o.key, o.entity, o.fingerprint, o.properties, NULL AS hubspotId,
              ${IS_OURS} AS isOurs
         FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
        WHERE o.stream = ? AND ${SETTLED}
          AND EXISTS (SELECT 1 FROM membership m WHERE m.stream = o.stream AND m.entity = o.entity
                         AND m.record IN (SELECT id FROM gone))
          AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.stream = o.stream AND m.entity = o.entity
                             AND m.record NOT IN (SELECT id FROM gone))
        ORDER BY o.object, o.key`,
    )
    .all(JSON.stringify(records), stream);

/** Settled objects that no record maps to any more, such as a contact that was taken out of its account. */
export const leftBehind = (db: Database, stream: number, object: ObjectType): { key: string; entity: string }[] =>
  db
    .prepare<[number, ObjectType, number, ObjectType], { key: string; entity: string }>(
      `SELECT o.key, o.entity FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
        WHERE o.stream = ? AND o.object = ? AND ${SETTLED}
          AND o.key NOT IN (SELECT key FROM claims WHERE stream = ? AND object = ?)
        ORDER BY o.key`,
    )
    .all(stream, object, stream, object);

/**
 * An object that was archived because its record is gone at the source: state forgets both, so that either may come back
 * as new. The journal keeps the content. To be called inside a transaction.
 */
export function forgetArchived(
  db: Database,
  stream: number,
  { object, keyProperty, key, entity, run, atMs }: Keyed & { key: string; entity: string; run: string; atMs: number },
): void {
  db.prepare(
    `INSERT INTO journal (at, run, stream, kind, subject, detail)
     SELECT ?, ?, stream, 'archived', object || ' ' || key, properties FROM objects WHERE stream = ? AND object = ? AND key = ?`,
  ).run(atMs, run, stream, object, key);
  forgetId(db, { object, keyProperty, key });
  db.prepare('DELETE FROM objects WHERE stream = ? AND object = ? AND key = ?').run(stream, object, key);
  db.prepare('DELETE FROM links WHERE stream = ? AND from_object = ? AND from_key = ?').run(stream, object, key);
  const left = db.prepare('SELECT 1 FROM objects WHERE stream = ? AND entity = ? LIMIT 1').get(stream, entity);
  if (left === undefined) forgetEntity(db, stream, entity);
}

function forgetEntity(db: Database, stream: number, entity: string): void {
  db.prepare(
    `DELETE FROM records WHERE stream = ? AND id IN (SELECT record FROM membership WHERE stream = ? AND entity = ?)
        AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.stream = records.stream AND m.record = records.id AND m.entity <> ?)`,
  ).run(stream, stream, entity, entity);
  // A value that only one object may hold is free: whoever wants it too is decided once more.
  db.prepare(
    `UPDATE entities SET state = 'pending' WHERE stream = ? AND state = 'clean' AND id IN (
       SELECT o.entity FROM exclusive_values v JOIN exclusive_values o
           ON o.stream = v.stream AND o.object = v.object AND o.property = v.property AND o.value = v.value
        WHERE v.stream = ? AND v.entity = ?)`,
  ).run(stream, stream, entity);
  for (const table of ['membership', 'claims', 'exclusive_values'] as const) {
    db.prepare(`DELETE FROM ${table} WHERE stream = ? AND entity = ?`).run(stream, entity);
  }
  db.prepare('DELETE FROM entities WHERE stream = ? AND id = ?').run(stream, entity);
}
