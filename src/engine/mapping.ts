/** From mirrored records to decisions: parse, join, map, settle who owns what, decide. */
import { type Decision, decide, type Resolve } from '../decide.ts';
import type { Facts, Issue, Mapped, Mapping, ObjectType, Upsert } from '../pipe.ts';
import { DELETED_AT_SOURCE } from '../state/absences.ts';
import type { Claims, ExclusiveValue } from '../state/claims.ts';
import type { MirroredRecord } from '../state/mirror.ts';
import type { KnownObject } from '../state/objects.ts';
import type { StreamState } from '../state/stream.ts';
import type { FreshPage } from './fresh.ts';
import { type JoinLookup, joiner } from './joining.ts';

export interface MapperOptions<E> {
  readonly fresh: FreshPage;
  readonly mapping: Mapping<E>;
  readonly facts: Facts;
  readonly state: StreamState;
  readonly join: JoinLookup;
  readonly resolve: Resolve;
}

/** An entity with all that its settling needs. */
export interface Decided {
  readonly entity: string;
  readonly records: readonly string[];
  /** The records' payloads as one JSON array, for a dead letter. */
  readonly raw: string;
  readonly decision: Decision;
  readonly upserts: readonly Upsert[];
  readonly notes: readonly string[];
  readonly sums: Readonly<Record<string, string>>;
  readonly recall: (object: ObjectType, key: string) => KnownObject;
}

const UNKNOWN: KnownObject = {
  fingerprint: null,
  intent: null,
  intentAtMs: null,
  late: null,
  lateUntilMs: null,
  owed: null,
  hubspotId: null,
  properties: null,
  undone: null,
};

export class EntityMapper<E> {
  readonly #options: MapperOptions<E>;
  readonly #keyProperties: ReadonlyMap<ObjectType, string>;
  readonly #exclusive: readonly { object: ObjectType; name: string }[];

  constructor(options: MapperOptions<E>) {
    this.#options = options;
    const { properties } = options.mapping;
    this.#keyProperties = new Map(properties.filter((spec) => spec.unique).map((spec) => [spec.object, spec.name]));
    this.#exclusive = properties.filter((spec) => spec.exclusive);
  }

  /** Whether who gets what can only be told when every entity has been mapped once. */
  get needsOverview(): boolean {
    return this.#exclusive.length > 0;
  }

  /** Decides entities from what the mirror holds of them. Synchronous: nothing changes between reading and deciding. */
  decideAll(entities: readonly string[]): Decided[] {
    const { state, mapping, resolve } = this.#options;
    const records = state.mirror.recordsOf(entities);
    const mapped = this.#mapAll(entities, records);
    const deleted = new Map(
      entities.flatMap((entity) => {
        const ids = records.get(entity)?.length === 0 ? state.absences.recordsOfDeleted(entity) : null;
        return ids === null ? [] : [[entity, ids] as const];
      }),
    );
    for (const entity of deleted.keys()) mapped.set(entity, this.#farewell(entity));
    // What is deleted at the source still stands in HubSpot, with its key and its e-mail.
    const isStanding = (entity: string): boolean => deleted.has(entity) && state.objects.ofEntity(entity).length > 0;
    this.#claim(
      [...mapped].filter(([entity]) => !isStanding(entity)),
      records,
    );
    const upserts = [...mapped.values()].flatMap(upsertsOf);
    const recall = this.#recall(upserts);
    const standing = state.claims.standings(upserts);
    return entities.map((entity) => {
      const rows = records.get(entity) ?? [];
      const result = this.#own(entity, mapped.get(entity) ?? NOT_MAPPED, standing);
      return {
        entity,
        records: deleted.get(entity) ?? rows.map((row) => row.id),
        raw: `[${rows.map((row) => row.raw).join(',')}]`,
        decision: decide(result, {
          specs: mapping.properties,
          resolve,
          recall: ({ object, key }) => recall(object, key),
        }),
        upserts: upsertsOf(result),
        notes: result.kind === 'upserts' ? (result.notes ?? []) : [],
        sums: result.kind === 'excluded' ? (result.sums ?? {}) : {},
        recall,
      };
    });
  }

  #mapAll(entities: readonly string[], records: ReadonlyMap<string, readonly MirroredRecord[]>): Map<string, Mapped> {
    const { mapping, facts, join } = this.#options;
    const parsed = new Map(entities.map((entity) => [entity, this.#parse(records.get(entity) ?? [])]));
    const values = [...parsed.values()].flatMap((result) => ('issues' in result ? [] : result.values));
    const joined = joiner(mapping.joins, join, values);
    return new Map(
      [...parsed].map(([entity, result]) => [
        entity,
        'issues' in result
          ? { kind: 'invalid', issues: result.issues }
          : mapping.map(result.values, result.values.map(joined.rows), facts, entity),
      ]),
    );
  }

  /** Of an entity all of whose records the source has deleted: every object of it that is still its own. */
  #farewell(entity: string): Mapped {
    const { state, mapping } = this.#options;
    const farewell = state.objects.ofEntity(entity).flatMap((left): Upsert[] => {
      const properties = mapping.deleted?.(left) ?? null;
      const upsert = { object: left.object, key: left.key, properties: properties ?? {} };
      const isOwn = (state.claims.standings([upsert])(upsert).owner ?? entity) === entity;
      return properties !== null && isOwn ? [upsert] : [];
    });
    return { kind: 'excluded', rule: DELETED_AT_SOURCE, farewell };
  }

  #parse(rows: readonly MirroredRecord[]): { values: E[] } | { issues: Issue[] } {
    const { mapping, fresh } = this.#options;
    const values: E[] = [];
    const issues: Issue[] = [];
    for (const row of rows) {
      const result = mapping.schema.safeParse(fresh.of(row.raw));
      if (result.success) values.push(result.data);
      else {
        const prefix = rows.length > 1 ? `${row.id} ` : '';
        issues.push(
          ...result.error.issues.map((issue) => ({ path: prefix + issue.path.join('.'), message: issue.message })),
        );
      }
    }
    if (rows.length === 0) issues.push({ path: '', message: 'no payload is kept of any of its records' });
    return issues.length > 0 ? { issues } : { values };
  }

  #recall(upserts: readonly Upsert[]): (object: ObjectType, key: string) => KnownObject {
    const keys = new Map<ObjectType, string[]>();
    for (const { object, key } of upserts) {
      const list = keys.get(object);
      if (list) list.push(key);
      else keys.set(object, [key]);
    }
    const { objects } = this.#options.state;
    const known = new Map(
      [...keys].map(([object, list]) => [object, objects.recall(object, this.#keyProperties.get(object) ?? '', list)]),
    );
    return (object, key) => known.get(object)?.get(key) ?? UNKNOWN;
  }

  /** Notes which keys and exclusive values these entities map to; whom that concerns is decided once more. */
  #claim(
    mapped: readonly (readonly [string, Mapped])[],
    records: ReadonlyMap<string, readonly MirroredRecord[]>,
  ): void {
    const { state } = this.#options;
    const entries = mapped.map(([entity, result]) => {
      const upserts = result.kind === 'upserts' ? result.upserts : [];
      const modifiedAt = (records.get(entity) ?? []).reduce(
        (latest, row) => (row.modifiedAt > latest ? row.modifiedAt : latest),
        '',
      );
      return { entity, modifiedAt, claims: upserts, values: upserts.flatMap((upsert) => this.#valuesOf(upsert)) };
    });
    for (const other of state.claims.replace(entries)) state.entities.reopenDecided(other);
  }

  #valuesOf({ object, key, properties }: Upsert): ExclusiveValue[] {
    return this.#exclusive
      .filter((spec) => spec.object === object)
      .map(({ name }) => ({ object, key, property: name, value: properties[name] ?? '' }))
      .filter(({ value }) => value !== '');
  }

  /**
   * What of a mapping is this entity's to write. Two spellings of one key are a collision and none is guessed; a key
   * that another entity changed later is that one's; a value that only one object may hold goes to the smallest key.
   */
  #own(entity: string, mapped: Mapped, standing: ReturnType<Claims['standings']>): Mapped {
    if (mapped.kind !== 'upserts') return mapped;
    const standings = mapped.upserts.map((upsert) => ({ upsert, ...standing(upsert) }));
    const issues = standings.flatMap(({ upsert, otherSpelling }): Issue[] => {
      const message = `the key ${upsert.key} of ${upsert.object} differs from ${otherSpelling} only in case, width or spaces`;
      return otherSpelling === null ? [] : [{ path: 'id', message }];
    });
    if (issues.length > 0) return { kind: 'invalid', issues };
    const upserts = standings
      .filter(({ owner }) => (owner ?? entity) === entity)
      .map(({ upsert }) => this.#withoutTakenValues(upsert));
    return { ...mapped, upserts };
  }

  #withoutTakenValues(upsert: Upsert): Upsert {
    const { claims } = this.#options.state;
    const taken = this.#exclusive.filter(({ object, name }) => {
      const value = upsert.properties[name];
      if (object !== upsert.object || !value) return false;
      return claims.holder({ object, property: name, value, key: upsert.key }) !== upsert.key;
    });
    if (taken.length === 0) return upsert;
    const cleared = Object.fromEntries(taken.map(({ name }) => [name, '']));
    return { ...upsert, properties: { ...upsert.properties, ...cleared } };
  }
}

const NOT_MAPPED: Mapped = { kind: 'invalid', issues: [{ path: '', message: 'not mapped' }] };

const upsertsOf = (mapped: Mapped): readonly Upsert[] =>
  mapped.kind === 'upserts' ? mapped.upserts : mapped.kind === 'excluded' ? (mapped.farewell ?? []) : [];
