/**
 * Batch create, update, read and archive of records; each takes a hundred inputs at most.
 * Source: developers.hubspot.com/docs/guides/crm (the objects guide it links)
 */
import type { VendorReply } from '../http.ts';
import { batchReply, batchStatus, noContent } from './answers.ts';
import { checkRow } from './checks.ts';
import { invalidInput, notFound, Refusal, valuesBody } from './errors.ts';
import { batchInputs, bodyRecord, idOf, textList, textOf } from './json.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import { applyLinks, linkInputs, type NewLink } from './newlinks.ts';
import { present, readValue, type ShownRecord, shownNames } from './present.ts';
import { createFromRow, findClashes, type Row, settleBatch, traceIdOf } from './rows.ts';
import type { ObjectRecord, Snapshot } from './store.ts';
import { usableIdProperty } from './upsert.ts';
import { type Call, needRead, needWrite, type RowError, shuffled, type World } from './world.ts';

const INPUTS_MAX = 100;

export function batchCreate(world: World, call: Call, object: ObjectName): VendorReply {
  needWrite(call, object);
  const links = new Map<Row, readonly NewLink[]>();
  const rows = batchInputs(call.request.body, INPUTS_MAX).map((input) => {
    const row = {
      traceId: traceIdOf(input),
      target: null,
      missingId: null,
      ...checkRow(world, call.route.version, object, input.properties, null),
    };
    links.set(row, linkInputs(world, object, input.associations));
    return row;
  });
  return settleBatch(world, call, object, 'create', rows, (row) => {
    const record = createFromRow(world, call, object, row.changes);
    applyLinks(world, record, links.get(row) ?? []);
    return record;
  });
}

export function batchUpdate(world: World, call: Call, object: ObjectName): VendorReply {
  needWrite(call, object);
  const rows = batchInputs(call.request.body, INPUTS_MAX).map((input): Row => {
    const id = idOf(input.id);
    if (id === null) throw invalidInput('Some required fields were not set: [id]');
    const traceId = traceIdOf(input);
    const target = findRecord(world, object, id, textOf(input.idProperty));
    if (!target) return { traceId, target: null, missingId: id, changes: {}, problems: [], warnings: [] };
    const checked = checkRow(world, call.route.version, object, input.properties, target);
    return { traceId, target, missingId: null, ...checked };
  });
  refuseRepeatedTargets(rows);
  return settleBatch(world, call, object, 'update', rows, (row) => {
    if (!row.target) throw notFound('resource not found');
    return world.store.update(row.target, row.changes, call.request.number);
  });
}

function refuseRepeatedTargets(rows: readonly Row[]): void {
  const ids = rows.flatMap((row) => (row.target ? [row.target.id] : []));
  const repeated = [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))];
  if (repeated.length === 0) return;
  const message = `Duplicate IDs found in batch input: [${repeated.join(', ')}]. IDs must be unique`;
  throw invalidInput(message, { context: { ids: repeated } });
}

/** A live record by HubSpot's id, or by a unique property when one is named. @throws Refusal 400 for any other property. */
export function findRecord(
  world: World,
  object: ObjectName,
  id: string,
  idProperty: string | null,
): ObjectRecord | undefined {
  if (idProperty === null || idProperty === '') return world.store.findLive(object, id);
  return world.store.findByKey(object, usableIdProperty(world, object, idProperty), id);
}

/**
 * By id or unique property; `archived=true` reads only the recycle bin. Missing ids are told in `errors`, once.
 * Cannot return associations.
 */
export function batchRead(world: World, call: Call, object: ObjectName): VendorReply {
  needRead(call, object);
  const startedAtMs = world.now();
  const body = bodyRecord(call.request.body);
  const archived = call.request.url.searchParams.get('archived') === 'true';
  const idProperty = textOf(body.idProperty) || null;
  const names = shownNames(world, object, textList(body.properties));
  const histories = textList(body.propertiesWithHistory);
  const found = new Map<string, unknown>();
  const missing: string[] = [];
  for (const input of batchInputs(body, INPUTS_MAX)) {
    const id = idOf(input.id);
    if (id === null) throw invalidInput('Some required fields were not set: [id]');
    const shown = readOne(world, object, id, idProperty, archived, names, histories);
    if (shown) found.set(shown.id, shown);
    else missing.push(id);
  }
  const errors = missing.length > 0 ? [missingError(object, missing)] : [];
  const status = batchStatus(world, call.route.version, 'read', errors.length > 0);
  return batchReply(world, status, startedAtMs, shuffled([...found.values()], world.random), errors);
}

function readOne(
  world: World,
  object: ObjectName,
  id: string,
  idProperty: string | null,
  archived: boolean,
  names: readonly string[],
  histories: readonly string[],
): ShownRecord | null {
  const record = archived ? findArchived(world, object, id, idProperty) : findAny(world, object, id, idProperty);
  const seen = record ? world.store.asRead(record) : null;
  if (!record || !seen || (seen.archivedAtMs !== null) !== archived) return null;
  const shown = present(world, record, seen, names);
  return histories.length === 0
    ? shown
    : Object.assign(shown, { propertiesWithHistory: lastValues(world, record, seen, histories) });
}

function findAny(world: World, object: ObjectName, id: string, idProperty: string | null): ObjectRecord | undefined {
  return idProperty === null ? world.store.find(object, id) : findRecord(world, object, id, idProperty);
}

function findArchived(
  world: World,
  object: ObjectName,
  id: string,
  idProperty: string | null,
): ObjectRecord | undefined {
  if (idProperty === null) return world.store.find(object, id);
  return world.store.findArchivedByKey(object, usableIdProperty(world, object, idProperty), id);
}

/** The sandbox keeps no history: the current value stands for it. */
function lastValues(world: World, record: ObjectRecord, seen: Snapshot, names: readonly string[]): unknown {
  const timestamp = new Date(seen.updatedAtMs).toISOString();
  return Object.fromEntries(
    names.map((name) => {
      const value = readValue(world, record, seen, name);
      return [name, value === undefined ? [] : [{ value, timestamp, sourceType: 'INTEGRATION' }]];
    }),
  );
}

const missingError = (object: ObjectName, ids: readonly string[]): RowError => ({
  status: 'error',
  category: 'OBJECT_NOT_FOUND',
  message: `Could not get some ${KINDS[object].singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
  context: { ids },
});

/** 204 whether or not the ids are known, unless switched: not documented. */
export function batchArchive(world: World, call: Call, object: ObjectName): VendorReply {
  needWrite(call, object);
  const ids = batchInputs(call.request.body, INPUTS_MAX).map((input) => idOf(input.id) ?? '');
  const records = ids.map((id) => world.store.findLive(object, id));
  if (world.switches.archiveUnknown === 'reject' && records.includes(undefined)) {
    throw notFound('Some objects were not found.', { context: { ids: ids.filter((_, index) => !records[index]) } });
  }
  world.locks.check(object, ids.length, world.switches.lock423AfterWrites, world.now());
  for (const record of records) if (record) archiveRecord(world, call, record);
  return noContent;
}

export function archiveRecord(world: World, call: Call, record: ObjectRecord): void {
  world.store.archive(record, call.request.number);
  world.links.drop(record);
}

/** For the single-record routes: the row, or the refusal its batch would have met. */
export function soundRow(
  world: World,
  call: Call,
  object: ObjectName,
  properties: unknown,
  target: ObjectRecord | null,
): Row {
  const row = {
    traceId: null,
    target,
    missingId: null,
    ...checkRow(world, call.route.version, object, properties, target),
  };
  if (row.problems.length > 0) throw new Refusal(400, valuesBody(row.problems, world.portal.id));
  const clash = findClashes(world, object, [row]).get(row);
  if (clash) throw clash;
  world.locks.check(object, 1, world.switches.lock423AfterWrites, world.now());
  return row;
}
