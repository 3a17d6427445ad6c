/** What is remembered of the HubSpot objects one stream writes: acknowledged content, intentions, what may still land. */
import type { KeyedObject, LeftObject, ObjectType } from '../pipe.ts';
import { noteId } from './object-ids.ts';
import { type Proof, proofColumns } from './proof.ts';
import type { Statements } from './statements.ts';

/** What is remembered of one HubSpot object; fingerprints are of mapped content. */
export interface KnownObject {
  readonly fingerprint: string | null;
  readonly intent: string | null;
  readonly intentAtMs: number | null;
  readonly late: string | null;
  readonly lateUntilMs: number | null;
  readonly owed: string | null;
  readonly hubspotId: string | null;
  /** The acknowledged content as canonical JSON. */
  readonly properties: string | null;
  /** The run whose values were taken back in HubSpot since; null when none were. */
  readonly undone: string | null;
}

/** A content that an older request may still write over a newer one, and until when; '*' for several contents. */
export type Late = { readonly print: string; readonly untilMs: number } | null;

/** An object by its type and the value of its key property. */
export interface ObjectKey {
  readonly object: ObjectType;
  readonly keyProperty: string;
  readonly key: string;
}

/** What HubSpot acknowledged. */
export interface Acknowledged {
  readonly fingerprint: string;
  readonly properties: string;
  /** Create-only properties still to be sent, as JSON. */
  readonly owed: string | null;
  readonly hubspotId: string;
  /** False where it is remembered already. */
  readonly isNewId: boolean;
  readonly created: boolean;
  readonly late: Late;
  readonly proof?: Proof;
}

/** Types of objects whose key is the id of their entity. */
const ENTITY_KEYED: readonly ObjectType[] = ['products', 'companies', 'deals'];

export class ObjectStore {
  readonly #sql: Statements;

  /** By type and key, the ids of what HubSpot was found to hold; null as long as the state is not in doubt. */
  #rediscovered: Map<string, string> | null = null;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** The state is older than what was sent: from now on, what HubSpot holds under our keys counts as well. */
  doubt(): void {
    this.#rediscovered ??= new Map();
  }

  get isInDoubt(): boolean {
    return this.#rediscovered !== null;
  }

  rediscover(object: ObjectType, { key, hubspotId }: KeyedObject): void {
    this.#rediscovered?.set(`${object} ${key}`, hubspotId);
  }

  recall(object: ObjectType, keyProperty: string, keys: readonly string[]): Map<string, KnownObject> {
    const rows = this.#sql.all<KnownObject & { key: string }>(
      `SELECT k.value AS key, o.fingerprint, o.intent, o.intent_at AS intentAtMs, o.late, o.late_until AS lateUntilMs,
              o.owed, h.hubspot_id AS hubspotId, o.properties, o.undone
         FROM json_each(?4) k
         LEFT JOIN objects o ON o.stream = ?1 AND o.object = ?2 AND o.key = k.value
         LEFT JOIN hubspot_ids h ON h.object = ?2 AND h.key_property = ?3 AND h.key = k.value`,
      object,
      keyProperty,
      JSON.stringify(keys),
    );
    const found = (key: string): string | null => this.#rediscovered?.get(`${object} ${key}`) ?? null;
    return new Map(rows.map((row) => [row.key, { ...row, hubspotId: row.hubspotId ?? found(row.key) }]));
  }

  /** About to be sent, outcome not known: durable before the request leaves. */
  intend(
    { object, keyProperty, key }: ObjectKey,
    entity: string,
    fingerprint: string,
    late: Late,
    owed: string | null,
  ): void {
    const found = this.#rediscovered?.get(`${object} ${key}`);
    if (found !== undefined) this.noteId({ object, keyProperty, key }, found);
    if (late === null && owed === null && this.#intendAgain(object, key, entity, fingerprint)) return;
    this.#sql.change(
      `INSERT INTO objects (stream, object, key, entity, intent, intent_at, late, late_until, owed, run)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream, object, key) DO UPDATE SET entity = excluded.entity, intent = excluded.intent,
         intent_at = excluded.intent_at, late = excluded.late, late_until = excluded.late_until,
         owed = coalesce(owed, excluded.owed), run = excluded.run`,
      object,
      key,
      entity,
      fingerprint,
      this.#sql.now(),
      late?.print ?? null,
      late?.untilMs ?? null,
      owed,
      this.#sql.run,
    );
  }

  /**
   * What nearly every change of a known object is: the columns that stay are not named, so that their indexes are left
   * alone. False when there is no such object.
   */
  #intendAgain(object: ObjectType, key: string, entity: string, fingerprint: string): boolean {
    const changed = this.#sql.change(
      `UPDATE objects SET intent = ?5, intent_at = ?6, run = ?7
        WHERE stream = ?1 AND object = ?2 AND key = ?3 AND entity = ?4 AND late IS NULL AND late_until IS NULL`,
      object,
      key,
      entity,
      fingerprint,
      this.#sql.now(),
      this.#sql.run,
    );
    return changed > 0;
  }

  /** Still not known after the last attempt: from now on it may land. */
  stampIntent({ object, key }: ObjectKey): void {
    this.#sql.change(
      'UPDATE objects SET intent_at = ?4 WHERE stream = ?1 AND object = ?2 AND key = ?3',
      object,
      key,
      this.#sql.now(),
    );
  }

  /**
   * What a run had on its way when it died or gave up may have left, by its last attempt, as late as the run ended: for a
   * killed one, as late as it was found dead. Held ones were stamped when their last attempt was over.
   */
  stampOpenIntents(): void {
    this.#sql.change(
      // Left to itself SQLite walks all entities of the stream.
      `UPDATE objects INDEXED BY objects_intended
          SET intent_at = (SELECT r.ended_at FROM runs r WHERE r.id = objects.run)
        WHERE stream = ? AND intent IS NOT NULL
          AND intent_at < (SELECT r.ended_at FROM runs r WHERE r.id = objects.run)
          AND NOT EXISTS (SELECT 1 FROM entities e
                           WHERE e.stream = objects.stream AND e.id = objects.entity AND e.state = 'held')`,
    );
  }

  /** HubSpot acknowledged this content; the journal keeps what was there before, as the way back. */
  acknowledge({ object, keyProperty, key }: ObjectKey, content: Acknowledged): void {
    const { now, run } = this.#sql;
    this.#sql.change(
      `INSERT INTO journal (at, run, stream, kind, subject, detail, batch, trace, answer)
       SELECT ?4, ?5, stream, ?6, object || ' ' || key, properties, ?7, ?8, ?9 FROM objects
        WHERE stream = ?1 AND object = ?2 AND key = ?3`,
      object,
      key,
      now(),
      run,
      content.created ? 'created' : 'updated',
      ...proofColumns(content.proof),
    );
    this.#sql.change(
      `UPDATE objects SET fingerprint = ?4, properties = ?5, owed = ?6, intent = NULL, intent_at = NULL, late = ?7,
         late_until = ?8, run = ?9, undone = NULL WHERE stream = ?1 AND object = ?2 AND key = ?3`,
      object,
      key,
      content.fingerprint,
      content.properties,
      content.owed,
      content.late?.print ?? null,
      content.late?.untilMs ?? null,
      run,
    );
    if (content.isNewId) this.noteId({ object, keyProperty, key }, content.hubspotId);
    if (content.created && object === 'contacts') {
      this.#sql.change(
        'INSERT OR IGNORE INTO contact_checks (hubspot_id, run) SELECT ?2, ?3 WHERE ?1 IS NOT NULL',
        content.hubspotId,
        run,
      );
    }
  }

  noteId(key: ObjectKey, hubspotId: string): void {
    noteId(this.#sql, key, hubspotId);
  }

  /**
   * HubSpot refused this content: nothing of it is there, and what was there before still is. Where an earlier send was
   * never answered, nobody knows what that is.
   */
  refuse({ object, key }: ObjectKey, isDoubtful: boolean): void {
    this.#sql.change(
      `UPDATE objects SET intent = NULL, intent_at = NULL, fingerprint = CASE WHEN ?4 THEN NULL ELSE fingerprint END
        WHERE stream = ?1 AND object = ?2 AND key = ?3`,
      object,
      key,
      isDoubtful ? 1 : 0,
    );
  }

  /** When the last possibly late write of a held entity can no longer land; null when nothing is held. */
  heldUntilMs(quarantineMs: number): number | null {
    const held = this.#sql.first<{ until: number | null }>(
      `SELECT max(max(CASE WHEN o.late IS NOT o.fingerprint THEN coalesce(o.late_until, 0) ELSE 0 END,
                      coalesce(o.intent_at + ?2, 0))) AS until
         FROM entities e INDEXED BY entities_open JOIN objects o ON o.stream = e.stream AND o.entity = e.id
        WHERE e.stream = ?1 AND e.state IN ('pending', 'sending', 'held') AND e.state = 'held'`,
      quarantineMs,
    );
    return held?.until ?? null;
  }

  /** Whether HubSpot holds, or may hold, something that this entity was mapped to. */
  wasSent(entity: string): boolean {
    const found = this.#sql.first(
      `SELECT 1 FROM objects WHERE stream = ?1 AND entity = ?2 AND (fingerprint IS NOT NULL OR intent IS NOT NULL)
       UNION ALL SELECT 1 FROM hubspot_ids h WHERE h.object IN ('products', 'companies', 'deals') AND h.key = ?2 LIMIT 1`,
      entity,
    );
    const wasFound = ENTITY_KEYED.some((object) => this.#rediscovered?.has(`${object} ${entity}`));
    return found !== undefined || wasFound;
  }

  /** The objects that HubSpot holds, or may hold, for an entity. */
  ofEntity(entity: string): LeftObject[] {
    return this.#sql
      .all<{ object: ObjectType; key: string; properties: string | null }>(
        `SELECT object, key, properties FROM objects WHERE stream = ? AND entity = ?
            AND (fingerprint IS NOT NULL OR intent IS NOT NULL) ORDER BY object, key`,
        entity,
      )
      .map((row) => ({ ...row, properties: row.properties === null ? null : JSON.parse(row.properties) }));
  }

  /** What was sent for an entity that left the scope is nobody's business any more. */
  forgetContent(entity: string): void {
    this.#sql.change('UPDATE objects SET properties = NULL, owed = NULL WHERE stream = ? AND entity = ?', entity);
  }

  /** As `forgetContent`, but the object stays what this tool made of it: what is owed to it is still owed. */
  forgetProperties(entity: string): void {
    this.#sql.change('UPDATE objects SET properties = NULL WHERE stream = ? AND entity = ?', entity);
  }

  /** Objects HubSpot holds for this stream. */
  count(): number {
    return (
      this.#sql.first<{ n: number }>('SELECT count(*) AS n FROM objects WHERE stream = ? AND fingerprint IS NOT NULL')
        ?.n ?? 0
    );
  }
}
