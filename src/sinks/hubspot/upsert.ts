/** The sink: upserts by a unique property, and updates by record id. */
import { randomUUID } from 'node:crypto';
import { canonicalJson } from '../../fingerprint.ts';
import type { ObjectType, Outcome, Sink, Write } from '../../pipe.ts';
import { BATCH_MAX, type Item, writeAll } from './batch-write.ts';
import type { Transport } from './transport.ts';

export interface SinkOptions {
  readonly transport: Transport;
  /** Unique strings; seeded where a run must be repeatable. */
  readonly traceIds?: () => string;
  readonly concurrency?: number;
}

/**
 * Upserts through `batch/upsert` with a trace id per input. See `Sink` for the contract; outcomes of `refused` carry
 * HubSpot's category (or `HTTP_400` and the like, or `DUPLICATE_KEY`).
 */
export function hubspotSink({ transport, traceIds = randomUUID, concurrency = 10 }: SinkOptions): Sink {
  return {
    batchSize: BATCH_MAX,
    concurrency,
    async write(writes, signal) {
      const outcomes = new Map<string, Outcome>();
      for (const { object, keyProperty, group } of byTarget(writes)) {
        const { items, contradictions } = distinct(group);
        for (const key of contradictions) outcomes.set(key, CONTRADICTION);
        const target = { transport, object, action: 'upsert', idProperty: keyProperty, traceId: traceIds } as const;
        for (const [key, outcome] of await writeAll(target, items, signal)) outcomes.set(key, outcome);
      }
      return outcomes;
    },
  };
}

/** Updates existing records; one outcome per id. Ids must be distinct. Throws as `Sink.write` does. */
export async function batchUpdateById(
  transport: Transport,
  object: ObjectType,
  updates: readonly { readonly id: string; readonly properties: Readonly<Record<string, string>> }[],
  signal: AbortSignal,
  traceIds: () => string = randomUUID,
): Promise<ReadonlyMap<string, Outcome>> {
  const items = updates.map(({ id, properties }) => ({ key: id, properties }));
  return await writeAll({ transport, object, action: 'update', idProperty: null, traceId: traceIds }, items, signal);
}

const CONTRADICTION: Outcome = {
  kind: 'refused',
  category: 'DUPLICATE_KEY',
  reason: 'two different contents for one key in one batch; neither was sent',
};

interface Group {
  readonly object: ObjectType;
  readonly keyProperty: string;
  readonly group: readonly Write[];
}

/** A request holds one object type and one key property. */
function byTarget(writes: readonly Write[]): readonly Group[] {
  const groups = new Map<string, Write[]>();
  for (const write of writes) {
    const name = `${write.object} ${write.keyProperty}`;
    const group = groups.get(name);
    if (group) group.push(write);
    else groups.set(name, [write]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ object: first.object, keyProperty: first.keyProperty, group }] : [];
  });
}

/** HubSpot refuses a whole batch for one repeated key: equal ones are sent once, different ones not at all. */
function distinct(writes: readonly Write[]): { items: readonly Item[]; contradictions: ReadonlySet<string> } {
  const items = new Map<string, Item>();
  const contradictions = new Set<string>();
  for (const { key, properties } of writes) {
    const earlier = items.get(key);
    if (earlier && canonicalJson(earlier.properties) !== canonicalJson(properties)) contradictions.add(key);
    items.set(key, { key, properties });
  }
  return { items: [...items.values()].filter((item) => !contradictions.has(item.key)), contradictions };
}
