/** The whole tool against a real Tryton and the sandbox's HubSpot: `npm run test:erp`. Its last line counts the checks. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type Expected, expectedAccounts, expectedDeals, expectedProducts } from './expected.ts';
import { ensureTryton } from './packages.ts';
import { HoldingProxy } from './proxy.ts';
import { createReader, writable } from './reader.ts';
import { type Seeded, seed } from './seed.ts';
import { freePort, TrytonServer } from './server.ts';
import { type Ended, forgetRequests, inHubspot, requestsSince, runTool, searchesLag } from './tool.ts';
import { Caller, money } from './wire.ts';

type Env = Readonly<Record<string, string>>;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const startMs = Date.now();
let passed = 0;
let failed = 0;

function check(name: string, holds: boolean, seen: unknown = ''): void {
  if (holds) passed++;
  else failed++;
  const at = `${((Date.now() - startMs) / 1000).toFixed(1)} s`.padStart(7);
  say(`${at} ${holds ? '✓' : '✗'} ${name}${holds ? '' : `: ${JSON.stringify(seen)}`}`);
}

const Document = z.object({
  status: z.string(),
  runs: z.array(z.object({ pipe: z.string(), partitions: z.object({ total: z.number(), complete: z.number() }) })),
});

const SIZES = { products: 150, customers: 60, opportunities: 40 };
/** Runs wait for their count of what HubSpot holds until its searches show it; how long is tested elsewhere. */
const SEARCH_LAG_MS = 300;
/** Several pages for so few records. */
const PAGE = 40;
const SHIPPED = fileURLToPath(new URL('../../src/sources/erp/profiles/tryton.yaml', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'retail-sync-tryton-'));
const server = new TrytonServer(folder, await freePort(), randomBytes(12).toString('base64url'));
const proxy = new HoldingProxy(server.url);
const erp = new Caller(`${server.url}/${server.database}/`, 'admin', server.adminPassword);
const close: (() => Promise<void>)[] = [() => server.stop(), () => proxy.stop()];
try {
  await story();
} catch (error) {
  check('the test ran to its end', false, error instanceof Error ? error.message : String(error));
} finally {
  for (const end of close.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
}
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function story(): Promise<void> {
  ensureTryton(say);
  const [{ made, reader }, { env: vendors, setUp }] = await Promise.all([aDatabase(), aPortal()]);
  check('setup makes the properties', setUp.code === 0, setUp.stderr.slice(-500));
  await aReaderOnly(made, reader);
  const env = { ...vendors, ERP_USER: reader.user, ERP_PASSWORD: reader.password };
  const sync = (...args: string[]): Promise<Ended> => runTool(['sync', ...args, '--json'], env, folder);

  const first = await sync('all');
  check('the first load, by a user that may only read, is proven complete', isProven(first), said(first));
  await compare('the first load', env);

  await forgetRequests(env);
  const second = await sync('all');
  const { all, writes } = await requestsSince(env);
  check('a second run is proven and sends HubSpot no write', isProven(second) && writes.length === 0 && all > 0, {
    ...{ all, writes: writes.slice(0, 5), said: said(second) },
  });

  await someChanges(made);
  const third = await sync('all');
  check('a run after changes, a revision, a deactivation is proven', isProven(third), said(third));
  await compare('changes', env);

  await aServerThatDies(made, sync);
  await aServerThatRestarts(sync);
  await compare('a server killed in mid-page', env);
}

async function aDatabase(): Promise<{ made: Seeded; reader: { user: string; password: string } }> {
  await server.create();
  await server.start();
  await proxy.start();
  const made = await seed(erp, SIZES);
  return { made, reader: await createReader(erp, made.company) };
}

/** HubSpot is set up while Tryton makes its database: both take their time. */
async function aPortal(): Promise<{ env: Env; setUp: Ended }> {
  const sandbox = await startSandbox({
    ...{ seed: 1, scale: 0.01, asOfMs: Date.now(), ports: { erp: 0, hubspot: 0, square: 0 }, burstPer10s: null },
    ...{ latency: false, erpTimeScale: 0, faults: {}, erpProduction: 'dark' as const },
  });
  close.push(() => sandbox.close());
  await searchesLag(sandbox.env, SEARCH_LAG_MS);
  const profile = join(folder, 'tryton.yaml');
  writeFileSync(profile, `${readFileSync(SHIPPED, 'utf8')}\nlimits: { pageSize: ${PAGE} }\n`);
  const { ERP_TOKEN: _token, ERP_PRODUCTION_URL: _production, ERP_STAGING_URL: _staging, ...vendors } = sandbox.env;
  const own = { ...vendors, ERP_PROFILE: profile, ERP_DATABASE: server.database, HOME: folder };
  const setUp = await runTool(['setup', '--apply'], { ...own, PATH: process.env.PATH ?? '' }, folder);
  return {
    setUp,
    get env() {
      return { ...own, ERP_STAGING_URL: proxy.url, PATH: process.env.PATH ?? '' };
    },
  };
}

async function aReaderOnly(made: Seeded, { user, password }: { user: string; password: string }): Promise<void> {
  const reader = new Caller(`${server.url}/${server.database}/`, user, password);
  reader.context = erp.context;
  const [party = 0] = made.customers;
  const [product = 0] = made.goods;
  const [sale = 0] = made.quotes;
  const [template = 0] = made.templates;
  const [agent = 0] = made.agents;
  const done = await writable(reader, { party, product, sale, template, agent });
  check('the user that reads can write nothing of what is read', done.length === 0, done);
}

/** A template renamed and priced, a variant out of use, a customer's phone, a quote revised, all sessions ended. */
async function someChanges(made: Seeded): Promise<void> {
  const [product = 0, other = 0] = made.goods;
  const [template = 0] = await erp.ids('model.product.template.search', [['products', '=', product]], 0, 1, null);
  await erp.write('product.template', [template], { list_price: money('4321.0900'), name: 'Renamed board' });
  await erp.write('product.product', [other], { active: false });
  const phones = [
    ['party', '=', made.customers[2]],
    ['type', '=', 'phone'],
  ];
  const [phone = 0] = await erp.ids('model.party.contact_mechanism.search', phones, 0, 1, null);
  await erp.write('party.contact_mechanism', [phone], { value: '+1 608 555 9999' });
  const quoted = [['state', '=', 'quotation']];
  const [revised = 0] = await erp.ids('model.sale.sale.search', quoted, 0, 1, [['id', 'ASC']]);
  const [line = 0] = await erp.ids('model.sale.line.search', [['sale', '=', revised]], 0, 1, [['id', 'ASC']]);
  await erp.call('model.sale.sale.draft', [revised]);
  await erp.write('sale.line', [line], { quantity: 77 });
  await erp.call('model.sale.sale.quote', [revised]);
  new Database(server.file).exec('DELETE FROM ir_session').close();
  erp.forgetSession();
}

/** At the third page of products Tryton is killed with its answer on the way, and stays away until the run has ended. */
async function aServerThatDies(made: Seeded, sync: (...args: string[]) => Promise<Ended>): Promise<void> {
  await erp.write('product.template', made.templates.slice(0, 20), { list_price: money('10.0100') });
  let pages = 0;
  proxy.onAnswer = async (method) => {
    if (method !== 'model.product.product.search_read' || ++pages !== 3) return 'pass';
    await server.stop('SIGKILL');
    return 'lose';
  };
  const cut = await sync('products', '--full');
  proxy.onAnswer = () => 'pass';
  check('the server was killed with a page of products on its way', pages === 3, { pages });
  check('a run whose server dies in mid-page is not ok but failed, with exit 6', isFailed(cut), said(cut));
  const told = `${cut.stdout}${cut.stderr}`;
  check('it says what was not read', /the ERP gave no usable answer for a page of products/.test(told), said(cut));
  await server.start();
  erp.forgetSession();
}

/** The same moment, but Tryton comes back while the run still tries: the page is asked for again. */
async function aServerThatRestarts(sync: (...args: string[]) => Promise<Ended>): Promise<void> {
  let pages = 0;
  proxy.onAnswer = async (method) => {
    if (method !== 'model.product.product.search_read' || ++pages !== 2) return 'pass';
    await server.stop('SIGKILL');
    await server.start();
    return 'lose';
  };
  const next = await sync('all', '--full');
  proxy.onAnswer = () => 'pass';
  check('the run after it is proven, though the server restarts under it', isProven(next) && pages > 2, said(next));
}

function documentOf({ stdout }: Ended): z.infer<typeof Document> {
  return Document.parse(JSON.parse(stdout));
}

/** Exit 0, and of each pipe that reads Tryton every slice was proven complete. */
function isProven(ended: Ended): boolean {
  const { status, runs } = documentOf(ended);
  const proven = runs.filter(({ partitions: { total, complete } }) => total > 0 && total === complete);
  const pipes = ['products', 'customers', 'quotes'].filter((name) => proven.some(({ pipe }) => pipe === name));
  return ended.code === 0 && status === 'ok' && pipes.length === 3;
}

function isFailed({ code, stdout }: Ended): boolean {
  return code === 6 && z.object({ status: z.string() }).parse(JSON.parse(stdout)).status === 'failed';
}

function said({ code, stdout, stderr }: Ended): unknown {
  return { code, stdout: stdout.slice(0, 1_500), stderr: stderr.slice(-700) };
}

/** What HubSpot holds against what Tryton's API says, key by key and property by property. */
async function compare(after: string, env: Env): Promise<void> {
  const products = await expectedProducts(erp);
  const { companies, contacts } = await expectedAccounts(erp);
  const sold = (there: Readonly<Record<string, string | null>>): boolean => there.erp_status !== 'inactive';
  await same(`after ${after}: # products`, env, ['products', 'erp_product_id'], products, sold);
  await same(`after ${after}: # companies`, env, ['companies', 'erp_customer_id'], companies);
  await same(`after ${after}: # contacts`, env, ['contacts', 'erp_contact_id'], contacts);
  await same(`after ${after}: # deals`, env, ['deals', 'erp_opportunity_id'], await expectedDeals(erp));
}

async function same(
  what: string,
  env: Env,
  [type, key]: readonly [type: string, key: string],
  expected: Expected,
  counts: (there: Readonly<Record<string, string | null>>) => boolean = () => true,
): Promise<void> {
  const names = Object.keys([...expected.values()][0] ?? {});
  const there = new Map([...(await inHubspot(env, type, key, names))].filter(([, properties]) => counts(properties)));
  const wrong = [...expected].flatMap(([id, values]) =>
    Object.entries(values)
      .filter(([name, value]) => !isSame(there.get(id)?.[name] ?? '', value))
      .map(([name, value]) => `${id} ${name}: ${JSON.stringify(there.get(id)?.[name])}, not ${JSON.stringify(value)}`),
  );
  const more = [...there.keys()].filter((id) => !expected.has(id)).map((id) => `${id} should not be there`);
  const name = what.replace('#', `${expected.size} × ${names.length}`);
  check(`${name} are as in Tryton`, expected.size > 0 && wrong.length + more.length === 0, [
    ...wrong.slice(0, 4),
    ...more.slice(0, 3),
  ]);
}

/** Text as it is, but for the blanks that a single line cannot hold; numbers as numbers. */
function isSame(there: string, wanted: string): boolean {
  const plain = (value: string): string => value.replace(/\s+/g, ' ').trim();
  const isNumber = /^-?\d+(\.\d+)?$/.test(wanted) && !/^0\d/.test(wanted);
  return isNumber ? there !== '' && Number(there) === Number(wanted) : plain(there) === plain(wanted);
}
