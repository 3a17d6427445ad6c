/** What a run wrote and what was there before, by object; and what taking it back leaves behind. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';

/** An object as a run left it. */
export interface RunObject {
  readonly stream: number;
  readonly pipe: string;
  readonly object: ObjectType;
  readonly key: string;
  readonly entity: string;
  readonly hubspotId: string;
  readonly wasCreated: boolean;
  /** What this tool had written before the run, as JSON; null where it knows nothing from before. */
  readonly before: string | null;
  /** What the run wrote, as JSON; null where its content was forgotten. */
  readonly written: string | null;
}

interface Row {
  readonly first: number;
  readonly last: number;
  readonly stream: number;
  readonly pipe: string;
  readonly subject: string;
  readonly wasCreated: number;
}

const WRITES = "('created', 'updated', 'undone')";

/** Whether a run of this id is on record, and of which pipe; null when it is not. */
export const runOf = (db: Database, run: string): { pipe: string; status: string } | null =>
  db.prepare<[string], { pipe: string; status: string }>('SELECT pipe, status FROM runs WHERE id = ?').get(run) ?? null;

/**
 * The journal keeps what was there before each write: an entry's content is the result of the entry before it, and what
 * the run wrote is the content of the next one, or that of the object where there is none.
 */
export function objectsOfRun(db: Database, run: string): RunObject[] {
  const rows = db
    .prepare<[string], Row>(
      `SELECT min(j.id) AS first, max(j.id) AS last, j.stream, s.pipe, j.subject, max(j.kind = 'created') AS wasCreated
         FROM journal j JOIN streams s ON s.id = j.stream
        WHERE j.run = ? AND j.kind IN ('created', 'updated') GROUP BY j.stream, j.subject ORDER BY j.subject`,
    )
    .all(run);
  const detail = db.prepare<[number], { detail: string | null }>('SELECT detail FROM journal WHERE id = ?');
  const later = db.prepare<[string, number, number], { detail: string | null }>(
    `SELECT detail FROM journal WHERE subject = ? AND stream = ? AND id > ? AND kind IN ${WRITES} ORDER BY id LIMIT 1`,
  );
  const present = db.prepare<
    [number, string],
    { object: ObjectType; key: string; entity: string; properties: string | null; hubspotId: string | null }
  >(
    `SELECT o.object, o.key, o.entity, o.properties,
            (SELECT h.hubspot_id FROM hubspot_ids h WHERE h.object = o.object AND h.key = o.key) AS hubspotId
       FROM objects o WHERE o.stream = ? AND o.object || ' ' || o.key = ?`,
  );
  return rows.flatMap(({ first, last, stream, pipe, subject, wasCreated }) => {
    const now = present.get(stream, subject);
    if (now === undefined || now.hubspotId === null) return [];
    const next = later.get(subject, stream, last);
    return [
      {
        ...{ stream, pipe, object: now.object, key: now.key, entity: now.entity, hubspotId: now.hubspotId },
        wasCreated: wasCreated === 1,
        before: detail.get(first)?.detail ?? null,
        written: next === undefined ? now.properties : next.detail,
      },
    ];
  });
}

/**
 * HubSpot holds these values again. The fingerprint stays that of the source's content: the next sync leaves them alone
 * until the record changes at the source. To be called inside a transaction.
 */
export function noteUndone(
  db: Database,
  { stream, object, key }: Pick<RunObject, 'stream' | 'object' | 'key'>,
  about: { readonly run: string; readonly undone: string; readonly atMs: number; readonly values: object },
): void {
  db.prepare(
    `INSERT INTO journal (at, run, stream, kind, subject, detail)
     SELECT ?, ?, stream, 'undone', object || ' ' || key, properties FROM objects WHERE stream = ? AND object = ? AND key = ?`,
  ).run(about.atMs, about.run, stream, object, key);
  db.prepare(
    `UPDATE objects SET properties = json_patch(properties, ?), undone = ?
      WHERE stream = ? AND object = ? AND key = ? AND properties IS NOT NULL`,
  ).run(JSON.stringify(about.values), about.undone, stream, object, key);
}
