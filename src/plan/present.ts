/** What HubSpot has now of everything that a run would write: one batch read for each hundred, and the adoption reads. */
import pLimit from 'p-limit';
import type { Adoption, Write } from '../pipe.ts';
import { adoptionFinder } from '../sinks/hubspot/adoption.ts';
import { batchRead, type FoundRecord } from '../sinks/hubspot/batch-read.ts';
import { sameValue } from '../sinks/hubspot/same-value.ts';
import type { Transport } from '../sinks/hubspot/transport.ts';
import type { PlanEntry } from './document.ts';

/** Keys of one batch read. */
const BATCH = 100;
/** Batch reads in flight: HubSpot's limit per ten seconds is the bound that counts. */
const IN_FLIGHT = 5;

/** In the order of the writes. Throws TransientError when HubSpot gave no complete answer. */
export async function entriesOf(
  writes: readonly Write[],
  transport: Transport,
  adopt: boolean,
  signal: AbortSignal,
): Promise<PlanEntry[]> {
  const present = new Map<string, FoundRecord>();
  const adoptions = new Map<string, Adoption>();
  const limit = pLimit(IN_FLIGHT);
  const groups = [...Map.groupBy(writes, (write) => `${write.object} ${write.keyProperty}`).values()];
  const find = adopt ? adoptionFinder(transport) : null;
  for (const group of groups) {
    await Promise.all(chunks(group).map((chunk) => limit(() => readByKey(chunk, present, transport, signal))));
    const unborn = group.filter((write) => !present.has(nameOf(write))).map((write) => ({ ...write, hubspotId: null }));
    if (find === null || unborn.length === 0) continue;
    const found = await find(unborn, signal);
    for (const [key, adoption] of found)
      adoptions.set(nameOf({ object: unborn[0]?.object ?? 'products', key }), adoption);
    await readAdopted(unborn, adoptions, present, transport, signal);
  }
  return writes.map((write) => entryOf(write, present.get(nameOf(write)), adoptions.get(nameOf(write))));
}

const nameOf = ({ object, key }: Pick<Write, 'object' | 'key'>): string => `${object} ${key}`;

const chunks = (writes: readonly Write[]): Write[][] =>
  Array.from({ length: Math.ceil(writes.length / BATCH) }, (_, nth) => writes.slice(nth * BATCH, (nth + 1) * BATCH));

const namesOf = (writes: readonly Write[]): string[] => [
  ...new Set(writes.flatMap(({ properties }) => Object.keys(properties))),
];

async function readByKey(
  chunk: readonly Write[],
  present: Map<string, FoundRecord>,
  transport: Transport,
  signal: AbortSignal,
): Promise<void> {
  const [first] = chunk;
  if (!first) return;
  const { object, keyProperty } = first;
  const keys = chunk.map(({ key }) => key);
  const found = await batchRead(transport, object, keyProperty, keys, namesOf(chunk), signal);
  for (const [key, record] of found) present.set(nameOf({ object, key }), record);
}

/** What people made is read by its id: it has no key of ours yet. */
async function readAdopted(
  unborn: readonly Write[],
  adoptions: ReadonlyMap<string, Adoption>,
  present: Map<string, FoundRecord>,
  transport: Transport,
  signal: AbortSignal,
): Promise<void> {
  const taken = unborn.flatMap((write) => {
    const adoption = adoptions.get(nameOf(write));
    return adoption?.kind === 'adopted' ? [{ write, id: adoption.hubspotId }] : [];
  });
  const [first] = taken;
  if (!first) return;
  const ids = taken.map(({ id }) => id);
  const names = namesOf(taken.map(({ write }) => write));
  const found = await batchRead(transport, first.write.object, null, ids, names, signal);
  for (const { write, id } of taken) {
    const record = found.get(id);
    if (record) present.set(nameOf(write), record);
  }
}

function entryOf(write: Write, found: FoundRecord | undefined, adoption: Adoption | undefined): PlanEntry {
  const { object, key, keyProperty, properties } = write;
  const before = Object.fromEntries(Object.keys(properties).map((name) => [name, found?.properties[name] ?? null]));
  const action =
    adoption?.kind === 'adopted' ? 'adopt' : adoption ? 'unclear' : found === undefined ? 'create' : 'update';
  return { object, key, keyProperty, action, hubspotId: found?.hubspotId ?? null, before, after: { ...properties } };
}

export interface Change {
  readonly name: string;
  readonly before: string | null;
  readonly after: string;
}

/** The values that the write would change, as HubSpot compares them. */
export const changesOf = ({ before, after }: PlanEntry): Change[] =>
  Object.entries(after)
    .filter(([name, value]) => !sameValue(name, value, before[name] ?? null))
    .map(([name, value]) => ({ name, before: before[name] ?? null, after: value }));
