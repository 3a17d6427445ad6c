/** The morning screen and its page: what needs a person, at 80 columns and in a browser. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Invocation } from '../src/commands/invocation.ts';
import { jobsNext } from '../src/commands/jobs/show.ts';
import { status } from '../src/commands/status.ts';
import { statusPage } from '../src/report/status/page.ts';
import { statusScreen } from '../src/report/status/screen.ts';
import { adviceOf, needsOf, type Standing } from '../src/report/status/standing.ts';
import { closeDatabase, openDatabase } from '../src/state/database.ts';
import { kpisOf, runsSince } from '../src/state/history.ts';
import { type LastRun, neverRun, type PipeStatus, pipeStatus } from '../src/state/overview.ts';
import { endRun, openStream, startRun } from '../src/state/runs.ts';
import { planSlot, type SlotRow } from '../src/state/slots.ts';
import { run as runTool, temporaryFolder } from './cli-harness.ts';
import { openShop } from './cli-shop.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 08:12 in Chicago. */
const NOW_MS = Date.parse('2026-11-27T14:12:00Z');

const lastRun = (more: Partial<LastRun> = {}): LastRun => ({
  ...{ id: '20261127T120000000-0001', status: 'ok', trigger: 'launchd', pid: 1, isRestricted: false },
  ...{ startedAtMs: NOW_MS - 2.2 * HOUR_MS, endedAtMs: NOW_MS - 2.1 * HOUR_MS, read: 30_214, written: 12 },
  ...{ reason: null, hint: null },
  ...more,
});
const pipe = (name: string, more: Partial<PipeStatus> = {}): PipeStatus => ({
  ...neverRun(name),
  ...{ lastRun: lastRun(), lastOkAtMs: NOW_MS - 2.1 * HOUR_MS, dataFromMs: NOW_MS - 2.2 * HOUR_MS },
  ...more,
});
const slot = (job: string, more: Partial<SlotRow> = {}): SlotRow => ({
  ...{ job, date: '2026-11-28', plannedAtMs: NOW_MS + 22 * HOUR_MS, notBeforeMs: NOW_MS + 22 * HOUR_MS },
  ...{ state: 'open', attempts: 0, ownerPid: null, trigger: null, startedAtMs: null, endedAtMs: null },
  ...{ exit: null, runs: [], reason: null, hint: null },
  ...more,
});
const standing = (more: Partial<Standing> = {}): Standing => ({
  ...{ nowMs: NOW_MS, zone: 'America/Chicago', environment: 'production', portalId: '1234567' },
  ...{ pipes: [pipe('customers'), pipe('products')], slots: [], deafChannels: [] },
  ...{ isAlive: () => true, isOff: () => false },
  ...more,
});
const plain = (_: unknown, text: string): string => text;

describe('what needs a person', () => {
  test('is nothing when every pipe is ok', () => {
    expect(needsOf(standing())).toEqual([]);
    expect(statusScreen(standing(), plain)).toMatch(/Nothing needs a person\.\n$/);
  });

  test('is a failed run, with its own reason and command, before anything milder', () => {
    const failed = lastRun({ status: 'failed', reason: 'the token was refused', hint: 'retail-sync doctor' });
    const letters = pipe('customers', { openDeadLetters: 2, oldestDeadLetterMs: NOW_MS - 3 * DAY_MS });
    expect(needsOf(standing({ pipes: [letters, pipe('products', { lastRun: failed })] }))).toEqual([
      { weight: 'red', what: 'products: the token was refused', advice: null, command: 'retail-sync doctor' },
      {
        weight: 'yellow',
        what: 'customers: 2 dead letters, the oldest for 3 days',
        advice: null,
        command: 'retail-sync dead-letters list --pipe customers',
      },
    ]);
  });

  test('names a run whose dead letters are its only fault once, not twice', () => {
    const hint = 'retail-sync dead-letters list --pipe customers';
    const partial = lastRun({ status: 'partial', reason: '1 dead letter was added', hint });
    const needs = needsOf(standing({ pipes: [pipe('customers', { lastRun: partial, openDeadLetters: 1 })] }));
    expect(needs.map(({ what }) => what)).toEqual(['customers: 1 dead letter']);
  });

  test('is what a run could not prove as well, although dead letters were added', () => {
    const hint = 'retail-sync dead-letters list --pipe customers';
    const reason = '1 slice is not proven complete; 1 dead letter was added';
    const partial = lastRun({ status: 'partial', reason, hint });
    expect(needsOf(standing({ pipes: [pipe('customers', { lastRun: partial, openDeadLetters: 1 })] }))).toMatchObject([
      { what: `customers: ${reason}`, command: 'retail-sync sync customers' },
      { what: 'customers: 1 dead letter', command: hint },
    ]);
  });

  test('is a run that says it is running while its process is gone', () => {
    const running = pipe('quotes', { lastRun: lastRun({ status: 'running', endedAtMs: null }) });
    expect(needsOf(standing({ pipes: [running] }))).toEqual([]);
    const [need] = needsOf(standing({ pipes: [running], isAlive: () => false }));
    expect(need).toMatchObject({ weight: 'red', command: 'retail-sync sync quotes' });
  });

  test.each([
    ['29 min after its time: a trigger may still come', 29, 0],
    ['31 min after its time: there is no trigger', 31, 1],
  ])('is a slot that nothing has started, %s', (_, lateMin, needed) => {
    const atMs = NOW_MS - lateMin * 60_000;
    const needs = needsOf(standing({ slots: [slot('customers', { plannedAtMs: atMs, notBeforeMs: atMs })] }));
    expect(needs).toHaveLength(needed);
    for (const need of needs) expect(need.command).toBe('retail-sync jobs tick');
  });

  test('is nothing that is switched off, however late it is', () => {
    const atMs = NOW_MS - 72 * HOUR_MS;
    const pipes = [pipe('customers', { dataFromMs: atMs })];
    const slots = [slot('customers', { plannedAtMs: atMs, notBeforeMs: atMs })];
    expect(needsOf(standing({ pipes, slots }))).toHaveLength(2);
    expect(needsOf(standing({ pipes, slots, isOff: (name) => name === 'customers' }))).toEqual([]);
  });

  test('is a missed slot, until a later run has made it good', () => {
    const missed = slot('customers+products', {
      ...{ state: 'missed', plannedAtMs: NOW_MS - 23 * HOUR_MS, endedAtMs: NOW_MS - 3 * HOUR_MS },
    });
    const old = { dataFromMs: NOW_MS - 26 * HOUR_MS };
    const pipes = [pipe('customers', old), pipe('products', old)];
    expect(needsOf(standing({ pipes, slots: [missed] }))).toMatchObject([
      { weight: 'red', command: 'retail-sync jobs run customers+products' },
    ]);
    expect(needsOf(standing({ slots: [missed] }))).toEqual([]);
  });

  test('is data that two scheduled runs have not renewed, and links that wait for more than two days', () => {
    const stale = pipe('products', { dataFromMs: NOW_MS - 51 * HOUR_MS });
    const links = pipe('quotes', { pendingLinks: 1, oldestPendingLinkMs: NOW_MS - 3 * DAY_MS });
    const needs = needsOf(standing({ pipes: [links, stale], slots: [slot('products')] }));
    expect(needs.map(({ what }) => what)).toEqual([
      'products: no run has been ok for 2 days',
      'quotes: 1 link without the other end, the oldest for 3 days',
    ]);
  });
});

describe('a hint', () => {
  test.each([
    ['retail-sync doctor', null, 'retail-sync doctor'],
    [
      'Put a valid service key into HUBSPOT_TOKEN, then run: retail-sync doctor',
      'Put a valid service key into HUBSPOT_TOKEN',
      'retail-sync doctor',
    ],
    ['Create them with: retail-sync setup --apply', 'Create them', 'retail-sync setup --apply'],
    ['free some space; then retail-sync sync all.', 'free some space', 'retail-sync sync all'],
    [
      'give name a path, or remove it; see all of it with: retail-sync probe erp; to go on: retail-sync sync a --approve',
      'give name a path, or remove it; to go on: retail-sync sync a --approve',
      'retail-sync probe erp',
    ],
    ['wait for midnight', 'wait for midnight', 'retail-sync sync products'],
  ])('%s', (hint, advice, command) => {
    expect(adviceOf(hint, 'retail-sync sync products')).toEqual({ advice, command });
  });
});

describe('the screen', () => {
  test('shows each pipe on a line, the age of its data and the next run', () => {
    const text = statusScreen(standing({ slots: [slot('customers')] }), plain);
    expect(text).toContain('Fri 2026-11-27 08:12 America/Chicago   production, portal 1234567\n');
    expect(text).toMatch(/^customers +ok +today 06:06 +30,214 +12 +2 h +Sat 06:12$/m);
    expect(text).toMatch(/^products +ok +today 06:06 +30,214 +12 +2 h +-$/m);
  });

  test('says what is open over all pipes, with the age of links that wait', () => {
    const pipes = [pipe('quotes', { waiting: 3, pendingLinks: 4, oldestPendingLinkMs: NOW_MS - 5 * HOUR_MS })];
    expect(statusScreen(standing({ pipes }), plain)).toContain(
      'Open: 3 records not settled, 4 links waiting for the other end (the oldest for 5\nh).',
    );
  });

  test('calls a run with --limit a part, and does not count its data as proven', () => {
    const part = pipe('products', { lastRun: lastRun({ isRestricted: true }), dataFromMs: null });
    expect(statusScreen(standing({ pipes: [part] }), plain)).toMatch(/^products +ok, part .*not proven +-$/m);
  });

  test('keeps to 80 columns and lets no data act on the terminal', () => {
    const reason = `\u001b[31mred\u001b[0m ${'a long reason '.repeat(12)}`;
    const failed = lastRun({ status: 'failed', read: 1_234_567, written: 1_234_567, reason, hint: null });
    const pipes = [pipe('a-pipe-of-a-long-name', { lastRun: failed, dataFromMs: null, openDeadLetters: 12_345 })];
    const text = statusScreen(standing({ pipes, slots: [slot('a-pipe-of-a-long-name')] }), plain);
    expect(text).not.toContain('\u001b');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('the page', () => {
  const past = (place: number, more = {}) => ({
    ...{ id: `run-${place}`, pipe: 'products', trigger: 'manual', status: 'ok' as const, isRestricted: false },
    ...{ startedAtMs: NOW_MS - place * DAY_MS, endedAtMs: NOW_MS - place * DAY_MS + 60_000 },
    ...{ read: 100, written: 10, deadLettersAdded: 0, calls: 5, rateLimited: 0 },
    account: {
      ...{ read: 100, written: 10, unchanged: 80, excluded: { '<inactive>': 10 }, held: 0, deadLettered: 0 },
      slices: { total: 3, complete: 3 },
    },
    ...more,
  });
  const kpis = {
    ...{ days: 30, runs: { ended: 3, ok: 3 }, slots: { over: 0, ok: 0, missed: 0 } },
    ...{ records: { read: 300, deadLettersAdded: 0 }, letters: { seen: 0, resolved: 0 } },
    ...{ backlog: { waiting: 0, deadLetters: 0, pendingLinks: 0 }, interventions: { runs: 3, decisions: 0 } },
  };

  test('asks nothing of any other place and runs no script', () => {
    const html = statusPage(standing(), { runs: [past(0), past(1), past(2)], kpis });
    expect(html).not.toMatch(/<script|<link|<img|@import|url\((?!#)|href=|https?:\/\/(?!www\.w3\.org\/)/);
    expect(html).toContain('prefers-color-scheme:dark');
    expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(4);
  });

  test('makes data harmless', () => {
    const failed = lastRun({ status: 'failed', reason: '<img src=x onerror=alert(1)>', hint: '"&\'' });
    const html = statusPage(standing({ pipes: [pipe('products', { lastRun: failed })] }), { runs: [past(0)], kpis });
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).toContain('10 &lt;inactive&gt;');
    expect(html).not.toContain('<img');
  });

  test('shows on the first day every run, later one cell for each day and charts', () => {
    const first = statusPage(standing(), { runs: [past(0), past(0, { id: 'other' })], kpis });
    expect(first).toContain('Where every record of each run went');
    expect(first).not.toContain('Day by day');
    const later = statusPage(standing(), { runs: [past(0), past(1, { status: 'failed' })], kpis });
    expect(later).toContain('Where every record of the last whole run went');
    expect(later.match(/<i class="bad"/g)).toHaveLength(1);
    expect(later).not.toContain('NaN');
    expect(later).not.toContain('#0303'); // every stand-in for a colour was replaced
  });
});

describe('the figures of a service', () => {
  test('are counted from the runs, slots and letters of the days asked for, dry runs left out', () => {
    const folder = temporaryFolder();
    const db = openDatabase(folder, { environment: 'sandbox', portalId: '1' });
    const stream = openStream(db, 'products', 'x', 'sandbox', NOW_MS);
    const run = (id: string, daysAgo: number, status: 'ok' | 'partial', mode: object, trigger = 'launchd'): void => {
      const atMs = NOW_MS - daysAgo * DAY_MS;
      const kept = JSON.stringify({ dryRun: false, restricted: false, ...mode });
      startRun(db, { id, pipe: 'products', stream, trigger, mode: kept, atMs });
      const report = JSON.stringify({ counts: { read: 1_000, written: 5 }, deadLettersAdded: 1, calls: 7 });
      endRun(db, { id, status, exit: 0, report, atMs: atMs + 1_000, proofs: new Map() });
    };
    run('1', 40, 'ok', {});
    run('2', 3, 'ok', {});
    run('3', 2, 'partial', {}, 'manual');
    run('4', 1, 'ok', { dryRun: true });
    run('5', 0, 'ok', { restricted: true }, 'manual');
    expect(kpisOf(db, NOW_MS, 30)).toMatchObject({
      runs: { ended: 2, ok: 1 },
      records: { read: 3_000, deadLettersAdded: 3 },
      interventions: { runs: 2, decisions: 0 },
    });
    expect(runsSince(db, NOW_MS - 30 * DAY_MS).map(({ id }) => id)).toEqual(['5', '3', '2']);
    expect(pipeStatus(db, 'products')).toMatchObject({
      lastRun: { id: '5', isRestricted: true, read: 1_000 },
      dataFromMs: NOW_MS - 3 * DAY_MS,
    });
    closeDatabase(db);
  });
});

describe.concurrent('a service that died last week', () => {
  test('is seen on the morning screen by the slot that nothing has started since', async () => {
    const shop = await openShop({ items: 20 });
    await shop.syncHere();
    expect((await shop.run(['jobs', 'tick'])).code).toBe(0);
    const db = openDatabase(join(shop.folder, 'state'), { environment: 'sandbox', portalId: '1234567' });
    const ageMs = 6 * DAY_MS;
    db.prepare('UPDATE slots SET planned_at = planned_at - @ageMs, not_before = not_before - @ageMs').run({ ageMs });
    db.prepare('UPDATE runs SET started_at = started_at - @ageMs, ended_at = ended_at - @ageMs').run({ ageMs });
    closeDatabase(db);
    const { stdout } = await shop.run(['status']);
    expect(stdout).toMatch(
      /products\+pos-orders: planned for .*nothing has[\s\S]*started\s+it\n\s+retail-sync jobs tick/,
    );
    expect(stdout).toContain('products: no run has been ok for 6 days');
  });
});

describe.concurrent('a job that is switched off after its next run was planned', () => {
  test('has no next run in status and its document, nor anything due in jobs next', async () => {
    const folder = temporaryFolder();
    const db = openDatabase(join(folder, 'state'), { environment: 'sandbox', portalId: '1234567' });
    for (const pipe of ['customers', 'quotes'] as const) {
      const id = `20261127T120000000-${pipe}`;
      const stream = openStream(db, pipe, 'x', 'sandbox', 0);
      startRun(db, { id, pipe, stream, trigger: 'test', mode: '{}', atMs: Date.now() });
      endRun(db, { id, status: 'ok', exit: 0, report: '{}', atMs: Date.now(), proofs: new Map() });
    }
    const plannedAtMs = Date.now() - 72 * HOUR_MS;
    for (const job of ['customers', 'quotes'])
      planSlot(db, { job, date: '2026-11-24', plannedAtMs, notBeforeMs: plannedAtMs });
    closeDatabase(db);
    const asked = async (ask: (invocation: Invocation) => unknown): Promise<string> => {
      let said = '';
      const stdout = {
        write: (text: string) => {
          said += text;
        },
      };
      const env = { RETAIL_SYNC_STATE_DIR: join(folder, 'state') };
      const stop = new AbortController().signal;
      await ask({ env, cwd: folder, stdout, stderr: stdout, stop, trigger: 'test' });
      return said;
    };
    const schedule = (text: string): void => writeFileSync(join(folder, 'schedule.yaml'), text);
    const lineOf = (text: string, pipe: string): string => new RegExp(`^${pipe} .*$`, 'm').exec(text)?.[0] ?? '';

    schedule('jobs:\n  customers: { off: true }\n');
    const screen = await asked((invocation) => status({}, invocation));
    expect(lineOf(screen, 'customers')).toMatch(/ off$/);
    expect(lineOf(screen, 'quotes')).toMatch(/ due$/);
    expect(screen).toContain('quotes: planned for');
    expect(screen).not.toContain('customers: planned for');
    const { pipes } = JSON.parse(await asked((invocation) => status({ json: true }, invocation)));
    expect(pipes).toMatchObject([
      { pipe: 'customers', nextRunAtMs: null },
      { pipe: 'pos-orders', nextRunAtMs: null },
      { pipe: 'products', nextRunAtMs: null },
      { pipe: 'quotes', nextRunAtMs: plannedAtMs },
    ]);
    const next = JSON.parse(await asked((invocation) => jobsNext({ days: 1, json: true }, invocation)));
    expect(next.due).toMatchObject([{ job: 'quotes' }]);
    expect(JSON.stringify(next.planned)).not.toContain('customers');

    schedule('jobs:\n  customers: { off: 7 }\n');
    expect(lineOf(await asked((invocation) => status({}, invocation)), 'customers')).toMatch(/ due$/);
  });
});

describe.concurrent('status --html', () => {
  test('writes a page for its owner alone, and no person of the data is on it', async () => {
    const shop = await openShop({ flaws: true });
    await shop.sync([]);
    const file = join(shop.folder, 'status.html');
    writeFileSync(file, 'older', { mode: 0o644 });
    expect((await shop.run(['status', '--html', file])).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const html = readFileSync(file, 'utf8');
    expect(html).toContain('portal 1234567');
    expect(html).toContain('retail-sync dead-letters list --pipe products');
    expect(html).not.toContain(shop.env.HUBSPOT_TOKEN);
  });

  test('says which file cannot be written', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    const { code, stderr } = await runTool(['status', '--html', 'a'], {}, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/a cannot be written[\s\S]*give --html a file/);
  });
});
