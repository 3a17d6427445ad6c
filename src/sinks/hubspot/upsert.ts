/** The sink: upserts by a unique property, updates by record id, links, and objects of other people taken over. */
import { randomUUID } from 'node:crypto';
import { canonicalJson } from '../../fingerprint.ts';
import type { KeyedObject, ObjectType, Outcome, Sink, Write } from '../../pipe.ts';
import { adopter } from './adoption.ts';
import { batchRead } from './batch-read.ts';
import { BATCH_MAX, type Item, updateById, writeAll } from './batch-write.ts';
import { writeContacts } from './email-conflict.ts';
import { makeLinks, removeLinks } from './links.ts';
import { listObjects, type Shelf } from './listing.ts';
import type { Transport } from './transport.ts';

export interface SinkOptions {
  readonly transport: Transport;
  /** Unique strings; seeded where a run must be repeatable. */
  readonly traceIds?: () => string;
  readonly concurrency?: number;
  /** False leaves `Sink.adopt` off: objects that people made are then never looked for. */
  readonly adopt?: boolean;
  /** Called with the key of each contact that was written without its e-mail, because another contact has it. */
  readonly onEmailConflict?: (key: string) => void;
}

/**
 * Upserts through `batch/upsert` with a trace id per input. See `Sink` for the contract; outcomes of `refused` carry
 * HubSpot's category (or `HTTP_400` and the like, or `DUPLICATE_KEY`). `read` and `adopt` throw TransientError when a
 * read got no complete answer. Throws an Error for a write of any `hs_marketable…` property.
 */
export function hubspotSink(options: SinkOptions): Sink {
  const { transport, traceIds = randomUUID, concurrency = 10 } = options;
  return {
    batchSize: BATCH_MAX,
    concurrency,
    write: (writes, signal) => upsert(options, traceIds, writes, signal),
    async read(object, ids, properties, signal) {
      const found = await batchRead(transport, object, null, ids, properties, signal);
      return new Map([...found].map(([id, record]) => [id, record.properties]));
    },
    async update(object, updates, signal) {
      const keyed = updates.map(({ id, properties }) => ({ key: id, properties }));
      const { items, outcomes } = distinct(keyed);
      const distinctUpdates = items.map(({ key, properties }) => ({ id: key, properties }));
      for (const [id, outcome] of await updateById(transport, object, distinctUpdates, traceIds, signal)) {
        outcomes.set(id, outcome);
      }
      return outcomes;
    },
    link: (links, signal) => makeLinks(transport, links, signal),
    unlink: (links, signal) => removeLinks(transport, links, signal),
    keyed: (object, keyProperty, signal) => keyed({ transport, object, keyProperty }, signal),
    ...(options.adopt === false ? {} : { adopt: adopter(transport, traceIds) }),
  };
}

async function* keyed(shelf: Shelf, signal: AbortSignal): AsyncGenerator<readonly KeyedObject[]> {
  for await (const page of listObjects(shelf, { archived: false }, signal))
    yield page.flatMap(({ key, hubspotId }) => (key === null ? [] : [{ key, hubspotId }]));
}

async function upsert(
  { transport, onEmailConflict = () => undefined }: SinkOptions,
  traceId: () => string,
  writes: readonly Write[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const { object, keyProperty, group } of byTarget(writes)) {
    const { items, outcomes: contradictions } = distinct(group);
    const target = { transport, object, action: 'upsert', idProperty: keyProperty, traceId } as const;
    const written =
      object === 'contacts'
        ? await writeContacts(target, items, onEmailConflict, signal)
        : await writeAll(target, items, signal);
    for (const [key, outcome] of [...contradictions, ...written]) outcomes.set(key, outcome);
  }
  return outcomes;
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
function distinct(writes: readonly Item[]): { items: readonly Item[]; outcomes: Map<string, Outcome> } {
  const items = new Map<string, Item>();
  const outcomes = new Map<string, Outcome>();
  for (const { key, properties } of writes) {
    const earlier = items.get(key);
    if (earlier && canonicalJson(earlier.properties) !== canonicalJson(properties)) outcomes.set(key, CONTRADICTION);
    items.set(key, { key, properties });
  }
  return { items: [...items.values()].filter((item) => !outcomes.has(item.key)), outcomes };
}
