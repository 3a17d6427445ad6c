/**
 * HubSpot on loopback: one portal, one store, the CRM paths of v3, 2026-03 and 2026-09 over it. Faithful to what is
 * documented or was observed; what is neither is a switch (switches.ts).
 */
import type { FaultRule } from '../faults.ts';
import { startVendor, type Vendor, type VendorReply, type VendorRequest } from '../http.ts';
import { seeded } from '../random.ts';
import { accountRoute, limitsRoute, ownersRoute, tokenRoute } from './account.ts';
import { adminRoute } from './admin.ts';
import { associationRoute } from './associations.ts';
import { notFound, Refusal, refusalReply, unauthenticated } from './errors.ts';
import { ALL_SCOPES } from './kinds.ts';
import { Limits, WriteLocks } from './limits.ts';
import { Links } from './links.ts';
import { objectRoute } from './objects.ts';
import { Pipelines } from './pipelines.ts';
import { propertyRoute } from './properties.ts';
import { type Route, routeOf } from './route.ts';
import { Schema } from './schema.ts';
import { type SeededRecords, seedRecords } from './seeding.ts';
import { pipelineRoute } from './stages.ts';
import { Store } from './store.ts';
import { type HubSpotSwitches, SWITCHES } from './switches.ts';
import type { Call, Owner, Portal, World } from './world.ts';

export interface HubSpotOptions {
  readonly port?: number;
  /** The same seed gives the same shuffles, lags and faults. */
  readonly seed: number;
  readonly portal?: Partial<Portal>;
  /** Scopes by token; by default one token, `pat-sandbox-hubspot`, that may do everything. */
  readonly tokens?: Readonly<Record<string, readonly string[]>>;
  /** Per app, default 190; null: unlimited. */
  readonly burstPer10s?: number | null;
  readonly searchPerSecond?: number;
  readonly associationsPer10s?: number;
  readonly dailyLimit?: number;
  /** Time a request takes, by what it does. Default 0. */
  readonly latencyMs?: { readonly write?: number; readonly read?: number; readonly search?: number };
  readonly switches?: Partial<HubSpotSwitches>;
  readonly owners?: readonly Owner[];
  readonly existing?: SeededRecords;
  readonly faults?: readonly FaultRule[];
  readonly now?: () => number;
}

/** `store` is for tests in the same process. */
export interface HubSpotSandbox extends Vendor {
  readonly store: Store;
}

export const SANDBOX_TOKEN = 'pat-sandbox-hubspot';

const DEFAULT_PORTAL: Portal = {
  id: 1_234_567,
  accountType: 'DEVELOPER_TEST',
  timeZone: 'America/Chicago',
  companyCurrency: 'USD',
  additionalCurrencies: [],
};

/** What was decided about a request when it arrived: that is when a gateway counts, whatever the latency behind it. */
type Admission = { readonly call: Call } | { readonly refusal: Refusal };

export async function startHubSpot(options: HubSpotOptions): Promise<HubSpotSandbox> {
  const world = newWorld(options);
  seedRecords(world, options.existing ?? {});
  const admissions = new WeakMap<VendorRequest, Admission>();
  const vendor = await startVendor({
    name: 'hubspot',
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    random: world.random,
    now: world.now,
    latencyMs: (request) => {
      const admission = admit(world, request);
      admissions.set(request, admission);
      return 'call' in admission ? (options.latencyMs?.[admission.call.route.kind] ?? 0) : 0;
    },
    handle: (request) => handle(world, request, admissions.get(request)),
  });
  return { ...vendor, store: world.store };
}

function newWorld(options: HubSpotOptions): World {
  const random = seeded(options.seed);
  const now = options.now ?? Date.now;
  const portal = { ...DEFAULT_PORTAL, ...options.portal };
  const schema = new Schema([portal.companyCurrency, ...portal.additionalCurrencies]);
  const settings = {
    burstPer10s: options.burstPer10s === undefined ? 190 : options.burstPer10s,
    searchPerSecond: options.searchPerSecond ?? 5,
    associationsPer10s: options.associationsPer10s ?? 150,
    dailyLimit: options.dailyLimit ?? 625_000,
  };
  const world: World = {
    portal,
    tokens: options.tokens ?? { [SANDBOX_TOKEN]: ALL_SCOPES },
    schema,
    store: new Store({ schema, switches: () => world.switches, now, random }),
    pipelines: new Pipelines(now()),
    links: new Links(),
    limits: new Limits(settings, portal.timeZone, () => world.switches.retryAfterOn429),
    locks: new WriteLocks(),
    now,
    random,
    owners: options.owners ?? [],
    switches: SWITCHES.parse(options.switches ?? {}),
  };
  return world;
}

function admit(world: World, request: VendorRequest): Admission {
  const route = routeOf(request);
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const call = { request, route, token, scopes: world.tokens[token] ?? [] };
  try {
    if (route.area === 'token') return { call };
    if (!Object.hasOwn(world.tokens, token)) throw unauthenticated();
    world.limits.spend(token, route.budget, request.atMs);
    return { call };
  } catch (thrown) {
    if (thrown instanceof Refusal) return { refusal: thrown };
    throw thrown;
  }
}

/** @param admission undefined for the sandbox's own paths, which no gateway guards. */
function handle(world: World, request: VendorRequest, admission: Admission | undefined): VendorReply {
  try {
    if (!admission) return adminRoute(world, request);
    if ('refusal' in admission) throw admission.refusal;
    const { token, route } = admission.call;
    const limits = world.limits.headers(token, route.budget, request.atMs);
    return withHeaders(answered(world, admission.call), limits);
  } catch (thrown) {
    if (thrown instanceof Refusal) return refusalReply(thrown, world.switches.omitErrorFields);
    throw thrown;
  }
}

/** A refusal by the rules is an answer like any other: it carries the limits too. */
function answered(world: World, call: Call): VendorReply {
  try {
    return ROUTES[call.route.area](world, call);
  } catch (thrown) {
    if (thrown instanceof Refusal) return refusalReply(thrown, world.switches.omitErrorFields);
    throw thrown;
  }
}

const withHeaders = (reply: VendorReply, headers: Readonly<Record<string, string>>): VendorReply => ({
  ...reply,
  headers: { ...headers, ...reply.headers },
});

const ROUTES: Readonly<Record<Route['area'], (world: World, call: Call) => VendorReply>> = {
  objects: objectRoute,
  associations: associationRoute,
  properties: propertyRoute,
  pipelines: pipelineRoute,
  owners: ownersRoute,
  limits: limitsRoute,
  account: accountRoute,
  token: tokenRoute,
  unknown: () => {
    throw notFound('resource not found');
  },
};
