/**
 * Associations in batches and one at a time.
 * Source: developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
 */
import type { VendorReply } from '../http.ts';
import { batchReply, noContent, pageOf } from './answers.ts';
import { invalidInput, methodNotAllowed, notFound, Refusal } from './errors.ts';
import { batchInputs, idOf, isRecord } from './json.ts';
import { KINDS, kindOf, type ObjectKind, type ObjectName } from './kinds.ts';
import { defaultType, type LinkType, labelOf } from './links.ts';
import { readTypes } from './newlinks.ts';
import type { ObjectRecord } from './store.ts';
import { type Call, needRead, needWrite, type RowError, shuffled, type World } from './world.ts';

const CREATE_MAX = 2000;
const READ_MAX = 1000;
const LINKS_PER_PAGE = 500;

type Input = Readonly<Record<string, unknown>>;

/** `{from}/{to}/batch/…` */
export function associationRoute(world: World, call: Call): VendorReply {
  const [fromText = '', toText = '', batch, ...action] = call.route.rest;
  if (batch !== 'batch' || call.request.method !== 'POST') throw methodNotAllowed();
  const from = knownKind(fromText).name;
  const to = knownKind(toText).name;
  switch (action.join('/')) {
    case 'associate/default':
      return associateDefault(world, call, from, to);
    case 'create':
      return associateLabelled(world, call, from, to);
    case 'read':
      return batchReadLinks(world, call, from, to);
    case 'archive':
      return batchUnlink(world, call, from, to);
    case 'labels/archive':
      return batchUnlabel(world, call, from, to);
    default:
      throw notFound('resource not found');
  }
}

export function knownKind(spelling: string): ObjectKind {
  const kind = kindOf(spelling);
  if (kind) return kind;
  throw invalidInput(`Unable to infer object type from: ${spelling}`);
}

/** There is none from line items to products: that link is the property `hs_product_id`. @throws Refusal 400 */
function neededDefault(from: ObjectName, to: ObjectName): LinkType {
  const type = defaultType(from, to);
  if (type) return type;
  throw invalidInput(`No association type exists between ${KINDS[from].typeId} and ${KINDS[to].typeId}.`);
}

interface Pair {
  readonly from: ObjectRecord;
  readonly to: ObjectRecord;
}

/** Rows whose two records exist, and errors for the others. */
function readPairs(
  world: World,
  inputs: readonly Input[],
  from: ObjectName,
  to: ObjectName,
): { pairs: readonly (Pair & { input: Input })[]; errors: readonly RowError[] } {
  const pairs: (Pair & { input: Input })[] = [];
  const errors: RowError[] = [];
  for (const input of inputs) {
    const ids = [endOf(input.from), endOf(input.to)] as const;
    const ends = { from: world.store.findLive(from, ids[0]), to: world.store.findLive(to, ids[1]) };
    if (ends.from && ends.to) pairs.push({ from: ends.from, to: ends.to, input });
    else errors.push(unknownRecord(ends.from ? to : from, ends.from ? ids[1] : ids[0]));
  }
  const [first] = errors;
  if (first && !world.switches.associateUnknownRowAs207) {
    throw new Refusal(400, { message: first.message, category: first.category, context: first.context });
  }
  return { pairs, errors };
}

function endOf(end: unknown): string {
  const id = isRecord(end) ? idOf(end.id) : null;
  if (id === null) throw invalidInput('Some required fields were not set: [from, to]');
  return id;
}

const unknownRecord = (object: ObjectName, id: string): RowError => ({
  status: 'error',
  category: 'OBJECT_NOT_FOUND',
  message: `${KINDS[object].singularLabel} with id ${id} was not found.`,
  context: { objectId: [id], objectTypeId: [KINDS[object].typeId] },
});

/** 200 even when rows failed; a repeat is a no-op. */
function associateDefault(world: World, call: Call, from: ObjectName, to: ObjectName): VendorReply {
  needWrite(call, from);
  needWrite(call, to);
  const startedAtMs = world.now();
  const type = neededDefault(from, to);
  const inputs = batchInputs(call.request.body, world.switches.associateDefaultMax);
  const { pairs, errors } = readPairs(world, inputs, from, to);
  const results = pairs.flatMap((pair) => linkByDefault(world, pair, type));
  return batchReply(world, 200, startedAtMs, shuffled(results, world.random), errors);
}

function linkByDefault(world: World, { from, to }: Pair, type: LinkType): readonly unknown[] {
  if (world.links.addDefault(from, to, type)) world.store.journal.totals.associated++;
  const there = { from: { id: from.id }, to: { id: to.id }, associationSpec: specOf(type.id) };
  if (!world.switches.associateDefaultBothWays) return [there];
  return [there, { from: { id: to.id }, to: { id: from.id }, associationSpec: specOf(type.inverse) }];
}

const specOf = (id: number) => ({ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: id });

/** Replaces the labels of each pair by those sent. */
function associateLabelled(world: World, call: Call, from: ObjectName, to: ObjectName): VendorReply {
  needWrite(call, from);
  needWrite(call, to);
  const startedAtMs = world.now();
  const inputs = batchInputs(call.request.body, CREATE_MAX);
  const typed = new Map(inputs.map((input) => [input, readTypes(input.types, from, to)]));
  const { pairs, errors } = readPairs(world, inputs, from, to);
  const results = pairs.map((pair) => linkByLabels(world, pair, typed.get(pair.input) ?? []));
  const likeV3 = call.route.version !== '2026-09' || world.switches.statuses202609 === 'like-v3';
  const status = likeV3 ? (errors.length > 0 ? 207 : 201) : 200;
  return batchReply(world, status, startedAtMs, shuffled(results, world.random), errors);
}

function linkByLabels(world: World, { from, to }: Pair, types: readonly LinkType[]): unknown {
  if (world.links.setLabels(from, to, types)) world.store.journal.totals.associated++;
  return {
    fromObjectTypeId: KINDS[from.object].typeId,
    fromObjectId: from.id,
    toObjectTypeId: KINDS[to.object].typeId,
    toObjectId: to.id,
    labels: types.flatMap((type) => type.label ?? []),
  };
}

/** Per input a page of its own; a record without links is an error row. */
function batchReadLinks(world: World, call: Call, from: ObjectName, to: ObjectName): VendorReply {
  needRead(call, from);
  needRead(call, to);
  const startedAtMs = world.now();
  const results: unknown[] = [];
  const errors: RowError[] = [];
  for (const input of batchInputs(call.request.body, READ_MAX)) {
    const id = idOf(input.id) ?? '';
    const record = world.store.findLive(from, id);
    const links = record ? shownLinks(world, record, to, idOf(input.after), LINKS_PER_PAGE) : null;
    if (links && links.to.length > 0) results.push({ from: { id }, ...links });
    else errors.push(noLinks(from, to, id));
  }
  const mixed = errors.length > 0 && (call.route.version !== '2026-09' || world.switches.statuses202609 === 'like-v3');
  return batchReply(world, mixed ? 207 : 200, startedAtMs, shuffled(results, world.random), errors);
}

const noLinks = (from: ObjectName, to: ObjectName, id: string): RowError => ({
  status: 'error',
  category: 'OBJECT_NOT_FOUND',
  subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
  message: `No ${KINDS[to].singular} is associated with ${KINDS[from].singular} ${id}.`,
  context: { fromObjectId: [id], fromObjectType: [KINDS[from].singular], toObjectType: [KINDS[to].singular] },
});

function shownLinks(world: World, from: ObjectRecord, to: ObjectName, after: string | null, limit: number) {
  const start = after === null ? 0 : Number(after);
  const links = [...world.links.of(from, to)]
    .filter(([id]) => Number(id) > start)
    .sort(([a], [b]) => Number(a) - Number(b));
  const { page, paging } = pageOf(links, limit, ([id]) => id);
  const shown = page.map(([toObjectId, types]) => ({
    toObjectId,
    associationTypes: [...types].map((typeId) => ({ category: 'HUBSPOT_DEFINED', typeId, label: labelOf(typeId) })),
  }));
  return { to: shown, ...paging };
}

/** 204 in v4, 200 from 2026-03 on. */
function unlinked(call: Call): VendorReply {
  return call.route.version === 'v3' ? noContent : { status: 200, json: { status: 'COMPLETE' } };
}

function batchUnlink(world: World, call: Call, from: ObjectName, to: ObjectName): VendorReply {
  needWrite(call, from);
  needWrite(call, to);
  for (const input of batchInputs(call.request.body, world.switches.associateDefaultMax)) {
    const targets: readonly unknown[] = Array.isArray(input.to) ? input.to : [input.to];
    for (const target of targets)
      unlink(world, { object: from, id: endOf(input.from) }, { object: to, id: endOf(target) });
  }
  return unlinked(call);
}

function unlink(world: World, from: { object: ObjectName; id: string }, to: { object: ObjectName; id: string }): void {
  if (world.links.remove(from, to)) world.store.journal.totals.unassociated++;
}

function batchUnlabel(world: World, call: Call, from: ObjectName, to: ObjectName): VendorReply {
  needWrite(call, from);
  needWrite(call, to);
  for (const input of batchInputs(call.request.body, world.switches.associateDefaultMax)) {
    const types = readTypes(input.types, from, to);
    const ends = [
      { object: from, id: endOf(input.from) },
      { object: to, id: endOf(input.to) },
    ] as const;
    if (world.links.removeTypes(...ends, types)) world.store.journal.totals.unassociated++;
  }
  return unlinked(call);
}

/** `{from}/{id}/associations/…` under the objects resource. @param rest what follows `associations`. */
export function recordLinksRoute(
  world: World,
  call: Call,
  from: ObjectName,
  id: string,
  rest: readonly string[],
): VendorReply {
  const byDefault = rest[0] === 'default';
  const [toText = '', toId] = byDefault ? rest.slice(1) : rest;
  const to = knownKind(toText).name;
  const record = world.store.findLive(from, id);
  if (!record) throw notFound('resource not found');
  if (call.request.method === 'GET' && toId === undefined) return listLinks(world, call, record, to);
  if (toId === undefined) throw methodNotAllowed();
  needWrite(call, from);
  needWrite(call, to);
  const target = world.store.findLive(to, toId);
  if (!target) throw notFound('resource not found');
  const pair = { from: record, to: target };
  if (call.request.method === 'DELETE') {
    unlink(world, record, target);
    return noContent;
  }
  if (call.request.method !== 'PUT') throw methodNotAllowed();
  if (!byDefault) return { status: 201, json: linkByLabels(world, pair, readTypes(call.request.body, from, to)) };
  return batchReply(world, 200, world.now(), linkByDefault(world, pair, neededDefault(from, to)), []);
}

function listLinks(world: World, call: Call, from: ObjectRecord, to: ObjectName): VendorReply {
  needRead(call, from.object);
  needRead(call, to);
  const query = call.request.url.searchParams;
  const limit = Math.min(Number(query.get('limit') ?? LINKS_PER_PAGE), LINKS_PER_PAGE);
  const { to: results, ...paging } = shownLinks(world, from, to, query.get('after'), limit);
  return { status: 200, json: { results, ...paging } };
}
