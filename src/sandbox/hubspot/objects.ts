/** The objects resource: which operation a method and path name. */
import type { VendorReply } from '../http.ts';
import { knownKind, recordLinksRoute } from './associations.ts';
import { batchArchive, batchCreate, batchRead, batchUpdate } from './batches.ts';
import { methodNotAllowed, notFound } from './errors.ts';
import type { ObjectName } from './kinds.ts';
import { archiveOne, createRecord, listRecords, mergeRecords, readRecord, updateRecord } from './records.ts';
import { search } from './search.ts';
import { batchUpsert } from './upsert.ts';
import type { Call, World } from './world.ts';

type Operation = (world: World, call: Call, object: ObjectName) => VendorReply;

const BATCHES: ReadonlyMap<string, Operation> = new Map([
  ['upsert', batchUpsert],
  ['create', batchCreate],
  ['update', batchUpdate],
  ['read', batchRead],
  ['archive', batchArchive],
]);

/** `{type}`, `{type}/{id}`, `{type}/batch/{action}`, `{type}/search`, `{type}/merge`, `{type}/{id}/associations/…` */
export function objectRoute(world: World, call: Call): VendorReply {
  const [type = '', second, third, ...rest] = call.route.rest;
  const object = knownKind(type).name;
  const { method } = call.request;
  if (second === undefined) return collectionOperation(method)(world, call, object);
  if (third === 'associations') return recordLinksRoute(world, call, object, second, rest);
  if (second === 'batch') return posted(method, BATCHES.get(third ?? ''))(world, call, object);
  if (third !== undefined) throw notFound('resource not found');
  if (second === 'search') return posted(method, search)(world, call, object);
  if (second === 'merge') return posted(method, mergeRecords)(world, call, object);
  return recordOperation(world, call, object, second);
}

function collectionOperation(method: string): Operation {
  if (method === 'GET') return listRecords;
  return posted(method, createRecord);
}

function posted(method: string, operation: Operation | undefined): Operation {
  if (!operation) throw notFound('resource not found');
  if (method !== 'POST') throw methodNotAllowed();
  return operation;
}

function recordOperation(world: World, call: Call, object: ObjectName, id: string): VendorReply {
  switch (call.request.method) {
    case 'GET':
      return readRecord(world, call, object, id);
    case 'PATCH':
      return updateRecord(world, call, object, id);
    case 'DELETE':
      return archiveOne(world, call, object, id);
    default:
      throw methodNotAllowed();
  }
}
