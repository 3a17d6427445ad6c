/** A small distributor with everything it has: ERP, Square, HubSpot with what people made there, and the tool's folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountRow } from '../../src/sandbox/data/accounts.ts';
import type { ItemRow } from '../../src/sandbox/data/items.ts';
import type { QuoteRow } from '../../src/sandbox/data/quotes.ts';
import { ERP_SANDBOX_TOKEN, type ErpSandbox, startErp } from '../../src/sandbox/erp/server.ts';
import { type HubSpotSandbox, SANDBOX_TOKEN, startHubSpot } from '../../src/sandbox/hubspot/server.ts';
import type { Customer } from '../../src/sandbox/square/model.ts';
import { SQUARE_SANDBOX_TOKEN, type SquareSandbox, startSquare } from '../../src/sandbox/square/server.ts';
import { existingPortalObjects, generateErp, squarePeople } from '../../src/sandbox/world.ts';
import { type Ended, run, temporaryFolder } from '../cli-harness.ts';
import type { Till } from './orders.ts';

const SEED = 3;
const SCALE = 0.05;
const SALES = 110;
const PAGE_ROWS = 500;
const CUSTOMERS_PER_CALL = 100;

interface Vendors {
  readonly erp: ErpSandbox;
  readonly hubspot: HubSpotSandbox;
  readonly square: SquareSandbox;
}

export async function openDistributor(): Promise<Distributor> {
  const asOfMs = Date.now();
  const world = generateErp({ seed: SEED, scale: SCALE, asOfMs });
  const made = existingPortalObjects(world, SEED);
  const owners = made.owners.map((owner, index) => ({ id: String(71_000 + index), ...owner }));
  const lastCompany = made.companies.length - 1;
  const existing = {
    contacts: made.contacts.map((contact, index) => ({
      ...contact,
      lifecyclestage: 'opportunity',
      ...(index === 0 ? { associations: `companies:${lastCompany};deals:0` } : {}),
    })),
    companies: made.companies.map((company) => ({ ...company, lifecyclestage: 'customer', numberofemployees: '12' })),
    deals: made.deals.map((deal, index) => (index < 3 ? { ...deal, hubspot_owner_id: '71000' } : deal)),
  };
  const [erp, hubspot, square] = await Promise.all([
    startErp({ world, seed: SEED, timeScale: 0 }),
    startHubSpot({ seed: SEED, burstPer10s: null, existing, owners, switches: { searchLagMs: 500 } }),
    startSquare({ seed: SEED, asOfMs, orders: SALES, people: squarePeople(world) }),
  ]);
  return new Distributor({ erp, hubspot, square }, new Map(owners.map(({ email, id }) => [email, id])));
}

export class Distributor {
  readonly erp: ErpSandbox;
  readonly hubspot: HubSpotSandbox;
  readonly square: SquareSandbox;
  readonly folder = temporaryFolder();
  /** HubSpot owner ids by the reps' e-mail. */
  readonly owners: ReadonlyMap<string, string>;
  /** All that the tool has said so far. */
  output = '';

  constructor({ erp, hubspot, square }: Vendors, owners: ReadonlyMap<string, string>) {
    this.erp = erp;
    this.hubspot = hubspot;
    this.square = square;
    this.owners = owners;
  }

  async close(): Promise<void> {
    await Promise.all([this.erp.close(), this.hubspot.close(), this.square.close()]);
  }

  /** Runs the tool as a person does. */
  async tool(...args: string[]): Promise<Ended> {
    const env = {
      RETAIL_SYNC_ENV: 'sandbox',
      RETAIL_SYNC_STATE_DIR: join(this.folder, 'state'),
      XDG_STATE_HOME: join(this.folder, 'locks'),
      LOG_LEVEL: 'debug',
      HUBSPOT_BASE_URL: this.hubspot.url,
      HUBSPOT_TOKEN: SANDBOX_TOKEN,
      HUBSPOT_PORTAL_ID: '1234567',
      HUBSPOT_QUARANTINE_MS: '300',
      ERP_PROFILE: 'sandbox',
      ERP_STAGING_URL: this.erp.stagingUrl,
      ERP_TOKEN: ERP_SANDBOX_TOKEN,
      SQUARE_BASE_URL: this.square.url,
      SQUARE_TOKEN: SQUARE_SANDBOX_TOKEN,
    };
    const ended = await run(args, env, this.folder);
    this.output += ended.stdout + ended.stderr;
    return ended;
  }

  /** Names and bytes of every file that the tool has left. */
  files(): { readonly name: string; readonly bytes: Buffer }[] {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((name) => ({ name, bytes: readFileSync(name) }));
  }

  items = (): Promise<ItemRow[]> => this.#rows<ItemRow>('items');
  accounts = (): Promise<AccountRow[]> => this.#rows<AccountRow>('accounts');
  quotes = (): Promise<QuoteRow[]> => this.#rows<QuoteRow>('quotes');

  async #rows<R>(resource: string): Promise<R[]> {
    const rows: R[] = [];
    for (let page = 1, left = 1; left > 0; page++) {
      const url = `${this.erp.stagingUrl}/api/${resource}?page=${page}&pageSize=${PAGE_ROWS}`;
      const reply = await fetch(url, { headers: { authorization: `Bearer ${ERP_SANDBOX_TOKEN}` } });
      const { data, totalCount }: { data: R[]; totalCount: number } = JSON.parse(await reply.text());
      rows.push(...data);
      left = data.length === 0 ? 0 : totalCount - rows.length;
    }
    return rows;
  }

  async till(): Promise<Till> {
    const orders = this.square.orders();
    const named = orders.flatMap((order) => [order.customer_id, ...(order.tenders ?? []).map((t) => t.customer_id)]);
    const ids = [...new Set(named.flatMap((id) => id ?? []))];
    const customers = new Map<string, Customer>();
    for (let from = 0; from < ids.length; from += CUSTOMERS_PER_CALL) {
      const body = { customer_ids: ids.slice(from, from + CUSTOMERS_PER_CALL) };
      const { responses }: { responses: Record<string, { customer?: Customer }> } = await this.#askSquare(
        'customers/bulk-retrieve',
        body,
      );
      for (const [id, { customer }] of Object.entries(responses)) if (customer) customers.set(id, customer);
    }
    const { locations }: { locations: { id: string; name: string }[] } = await this.#askSquare('locations');
    return { orders, customers, locations: new Map(locations.map(({ id, name }) => [id, name])) };
  }

  async #askSquare(path: string, body?: object) {
    const reply = await fetch(`${this.square.url}/v2/${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${SQUARE_SANDBOX_TOKEN}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return JSON.parse(await reply.text());
  }

  /** What people do at the ERP: `{ resource, ids, set }`, `{ resource: 'quotes', add }` and so on. */
  changeErp = (change: object): Promise<unknown> => order(`${this.erp.url}/_sandbox/change`, change);

  /** What people do at the counter: `{ newOrders, refunds, complete, cancel }`. */
  changeSquare = (change: object): Promise<unknown> => order(`${this.square.url}/_sandbox/change`, change);

  /** What people do in HubSpot. */
  editInHubSpot = (type: string, id: string, properties: Readonly<Record<string, string>>): Promise<unknown> =>
    order(`${this.hubspot.url}/_sandbox/edit`, { type, id, properties });
}

async function order(url: string, body: object): Promise<unknown> {
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${url} answered ${reply.status}: ${await reply.text()}`);
  return JSON.parse(await reply.text());
}
