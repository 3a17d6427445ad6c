/** What `cutover` shows and switches, and how `cutover watch` goes on until production feeds everything. */
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cutoverWatch, type WatchTools } from '../src/commands/cutover/watch.ts';
import { cutoverHold, cutoverRelease, cutoverStatus } from '../src/commands/cutover.ts';
import type { Invocation } from '../src/commands/invocation.ts';
import { EXIT } from '../src/errors.ts';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { HOUR_MS, Shop } from './cutover-harness.ts';

const open: Shop[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((shop) => shop.close()));
});

/** A shop and a terminal that keeps what is printed. */
async function shopWith(options: Parameters<typeof Shop.open>[0] = {}) {
  const shop = await Shop.open(options);
  open.push(shop);
  const printed: string[] = [];
  const stream = { write: (text: string) => printed.push(text) };
  const stopper = new AbortController();
  const invocation: Invocation = {
    env: shop.env,
    cwd: shop.cwd,
    stdout: stream,
    stderr: stream,
    stop: stopper.signal,
    trigger: 'manual',
  };
  const taken = (): string => printed.splice(0).join('');
  return { shop, invocation, taken, stopper };
}

const clockOf = (shop: Shop) => ({ now: () => shop.nowMs, sleep: () => Promise.resolve() });

describe('cutover status', () => {
  test('shows before anything has run what each pipe waits for', async () => {
    const { shop, invocation, taken } = await shopWith();
    expect(await cutoverStatus({}, invocation, clockOf(shop))).toBe(EXIT.ok);
    const screen = taken();
    expect(screen).toContain('products     staging\n  waits for 3 agreeing shadow reads in a row, 12 h apart');
    expect(screen).toContain('production has not been looked at yet');
    expect(screen).not.toContain('pos-orders');
    expect(shop.erp.log).toEqual([]);
  });

  test('shows looks, reasons, holds and flips, within 80 columns', async () => {
    const { shop, invocation, taken } = await shopWith({ production: 'login-page' });
    await shop.consider('products');
    await shop.production('live');
    await shop.considerTimes('customers', 3);
    await cutoverHold('quotes', invocation);
    taken();
    await cutoverStatus({}, invocation, clockOf(shop));
    const screen = taken();
    expect(screen).toContain('  2026-11-20 13:00 UTC  disagrees\n    does not answer:');
    expect(screen).toMatch(/customers {4}production since 2026-11-21 13:00 UTC, \d+ records proven/);
    expect(screen).toContain('what only staging has is known after: retail-sync sync customers');
    expect(screen).toContain('quotes       staging, held');
    expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('lists as JSON what only staging has', async () => {
    const { shop, invocation, taken } = await shopWith();
    shop.wrote(shop.stream('products', 'staging'), 'products', 'erp_product_id', 'TEST-1');
    await shop.considerTimes('products', 3);
    shop.db.prepare("UPDATE streams SET mapper = 'm' WHERE id = ?").run(shop.stream('products', 'production'));
    await cutoverStatus({}, invocation, clockOf(shop));
    expect(taken()).toContain('only from staging: 1 products');
    await cutoverStatus({ json: true }, invocation, clockOf(shop));
    expect(JSON.parse(taken())).toMatchObject({
      schemaVersion: 1,
      runId: null,
      status: 'ok',
      counts: { pipes: 3, production: 1, held: 0, stagingOnly: 1 },
      rule: { reads: 3, hoursApart: 12, minShare: 0.9 },
      pipes: expect.arrayContaining([
        expect.objectContaining({
          pipe: 'products',
          fedFrom: 'production',
          stagingOnly: [{ object: 'products', key: 'TEST-1', hubspotId: 'hs-TEST-1' }],
        }),
      ]),
    });
  });
});

describe('cutover hold and release', () => {
  test('of a pipe that is not there, or not of the ERP, are refused with the names', async () => {
    const { invocation } = await shopWith();
    await expect(cutoverHold('nothing', invocation)).rejects.toMatchObject({ exit: EXIT.usage });
    await expect(cutoverHold('pos-orders', invocation)).rejects.toThrow('not fed from the ERP');
  });

  test('of one pipe do not lift a hold on all', async () => {
    const { invocation, taken } = await shopWith();
    await cutoverHold(null, invocation);
    await cutoverRelease('products', invocation);
    expect(taken()).toContain('products is still held with all pipes: retail-sync cutover release');
    await cutoverRelease(null, invocation);
    await cutoverStatus({ json: true }, invocation);
    expect(JSON.parse(taken().split('released\n')[1] ?? '').counts.held).toBe(0);
  });
});

describe('cutover watch', () => {
  /** Each pause takes as long as it says, on the shop's clock. */
  const toolsOf = (shop: Shop, said: string[] = [], onPause: () => void = () => {}): WatchTools => ({
    clock: {
      now: () => shop.nowMs,
      sleep: async (ms, signal) => {
        onPause();
        signal.throwIfAborted();
        shop.nowMs += ms;
      },
    },
    reader: shop.reader,
    onFlip: async (sentence) => void said.push(sentence),
  });

  test('ends when every pipe is fed from production, links first, and tells of each flip', async () => {
    const { shop, invocation, taken } = await shopWith();
    const said: string[] = [];
    const startMs = shop.nowMs;
    expect(await cutoverWatch({ every: '4h' }, invocation, toolsOf(shop, said))).toBe(EXIT.ok);
    expect(shop.nowMs - startMs).toBe(24 * HOUR_MS);
    expect(said.map((sentence) => sentence.split(' ')[0])).toEqual(
      expect.arrayContaining(['products', 'customers', 'quotes']),
    );
    expect(said.findIndex((one) => one.startsWith('customers'))).toBeLessThan(
      said.findIndex((one) => one.startsWith('quotes')),
    );
    expect(taken()).toContain('saw: holds');
  });

  test('prints one JSON document for each round', async () => {
    const { shop, invocation, taken } = await shopWith();
    await cutoverWatch({ every: '12h', json: true }, invocation, toolsOf(shop));
    const rounds = taken()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rounds.map(({ counts }) => counts)).toEqual([
      { pipes: 3, production: 0 },
      { pipes: 3, production: 0 },
      { pipes: 3, production: 3 },
    ]);
  });

  test('ends with the reason of a signal', async () => {
    const { shop, invocation, stopper } = await shopWith({ production: 'dark' });
    const tools = toolsOf(shop, [], () => stopper.abort(new Error('stopped by SIGTERM')));
    await expect(cutoverWatch({}, invocation, tools)).rejects.toThrow('stopped by SIGTERM');
  });

  test('leaves a round out while a run holds the portal', async () => {
    const { shop, invocation, stopper, taken } = await shopWith();
    const lock = await lockPortal(lockFolder(shop.env), '1', 0, () => Promise.resolve());
    const tools = toolsOf(shop, [], () => stopper.abort(new Error('enough')));
    await expect(cutoverWatch({ json: true }, invocation, tools)).rejects.toThrow('enough');
    lock.release();
    expect(z.object({ pipes: z.array(z.unknown()) }).parse(JSON.parse(taken())).pipes).toEqual([]);
    expect(shop.erp.log).toEqual([]);
  });

  test('refuses a time that is none, and a configuration without production', async () => {
    const { shop, invocation } = await shopWith();
    for (const every of ['15', '0s', '25h', '-1m'])
      await expect(cutoverWatch({ every }, invocation)).rejects.toMatchObject({ exit: EXIT.usage });
    shop.env.ERP_PRODUCTION_URL = '';
    await expect(cutoverWatch({}, invocation)).rejects.toThrow('nothing to watch');
  });
});
