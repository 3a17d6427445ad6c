/** Which endpoint answers what, and which scope of the token it needs. */
import type { VendorReply, VendorRequest } from '../http.ts';
import type { Cursors } from './cursors.ts';
import { wireJson } from './model.ts';
import { type Answer, batchOrders, bulkCustomers, listDated, oneOrder, searchCustomers } from './reads.ts';
import { badRequest, forbidden, notFound, Refusal } from './refusal.ts';
import { searchOrders } from './search.ts';
import type { World } from './world.ts';

export const ALL_SCOPES = [
  'ORDERS_READ',
  'MERCHANT_PROFILE_READ',
  'CUSTOMERS_READ',
  'PAYMENTS_READ',
  'ITEMS_READ',
  'EMPLOYEES_READ',
] as const;
type Scope = (typeof ALL_SCOPES)[number];

export interface Merchant {
  readonly world: World;
  readonly cursors: Cursors;
  readonly tokens: Readonly<Record<string, readonly string[]>>;
  readonly forbiddenLocations: ReadonlySet<string>;
}

interface Call extends Merchant {
  readonly request: VendorRequest;
  readonly token: string;
  /** What the path's pattern captured. */
  readonly id: string;
}

interface Route {
  readonly method: 'GET' | 'POST';
  /** Matches the end of the path, so that any base path in front of it works. */
  readonly path: RegExp;
  readonly scope: Scope | null;
  readonly answer: (call: Call) => Answer;
}

const API_VERSION = '2026-09-16';

const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: /\/v2\/orders\/search$/,
    scope: 'ORDERS_READ',
    answer: (c) => searchOrders(c, c.request.body),
  },
  {
    method: 'POST',
    path: /\/v2\/orders\/batch-retrieve$/,
    scope: 'ORDERS_READ',
    answer: (c) => batchOrders(c, c.request.body),
  },
  { method: 'GET', path: /\/v2\/orders\/([^/]+)$/, scope: 'ORDERS_READ', answer: (c) => oneOrder(c, c.id) },
  {
    method: 'POST',
    path: /\/v2\/customers\/bulk-retrieve$/,
    scope: 'CUSTOMERS_READ',
    answer: (c) => bulkCustomers(c.world, c.request.body),
  },
  {
    method: 'POST',
    path: /\/v2\/customers\/search$/,
    scope: 'CUSTOMERS_READ',
    answer: (c) => searchCustomers(c.world, c.cursors, c.token, c.request.body),
  },
  {
    method: 'GET',
    path: /\/v2\/payments$/,
    scope: 'PAYMENTS_READ',
    answer: (c) => listDated('payments', c.world.payments.values(), c.request.url.searchParams, c),
  },
  { method: 'GET', path: /\/v2\/payments\/([^/]+)$/, scope: 'PAYMENTS_READ', answer: onePayment },
  {
    method: 'GET',
    path: /\/v2\/refunds$/,
    scope: 'PAYMENTS_READ',
    answer: (c) => listDated('refunds', c.world.refunds.values(), c.request.url.searchParams, c),
  },
  {
    method: 'GET',
    path: /\/v2\/locations$/,
    scope: 'MERCHANT_PROFILE_READ',
    answer: (c) => (c.world.locations.length > 0 ? { locations: c.world.locations } : {}),
  },
  { method: 'GET', path: /\/v2\/merchants\/([^/]+)$/, scope: 'MERCHANT_PROFILE_READ', answer: merchant },
  { method: 'GET', path: /\/v2\/catalog\/info$/, scope: 'ITEMS_READ', answer: catalogInfo },
  { method: 'POST', path: /\/v2\/catalog\/batch-retrieve$/, scope: 'ITEMS_READ', answer: () => ({}) },
  { method: 'POST', path: /\/v2\/team-members\/search$/, scope: 'EMPLOYEES_READ', answer: () => ({}) },
  { method: 'POST', path: /\/oauth2\/token\/status$/, scope: null, answer: tokenStatus },
];

/** Answers one request of the API; every answer echoes the version it was asked in and tells the emulator's time. */
export function answerApi(merchant: Merchant, request: VendorRequest): VendorReply {
  const asked = request.headers['square-version'];
  const headers = {
    'square-version': asked ?? API_VERSION,
    date: merchant.world.switches().noDate ? 'unknown' : new Date(merchant.world.now()).toUTCString(),
  };
  try {
    const json = dispatch(merchant, request, asked);
    return { status: 200, text: wireJson(json), headers };
  } catch (error) {
    if (error instanceof Refusal) return { ...error.reply, headers };
    throw error;
  }
}

function dispatch(merchant: Merchant, request: VendorRequest, version: string | undefined): Answer {
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const scopes = Object.hasOwn(merchant.tokens, token) ? merchant.tokens[token] : undefined;
  if (!scopes) throw new Refusal(401, 'AUTHENTICATION_ERROR', 'UNAUTHORIZED', 'This request could not be authorized.');
  if (version !== undefined && !/^\d{4}-\d\d-\d\d$/.test(version)) {
    throw badRequest('INVALID_SQUARE_VERSION_FORMAT', 'The Square-Version must be YYYY-MM-DD.');
  }
  for (const route of ROUTES) {
    const match = route.method === request.method ? route.path.exec(request.url.pathname) : null;
    if (!match) continue;
    if (route.scope && !scopes.includes(route.scope)) throw forbidden();
    if (request.method === 'POST' && request.text !== '' && request.body === undefined) {
      throw badRequest('BAD_REQUEST', 'The request body is no JSON.');
    }
    return route.answer({ ...merchant, request, token, id: decodeURIComponent(match[1] ?? '') });
  }
  throw notFound('Resource');
}

function onePayment({ world, id }: Call): Answer {
  const payment = world.payments.get(id);
  if (!payment) throw notFound('Payment');
  return { payment };
}

function merchant({ world, id }: Call): Answer {
  if (id !== 'me' && id !== world.merchantId) throw notFound('Merchant');
  return {
    merchant: {
      id: world.merchantId,
      business_name: 'Sandbox Tile & Trade',
      country: 'US',
      language_code: 'en-US',
      currency: 'USD',
      status: 'ACTIVE',
      main_location_id: world.locations[0]?.id,
    },
  };
}

function catalogInfo(): Answer {
  return { limits: { batch_retrieve_max_object_ids: 1_000, search_max_page_limit: 1_000 } };
}

function tokenStatus({ world, tokens, token }: Call): Answer {
  return { scopes: tokens[token] ?? [], client_id: 'sandbox', merchant_id: world.merchantId };
}
