/** `doctor` over HTTP: what it says of a machine that is ready, and of each thing that is not. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { doctor } from '../src/commands/doctor.ts';
import { setup } from '../src/commands/setup.ts';
import { clockFindings } from '../src/doctor/machine.ts';
import { surveyNetwork } from '../src/doctor/network.ts';
import { tokenFindings } from '../src/doctor/square.ts';
import { EXIT } from '../src/errors.ts';
import { startHubSpot } from '../src/sandbox/hubspot/server.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/start.ts';
import { databasePath, openDatabase } from '../src/state/database.ts';
import { lockFolder, lockPortal } from '../src/state/lock.ts';

const document = z.object({
  exit: z.number(),
  counts: z.object({ faults: z.number(), warnings: z.number() }),
  findings: z.array(
    z.object({
      group: z.string(),
      name: z.string(),
      level: z.string(),
      result: z.string(),
      fix: z.string().nullable(),
    }),
  ),
});
type Document = z.infer<typeof document>;

type Env = Readonly<Record<string, string | undefined>>;

const root = mkdtempSync(join(tmpdir(), 'retail-sync-doctor-'));

/** Everything that was ever written to the portal. */
const journalOf = async (env: Env): Promise<unknown> =>
  (await fetch(`${env.HUBSPOT_BASE_URL}/_sandbox/journal`)).json();

async function examine(env: Env, flags: { json?: boolean; output?: string } = {}, cwd = temporaryFolder()) {
  let stdout = '';
  const written = {
    write: (text: string) => {
      stdout += text;
    },
  };
  const stop = new AbortController().signal;
  const code = await doctor(flags, { env, cwd, stdout: written, stderr: written, stop, trigger: 'test' });
  return { code, stdout };
}

async function ask(env: Env, cwd?: string): Promise<Document> {
  const { code, stdout } = await examine(env, { json: true }, cwd);
  const found = document.parse(JSON.parse(stdout));
  expect(found.exit).toBe(code);
  return found;
}

const line = (found: Document, group: string, name: string) =>
  found.findings.find((one) => one.group === group && one.name === name);

const silent = { write: () => undefined };
const running: Sandbox[] = [];
let ready: Env = {};
let bare: Env = {};

/** The three vendors with a small distributor in them. */
async function openWorld(isSetUp: boolean): Promise<Env> {
  const world = await startSandbox({
    seed: 1,
    scale: 0.01,
    asOfMs: Date.now(),
    ports: { erp: 0, hubspot: 0, square: 0 },
    burstPer10s: 190,
    latency: false,
    erpTimeScale: 0,
    faults: {},
    erpProduction: 'dark',
  });
  running.push(world);
  const invocation = { env: world.env, cwd: root, stdout: silent, stderr: silent, trigger: 'test' };
  if (isSetUp) await setup({ apply: true }, { ...invocation, stop: new AbortController().signal });
  return world.env;
}

beforeAll(async () => {
  [ready, bare] = await Promise.all([openWorld(true), openWorld(false)]);
});
afterAll(async () => {
  await Promise.all(running.map((world) => world.close()));
  rmSync(root, { recursive: true, force: true });
});

const temporaryFolder = (): string => mkdtempSync(join(root, 'folder-'));

/** A set-up distributor, with state and locks of its own. */
function shopIn(env: Env): { folder: string; env: Env } {
  const folder = temporaryFolder();
  const own = { RETAIL_SYNC_STATE_DIR: join(folder, 'state'), XDG_STATE_HOME: join(folder, 'locks') };
  return { folder, env: { ...env, ...own } };
}

/** A host with a certificate of its own that ends in five days. */
async function openTls(host: string): Promise<{ url: string; cert: string; close: () => Promise<void> }> {
  const end = new Date(Date.now() + 5 * 86_400_000 - 60_000);
  const name = host === '127.0.0.1' ? ({ type: 7, ip: host } as const) : ({ type: 2, value: host } as const);
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    notAfterDate: end,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [name] },
    ],
  });
  const server = createServer({ key, cert }, (_, reply) => void reply.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return { url: `https://127.0.0.1:${port}`, cert, close };
}

describe('doctor', () => {
  test('finds a distributor that is ready to be fine, and leaves nothing behind', async () => {
    const { env, folder } = shopIn(ready);
    const before = await journalOf(env);
    const found = await ask(env);
    expect(found.findings.filter(({ level }) => level === 'fault')).toEqual([]);
    expect(found.exit).toBe(0);
    for (const name of ['products', 'companies', 'contacts', 'deals', 'pipelines', 'portal', 'limits']) {
      expect(line(found, 'hubspot', name)).toMatchObject({ level: 'ok' });
    }
    for (const pipe of ['products', 'customers', 'quotes'])
      expect(line(found, 'erp', pipe)?.result).toMatch(/read well/);
    expect(line(found, 'square', 'locations')?.level).toBe('ok');
    expect(line(found, 'clock', 'local clock')?.level).toBe('ok');
    expect(await journalOf(env)).toEqual(before);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('says it in at most 80 columns, a fix with each thing that needs one', async () => {
    const shop = shopIn(bare);
    const { code, stdout } = await examine({ ...shop.env, RETAIL_SYNC_ENV: 'production' });
    expect(code).toBe(2);
    expect(stdout.split('\n').every((text) => [...text].length <= 80)).toBe(true);
    expect(stdout).toMatch(/✗ products .*lacks[\s\S]*fix: .*retail-sync setup/);
    expect(stdout).toMatch(/✓ node/);
  });

  test('works without any configuration: what is missing is a line', async () => {
    const found = await ask({});
    expect(found.exit).toBe(2);
    expect(line(found, 'configuration', 'HUBSPOT_TOKEN')).toMatchObject({ level: 'fault' });
    expect(line(found, 'configuration', 'SQUARE_TOKEN')).toMatchObject({ level: 'warning' });
    expect(line(found, 'erp', 'erp')).toMatchObject({ level: 'warning' });
  });

  test('lists every fault of the configuration and still asks the systems that can be asked', async () => {
    const shop = shopIn(ready);
    const found = await ask({ ...shop.env, LOG_LEVEL: 'loud', ERP_TOKEN: undefined });
    expect(found.exit).toBe(2);
    expect(line(found, 'configuration', 'LOG_LEVEL')?.result).not.toContain('loud');
    expect(line(found, 'configuration', 'ERP_TOKEN')?.level).toBe('fault');
    expect(line(found, 'hubspot', 'portal')?.level).toBe('ok');
  });

  test('tells a wrong token by exit 5', async () => {
    const shop = shopIn(ready);
    const found = await ask({ ...shop.env, HUBSPOT_TOKEN: 'pat-na1-wrong-token' });
    expect(found.exit).toBe(5);
    expect(line(found, 'hubspot', 'portal')).toMatchObject({ level: 'fault' });
    expect(JSON.stringify(found)).not.toContain('wrong-token');
  });

  test('tells a wrong portal by exit 5, with both numbers', async () => {
    const shop = shopIn(ready);
    const found = await ask({ ...shop.env, HUBSPOT_PORTAL_ID: '42' });
    expect(found.exit).toBe(5);
    expect(line(found, 'hubspot', 'portal')?.result).toMatch(/1234567.*42/);
  });

  test('tells a token without scopes by exit 5, per object', async () => {
    const narrow = await startHubSpot({
      seed: 1,
      tokens: { 'narrow-token': ['crm.objects.products.read', 'crm.objects.products.write'] },
    });
    try {
      const { env } = shopIn(ready);
      const found = await ask({ ...env, HUBSPOT_TOKEN: 'narrow-token', HUBSPOT_BASE_URL: narrow.url });
      expect(found.exit).toBe(5);
      expect(line(found, 'scopes', 'products')?.level).toBe('ok');
      expect(line(found, 'scopes', 'companies')?.result).toMatch(/companies\.read, crm\.objects\.companies\.write/);
      expect(line(found, 'scopes', 'owners')?.result).toMatch(/crm\.objects\.owners\.read/);
      expect(narrow.log.length).toBeLessThanOrEqual(12);
      expect(narrow.log.every(({ method, path }) => /GET|HEAD/.test(method) || path.includes('token'))).toBe(true);
    } finally {
      await narrow.close();
    }
  });

  test('tells an ERP that is down by exit 6, and asks it no further', async () => {
    const shop = shopIn(ready);
    const found = await ask({ ...shop.env, ERP_STAGING_URL: 'http://127.0.0.1:9' });
    expect(found.exit).toBe(6);
    expect(found.findings.filter(({ group }) => group === 'erp')).toHaveLength(1);
  });

  test('tells a HubSpot that is down by exit 7', async () => {
    const shop = shopIn(ready);
    const found = await ask({ ...shop.env, HUBSPOT_BASE_URL: 'http://127.0.0.1:9' });
    expect(found.exit).toBe(7);
    expect(line(found, 'network', 'HubSpot')).toMatchObject({ level: 'fault', fix: expect.stringMatching(/port/) });
    expect(line(found, 'clock', 'local clock')?.result).toMatch(/ERP staging.*Square/);
  });

  test('tells a clock that is wrong by more than a minute', () => {
    const clock = (skews: Record<string, number>) => clockFindings(new Map(Object.entries(skews)))[0];
    const ahead = clock({ HubSpot: 180_000 });
    expect(ahead).toMatchObject({ level: 'warning', result: expect.stringMatching(/180 s ahead of HubSpot/) });
    expect(clock({ HubSpot: -61_000 })?.result).toMatch(/61 s behind/);
    expect(clock({ HubSpot: 59_000 })?.level).toBe('ok');
    expect(clock({})?.level).toBe('warning');
  });

  test("tells an ERP's clock that is wrong from this machine's", () => {
    const [clock] = clockFindings(new Map(Object.entries({ HubSpot: 400, Square: -300, ERP: 3_600_000 })));
    expect(clock).toMatchObject({ level: 'warning', fix: expect.stringContaining('whoever runs ERP') });
  });

  test('tells a certificate that is about to end, nobody trusts, or is for another host', async () => {
    const host = await openTls('127.0.0.1');
    const other = await openTls('other.example');
    const trusted = getCACertificates('default');
    const look = async (url: string) => {
      const targets = [{ name: 'ERP', url, exit: EXIT.source, isNeeded: true }];
      return (await surveyNetwork(targets, new AbortController().signal)).findings[0];
    };
    try {
      expect(await look(host.url)).toMatchObject({ level: 'fault', fix: expect.stringContaining('NODE_EXTRA_CA') });
      setDefaultCACertificates([...trusted, host.cert, other.cert]);
      expect(await look(host.url)).toMatchObject({ level: 'warning', result: expect.stringMatching(/ 4 days left/) });
      expect(await look(other.url)).toMatchObject({ level: 'fault', result: expect.stringContaining('another host') });
    } finally {
      setDefaultCACertificates(trusted);
      await Promise.all([host.close(), other.close()]);
    }
  });

  test('lets an ERP address be dark that nothing reads today', async () => {
    const shop = shopIn(ready);
    const found = await ask({ ...shop.env, ERP_PRODUCTION_URL: 'http://127.0.0.1:9' });
    expect(line(found, 'network', 'ERP production')).toMatchObject({ level: 'warning' });
    expect(found.exit).toBe(0);
  });

  test('names what a Square token lacks and when it ends', () => {
    const scopes = ['ORDERS_READ', 'MERCHANT_PROFILE_READ'];
    const found = tokenFindings({ scopes, expiresAtMs: 3 * 86_400_000 }, 0);
    expect(found[0]).toMatchObject({ level: 'warning', result: 'lacks CUSTOMERS_READ' });
    expect(found[1]).toMatchObject({ level: 'warning', result: expect.stringMatching(/3 days left/) });
    expect(tokenFindings({ scopes: ['CUSTOMERS_READ'], expiresAtMs: null }, 0)[0]?.exit).toBe(5);
  });

  test('tells a damaged state, one of another portal, and one that a run holds', async () => {
    const shop = shopIn(ready);
    const folder = join(shop.folder, 'state');
    openDatabase(folder, { environment: 'sandbox', portalId: '42' }).close();
    const lock = await lockPortal(lockFolder(shop.env), '1234567', 0, async () => undefined);
    const found = await ask(shop.env);
    lock.release();
    expect(line(found, 'state', 'binding')?.result).toMatch(/portal 42/);
    expect(line(found, 'lock', 'lock')?.result).toMatch(/^held by/);
    expect(line(await ask(shop.env), 'lock', 'lock')?.result).toBe('free');
    writeFileSync(databasePath(folder), 'this was never a database. '.repeat(400));
    expect(line(await ask(shop.env), 'state', 'database')).toMatchObject({ level: 'fault' });
  });

  test('shows a file to pass on without a secret in it, for this user alone', async () => {
    const shop = shopIn(ready);
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'state'));
    const secrets = {
      HUBSPOT_TOKEN: 'canary-hubspot-7f3a',
      SQUARE_TOKEN: 'canary-square-7f3a',
      ERP_TOKEN: 'canary-erp-7f3a',
    };
    const alerts = { ALERT_SLACK_WEBHOOK_URL: 'https://hooks.example/canary-slack-7f3a' };
    const env = { ...shop.env, ...secrets, ...alerts, SQUARE_BASE_URL: 'http://127.0.0.1:9' };
    writeFileSync(join(cwd, '.env'), 'ERP_PASSWORD=canary-password-7f3a\n', { mode: 0o644 });
    writeFileSync(join(cwd, 'report.json'), 'old', { mode: 0o644 });
    const text = await examine(env, { output: 'report.json' }, cwd);
    const json = await examine(env, { json: true }, cwd);
    const file = readFileSync(join(cwd, 'report.json'), 'utf8');
    for (const said of [text.stdout, json.stdout, file]) expect(said).not.toMatch(/canary-|7f3a/);
    expect(statSync(join(cwd, 'report.json')).mode & 0o777).toBe(0o600);
    expect(document.parse(JSON.parse(file)).exit).toBe(5);
    expect(text.stdout).toMatch(/chmod 600/);
  }, 20_000);
});
