/** What a comparison asks the state about records that the source has no more, and about their objects in HubSpot. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';
import { DELETED_AT_SOURCE } from './absences.ts';
import { type ExpectedObject, SETTLED } from './reconciliation.ts';

/** This tool created the object: the journal keeps that for as long as the object is known. */
const IS_OURS = `EXISTS (SELECT 1 FROM journal j WHERE j.stream = o.stream
  AND j.subject = o.object || ' ' || o.key AND j.kind = 'created')`;

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

/** Up to `limit` ids of mirrored records in scope, in order after `after`. */
export const recordIds = (db: Database, stream: number, after: string, limit: number): string[] =>
  db
    .prepare<[number, string, number], { id: string }>(
      'SELECT id FROM records WHERE stream = ? AND raw IS NOT NULL AND id > ? ORDER BY id LIMIT ?',
    )
    .all(stream, after, limit)
    .map((row) => row.id);

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

/**
 * Settled objects that no record maps to any more: a contact that was taken out of its account, a deal whose revisions all
 * moved to another opportunity.
 */
export const leftBehind = (db: Database, stream: number, object: ObjectType): { key: string; entity: string }[] =>
  db
    .prepare<[number, ObjectType, number, ObjectType], { key: string; entity: string }>(
      `SELECT o.key, o.entity FROM objects o JOIN entities e ON e.stream = o.stream AND e.id = o.entity
        WHERE o.stream = ? AND o.object = ? AND ${SETTLED}
          AND (o.key NOT IN (SELECT key FROM claims WHERE stream = ? AND object = ?)
               OR NOT EXISTS (SELECT 1 FROM membership m WHERE m.stream = o.stream AND m.entity = o.entity))
        ORDER BY o.key`,
    )
    .all(stream, object, stream, object);
