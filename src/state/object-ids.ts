/** Which HubSpot object stands under a key, and what follows when it is another one. */
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
  sql.change(
    `UPDATE links SET state = 'pending', made_from = NULL, made_to = NULL WHERE ?1 IS NOT NULL AND state = 'made'
       AND ((from_object = ?2 AND made_from = ?3) OR (to_object = ?2 AND made_to = ?3))`,
    object,
    former.id,
  );
}
