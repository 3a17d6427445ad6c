/**
 * The engine's memory of one stream, a subject each. Every method of them is one or a few statements and synchronous, so
 * that a transaction can never be torn by an `await`. Ids are text; instants of the source are text, instants of this
 * machine are epoch milliseconds.
 */
import type { Database } from 'better-sqlite3';
import { Absences } from './absences.ts';
import { Claims } from './claims.ts';
import { Cursors } from './cursors.ts';
import { Entities } from './entities.ts';
import { Exclusions } from './exclusions.ts';
import { Joins } from './joins.ts';
import { Letters } from './letters.ts';
import { Links } from './links.ts';
import { Mirror } from './mirror.ts';
import { ObjectStore } from './objects.ts';
import { OwedProperties } from './owed-properties.ts';
import { OwedReadings } from './owed-readings.ts';
import { PartitionMemory } from './partitions.ts';
import { Statements } from './statements.ts';

export class StreamState {
  readonly mirror: Mirror;
  readonly entities: Entities;
  readonly exclusions: Exclusions;
  readonly joins: Joins;
  readonly objects: ObjectStore;
  readonly owed: OwedProperties;
  readonly claims: Claims;
  readonly links: Links;
  readonly letters: Letters;
  readonly cursors: Cursors;
  readonly partitions: PartitionMemory;
  readonly absences: Absences;
  readonly owedReadings: OwedReadings;
  readonly #sql: Statements;

  /** `mapper` is the version that dead letters are marked with. */
  constructor(db: Database, stream: number, run: string, mapper: string, now: () => number) {
    const sql = new Statements(db, stream, run, now);
    this.#sql = sql;
    this.objects = new ObjectStore(sql);
    this.owed = new OwedProperties(sql);
    this.claims = new Claims(sql);
    this.entities = new Entities(sql);
    this.exclusions = new Exclusions(sql, this.entities, this.objects, this.claims);
    this.mirror = new Mirror(sql, this.entities, this.exclusions);
    this.joins = new Joins(sql);
    this.links = new Links(sql);
    this.letters = new Letters(sql, mapper);
    this.cursors = new Cursors(sql);
    this.partitions = new PartitionMemory(sql);
    this.absences = new Absences(sql);
    this.owedReadings = new OwedReadings(sql);
  }

  transaction<T>(work: () => T): T {
    return this.#sql.transaction(work);
  }
}
