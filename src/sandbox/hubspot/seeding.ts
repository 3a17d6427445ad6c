/** The portal is not empty: records that people made before the sandbox started. */
import { KINDS, kindOf, type ObjectName } from './kinds.ts';
import { defaultType } from './links.ts';
import type { ObjectRecord } from './store.ts';
import type { World } from './world.ts';

/**
 * Property values of one record. Two names are read apart: `createdate` (ISO) backdates it, and `associations` names
 * other seeded records by type and position, parted by `;`, such as `companies:12;deals:3`.
 */
type SeededRecord = Readonly<Record<string, string>>;

export type SeededRecords = Readonly<Partial<Record<Exclude<ObjectName, 'line_items'>, readonly SeededRecord[]>>>;

const YEAR_MS = 365 * 86_400_000;

/** Checks nothing: people may have left the portal in any state. */
export function seedRecords(world: World, seeded: SeededRecords): void {
  const made = new Map<string, ObjectRecord>();
  const wanted: { from: ObjectRecord; to: string }[] = [];
  for (const object of ['companies', 'contacts', 'deals', 'products'] as const) {
    for (const [index, { associations, createdate, ...properties }] of (seeded[object] ?? []).entries()) {
      const createdAtMs =
        createdate === undefined ? world.now() - Math.floor(world.random() * YEAR_MS) : Date.parse(createdate);
      const record = world.store.create(object, withDefaults(object, properties), 0, createdAtMs);
      made.set(`${object}:${index}`, record);
      for (const to of (associations ?? '').split(';')) if (to !== '') wanted.push({ from: record, to });
    }
  }
  for (const { from, to } of wanted) linkSeeded(world, from, made.get(spelled(to)), to);
}

const withDefaults = (object: ObjectName, properties: SeededRecord): SeededRecord =>
  object === 'contacts' ? { hs_marketable_status: 'false', ...properties } : properties;

function spelled(reference: string): string {
  const [type = '', index = ''] = reference.split(':');
  return `${kindOf(type)?.name ?? type}:${index}`;
}

function linkSeeded(world: World, from: ObjectRecord, to: ObjectRecord | undefined, reference: string): void {
  const type = to && defaultType(from.object, to.object);
  if (!to || !type)
    throw new Error(`a seeded ${KINDS[from.object].singular} is associated with '${reference}', which is not seeded`);
  world.links.addDefault(from, to, type);
}
