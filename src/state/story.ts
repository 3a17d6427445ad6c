/** What the state knows of one entity: its records, objects, letters, links, and what happened to each; read-only. */
import type { Database } from 'better-sqlite3';
import type { ObjectType } from '../pipe.ts';

/** One entity of one stream, as a reference may mean it. */
export interface Subject {
  readonly pipe: string;
  readonly stream: number;
  readonly entity: string;
}

/** Matches that are looked for: more of them say nothing to a person. */
const MATCHES_MAX = 20;

/** What a reference asks for; null where it does not say. */
export interface Wanted {
  readonly pipe: string | null;
  readonly object: ObjectType | null;
  /** An id of the source, a key, a HubSpot id or, with an @, an e-mail. */
  readonly id: string;
}

/** Entities that a reference may mean, those of sources that feed no pipe any more last. */
export function findSubjects(db: Database, { pipe, object, id }: Wanted): Subject[] {
  const byEmail = `SELECT x.stream, x.entity FROM exclusive_values x WHERE x.property = 'email' AND x.value = lower(@id)
     UNION SELECT o.stream, o.entity FROM objects o WHERE o.object = 'contacts'
       AND lower(json_extract(o.properties, '$.email')) = lower(@id)`;
  const byId = `SELECT m.stream, m.entity FROM membership m WHERE m.record = @id AND @object IS NULL
     UNION SELECT stream, id FROM entities WHERE id = @id AND @object IS NULL
     UNION SELECT r.stream, r.id FROM records r WHERE r.id = @id AND @object IS NULL
       AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.stream = r.stream AND m.record = r.id)
     UNION SELECT stream, entity FROM objects WHERE key = @id AND (@object IS NULL OR object = @object)
     UNION SELECT o.stream, o.entity FROM hubspot_ids h JOIN objects o ON o.object = h.object AND o.key = h.key
       WHERE h.hubspot_id = @id AND (@object IS NULL OR h.object = @object)`;
  return db
    .prepare<[Record<string, unknown>], Subject>(
      `SELECT s.pipe, f.stream, f.entity FROM (${id.includes('@') ? byEmail : byId}) f
         JOIN streams s ON s.id = f.stream
        WHERE (@pipe IS NULL OR s.pipe = @pipe) ORDER BY s.pipe, f.entity, f.stream DESC LIMIT ${MATCHES_MAX}`,
    )
    .all({ pipe, id, object });
}

interface StoryRecord {
  readonly id: string;
  readonly modifiedAt: string;
  readonly raw: string | null;
  readonly rule: string | null;
  readonly run: string;
  readonly partition: string | null;
  readonly page: number | null;
  readonly readAtMs: number | null;
  readonly gone: number;
}

export interface StoryObject {
  readonly object: ObjectType;
  readonly key: string;
  readonly hubspotId: string | null;
  readonly keyProperty: string | null;
  readonly properties: string | null;
  readonly fingerprint: string | null;
  readonly intentAtMs: number | null;
  readonly owed: string | null;
  readonly undone: string | null;
}

/** One entry of the journal. */
interface StoryEvent {
  readonly id: number;
  readonly atMs: number;
  readonly run: string;
  readonly kind: string;
  readonly subject: string;
  readonly detail: string | null;
  readonly batch: number | null;
  readonly trace: string | null;
  readonly answer: string | null;
}

interface StoryLetter {
  readonly id: number;
  readonly stage: string;
  readonly category: string;
  readonly reason: string;
  readonly state: string;
  readonly lastSeenMs: number;
}

interface StoryLink {
  readonly fromObject: string;
  readonly fromKey: string;
  readonly toObject: string;
  readonly byProperty: string;
  readonly value: string;
  readonly state: string;
  readonly sinceMs: number;
}

export interface StateStory {
  readonly environment: string;
  readonly state: string | null;
  readonly rule: string | null;
  readonly records: readonly StoryRecord[];
  readonly objects: readonly StoryObject[];
  readonly events: readonly StoryEvent[];
  readonly letters: readonly StoryLetter[];
  readonly links: readonly StoryLink[];
  /** The latest run that proved a slice of these records complete. */
  readonly proven: { readonly run: string; readonly atMs: number } | null;
}

/** Entries shown of a long life: the latest. */
const EVENTS_MAX = 50;

export function storyOf(db: Database, { stream, entity }: Subject): StateStory {
  const ask = <Row>(sql: string): Row[] => db.prepare<[Record<string, unknown>], Row>(sql).all({ stream, entity });
  const [about] = ask<{ environment: string; state: string | null; rule: string | null }>(
    `SELECT s.environment, e.state, e.rule FROM streams s
       LEFT JOIN entities e ON e.stream = s.id AND e.id = @entity WHERE s.id = @stream`,
  );
  const objects = ask<StoryObject>(
    `SELECT o.object, o.key, h.hubspot_id AS hubspotId, h.key_property AS keyProperty, o.properties, o.fingerprint,
            o.intent_at AS intentAtMs, o.owed, o.undone
       FROM objects o LEFT JOIN hubspot_ids h ON h.object = o.object AND h.key = o.key
      WHERE o.stream = @stream AND o.entity = @entity ORDER BY o.rowid`,
  );
  return {
    environment: about?.environment ?? '',
    state: about?.state ?? null,
    rule: about?.rule ?? null,
    records: ask<StoryRecord>(
      `SELECT r.id, r.modified_at AS modifiedAt, r.raw, r.rule, r.run, r.partition, r.page, r.read_at AS readAtMs, r.gone
         FROM records r WHERE r.stream = @stream AND (r.id = @entity OR r.id IN
           (SELECT record FROM membership WHERE stream = @stream AND entity = @entity)) ORDER BY r.modified_at`,
    ),
    objects,
    events: eventsOf(db, stream, objects),
    letters: ask<StoryLetter>(
      `SELECT id, stage, category, reason, state, last_seen AS lastSeenMs FROM dead_letters
        WHERE stream = @stream AND (entity = @entity OR subject = 'record ' || @entity) ORDER BY last_seen DESC LIMIT 10`,
    ),
    links: linksOf(db, stream, objects),
    proven: provenOf(db, stream),
  };
}

function eventsOf(db: Database, stream: number, objects: readonly StoryObject[]): StoryEvent[] {
  const subjects = JSON.stringify(objects.map(({ object, key }) => `${object} ${key}`));
  return db
    .prepare<[string, number, number], StoryEvent>(
      `SELECT id, at AS atMs, run, kind, subject, detail, batch, trace, answer FROM journal
        WHERE subject IN (SELECT value FROM json_each(?)) AND stream = ? ORDER BY id DESC LIMIT ?`,
    )
    .all(subjects, stream, EVENTS_MAX);
}

function linksOf(db: Database, stream: number, objects: readonly StoryObject[]): StoryLink[] {
  const ends = JSON.stringify(objects.map(({ object, key }) => `${object} ${key}`));
  return db
    .prepare<[number, string], StoryLink>(
      `SELECT from_object AS fromObject, from_key AS fromKey, to_object AS toObject, by_property AS byProperty, value,
              state, since AS sinceMs FROM links
        WHERE stream = ? AND from_object || ' ' || from_key IN (SELECT value FROM json_each(?)) LIMIT 50`,
    )
    .all(stream, ends);
}

const provenOf = (db: Database, stream: number): StateStory['proven'] =>
  db
    .prepare<[number], { run: string; atMs: number }>(
      `SELECT id AS run, ended_at AS atMs FROM runs WHERE stream = ? AND status IN ('ok', 'partial')
        AND json_extract(mode, '$.restricted') = 0 AND json_extract(mode, '$.dryRun') = 0
        ORDER BY started_at DESC LIMIT 1`,
    )
    .get(stream) ?? null;
