/**
 * The engine's memory of one stream: mirror, entities, cursors; beside them its objects, claims, links and letters.
 * Every method is one or a few statements and synchronous, so that a transaction can never be torn by an `await`. Ids
 * are text; instants of the source are text, instants of this machine are epoch milliseconds.
 */
import type { Database } from 'better-sqlite3';
import { Absences } from './absences.ts';
import { Claims } from './claims.ts';
import { Letters } from './letters.ts';
import { Links } from './links.ts';
import { ObjectStore } from './objects.ts';
import { OwedReadings } from './owed-readings.ts';
import { PartitionMemory } from './partitions.ts';
import { Statements } from './statements.ts';

export type EntityState = 'pending' | 'sending' | 'held' | 'clean' | 'excluded' | 'dead';

/** What the mirror knows of a record that was read again. */
export interface KnownRecord {
  readonly content: string;
  readonly modifiedAt: string;
  readonly run: string;
  readonly rule: string | null;
  /** Concluded to be deleted at the source. */
  readonly isGone: boolean;
  /** The entities it is part of, and their states. */
  readonly entities: readonly string[];
  readonly states: readonly EntityState[];
}

export interface RememberedRecord {
  readonly id: string;
  readonly modifiedAt: string;
  /** Digest of `raw`. */
  readonly content: string;
  /** JSON text. */
  readonly raw: string;
  readonly entities: readonly string[];
}

export interface MirroredRecord {
  readonly id: string;
  readonly modifiedAt: string;
  readonly raw: string;
}

interface KnownRow {
  id: string;
  content: string;
  modified_at: string;
  run: string;
  rule: string | null;
  gone: 0 | 1;
  entity: string | null;
  state: EntityState | null;
}

export class StreamState {
  readonly objects: ObjectStore;
  readonly claims: Claims;
  readonly links: Links;
  readonly letters: Letters;
  readonly partitions: PartitionMemory;
  readonly absences: Absences;
  readonly owedReadings: OwedReadings;
  /** The page that is being taken in, as records remember it; null for records that were asked for by id. */
  readFrom: { readonly partition: string; readonly page: number } | null = null;
  readonly #sql: Statements;

  /** `mapper` is the version that dead letters are marked with. */
  constructor(db: Database, stream: number, run: string, mapper: string, now: () => number) {
    this.#sql = new Statements(db, stream, run, now);
    this.objects = new ObjectStore(this.#sql);
    this.claims = new Claims(this.#sql);
    this.links = new Links(this.#sql);
    this.letters = new Letters(this.#sql, mapper);
    this.partitions = new PartitionMemory(this.#sql);
    this.absences = new Absences(this.#sql);
    this.owedReadings = new OwedReadings(this.#sql);
  }

  transaction<T>(work: () => T): T {
    return this.#sql.transaction(work);
  }

  // ------------------------------------------------------------------------------------------------ mirror

  known(ids: readonly string[]): Map<string, KnownRecord> {
    const rows = this.#sql.all<KnownRow>(
      `SELECT r.id, r.content, r.modified_at, r.run, coalesce(r.rule, e.rule) AS rule, r.gone, m.entity, e.state
         FROM records r
         LEFT JOIN membership m ON m.stream = r.stream AND m.record = r.id
         LEFT JOIN entities e ON e.stream = m.stream AND e.id = m.entity
        WHERE r.stream = ? AND r.id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(ids),
    );
    const known = new Map<
      string,
      { -readonly [Field in keyof KnownRecord]: KnownRecord[Field] } & { entities: string[]; states: EntityState[] }
    >();
    for (const row of rows) {
      const entry = known.get(row.id) ?? {
        content: row.content,
        modifiedAt: row.modified_at,
        run: row.run,
        rule: row.rule,
        isGone: row.gone === 1,
        entities: [],
        states: [],
      };
      // Part of several entities, one of them in scope: then the record is.
      if (row.rule === null) entry.rule = null;
      if (row.entity !== null) entry.entities.push(row.entity);
      if (row.state) entry.states.push(row.state);
      known.set(row.id, entry);
    }
    return known;
  }

  /** Stores a record's payload and marks its entities as waiting to be mapped. `before`: those it is part of so far. */
  remember(record: RememberedRecord, before: readonly string[] | null): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, record.raw, null);
    const left = before?.some((entity) => !record.entities.includes(entity));
    if (left) {
      this.#touchLeft(record);
      this.#sql.change(
        'DELETE FROM membership WHERE stream = ? AND record = ? AND entity NOT IN (SELECT value FROM json_each(?))',
        record.id,
        JSON.stringify(record.entities),
      );
    }
    for (const entity of record.entities) {
      if (!before?.includes(entity)) this.#join(entity, record.id);
      this.touch(entity, record.modifiedAt);
    }
  }

  #join(entity: string, record: string): void {
    this.#sql.change('INSERT OR IGNORE INTO membership (stream, entity, record) VALUES (?, ?, ?)', entity, record);
  }

  /** Entities that lose this record to another one are made of less now: a revision that moved to another opportunity. */
  #touchLeft(record: RememberedRecord): void {
    const left = this.#sql.all<{ entity: string }>(
      `SELECT m.entity FROM membership m WHERE m.stream = ?1 AND m.record = ?2
          AND m.entity NOT IN (SELECT value FROM json_each(?3))
          AND EXISTS (SELECT 1 FROM membership o WHERE o.stream = m.stream AND o.entity = m.entity AND o.record <> ?2)`,
      record.id,
      JSON.stringify(record.entities),
    );
    for (const { entity } of left) this.touch(entity, record.modifiedAt);
  }

  /** Leaves only the id and the rule; what was kept of the record before goes. */
  rememberExcluded(record: { id: string; modifiedAt: string; content: string; rule: string }, isKnown: boolean): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, null, record.rule);
    if (isKnown) this.#forgetEntitiesOf(record.id, 'excluded', record.rule);
  }

  /** A record whose scope could not be told: its id, and nothing that might be somebody's data. */
  rememberUnscoped(record: { id: string; modifiedAt: string; content: string; entities: readonly string[] }): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, null, null);
    for (const entity of record.entities) {
      this.#join(entity, record.id);
      this.touch(entity, record.modifiedAt);
      this.setEntity(entity, 'dead', null);
    }
  }

  #putRecord(id: string, modifiedAt: string, content: string, raw: string | null, rule: string | null): void {
    this.#sql.change(
      `INSERT INTO records (stream, id, modified_at, content, raw, rule, run, partition, page, read_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream, id) DO UPDATE SET modified_at = excluded.modified_at, content = excluded.content,
         raw = excluded.raw, rule = excluded.rule, run = excluded.run, partition = excluded.partition,
         page = excluded.page, read_at = excluded.read_at, gone = 0`,
      id,
      modifiedAt,
      content,
      raw,
      rule,
      this.#sql.run,
      this.readFrom?.partition ?? null,
      this.readFrom?.page ?? null,
      this.#sql.now(),
    );
  }

  #forgetEntitiesOf(record: string, state: EntityState, rule: string): void {
    for (const { entity } of this.#sql.all<{ entity: string }>(
      'SELECT entity FROM membership WHERE stream = ? AND record = ?',
      record,
    )) {
      this.#sql.change('DELETE FROM membership WHERE stream = ? AND entity = ? AND record = ?', entity, record);
      const left = this.#sql.all('SELECT 1 FROM membership WHERE stream = ? AND entity = ? LIMIT 1', entity);
      if (left.length > 0) this.touch(entity, new Date(0).toISOString());
      else {
        this.setEntity(entity, state, rule);
        this.objects.forgetContent(entity);
        const nothing = { entity, modifiedAt: '', claims: [], values: [] };
        for (const other of this.claims.replace([nothing])) this.reopenDecided(other);
      }
    }
  }

  /**
   * The payloads of an entity excluded by its mapping go too, unless another entity needs them: only ids and the rule
   * stay.
   */
  excludeEntity(entity: string, rule: string): void {
    this.setEntity(entity, 'excluded', rule);
    this.objects.forgetProperties(entity);
    this.#sql.change(
      `UPDATE records SET raw = NULL, rule = ?2 WHERE stream = ?1
         AND id IN (SELECT record FROM membership WHERE stream = ?1 AND entity = ?3)
         AND NOT EXISTS (SELECT 1 FROM membership m JOIN entities e ON e.stream = m.stream AND e.id = m.entity
                          WHERE m.stream = ?1 AND m.record = records.id AND e.state <> 'excluded')`,
      rule,
      entity,
    );
  }

  // ------------------------------------------------------------------------------------------------ entities
  // `state IN (...) AND state = ...`: SQLite takes the index over the few open entities only where its condition is
  // repeated word for word; without it each of these walks every entity of the stream.

  /** Waiting to be mapped; remembers the earliest change the cursor has to wait for. */
  touch(entity: string, modifiedAt: string): void {
    this.#sql.change(
      `INSERT INTO entities (stream, id, state, rule, oldest, run) VALUES (?, ?, 'pending', NULL, ?, ?)
       ON CONFLICT (stream, id) DO UPDATE SET state = 'pending', rule = NULL, run = excluded.run,
         oldest = CASE WHEN state IN ('pending', 'sending', 'held') THEN min(oldest, excluded.oldest) ELSE excluded.oldest END`,
      entity,
      modifiedAt,
      this.#sql.run,
    );
  }

  setEntity(entity: string, state: EntityState, rule: string | null): void {
    this.#sql.change(
      'UPDATE entities SET state = ?3, rule = ?4, run = ?5 WHERE stream = ?1 AND id = ?2',
      entity,
      state,
      rule,
      this.#sql.run,
    );
  }

  /** Its farewell was said already. */
  isExcluded(entity: string): boolean {
    return (
      this.#sql.first("SELECT 1 FROM entities WHERE stream = ? AND id = ? AND state = 'excluded'", entity) !== undefined
    );
  }

  /** An entity that was decided is decided once more, such as when another spelling of its key turns up. */
  reopenDecided(entity: string): void {
    this.#sql.change(
      "UPDATE entities SET state = 'pending' WHERE stream = ? AND id = ? AND state IN ('clean', 'sending')",
      entity,
    );
  }

  /** As `setEntity` for many, each of which is now on its way. */
  startSending(entities: readonly string[]): void {
    this.#sql.change(
      `UPDATE entities SET state = 'sending', rule = NULL, run = ?3
        WHERE stream = ?1 AND id IN (SELECT value FROM json_each(?2))`,
      JSON.stringify(entities),
      this.#sql.run,
    );
  }

  /**
   * Ends what was being sent. Returns those that were: where a newer record touched an entity meanwhile, that one is still
   * to come.
   */
  settleEntities(entities: readonly string[], state: 'clean' | 'held' | 'dead' | 'excluded'): ReadonlySet<string> {
    const rows = this.#sql.all<{ id: string }>(
      `UPDATE entities SET state = ?3, run = ?4
        WHERE stream = ?1 AND id IN (SELECT value FROM json_each(?2)) AND state = 'sending' RETURNING id`,
      JSON.stringify(entities),
      state,
      this.#sql.run,
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Which of these entities are still to be sent as they were decided: nothing newer was read of them since. */
  stillSending(entities: readonly string[]): ReadonlySet<string> {
    const rows = this.#sql.all<{ id: string }>(
      "SELECT id FROM entities WHERE stream = ? AND state = 'sending' AND id IN (SELECT value FROM json_each(?))",
      JSON.stringify(entities),
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Up to `limit` entities that wait to be mapped, in key order after `after`. */
  pending(limit: number, after: string): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT id FROM entities INDEXED BY entities_open
          WHERE stream = ? AND state IN ('pending', 'sending', 'held') AND state = 'pending' AND id > ?
          ORDER BY id LIMIT ?`,
        after,
        limit,
      )
      .map((row) => row.id);
  }

  /** The entities of these records are decided once more, whatever became of them before. */
  reopenRecords(ids: readonly string[]): void {
    this.#sql.change(
      `UPDATE entities SET state = 'pending' WHERE stream = ?1 AND state IN ('dead', 'clean') AND id IN (
         SELECT m.entity FROM membership m JOIN records r ON r.stream = m.stream AND r.id = m.record
            AND (r.raw IS NOT NULL OR r.gone = 1)
          WHERE m.stream = ?1 AND m.record IN (SELECT value FROM json_each(?2)))`,
      JSON.stringify(ids),
    );
  }

  /** What a process that died had queued or sent goes back to waiting. Returns how many. */
  reopenSending(): number {
    return this.#sql.change(
      `UPDATE entities INDEXED BY entities_open SET state = 'pending'
        WHERE stream = ? AND state IN ('pending', 'sending', 'held') AND state = 'sending'`,
    );
  }

  /** Held entities wait again, to be sent once more. Returns how many. */
  reopenHeld(): number {
    return this.#sql.change(
      `UPDATE entities INDEXED BY entities_open SET state = 'pending'
        WHERE stream = ? AND state IN ('pending', 'sending', 'held') AND state = 'held'`,
    );
  }

  /** Entities that wait to be mapped, and those whose writes HubSpot left unanswered. */
  openCounts(): { readonly waiting: number; readonly held: number } {
    const found = this.#sql.first<{ waiting: number; held: number }>(
      `SELECT count(*) FILTER (WHERE state <> 'held') AS waiting, count(*) FILTER (WHERE state = 'held') AS held
         FROM entities INDEXED BY entities_open WHERE stream = ? AND state IN ('pending', 'sending', 'held')`,
    );
    return found ?? { waiting: 0, held: 0 };
  }

  get isAnyPending(): boolean {
    return this.pending(1, '').length > 0;
  }

  /** The records of the entities, payloads as JSON text; an entity without records maps to an empty list. */
  recordsOf(entities: readonly string[]): Map<string, MirroredRecord[]> {
    const found = new Map<string, MirroredRecord[]>(entities.map((entity) => [entity, []]));
    for (const row of this.#sql.all<{ entity: string; id: string; modified_at: string; raw: string | null }>(
      `SELECT m.entity, r.id, r.modified_at, r.raw FROM membership m
         JOIN records r ON r.stream = m.stream AND r.id = m.record
        WHERE m.stream = ? AND m.entity IN (SELECT value FROM json_each(?)) ORDER BY m.entity, r.id`,
      JSON.stringify(entities),
    )) {
      if (row.raw !== null) found.get(row.entity)?.push({ id: row.id, modifiedAt: row.modified_at, raw: row.raw });
    }
    return found;
  }

  // ------------------------------------------------------------------------------------------------ cursors

  cursor(partition: string): string | null {
    return (
      this.#sql.all<{ position: string }>(
        'SELECT position FROM cursors WHERE stream = ? AND partition = ?',
        partition,
      )[0]?.position ?? null
    );
  }

  /**
   * Moves a cursor up to `candidate`, never back, never past the oldest change that is not settled yet. Returns how many
   * entities it had to look at: those that are open.
   */
  advance(partition: string, candidate: string): number {
    const { oldest, open } = this.#sql.first<{ oldest: string | null; open: number }>(
      // Left to itself SQLite walks all entities of the stream, at each page.
      `SELECT min(oldest) AS oldest, count(*) AS open FROM entities INDEXED BY entities_open
        WHERE stream = ? AND state IN ('pending', 'sending', 'held')`,
    ) ?? { oldest: null, open: 0 };
    const position = oldest !== null && oldest < candidate ? oldest : candidate;
    this.#sql.change(
      `INSERT INTO cursors (stream, partition, position, moved_at, run) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream, partition) DO UPDATE SET position = excluded.position, moved_at = excluded.moved_at,
         run = excluded.run WHERE excluded.position > position`,
      partition,
      position,
      this.#sql.now(),
      this.#sql.run,
    );
    return open;
  }

  // ------------------------------------------------------------------------------------------------ joins

  /** Which rows of other pipes a record was mapped or judged with. */
  noteJoins(record: string, joins: readonly { readonly pipe: string; readonly id: string }[]): void {
    this.#sql.change('DELETE FROM joined WHERE stream = ? AND record = ?', record);
    for (const { pipe, id } of joins) {
      this.#sql.change('INSERT OR IGNORE INTO joined (stream, record, pipe, id) VALUES (?, ?, ?, ?)', record, pipe, id);
    }
  }

  /** Marks the entities whose joined rows changed after they were last mapped. Returns how many. */
  touchDependents(pipe: string, streamOfPipe: number): number {
    return this.#sql.change(
      `UPDATE entities SET state = 'pending' WHERE stream = ?1 AND state IN ('clean', 'dead', 'excluded') AND id IN (
         SELECT m.entity FROM joined j
           JOIN records r ON r.stream = ?3 AND r.id = j.id
           JOIN membership m ON m.stream = j.stream AND m.record = j.record
           JOIN records own ON own.stream = j.stream AND own.id = j.record AND own.raw IS NOT NULL
           JOIN entities e ON e.stream = m.stream AND e.id = m.entity
          WHERE j.stream = ?1 AND j.pipe = ?2 AND r.run > e.run)`,
      pipe,
      streamOfPipe,
    );
  }

  /** Records kept without payload whose joined rows changed since: they have to be read again to be judged again. */
  toReadAgain(pipe: string, streamOfPipe: number, limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT DISTINCT own.id FROM joined j
           JOIN records r ON r.stream = ?3 AND r.id = j.id
           JOIN records own ON own.stream = j.stream AND own.id = j.record AND own.raw IS NULL
          WHERE j.stream = ?1 AND j.pipe = ?2 AND r.run > own.run LIMIT ?4`,
        pipe,
        streamOfPipe,
        limit,
      )
      .map((row) => row.id);
  }

  /** Entities waiting to be mapped whose own record (an entity's id is a record's id) is not in the mirror. */
  withoutOwnRecord(limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `SELECT e.id FROM entities e INDEXED BY entities_open
           LEFT JOIN records r ON r.stream = e.stream AND r.id = e.id
          WHERE e.stream = ? AND e.state IN ('pending', 'sending', 'held') AND e.state = 'pending' AND r.id IS NULL
          LIMIT ?`,
        limit,
      )
      .map((row) => row.id);
  }

  /** Records the mirror knows, excluded ones too; without those that are gone at the source. */
  knownRecords(): number {
    return (
      this.#sql.first<{ n: number }>(
        `SELECT (SELECT count(*) FROM records WHERE stream = ?1)
              - (SELECT count(*) FROM records WHERE stream = ?1 AND gone = 1) AS n`,
      )?.n ?? 0
    );
  }
}
