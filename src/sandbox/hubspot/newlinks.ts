/** Associations a creation brings along: `associations: [{to: {id}, types: [{associationCategory, associationTypeId}]}]`. */
import { invalidInput } from './errors.ts';
import { idOf, isRecord, numberOf } from './json.ts';
import { OBJECT_NAMES, type ObjectName } from './kinds.ts';
import { type LinkType, typeFor } from './links.ts';
import type { ObjectRecord } from './store.ts';
import type { World } from './world.ts';

export interface NewLink {
  readonly to: ObjectRecord;
  readonly types: readonly LinkType[];
}

/** @throws Refusal 400 for an unknown record or a type of the wrong direction. */
export function linkInputs(world: World, from: ObjectName, associations: unknown): readonly NewLink[] {
  if (!Array.isArray(associations)) return [];
  return associations.map((association: unknown) => {
    const parts = isRecord(association) ? association : {};
    const id = isRecord(parts.to) ? idOf(parts.to.id) : null;
    const to = OBJECT_NAMES.map((object) => world.store.findLive(object, id ?? '')).find(
      (record) => record !== undefined,
    );
    if (!to) throw invalidInput(`Associated object ${id} was not found.`);
    return { to, types: readTypes(parts.types, from, to.object) };
  });
}

/** @throws Refusal 400 for a type id that does not lead from one object to the other. */
export function readTypes(types: unknown, from: ObjectName, to: ObjectName): readonly LinkType[] {
  if (!Array.isArray(types) || types.length === 0) throw invalidInput('Some required fields were not set: [types]');
  return types.map((given: unknown) => {
    const id = isRecord(given) ? numberOf(given.associationTypeId) : null;
    const ours = isRecord(given) && given.associationCategory === 'HUBSPOT_DEFINED';
    const type = id === null || !ours ? undefined : typeFor(from, to, id);
    if (type) return type;
    throw invalidInput(`Association type ${id} is not valid from ${from} to ${to}.`);
  });
}

export function applyLinks(world: World, from: ObjectRecord, links: readonly NewLink[]): void {
  for (const { to, types } of links)
    if (world.links.setLabels(from, to, types)) world.store.journal.totals.associated++;
}
