/** A distributor to run the tool on: emulated vendors in this process, state, lock and settings in a folder of its own. */
import { join } from 'node:path';
import products from '../mappers/products.ts';
import { systemClock } from '../src/clock.ts';
import { sync } from '../src/commands/sync.ts';
import { ERP_SANDBOX_TOKEN, type ErpOptions, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import {
  type HubSpotOptions,
  type HubSpotSandbox,
  SANDBOX_TOKEN,
  startHubSpot,
} from '../src/sandbox/hubspot/server.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { applySchema, planSchema } from '../src/sinks/hubspot/schema.ts';
import { createTransport } from '../src/sinks/hubspot/transport.ts';
import { closeLater, type Ended, type Running, start, temporaryFolder, type Variables } from './cli-harness.ts';

export { ERP_SANDBOX_TOKEN, SANDBOX_TOKEN };

/** Items of a shop, unless said; and the number of its first one. */
const ITEMS = 250;
const FIRST_ITEM = 1_000_001;
/** Requests per 10 s that the portal says it allows: no test is about waiting for them. */
const BURST = 10_000;

interface Latency {
  write?: number;
  read?: number;
}

interface ShopOptions {
  readonly items?: number;
  readonly seed?: number;
  /** Broken records among the items; none unless said. */
  readonly flaws?: boolean;
  readonly erp?: Partial<Omit<ErpOptions, 'world'>>;
  readonly hubspot?: Partial<Omit<HubSpotOptions, 'latencyMs'>>;
  /** Of HubSpot, from the moment its properties are made. */
  readonly latencyMs?: Latency;
  readonly env?: Variables;
  /** Whether the portal has got its properties; it has unless said. */
  readonly isSetUp?: boolean;
}

/** A raw row of the ERP, as its API serves it. */
export type RawItem = Readonly<Record<string, unknown>> & { readonly itemNo: string };

/** One distributor: an ERP, a portal, and the folder from which the tool is run. */
export class Shop {
  readonly erp: ErpSandbox;
  readonly folder: string;
  readonly env: Variables;
  readonly hubspot: HubSpotSandbox;
  readonly #items: number;

  constructor(erp: ErpSandbox, hubspot: HubSpotSandbox, options: ShopOptions) {
    this.erp = erp;
    this.hubspot = hubspot;
    this.#items = options.items ?? ITEMS;
    this.folder = temporaryFolder();
    this.env = {
      RETAIL_SYNC_ENV: 'sandbox',
      RETAIL_SYNC_STATE_DIR: join(this.folder, 'state'),
      XDG_STATE_HOME: join(this.folder, 'locks'),
      HUBSPOT_BASE_URL: hubspot.url,
      HUBSPOT_TOKEN: SANDBOX_TOKEN,
      HUBSPOT_PORTAL_ID: '1234567',
      HUBSPOT_QUARANTINE_MS: '300',
      ERP_PROFILE: 'sandbox',
      ERP_STAGING_URL: erp.stagingUrl,
      ERP_TOKEN: ERP_SANDBOX_TOKEN,
      ...options.env,
    };
  }

  get database(): string {
    return join(this.folder, 'state', 'state.db');
  }

  start(args: readonly string[], env: Variables = {}, wrapper: readonly string[] = []): Running {
    return start(args, { ...this.env, ...env }, this.folder, wrapper);
  }

  /** Starts a command and waits for its end. */
  run(args: readonly string[], env: Variables = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  sync(flags: readonly string[] = [], env: Variables = {}, wrapper: readonly string[] = []): Promise<Ended> {
    return this.start(['sync', 'products', ...flags], env, wrapper).ended;
  }

  /**
   * `sync products --full` in this process, which saves the start of another: for the steps between those that a test
   * is about. Returns its exit code.
   */
  async syncHere(): Promise<number> {
    const silent = { write: () => undefined };
    const stop = new AbortController().signal;
    const { env, folder: cwd } = this;
    return sync('products', { full: true }, { env, cwd, stdout: silent, stderr: silent, stop, trigger: 'test' });
  }

  /** All rows of the ERP's item file, as they are now: asked for by id, since a listing that long is killed half-way. */
  async items(): Promise<RawItem[]> {
    const rows: RawItem[] = [];
    for (let first = 0; first < this.#items; first += 100) {
      const ids = Array.from({ length: 100 }, (_, index) => String(FIRST_ITEM + first + index));
      const reply = await fetch(`${this.erp.stagingUrl}/api/items?ids=${ids.join(',')}`, {
        headers: { authorization: `Bearer ${ERP_SANDBOX_TOKEN}` },
      });
      const { data }: { data: RawItem[] } = JSON.parse(await reply.text());
      rows.push(...data);
    }
    return rows;
  }

  /** The item file without the ones that are no longer sold. */
  async itemsSold(): Promise<RawItem[]> {
    return (await this.items()).filter(({ statusCode }) => statusCode === 'A' || statusCode === 'S');
  }

  /** Changes rows of the item file as people do: `{ share }`, `{ ids, set }` or `{ delete }`. */
  async change(change: Readonly<Record<string, unknown>>): Promise<void> {
    const body = JSON.stringify({ resource: 'items', ...change });
    const reply = await fetch(`${this.erp.url}/_sandbox/change`, { method: 'POST', body });
    if (!reply.ok) throw new Error(`the ERP refused the change: ${await reply.text()}`);
  }

  /** What the portal holds: properties of the living products, by ERP id. Throws for two with the same id. */
  products(): ReadonlyMap<string, Readonly<Record<string, string>>> {
    const byKey = new Map<string, Readonly<Record<string, string>>>();
    for (const { properties, archivedAtMs } of this.hubspot.store.all('products')) {
      const key = properties.erp_product_id ?? '';
      if (archivedAtMs !== null) continue;
      if (byKey.has(key)) throw new Error(`two products for ${key}`);
      byKey.set(key, properties);
    }
    return byKey;
  }

  /** How often each product was created, updated or archived through the API, by ERP id. */
  commits(action: 'created' | 'updated' | 'archived'): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const entry of this.hubspot.store.journal.entries) {
      if (entry.action !== action || entry.request === 0 || entry.object !== 'products') continue;
      const key = entry.keys.erp_product_id ?? '';
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  /** Requests that were made to HubSpot since the mark. */
  requests(mark = 0): readonly { readonly method: string; readonly path: string; readonly status: number }[] {
    return this.hubspot.log.slice(mark);
  }

  /** Requests since the mark that change something in HubSpot. */
  writes(mark = 0): readonly { readonly path: string }[] {
    return this.requests(mark).filter(
      ({ method, path }) => method !== 'GET' && !/\/batch\/read$|\/search$|token/.test(path),
    );
  }

  get mark(): number {
    return this.hubspot.log.length;
  }
}

async function startPortal(options: ShopOptions): Promise<HubSpotSandbox> {
  const latencyMs: Latency = {};
  const { seed = 1, isSetUp = true } = options;
  // What is counted at the end of a run is there at once: no test here is about waiting for the search index.
  const switches = { searchLagMs: 0, ...options.hubspot?.switches };
  const hubspot = await startHubSpot({ seed, burstPer10s: BURST, latencyMs, ...options.hubspot, switches });
  closeLater(() => hubspot.close());
  if (isSetUp) await makeProperties(hubspot);
  Object.assign(latencyMs, options.latencyMs);
  return hubspot;
}

/** What `setup --apply` does for this pipe, without the second that its process takes. */
async function makeProperties({ url }: HubSpotSandbox): Promise<void> {
  const transport = createTransport({
    token: SANDBOX_TOKEN,
    baseUrl: url,
    version: 'v3',
    clock: systemClock,
    random: Math.random,
  });
  const { signal } = new AbortController();
  await applySchema(transport, await planSchema(transport, products.properties, [], signal), signal);
}

/** Opens a distributor for one test: small, without flaws and without latency unless said. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const { seed = 1, items = ITEMS, flaws = false } = options;
  const world = generateErp({ seed, asOfMs: Date.now(), items, accounts: 20, quotes: 10, flaws });
  const erp = await startErp({ world, seed, timeScale: 0, ...options.erp });
  closeLater(() => erp.close());
  return new Shop(erp, await startPortal(options), options);
}
