/**
 * Search: an index of its own that lags behind writes and never shows archived records.
 * Source: developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm
 */
import type { VendorReply } from '../http.ts';
import { invalidInput } from './errors.ts';
import { type Filter, magnitude, readFilter } from './filters.ts';
import { bodyRecord, isRecord, textList, textOf } from './json.ts';
import { KINDS, type ObjectName } from './kinds.ts';
import { present, readValue, shownNames } from './present.ts';
import type { ObjectRecord, Snapshot } from './store.ts';
import { type Call, needRead, type World } from './world.ts';

const BODY_CHARACTERS_MAX = 3000;
const GROUPS_MAX = 5;
const FILTERS_PER_GROUP_MAX = 6;
const FILTERS_MAX = 18;
const PAGE_MAX = 200;
const PAGE_DEFAULT = 10;
/** Results beyond this are out of reach of any page. */
const RESULTS_MAX = 10_000;

interface Found {
  readonly record: ObjectRecord;
  readonly seen: Snapshot;
}

interface Sort {
  readonly property: string;
  readonly descending: boolean;
}

export function search(world: World, call: Call, object: ObjectName): VendorReply {
  needRead(call, object);
  if (call.request.text.length > BODY_CHARACTERS_MAX) {
    throw invalidInput(`The request body is longer than ${BODY_CHARACTERS_MAX} characters.`);
  }
  const body = bodyRecord(call.request.body);
  const groups = readGroups(world, object, body.filterGroups);
  const sort = readSort(world, object, body.sorts);
  const { offset, limit } = readPage(body);
  const query = (textOf(body.query) ?? '').toLowerCase();
  const found = findAll(world, object, groups, query);
  if (sort) found.sort(order(world, object, sort));
  const names = shownNames(world, object, textList(body.properties));
  const results = found.slice(offset, offset + limit).map(({ record, seen }) => present(world, record, seen, names));
  const end = offset + limit;
  const paging = end < found.length ? { paging: { next: { after: String(end) } } } : {};
  return { status: 200, json: { total: found.length, results, ...paging } };
}

function findAll(world: World, object: ObjectName, groups: readonly (readonly Filter[])[], query: string): Found[] {
  const found: Found[] = [];
  const searchable = KINDS[object].searchableProperties;
  for (const record of world.store.all(object)) {
    const seen = world.store.asSearched(record);
    if (!seen || seen.archivedAtMs !== null) continue;
    const value = (name: string): string | undefined => readValue(world, record, seen, name);
    const passes =
      groups.length === 0 || groups.some((group) => group.every((filter) => filter.passes(value(filter.property))));
    if (!passes) continue;
    if (query !== '' && !searchable.some((name) => value(name)?.toLowerCase().includes(query))) continue;
    found.push({ record, seen });
  }
  return found;
}

function readGroups(world: World, object: ObjectName, given: unknown): readonly (readonly Filter[])[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw invalidInput('filterGroups must be a list.');
  if (given.length > GROUPS_MAX) throw invalidInput(`A search can have at most ${GROUPS_MAX} filter groups.`);
  const groups = given.map((group: unknown) => {
    const filters = isRecord(group) && Array.isArray(group.filters) ? group.filters : [];
    if (filters.length > FILTERS_PER_GROUP_MAX) {
      throw invalidInput(`A filter group can have at most ${FILTERS_PER_GROUP_MAX} filters.`);
    }
    return filters.map((filter: unknown) => readFilter(world, object, filter));
  });
  if (groups.flat().length > FILTERS_MAX) throw invalidInput(`A search can have at most ${FILTERS_MAX} filters.`);
  return groups;
}

/** `{propertyName, direction}`, or a name with a leading minus for descending. */
function readSort(world: World, object: ObjectName, given: unknown): Sort | null {
  if (!Array.isArray(given) || given.length === 0) return null;
  if (given.length > 1) throw invalidInput('A search can have at most one sort.');
  const sort: unknown = given[0];
  const text = typeof sort === 'string' ? sort : '';
  const parts = isRecord(sort)
    ? sort
    : { propertyName: text.replace(/^-/, ''), direction: text.startsWith('-') ? 'DESCENDING' : '' };
  const property = String(parts.propertyName ?? '');
  if (!world.schema.find(object, property)) throw invalidInput(`Cannot sort by unknown property ${property}.`);
  return { property, descending: parts.direction === 'DESCENDING' };
}

/** Empty values come last; equal ones keep the order of creation. */
function order(world: World, object: ObjectName, sort: Sort): (a: Found, b: Found) => number {
  const type = world.schema.find(object, sort.property)?.type;
  const numeric = type === 'number' || type === 'date' || type === 'datetime';
  const sign = sort.descending ? -1 : 1;
  return (a, b) => {
    const left = readValue(world, a.record, a.seen, sort.property);
    const right = readValue(world, b.record, b.seen, sort.property);
    if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? 1 : -1;
    if (numeric) return sign * (magnitude(left) - magnitude(right));
    return left === right ? 0 : sign * (left < right ? -1 : 1);
  };
}

function readPage(body: Readonly<Record<string, unknown>>): { offset: number; limit: number } {
  const limit = Number(body.limit ?? PAGE_DEFAULT);
  if (!Number.isInteger(limit) || limit < 0 || limit > PAGE_MAX)
    throw invalidInput(`limit must be at most ${PAGE_MAX}.`);
  const offset = Number(body.after || 0);
  if (!Number.isInteger(offset) || offset < 0) throw invalidInput('after must be an integer.');
  if (offset + limit > RESULTS_MAX) {
    throw invalidInput(`Paging past ${RESULTS_MAX} results is not supported: narrow the search.`);
  }
  return { offset, limit };
}
