/** What the state says HubSpot acknowledged, against what HubSpot answers: by key, in batch reads, in canonical form. */
import pLimit from 'p-limit';
import * as z from 'zod';
import type { PropertySpec } from '../pipe.ts';
import { batchRead, type FoundRecord } from '../sinks/hubspot/batch-read.ts';
import type { Shelf } from '../sinks/hubspot/listing.ts';
import { sameValue } from '../sinks/hubspot/same-value.ts';
import type { ExpectedObject } from '../state/reconciliation.ts';
import type { PropertyDifference } from './difference.ts';

export interface Compared {
  readonly expected: ExpectedObject;
  /** Null when no object has the key. */
  readonly hubspotId: string | null;
  /** Of properties that the source owns. */
  readonly changed: readonly PropertyDifference[];
  /** Properties that differ and are people's by now: information, nothing to repair. */
  readonly leftToPeople: readonly string[];
}

/** Inputs of one batch read. */
const BATCH = 100;
/** Batch reads in flight: HubSpot's limit per ten seconds is the bound that counts. */
const IN_FLIGHT = 5;

/** Reads these objects and compares them, in the order given. */
export async function compare(
  shelf: Shelf,
  specs: readonly PropertySpec[],
  expected: readonly ExpectedObject[],
  signal: AbortSignal,
): Promise<readonly Compared[]> {
  const limit = pLimit(IN_FLIGHT);
  const batches = Array.from({ length: Math.ceil(expected.length / BATCH) }, (_, nth) =>
    expected.slice(nth * BATCH, (nth + 1) * BATCH),
  );
  const compared = await Promise.all(batches.map((batch) => limit(() => compareBatch(shelf, specs, batch, signal))));
  return compared.flat();
}

async function compareBatch(
  { transport, object, keyProperty }: Shelf,
  specs: readonly PropertySpec[],
  batch: readonly ExpectedObject[],
  signal: AbortSignal,
): Promise<Compared[]> {
  const owners = new Map(
    specs.filter((spec) => spec.object === object && spec.name !== keyProperty).map(({ name, owner }) => [name, owner]),
  );
  const keys = batch.map((one) => one.key);
  const found = await batchRead(transport, object, keyProperty, keys, [...owners.keys()], signal);
  return batch.map((expected) => {
    const record = found.get(expected.key);
    if (record === undefined) return { expected, hubspotId: null, changed: [], leftToPeople: [] };
    const differing = differences(expected, record).filter(({ name }) => owners.has(name));
    return {
      expected,
      hubspotId: record.hubspotId,
      changed: differing.filter(({ name }) => owners.get(name) === 'source'),
      leftToPeople: differing.filter(({ name }) => owners.get(name) !== 'source').map(({ name }) => name),
    };
  });
}

const contentSchema = z.record(z.string(), z.string());

function differences(expected: ExpectedObject, { properties }: FoundRecord): PropertyDifference[] {
  const withheld = withheldFrom(expected);
  return Object.entries(contentSchema.parse(JSON.parse(expected.properties)))
    .filter(([name, value]) => !withheld.has(name) && !sameValue(name, value, properties[name]))
    .map(([name, value]) => ({ name, expected: value, found: properties[name] ?? null }));
}

/** What was left out of the write because another object has it: its absence was acknowledged too. */
function withheldFrom({ fingerprint }: ExpectedObject): ReadonlySet<string> {
  const names = / without (.+)$/.exec(fingerprint)?.[1] ?? '';
  return new Set(names.split(','));
}
