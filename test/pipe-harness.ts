/**
 * A distributor of a handful of rows, and the real engine in this process against the emulated vendors over HTTP. Each
 * run opens and closes the state database, so that nothing survives from run to run but what is on disk.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { loadConfig } from '../src/config.ts';
import { type LoadedJob, loadJobs } from '../src/jobs.ts';
import { silentLog } from '../src/log.ts';
import { type Mode, runJob } from '../src/mission.ts';
import { observer } from '../src/observe.ts';
import type { RunReport } from '../src/run-report.ts';
import type { AccountRow, AccountSource } from '../src/sandbox/data/accounts.ts';
import type { PersonRow } from '../src/sandbox/data/people.ts';
import type { QuoteRow, QuoteSource } from '../src/sandbox/data/quotes.ts';
import type { RepRow } from '../src/sandbox/data/reps.ts';
import type { RowSource } from '../src/sandbox/data/rows.ts';
import { ERP_SANDBOX_TOKEN, type ErpSandbox, startErp } from '../src/sandbox/erp/server.ts';
import { startVendor, type Vendor } from '../src/sandbox/http.ts';
import type { ObjectName } from '../src/sandbox/hubspot/kinds.ts';
import {
  type HubSpotOptions,
  type HubSpotSandbox,
  SANDBOX_TOKEN,
  startHubSpot,
} from '../src/sandbox/hubspot/server.ts';
import { seeded } from '../src/sandbox/random.ts';
import { Cursors } from '../src/sandbox/square/cursors.ts';
import { paySale, type TenderDraft } from '../src/sandbox/square/life.ts';
import type { Customer, Location, OrderJson } from '../src/sandbox/square/model.ts';
import { ALL_SCOPES, answerApi } from '../src/sandbox/square/routes.ts';
import { type LineDraft, openOrder, type SaleDraft } from '../src/sandbox/square/sale.ts';
import { SQUARE_SANDBOX_TOKEN } from '../src/sandbox/square/server.ts';
import { switchesSchema } from '../src/sandbox/square/switches.ts';
import { World as SquareWorld } from '../src/sandbox/square/world.ts';
import { type ErpWorld, generateErp } from '../src/sandbox/world.ts';
import { applySchema, planSchema } from '../src/sinks/hubspot/schema.ts';
import { createTransport } from '../src/sinks/hubspot/transport.ts';
import { openDatabase, openReadOnly } from '../src/state/database.ts';
import { openPortal } from '../src/systems.ts';

export const DAY_MS = 86_400_000;
const PORTAL_ID = '1234567';
const PROFILE = fileURLToPath(new URL('../src/sources/erp/profiles/sandbox.yaml', import.meta.url));

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** The value, where the test has no point without it. */
export function there<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is not there`);
  return value;
}

// ------------------------------------------------------------------------------------------------ the ERP's rows

const rep = (id: string, name: string): RepRow => ({
  id,
  name,
  email: `${name.toLowerCase()}@redbudsupply.example`,
  active: true,
});
const REPS = [rep('R-1', 'Ada'), rep('R-2', 'Ben'), rep('R-3', 'Cyd')] as const;

export const repOnRow = (id: string): AccountRow['rep'] => REPS.find((one) => one.id === id) ?? null;

const tenDaysAgo = (): string => new Date(Date.now() - 10 * DAY_MS).toISOString();

/** A contractor of the first rep without people, unless said. Its account number ends like its id. */
export function account(accountId: string, facts: Partial<AccountRow> = {}): AccountRow {
  return {
    accountId,
    accountNo: `10-${accountId.slice(2)}`,
    companyName: `Company ${accountId}`,
    kind: 'CONTR',
    state: 'OK',
    rep: repOnRow('R-1'),
    creditLimit: '1000.00',
    balanceDue: '0.00',
    terms: 'NET30',
    priceLevel: 'B',
    taxExempt: 'N',
    salesYtd: '0.00',
    lastOrder: null,
    phone: '',
    web: null,
    addr: { street: '1 Main St', city: 'Tulsa', state: 'OK', zip: '74101', country: 'US' },
    parentAccount: null,
    people: [],
    lastChanged: tenDaysAgo(),
    ...facts,
  };
}

export const person = (personId: string, facts: Partial<PersonRow> = {}): PersonRow => ({
  personId,
  first: 'Pat',
  last: `Number${personId.slice(2)}`,
  mail: null,
  tel: '',
  ext: '',
  cell: null,
  function: 'Buyer',
  main: false,
  ...facts,
});

/** Revision 0 of a quote of its own, sent, of the first rep, unless said. */
export function quote(quoteId: string, accountId: string, facts: Partial<QuoteRow> = {}): QuoteRow {
  return {
    quoteId,
    oppId: `OPP-${quoteId}`,
    quoteNo: `N${quoteId}`,
    rev: 0,
    stage: 'SENT',
    quoteDate: '2026-10-01',
    validTo: '2026-12-01',
    decidedOn: null,
    subTotal: '100.00',
    taxTotal: '0.00',
    freightTotal: '0.00',
    grandTotal: '100.00',
    marginPct: '25.0',
    rep: repOnRow('R-1'),
    accountId,
    accountName: `Company ${accountId}`,
    customerPo: '',
    job: 'Shop stock',
    lines: [{ itemNo: '1', sku: 'S', text: 'Tile', qty: '1', price: '100.00' }],
    lastChanged: tenDaysAgo(),
    ...facts,
  };
}

/** Ids of rows that take the vendor's query down with them. */
type Poison = ReadonlySet<string>;

type Dated = { readonly lastChanged: string };

/** Rows that a test may add to while the server runs; serving a poisoned one breaks the query. */
function sourceOf<R extends Dated & Record<string, unknown>>(
  rows: R[],
  idField: keyof R & string,
  poison: Poison = new Set(),
): RowSource<R> {
  const at = (index: number): R => there(rows[index], `row ${index}`);
  const served = (index: number): R => {
    const row = at(index);
    if (poison.has(String(row[idField]))) throw new Error('this row kills the query');
    return row;
  };
  return {
    idField,
    get count() {
      return rows.length;
    },
    spare: 0,
    idOf: (index) => String(rows[index]?.[idField] ?? 'no such row'),
    indexOf: (id) => rows.findIndex((row) => row[idField] === id),
    changedAtMs: (index) => Date.parse(at(index).lastChanged),
    row: served,
  };
}

interface Rows {
  readonly accounts: AccountRow[];
  readonly quotes: QuoteRow[];
}

function worldOf({ accounts, quotes }: Rows, poison: Poison): ErpWorld {
  // Assigned to, not spread: the count has to stay live.
  const accountSource: AccountSource = Object.assign(sourceOf(accounts, 'accountId', poison), {
    businesses: new Uint32Array(),
    isBusiness: () => true,
    repOf: (index: number) => accounts[index]?.rep ?? null,
    nameOf: (index: number) => accounts[index]?.companyName ?? '',
    domainOf: () => null,
    peek: (index: number, fact: 'repId' | 'name') =>
      fact === 'name' ? (accounts[index]?.companyName ?? '') : (accounts[index]?.rep?.id ?? ''),
  });
  const quoteSource: QuoteSource = Object.assign(sourceOf(quotes, 'quoteId'), {
    revisions: [],
    rowOf: () => {
      throw new Error('tests add their own rows');
    },
  });
  const { items } = generateErp({ seed: 1, asOfMs: Date.now(), items: 1, accounts: 1, quotes: 1 });
  return {
    company: 'Redbud',
    seed: 1,
    asOfMs: Date.now(),
    items,
    accounts: accountSource,
    quotes: quoteSource,
    reps: REPS,
  };
}

// ---------------------------------------------------------------------------------------------------- the till

type Sale = Partial<Omit<SaleDraft, 'lines'>> & {
  readonly lines?: readonly LineDraft[];
  readonly tender?: TenderDraft['type'];
};

/** Square's counter: two shops in dollars and one in yen. */
export class Till {
  readonly world: SquareWorld;
  readonly forbidden = new Set<string>();
  readonly main: Location;
  readonly other: Location;
  readonly yen: Location;

  constructor() {
    const switches = switchesSchema.parse({ settleMs: 0 });
    this.world = new SquareWorld(seeded(7), Date.now, () => switches);
    this.main = this.#shop('Elm Street', 'USD');
    this.other = this.#shop('Harbor', 'USD');
    this.yen = this.#shop('Osaka', 'JPY');
  }

  #shop(name: string, currency: string): Location {
    const born = new Date(Date.now() - 900 * DAY_MS + this.world.locations.length * DAY_MS).toISOString();
    const id = `L${name.replace(/\W/g, '').toUpperCase()}`;
    const location: Location = { id, name, status: 'ACTIVE', currency, created_at: born };
    this.world.locations.push(location);
    return location;
  }

  customer(facts: Omit<Customer, 'id'>): string {
    const id = this.world.id(26);
    this.world.customers.set(id, { ...facts, id });
    return id;
  }

  /** An order on the counter: open, nothing paid; 100.00 in the first shop, five days ago, unless said. */
  open({ tender: _, ...draft }: Sale = {}): OrderJson {
    const lines = [{ name: 'Sample board', quantity: '1', price: 10_000 }];
    const createdMs = Date.now() - 5 * DAY_MS;
    return this.world.add(openOrder(this.world, { location: this.main, createdMs, lines, ...draft }));
  }

  /** A sale paid a minute after it was made. */
  sell(sale: Sale = {}): OrderJson {
    const order = this.open(sale);
    const tender = { type: sale.tender ?? 'CARD', customerId: sale.customerId } as const;
    return paySale(this.world, order, tender, Date.parse(order.created_at) + 60_000);
  }
}

async function serveTill(till: Till): Promise<Vendor> {
  const random = seeded(8);
  const merchant = {
    world: till.world,
    cursors: new Cursors(
      () => Buffer.from(String(random())).toString('base64url'),
      () => 300_000,
    ),
    tokens: { [SQUARE_SANDBOX_TOKEN]: ALL_SCOPES },
    forbiddenLocations: till.forbidden,
  };
  return await startVendor({ name: 'square', random, handle: (request) => answerApi(merchant, request) });
}

// --------------------------------------------------------------------------------------------------- the bench

export interface BenchOptions {
  readonly accounts?: readonly AccountRow[];
  readonly quotes?: readonly QuoteRow[];
  /** In place of rows of the test's own. */
  readonly world?: ErpWorld;
  readonly hubspot?: Partial<HubSpotOptions>;
  /** Time of each of the ERP's answers. */
  readonly erpLatencyMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Edits the sandbox's profile before it is used. */
  readonly profile?: (yaml: string) => string;
}

export type RunMode = Partial<Mode> & {
  readonly adopt?: boolean;
  readonly stop?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** Another mapping than the shipped one. */
  readonly alter?: (job: LoadedJob) => LoadedJob;
  readonly onWarning?: (message: string) => void;
};

type Values = Readonly<Record<string, string>>;

/** A HubSpot object as people see it. */
export type Held = Values & { readonly id: string };

const KEYS = { companies: 'erp_customer_id', contacts: 'erp_contact_id' } as const;

export class Bench {
  readonly erp: ErpSandbox;
  readonly hubspot: HubSpotSandbox;
  readonly till: Till;
  readonly square: Vendor;
  readonly folder: string;
  /** Ids of accounts whose row takes the vendor's query down with it. */
  readonly poison: Set<string>;
  readonly #rows: Rows;
  readonly #env: Readonly<Record<string, string>>;

  constructor(parts: {
    erp: ErpSandbox;
    hubspot: HubSpotSandbox;
    till: Till;
    square: Vendor;
    folder: string;
    poison: Set<string>;
    rows: Rows;
    options: BenchOptions;
  }) {
    const { erp, hubspot, till, square, folder, poison, rows, options } = parts;
    this.erp = erp;
    this.hubspot = hubspot;
    this.till = till;
    this.square = square;
    this.folder = folder;
    this.poison = poison;
    this.#rows = rows;
    this.#env = {
      RETAIL_SYNC_ENV: 'sandbox',
      RETAIL_SYNC_STATE_DIR: this.stateDir,
      HUBSPOT_BASE_URL: hubspot.url,
      HUBSPOT_TOKEN: SANDBOX_TOKEN,
      HUBSPOT_PORTAL_ID: PORTAL_ID,
      HUBSPOT_QUARANTINE_MS: '50',
      // These tests count the queries of a run itself.
      PROBE_BEFORE_RUNS: 'false',
      ERP_PROFILE: options.profile ? this.#profile(options.profile) : 'sandbox',
      ERP_STAGING_URL: erp.stagingUrl,
      ERP_TOKEN: ERP_SANDBOX_TOKEN,
      SQUARE_BASE_URL: square.url,
      SQUARE_TOKEN: SQUARE_SANDBOX_TOKEN,
      ...options.env,
    };
  }

  /** What the tool is run with. */
  get env(): Readonly<Record<string, string>> {
    return { ...this.#env, XDG_STATE_HOME: this.folder, LOG_LEVEL: 'silent' };
  }

  get stateDir(): string {
    return join(this.folder, 'state');
  }

  #profile(edit: (yaml: string) => string): string {
    const text = readFileSync(PROFILE, 'utf8');
    const edited = edit(text);
    if (edited === text) throw new Error('the edit left the profile as it was');
    const path = join(this.folder, 'vendor.yaml');
    writeFileSync(path, edited);
    return path;
  }

  /** One run of one pipe, as `sync` does it; the breakers let it through unless said. */
  async run(pipe: string, { adopt = true, stop, onWarning, env, alter, ...mode }: RunMode = {}): Promise<RunReport> {
    const config = loadConfig({ env: { ...this.#env, ...env }, cwd: this.folder, needs: ['hubspot', 'erp', 'square'] });
    const signal = stop ?? new AbortController().signal;
    const jobs = (await loadJobs()).map((one) => (alter && one.pipe === pipe ? alter(one) : one));
    const job = there(
      jobs.find((one) => one.pipe === pipe),
      pipe,
    );
    const { properties, pipeline } = job.mapping;
    const db = openDatabase(config.stateDir, { environment: config.environment, portalId: config.hubspot.portalId });
    try {
      const wanted = { specs: properties, pipelines: pipeline ? [pipeline] : [], adopt };
      const portal = await openPortal(config, wanted, signal);
      const asked: Mode = {
        ...{ since: null, full: false, dryRun: false, limit: null, partition: null, records: null, approved: true },
        ...mode,
      };
      const { report } = await runJob(
        job,
        asked,
        {
          ...{ jobs, config, db, portal, trigger: 'test', stop: signal, onProgress: () => undefined },
          observer: observer(silentLog, null),
          onWarning: (_pipe, message) => onWarning?.(message),
        },
        ({ report }) => report,
      );
      return report;
    } finally {
      db.close();
    }
  }

  /** What HubSpot holds that carries our key, by that key. Throws for two objects of one key. */
  held(object: ObjectName, key: string): ReadonlyMap<string, Held> {
    const found = new Map<string, Held>();
    for (const { id, properties, archivedAtMs } of this.hubspot.store.all(object)) {
      const value = properties[key];
      if (archivedAtMs !== null || !value) continue;
      if (found.has(value)) throw new Error(`two ${object} for ${value}`);
      found.set(value, { ...properties, id });
    }
    return found;
  }

  company = (key: string): Held => there(this.held('companies', KEYS.companies).get(key), `company ${key}`);
  contact = (key: string): Held => there(this.held('contacts', KEYS.contacts).get(key), `contact ${key}`);
  deal = (key: string): Held => there(this.held('deals', 'erp_opportunity_id').get(key), `deal ${key}`);
  ticket = (key: string): Held => there(this.held('deals', 'square_order_id').get(key), `sale ${key}`);

  /** Ids of the objects of a type that an object is linked to, by the link types. */
  async linked(id: string, object: ObjectName): Promise<Readonly<Record<string, readonly number[]>>> {
    const { results }: { results: { from: string; to: string; toObject: string; types: number[] }[] } = JSON.parse(
      await ask(`${this.hubspot.url}/_sandbox/associations`),
    );
    const mine = results.filter((link) => link.from === id && link.toObject === object);
    return Object.fromEntries(mine.map(({ to, types }) => [to, types]));
  }

  /** What people read in the stage's column. */
  async stageOf({ pipeline, dealstage }: Held): Promise<string | undefined> {
    const text = await ask(`${this.hubspot.url}/crm/v3/pipelines/deals/${pipeline}`);
    const { stages }: { stages: { id: string; label: string }[] } = JSON.parse(text);
    return stages.find(({ id }) => id === dealstage)?.label;
  }

  /** Rows of the state database. */
  query(sql: string): readonly Readonly<Record<string, unknown>>[] {
    const db = there(openReadOnly(this.stateDir), 'the state');
    try {
      return db.prepare<[], Record<string, unknown>>(sql).all();
    } finally {
      db.close();
    }
  }

  letters(): readonly Readonly<Record<string, unknown>>[] {
    return this.query(
      "SELECT subject, stage, category, reason, raw FROM dead_letters WHERE state = 'open' ORDER BY id",
    );
  }

  /** Whether the bytes of a text are anywhere in the state's files. */
  remembers(text: string): boolean {
    return readdirSync(this.stateDir).some((file) => readFileSync(join(this.stateDir, file)).includes(text));
  }

  /** Changes rows as people do. */
  async change(resource: 'accounts' | 'quotes', id: string, set: object): Promise<void> {
    await ask(`${this.erp.url}/_sandbox/change`, 'POST', { resource, ids: [id], set });
  }

  async addAccount(row: AccountRow): Promise<void> {
    this.#rows.accounts.push(row);
    await this.change('accounts', row.accountId, {});
  }

  /** A quote saved now, unless its date says otherwise. */
  async addQuote(row: QuoteRow, lastChanged?: string): Promise<void> {
    this.#rows.quotes.push(row);
    await this.change('quotes', row.quoteId, lastChanged === undefined ? {} : { lastChanged });
  }

  drift(drift: object): Promise<string> {
    return ask(`${this.erp.url}/_sandbox/drift`, 'PUT', drift);
  }

  /** A person's edit in HubSpot. */
  edit(type: ObjectName, id: string, properties: Values): Promise<string> {
    return ask(`${this.hubspot.url}/_sandbox/edit`, 'POST', { type, id, properties });
  }

  switch(switches: object): Promise<string> {
    return ask(`${this.hubspot.url}/_sandbox/switches`, 'PUT', switches);
  }

  /** Requests that changed something in HubSpot, since the mark. */
  writes(mark = 0): readonly { readonly method: string; readonly path: string; readonly status: number }[] {
    return this.hubspot.log
      .slice(mark)
      .filter(({ method, path }) => method !== 'GET' && !/\/batch\/read$|\/search$|token/.test(path));
  }

  get mark(): number {
    return this.hubspot.log.length;
  }

  /** The queries of accounts that the ERP was asked since the mark. */
  accountQueries(mark = 0): readonly URLSearchParams[] {
    return this.erp.log
      .slice(mark)
      .filter(({ path, query }) => path.endsWith('/accounts') && !query.includes('ids='))
      .map(({ query }) => new URLSearchParams(query));
  }
}

export async function ask(url: string, method = 'GET', body?: object): Promise<string> {
  const headers = { authorization: `Bearer ${SANDBOX_TOKEN}` };
  const reply = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${url} answered ${reply.status}: ${text}`);
  return text;
}

/** What `setup --apply` does for all pipes. */
async function makeSchema({ url }: HubSpotSandbox): Promise<void> {
  const random = Math.random;
  const transport = createTransport({ token: SANDBOX_TOKEN, baseUrl: url, version: 'v3', clock: systemClock, random });
  const mappings = (await loadJobs()).map((job) => job.mapping);
  const specs = mappings.flatMap(({ properties }) => properties);
  const pipelines = mappings.flatMap(({ pipeline }) => pipeline ?? []);
  const { signal } = new AbortController();
  await applySchema(transport, await planSchema(transport, specs, pipelines, signal), signal);
}

/** Opens a distributor for one test; everything is closed and gone after it. */
export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  vi.spyOn(Math, 'random').mockReturnValue(0); // the pauses before retries are a random share of theirs
  const rows = { accounts: [...(options.accounts ?? [])], quotes: [...(options.quotes ?? [])] };
  const poison = new Set<string>();
  const till = new Till();
  const [erp, hubspot, square] = await Promise.all([
    startErp({ world: options.world ?? worldOf(rows, poison), timeScale: 0, latencyMs: options.erpLatencyMs ?? 0 }),
    startHubSpot({
      seed: 1,
      burstPer10s: 10_000,
      associationsPer10s: 10_000,
      searchPerSecond: 1_000,
      owners: REPS.map(({ email }, index) => ({ id: String(501 + index), email, firstName: 'A', lastName: 'B' })),
      ...options.hubspot,
    }),
    serveTill(till),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-pipe-'));
  closers.push(async () => {
    await Promise.all([erp.close(), hubspot.close(), square.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  await makeSchema(hubspot);
  return new Bench({ erp, hubspot, till, square, folder, poison, rows, options });
}
