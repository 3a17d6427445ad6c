/** The command line as people and schedulers use it: what it prints where, and how it ends. */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Ended, openSilence, run, until } from './cli-harness.ts';
import { openShop, SANDBOX_TOKEN, type Shop } from './cli-shop.ts';

const counts = z.object({
  read: z.number(),
  written: z.number(),
  created: z.number(),
  updated: z.number(),
  unchanged: z.number(),
  excluded: z.record(z.string(), z.number()),
  held: z.number(),
  deadLettered: z.number(),
});
const document = z.object({
  schemaVersion: z.literal(1),
  pipe: z.string(),
  runId: z.string().min(10),
  status: z.enum(['ok', 'partial', 'failed']),
  exit: z.number(),
  counts,
  calls: z.number(),
  writeCalls: z.number(),
  seconds: z.number(),
});
const statusDocument = z.object({
  schemaVersion: z.literal(1),
  counts: z.object({ openDeadLetters: z.number() }),
  pipes: z.array(
    z.object({
      pipe: z.string(),
      lastRun: z.object({ id: z.string(), status: z.string() }).nullable(),
      lastOkAtMs: z.number().nullable(),
      openDeadLetters: z.number(),
      waiting: z.number(),
    }),
  ),
});

type Document = z.infer<typeof document>;

/** The document of a run, its exit code checked against the process's, its counts checked to add up. */
function reportOf(ended: Ended): Document {
  const report = document.parse(JSON.parse(ended.stdout));
  const { read, written, created, updated, unchanged, excluded, held, deadLettered } = report.counts;
  const out = Object.values(excluded).reduce((sum, count) => sum + count, 0);
  expect(written + unchanged + out + held + deadLettered).toBe(read);
  expect(created + updated).toBe(written);
  expect(report.exit).toBe(ended.code);
  return report;
}

const jsonSync = async (shop: Shop, ...flags: string[]): Promise<Document> =>
  reportOf(await shop.sync([...flags, '--json']));

const productsOf = (ended: Ended) =>
  statusDocument.parse(JSON.parse(ended.stdout)).pipes.find(({ pipe }) => pipe === 'products');

/** Every stored fact of the state, runs and their reports aside. */
function stateOf(shop: Shop): unknown {
  const db = new Database(shop.database, { readonly: true });
  const tables = ['cursors', 'records', 'entities', 'objects', 'hubspot_ids', 'dead_letters', 'journal'];
  try {
    return tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2, 3`).all());
  } finally {
    db.close();
  }
}

/** What a run said on stdout, without the line breaks that a narrow screen needs. */
const unwrapped = ({ stdout }: Ended): string => stdout.replace(/\s+/g, ' ');

const sizes = (products: ReadonlyMap<string, unknown>): number => products.size;

describe.concurrent('asked for help', () => {
  test('it shows examples and every command', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}retail-sync demo/);
    for (const command of ['sync', 'setup', 'status', 'config', 'demo', 'sandbox']) expect(stdout).toContain(command);
    expect(stderr).toBe('');
  });

  test('a command shows its own examples and exit codes', async () => {
    const { code, stdout } = await run(['sync', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('retail-sync sync customers --since 2026-11-01');
    expect(stdout).toMatch(/75 another run/);
  });

  test('it tells its version', async () => {
    const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe.concurrent('a mistake in the command ends with 2 and says what was meant', () => {
  test.each([
    ['a command', ['snyc', 'products'], /unknown command 'snyc'[\s\S]*sync/],
    ['a flag', ['sync', 'products', '--dryrun'], /unknown option '--dryrun'[\s\S]*--dry-run/],
    ['a flag of another command', ['status', '--full'], /unknown option '--full'/],
    ['a pipe', ['sync', 'prodcuts'], /no pipe called prodcuts[\s\S]*products/],
    ['no pipe', ['sync'], /missing required argument 'pipe'/],
    ['a number', ['sync', 'products', '--limit', 'ten'], /whole number/],
    ['a time', ['sync', 'products', '--since', 'yesterday'], /2026-11-01/],
  ])('%s', async (_, args, said) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe.concurrent('a sync', () => {
  test('prints its report for a person on stdout and its progress on stderr', async () => {
    const shop = await openShop();
    const { code, stdout, stderr } = await shop.sync();
    const sold = (await shop.itemsSold()).length;
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`products ok\\n\\s+read\\s+250\\n\\s+written\\s+${sold}\\s+${sold} created`));
    expect(stdout).not.toContain('"level"');
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ level: 'info' });
  });

  test('prints one JSON document, and a second run writes nothing', async () => {
    const shop = await openShop();
    const first = await jsonSync(shop);
    const sold = (await shop.itemsSold()).length;
    expect(first).toMatchObject({ status: 'ok', counts: { read: 250, created: sold, deadLettered: 0 } });
    const { mark } = shop;
    const second = await jsonSync(shop, '--full');
    expect(second).toMatchObject({ status: 'ok', writeCalls: 0, counts: { read: 250, written: 0, unchanged: sold } });
    const third = await jsonSync(shop);
    expect(third).toMatchObject({ status: 'ok', writeCalls: 0, counts: { written: 0 } });
    expect(shop.writes(mark)).toEqual([]);
    expect(new Set([first.runId, second.runId, third.runId]).size).toBe(3);
  });

  test('of a dry run changes nothing, neither there nor here', async () => {
    const shop = await openShop();
    const beginning = shop.mark;
    const before = await jsonSync(shop, '--dry-run');
    expect(before).toMatchObject({ status: 'ok', counts: { created: (await shop.itemsSold()).length } });
    expect(sizes(shop.products())).toBe(0);
    expect(shop.writes(beginning)).toEqual([]);
    await jsonSync(shop);
    await shop.change({ share: 0.1 });
    const { mark } = shop;
    const state = stateOf(shop);
    const dry = await jsonSync(shop, '--dry-run');
    expect(dry.counts.updated).toBeGreaterThan(0);
    expect(dry.counts).toMatchObject({ created: 0, read: 25 });
    expect(shop.writes(mark)).toEqual([]);
    expect(stateOf(shop)).toEqual(state);
    expect((await jsonSync(shop)).counts).toEqual(dry.counts);
  });

  test('stops at --limit, and the next run reads what is left', async () => {
    const shop = await openShop();
    expect((await jsonSync(shop, '--limit', '40')).counts.read).toBe(40);
    const some = sizes(shop.products());
    expect(some).toBeLessThanOrEqual(40);
    const rest = await jsonSync(shop);
    expect(rest.counts.read).toBe(250);
    expect(rest.counts.created).toBe((await shop.itemsSold()).length - some);
  });

  test('--since reads what changed since then and moves no cursor', async () => {
    const shop = await openShop();
    await jsonSync(shop);
    const state = stateOf(shop);
    const month = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
    const recent = (await shop.items()).filter((item) => String(item.lastChanged) >= month).length;
    expect(recent).toBeGreaterThan(0);
    expect(await jsonSync(shop, '--since', month)).toMatchObject({ counts: { read: recent, written: 0 } });
    expect(stateOf(shop)).toEqual(state);
  });

  test('reads only what changed since the last run', async () => {
    const shop = await openShop();
    await jsonSync(shop);
    const [first, second] = await shop.itemsSold();
    await shop.change({ ids: [first?.itemNo, second?.itemNo], set: { unitPrice: 77.25 } });
    expect(await jsonSync(shop)).toMatchObject({ status: 'ok', counts: { read: 2, updated: 2, created: 0 } });
    expect(shop.products().get(first?.itemNo ?? '')).toMatchObject({ price: '77.25' });
  });
});

describe.concurrent('a reader that goes away, as `head` does,', () => {
  test.each(['stdout', 'stderr'] as const)('does not end the run: %s', async (stream) => {
    const shop = await openShop();
    const running = shop.start(['sync', 'products', '--json']);
    running.hangUp(stream);
    const { code, stdout, stderr } = await running.ended;
    expect(stdout + stderr).not.toMatch(/EPIPE|\n\s+at /);
    expect(code).toBe(0);
    expect(sizes(shop.products())).toBe((await shop.itemsSold()).length);
    expect(productsOf(await shop.run(['status', '--json']))).toMatchObject({ lastRun: { status: 'ok' } });
  });
});

describe.concurrent('the morning screen', () => {
  test('says that nothing has run, in words and as JSON', async () => {
    const shop = await openShop();
    expect(await shop.run(['status'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/never run/),
    });
    expect(productsOf(await shop.run(['status', '--json']))).toMatchObject({ lastRun: null, lastOkAtMs: null });
  });

  test('names the last run, its outcome and the open dead letters', async () => {
    const shop = await openShop({ flaws: true });
    const { runId } = await jsonSync(shop);
    const products = productsOf(await shop.run(['status', '--json']));
    expect(products).toMatchObject({ lastRun: { id: runId, status: 'partial' }, openDeadLetters: 1, lastOkAtMs: null });
    expect(await shop.run(['status'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/partial[\s\S]*dead letter/),
    });
  });

  test('does not take a dry run for the last good one', async () => {
    const shop = await openShop();
    await jsonSync(shop, '--dry-run');
    expect(productsOf(await shop.run(['status', '--json']))?.lastOkAtMs).toBeNull();
  });

  test('shows a run that was refused before it began', async () => {
    const shop = await openShop();
    await jsonSync(shop);
    expect((await shop.sync([], { HUBSPOT_TOKEN: 'pat-na1-revoked' })).code).toBe(5);
    expect(productsOf(await shop.run(['status', '--json']))).toMatchObject({ lastRun: { status: 'failed' } });
    expect((await shop.run(['status'])).stdout).toMatch(/failed[\s\S]*token/);
  });

  test('can be asked while a run writes', async () => {
    const shop = await openShop({ latencyMs: { write: 4_000 } });
    const running = shop.start(['sync', 'products']);
    await until('the run reads', () => shop.erp.log.length > 0);
    expect(productsOf(await shop.run(['status', '--json']))).toMatchObject({ lastRun: { status: 'running' } });
    expect((await running.ended).code).toBe(0);
  });
});

describe.concurrent('a sync ends with', () => {
  test('3 for a record that HubSpot cannot take, and the others are written', async () => {
    const shop = await openShop({ flaws: true });
    const report = await jsonSync(shop);
    expect(report).toMatchObject({ status: 'partial', exit: 3, counts: { deadLettered: 1 } });
    expect(sizes(shop.products())).toBe((await shop.itemsSold()).length - 1);
    expect(await jsonSync(shop, '--full')).toMatchObject({ status: 'ok', exit: 0, counts: { deadLettered: 1 } });
    const poisoned = (await shop.items()).filter(({ weightKg }) => weightKg === 'n/a').map(({ itemNo }) => itemNo);
    await shop.change({ ids: poisoned, set: { weightKg: 4.5 } });
    expect(await jsonSync(shop)).toMatchObject({ exit: 0, counts: { created: 1, deadLettered: 0 } });
    expect(productsOf(await shop.run(['status', '--json']))).toMatchObject({ openDeadLetters: 0 });
  });

  test('4 when more dead letters come than one run may add, and what was good is kept', async () => {
    const shop = await openShop({ items: 600 });
    const sold = (await shop.itemsSold()).map(({ itemNo }) => itemNo);
    const bad = sold.slice(0, 150);
    await shop.change({ ids: bad, set: { weightKg: 'heavy' } });
    const report = await jsonSync(shop);
    expect(report).toMatchObject({ status: 'failed', exit: 4 });
    await shop.change({ ids: bad, set: { weightKg: 2 } });
    expect(await jsonSync(shop)).toMatchObject({ exit: 0 });
    expect(sizes(shop.products())).toBe(sold.length);
  });

  test('4 before the first write when a third of everything changed at once, unless a person approves', async () => {
    const shop = await openShop({ items: 400 });
    await jsonSync(shop);
    await shop.change({ share: 0.6 });
    const { mark } = shop;
    const stopped = await shop.sync();
    expect(stopped.code).toBe(4);
    expect(unwrapped(stopped)).toMatch(/would change \d+ objects/);
    expect(unwrapped(stopped)).toContain('retail-sync sync products --approve');
    expect(shop.writes(mark)).toEqual([]);
    const approved = await jsonSync(shop, '--approve');
    expect(approved).toMatchObject({ status: 'ok', exit: 0, counts: { created: 0 } });
    expect(approved.counts.updated).toBeGreaterThan(50);
    expect((await jsonSync(shop)).counts.written).toBe(0);
  });

  test('5 for a token that HubSpot does not know', async () => {
    const shop = await openShop();
    const ended = await shop.sync([], { HUBSPOT_TOKEN: 'pat-na1-nobody-knows-this-one' });
    expect(ended).toMatchObject({ code: 5, stdout: '' });
    expect(ended.stderr).toMatch(/HUBSPOT_TOKEN/);
    expect(ended.stderr).not.toContain('nobody-knows');
  });

  test('5 for another portal than the one named, before a write', async () => {
    const shop = await openShop();
    const { mark } = shop;
    const ended = await shop.sync([], { HUBSPOT_PORTAL_ID: '7654321' });
    expect(ended.code).toBe(5);
    expect(ended.stderr).toMatch(/opens portal 1234567[\s\S]*7654321/);
    expect(shop.writes(mark)).toEqual([]);
  });

  test('5 for a live account when the target is not production', async () => {
    const shop = await openShop({ hubspot: { portal: { accountType: 'STANDARD' } }, isSetUp: false });
    const ended = await shop.sync();
    expect(ended.code).toBe(5);
    expect(ended.stderr).toMatch(/STANDARD[\s\S]*RETAIL_SYNC_ENV=production/);
    expect(shop.writes()).toEqual([]);
  });

  test('5 for a token without a scope that is needed, and names the scope', async () => {
    const scopes = ['crm.objects.products.read', 'crm.schemas.products.read'];
    const shop = await openShop({ hubspot: { tokens: { [SANDBOX_TOKEN]: scopes } }, isSetUp: false });
    const ended = await shop.sync();
    expect(ended.code).toBe(5);
    expect(ended.stderr).toContain('crm.objects.products.write');
  });

  test('5 for a token that the ERP does not know', async () => {
    const shop = await openShop();
    const ended = await shop.sync([], { ERP_TOKEN: 'erp-stranger' });
    expect(ended.code).toBe(5);
    expect(ended.stdout + ended.stderr).toMatch(/ERP_TOKEN/);
    expect(ended.stdout + ended.stderr).not.toContain('stranger');
  });

  test('2 and the command to type when the portal was not set up', async () => {
    const shop = await openShop({ isSetUp: false });
    const ended = await shop.sync();
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('retail-sync setup --apply');
    const setup = await shop.run(['setup']);
    expect(setup).toMatchObject({ code: 0, stdout: expect.stringContaining('erp_product_id') });
    expect(sizes(shop.products())).toBe(0);
    expect((await shop.run(['setup', '--apply'])).code).toBe(0);
    expect((await shop.run(['setup'])).stdout).toMatch(/nothing to do/);
    expect((await shop.sync()).code).toBe(0);
  });

  test('6 when the ERP is down, and the run after it catches up', async () => {
    const shop = await openShop();
    shop.erp.setFaults([{ path: '/api/', fault: { kind: 'status', status: 503 } }]);
    const down = await jsonSync(shop);
    expect(down).toMatchObject({ status: 'failed', exit: 6, counts: { read: 0 } });
    shop.erp.setFaults([]);
    expect(await jsonSync(shop)).toMatchObject({ status: 'ok', counts: { read: 250 } });
  });

  test('7 when HubSpot is down from the first call on', async () => {
    const shop = await openShop();
    shop.hubspot.setFaults([{ fault: { kind: 'status', status: 503 } }]);
    const down = await shop.sync();
    expect(down.code).toBe(7);
    expect(down.stdout + down.stderr).toMatch(/HubSpot[\s\S]*run the same command again/);
    shop.hubspot.setFaults([]);
    expect(await jsonSync(shop)).toMatchObject({ status: 'ok', counts: { read: 250 } });
  });

  test('7 when the daily quota is spent half-way, and tomorrow the rest is written', async () => {
    const shop = await openShop({ items: 1_000 });
    shop.hubspot.setFaults([
      {
        path: '/batch/upsert',
        nth: [3, 4, 5, 6],
        fault: {
          kind: 'status',
          status: 429,
          json: { policyName: 'DAILY', message: 'You have reached your daily limit.' },
        },
      },
    ]);
    const spent = await jsonSync(shop);
    expect(spent).toMatchObject({ status: 'failed', exit: 7 });
    shop.hubspot.setFaults([]);
    expect(await jsonSync(shop)).toMatchObject({ status: 'ok', exit: 0 });
    expect(sizes(shop.products())).toBe((await shop.itemsSold()).length);
    expect([...shop.commits('created').values()].every((times) => times === 1)).toBe(true);
  });
});

describe.concurrent('two runs at once', () => {
  test('do not write together: the second ends with 75, or waits when it was told to', async () => {
    const shop = await openShop({ latencyMs: { write: 4_000 } });
    const running = shop.start(['sync', 'products']);
    await until('the run writes', () => shop.erp.log.length > 0);
    const elsewhere = { RETAIL_SYNC_STATE_DIR: `${shop.folder}/another-state` };
    const [second, waiting] = await Promise.all([shop.sync([], elsewhere), shop.sync(['--wait', '--json'])]);
    expect(second).toMatchObject({ code: 75, stdout: '' });
    expect(second.stderr).toMatch(/another run[\s\S]*--wait/);
    expect((await running.ended).code).toBe(0);
    expect(reportOf(waiting)).toMatchObject({ status: 'ok', counts: { written: 0 } });
    expect([...shop.commits('created').values()].every((times) => times === 1)).toBe(true);
  });
});

describe.concurrent.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle of a run', (signal, code) => {
  test(`settles what was acknowledged and ends with ${code}; the next run does the rest`, async () => {
    const shop = await openShop({ items: 900, latencyMs: { write: 700 } });
    const running = shop.start(['sync', 'products', '--json']);
    await until('the run writes', () => running.stderr().includes('"phase"'));
    running.kill(signal);
    const stopped = await running.ended;
    expect(stopped.code).toBe(code);
    expect(stopped.stderr).toContain(signal);
    expect(reportOf(stopped).status).toBe('failed');
    expect(await jsonSync(shop)).toMatchObject({ status: 'ok', exit: 0 });
    expect(sizes(shop.products())).toBe((await shop.itemsSold()).length);
    expect([...shop.commits('created').values()].every((times) => times === 1)).toBe(true);
    expect((await jsonSync(shop, '--full')).writeCalls).toBe(0);
  });

  test('twice ends it at once', async () => {
    const shop = await openShop({ items: 900 });
    shop.hubspot.setFaults([{ path: '/batch/upsert', fault: { kind: 'slow', ms: 60_000 } }]);
    const running = shop.start(['sync', 'products']);
    await until('a write is under way', () => shop.products().size > 0);
    running.kill(signal);
    await until('the first signal is heard', () => running.stderr().includes(signal));
    running.kill(signal);
    const { code: ended, ms } = await running.ended;
    expect(ended).toBe(code);
    expect(ms).toBeLessThan(30_000);
  });

  test('ends a run that still asks which portal it is', async () => {
    const shop = await openShop();
    const silent = await openSilence();
    const running = shop.start(['sync', 'products'], { HUBSPOT_BASE_URL: silent.url });
    await until('it has asked', () => silent.asked());
    running.kill(signal);
    const ended = await running.ended;
    expect(ended.code).toBe(code);
    expect(ended.stderr).not.toMatch(/fault in retail-sync/);
    expect(await jsonSync(shop)).toMatchObject({ status: 'ok', counts: { read: 250 } });
  });
});
