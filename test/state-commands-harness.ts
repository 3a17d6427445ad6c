/** A small distributor, and the commands about the state as they are typed, all in this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Command } from 'commander';
import { afterEach } from 'vitest';
import { z } from 'zod';
import type { Invocation } from '../src/commands/invocation.ts';
import { setup } from '../src/commands/setup.ts';
import { registerStateCommands } from '../src/commands/state-commands.ts';
import { sync } from '../src/commands/sync.ts';
import { FatalError } from '../src/errors.ts';
import { ERP_SANDBOX_TOKEN, type ErpOptions, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import { type HubSpotSandbox, SANDBOX_TOKEN, startHubSpot } from '../src/sandbox/hubspot/server.ts';
import { generateErp } from '../src/sandbox/world.ts';

const FIRST_ITEM = 1_000_001;

export interface Said {
  readonly code: number;
  readonly stdout: string;
  /** Log lines, and what a refused command said. */
  readonly stderr: string;
}

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** An ERP, a portal, and a folder with the state. */
export class Shop {
  readonly erp: ErpSandbox;
  readonly hubspot: HubSpotSandbox;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #items: number;

  constructor(erp: ErpSandbox, hubspot: HubSpotSandbox, items: number) {
    this.erp = erp;
    this.hubspot = hubspot;
    this.#items = items;
    this.folder = mkdtempSync(join(tmpdir(), 'retail-sync-state-'));
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
    };
  }

  /** The same shop, with other settings. */
  with(settings: Readonly<Record<string, string>>): Shop {
    return Object.assign(Object.create(this), { env: { ...this.env, ...settings } });
  }

  /** Types a command; a FatalError is printed and ends it with its code, as the entry does. */
  async type(...args: string[]): Promise<Said> {
    const [out, err]: [string[], string[]] = [[], []];
    const invocation: Invocation = {
      env: this.env,
      cwd: this.folder,
      stdout: { write: (text) => out.push(text) },
      stderr: { write: (text) => err.push(text) },
      stop: new AbortController().signal,
      trigger: 'manual',
    };
    let code = 0;
    const run = async (work: () => Promise<number>): Promise<void> => {
      try {
        code = await work();
      } catch (thrown) {
        if (!(thrown instanceof FatalError)) throw thrown;
        err.push(`${thrown.message}\n  fix: ${thrown.hint}\n`);
        code = thrown.exit;
      }
    };
    const program = new Command('retail-sync').exitOverride().configureOutput({ writeErr: (text) => err.push(text) });
    program
      .command('sync <pipe>')
      .option('--full')
      .action((pipe, flags) => run(() => sync(pipe, flags, invocation)));
    registerStateCommands(program, run, invocation);
    await program.parseAsync(args, { from: 'user' });
    return { code, stdout: out.join(''), stderr: err.join('') };
  }

  /** What `setup --apply` does. */
  async setUp(): Promise<void> {
    const silent = { write: () => undefined };
    const stop = new AbortController().signal;
    const invocation = { env: this.env, cwd: this.folder, stdout: silent, stderr: silent, stop, trigger: 'test' };
    const code = await setup({ apply: true }, invocation);
    if (code !== 0) throw new Error(`setup ended with ${code}`);
  }

  /** Numbers of the items that are sold. */
  async itemsSold(): Promise<readonly string[]> {
    const ids = Array.from({ length: this.#items }, (_, index) => String(FIRST_ITEM + index));
    const reply = await fetch(`${this.erp.stagingUrl}/api/items?ids=${ids.join(',')}`, {
      headers: { authorization: `Bearer ${ERP_SANDBOX_TOKEN}` },
    });
    const { data } = listing.parse(await reply.json());
    return data.filter(({ statusCode }) => statusCode === 'A').map(({ itemNo }) => itemNo);
  }

  /** Changes rows of the item file as people do: `{ ids, set }` or `{ delete }`. */
  async change(change: Readonly<Record<string, unknown>>): Promise<void> {
    const body = JSON.stringify({ resource: 'items', ...change });
    const reply = await fetch(`${this.erp.url}/_sandbox/change`, { method: 'POST', body });
    if (!reply.ok) throw new Error(`the ERP refused the change: ${await reply.text()}`);
  }

  /** Properties of the portal's products, by ERP id. */
  products(): ReadonlyMap<string, Readonly<Record<string, string>>> {
    const all = this.hubspot.store.all('products');
    return new Map([...all].map(({ properties }) => [properties.erp_product_id ?? '', properties]));
  }

  /** How many requests were made to HubSpot that change something there. */
  get writes(): number {
    return this.hubspot.log.filter(
      ({ method, path }) => method !== 'GET' && !/\/batch\/read$|\/search$|token/.test(path),
    ).length;
  }

  /** Asks the state. */
  rows(sql: string): readonly unknown[] {
    return this.#withDatabase((db) => db.prepare(sql).all());
  }

  /** Changes the state behind the tool's back, such as to make something older than it is. */
  /** What the ERP does wrong from now on. */
  async drift(drift: object): Promise<void> {
    const reply = await fetch(`${this.erp.url}/_sandbox/drift`, { method: 'PUT', body: JSON.stringify(drift) });
    if (!reply.ok) throw new Error(`drift answered ${reply.status}`);
  }

  alter(sql: string): void {
    this.#withDatabase((db) => db.exec(sql));
  }

  #withDatabase<T>(work: (db: Database.Database) => T): T {
    const db = new Database(join(this.folder, 'state', 'state.db'));
    try {
      return work(db);
    } finally {
      db.close();
    }
  }
}

const listing = z.object({ data: z.array(z.object({ itemNo: z.string(), statusCode: z.string() })) });

/** Opens a distributor for one test; up to 100 items. Its portal lacks our properties where `isSetUp` is false. */
export async function openShop({
  items = 10,
  drift = {},
  isSetUp = true,
}: {
  readonly items?: number;
  readonly drift?: NonNullable<ErpOptions['drift']>;
  readonly isSetUp?: boolean;
} = {}): Promise<Shop> {
  const world = generateErp({ seed: 1, asOfMs: Date.now(), items, accounts: 20, quotes: 10, flaws: false });
  const erp = await startErp({ world, timeScale: 0, drift });
  const hubspot = await startHubSpot({ seed: 1, burstPer10s: 10_000, latencyMs: {}, switches: { searchLagMs: 0 } });
  const shop = new Shop(erp, hubspot, items);
  closers.push(
    () => erp.close(),
    () => hubspot.close(),
    () => rmSync(shop.folder, { recursive: true, force: true }),
  );
  if (isSetUp) await shop.setUp();
  return shop;
}

/** The longest line of a text. */
export const widest = (text: string): number => Math.max(...text.split('\n').map((line) => [...line].length));
