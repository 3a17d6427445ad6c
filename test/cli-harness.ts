/**
 * The tool as a person meets it: the real entry in a process of its own, against emulated vendors in this one. State,
 * lock and working directory of each shop are a folder of its own; at the end of the file everything is closed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import products from '../mappers/products.ts';
import { ERP_SANDBOX_TOKEN, type ErpOptions, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import {
  type HubSpotOptions,
  type HubSpotSandbox,
  SANDBOX_TOKEN,
  startHubSpot,
} from '../src/sandbox/hubspot/server.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { applySchema, planSchema } from '../src/sinks/hubspot/schema.ts';
import { openTransport } from '../src/systems.ts';

export { ERP_SANDBOX_TOKEN, SANDBOX_TOKEN };

const ENTRY = fileURLToPath(new URL('../bin/retail-sync.js', import.meta.url));
/** A process that hangs is a failed test, not a hanging CI. */
const PROCESS_MS_MAX = 90_000;
const POLL_MS = 3;
/** Items of a shop, unless said; and the number of its first one. */
const ITEMS = 250;
const FIRST_ITEM = 1_000_001;
/** Requests per 10 s that the portal says it allows: no test is about waiting for them. */
const BURST = 10_000;

type Variables = Readonly<Record<string, string>>;

/** What a process left behind. `code` is null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A process under way. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** False from the moment the process is gone. */
  isAlive(): boolean;
  stderr(): string;
}

const scratch = mkdtempSync(join(tmpdir(), 'retail-sync-cli-'));
const children = new Set<ChildProcess>();
const closers: (() => Promise<void>)[] = [];
let shops = 0;

const killAll = (): void => {
  for (const child of children) child.kill('SIGKILL');
};

process.once('exit', killAll);
afterAll(async () => {
  killAll();
  await Promise.all(closers.splice(0).map((close) => close()));
  rmSync(scratch, { recursive: true, force: true });
});

/** A folder that is gone after the tests of this file. */
export const temporaryFolder = (): string => mkdtempSync(join(scratch, 'folder-'));

/**
 * Starts the tool. Only what is given is in its environment, beside a home folder that is empty. `wrapper`: a command
 * that runs the one behind it, such as `nice`.
 */
function start(args: readonly string[], env: Variables, cwd: string, wrapper: readonly string[] = []): Running {
  const startedMs = performance.now();
  const [command = process.execPath, ...rest] = [...wrapper, process.execPath, ENTRY, ...args];
  const child = spawn(command, rest, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Compiled code is kept between the many processes of a file: starting one takes half as long.
    env: { PATH: process.env.PATH, HOME: cwd, NODE_COMPILE_CACHE: join(scratch, 'compiled'), ...env },
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PROCESS_MS_MAX);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code, signal, stdout, stderr, ms: performance.now() - startedMs });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => child.kill(signal),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stderr: () => stderr,
  };
}

/** Starts the tool and waits for its end. */
export const run = (args: readonly string[], env: Variables = {}, cwd = temporaryFolder()): Promise<Ended> =>
  start(args, env, cwd).ended;

/** Asks every few milliseconds; throws when it does not become true in time. */
export async function until(what: string, isTrue: () => boolean, withinMs = 30_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(POLL_MS);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that takes every request and answers none. */
export async function openSilence(): Promise<{ readonly url: string; readonly asked: () => boolean }> {
  let requests = 0;
  const server = createServer(() => {
    requests++;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { url: `http://127.0.0.1:${port}`, asked: () => requests > 0 };
}

/** The most memory a process has held so far, in MB; null once it is gone. */
export function peakMemoryMb(pid: number): number | null {
  try {
    const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? null : Number(peak) / 1024;
  } catch {
    return null;
  }
}

interface Latency {
  write?: number;
  read?: number;
}

export interface ShopOptions {
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
    this.folder = join(scratch, `shop-${++shops}`);
    mkdirSync(this.folder);
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
  const hubspot = await startHubSpot({ seed, burstPer10s: BURST, latencyMs, ...options.hubspot });
  closers.push(() => hubspot.close());
  if (isSetUp) await makeProperties(hubspot);
  Object.assign(latencyMs, options.latencyMs);
  return hubspot;
}

/** What `setup --apply` does for this pipe, without the second that its process takes. */
async function makeProperties({ url }: HubSpotSandbox): Promise<void> {
  const transport = openTransport({
    token: SANDBOX_TOKEN,
    portalId: '1234567',
    baseUrl: url,
    apiVersion: 'v3',
    quarantineMs: 0,
  });
  const { signal } = new AbortController();
  await applySchema(transport, await planSchema(transport, products.properties, [], signal), signal);
}

/** Opens a distributor for one test: small, without flaws and without latency unless said. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const { seed = 1, items = ITEMS, flaws = false } = options;
  const world = generateErp({ seed, asOfMs: Date.now(), items, accounts: 20, quotes: 10, flaws });
  const erp = await startErp({ world, seed, timeScale: 0, ...options.erp });
  closers.push(() => erp.close());
  return new Shop(erp, await startPortal(options), options);
}
