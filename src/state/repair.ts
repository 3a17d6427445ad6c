/** What a repair, or an object archived on request, changes in the state. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';
import { wantLinksAgain } from './object-ids.ts';
import type { Keyed } from './reconciliation.ts';

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

/**
 * A new id for a key that people's merging moved to another object. Whether that one took over what was linked with the
 * former is not documented: it is linked again, which changes nothing where it did.
 */
export function noteMovedId(
  db: Database,
  { object, keyProperty, key, hubspotId }: Keyed & { key: string; hubspotId: string },
): void {
  forgetId(db, { object, keyProperty, key });
  db.prepare('INSERT INTO hubspot_ids (object, key_property, key, hubspot_id) VALUES (?, ?, ?, ?)').run(
    object,
    keyProperty,
    key,
    hubspotId,
  );
}

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

/** Links that were made with the object are wanted again: HubSpot drops the associations of what it archives or deletes. */
function forgetId(db: Database, { object, keyProperty, key }: Keyed & { key: string }): void {
  const id = db
    .prepare<[ObjectType, string, string], { id: string }>(
      'DELETE FROM hubspot_ids WHERE object = ? AND key_property = ? AND key = ? RETURNING hubspot_id AS id',
    )
    .get(object, keyProperty, key)?.id;
  if (id !== undefined) wantLinksAgain(db, object, id);
}
