/** A record as an answer shows it. */
import { instantText } from './json.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import type { ObjectRecord, Snapshot } from './store.ts';
import type { World } from './world.ts';

export interface ShownRecord {
  readonly id: string;
  readonly properties: Readonly<Record<string, string | null>>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly archived: boolean;
  readonly archivedAt?: string;
  readonly url: string;
}

/** A property's value, computed ones included; undefined when it is empty. */
export function readValue(world: World, record: ObjectRecord, seen: Snapshot, name: string): string | undefined {
  const stored = seen.properties[name];
  if (stored !== undefined) return stored;
  switch (name) {
    case 'hs_object_id':
      return record.id;
    case 'createdate':
    case 'hs_createdate':
      return instantText(record.createdAtMs);
    case 'lastmodifieddate':
      return record.object === 'contacts' ? instantText(seen.updatedAtMs) : undefined;
    case 'hs_lastmodifieddate':
      return instantText(seen.updatedAtMs);
    case 'hs_is_closed':
    case 'hs_is_closed_won':
      return record.object === 'deals' ? closedState(world, seen, name) : undefined;
    default:
      return undefined;
  }
}

function closedState(world: World, seen: Snapshot, name: string): string {
  const stages = world.pipelines.find(seen.properties.pipeline ?? '')?.stages ?? [];
  const metadata = stages.find((stage) => stage.id === seen.properties.dealstage)?.metadata;
  const closed = metadata?.isClosed === 'true';
  return String(name === 'hs_is_closed' ? closed : closed && Number(metadata?.probability) === 1);
}

/** Names asked for and defined; the object's defaults when none were asked for. Ids and times always come along. */
export function shownNames(world: World, object: ObjectName, asked: readonly string[]): readonly string[] {
  const kind = KINDS[object];
  const wanted =
    asked.length === 0 ? kind.defaultProperties : [...asked, 'hs_object_id', 'createdate', kind.modifiedProperty];
  return [...new Set(wanted)].filter((name) => world.schema.find(object, name));
}

/** A defined but empty property is null; an undefined one is absent. @param names from `shownNames`. */
export function present(world: World, record: ObjectRecord, seen: Snapshot, names: readonly string[]): ShownRecord {
  const properties: Record<string, string | null> = {};
  for (const name of names) properties[name] = readValue(world, record, seen, name) ?? null;
  return {
    id: record.id,
    properties,
    createdAt: instantText(record.createdAtMs),
    updatedAt: instantText(seen.updatedAtMs),
    archived: seen.archivedAtMs !== null,
    ...(seen.archivedAtMs === null ? {} : { archivedAt: instantText(seen.archivedAtMs) }),
    url: `https://app.hubspot.com/contacts/${world.portal.id}/record/${KINDS[record.object].typeId}/${record.id}`,
  };
}
