/**
 * Batch upsert by a unique property.
 * Source: developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts
 */
import type { VendorReply } from '../http.ts';
import { checkRow } from './checks.ts';
import { invalidInput } from './errors.ts';
import { batchInputs, idOf, isRecord, textOf } from './json.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import { createFromRow, type Row, settleBatch, traceIdOf } from './rows.ts';
import type { ObjectRecord } from './store.ts';
import { type Call, needWrite, type World } from './world.ts';

const INPUTS_MAX = 100;

interface UpsertInput {
  readonly id: string;
  readonly idProperty: string;
  readonly traceId: string | null;
  readonly properties: unknown;
}

export function batchUpsert(world: World, call: Call, object: ObjectName): VendorReply {
  needWrite(call, object);
  const inputs = readInputs(world, call, object);
  refuseRepeatedIds(world, object, inputs);
  const rows = inputs.map((input) => rowOf(world, call, object, input));
  return settleBatch(world, call, object, 'upsert', rows, (row) => commit(world, call, object, row));
}

function readInputs(world: World, call: Call, object: ObjectName): readonly UpsertInput[] {
  const inputs = batchInputs(call.request.body, INPUTS_MAX).map((input) => {
    const id = idOf(input.id);
    if (id === null) throw invalidInput('Some required fields were not set: [id]');
    const idProperty = usableIdProperty(world, object, textOf(input.idProperty));
    return { id, idProperty, traceId: traceIdOf(input), properties: input.properties };
  });
  if (inputs.length === 0 && world.switches.emptyInputs === 'reject') {
    throw invalidInput('The batch request has no inputs.');
  }
  if (!world.switches.mixedIdProperties && new Set(inputs.map((input) => input.idProperty)).size > 1) {
    throw invalidInput('All inputs of a batch must use the same idProperty.');
  }
  return inputs;
}

/** `email` of contacts or a property made with unique values. @throws Refusal 400 for any other, `domain` included. */
export function usableIdProperty(world: World, object: ObjectName, name: string | null): string {
  if (name !== null && world.schema.uniqueNames(object).includes(name)) return name;
  throw invalidInput(
    `Unable to perform update/upsert by non-unique ${KINDS[object].typeId} property ${name} in portal ID ${world.portal.id}`,
  );
}

/** Refused whole, traced or not. */
function refuseRepeatedIds(world: World, object: ObjectName, inputs: readonly UpsertInput[]): void {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const input of inputs) {
    const key = `${input.idProperty}\n${world.store.keys.canonical(object, input.idProperty, input.id)}`;
    if (seen.has(key)) repeated.add(input.id);
    seen.add(key);
  }
  if (repeated.size === 0) return;
  const ids = [...repeated];
  throw invalidInput(`Duplicate IDs found in batch input: [${ids.join(', ')}]. IDs must be unique`, {
    context: { ids },
  });
}

function rowOf(world: World, call: Call, object: ObjectName, input: UpsertInput): Row {
  const target = targetOf(world, object, input);
  const checked = checkRow(world, call.route.version, object, withKey(world, input, target), target);
  const { changes, warnings } = checked;
  const problems = [...checked.problems];
  const partial = target && input.idProperty === 'email' ? leftOut(world, target, changes) : [];
  if (partial.length > 0 && world.switches.emailKeyPartial === 'refuse') {
    const message = 'Partial upserts are not supported with email as the idProperty.';
    problems.push({ property: 'email', code: 'PARTIAL_UPSERT_NOT_SUPPORTED', message });
  }
  if (world.switches.emailKeyPartial === 'blank') for (const name of partial) changes[name] = '';
  return { traceId: input.traceId, target, missingId: null, changes, problems, warnings };
}

function targetOf(world: World, object: ObjectName, input: UpsertInput): ObjectRecord | null {
  const live = world.store.findByKey(object, input.idProperty, input.id);
  if (live || world.switches.archivedKey !== 'revive') return live ?? null;
  return world.store.findArchivedByKey(object, input.idProperty, input.id) ?? null;
}

/** That a creation takes the key from `id` when `properties` lacks it is not documented for custom keys: a switch. */
function withKey(world: World, input: UpsertInput, target: ObjectRecord | null): unknown {
  const { properties, idProperty, id } = input;
  if (target || !world.switches.createFillsKey || !isRecord(properties)) return properties;
  return { [idProperty]: id, ...properties };
}

/** Properties the record has and the row does not name. */
function leftOut(world: World, target: ObjectRecord, changes: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(target.properties).filter((name) => {
    const property = world.schema.find(target.object, name);
    return property !== undefined && !property.readOnlyValue && name !== 'email' && !(name in changes);
  });
}

function commit(world: World, call: Call, object: ObjectName, row: Row): ObjectRecord {
  if (row.target === null) return createFromRow(world, call, object, row.changes);
  return world.store.update(row.target, row.changes, call.request.number);
}
