/** What a pipe's staging instance has left in the state: how much it holds, what may still land, what only it has. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';
import { PRODUCTION, STAGING } from './cutover.ts';

/** A HubSpot object that was written from staging and that production does not have. */
export interface StagingOnly {
  readonly object: ObjectType;
  readonly key: string;
  readonly hubspotId: string;
}

/** How many records the mirror of one staging instance knows, and up to `idsMax` of their ids, spread over all. */
export function knownFromStaging(
  db: Database,
  pipe: string,
  instance: string,
  idsMax: number,
): { records: number; ids: string[] } {
  const from = 'FROM records r JOIN streams s ON s.id = r.stream WHERE s.pipe = ? AND s.instance = ? AND r.gone = 0';
  const records =
    db.prepare<[string, string], { n: number }>(`SELECT count(*) AS n ${from}`).get(pipe, instance)?.n ?? 0;
  const step = Math.max(1, Math.ceil(records / idsMax));
  const ids = db
    .prepare<[string, string, number], { id: string }>(
      `SELECT id FROM (SELECT r.id, row_number() OVER (ORDER BY r.id) - 1 AS place ${from}) WHERE place % ? = 0`,
    )
    .all(pipe, instance, step);
  return { records, ids: ids.map(({ id }) => id) };
}

/** Until when a write from staging without a readable answer may still land; null when there is none. */
export function unsettledUntil(db: Database, pipe: string, quarantineMs: number): number | null {
  return (
    db
      .prepare<[string, string, number], { until: number | null }>(
        `WITH staged AS (SELECT id FROM streams WHERE pipe = ? AND instance LIKE ?)
         SELECT max(until) AS until FROM (
           SELECT max(o.intent_at) + ? AS until FROM staged CROSS JOIN objects o INDEXED BY objects_intended
             ON o.stream = staged.id AND o.intent IS NOT NULL
           UNION ALL
           SELECT max(o.late_until) FROM staged CROSS JOIN objects o INDEXED BY objects_late
             ON o.stream = staged.id AND o.late IS NOT NULL)`,
      )
      .get(pipe, STAGING, quarantineMs)?.until ?? null
  );
}

/** Whether production has been read to its end since the flip. Before that, what it lacks is not known. */
export const isProductionRead = (db: Database, pipe: string): boolean =>
  db
    .prepare<[string, string], { n: number }>(
      'SELECT count(*) AS n FROM streams WHERE pipe = ? AND instance LIKE ? AND mapper IS NOT NULL',
    )
    .get(pipe, PRODUCTION)?.n !== 0;

/**
 * HubSpot objects written from staging whose key production has not written, by state alone. Left out are those whose
 * production record waits or is a dead letter: that is there, only not written yet. `keyProperties` is by object type.
 */
export function stagingOnly(
  db: Database,
  pipe: string,
  keyProperties: Readonly<Record<string, string>>,
): StagingOnly[] {
  return db
    .prepare<[string, string, string, string, string], StagingOnly>(
      `WITH live AS (SELECT id FROM streams WHERE pipe = ? AND instance LIKE ?)
       SELECT DISTINCT o.object, o.key, h.hubspot_id AS hubspotId
         FROM objects o
         JOIN streams s ON s.id = o.stream
         JOIN json_each(?) p ON p.key = o.object
         JOIN hubspot_ids h ON h.object = o.object AND h.key_property = p.value AND h.key = o.key
        WHERE s.pipe = ? AND s.instance LIKE ? AND o.fingerprint IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM objects w WHERE w.stream IN live AND w.object = o.object AND w.key = o.key
                            AND w.fingerprint IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM entities e WHERE e.stream IN live AND e.id = o.entity
                            AND e.state IN ('pending', 'sending', 'held', 'dead'))
        ORDER BY o.object, o.key`,
    )
    .all(pipe, PRODUCTION, JSON.stringify(keyProperties), pipe, STAGING);
}
