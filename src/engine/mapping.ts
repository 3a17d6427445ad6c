/** From mirrored records to decisions: parse, join, map, decide. */
import { type Decision, decide } from '../decide.ts';
import type { Facts, Issue, Joined, JoinedRow, Mapped, Mapping, ObjectType, Source, Upsert } from '../pipe.ts';
import type { KnownObject, MirroredRecord, StreamState } from '../state/stream.ts';

/** Mirrored rows of another pipe by record id; ids it does not hold are left out. */
export type JoinLookup = (pipe: string, ids: readonly string[]) => ReadonlyMap<string, JoinedRow>;

export interface MapperOptions<E> {
  readonly source: Pick<Source, 'canonical'>;
  readonly mapping: Mapping<E>;
  readonly facts: Facts;
  readonly state: StreamState;
  readonly join: JoinLookup;
}

/** An entity with all that its settling needs. */
export interface Decided {
  readonly entity: string;
  readonly records: readonly string[];
  /** The records' payloads as one JSON array, for a dead letter. */
  readonly raw: string;
  readonly decision: Decision;
  /** How many upserts it maps to. */
  readonly upserts: number;
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
};

export class EntityMapper<E> {
  readonly #options: MapperOptions<E>;

  constructor(options: MapperOptions<E>) {
    this.#options = options;
  }

  /** Decides entities from what the mirror holds of them. Synchronous: nothing changes between reading and deciding. */
  decideAll(entities: readonly string[]): Decided[] {
    const { state, mapping } = this.#options;
    const records = state.recordsOf(entities);
    const mapped = this.#mapAll(entities, records);
    const known = this.#recall([...mapped.values()].flatMap(upsertsOf));
    return entities.map((entity) => {
      const rows = records.get(entity) ?? [];
      const result = mapped.get(entity) ?? { kind: 'invalid', issues: [{ path: '', message: 'not mapped' }] };
      const upserts = upsertsOf(result);
      const collision = result.kind === 'upserts' ? this.#collision(entity, upserts) : null;
      return {
        entity,
        records: rows.map((row) => row.id),
        raw: `[${rows.map((row) => row.raw).join(',')}]`,
        decision: collision ?? decide(result, mapping.properties, (upsert) => known(upsert.object, upsert.key)),
        upserts: upserts.length,
        recall: known,
      };
    });
  }

  #mapAll(entities: readonly string[], records: ReadonlyMap<string, readonly MirroredRecord[]>): Map<string, Mapped> {
    const parsed = new Map(entities.map((entity) => [entity, this.#parse(records.get(entity) ?? [])]));
    const join = this.#joiner([...parsed.values()].flatMap((result) => ('issues' in result ? [] : result.values)));
    return new Map(
      [...parsed].map(([entity, result]) => [
        entity,
        'issues' in result
          ? { kind: 'invalid', issues: result.issues }
          : this.#options.mapping.map(result.values, result.values.map(join), this.#options.facts),
      ]),
    );
  }

  #parse(rows: readonly MirroredRecord[]): { values: E[] } | { issues: Issue[] } {
    const values: E[] = [];
    const issues: Issue[] = [];
    for (const row of rows) {
      const result = this.#options.mapping.schema.safeParse(this.#options.source.canonical(JSON.parse(row.raw)));
      if (result.success) values.push(result.data);
      else {
        const prefix = rows.length > 1 ? `${row.id} ` : '';
        issues.push(...result.error.issues.map((issue) => ({ path: prefix + issue.path.join('.'), message: issue.message })));
      }
    }
    if (rows.length === 0) issues.push({ path: '', message: 'no payload is kept of any of its records' });
    return issues.length > 0 ? { issues } : { values };
  }

  /** One look-up per joined pipe for all entities of a batch. */
  #joiner(values: readonly E[]): (value: E) => Joined[number] {
    const joins = Object.entries(this.#options.mapping.joins ?? {}).map(([name, { pipe, by }]) => {
      const ids = new Set(values.map((value) => fieldOf(value, by)).filter((id) => id !== undefined));
      return { name, by, rows: this.#options.join(pipe, [...ids]) };
    });
    return (value) =>
      Object.fromEntries(joins.map(({ name, by, rows }) => [name, rows.get(fieldOf(value, by) ?? '')]));
  }

  #recall(upserts: readonly Upsert[]): (object: ObjectType, key: string) => KnownObject {
    const keys = new Map<ObjectType, string[]>();
    for (const { object, key } of upserts) {
      const list = keys.get(object);
      if (list) list.push(key);
      else keys.set(object, [key]);
    }
    const known = new Map([...keys].map(([object, list]) => [object, this.#options.state.objects(object, list)]));
    return (object, key) => known.get(object)?.get(key) ?? UNKNOWN;
  }

  /** Two ids that people would take for one: none is guessed, both become dead letters. */
  #collision(entity: string, upserts: readonly Upsert[]): Decision | null {
    const { state } = this.#options;
    const issues: Issue[] = [];
    for (const { object, key } of upserts) {
      state.claim(object, key, entity);
      for (const rival of state.rivals(object, key)) {
        issues.push({
          path: 'id',
          message: `the key ${key} of ${object} differs from ${rival.key} only in case, width or spaces`,
        });
        state.reopenClean(rival.entity);
      }
    }
    return issues.length > 0 ? { kind: 'rejected', issues } : null;
  }
}

const upsertsOf = (mapped: Mapped): readonly Upsert[] =>
  mapped.kind === 'upserts' ? mapped.upserts : mapped.kind === 'excluded' ? (mapped.farewell ?? []) : [];

function fieldOf(value: unknown, field: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, field);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
