/**
 * Properties and property groups over HTTP.
 * Source: developers.hubspot.com/docs/api-reference/crm-properties-v3/guide; answers to repeated names, archived names and
 * changed uniqueness as observed in developer test accounts.
 */
import type { VendorReply } from '../http.ts';
import { batchReply, noContent } from './answers.ts';
import { knownKind } from './associations.ts';
import { changedProperty, newProperty } from './definitions.ts';
import { conflict, invalidInput, methodNotAllowed, Refusal } from './errors.ts';
import { batchInputs, bodyRecord, instantText, textOf } from './json.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import type { PropertyDefinition, PropertyGroup } from './schema.ts';
import { type Call, needScope, type RowError, type World } from './world.ts';

/** Not documented for properties; the records' limit is assumed. */
const INPUTS_MAX = 100;

/** `{type}`, `{type}/{name}`, `{type}/batch/{action}`, `{type}/groups[/{name}]` */
export function propertyRoute(world: World, call: Call): VendorReply {
  const [type = '', name, action] = call.route.rest;
  const object = knownKind(type).name;
  const reading = call.request.method === 'GET' || (name === 'batch' && action === 'read');
  needScope(call, reading ? KINDS[object].schemaReadScopes : KINDS[object].schemaWriteScopes);
  if (name === 'groups') return groupRoute(world, call, object, action);
  if (name === 'batch') return batchRoute(world, call, object, action ?? '');
  return name === undefined ? collectionRoute(world, call, object) : propertyByName(world, call, object, name);
}

function collectionRoute(world: World, call: Call, object: ObjectName): VendorReply {
  if (call.request.method === 'POST') {
    const property = addProperty(world, call, object, call.request.body);
    return { status: 201, json: shownProperty(property) };
  }
  if (call.request.method !== 'GET') throw methodNotAllowed();
  const query = call.request.url.searchParams;
  const sensitive = (query.get('dataSensitivity') ?? 'non_sensitive') !== 'non_sensitive';
  const listed = world.schema.list(object, query.get('archived') === 'true');
  return {
    status: 200,
    json: { results: listed.filter((property) => property.sensitive === sensitive).map(shownProperty) },
  };
}

function addProperty(world: World, call: Call, object: ObjectName, draft: unknown): PropertyDefinition {
  const property = newProperty(world, call.route.version, object, draft);
  if (world.schema.customCount(object) >= world.switches.customPropertiesMax) {
    throw invalidInput(`The limit of ${world.switches.customPropertiesMax} custom properties is reached.`);
  }
  world.schema.add(object, property);
  if (property.hasUniqueValue) world.store.reindex();
  return property;
}

function propertyByName(world: World, call: Call, object: ObjectName, name: string): VendorReply {
  switch (call.request.method) {
    case 'GET':
      return readProperty(world, call, object, name);
    case 'PATCH': {
      const changed = changedProperty(world, world.schema.get(object, name), call.request.body);
      world.schema.replace(object, changed);
      return { status: 200, json: shownProperty(changed) };
    }
    case 'DELETE':
      archiveProperty(world, object, name);
      return noContent;
    default:
      throw methodNotAllowed();
  }
}

function readProperty(world: World, call: Call, object: ObjectName, name: string): VendorReply {
  const archived = call.request.url.searchParams.get('archived') === 'true';
  const found = archived ? world.schema.list(object, true).find((property) => property.name === name) : null;
  return { status: 200, json: shownProperty(found ?? world.schema.get(object, name)) };
}

function archiveProperty(world: World, object: ObjectName, name: string): void {
  const unique = world.schema.find(object, name)?.hasUniqueValue;
  world.schema.archive(object, name, world.now());
  if (unique) world.store.reindex();
}

function batchRoute(world: World, call: Call, object: ObjectName, action: string): VendorReply {
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const startedAtMs = world.now();
  const inputs = batchInputs(call.request.body, INPUTS_MAX);
  if (action === 'archive') {
    for (const input of inputs) archiveProperty(world, object, textOf(input.name) ?? '');
    return noContent;
  }
  if (action !== 'create' && action !== 'read') throw methodNotAllowed();
  const results: unknown[] = [];
  const errors: RowError[] = [];
  for (const input of inputs) {
    const name = textOf(input.name) ?? '';
    try {
      results.push(
        shownProperty(action === 'create' ? addProperty(world, call, object, input) : world.schema.get(object, name)),
      );
    } catch (thrown) {
      errors.push(rowError(thrown, name));
    }
  }
  // The September 2026 files list 201 and 207 for property batches in every version.
  const status = errors.length > 0 ? 207 : action === 'create' ? 201 : 200;
  return batchReply(world, status, startedAtMs, results, errors);
}

function rowError(thrown: unknown, name: string): RowError {
  if (!(thrown instanceof Refusal)) throw thrown;
  const { message, category = 'VALIDATION_ERROR', subCategory } = thrown.body;
  const context = { name: [name] };
  return { status: 'error', category, message, context, ...(subCategory === undefined ? {} : { subCategory }) };
}

function groupRoute(world: World, call: Call, object: ObjectName, name: string | undefined): VendorReply {
  const { method } = call.request;
  if (name === undefined) {
    if (method === 'GET') return { status: 200, json: { results: world.schema.groups(object).map(shownGroup) } };
    if (method !== 'POST') throw methodNotAllowed();
    const group = newGroup(world, object, call.request.body);
    return { status: 201, json: shownGroup(group) };
  }
  if (method === 'DELETE') {
    world.schema.archiveGroup(object, name);
    return noContent;
  }
  if (method !== 'GET' && method !== 'PATCH') throw methodNotAllowed();
  const group = world.schema.group(object, name);
  if (method === 'GET') return { status: 200, json: shownGroup(group) };
  const body = bodyRecord(call.request.body);
  const label = textOf(body.label) ?? group.label;
  const changed = { ...group, label, displayOrder: Number(body.displayOrder ?? group.displayOrder) };
  world.schema.putGroup(object, changed);
  return { status: 200, json: shownGroup(changed) };
}

function newGroup(world: World, object: ObjectName, draft: unknown): PropertyGroup {
  const body = bodyRecord(draft);
  const [name, label] = [textOf(body.name), textOf(body.label)];
  if (!name || !label) throw invalidInput('Some required fields were not set: [name, label]');
  if (world.schema.hasGroup(object, name)) {
    throw conflict(`A property group named '${name}' already exists.`, {
      category: 'OBJECT_ALREADY_EXISTS',
      subCategory: 'Properties.GROUP_WITH_NAME_EXISTS',
    });
  }
  const group = { name, label, displayOrder: Number(body.displayOrder ?? -1) };
  world.schema.putGroup(object, group);
  return group;
}

const shownGroup = (group: PropertyGroup) => ({ ...group, archived: false });

function shownProperty(property: PropertyDefinition) {
  const { createdAtMs, updatedAtMs, archivedAtMs, readOnlyValue, sensitive, ...shown } = property;
  return {
    ...shown,
    calculated: false,
    archived: archivedAtMs !== null,
    ...(archivedAtMs === null ? {} : { archivedAt: instantText(archivedAtMs) }),
    createdAt: instantText(createdAtMs),
    updatedAt: instantText(updatedAtMs),
    dataSensitivity: sensitive ? 'sensitive' : 'non_sensitive',
    modificationMetadata: {
      archivable: !property.hubspotDefined,
      readOnlyDefinition: property.hubspotDefined,
      readOnlyValue,
      readOnlyOptions: false,
    },
  };
}
