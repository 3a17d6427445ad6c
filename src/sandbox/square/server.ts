/** The emulated Square on loopback: API, admin endpoints, request log. */
import * as z from 'zod';
import type { FaultRule } from '../faults.ts';
import { startVendor, type Vendor, type VendorReply, type VendorRequest } from '../http.ts';
import { seeded } from '../random.ts';
import { Cursors } from './cursors.ts';
import { liveThroughYear, makeNews } from './history.ts';
import { type OrderJson, wireJson } from './model.ts';
import { type CustomerIds, enrol, openShops, type Person } from './people.ts';
import { ALL_SCOPES, answerApi, type Merchant } from './routes.ts';
import { type SwitchChanges, switchesSchema } from './switches.ts';
import { World } from './world.ts';

export const SQUARE_SANDBOX_TOKEN = 'square-sandbox-token';

export interface SquareSandboxOptions {
  readonly port?: number;
  readonly seed: number;
  /** About how many sales of the last twelve months there are; their returns come on top. */
  readonly orders?: number;
  readonly locations?: number;
  readonly people?: readonly Person[];
  /** When the merchant's year ends, epoch ms; the emulator's clock goes on from there. */
  readonly asOfMs?: number;
  /** Tokens and their scopes. */
  readonly tokens?: Readonly<Record<string, readonly string[]>>;
  /** Listed by `/v2/locations` but not readable; ids, or positions in the list (0 is the main location). */
  readonly forbiddenLocations?: readonly (string | number)[];
  readonly switches?: SwitchChanges;
  readonly latencyMs?: number;
  readonly faults?: readonly FaultRule[];
  /** The emulator's clock, epoch ms. */
  readonly now?: () => number;
}

/** A request of the API as it came in, for assertions on headers and bodies. */
interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly atMs: number;
}

export interface SquareSandbox extends Vendor {
  readonly token: string;
  /** The latest requests that reached the API, oldest first. */
  readonly requests: readonly SeenRequest[];
  setSwitches(changes: SwitchChanges): void;
  orders(): readonly OrderJson[];
}

/** The ring of `requests`. */
const REQUESTS_MAX = 2_000;
const YEARS_OPEN_MS = 4 * 365 * 86_400_000;

const changesSchema = z.strictObject({
  newOrders: z.int().min(0).max(1_000).default(0),
  refunds: z.int().min(0).max(1_000).default(0),
  complete: z.int().min(0).max(1_000).default(0),
  cancel: z.int().min(0).max(1_000).default(0),
  lateUploads: z.int().min(0).max(1_000).default(0),
});

export async function startSquare(options: SquareSandboxOptions): Promise<SquareSandbox> {
  const random = seeded(options.seed);
  let switches = switchesSchema.parse(options.switches ?? {});
  const clock = clockOf(options);
  const world = new World(random, clock, () => switches);
  const asOfMs = options.asOfMs ?? clock();
  openShops(world, options.locations ?? 12, asOfMs - YEARS_OPEN_MS);
  const customers = enrol(world, options.people ?? []);
  liveThroughYear(world, customers, options.orders ?? 900, asOfMs);

  const cursorIds = seeded(options.seed + 1);
  const newCursor = (): string => Buffer.from(String(cursorIds())).toString('base64url');
  const merchant: Merchant = {
    world,
    cursors: new Cursors(newCursor, () => switches.cursorTtlMs),
    tokens: options.tokens ?? { [SQUARE_SANDBOX_TOKEN]: ALL_SCOPES },
    forbiddenLocations: new Set((options.forbiddenLocations ?? []).map((at) => locationAt(world, at))),
  };
  const requests: SeenRequest[] = [];
  const setSwitches = (changes: SwitchChanges): void => {
    switches = switchesSchema.parse({ ...switches, ...changes });
  };

  function handle(request: VendorRequest): VendorReply {
    world.catchUp();
    if (request.url.pathname.startsWith('/_sandbox/')) return answerAdmin(request, world, customers, setSwitches);
    const { method, headers, body, atMs } = request;
    requests.push({ method, path: request.url.pathname, headers, body, atMs });
    if (requests.length > REQUESTS_MAX) requests.shift();
    return answerApi(merchant, request);
  }

  const vendor = await startVendor({
    name: 'square',
    handle,
    random: seeded(options.seed + 2),
    now: clock,
    latencyMs: () => options.latencyMs ?? 0,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.faults ? { faults: options.faults } : {}),
  });
  const [token = SQUARE_SANDBOX_TOKEN] = Object.keys(merchant.tokens);
  return Object.assign(vendor, { token, requests, setSwitches, orders: () => ordersOf(world) });
}

/** With a fixed end of the year the clock starts there and runs on. */
function clockOf(options: SquareSandboxOptions): () => number {
  if (options.now) return options.now;
  const { asOfMs } = options;
  if (asOfMs === undefined) return Date.now;
  const startedMs = performance.now();
  return () => asOfMs + Math.floor(performance.now() - startedMs);
}

const locationAt = (world: World, at: string | number): string =>
  typeof at === 'string' ? at : (world.locations[at]?.id ?? '');

const ordersOf = (world: World): OrderJson[] => [...world.orders.values()].map((stored) => stored.json);

function answerAdmin(
  request: VendorRequest,
  world: World,
  customers: CustomerIds,
  setSwitches: (changes: SwitchChanges) => void,
): VendorReply {
  const route = `${request.method} ${request.url.pathname}`;
  if (route === 'GET /_sandbox/orders') return { status: 200, text: wireJson({ orders: ordersOf(world) }) };
  if (route === 'GET /_sandbox/state') return { status: 200, json: stateOf(world) };
  if (route === 'POST /_sandbox/change') {
    const changes = changesSchema.safeParse(request.body ?? {});
    if (!changes.success) return { status: 400, json: { error: z.prettifyError(changes.error) } };
    return { status: 200, json: makeNews(world, customers, changes.data) };
  }
  if (route === 'PUT /_sandbox/switches') {
    const parsed = switchesSchema.partial().safeParse(request.body ?? {});
    if (!parsed.success) return { status: 400, json: { error: z.prettifyError(parsed.error) } };
    setSwitches(givenOf(parsed.data, request.body));
    return { status: 200, json: world.switches() };
  }
  return { status: 404, json: { error: 'no such sandbox endpoint' } };
}

/** Only what was sent: parsing fills in defaults, which must not reset other switches. */
function givenOf(parsed: Readonly<Record<string, unknown>>, sent: unknown): SwitchChanges {
  const names = new Set(typeof sent === 'object' && sent !== null ? Object.keys(sent) : []);
  return Object.fromEntries(Object.entries(parsed).filter(([name]) => names.has(name)));
}

function stateOf(world: World): Record<string, unknown> {
  const orders = ordersOf(world);
  const byState: Record<string, number> = {};
  for (const order of orders) byState[order.state] = (byState[order.state] ?? 0) + 1;
  return {
    now: new Date(world.now()).toISOString(),
    orders: orders.length,
    returns: orders.filter((order) => order.returns && !order.line_items).length,
    exchanges: orders.filter((order) => order.returns && order.line_items).length,
    byState,
    customers: world.customers.size,
    locations: world.locations.map(({ id, name, status, currency }) => ({ id, name, status, currency })),
  };
}
