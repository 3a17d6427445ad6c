/** Which HubSpot object stands under a key, and what follows when it is another one. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';
import type { ObjectKey } from './objects.ts';
import type { Statements } from './statements.ts';

/** Remembers an object's id. */
export function noteId(sql: Statements, { object, keyProperty, key }: ObjectKey, hubspotId: string): void {
  const added = sql.change(
    `INSERT INTO hubspot_ids (object, key_property, key, hubspot_id) SELECT ?2, ?3, ?4, ?5 WHERE ?1 IS NOT NULL
     ON CONFLICT (object, key_property, key) DO NOTHING`,
    object,
    keyProperty,
    key,
    hubspotId,
  );
  if (added === 0) replaceId(sql, { object, keyProperty, key }, hubspotId);
}

/**
 * Another object stands under the key, because people archived, deleted or merged the former one, and its associations
 * are gone with it: whatever this tool had linked with it is wanted again.
 */
function replaceId(sql: Statements, { object, keyProperty, key }: ObjectKey, hubspotId: string): void {
  const former = sql.first<{ id: string }>(
    `SELECT hubspot_id AS id FROM hubspot_ids
      WHERE ?1 IS NOT NULL AND object = ?2 AND key_property = ?3 AND key = ?4 AND hubspot_id <> ?5`,
    object,
    keyProperty,
    key,
    hubspotId,
  );
  if (former === undefined) return;
  sql.change(
    'UPDATE hubspot_ids SET hubspot_id = ?5 WHERE ?1 IS NOT NULL AND object = ?2 AND key_property = ?3 AND key = ?4',
    object,
    keyProperty,
    key,
    hubspotId,
  );
  wantLinksAgain(sql.db, object, former.id);
}

/** Of every stream: what was linked with an object that is gone is wanted again. */
export function wantLinksAgain(db: Database, object: ObjectType, hubspotId: string): void {
  db.prepare(
    `UPDATE links SET state = 'pending', made_from = NULL, made_to = NULL
      WHERE state = 'made' AND ((from_object = ? AND made_from = ?) OR (to_object = ? AND made_to = ?))`,
  ).run(object, hubspotId, object, hubspotId);
}
