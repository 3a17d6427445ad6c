/** Every endpoint but SearchOrders: point reads, lists and bulk reads. Each returns the answer's JSON or throws a Refusal. */
import * as z from 'zod';
import type { Cursors } from './cursors.ts';
import { type Range, readRange } from './instants.ts';
import type { Customer } from './model.ts';
import { badRequest, forbidden, notFound } from './refusal.ts';
import { type Search, visible } from './search.ts';
import type { World } from './world.ts';

const BATCH_MAX = 100;
const PAGE_MAX = 100;
const YEAR_MS = 365 * 86_400_000;

export type Answer = Record<string, unknown>;

function readList(body: unknown, field: string): string[] {
  const parsed = z.object({ [field]: z.array(z.string()).min(1) }).safeParse(body);
  if (!parsed.success) throw badRequest('MISSING_REQUIRED_PARAMETER', `Missing required parameter.`, field);
  const ids = parsed.data[field] ?? [];
  if (ids.length > BATCH_MAX) throw badRequest('ARRAY_LENGTH_TOO_LONG', `At most ${BATCH_MAX} values.`, field);
  return ids;
}

/** Unknown ids and those of unreadable locations are left out without a word. */
export function batchOrders(search: Search, body: unknown): Answer {
  const orders = readList(body, 'order_ids').flatMap((id) => {
    const stored = search.world.orders.get(id);
    const readable = stored && !search.forbiddenLocations.has(stored.json.location_id);
    return readable ? [visible(stored, search.world.now())] : [];
  });
  return orders.length > 0 ? { orders } : {};
}

export function oneOrder(search: Search, id: string): Answer {
  const stored = search.world.orders.get(id);
  if (!stored) throw notFound('Order');
  if (search.forbiddenLocations.has(stored.json.location_id)) throw forbidden();
  return { order: visible(stored, search.world.now()) };
}

/** A map by the asked id; a merged profile answers with its new id; a missing one has its own errors inside the 200. */
export function bulkCustomers(world: World, body: unknown): Answer {
  const entries = readList(body, 'customer_ids').map((id) => {
    const customer = world.customers.get(world.mergedInto.get(id) ?? id);
    const missing = {
      category: 'INVALID_REQUEST_ERROR',
      code: 'NOT_FOUND',
      detail: `Customer with ID \`${id}\` not found.`,
    };
    return [id, customer ? { customer } : { errors: [missing] }] as const;
  });
  return { responses: Object.fromEntries(entries) };
}

const dates = z.object({ start_at: z.unknown().optional(), end_at: z.unknown().optional() }).optional();

const customerSearch = z.object({
  limit: z.int().optional(),
  cursor: z.string().optional(),
  query: z
    .object({
      filter: z
        .object({
          reference_id: z.object({ exact: z.string().optional() }).optional(),
          email_address: z.object({ exact: z.string().optional() }).optional(),
          created_at: dates,
          updated_at: dates,
        })
        .optional(),
    })
    .optional(),
});

export function searchCustomers(world: World, cursors: Cursors, token: string, raw: unknown): Answer {
  const parsed = customerSearch.safeParse(raw ?? {});
  if (!parsed.success) throw badRequest('INVALID_VALUE', 'Invalid request.');
  const body = parsed.data;
  const limit = body.limit ?? PAGE_MAX;
  if (limit < 1) throw badRequest('VALUE_TOO_LOW', 'limit is too low.', 'limit');
  if (limit > PAGE_MAX) throw badRequest('VALUE_TOO_HIGH', 'limit is too high.', 'limit');
  const filter = body.query?.filter;
  const reference = filter?.reference_id?.exact;
  const email = filter?.email_address?.exact?.toLowerCase();
  const found = [...world.customers.values()]
    .filter((customer) => reference === undefined || customer.reference_id === reference)
    .filter((customer) => email === undefined || customer.email_address?.toLowerCase() === email)
    .filter(dated('created_at', filter?.created_at))
    .filter(dated('updated_at', filter?.updated_at));
  return pageOf('customers', found, limit, { world, cursors, token, body });
}

/** SearchCustomers takes ranges of both dates (developer.squareup.com/reference/square/customers-api/search-customers). */
function dated(field: 'created_at' | 'updated_at', asked: z.infer<typeof dates>) {
  const range = asked === undefined ? null : readRange(asked, field, Number.POSITIVE_INFINITY);
  return (customer: Customer): boolean => {
    const stamp = customer[field];
    return range === null || (typeof stamp === 'string' && within(stamp, range));
  };
}

interface ListContext {
  readonly world: World;
  readonly cursors: Cursors;
  readonly token: string;
  /** What the cursor is bound to. */
  readonly body: Readonly<Record<string, unknown>>;
}

function pageOf(key: string, rows: readonly unknown[], limit: number, context: ListContext): Answer {
  const { world, cursors, token, body } = context;
  const asked = typeof body.cursor === 'string' ? body.cursor : null;
  const from = asked ? cursors.resume(asked, body, token, world.now()).position.offset : 0;
  const page = rows.slice(from, from + limit);
  const offset = from + page.length;
  const position = { offset, stampMs: 0, id: '' };
  const cursor =
    offset < rows.length
      ? cursors.issue({ body, token, endMs: world.now(), position, issuedMs: world.now() })
      : undefined;
  return { ...(page.length > 0 ? { [key]: page } : {}), ...(cursor ? { cursor } : {}) };
}

interface Dated {
  readonly created_at: string;
  readonly updated_at: string;
  readonly location_id: string;
  readonly status?: unknown;
}

/** ListPayments shows the main location unless asked, ListPaymentRefunds all; both the last year, newest first. */
export function listDated(
  key: 'payments' | 'refunds',
  rows: Iterable<Dated>,
  query: URLSearchParams,
  context: Omit<ListContext, 'body'>,
): Answer {
  const { world } = context;
  const body = Object.fromEntries(query);
  const location = body.location_id ?? (key === 'payments' ? world.locations[0]?.id : undefined);
  const asked = { start_at: body.begin_time, end_at: body.end_time };
  const created = readRange(definedOf(asked), 'begin_time', world.now());
  const since = body.begin_time === undefined ? world.now() - YEAR_MS : created.startMs;
  const updated = readRange(
    definedOf({ start_at: body.updated_at_begin_time, end_at: body.updated_at_end_time }),
    'updated_at_begin_time',
    Number.POSITIVE_INFINITY,
  );
  const byUpdate = body.sort_field === 'UPDATED_AT';
  const ascending = body.sort_order === 'ASC' ? 1 : -1;
  const stampOf = (row: Dated): number => Date.parse(byUpdate ? row.updated_at : row.created_at);
  const found = [...rows]
    .filter((row) => location === undefined || row.location_id === location)
    .filter(
      (row) => within(row.created_at, { startMs: since, endMs: created.endMs }) && within(row.updated_at, updated),
    )
    .filter((row) => body.status === undefined || row.status === body.status)
    .toSorted((a, b) => (stampOf(a) - stampOf(b)) * ascending);
  return pageOf(key, found, Math.min(Number(body.limit ?? PAGE_MAX) || PAGE_MAX, PAGE_MAX), { ...context, body });
}

const definedOf = (range: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(range).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

const within = (stamp: string, range: Range): boolean =>
  Date.parse(stamp) >= range.startMs && Date.parse(stamp) <= range.endMs;
