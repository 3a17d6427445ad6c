/** The service for real: a process, vendors over HTTP, killed and started again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { runScheduledJob } from '../src/commands/jobs/work.ts';
import { loadSchedule } from '../src/schedule/settings.ts';
import { tick } from '../src/schedule/tick.ts';
import { daysAfter } from '../src/schedule/zone.ts';
import { closeDatabase, openDatabase } from '../src/state/database.ts';
import { slotOf } from '../src/state/slots.ts';
import { until } from './cli-harness.ts';
import { openShop, type Shop } from './cli-shop.ts';

// Half a minute alone; several processes start one after the other.
vi.setConfig({ testTimeout: 180_000 });

const PIPES = ['products', 'customers', 'pos-orders', 'quotes'].map((pipe) => ({ pipe, daily: '06:00', after: [] }));

/** Only products, at the first minute of the UTC day, which has been. */
function scheduleProducts(shop: Shop): string {
  const off = ['customers', 'pos-orders', 'quotes', 'reconcile', 'prune'].map((name) => `  ${name}: { off: true }`);
  const lines = ['zone: UTC', 'windowHours: 23', 'jobs:', '  products: { at: "00:00" }', ...off];
  writeFileSync(join(shop.folder, 'schedule.yaml'), lines.join('\n'));
  return new Date().toISOString().slice(0, 10);
}

/** As if the schedule had been at work since yesterday, when everything was well. */
function knownSinceYesterday(shop: Shop, today: string): void {
  const db = openDatabase(join(shop.folder, 'state'), { environment: 'sandbox', portalId: '1234567' });
  const yesterday = daysAfter(today, -1);
  const atMs = Date.parse(`${yesterday}T00:00Z`);
  const insert = db.prepare("INSERT INTO slots (job, date, planned_at, not_before, state) VALUES (?, ?, ?, ?, 'ok')");
  insert.run('products', yesterday, atMs, atMs);
  db.close();
}

function slotToday(shop: Shop, today: string): ReturnType<typeof slotOf> {
  const db = openDatabase(join(shop.folder, 'state'), null);
  try {
    return slotOf(db, 'products', today);
  } finally {
    db.close();
  }
}

test('jobs serve runs a missed slot, dies with its run, takes it up again after a restart, and runs it once', async () => {
  const shop = await openShop({ items: 60, latencyMs: { write: 1_500 } });
  const today = scheduleProducts(shop);
  knownSinceYesterday(shop, today);
  const first = shop.start(['jobs', 'serve']);
  await until('the run begins', () => slotToday(shop, today)?.state === 'running', 60_000);
  expect(slotToday(shop, today)).toMatchObject({ state: 'running', attempts: 1, trigger: 'service' });
  first.kill('SIGKILL');
  await first.ended;
  expect(slotToday(shop, today)).toMatchObject({ state: 'running', attempts: 1 });
  // It may be tried again after a quarter of an hour: here the quarter of an hour is over.
  const db = openDatabase(join(shop.folder, 'state'), null);
  db.prepare('UPDATE slots SET not_before = planned_at').run();
  db.close();
  const second = shop.start(['jobs', 'serve']);
  await until('the slot is over', () => slotToday(shop, today)?.state === 'ok', 60_000).catch((error) => {
    throw new Error(`${error.message}\n${JSON.stringify(slotToday(shop, today))}\n${second.stderr()}`);
  });
  second.kill('SIGTERM');
  const ended = await second.ended;
  expect(ended.stderr).toContain('at work: products 00:00 (UTC)');
  expect(slotToday(shop, today)).toMatchObject({ attempts: 2, exit: 0 });
  expect(Math.max(...shop.commits('created').values())).toBe(1);
  const again = await shop.run(['jobs', 'tick']);
  expect([again.code, again.stdout]).toEqual([
    0,
    expect.stringMatching(/^Nothing is due\. Next: products at .* UTC\n$/),
  ]);
  const history = await shop.run(['jobs', 'history']);
  expect(history.stdout).toMatch(/00:00 {2}products {2,}\d\d:\d\d {2,}.*ok {6,}2 {5}0/);
});

test('a schedule with faults is refused with the line of each', async () => {
  const shop = await openShop({ items: 1, isSetUp: false });
  writeFileSync(
    join(shop.folder, 'schedule.yaml'),
    'zone: Mars/Olympus\njobs:\n  prodcts: {}\n  quotes:\n    at: 25:00\n',
  );
  const { code, stderr } = await shop.run(['jobs', 'list']);
  expect(code).toBe(2);
  expect(stderr).toContain('line 1: zone is not a time zone such as America/Chicago');
  expect(stderr).toContain('line 3: jobs.prodcts is not known there: did you mean products?');
  expect(stderr).toContain('line 5: jobs.quotes.at is not a time as "06:00"');
});

test('a run over its time is stopped in an orderly way, and the next attempt goes on with what is left', async () => {
  const shop = await openShop({ items: 300, latencyMs: { write: 1_200 } });
  const today = scheduleProducts(shop);
  knownSinceYesterday(shop, today);
  const stateDir = join(shop.folder, 'state');
  const work = (runMsMax: number) =>
    tick({
      ...{ trigger: 'test', clock: systemClock, stop: new AbortController().signal, onNotice: () => undefined },
      ledger: (ask) => {
        const db = openDatabase(stateDir, { environment: 'sandbox', portalId: '1234567' });
        try {
          return ask(db);
        } finally {
          closeDatabase(db);
        }
      },
      schedule: { ...loadSchedule({ path: join(shop.folder, 'schedule.yaml'), isNamed: true }, PIPES), runMsMax },
      gate: async () => undefined,
      runJob: (job, stop) => {
        const silent = { write: () => undefined };
        const invocation = { env: shop.env, cwd: shop.folder, stdout: silent, stderr: silent, stop, trigger: 'test' };
        return runScheduledJob(job, { waitMs: 0, isShown: false }, invocation);
      },
    });
  await work(700);
  expect(slotToday(shop, today)).toMatchObject({
    ...{ state: 'open', attempts: 1, exit: 1, reason: expect.stringContaining('longer than') },
  });
  const db = openDatabase(stateDir, null);
  expect(db.prepare("SELECT count(*) AS n FROM runs WHERE status = 'running'").get()).toEqual({ n: 0 });
  db.prepare('UPDATE slots SET not_before = planned_at').run();
  db.close();
  await work(60_000);
  expect(slotToday(shop, today)).toMatchObject({ state: 'ok', attempts: 2 });
  expect(Math.max(...shop.commits('created').values())).toBe(1);
});
