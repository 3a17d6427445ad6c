/** The source as it was read last: its records, and which entities each of them is part of. */
import type { Entities, EntityState } from './entities.ts';
import type { Exclusions } from './exclusions.ts';
import type { Statements } from './statements.ts';

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

export class Mirror {
  /** The page that is being taken in, as records remember it; null for records that were asked for by id. */
  readFrom: { readonly partition: string; readonly page: number } | null = null;
  readonly #sql: Statements;
  readonly #entities: Entities;
  readonly #exclusions: Exclusions;

  constructor(sql: Statements, entities: Entities, exclusions: Exclusions) {
    this.#sql = sql;
    this.#entities = entities;
    this.#exclusions = exclusions;
  }

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
      if (!before?.includes(entity)) this.#addMember(entity, record.id);
      this.#entities.touch(entity, record.modifiedAt);
    }
  }

  #addMember(entity: string, record: string): void {
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
    for (const { entity } of left) this.#entities.touch(entity, record.modifiedAt);
  }

  /** Leaves only the id and the rule; what was kept of the record before goes. */
  rememberExcluded(record: { id: string; modifiedAt: string; content: string; rule: string }, isKnown: boolean): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, null, record.rule);
    if (isKnown) this.#exclusions.excludeRecord(record.id, record.rule);
  }

  /** A record whose scope could not be told: its id, and nothing that might be somebody's data. */
  rememberUnscoped(record: { id: string; modifiedAt: string; content: string; entities: readonly string[] }): void {
    this.#putRecord(record.id, record.modifiedAt, record.content, null, null);
    for (const entity of record.entities) {
      this.#addMember(entity, record.id);
      this.#entities.touch(entity, record.modifiedAt);
      this.#entities.set(entity, 'dead', null);
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

  /** Records the mirror knows, excluded ones too; without those that are gone at the source. */
  count(): number {
    return (
      this.#sql.first<{ n: number }>(
        `SELECT (SELECT count(*) FROM records WHERE stream = ?1)
              - (SELECT count(*) FROM records WHERE stream = ?1 AND gone = 1) AS n`,
      )?.n ?? 0
    );
  }
}
