/** The merchant's locations, in groups that SearchOrders takes, those apart that the token may not read. */
import { EXIT, FatalError } from '../../errors.ts';
import { digest } from '../../fingerprint.ts';
import type { Partition } from '../../pipe.ts';
import { type Fields, fieldsIn, textOrNull } from './exact-json.ts';
import { ForbiddenError } from './verdict.ts';
import type { Wire } from './wire.ts';

export interface Location {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

/** SearchOrders takes at most this many (developer.squareup.com/reference/square/orders-api/search-orders). */
const LOCATIONS_A_SEARCH = 10;

/**
 * All locations, closed ones too because they hold old orders, or those configured. Oldest first: a new shop then
 * joins the last group and leaves the others, and the cursors that hang on them, alone.
 */
export async function listLocations(wire: Wire, only: readonly string[], signal: AbortSignal): Promise<Location[]> {
  const body = await askLocations(wire, signal);
  const all = fieldsIn(body.locations)
    .flatMap(locationOf)
    .toSorted((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? -1 : 1));
  const unknown = only.filter((id) => !all.some((location) => location.id === id));
  if (unknown.length > 0) {
    throw new FatalError(
      EXIT.usage,
      `Square has no location ${unknown.join(', ')} for this token`,
      'correct SQUARE_LOCATION_IDS; leave it empty for all locations',
    );
  }
  if (all.length === 0) {
    throw new FatalError(
      EXIT.gate,
      'Square listed no locations: nothing could be read, which is no success',
      'run `retail-sync doctor` to see which merchant the token belongs to',
    );
  }
  return only.length === 0 ? all : all.filter((location) => only.includes(location.id));
}

async function askLocations(wire: Wire, signal: AbortSignal): Promise<Fields> {
  try {
    return await wire.call('locations.list', (client, options) => client.locations.list(options), signal);
  } catch (error) {
    if (!(error instanceof ForbiddenError)) throw error;
    throw new FatalError(
      EXIT.access,
      `${error.message}: the token lacks the scope MERCHANT_PROFILE_READ`,
      'grant the scope in the Square developer dashboard, then run `retail-sync doctor`',
      { cause: error },
    );
  }
}

function locationOf(fields: Fields): Location[] {
  const id = textOrNull(fields.id);
  const name = textOrNull(fields.name) ?? id ?? '';
  return id === null ? [] : [{ id, name, createdAt: textOrNull(fields.created_at) ?? '' }];
}

/** Groups that can be read, and each location that cannot as one of its own: reading it will say so. */
export async function* groupLocations(
  wire: Wire,
  locations: readonly Location[],
  signal: AbortSignal,
): AsyncGenerator<Location[], void, undefined> {
  let readable = 0;
  const forbidden: Location[] = [];
  for (let index = 0; index < locations.length; index += LOCATIONS_A_SEARCH) {
    const group = locations.slice(index, index + LOCATIONS_A_SEARCH);
    const unreadable = await findForbidden(wire, group, signal);
    forbidden.push(...unreadable);
    const rest = group.filter((location) => !unreadable.includes(location));
    readable += rest.length;
    if (rest.length > 0) yield rest;
  }
  if (readable === 0) throw noneReadable(locations.length);
  for (const location of forbidden) yield [location];
}

const noneReadable = (count: number): FatalError =>
  new FatalError(
    EXIT.access,
    `Square forbids to read orders of all ${count} locations: the token lacks the scope ORDERS_READ`,
    'grant the scope in the Square developer dashboard, then run `retail-sync doctor`',
  );

/** Which of these fail a search: one unreadable location forbids the whole call, so the group is halved until found. */
export async function findForbidden(
  wire: Wire,
  group: readonly Location[],
  signal: AbortSignal,
): Promise<readonly Location[]> {
  if (group.length === 0 || (await isReadable(wire, group, signal))) return [];
  if (group.length === 1) return group;
  const half = Math.ceil(group.length / 2);
  const first = await findForbidden(wire, group.slice(0, half), signal);
  return [...first, ...(await findForbidden(wire, group.slice(half), signal))];
}

async function isReadable(wire: Wire, group: readonly Location[], signal: AbortSignal): Promise<boolean> {
  const request = { locationIds: group.map((location) => location.id), limit: 1, returnEntries: true };
  try {
    await wire.call('orders.search', (client, options) => client.orders.search(request, options), signal);
    return true;
  } catch (error) {
    if (error instanceof ForbiddenError) return false;
    throw error;
  }
}

/** The key names the set of locations, whatever their order. */
export function partitionOf(group: readonly Location[]): Partition {
  const ids = group.map((location) => location.id).sort();
  const [first = ''] = ids;
  const names = group.map((location) => location.name);
  return {
    key: ids.length === 1 ? first : `${first}+${ids.length - 1}-${digest(ids.join(',')).slice(0, 8)}`,
    label: names.join(', '),
    filter: { locations: ids.join(',') },
  };
}

export const locationIdsOf = (partition: Partition): string[] =>
  (partition.filter.locations ?? '').split(',').filter((id) => id !== '');
