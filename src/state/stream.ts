/**
 * The engine's memory of one stream: mirror, entities, objects, cursors. Every method is one or a few statements and
 * synchronous, so that a transaction can never be torn by an `await`. Ids are text; instants of the source are text,
 * instants of this machine are epoch milliseconds.
 */
import type { Database, Statement } from 'better-sqlite3';
import { foldKey } from '../fingerprint.ts';
import type { ObjectType } from '../pipe.ts';

export type EntityState = 'pending' | 'sending' | 'held' | 'clean' | 'excluded' | 'dead';

/** What the mirror knows of a record that was read again. */
export interface KnownRecord {
  readonly content: string;
  readonly modifiedAt: string;
  readonly run: string;
  readonly rule: string | null;
  /** States of the entities it is part of. */
  readonly states: readonly EntityState[];
}

export interface MirroredRecord {
  readonly id: string;
  readonly modifiedAt: string;
  readonly raw: string;
}

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
}

export interface Letter {
  readonly subject: string;
  readonly entity: string | null;
  readonly stage: 'read' | 'scope' | 'map' | 'write' | 'link';
  readonly category: string;
  readonly reason: string;
  readonly raw: string | null;
}

interface KnownRow {
  id: string;
  content: string;
  modified_at: string;
  run: string;
  rule: string | null;
  state: EntityState | null;
}

interface ObjectRow {
  key: string;
  fingerprint: string | null;
  intent: string | null;
  intent_at: number | null;
  late: string | null;
  late_until: number | null;
  owed: string | null;
  hubspot_id: string | null;
  properties: string | null;
}

interface Prepared {
  readonly statement: Statement<unknown[]>;
  /** For each place in the statement, which value goes there; empty for plain `?`. */
  readonly order: readonly number[];
}

const bound = (values: readonly unknown[], order: readonly number[]): readonly unknown[] =>
  order.length === 0 ? values : order.map((index) => values[index]);

export class StreamState {
  readonly #db: Database;
  readonly #stream: number;
  readonly #run: string;
  readonly #mapper: string;
  readonly #now: () => number;
  readonly #cache = new Map<string, Prepared>();

  constructor(db: Database, stream: number, run: string, mapper: string, now: () => number) {
    this.#db = db;
    this.#stream = stream;
    this.#run = run;
    this.#mapper = mapper;
    this.#now = now;
  }

  /**
   * Statements are prepared once: preparing costs ten times what running them does. `?2` stands for the second value
   * wherever it appears; better-sqlite3 binds plain `?` only, so each use gets its value by position.
   */
  #sql(text: string): Prepared {
    let prepared = this.#cache.get(text);
    if (!prepared) {
      const order = [...text.matchAll(/\?(\d+)/g)].map((match) => Number(match[1]) - 1);
      prepared = { statement: this.#db.prepare<unknown[]>(text.replace(/\?\d+/g, '?')), order };
      this.#cache.set(text, prepared);
    }
    return prepared;
  }

  #all<Row>(text: string, ...rest: unknown[]): Row[] {
    const { statement, order } = this.#sql(text);
    // The one place where a row gets its type: it is the column list of the statement beside it.
    return statement.all(...bound([this.#stream, ...rest], order)) as Row[];
  }

  #run_(text: string, ...rest: unknown[]): number {
    const { statement, order } = this.#sql(text);
    return statement.run(...bound([this.#stream, ...rest], order)).changes;
  }

  /** Immediate, because a transaction that reads first and writes later fails at once when another one wrote. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  // ------------------------------------------------------------------------------------------------ mirror

  known(ids: readonly string[]): Map<string, KnownRecord> {
    const rows = this.#all<KnownRow>(
      `SELECT r.id, r.content, r.modified_at, r.run, coalesce(r.rule, e.rule) AS rule, e.state
         FROM records r
         LEFT JOIN membership m ON m.stream = r.stream AND m.record = r.id
         LEFT JOIN entities e ON e.stream = m.stream AND e.id = m.entity
        WHERE r.stream = ? AND r.id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(ids),
    );
    const known = new Map<string, { -readonly [Field in keyof KnownRecord]: KnownRecord[Field] } & { states: EntityState[] }>();
    for (const row of rows) {
      const entry = known.get(row.id) ?? {
        content: row.content,
        modifiedAt: row.modified_at,
        run: row.run,
        rule: row.rule,
        states: [],
      };
      // Part of several entities, one of them in scope: then the record is.
      if (row.rule === null) entry.rule = null;
      if (row.state) entry.states.push(row.state);
      known.set(row.id, entry);
    }
    return known;
  }

  /** Stores a record's payload and marks its entities as waiting to be mapped. */
  remember(record: { id: string; modifiedAt: string; content: string; raw: string; entities: readonly string[] }): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, record.raw, null);
    this.#run_(
      'DELETE FROM membership WHERE stream = ? AND record = ? AND entity NOT IN (SELECT value FROM json_each(?))',
      record.id,
      JSON.stringify(record.entities),
    );
    for (const entity of record.entities) {
      this.#run_('INSERT OR IGNORE INTO membership (stream, entity, record) VALUES (?, ?, ?)', entity, record.id);
      this.touch(entity, record.modifiedAt);
    }
  }

  /** Leaves only the id and the rule; what was kept of the record before goes. */
  rememberExcluded(record: { id: string; modifiedAt: string; content: string; rule: string }): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, null, record.rule);
    this.#forgetEntitiesOf(record.id, 'excluded', record.rule);
  }

  /** A record whose scope could not be told: its id, and nothing that might be somebody's data. */
  rememberUnscoped(record: { id: string; modifiedAt: string; content: string; entities: readonly string[] }): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, null, null);
    for (const entity of record.entities) {
      this.#run_('INSERT OR IGNORE INTO membership (stream, entity, record) VALUES (?, ?, ?)', entity, record.id);
      this.touch(entity, record.modifiedAt);
      this.setEntity(entity, 'dead', null);
    }
  }

  #putRecord(id: string, modifiedAt: string, content: string, raw: string | null, rule: string | null): void {
    this.#run_(
      `INSERT INTO records (stream, id, modified_at, content, raw, rule, run) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream, id) DO UPDATE SET modified_at = excluded.modified_at, content = excluded.content,
         raw = excluded.raw, rule = excluded.rule, run = excluded.run`,
      id,
      modifiedAt,
      content,
      raw,
      rule,
      this.#run,
    );
  }

  #forgetEntitiesOf(record: string, state: EntityState, rule: string): void {
    for (const { entity } of this.#all<{ entity: string }>(
      'SELECT entity FROM membership WHERE stream = ? AND record = ?',
      record,
    )) {
      this.#run_('DELETE FROM membership WHERE stream = ? AND entity = ? AND record = ?', entity, record);
      const left = this.#all('SELECT 1 FROM membership WHERE stream = ? AND entity = ? LIMIT 1', entity);
      if (left.length > 0) this.touch(entity, new Date(0).toISOString());
      else {
        this.setEntity(entity, state, rule);
        this.#run_('UPDATE objects SET properties = NULL, owed = NULL WHERE stream = ? AND entity = ?', entity);
      }
    }
  }

  /**
   * The payloads of an entity excluded by its mapping go too, unless another entity needs them: only ids and the rule
   * stay.
   */
  excludeEntity(entity: string, rule: string): void {
    this.setEntity(entity, 'excluded', rule);
    this.#run_(
      `UPDATE records SET raw = NULL, rule = ?2 WHERE stream = ?1
         AND id IN (SELECT record FROM membership WHERE stream = ?1 AND entity = ?3)
         AND NOT EXISTS (SELECT 1 FROM membership m JOIN entities e ON e.stream = m.stream AND e.id = m.entity
                          WHERE m.stream = ?1 AND m.record = records.id AND e.state <> 'excluded')`,
      rule,
      entity,
    );
  }

  // ------------------------------------------------------------------------------------------------ entities

  /** Waiting to be mapped; remembers the earliest change the cursor has to wait for. */
  touch(entity: string, modifiedAt: string): void {
    this.#run_(
      `INSERT INTO entities (stream, id, state, rule, oldest, run) VALUES (?, ?, 'pending', NULL, ?, ?)
       ON CONFLICT (stream, id) DO UPDATE SET state = 'pending', rule = NULL, run = excluded.run,
         oldest = CASE WHEN state IN ('pending', 'sending', 'held') THEN min(oldest, excluded.oldest) ELSE excluded.oldest END`,
      entity,
      modifiedAt,
      this.#run,
    );
  }

  setEntity(entity: string, state: EntityState, rule: string | null): void {
    this.#run_(
      'UPDATE entities SET state = ?3, rule = ?4, run = ?5 WHERE stream = ?1 AND id = ?2',
      entity,
      state,
      rule,
      this.#run,
    );
  }

  /** A settled entity is decided once more, such as when another spelling of its key turns up. */
  reopenClean(entity: string): void {
    this.#run_("UPDATE entities SET state = 'pending' WHERE stream = ? AND id = ? AND state = 'clean'", entity);
  }

  /**
   * Ends what was being sent. False when a newer record touched the entity meanwhile: then that one is still to come.
   */
  settleEntity(entity: string, state: 'clean' | 'held' | 'dead' | 'excluded'): boolean {
    const changed = this.#run_(
      "UPDATE entities SET state = ?3, run = ?4 WHERE stream = ?1 AND id = ?2 AND state = 'sending'",
      entity,
      state,
      this.#run,
    );
    return changed > 0;
  }

  /** Up to `limit` entities that wait to be mapped, in key order after `after`. */
  pending(limit: number, after: string): string[] {
    return this.#all<{ id: string }>(
      "SELECT id FROM entities WHERE stream = ? AND state = 'pending' AND id > ? ORDER BY id LIMIT ?",
      after,
      limit,
    ).map((row) => row.id);
  }

  /** What a process that died had queued or sent goes back to waiting. Returns how many. */
  reopenSending(): number {
    return this.#run_("UPDATE entities SET state = 'pending' WHERE stream = ? AND state = 'sending'");
  }

  /** Held entities wait again, to be sent once more. Returns how many. */
  reopenHeld(): number {
    return this.#run_("UPDATE entities SET state = 'pending' WHERE stream = ? AND state = 'held'");
  }

  count(state: EntityState): number {
    return this.#all<{ n: number }>('SELECT count(*) AS n FROM entities WHERE stream = ? AND state = ?', state)[0]?.n ?? 0;
  }

  /** The records of the entities, payloads as JSON text; an entity without records maps to an empty list. */
  recordsOf(entities: readonly string[]): Map<string, MirroredRecord[]> {
    const found = new Map<string, MirroredRecord[]>(entities.map((entity) => [entity, []]));
    for (const row of this.#all<{ entity: string; id: string; modified_at: string; raw: string | null }>(
      `SELECT m.entity, r.id, r.modified_at, r.raw FROM membership m
         JOIN records r ON r.stream = m.stream AND r.id = m.record
        WHERE m.stream = ? AND m.entity IN (SELECT value FROM json_each(?)) ORDER BY m.entity, r.id`,
      JSON.stringify(entities),
    )) {
      if (row.raw !== null) found.get(row.entity)?.push({ id: row.id, modifiedAt: row.modified_at, raw: row.raw });
    }
    return found;
  }

  // ------------------------------------------------------------------------------------------------ objects

  objects(object: ObjectType, keys: readonly string[]): Map<string, KnownObject> {
    const rows = this.#all<ObjectRow>(
      `SELECT k.value AS key, o.fingerprint, o.intent, o.intent_at, o.late, o.late_until, o.owed, h.hubspot_id, o.properties
         FROM json_each(?3) k
         LEFT JOIN objects o ON o.stream = ?1 AND o.object = ?2 AND o.key = k.value
         LEFT JOIN hubspot_ids h ON h.object = ?2 AND h.key = k.value`,
      object,
      JSON.stringify(keys),
    );
    return new Map(
      rows.map((row) => [
        row.key,
        {
          fingerprint: row.fingerprint,
          intent: row.intent,
          intentAtMs: row.intent_at,
          late: row.late,
          lateUntilMs: row.late_until,
          owed: row.owed,
          hubspotId: row.hubspot_id,
          properties: row.properties,
        },
      ]),
    );
  }

  /** Notes that this entity owns the key, so that another spelling of it is found out. */
  claim(object: ObjectType, key: string, entity: string): void {
    this.#run_(
      `INSERT INTO objects (stream, object, key, folded, entity) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream, object, key) DO UPDATE SET entity = excluded.entity WHERE entity <> excluded.entity`,
      object,
      key,
      foldKey(key),
      entity,
    );
  }

  /** Other spellings of what people would take for the same key. */
  rivals(object: ObjectType, key: string): { key: string; entity: string }[] {
    return this.#all<{ key: string; entity: string }>(
      'SELECT key, entity FROM objects WHERE stream = ? AND object = ? AND folded = ? AND key <> ?',
      object,
      foldKey(key),
      key,
    );
  }

  /** About to be sent, outcome not known: durable before the request leaves. */
  intend(object: ObjectType, key: string, fingerprint: string, late: { print: string; untilMs: number } | null): void {
    this.#run_(
      `UPDATE objects SET intent = ?4, intent_at = ?5, late = ?6, late_until = ?7, run = ?8
        WHERE stream = ?1 AND object = ?2 AND key = ?3`,
      object,
      key,
      fingerprint,
      this.#now(),
      late?.print ?? null,
      late?.untilMs ?? null,
      this.#run,
    );
  }

  /** HubSpot acknowledged this content; the journal keeps what was there before, as the way back. */
  acknowledge(
    object: ObjectType,
    key: string,
    content: { fingerprint: string; properties: string; owed: string | null },
    hubspotId: string,
    late: { print: string; untilMs: number } | null,
  ): void {
    this.#run_(
      `INSERT INTO journal (at, run, stream, kind, subject, detail)
       SELECT ?4, ?5, stream, 'written', object || ' ' || key, properties FROM objects
        WHERE stream = ?1 AND object = ?2 AND key = ?3`,
      object,
      key,
      this.#now(),
      this.#run,
    );
    this.#run_(
      `UPDATE objects SET fingerprint = ?4, properties = ?5, owed = ?6, intent = NULL, intent_at = NULL, late = ?7,
         late_until = ?8, run = ?9 WHERE stream = ?1 AND object = ?2 AND key = ?3`,
      object,
      key,
      content.fingerprint,
      content.properties,
      content.owed,
      late?.print ?? null,
      late?.untilMs ?? null,
      this.#run,
    );
    this.#sql(
      'INSERT INTO hubspot_ids (object, key, hubspot_id) VALUES (?, ?, ?) ON CONFLICT (object, key) DO UPDATE SET hubspot_id = excluded.hubspot_id WHERE hubspot_id <> excluded.hubspot_id',
    ).statement.run(object, key, hubspotId);
  }

  /** HubSpot refused this content: nothing of it is there, and what was there before still is. */
  refuse(object: ObjectType, key: string): void {
    this.#run_(
      'UPDATE objects SET intent = NULL, intent_at = NULL WHERE stream = ? AND object = ? AND key = ?',
      object,
      key,
    );
  }

  /** When the last possibly late write of a held entity can no longer land; null when nothing is held. */
  heldUntilMs(quarantineMs: number): number | null {
    return (
      this.#all<{ until: number | null }>(
        `SELECT max(max(CASE WHEN o.late IS NOT o.fingerprint THEN coalesce(o.late_until, 0) ELSE 0 END,
                        coalesce(o.intent_at + ?2, 0))) AS until
           FROM entities e JOIN objects o ON o.stream = e.stream AND o.entity = e.id
          WHERE e.stream = ?1 AND e.state = 'held'`,
        quarantineMs,
      )[0]?.until ?? null
    );
  }

  objectCount(): number {
    return (
      this.#all<{ n: number }>('SELECT count(*) AS n FROM objects WHERE stream = ? AND fingerprint IS NOT NULL')[0]?.n ?? 0
    );
  }

  // ------------------------------------------------------------------------------------------------ cursors

  cursor(partition: string): string | null {
    return (
      this.#all<{ position: string }>('SELECT position FROM cursors WHERE stream = ? AND partition = ?', partition)[0]
        ?.position ?? null
    );
  }

  /** Moves a cursor up to `candidate`, never back, never past the oldest change that is not settled yet. */
  advance(partition: string, candidate: string): void {
    const oldest = this.#all<{ oldest: string | null }>(
      `SELECT min(oldest) AS oldest FROM entities WHERE stream = ? AND state IN ('pending', 'sending', 'held')`,
    )[0]?.oldest;
    const position = oldest != null && oldest < candidate ? oldest : candidate;
    this.#run_(
      `INSERT INTO cursors (stream, partition, position, moved_at, run) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream, partition) DO UPDATE SET position = excluded.position, moved_at = excluded.moved_at,
         run = excluded.run WHERE excluded.position > position`,
      partition,
      position,
      this.#now(),
      this.#run,
    );
  }

  // ------------------------------------------------------------------------------------------------ dead letters, journal

  /** Opens a letter, or renews the open one. Returns whether it is news: not open before, or about another content. */
  deadLetter(letter: Letter): boolean {
    const before = this.#all<{ raw: string | null }>(
      "SELECT raw FROM dead_letters WHERE stream = ? AND subject = ? AND state = 'open'",
      letter.subject,
    )[0];
    this.#run_(
      `INSERT INTO dead_letters (stream, subject, entity, stage, category, reason, raw, mapper, first_seen, last_seen,
         attempts, run, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, 1, ?10, 'open')
       ON CONFLICT (stream, subject) DO UPDATE SET entity = excluded.entity, stage = excluded.stage,
         category = excluded.category, reason = excluded.reason, raw = excluded.raw, mapper = excluded.mapper,
         first_seen = CASE WHEN state = 'open' THEN first_seen ELSE excluded.first_seen END,
         last_seen = excluded.last_seen, attempts = attempts + 1, run = excluded.run, state = 'open'`,
      letter.subject,
      letter.entity,
      letter.stage,
      letter.category,
      letter.reason,
      letter.raw,
      this.#mapper,
      this.#now(),
      this.#run,
    );
    return before === undefined || before.raw !== letter.raw;
  }

  /** A record that arrived healthy clears its letters. Returns how many. */
  resolveLetters(entity: string): number {
    return this.#run_(
      "UPDATE dead_letters SET state = 'resolved', last_seen = ?3 WHERE stream = ?1 AND entity = ?2 AND state = 'open'",
      entity,
      this.#now(),
    );
  }

  record(kind: string, subject: string, detail: string | null): void {
    this.#run_(
      'INSERT INTO journal (stream, at, run, kind, subject, detail) VALUES (?, ?, ?, ?, ?, ?)',
      this.#now(),
      this.#run,
      kind,
      subject,
      detail,
    );
  }
}
