/** The probe on a sandbox over real HTTP: each drift is named, clean data gives no finding, a gate stops one pipe. */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { probe } from '../src/commands/probe.ts';
import { measureBehaviour } from '../src/probe/behaviour.ts';
import { withoutProfile } from '../src/probe/finding.ts';
import { takeSample } from '../src/probe/sample.ts';
import { throughSource } from '../src/probe/through-source.ts';
import type { ErpDrift } from '../src/sandbox/erp/drift.ts';
import { startErp } from '../src/sandbox/erp/server.ts';
import { generateErp } from '../src/sandbox/world.ts';
import { loadProfile } from '../src/sources/erp/profile.ts';
import { restSource } from '../src/sources/erp/rest.ts';
import { closeLater, temporaryFolder } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN, openShop } from './cli-shop.ts';

interface Document {
  readonly exit: number;
  readonly probes: readonly {
    readonly findings: readonly {
      readonly kind: string;
      readonly field: string | null;
      readonly message: string;
      readonly fix: string;
    }[];
    readonly summary: { readonly fields: readonly { readonly path: string }[] };
  }[];
}

async function openErp(drift: Partial<ErpDrift> = {}) {
  const world = generateErp({ seed: 1, asOfMs: Date.now(), items: 900, accounts: 400, quotes: 700, flaws: false });
  const erp = await startErp({ world, seed: 1, timeScale: 0, drift });
  closeLater(() => erp.close());
  const folder = temporaryFolder();
  const env = {
    RETAIL_SYNC_STATE_DIR: `${folder}/state`,
    XDG_STATE_HOME: `${folder}/locks`,
    ERP_PROFILE: 'sandbox',
    ERP_STAGING_URL: erp.stagingUrl,
    ERP_TOKEN: ERP_SANDBOX_TOKEN,
  };
  const turn = async (switches: Partial<ErpDrift>): Promise<void> => {
    const reply = await fetch(`${erp.url}/_sandbox/drift`, { method: 'PUT', body: JSON.stringify(switches) });
    if (!reply.ok) throw new Error(await reply.text());
  };
  const look = async (resource: string, flags: { baseline?: string; gate?: boolean } = {}): Promise<Document> => {
    const parts: string[] = [];
    const stdout = { write: (part: string) => parts.push(part) };
    const invocation = {
      env,
      cwd: folder,
      stdout,
      stderr: { write: () => undefined },
      stop: new AbortController().signal,
      trigger: 'test',
    };
    await probe('erp', resource, { sample: 200, against: 'mapper', json: true, ...flags }, invocation);
    return JSON.parse(parts.join(''));
  };
  return { erp, turn, look };
}

const kindsOf = ({ probes }: Document): string[] => probes.flatMap(({ findings }) => findings.map(({ kind }) => kind));

describe('the probe of an ERP', () => {
  test.each(['products', 'customers', 'quotes'])(
    'finds nothing in clean %s, the second time against a baseline neither',
    async (resource) => {
      const { look, erp } = await openErp();
      expect(kindsOf(await look(resource))).toEqual([]);
      expect(kindsOf(await look(resource, { baseline: 'last' }))).toEqual([]);
      expect(erp.log.every(({ method }) => method === 'GET')).toBe(true);
    },
  );

  test('samples over all ages, not the first page only, and names every field', async () => {
    const { look } = await openErp();
    const [first] = (await look('quotes')).probes;
    expect(first).toMatchObject({ sample: { slices: 0 } });
    expect(first?.summary.fields.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['lines[].sku', 'rep.email', 'stage']),
    );
  });

  test.each<[string, string, Partial<ErpDrift>]>([
    ['filter-ignored', 'products', { modifiedSinceIgnored: true }],
    ['filter-zone', 'products', { modifiedSinceLocalTime: true }],
    ['filter-exclusive', 'products', { modifiedSinceExclusive: true }],
    ['filter-other-date', 'products', { modifiedSinceCreated: true }],
    ['filter-coarse', 'products', { modifiedSinceDateOnly: true }],
    ['filter-misspelt', 'products', { badDateIgnored: true }],
    ['filter-zone', 'customers', { modifiedSinceLocalTime: true }],
    ['filter-other-date', 'customers', { modifiedSinceCreated: true }],
    ['page-capped', 'products', { pageSizeCap: 120 }],
    ['order-unstable', 'customers', { unstableOrder: true }],
    ['pages-shift', 'products', { shiftRows: 1 }],
    ['total-wrong', 'products', { totalWrong: 3 }],
    ['rows-twice', 'products', { duplicateRows: true }],
    ['end-repeats', 'products', { repeatPageForever: true }],
    ['rows-unusable', 'products', { missingId: 30 }],
    ['dates-ahead', 'customers', { futureDated: 40 }],
    ['clock-wrong', 'products', { clockSkewMs: -600_000 }],
    ['clock-missing', 'products', { dateHeader: 'off' }],
    ['field-absent', 'products', { renamedField: { resource: 'items', from: 'unitPrice', to: 'priceEach' } }],
    ['unknown-code', 'quotes', { newEnumValue: { resource: 'quotes', field: 'stage', value: 'ONHOLD', share: 0.1 } }],
    ['records-rejected', 'products', { changedType: { resource: 'items', field: 'unitPrice', to: 'object' } }],
    ['records-rejected', 'products', { changedType: { resource: 'items', field: 'unitPrice', to: 'text' } }],
  ])('names %s in %s', async (kind, resource, drift) => {
    const { look } = await openErp(drift);
    expect(kindsOf(await look(resource))).toContain(kind);
  });

  test.each<[string, string, Partial<ErpDrift>]>([
    ['field-emptied', 'manufacturer', { nullField: { resource: 'items', field: 'manufacturer', share: 1 } }],
    ['share-moved', 'manufacturer', { nullField: { resource: 'items', field: 'manufacturer', share: 0.4 } }],
    ['field-type', 'unitPrice', { numbersAsText: true }],
    ['field-type', 'unitPrice', { changedType: { resource: 'items', field: 'unitPrice', to: 'text' } }],
    ['field-new', 'rowVersion', { extraFields: true }],
    ['code-new', 'uom', { newEnumValue: { resource: 'items', field: 'uom', value: 'PALLET', share: 0.2 } }],
  ])('names %s of %s against its baseline', async (kind, field, drift) => {
    const { look, turn } = await openErp();
    await look('products');
    await turn(drift);
    const [report] = (await look('products', { baseline: 'last' })).probes;
    expect(report?.findings).toContainEqual(expect.objectContaining({ kind, field }));
  });

  test('says what a renamed field is called now, and ends with 4 as a gate', async () => {
    const { look } = await openErp({ renamedField: { resource: 'items', from: 'unitPrice', to: 'priceEach' } });
    const { exit, probes } = await look('products', { gate: true });
    expect(exit).toBe(4);
    expect(probes[0]?.findings[0]).toMatchObject({
      kind: 'field-absent',
      field: 'unitPrice',
      fix: expect.stringContaining('listPrice: priceEach'),
    });
  });
});

describe('the small probe before a run', () => {
  test('stops the pipe with exit 4, a code and what to change, lets it through when approved, and costs three calls', async () => {
    const shop = await openShop({ items: 30 });
    expect(await shop.syncHere()).toBe(0);
    const body = JSON.stringify({ changedType: { resource: 'items', field: 'unitPrice', to: 'object' } });
    await fetch(`${shop.erp.url}/_sandbox/drift`, { method: 'PUT', body });
    const before = shop.erp.log.length;
    const ended = await shop.run(['sync', 'products', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      exit: 4,
      code: 'drift.records-rejected',
      reason: expect.stringContaining('listPrice'),
    });
    expect(shop.erp.log.length - before).toBe(3);
    expect(JSON.parse((await shop.run(['sync', 'products', '--json', '--approve'])).stdout).code).toBeUndefined();
    expect(
      JSON.parse((await shop.run(['sync', 'products', '--json'], { PROBE_POLICY: 'records-rejected=warn' })).stdout)
        .code,
    ).toBeUndefined();
  });
});

describe('a source without a profile, such as Tryton', () => {
  test('is told what to do without a word of a profile', async () => {
    const drift = { modifiedSinceExclusive: true, missingId: 5 };
    const { erp } = await openErp(drift);
    const source = restSource({
      ...{ profile: loadProfile('sandbox'), resource: 'customers', baseUrl: erp.stagingUrl },
      ...{ credentials: { token: ERP_SANDBOX_TOKEN }, clock: systemClock, random: Math.random },
    });
    const inquiry = throughSource(source, 'UTC');
    const [signal, nowMs] = [new AbortController().signal, Date.now()];
    const sample = await takeSample({ inquiry, partitions: [], size: 100, nowMs, signal });
    const { findings } = await measureBehaviour({ inquiry, sample, nowMs, signal });
    expect(findings.filter(({ fix }) => fix.includes('profile')).length).toBeGreaterThan(0);
    const fixes = findings.map((finding) => withoutProfile(finding, 'its adapter').fix);
    expect(fixes.filter((fix) => fix.includes('profile'))).toEqual([]);
  });
});
