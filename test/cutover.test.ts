/** Each ERP pipe finds out by itself that production is live, over real HTTP and a real state database. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { considerFlip, shadowReader } from '../src/cutover.ts';
import { loadJobs } from '../src/jobs.ts';
import type { ErpOptions } from '../src/sandbox/erp/server.ts';
import { flipOf, hold, latestReads, release } from '../src/state/cutover.ts';
import { sourceInstance } from '../src/state/runs.ts';
import { isProductionRead, stagingOnly } from '../src/state/staging.ts';
import { HOUR_MS, Shop, world } from './cutover-harness.ts';

const open: Shop[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((shop) => shop.close()));
});

async function shopWith(options: Partial<ErpOptions> = {}): Promise<Shop> {
  const shop = await Shop.open(options);
  open.push(shop);
  return shop;
}

const PRODUCTS = world.items.count;

describe('a look at production', () => {
  test.each(['products', 'customers', 'quotes'])('agrees when the ERP answers with enough good %s', async (pipe) => {
    const shop = await shopWith();
    shop.knowsFromStaging(pipe, 500);
    const { seen } = await shop.consider(pipe);
    expect(seen).toMatchObject({ agrees: true, reason: expect.stringContaining('a sample of 200 fits the mapper') });
    expect(seen?.records).toBeGreaterThan(500);
  });

  test('takes few requests, all of them reads of production', async () => {
    const shop = await shopWith();
    await shop.consider('customers');
    expect(shop.erp.log.length).toBeLessThan(20);
    for (const { method, path } of shop.erp.log) {
      expect(method).toBe('GET');
      expect(path).toMatch(/^\/production\/api\//);
    }
  });

  test('leaves nothing behind but its verdict', async () => {
    const shop = await shopWith();
    await shop.consider('customers');
    const tables = ['streams', 'records', 'entities', 'objects', 'cursors', 'dead_letters', 'journal', 'runs'];
    for (const table of tables) {
      expect(shop.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()).toEqual({ n: 0 });
    }
    expect(latestReads(shop.db, 'customers', 10)).toHaveLength(1);
  });

  test.each([
    ['dark', 'does not answer: the ERP gave no readable answer for products, page 1 in 5 attempts: status 503'],
    ['login-page', 'not JSON but another content type'],
    ['refused', 'does not answer: the ERP gave no readable answer'],
    ['empty', 'holds no records'],
  ] as const)('disagrees while production is %s', async (production, reason) => {
    const shop = await shopWith({ production });
    const { seen, flipped } = await shop.consider('products');
    expect(seen).toMatchObject({ agrees: false, reason: expect.stringContaining(reason) });
    expect(flipped).toBe(false);
  });

  test('disagrees when production does not let the user in', async () => {
    const shop = await shopWith({ tokens: new Set(['of somebody else']) });
    expect((await shop.consider('products')).seen?.reason).toMatch(/^does not answer: the ERP refused access/);
  });

  test('disagrees when production holds too few of the records that staging has', async () => {
    const shop = await shopWith();
    shop.knowsFromStaging('products', 1000);
    const { seen } = await shop.consider('products');
    expect(seen?.agrees).toBe(false);
    expect(seen?.reason).toMatch(/^holds \d+ records; staging has 1000, 900 are the least$/);
    shop.env.ERP_CUTOVER_MIN_SHARE = '0.5';
    shop.later(12);
    expect((await shop.consider('products')).seen?.agrees).toBe(true);
  });

  test('disagrees when a field that the profile maps is nowhere', async () => {
    const shop = await shopWith({ drift: { renamedField: { resource: 'items', from: 'unitPrice', to: 'price' } } });
    expect((await shop.consider('products')).seen).toMatchObject({
      agrees: false,
      reason: expect.stringMatching(/^products: not one of \d+ records of a full page carries listPrice/),
    });
  });

  test('disagrees when a part of a nested field is nowhere', async () => {
    const shop = await shopWith();
    const profile = readFileSync('src/sources/erp/profiles/sandbox.yaml', 'utf8');
    shop.env.ERP_PROFILE = join(shop.cwd, 'other.yaml');
    writeFileSync(
      shop.env.ERP_PROFILE,
      profile.replace('city: city', 'city: town').replace('email: mail', 'email: to'),
    );
    expect((await shop.consider('customers')).seen).toMatchObject({
      agrees: false,
      reason: 'not one of 200 records carries address.city, contacts.email',
    });
  });

  test('disagrees when more than 2 % of the records do not fit, and names the field but no value', async () => {
    const newEnumValue = { resource: 'items', field: 'statusCode', value: 'SECRET-X', share: 0.3 } as const;
    const shop = await shopWith({ drift: { newEnumValue } });
    expect((await shop.consider('products')).seen?.reason).toMatch(
      /^\d+ of 200 records do not fit the mapper: status$/,
    );
  });

  test('disagrees when rows come without id', async () => {
    const shop = await shopWith({ drift: { missingId: 400 } });
    const { seen } = await shop.consider('products');
    expect(seen?.reason).toMatch(/^\d+ of 200 records do not fit the mapper: id or date$/);
  });

  test("finds staging's ids one by one where the vendor tells no total", async () => {
    const shop = await shopWith();
    const profile = readFileSync('src/sources/erp/profiles/sandbox.yaml', 'utf8');
    shop.env.ERP_PROFILE = join(shop.cwd, 'silent.yaml');
    writeFileSync(shop.env.ERP_PROFILE, profile.replaceAll('    total: totalCount\n', ''));
    expect((await shop.consider('products')).seen?.reason).toContain('does not tell how many records');
    shop.later(12);
    shop.knowsFromStaging(
      'products',
      100,
      Array.from({ length: 100 }, (_, at) => String(world.items.row(at).itemNo)),
    );
    const { seen } = await shop.consider('products');
    expect(seen?.agrees).toBe(true);
    expect(seen?.records).toBeGreaterThan(90);
  });

  test('disagrees when production takes longer than a look may', async () => {
    const shop = await shopWith({ latencyMs: 5000 });
    const { config, nowMs } = shop;
    const stop = new AbortController().signal;
    const read = shadowReader({ job: shop.job('products'), config, stop, deadlineMs: 50 });
    const verdict = await read({ records: 0, ids: [], nowMs });
    expect(verdict).toEqual({ agrees: false, records: null, reason: 'does not answer: not within 0.05 s' });
  });

  test('is given up with the reason of a stop, and then nothing is noted', async () => {
    const shop = await shopWith();
    const stop = AbortSignal.abort(new Error('stopped by SIGINT'));
    await expect(shop.consider('products', stop)).rejects.toThrow('stopped by SIGINT');
    expect(latestReads(shop.db, 'products', 10)).toEqual([]);
  });

  test('is taken at most twice in the time between two that count', async () => {
    const shop = await shopWith({ production: 'dark' });
    for (let hour = 0; hour < 24; hour++) {
      await shop.consider('products');
      shop.later(1);
    }
    expect(latestReads(shop.db, 'products', 100)).toHaveLength(4);
  });
});

describe('a pipe of the ERP', () => {
  test('changes over with the third agreeing look, not before', async () => {
    const shop = await shopWith();
    shop.knowsFromStaging('products', 500);
    expect((await shop.considerTimes('products', 4)).map(({ flipped }) => flipped)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(sourceInstance(shop.db, 'products')).toBe('production');
  });

  test('keeps a receipt: addresses, the looks it is based on, and the proven count', async () => {
    const shop = await shopWith();
    await shop.considerTimes('products', 3);
    const atMs = shop.nowMs - 12 * HOUR_MS;
    const row = z
      .object({ at: z.number(), subject: z.string(), detail: z.string() })
      .parse(shop.db.prepare("SELECT at, subject, detail FROM journal WHERE kind = 'flip'").get());
    expect(row).toMatchObject({ at: atMs, subject: 'pipe products' });
    const receipt = JSON.parse(row.detail);
    expect(receipt).toMatchObject({ from: shop.erp.stagingUrl, to: shop.erp.productionUrl });
    expect(receipt.reads).toHaveLength(3);
    expect(flipOf(shop.db, 'products')).toEqual({ atMs, count: receipt.count });
    expect(receipt.count).toBeGreaterThan(PRODUCTS * 0.9);
  });

  test('never changes back, and does not look any more', async () => {
    const shop = await shopWith();
    await shop.considerTimes('products', 3);
    await shop.production('dark');
    const after = await shop.considerTimes('products', 5);
    expect(after.every(({ flipped, seen }) => !flipped && seen === null)).toBe(true);
    expect(sourceInstance(shop.db, 'products')).toBe('production');
  });

  test('begins again when a login page shows between two good looks', async () => {
    const shop = await shopWith();
    await shop.considerTimes('products', 2);
    await shop.production('login-page');
    await shop.considerTimes('products', 1);
    await shop.production('live');
    expect((await shop.considerTimes('products', 3)).map(({ flipped }) => flipped)).toEqual([false, false, true]);
  });

  test('waits for the pipes it links to, and follows at once', async () => {
    const shop = await shopWith();
    const early = await shop.considerTimes('quotes', 4);
    expect(early.some(({ flipped }) => flipped)).toBe(false);
    expect(early.at(-1)?.sentence).toContain('waits for customers to be fed from production first');
    await shop.considerTimes('customers', 3);
    expect((await shop.consider('quotes')).flipped).toBe(true);
  });

  test('is held by a person, by a hold on all pipes, and by the configuration', async () => {
    const shop = await shopWith();
    hold(shop.db, 'products', shop.nowMs);
    expect((await shop.considerTimes('products', 4)).at(-1)?.sentence).toContain(
      'retail-sync cutover release products',
    );
    release(shop.db, 'products');
    hold(shop.db, null, shop.nowMs);
    expect((await shop.consider('products')).sentence).toContain('retail-sync cutover release');
    release(shop.db, null);
    shop.env.ERP_CUTOVER_HOLD = 'true';
    expect((await shop.consider('products')).sentence).toContain('ERP_CUTOVER_HOLD');
    shop.env.ERP_CUTOVER_HOLD = 'false';
    expect((await shop.consider('products')).flipped).toBe(true);
  });

  test('looks once more before it changes over on looks of yesterday', async () => {
    const shop = await shopWith();
    hold(shop.db, 'products', shop.nowMs);
    await shop.considerTimes('products', 3);
    release(shop.db, 'products');
    shop.nowMs -= 11 * HOUR_MS; // an hour after the last look: none is due
    await shop.production('refused');
    const { flipped, seen } = await shop.consider('products');
    expect([flipped, seen?.agrees]).toEqual([false, false]);
  });

  test('stays when somebody holds it while production is being read', async () => {
    const shop = await shopWith();
    await shop.considerTimes('products', 2);
    const { db, jobs, nowMs, config } = shop;
    const job = shop.job('products');
    const read = shop.reader(job, config);
    const answer = await considerFlip({
      ...{ db, job, jobs, nowMs, config },
      read: async (staging) => {
        const verdict = await read(staging);
        hold(db, 'products', nowMs);
        return verdict;
      },
    });
    expect(answer).toMatchObject({ flipped: false, seen: { agrees: true } });
    expect(sourceInstance(db, 'products')).toBeNull();
  });

  test('begins again when production is said to be elsewhere', async () => {
    const shop = await shopWith();
    await shop.considerTimes('products', 2);
    shop.env.ERP_PRODUCTION_URL = shop.erp.productionUrl.replace('127.0.0.1', 'localhost');
    expect((await shop.considerTimes('products', 3)).map(({ flipped }) => flipped)).toEqual([false, false, true]);
  });

  test('waits until no write from staging can land any more', async () => {
    const shop = await shopWith();
    const stream = shop.stream('products', 'staging');
    shop.wrote(stream, 'products', 'erp_product_id', 'P1');
    await shop.considerTimes('products', 2);
    shop.db.prepare("UPDATE objects SET intent = 'f', intent_at = ?").run(shop.nowMs - 60_000);
    const { flipped, sentence } = await shop.consider('products');
    expect([flipped, sentence]).toEqual([false, expect.stringContaining('may still be under way')]);
    shop.nowMs += 240_000;
    expect((await shop.consider('products')).flipped).toBe(true);
  });

  test('starts from an empty stream, whatever an earlier trial of production left', async () => {
    const shop = await shopWith();
    const trial = shop.stream('products', 'production');
    await shop.considerTimes('products', 3);
    expect(shop.stream('products', 'production')).not.toBe(trial);
    expect(shop.stream('customers', 'production')).toBe(shop.stream('customers', 'production'));
  });

  test('closes the dead letters of staging, which nobody will read again', async () => {
    const shop = await shopWith();
    const stream = shop.stream('products', 'staging');
    shop.db
      .prepare(
        `INSERT INTO dead_letters (stream, subject, stage, category, reason, mapper, first_seen, last_seen, attempts, run, state)
         VALUES (?, 'record P1', 'map', 'c', 'r', 'm', 0, 0, 1, 'r', 'open')`,
      )
      .run(stream);
    await shop.considerTimes('products', 3);
    expect(shop.db.prepare('SELECT state FROM dead_letters').all()).toEqual([{ state: 'discarded' }]);
  });

  test('stays on production that it was on from the start, also when a staging address is added later', async () => {
    const shop = await shopWith({ production: 'dark' });
    shop.env.ERP_STAGING_URL = '';
    expect((await shop.consider('products')).sentence).toBe('products is fed from production');
    shop.env.ERP_STAGING_URL = shop.erp.stagingUrl;
    expect((await shop.consider('products')).sentence).toBe('products is fed from production');
  });

  test('does not look where there is no production, or where it is the staging address', async () => {
    const shop = await shopWith();
    shop.env.ERP_PRODUCTION_URL = '';
    expect(await shop.consider('products')).toMatchObject({ flipped: false, seen: null });
    shop.env.ERP_PRODUCTION_URL = shop.erp.stagingUrl;
    expect((await shop.considerTimes('products', 4)).every(({ flipped, seen }) => !flipped && seen === null)).toBe(
      true,
    );
  });

  test('of Square has no part in it', async () => {
    const shop = await shopWith();
    const job = (await loadJobs()).find(({ pipe }) => pipe === 'pos-orders');
    if (!job) throw new Error('pos-orders is gone');
    const { db, nowMs, config } = shop;
    const read = () => Promise.reject(new Error('nobody may look'));
    expect(await considerFlip({ db, job, nowMs, config, read })).toMatchObject({ flipped: false, seen: null });
  });
});

describe('what only staging has', () => {
  const KEYS = { companies: 'erp_customer_id', contacts: 'erp_contact_id' };

  test('is what production has not written, apart from what waits there', async () => {
    const shop = await shopWith();
    const staging = shop.stream('customers', 'staging');
    for (const key of ['C1', 'C2', 'C3']) shop.wrote(staging, 'companies', KEYS.companies, key);
    shop.wrote(staging, 'contacts', KEYS.contacts, 'P2');
    await shop.considerTimes('customers', 3);
    const live = shop.stream('customers', 'production');
    shop.wrote(live, 'companies', KEYS.companies, 'C1');
    shop.db
      .prepare("INSERT INTO entities (stream, id, state, oldest, run) VALUES (?, 'C3', 'dead', '', 'r')")
      .run(live);
    expect(stagingOnly(shop.db, 'customers', KEYS)).toEqual([
      { object: 'companies', key: 'C2', hubspotId: 'hs-C2' },
      { object: 'contacts', key: 'P2', hubspotId: 'hs-P2' },
    ]);
  });

  test('is known only when production has been read to its end', async () => {
    const shop = await shopWith();
    await shop.considerTimes('customers', 3);
    const live = shop.stream('customers', 'production');
    expect(isProductionRead(shop.db, 'customers')).toBe(false);
    shop.db.prepare("UPDATE streams SET mapper = 'm' WHERE id = ?").run(live);
    expect(isProductionRead(shop.db, 'customers')).toBe(true);
  });
});
