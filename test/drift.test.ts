/** A drifting ERP under `sync all`: the gate stops the pipe that reads what drifted, and no other. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ProbeFlags, probe } from '../src/commands/probe.ts';
import { setup } from '../src/commands/setup.ts';
import { type SyncFlags, sync } from '../src/commands/sync.ts';
import { startErp } from '../src/sandbox/erp/server.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/start.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { closeLater, temporaryFolder } from './cli-harness.ts';
import { BusinessCentral } from './erp-business-central.ts';

const runs = z.object({
  exit: z.number(),
  runs: z.array(
    z.object({
      pipe: z.string(),
      status: z.string(),
      code: z.string().nullish(),
      reason: z.string().nullish(),
      hint: z.string().nullish(),
    }),
  ),
});
const probes = z.object({
  probes: z.array(
    z.object({
      findings: z.array(z.object({ kind: z.string(), message: z.string(), fix: z.string() })),
    }),
  ),
});

const DAY_MS = 86_400_000;
const SAMPLE = 'fixtures/vendors/business-central-item.json';
const folder = temporaryFolder();
let world: Sandbox;

/** Runs a command in this process and returns what it printed. */
async function printed(
  command: (invocation: Parameters<typeof sync>[2]) => Promise<unknown>,
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  let text = '';
  const stdout = {
    write: (part: string) => {
      text += part;
    },
  };
  const own = {
    HUBSPOT_QUARANTINE_MS: '300',
    RETAIL_SYNC_STATE_DIR: join(folder, 'state'),
    XDG_STATE_HOME: join(folder, 'locks'),
  };
  await command({
    env: { ...world.env, ...own, ...env },
    cwd: folder,
    stdout,
    stderr: { write: () => undefined },
    stop: new AbortController().signal,
    trigger: 'test',
  });
  return text.startsWith('{') ? JSON.parse(text) : text;
}

const syncAll = async (flags: SyncFlags = {}) =>
  runs.parse(await printed((invocation) => sync('all', { json: true, ...flags }, invocation)));

async function findings(
  system: string,
  resource: string,
  flags: Partial<ProbeFlags> = {},
  env: Readonly<Record<string, string>> = {},
) {
  const look = (invocation: Parameters<typeof probe>[3]) =>
    probe(system, resource, { sample: 200, json: true, ...flags }, invocation);
  return probes.parse(await printed(look, env)).probes.flatMap((one) => one.findings);
}

async function ask(path: string, method: string, body: unknown): Promise<void> {
  const erp = new URL(world.env.ERP_STAGING_URL ?? '').origin;
  const reply = await fetch(`${erp}/_sandbox/${path}`, { method, body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(await reply.text());
}
const drift = (switches: object): Promise<void> => ask('drift', 'PUT', switches);

/** A shipped profile with one thing changed. */
function profileOf(name: string, before: RegExp, after: string): string {
  const text = readFileSync(`src/sources/erp/profiles/${name}.yaml`, 'utf8');
  if (!before.test(text)) throw new Error(`the profile has no ${before}`);
  mkdirSync(join(folder, 'profiles'), { recursive: true });
  const path = join(folder, 'profiles', `${name}.yaml`);
  writeFileSync(
    path,
    text.replace(before, () => after),
  );
  return path;
}

beforeAll(async () => {
  world = await startSandbox({
    seed: 1,
    scale: 0.005,
    asOfMs: Date.now(),
    ports: { erp: 0, hubspot: 0, square: 0 },
    burstPer10s: 10_000,
    latency: false,
    erpTimeScale: 0,
    faults: {},
    erpProduction: 'dark',
  });
  closeLater(() => world.close());
  await printed((invocation) => setup({ apply: true }, invocation));
  await syncAll();
});

describe('the gate of sync all', () => {
  test('lets every pipe run on clean data', async () => {
    const { runs: all } = await syncAll();
    expect(all.map(({ pipe }) => pipe)).toEqual(['products', 'customers', 'pos-orders', 'quotes']);
    expect(all.filter(({ code }) => code?.startsWith('drift.'))).toEqual([]);
  });

  test.each<[string, string, string, object]>([
    [
      'products',
      'drift.field-absent',
      'priceEach',
      { renamedField: { resource: 'items', from: 'unitPrice', to: 'priceEach' } },
    ],
    [
      'products',
      'drift.records-rejected',
      'listPrice',
      { changedType: { resource: 'items', field: 'unitPrice', to: 'object' } },
    ],
    [
      'products',
      'drift.field-emptied',
      'manufacturer',
      { nullField: { resource: 'items', field: 'manufacturer', share: 1 } },
    ],
    [
      'customers',
      'drift.field-absent',
      'name: caption',
      { renamedField: { resource: 'accounts', from: 'companyName', to: 'caption' } },
    ],
    [
      'quotes',
      'drift.field-absent',
      'status: phase',
      { renamedField: { resource: 'quotes', from: 'stage', to: 'phase' } },
    ],
  ])('stops %s alone with %s, and names %s', async (pipe, code, named, switches) => {
    await drift(switches);
    const { exit, runs: all } = await syncAll();
    await drift({});
    expect(all.filter((one) => one.code?.startsWith('drift.')).map((one) => [one.pipe, one.code])).toEqual([
      [pipe, code],
    ]);
    expect(JSON.stringify(all.find((one) => one.pipe === pipe))).toContain(named);
    expect(all.map((one) => one.pipe)).toEqual(['products', 'customers', 'pos-orders', 'quotes']);
    const others = all.filter((one) => one.pipe !== pipe).map(({ status }) => status);
    expect(others.filter((status) => status !== 'ok' && status !== 'partial')).toEqual([]);
    expect(exit).toBe(4);
  });
});

describe('the probe', () => {
  test('names lines of quotes that are edited without moving the date', async () => {
    expect(await findings('erp', 'quotes')).toEqual([]);
    await drift({ lineEditDoesNotTouch: true });
    await ask('change', 'POST', { resource: 'quotes', share: 0.3 });
    const found = await findings('erp', 'quotes');
    await drift({});
    expect(found).toEqual([
      expect.objectContaining({
        kind: 'silent-change',
        message: expect.stringContaining('lines'),
        fix: expect.stringContaining('--full'),
      }),
    ]);
  });

  test('names pages that overlap: the profile counts them from another number than the vendor', async () => {
    const ERP_PROFILE = profileOf('sandbox', /first: 1/g, 'first: 0');
    const found = await findings('erp', 'products', {}, { ERP_PROFILE });
    expect(found).toContainEqual(
      expect.objectContaining({ kind: 'pages-overlap', fix: expect.stringContaining('paging (first') }),
    );
  });

  test('names a ceiling that is near, measured by what depth costs', async () => {
    const rows = generateErp({ seed: 1, asOfMs: Date.now(), items: 2_300, accounts: 10, quotes: 10, flaws: false });
    const erp = await startErp({ world: rows, seed: 1, timeScale: 0.05 });
    closeLater(() => erp.close());
    // 2,000 rows deep costs 300 ms here: a ceiling of 600 ms is met before 20,000 rows.
    const env = {
      ERP_STAGING_URL: erp.stagingUrl,
      ERP_PROFILE: profileOf('sandbox', /ceilingMs: 30000/, 'ceilingMs: 600'),
    };
    expect(await findings('erp', 'products', {}, env)).toContainEqual(
      expect.objectContaining({ kind: 'near-ceiling', fix: expect.stringContaining('slices') }),
    );
  });

  test('speaks of no ERP profile where Square is read', async () => {
    for (const resource of ['orders', 'customers', 'locations'])
      expect(JSON.stringify(await findings('square', resource))).not.toMatch(/ERP|profile/);
  });
});

describe("the probe of records in a vendor's own shape, by a profile that is shipped", () => {
  /** The vendor's sample, as often as a probe needs it, each with an id and a date of its own. */
  async function openBusinessCentral(): Promise<BusinessCentral> {
    const vendor = new BusinessCentral();
    await vendor.start();
    closeLater(async () => vendor.stop());
    const [item] = z.array(z.looseObject({})).parse(JSON.parse(readFileSync(SAMPLE, 'utf8')));
    vendor.tables.items = Array.from({ length: 120 }, (_, at) => ({
      ...item,
      id: `5d115c9c-44e3-ea11-bb43-${String(at).padStart(12, '0')}`,
      number: `1896-${at}`,
      lastModifiedDateTime: new Date(Date.now() - (at + 1) * 7 * DAY_MS).toISOString(),
    }));
    return vendor;
  }
  const settings = ({ url, tokenUrl }: BusinessCentral) => ({
    ERP_STAGING_URL: url,
    ERP_PROFILE: profileOf('business-central', /tokenUrl: .*/, `tokenUrl: ${tokenUrl}`),
    ERP_TOKEN: '',
    ERP_USER: 'client',
    ERP_PASSWORD: 'secret-2',
    ERP_DATABASE: 'acme',
  });

  test('relies on nothing that Business Central does not send', async () => {
    const vendor = await openBusinessCentral();
    expect(await findings('erp', 'products', { against: 'mapper' }, settings(vendor))).toEqual([]);
    expect(vendor.refused).toEqual([]);
  });

  test('names what Business Central has renamed', async () => {
    const vendor = await openBusinessCentral();
    vendor.tables.items = (vendor.tables.items ?? []).map(({ unitPrice, ...item }) => ({
      ...item,
      salesPrice: unitPrice,
    }));
    expect(await findings('erp', 'products', { against: 'mapper' }, settings(vendor))).toContainEqual(
      expect.objectContaining({ kind: 'field-absent', fix: expect.stringContaining('listPrice: salesPrice') }),
    );
  });
});
