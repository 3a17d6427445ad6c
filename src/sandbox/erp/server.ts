/**
 * An ERP on loopback, with an API of its own making: names, limits and habits differ from the tool's records on
 * purpose. Two bases, `/staging` and `/production`, over two row sets.
 */
import type { FaultRule } from '../faults.ts';
import { startVendor, type Vendor, type VendorReply, type VendorRequest } from '../http.ts';
import { seeded } from '../random.ts';
import type { ErpWorld } from '../world.ts';
import { adminReply, type ErpControls, type ProductionMode, setDrift } from './admin.ts';
import { QueryLine } from './ceiling.ts';
import { driftSchema, type ErpDrift, type Resource, resourceSchema } from './drift.ts';
import { drifted, olderVersion } from './drifted.ts';
import { type EnvironmentName, type ErpEnvironment, production, staging } from './environment.ts';
import { listing, listQuery, matching } from './listing.ts';

export interface ErpOptions {
  readonly world: ErpWorld;
  readonly port?: number;
  /** Bearer tokens that are let in; `erp-sandbox-token` unless said. */
  readonly tokens?: ReadonlySet<string>;
  /** How long the vendor's seconds take here: 1/500 unless said, 0 for none. What is killed does not depend on it. */
  readonly timeScale?: number;
  /** Time of each request beside its query. */
  readonly latencyMs?: number;
  readonly drift?: Partial<ErpDrift>;
  /** `dark` unless said. */
  readonly production?: ProductionMode;
  readonly faults?: readonly FaultRule[];
  /** Of faults and changes. */
  readonly seed?: number;
  /** The server's clock, in ms: its Date header, and the stamp of what is changed. */
  readonly now?: () => number;
}

export interface ErpSandbox extends Vendor {
  readonly stagingUrl: string;
  readonly productionUrl: string;
}

export const ERP_SANDBOX_TOKEN = 'erp-sandbox-token';
const IDS_MAX = 100;
const VERSION = '8.4';

export async function startErp(options: ErpOptions): Promise<ErpSandbox> {
  const { world, seed = 1, now = Date.now } = options;
  const controls: ErpControls = {
    environments: { staging: staging(world), production: production(world) },
    seed,
    drift: driftSchema.parse({}),
    production: options.production ?? 'dark',
    changes: 0,
    nowMs: () => now() + controls.drift.clockSkewMs,
  };
  setDrift(controls, driftSchema.parse(options.drift ?? {}));
  const api = new ErpApi(controls, options.tokens ?? new Set([ERP_SANDBOX_TOKEN]), options.timeScale ?? 1 / 500);
  const vendor = await startVendor({
    name: 'erp',
    handle: (request) => api.handle(request),
    random: seeded(seed),
    now,
    latencyMs: () => options.latencyMs ?? 0,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
  });
  return { ...vendor, stagingUrl: `${vendor.url}/staging`, productionUrl: `${vendor.url}/production` };
}

/** One request in, one answer out; what it remembers are the line of queries and how many lists were asked for. */
class ErpApi {
  readonly #controls: ErpControls;
  readonly #tokens: ReadonlySet<string>;
  readonly #line: QueryLine;
  #lists = 0;

  constructor(controls: ErpControls, tokens: ReadonlySet<string>, timeScale: number) {
    this.#controls = controls;
    this.#tokens = tokens;
    this.#line = new QueryLine(timeScale);
  }

  handle(request: VendorRequest): VendorReply {
    if (request.url.pathname.startsWith('/_sandbox/')) return adminReply(this.#controls, request);
    const reply = this.#answer(request);
    const { dateHeader } = this.#controls.drift;
    const date = dateHeader === 'off' ? '' : new Date(this.#controls.nowMs()).toUTCString();
    return { ...reply, headers: { ...reply.headers, date } };
  }

  #answer(request: VendorRequest): VendorReply {
    const [, base = '', api = '', resource = '', ...rest] = request.url.pathname.split('/');
    const environment = environmentOf(this.#controls, base);
    if (environment === null || api !== 'api' || rest.length > 0) return NOT_FOUND;
    if (environment.name === 'production') {
      if (this.#controls.production === 'refused') throw new Error('the sandbox cuts the line');
      if (this.#controls.production === 'dark') return DARK;
      if (this.#controls.production === 'login-page') return LOGIN_PAGE;
    }
    if (request.method !== 'GET') return { status: 405, json: { error: 'method not allowed' } };
    if (!this.#isLetIn(request)) return { status: 401, json: { error: 'unauthorized' } };
    return this.#read(environment, resource, request.url.searchParams);
  }

  #isLetIn({ headers }: VendorRequest): boolean {
    const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ');
    return scheme.toLowerCase() === 'bearer' && this.#tokens.has(token);
  }

  #read(environment: ErpEnvironment, path: string, parameters: URLSearchParams): VendorReply {
    if (path === 'ping')
      return { status: 200, json: { company: environment.company, environment: environment.name, version: VERSION } };
    const isEmpty = environment.name === 'production' && this.#controls.production === 'empty';
    if (path === 'sales-reps') {
      const data = isEmpty ? [] : environment.reps;
      return this.#queried(data.length, { data, totalCount: data.length });
    }
    const resource = resourceSchema.safeParse(path);
    if (!resource.success) return NOT_FOUND;
    const ids = parameters.get('ids');
    if (ids !== null) return this.#points(environment, resource.data, isEmpty ? [] : ids.split(','));
    return this.#list(environment, resource.data, parameters, isEmpty);
  }

  #points(environment: ErpEnvironment, resource: Resource, ids: readonly string[]): VendorReply {
    if (ids.length > IDS_MAX) return { status: 400, json: { error: `at most ${IDS_MAX} ids` } };
    const table = environment.tables[resource];
    const found = new Set(ids.flatMap((id) => table.find(id.trim()) ?? []));
    const data = [...found].map((index) => this.#row(environment, resource, index));
    return this.#queried(data.length, { data, totalCount: data.length });
  }

  #list(environment: ErpEnvironment, resource: Resource, parameters: URLSearchParams, isEmpty: boolean): VendorReply {
    const { drift } = this.#controls;
    const query = listQuery(parameters, drift, resource === 'accounts');
    if (query === null) return { status: 400, json: { error: 'modifiedSince is not a date' } };
    const { page, pageSize } = query;
    if (isEmpty) return this.#queried(0, { data: [], page, pageSize, totalCount: 0 });
    const table = environment.tables[resource];
    const number = ++this.#lists;
    if (drift.shiftRows > 0 && number % drift.shiftRows === 0 && page > 1) {
      const moved = matching(table, query)[(page - 2) * pageSize];
      if (moved !== undefined) table.edit(moved, {}, this.#controls.nowMs());
    }
    const { indexes, total, rowsScanned } = listing(table, query, drift, number);
    const data = indexes.map((index) => this.#row(environment, resource, index));
    const [first] = indexes;
    if (drift.duplicateRows && first !== undefined) data.unshift(this.#older(environment, resource, first));
    return this.#queried(rowsScanned, { data, page, pageSize, totalCount: total + drift.totalWrong });
  }

  #row(environment: ErpEnvironment, resource: Resource, index: number): unknown {
    const table = environment.tables[resource];
    return drifted({ resource, idField: table.idField, index, row: table.row(index) }, this.#controls.drift);
  }

  #older(environment: ErpEnvironment, resource: Resource, index: number): unknown {
    const table = environment.tables[resource];
    const row = olderVersion(resource, table.row(index));
    return drifted({ resource, idField: table.idField, index, row }, this.#controls.drift);
  }

  #queried(rowsScanned: number, json: unknown): VendorReply {
    const { ms, killed } = this.#line.run(rowsScanned);
    return killed ? { ...KILLED, extraMs: ms } : { status: 200, json, extraMs: ms };
  }
}

const environmentOf = ({ environments }: ErpControls, base: string): ErpEnvironment | null => {
  const name = (['staging', 'production'] satisfies EnvironmentName[]).find((known) => known === base);
  return name === undefined ? null : environments[name];
};

const NOT_FOUND: VendorReply = { status: 404, json: { error: 'not found' } };
const DARK: VendorReply = { status: 503, json: { error: 'this environment is not available' } };
const LOGIN_PAGE: VendorReply = {
  status: 200,
  contentType: 'text/html; charset=utf-8',
  text: '<!doctype html><html><head><title>Sign in</title></head><body><form action="/login"><input name="user"></form></body></html>',
};
const KILLED: VendorReply = {
  status: 504,
  contentType: 'text/html',
  text: '<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>',
};
