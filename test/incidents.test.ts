/**
 * Twelve mornings that go wrong: what happens, the first screen a person sees, and the command it names. Each is made
 * on the vendors' emulators; after the repair it asks for, the command typed ends with nothing left to do.
 * docs/incidents.md is held equal to what is seen here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { Ended, Variables } from './cli-harness.ts';
import { openShop, SANDBOX_TOKEN, type Shop } from './cli-shop.ts';
import { openSmallDisk } from './small-disk.ts';

const DAY_MS = 86_400_000;
const GUIDE = readFileSync('docs/incidents.md', 'utf8');

interface Seen {
  readonly what: string;
  readonly command: string;
}

type Run = (args: readonly string[], env?: Variables) => Promise<Ended>;

/** The first thing on the morning screen, which is also in its text and in the guide's section of that name. */
async function firstNeed(title: string, run: Run, env: Variables = {}): Promise<Seen> {
  const { needs }: { needs: readonly Seen[] } = JSON.parse((await run(['status', '--json'], env)).stdout);
  const [need] = needs;
  if (!need) throw new Error('the morning screen says that nothing needs a person');
  expect((await run(['status'], env)).stdout).toContain(need.command);
  const section = sectionOf(title);
  expect(section).toContain(need.command);
  return need;
}

function sectionOf(title: string): string {
  const start = GUIDE.indexOf(`\n## ${title}\n`);
  if (start < 0) throw new Error(`docs/incidents.md has no section "${title}"`);
  const end = GUIDE.indexOf('\n## ', start + 1);
  return GUIDE.slice(start, end < 0 ? undefined : end);
}

/** Types the command as it stands on the screen. */
const typed = (run: Run, { command }: Seen, env: Variables = {}): Promise<Ended> => {
  expect(command).toMatch(/^retail-sync /);
  return run(command.split(' ').slice(1), env);
};

/** After it, a run is ok and the morning screen has nothing to say. */
async function expectPeace(run: Run, env: Variables = {}): Promise<void> {
  const ended = await run(['sync', 'products'], env);
  expect(ended.code, ended.stderr + ended.stdout).toBe(0);
  const { needs } = JSON.parse((await run(['status', '--json'], env)).stdout);
  expect(needs).toEqual([]);
}

const by =
  (shop: Shop): Run =>
  (args, env = {}) =>
    shop.run(args, env);

/** A shop whose portal has everything that `doctor` asks for. */
async function openWhole(options: Parameters<typeof openShop>[0] = {}): Promise<Shop> {
  const shop = await openShop({ ...options, isSetUp: false });
  expect((await shop.run(['setup', '--apply'])).code).toBe(0);
  return shop;
}

async function tell(url: string, path: string, body: unknown, method = 'PUT'): Promise<void> {
  const reply = await fetch(`${url}${path}`, { method, body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`);
}

/** A profile of one's own, made from the shipped one. */
function profileWith(shop: Shop, from: string, to: string): Variables {
  const shipped = readFileSync('src/sources/erp/profiles/sandbox.yaml', 'utf8');
  expect(shipped).toContain(from);
  const file = join(shop.folder, 'erp.yaml');
  writeFileSync(file, shipped.replace(from, to));
  return { ERP_PROFILE: file };
}

const soldId = async (shop: Shop): Promise<string> => (await shop.itemsSold())[0]?.itemNo ?? '';

describe('the morning after', { timeout: 240_000 }, () => {
  test('an expired token', async () => {
    const shop = await openWhole();
    const run = by(shop);
    expect((await run(['sync', 'products'], { HUBSPOT_TOKEN: 'pat-na1-expired' })).code).toBe(5);
    const need = await firstNeed('Expired token', run);
    expect(need.what).toBe('products: HubSpot does not accept the token (401)');
    expect((await typed(run, need)).code).toBe(0); // with the new token in place
    await expectPeace(run);
  });

  test('a missing scope', async () => {
    const narrow = ['oauth', 'crm.objects.products.read', 'crm.objects.companies.read', 'crm.objects.contacts.read'];
    const { ALL_SCOPES } = await import('../src/sandbox/hubspot/kinds.ts');
    const shop = await openWhole({ hubspot: { tokens: { narrow, [SANDBOX_TOKEN]: ALL_SCOPES } } });
    const run = by(shop);
    expect((await run(['sync', 'products'], { HUBSPOT_TOKEN: 'narrow' })).code).toBe(5);
    const need = await firstNeed('Missing scope', run);
    expect(need.what).toContain('crm.objects.products.write');
    expect((await typed(run, need)).code).toBe(0);
    await expectPeace(run);
  });

  test('a token of another portal', async () => {
    const shop = await openWhole();
    const other = await openShop({ items: 20, hubspot: { portal: { id: 999 } } });
    const run = by(shop);
    const { mark } = other;
    expect((await run(['sync', 'products'], { HUBSPOT_BASE_URL: other.hubspot.url })).code).toBe(5);
    const need = await firstNeed('Wrong portal', run);
    expect(need.what).toBe('products: HUBSPOT_TOKEN opens portal 999, but HUBSPOT_PORTAL_ID names 1234567');
    expect(other.writes(mark)).toEqual([]);
    expect((await typed(run, need)).code).toBe(0);
    await expectPeace(run);
  });

  test('an ERP field that was renamed', async () => {
    const shop = await openShop();
    const run = by(shop);
    await shop.syncHere();
    await tell(shop.erp.url, '/_sandbox/drift', { renamedField: { resource: 'items', from: 'title', to: 'caption' } });
    expect((await run(['sync', 'products', '--full'])).code).toBe(4);
    const need = await firstNeed('Renamed ERP field', run);
    expect(need.what).toContain('title is gone');
    expect(await typed(run, need)).toMatchObject({ stdout: expect.stringContaining('caption') }); // where it went
    const own = profileWith(shop, 'name: title', 'name: caption');
    expect((await typed(run, need, own)).stdout).not.toContain('title is gone');
    expect((await run(['sync', 'products', '--full'], own)).code).toBe(0);
    await expectPeace(run, own);
  });

  test('a new value of an enumeration', async () => {
    const shop = await openShop();
    const run = by(shop);
    await shop.syncHere();
    await shop.change({ ids: [await soldId(shop)], set: { statusCode: 'Z' } });
    expect((await run(['sync', 'products'])).code).toBe(3);
    const need = await firstNeed('New enum value', run);
    expect(need.what).toBe('products: 1 dead letter, the oldest for moments');
    const listed = await typed(run, need);
    expect(listed.stdout).toMatch(/unknown value "Z"[\s\S]*next: retail-sync dead-letters/);
    const own = profileWith(shop, 'S: special-order,', 'S: special-order, Z: discontinued,');
    expect((await run(['dead-letters', 'retry', '1', '--preview'], own)).stdout).toMatch(/pass/);
    expect((await run(['dead-letters', 'retry', '1'], own)).code).toBe(0);
    await expectPeace(run, own);
  });

  test('an ERP that times out', async () => {
    const shop = await openWhole();
    const run = by(shop);
    await shop.syncHere();
    const late = { kind: 'status', status: 504, text: 'gateway timeout' };
    await tell(shop.erp.url, '/_sandbox/faults', [{ path: '/api/', fault: late }]);
    expect((await run(['sync', 'products'])).code).toBe(6);
    const need = await firstNeed('ERP timeouts', run);
    expect(need.what).toMatch(/the source could not be read.*504/);
    await tell(shop.erp.url, '/_sandbox/faults', []);
    expect((await typed(run, need)).code).toBe(0);
    await expectPeace(run);
  });

  test('a storm of 429 from HubSpot', async () => {
    const shop = await openShop();
    const run = by(shop);
    const json = { status: 'error', message: 'You have reached your ten_secondly_rolling limit.' };
    const busy = { ...json, errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' };
    const fault = {
      kind: 'status',
      status: 429,
      json: busy,
      headers: { 'X-HubSpot-RateLimit-Interval-Milliseconds': '1000' },
    };
    await tell(shop.hubspot.url, '/_sandbox/faults', [{ path: '/batch/', times: 3, fault }]);
    const ended = await run(['sync', 'products', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'ok', rateLimited: 3 });
    // It waits and goes on: there is nothing for a person to do, and the screen says so.
    expect((await run(['status'])).stdout).toContain('Nothing needs a person.');
    expect(sectionOf('HubSpot 429 storm')).toContain('Nothing needs a person.');
    await expectPeace(run);
  });

  test("the day's quota spent", async () => {
    const clock = { aheadMs: 0 };
    const shop = await openWhole({ hubspot: { now: () => Date.now() + clock.aheadMs } });
    const run = by(shop);
    await tell(shop.hubspot.url, '/_sandbox/limits', { dailyLimit: 1 }, 'POST');
    expect((await run(['sync', 'products'])).code).toBe(7);
    const need = await firstNeed('Daily quota spent', run);
    expect(need.what).toMatch(/quota.*midnight/);
    await tell(shop.hubspot.url, '/_sandbox/limits', { dailyLimit: 250_000 }, 'POST');
    clock.aheadMs = DAY_MS; // midnight in the portal
    expect((await typed(run, need)).code).toBe(0);
    await expectPeace(run);
  });

  test('a poison record', async () => {
    const shop = await openShop();
    const run = by(shop);
    await shop.syncHere();
    const id = await soldId(shop);
    await shop.change({ ids: [id], set: { unitPrice: 'twelve' } });
    const ended = await run(['sync', 'products', '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'partial', counts: { deadLettered: 1 } });
    const need = await firstNeed('Poison record', run);
    const listed = await typed(run, need);
    expect(listed.stdout).toMatch(new RegExp(`record ${id}`));
    await shop.change({ ids: [id], set: { unitPrice: 12 } });
    await expectPeace(run);
    expect(shop.products().get(id)?.price).toBe('12');
  });

  test('a laptop asleep at 6:00', async () => {
    const shop = await openShop();
    const run = by(shop);
    await shop.syncHere();
    const off = ['customers', 'pos-orders', 'quotes', 'prune', 'reconcile'].map((name) => `  ${name}: { off: true }\n`);
    writeFileSync(join(shop.folder, 'schedule.yaml'), `jobs:\n${off.join('')}`);
    expect((await run(['jobs', 'tick'])).code).toBe(0);
    // The lid was closed over the hour of the slot: to the ledger the same as its hour having moved into the past.
    const db = new Database(shop.database);
    db.exec(`UPDATE slots SET planned_at = planned_at - ${DAY_MS}, not_before = not_before - ${DAY_MS},
      date = date(date, '-1 day') WHERE job = 'products'`);
    db.close();
    const need = await firstNeed('Laptop asleep at 6:00', run);
    expect(need.what).toMatch(/^products: planned for .* 06:00, and nothing has started it$/);
    expect((await typed(run, need)).code).toBe(0);
    expect((await run(['jobs', 'history'])).stdout).toMatch(/products .* ok/);
    await expectPeace(run);
  });

  test('a full disk', async () => {
    const shop = await openShop({ items: 1_000 });
    const disk = openSmallDisk(shop);
    try {
      const full = await disk.run(['sync', 'products']);
      expect(full.code).not.toBe(0);
      const section = sectionOf('Full disk');
      const said = /fix: (.*)/.exec(full.stderr + full.stdout)?.[1] ?? '';
      expect(said).toMatch(/space|disk/i);
      expect(section).toContain('full');
      disk.enlarge();
      await expectPeace(disk.run);
    } finally {
      disk.close();
    }
    expect(shop.products().size).toBe((await shop.itemsSold()).length);
  });

  test("the ERP's cut-over to production", async () => {
    const shop = await openShop();
    const run = by(shop);
    const env = { ERP_PRODUCTION_URL: shop.erp.productionUrl, ERP_CUTOVER_READS: '1', ERP_CUTOVER_HOURS_APART: '0' };
    expect((await run(['sync', 'products'], env)).code).toBe(0);
    await tell(shop.erp.url, '/_sandbox/production', { mode: 'live' });
    expect((await run(['sync', 'products'], env)).code).toBe(0);
    const need = await firstNeed('ERP production cut-over', run, env);
    expect(need.what).toMatch(/^products: fed from the ERP's production for /);
    const shown = await typed(run, need, env);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/products +production since/) });
    expect((await run(['sync', 'products'], env)).code).toBe(0);
  });
});
