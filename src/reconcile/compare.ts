/** What the state says HubSpot acknowledged, against what HubSpot answers: by key, in batch reads, in canonical form. */
import pLimit from 'p-limit';
import * as z from 'zod';
import type { PropertySpec } from '../pipe.ts';
import { batchRead, type FoundRecord } from '../sinks/hubspot/batch-read.ts';
import { lookUp, type Shelf } from '../sinks/hubspot/listing.ts';
import { sameValue } from '../sinks/hubspot/same-value.ts';
import { type ExpectedObject, withheldFrom } from '../state/reconciliation.ts';
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
  shelf: Shelf,
  specs: readonly PropertySpec[],
  batch: readonly ExpectedObject[],
  signal: AbortSignal,
): Promise<Compared[]> {
  const { transport, object, keyProperty } = shelf;
  const owners = new Map(
    specs.filter((spec) => spec.object === object && spec.name !== keyProperty).map(({ name, owner }) => [name, owner]),
  );
  const keys = batch.map((one) => one.key);
  const found = await batchRead(transport, object, keyProperty, keys, [...owners.keys()], signal);
  const pairs = batch.map((expected) => ({ expected, record: found.get(expected.key) }));
  const lacking = pairs.flatMap(({ expected, record }) => (record ? withheldOf(expected, record) : []));
  const free = await freeOf(shelf, lacking, signal);
  return pairs.map(({ expected, record }) => {
    if (record === undefined) return { expected, hubspotId: null, changed: [], leftToPeople: [] };
    const writable = withheldOf(expected, record).filter((one) => free.has(nameOf(one)));
    const differing = [...differences(expected, record), ...writable].filter(({ name }) => owners.has(name));
    return {
      expected,
      hubspotId: record.hubspotId,
      changed: differing.filter(({ name }) => owners.get(name) === 'source'),
      leftToPeople: differing.filter(({ name }) => owners.get(name) !== 'source').map(({ name }) => name),
    };
  });
}

const contentSchema = z.record(z.string(), z.string());

const allDifferences = (expected: ExpectedObject, { properties }: FoundRecord): PropertyDifference[] =>
  Object.entries(contentSchema.parse(JSON.parse(expected.properties)))
    .filter(([name, value]) => !sameValue(name, value, properties[name]))
    .map(([name, value]) => ({ name, expected: value, found: properties[name] ?? null }));

const differences = (expected: ExpectedObject, record: FoundRecord): PropertyDifference[] =>
  allDifferences(expected, record).filter(({ name }) => !withheldFrom(expected.fingerprint).includes(name));

/** Left out of the write because another object had the value: no difference, as long as that one keeps it. */
const withheldOf = (expected: ExpectedObject, record: FoundRecord): PropertyDifference[] =>
  allDifferences(expected, record).filter(({ name }) => withheldFrom(expected.fingerprint).includes(name));

const nameOf = ({ name, expected }: PropertyDifference): string => `${name} ${expected}`;

/** Of withheld values those that no object has any more, as names. */
async function freeOf(
  shelf: Shelf,
  withheld: readonly PropertyDifference[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const free = new Set<string>();
  for (const [idProperty, all] of Map.groupBy(withheld, ({ name }) => name)) {
    const values = [...new Set(all.map(({ expected }) => expected))];
    for (const value of await unheld(shelf, idProperty, values, signal)) free.add(`${idProperty} ${value}`);
  }
  return free;
}

/**
 * A contact answers to its second e-mail as well and shows its first: which of many values was found cannot be told, so
 * they are halved until all or none are there.
 */
async function unheld(
  shelf: Shelf,
  idProperty: string,
  values: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { length } = await lookUp(shelf, { idProperty, values, archived: false }, signal);
  if (length === 0) return values;
  if (values.length === 1 || length >= values.length) return [];
  const half = Math.ceil(values.length / 2);
  return [
    ...(await unheld(shelf, idProperty, values.slice(0, half), signal)),
    ...(await unheld(shelf, idProperty, values.slice(half), signal)),
  ];
}
