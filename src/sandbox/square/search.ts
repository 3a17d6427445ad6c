/** SearchOrders as documented (developer.squareup.com/reference/square/orders-api/search-orders). */
import * as z from 'zod';
import type { Cursors, Position } from './cursors.ts';
import { type Range, readRange } from './instants.ts';
import type { OrderJson, StoredOrder } from './model.ts';
import { badRequest, forbidden } from './refusal.ts';
import type { World } from './world.ts';

const LIMIT_DEFAULT = 500;
const LIMIT_MAX = 1_000;
const LOCATIONS_MAX = 10;

const range = z.object({ start_at: z.unknown().optional(), end_at: z.unknown().optional() });
const timeFilter = z.object({
  created_at: range.optional(),
  updated_at: range.optional(),
  closed_at: range.optional(),
});
const filterSchema = z.object({
  state_filter: z.object({ states: z.array(z.string()).min(1) }).optional(),
  date_time_filter: timeFilter.optional(),
  fulfillment_filter: z
    .object({ fulfillment_types: z.array(z.string()).optional(), fulfillment_states: z.array(z.string()).optional() })
    .optional(),
  source_filter: z.object({ source_names: z.array(z.string()).max(10).optional() }).optional(),
  customer_filter: z.object({ customer_ids: z.array(z.string()).max(10).optional() }).optional(),
});
const bodySchema = z.looseObject({
  location_ids: z.array(z.string()).nullish(),
  cursor: z.string().nullish(),
  limit: z.int().positive().nullish(),
  return_entries: z.boolean().nullish(),
  query: z
    .object({
      filter: filterSchema.optional(),
      sort: z
        .object({
          sort_field: z.enum(['CREATED_AT', 'UPDATED_AT', 'CLOSED_AT']),
          sort_order: z.enum(['ASC', 'DESC']).optional(),
        })
        .optional(),
    })
    .optional(),
});
type Body = z.infer<typeof bodySchema>;
type Field = 'created_at' | 'updated_at' | 'closed_at';

const FIELDS = { CREATED_AT: 'created_at', UPDATED_AT: 'updated_at', CLOSED_AT: 'closed_at' } as const;

export interface Search {
  readonly world: World;
  readonly cursors: Cursors;
  readonly token: string;
  readonly forbiddenLocations: ReadonlySet<string>;
}

/** The answer's JSON; throws a Refusal. */
export function searchOrders(search: Search, rawBody: unknown): Record<string, unknown> {
  const { world, cursors, token } = search;
  const switches = world.switches();
  const body = readBody(rawBody);
  checkLocations(search, body.location_ids ?? []);
  if (switches.misplacedKeys === 'refuse') checkKeys(body);
  const limit = readLimit(body.limit ?? LIMIT_DEFAULT, switches.overLimit);
  const resumed = body.cursor ? cursors.resume(body.cursor, body, token, world.now()) : null;
  const endMs = resumed?.endMs ?? world.now();
  const plan = switches.ignoreQuery ? NEWEST_FIRST : planOf(body, endMs);
  const rows = matching(world, body, plan).toSorted(byPlan(plan, switches.ties));
  const from = resumed ? startOf(rows, plan, resumed.position, switches) : 0;
  const size = Math.min(limit, switches.shortPages ?? limit);
  const page = rows.slice(from, from + size);
  const more = from + size < rows.length && !switches.dropCursor;
  const last = page.at(-1);
  const position = { offset: from + page.length, stampMs: last ? stampOf(last, plan.field) : 0, id: last?.id ?? '' };
  const cursor =
    switches.repeatCursor && body.cursor
      ? body.cursor
      : more
        ? cursors.issue({ body, token, endMs, position, issuedMs: world.now() })
        : null;
  return answer(page, body.return_entries === true, cursor, switches.emptyOrders);
}

function readBody(raw: unknown): Body {
  const parsed = bodySchema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badRequest('INVALID_VALUE', issue?.message ?? 'Invalid request.', issue?.path.join('.') ?? 'body');
}

function checkLocations(search: Search, ids: readonly string[]): void {
  if (ids.length === 0) throw badRequest('MISSING_REQUIRED_PARAMETER', 'Must provide at least 1 location_id');
  if (ids.length > LOCATIONS_MAX) throw badRequest('INVALID_VALUE', 'Cannot provide more than 10 location_ids.');
  const known = new Set(search.world.locations.map((location) => location.id));
  if (ids.some((id) => !known.has(id) || search.forbiddenLocations.has(id))) throw forbidden();
}

function checkKeys(body: Body): void {
  for (const key of ['filter', 'sort']) {
    if (key in body) throw badRequest('UNKNOWN_BODY_PARAMETER', `Unknown body parameter.`, key);
  }
}

function readLimit(limit: number, overLimit: 'clamp' | 'refuse'): number {
  if (limit > LIMIT_MAX && overLimit === 'refuse') throw badRequest('VALUE_TOO_HIGH', 'limit is too high.', 'limit');
  return Math.min(limit, LIMIT_MAX);
}

interface Plan {
  readonly field: Field;
  readonly descending: boolean;
  readonly range: Range | null;
  readonly filtered: boolean;
}
const NEWEST_FIRST: Plan = { field: 'created_at', descending: true, range: null, filtered: false };

/** One time filter at most, sorted by the same field; closed_at only among closed states. */
function planOf(body: Body, endMs: number): Plan {
  const filter = body.query?.filter;
  const sort = body.query?.sort;
  const ranges = Object.entries(filter?.date_time_filter ?? {}).filter(([, value]) => value !== undefined);
  if (ranges.length > 1)
    throw badRequest('BAD_REQUEST', 'Only one date_time_filter range may be given.', 'date_time_filter');
  const field = FIELDS[sort?.sort_field ?? 'CREATED_AT'];
  const [only] = ranges;
  if (only && only[0] !== field) {
    throw badRequest('INVALID_SORT_ORDER', 'sort_field must match the date_time_filter.', 'query.sort.sort_field');
  }
  const states = filter?.state_filter?.states ?? [];
  const closedOnly = states.length > 0 && states.every((state) => state === 'COMPLETED' || state === 'CANCELED');
  if (field === 'closed_at' && !closedOnly) {
    throw badRequest('INVALID_SORT_ORDER', 'CLOSED_AT needs a state_filter of closed states.', 'query.sort.sort_field');
  }
  return {
    field,
    descending: sort?.sort_order !== 'ASC',
    range: only ? readRange(only[1] ?? {}, `query.filter.date_time_filter.${only[0]}`, endMs) : null,
    filtered: true,
  };
}

function matching(world: World, body: Body, plan: Plan): OrderJson[] {
  const now = world.now();
  const locations = new Set(body.location_ids);
  return [...world.orders.values()]
    .filter((stored) => stored.searchableAtMs <= now && locations.has(stored.json.location_id))
    .filter((stored) => inRange(stored.json, plan) && (!plan.filtered || passes(stored.json, body)))
    .map((stored) => visible(stored, now));
}

function inRange(order: OrderJson, plan: Plan): boolean {
  if (!plan.range) return true;
  const ms = stampOf(order, plan.field);
  return ms >= plan.range.startMs && ms <= plan.range.endMs;
}

function passes(order: OrderJson, body: Body): boolean {
  const filter = body.query?.filter;
  const states = filter?.state_filter?.states;
  if (states && !states.includes(order.state)) return false;
  const customers = filter?.customer_filter?.customer_ids;
  const named = [order.customer_id, ...(order.tenders ?? []).map((tender) => tender.customer_id)];
  if (customers && !named.some((id) => id !== undefined && customers.includes(id))) return false;
  const sources = filter?.source_filter?.source_names;
  const source = nameIn(order.source);
  if (sources && !(source !== null && sources.includes(source))) return false;
  const types = filter?.fulfillment_filter?.fulfillment_types;
  const fulfillments = Array.isArray(order.fulfillments) ? order.fulfillments : [];
  return !types || fulfillments.some((item: { type?: string }) => types.includes(item.type ?? ''));
}

const nameIn = (source: unknown): string | null =>
  typeof source === 'object' && source !== null && 'name' in source && typeof source.name === 'string'
    ? source.name
    : null;

/** Just after payment an order may be there without its lines. */
export function visible(stored: StoredOrder, nowMs: number): OrderJson {
  if (stored.linesAtMs <= nowMs) return stored.json;
  const { line_items: _hidden, ...rest } = stored.json;
  return rest;
}

const stampOf = (order: OrderJson, field: Field): number => Date.parse(order[field] ?? '');

const byPlan =
  (plan: Plan, ties: 'id-ascending' | 'id-descending') =>
  (a: OrderJson, b: OrderJson): number => {
    const byStamp = stampOf(a, plan.field) - stampOf(b, plan.field);
    if (byStamp !== 0) return plan.descending ? -byStamp : byStamp;
    return (a.id < b.id ? -1 : 1) * (ties === 'id-ascending' ? 1 : -1);
  };

function startOf(
  rows: readonly OrderJson[],
  plan: Plan,
  position: Position,
  switches: { cursors: 'keyset' | 'offset'; ties: 'id-ascending' | 'id-descending' },
): number {
  if (switches.cursors === 'offset') return position.offset;
  const last = { created_at: '', updated_at: '', id: position.id, location_id: '', state: '' };
  const marker: OrderJson = { ...last, [plan.field]: new Date(position.stampMs).toISOString() };
  const order = byPlan(plan, switches.ties);
  const index = rows.findIndex((row) => row.id !== position.id && order(row, marker) > 0);
  return index === -1 ? rows.length : index;
}

function answer(
  page: readonly OrderJson[],
  entries: boolean,
  cursor: string | null,
  empty: 'absent' | 'array',
): Record<string, unknown> {
  const key = entries ? 'order_entries' : 'orders';
  const rows = entries
    ? page.map(({ id, location_id, version }) => ({ order_id: id, location_id, ...(version ? { version } : {}) }))
    : page;
  return {
    ...(rows.length > 0 || empty === 'array' ? { [key]: rows } : {}),
    ...(cursor ? { cursor } : {}),
  };
}
