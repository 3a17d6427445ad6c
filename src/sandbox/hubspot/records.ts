/** One record at a time: create, read, change, archive, list, merge. Source: developers.hubspot.com/docs/guides/crm (the objects guide it links) */
import type { VendorReply } from '../http.ts';
import { noContent, pageOf } from './answers.ts';
import { archiveRecord, findRecord, soundRow } from './batches.ts';
import { invalidInput, notFound } from './errors.ts';
import { bodyRecord, idOf, queryList } from './json.ts';
import type { ObjectName } from './kinds.ts';
import { applyLinks, linkInputs } from './newlinks.ts';
import { present, shownNames } from './present.ts';
import { createFromRow } from './rows.ts';
import type { ObjectRecord } from './store.ts';
import { type Call, needRead, needWrite, type World } from './world.ts';

const LIST_MAX = 100;
const LIST_DEFAULT = 10;

export function createRecord(world: World, call: Call, object: ObjectName): VendorReply {
  needWrite(call, object);
  const body = bodyRecord(call.request.body);
  const links = linkInputs(world, object, body.associations);
  const row = soundRow(world, call, object, body.properties, null);
  const record = createFromRow(world, call, object, row.changes);
  applyLinks(world, record, links);
  return { status: 201, json: present(world, record, record, shownNames(world, object, Object.keys(row.changes))) };
}

export function readRecord(world: World, call: Call, object: ObjectName, id: string): VendorReply {
  needRead(call, object);
  const query = call.request.url.searchParams;
  const archived = query.get('archived') === 'true';
  const record = archived ? world.store.find(object, id) : findRecord(world, object, id, query.get('idProperty'));
  const seen = record ? world.store.asRead(record) : null;
  if (!record || !seen || (seen.archivedAtMs !== null) !== archived) throw notFound('resource not found');
  const shown = present(world, record, seen, shownNames(world, object, queryList(query, 'properties')));
  return { status: 200, json: shown };
}

export function updateRecord(world: World, call: Call, object: ObjectName, id: string): VendorReply {
  needWrite(call, object);
  const target = findRecord(world, object, id, call.request.url.searchParams.get('idProperty'));
  if (!target) throw notFound('resource not found');
  const row = soundRow(world, call, object, bodyRecord(call.request.body).properties, target);
  const record = world.store.update(target, row.changes, call.request.number);
  return { status: 200, json: present(world, record, record, shownNames(world, object, Object.keys(row.changes))) };
}

export function archiveOne(world: World, call: Call, object: ObjectName, id: string): VendorReply {
  needWrite(call, object);
  const record = world.store.findLive(object, id);
  if (!record && world.switches.archiveUnknown === 'reject') throw notFound('resource not found');
  if (record) archiveRecord(world, call, record);
  return noContent;
}

/** Pages by an id cursor; the last page has no `paging`. */
export function listRecords(world: World, call: Call, object: ObjectName): VendorReply {
  needRead(call, object);
  const query = call.request.url.searchParams;
  const limit = Number(query.get('limit') ?? LIST_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX) {
    throw invalidInput(`limit must be between 1 and ${LIST_MAX}.`);
  }
  const after = Number(query.get('after') ?? 0);
  if (!Number.isFinite(after)) throw invalidInput('after is not a valid cursor.');
  const archived = query.get('archived') === 'true';
  const names = shownNames(world, object, queryList(query, 'properties'));
  const found: ObjectRecord[] = [];
  for (const record of world.store.after(object, after)) {
    if ((record.archivedAtMs !== null) === archived) found.push(record);
    if (found.length > limit) break;
  }
  const { page, paging } = pageOf(found, limit, (record) => record.id);
  const results = page.map((record) => present(world, record, record, names));
  return { status: 200, json: { results, ...paging } };
}

/**
 * The survivor gets a new id unless a beta keeps the primary's; it lists the ids it consumed.
 * Source: developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide (merge)
 */
export function mergeRecords(world: World, call: Call, object: ObjectName): VendorReply {
  needWrite(call, object);
  const body = bodyRecord(call.request.body);
  const primary = world.store.findLive(object, idOf(body.primaryObjectId) ?? '');
  const loser = world.store.findLive(object, idOf(body.objectIdToMerge) ?? '');
  if (!primary || !loser || primary === loser) throw notFound('resource not found');
  const keepsId = world.switches.mergeKeepsPrimaryId;
  const properties = mergedProperties(object, primary, loser, keepsId);
  const survivor = world.store.merge(primary, loser, properties, call.request.number, keepsId);
  world.links.move(loser, survivor);
  if (!keepsId) world.links.move(primary, survivor);
  return { status: 200, json: present(world, survivor, survivor, shownNames(world, object, ['hs_merged_object_ids'])) };
}

/** The primary's values win, the loser's fill its gaps; a second e-mail becomes an additional one. */
function mergedProperties(
  object: ObjectName,
  primary: ObjectRecord,
  loser: ObjectRecord,
  keepsId: boolean,
): Readonly<Record<string, string>> {
  const consumed = [primary, loser].flatMap((record) => (record.properties.hs_merged_object_ids ?? '').split(';'));
  const ids = [...consumed, ...(keepsId ? [] : [primary.id]), loser.id].filter((id) => id !== '');
  const merged: Readonly<Record<string, string>> = {
    ...loser.properties,
    ...primary.properties,
    hs_merged_object_ids: ids.join(';'),
  };
  if (object !== 'contacts') return merged;
  const emails = [
    loser.properties.email,
    primary.properties.hs_additional_emails,
    loser.properties.hs_additional_emails,
  ]
    .flatMap((text) => (text ?? '').split(';'))
    .filter((email) => email !== '' && email !== merged.email);
  return { ...merged, hs_additional_emails: [...new Set(emails)].join(';') };
}
