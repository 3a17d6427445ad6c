/** What the source has deleted: concluded from two proven passes and a read by id, told to HubSpot, and taken back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Stopped } from '../src/engine/verdict.ts';
import { EXIT, TransientError } from '../src/errors.ts';
import type { Page, Partition, Since } from '../src/pipe.ts';
import { runPipe } from '../src/run.ts';
import type { RunOptions } from '../src/run-options.ts';
import type { RunReport } from '../src/run-report.ts';
import { openDatabase } from '../src/state/database.ts';
import { endRun, openStream, startRun } from '../src/state/runs.ts';
import { at, MemorySink, MemorySource, type Row, rowMapping } from './memory.ts';
import { account, ask, type Bench, openBench, person, quote } from './pipe-harness.ts';

const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, place) => ({ id: `P${place + 1}`, modifiedAt: at(place), name: `n${place + 1}` }));

/** Lists less than it has, and says so of its total too: as an ERP does whose user lost a permission. */
class Source extends MemorySource {
  unlisted = new Set<string>();
  rejected: readonly string[] = [];

  override async *pages(partition: Partition, since: Since): AsyncIterable<Page> {
    const all = this.rows;
    const isListed = ({ id }: Row): boolean => !this.unlisted.has(id) && !this.rejected.includes(id);
    this.rows = all.filter(isListed);
    const pages: Page[] = [];
    for await (const page of super.pages(partition, since)) pages.push(page);
    this.rows = all;
    const rejected = this.rejected.map((id) => ({ raw: { id }, reason: 'has no date' }));
    for (const [place, page] of pages.entries()) {
      const total = page.total === undefined ? {} : { total: page.total + rejected.length };
      yield { ...page, ...total, rejected: place === 0 ? rejected : [] };
    }
  }
}

function openWorld(
  count = 100,
  mapping: typeof rowMapping = { ...rowMapping, deleted: () => ({ status: 'deleted' }) },
) {
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-deletions-'));
  const db = openDatabase(folder, null);
  onTestFinished(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  const source = new Source(rows(count), at(86_400));
  source.pageSize = 25;
  const sink = new MemorySink();
  const stream = openStream(db, 'products', 'erp', 'sandbox', 0);
  let runs = 0;
  async function run(given: Partial<RunOptions> & { version?: string; stop?: AbortSignal } = {}): Promise<RunReport> {
    const { version = 'v1', stop = new AbortController().signal, ...options } = given;
    const id = `run-${String(++runs).padStart(3, '0')}`;
    const limit = { atLeast: 1_000, share: 1 };
    const all: RunOptions = {
      ...{ id, since: null, full: true, dryRun: false, limit: null, partition: null, records: null, approved: false },
      breakers: { creates: limit, changes: limit, blanked: limit, gone: { atLeast: 5, share: 0.02 } },
      ...{ createsMax: null, lookBackMs: 60_000, quarantineMs: 1_000, onProgress: () => undefined },
      ...options,
    };
    startRun(db, {
      id,
      pipe: 'products',
      stream,
      trigger: 'test',
      mode: '{"dryRun":false,"restricted":false}',
      atMs: runs,
    });
    const pipe = {
      ...({ name: 'products', mapping, assembles: 'one-record', deadLettersMax: 50, needsOwnRecord: false } as const),
      version,
    };
    const ends = {
      ...{ source, sink, db, stream, join: () => new Map(), prepareJoins: async () => {}, joinedStreams: new Map() },
      facts: { environment: 'sandbox', zone: 'UTC', currencies: [], names: {} } as const,
      ...{ resolve: (_: unknown, value: string) => value, inspect: async () => {} },
      clock: { now: () => 86_400_000 + runs, sleep: async () => {} },
    };
    const report = await runPipe(pipe, ends, all, stop);
    endRun(db, { id, ...{ status: report.status, exit: report.exit, report: '{}', atMs: runs, proofs: new Map() } });
    return report;
  }
  const lose = (...ids: string[]): void => {
    source.rows = source.rows.filter(({ id }) => !ids.includes(id));
  };
  return {
    ...{ db, source, sink, run, lose },
    status: (id: string) => sink.objects.get(`products ${id}`)?.status,
    absent: () => db.prepare('SELECT record FROM absences ORDER BY record').pluck().all(),
  };
}

describe('a record that the source no longer lists', () => {
  test('is left alone after one full pass, and is gone after a second one and a read by id', async () => {
    const world = openWorld();
    await world.run();
    world.lose('P7');
    const first = await world.run();
    expect(first).toMatchObject({ status: 'ok', deletions: { concluded: 0, lacking: 1, unlisted: 0 } });
    expect([world.status('P7'), world.absent()]).toEqual(['live', ['P7']]);

    const second = await world.run();
    expect(second).toMatchObject({ status: 'ok', deletions: { concluded: 1, lacking: 0 } });
    expect(second.counts).toMatchObject({ read: 100, unchanged: 99, excluded: { 'deleted-at-source': 1 } });
    expect(world.status('P7')).toBe('deleted');
    expect(world.db.prepare("SELECT gone, raw, content, rule FROM records WHERE id = 'P7'").get()).toEqual({
      ...{ gone: 1, raw: null, content: '', rule: 'deleted-at-source' },
    });
    expect(world.db.prepare("SELECT kind, detail FROM journal WHERE subject = 'record P7'").all()).toEqual([
      { kind: 'deleted at the source', detail: '{"lackedBy":"run-002"}' },
    ]);

    const third = await world.run();
    expect(third).toMatchObject({ upserts: { created: 0, updated: 0 }, deletions: { concluded: 0, lacking: 0 } });
    expect(third.counts).toMatchObject({ read: 99, unchanged: 99, excluded: {} });
  });

  test.each([
    ['was limited', { limit: 1_000 }],
    ['read only what changed', { full: false }],
    ['was a dry run', { dryRun: true }],
    ['read one slice', { partition: 'all' }],
  ])('is not concluded from a pass that %s', async (_, options) => {
    const world = openWorld();
    await world.run();
    world.lose('P7');
    for (let pass = 0; pass < 3; pass++) expect((await world.run(options)).deletions).toBeNull();
    expect(world.absent()).toEqual([]);
    await world.run();
    for (let pass = 0; pass < 3; pass++) await world.run(options);
    expect(world.status('P7')).toBe('live');
  });

  test('is not concluded from a pass whose count is not proven, or that was cut off', async () => {
    const world = openWorld();
    await world.run();
    world.lose('P7');
    world.source.total = (all) => all.length + 1;
    for (let pass = 0; pass < 2; pass++) {
      expect(await world.run()).toMatchObject({ status: 'partial', deletions: null });
    }
    world.source.total = (all) => all.length;
    const stop = new AbortController();
    world.source.beforePage = (page) => (page === 2 ? stop.abort(new Stopped('SIGTERM')) : undefined);
    expect(await world.run({ stop: stop.signal })).toMatchObject({ status: 'stopped', deletions: null });
    expect([world.status('P7'), world.absent()]).toEqual(['live', []]);
  });

  test('is not gone when a read by id finds it, whatever the listings say', async () => {
    const world = openWorld();
    await world.run();
    world.source.unlisted.add('P7');
    await world.run();
    expect(await world.run()).toMatchObject({ status: 'ok', deletions: { concluded: 0, lacking: 1, unlisted: 1 } });
    expect([world.status('P7'), world.absent()]).toEqual(['live', []]);
  });

  test('is not gone when any run sees it between the two passes', async () => {
    const world = openWorld();
    await world.run();
    const [seventh] = world.source.rows.splice(6, 1);
    await world.run();
    world.source.rows.push({ id: 'P7', name: seventh?.name ?? '', modifiedAt: at(90_000) });
    await world.run({ full: false });
    expect(world.absent()).toEqual([]);
    world.lose('P7');
    expect((await world.run()).deletions).toMatchObject({ concluded: 0, lacking: 1 });
  });

  test('is not gone when its row is there and cannot be read any more', async () => {
    const world = openWorld();
    await world.run();
    world.source.rejected = ['P7'];
    for (let pass = 0; pass < 3; pass++) {
      expect((await world.run()).deletions).toMatchObject({ concluded: 0, lacking: 0 });
    }
    expect(world.status('P7')).toBe('live');
  });

  test('starts over when the source is read or mapped in another way', async () => {
    const world = openWorld();
    await world.run();
    world.lose('P7');
    await world.run();
    expect((await world.run({ version: 'v2' })).deletions).toMatchObject({ concluded: 0, lacking: 1 });
    expect((await world.run({ version: 'v2' })).deletions).toMatchObject({ concluded: 1, lacking: 0 });
  });

  test('is left alone by a pipe whose mapping does not say what becomes of it', async () => {
    const world = openWorld(100, rowMapping);
    await world.run();
    world.lose('P7');
    for (let pass = 0; pass < 3; pass++) expect((await world.run()).deletions).toBeNull();
    expect(world.status('P7')).toBe('live');
  });

  test('waits while the source does not answer by id, and the run goes on', async () => {
    const world = openWorld();
    await world.run();
    world.lose('P7');
    await world.run();
    const { get } = world.source;
    world.source.get = () => Promise.reject(new TransientError('source', 'the ERP gave no readable answer'));
    expect(await world.run()).toMatchObject({
      ...{ status: 'ok', deletions: { concluded: 0, lacking: 1, reason: 'the ERP gave no readable answer' } },
    });
    world.source.get = get;
    expect((await world.run()).deletions).toMatchObject({ concluded: 1 });
  });
});

describe('a record that comes back', () => {
  test('is synced again as it is now', async () => {
    const world = openWorld();
    await world.run();
    const [seventh] = world.source.rows.splice(6, 1);
    await world.run();
    await world.run();
    expect(world.status('P7')).toBe('deleted');
    if (seventh) world.source.rows.push(seventh); // as from a backup: its date is the old one
    expect(await world.run()).toMatchObject({ status: 'ok', counts: { read: 100, written: 1, unchanged: 99 } });
    expect(world.sink.objects.get('products P7')).toMatchObject({ status: 'live', name: 'n7' });
    expect(world.db.prepare("SELECT gone FROM records WHERE id = 'P7'").pluck().get()).toBe(0);
    expect(world.db.prepare("SELECT kind FROM journal WHERE subject = 'record P7'").pluck().all()).toEqual([
      ...['deleted at the source', 'back at the source'],
    ]);
    expect((await world.run()).upserts).toMatchObject({ created: 0, updated: 0 });
  });
});

describe('what hangs on a record that is gone', () => {
  test('is told by the next run when the process dies before HubSpot was told', async () => {
    const world = openWorld();
    await world.run();
    world.lose('P7');
    await world.run();
    world.sink.answer = (write, apply) =>
      write.key === 'P7' ? { kind: 'unknown', reason: 'the line was cut' } : apply();
    expect(await world.run()).toMatchObject({ status: 'partial', counts: { held: 1 }, deletions: { concluded: 1 } });
    world.sink.answer = (_write, apply) => apply();
    expect(await world.run({ full: false })).toMatchObject({ status: 'ok' });
    expect(world.status('P7')).toBe('deleted');
  });

  test('is closed with it: a dead letter that nobody can correct any more', async () => {
    const world = openWorld();
    world.source.rows[6] = { id: 'P7', modifiedAt: at(6), name: 'bad' };
    expect(await world.run()).toMatchObject({ deadLettersAdded: 1 });
    await world.run();
    world.lose('P7');
    await world.run();
    expect(await world.run()).toMatchObject({ counts: { excluded: { 'deleted-at-source': 1 }, deadLettered: 0 } });
    expect(world.db.prepare('SELECT state FROM dead_letters').pluck().all()).toEqual(['resolved']);
    expect(world.sink.objects.has('products P7')).toBe(false);
  });

  test('keeps the rule that had excluded it, and only its row is counted no more', async () => {
    const world = openWorld();
    world.source.rows[6] = { id: 'P7', modifiedAt: at(6), name: 'Walk-in', kind: 'retail' };
    await world.run();
    world.lose('P7');
    await world.run();
    expect((await world.run()).counts.excluded).toEqual({ 'deleted-at-source': 1 });
    expect(world.db.prepare("SELECT rule, gone FROM records WHERE id = 'P7'").get()).toEqual({
      rule: 'retail',
      gone: 1,
    });
  });
});

describe('a source that goes blind', () => {
  test('is stopped before the first write, with the numbers, the variable and the way to go on', async () => {
    const world = openWorld();
    await world.run();
    const all = world.source.rows;
    world.source.rows = all.slice(0, 50);
    expect(await world.run()).toMatchObject({ status: 'ok', deletions: { concluded: 0, lacking: 50 } });
    const requests = world.sink.requests.length;
    const stopped = await world.run();
    expect(stopped).toMatchObject({ status: 'failed', exit: EXIT.gate });
    expect(stopped.reason).toMatch(
      /^products was stopped before its first write: 50 records or more are gone at the source, P100, P51, P52 among them; at most 5 are usual, the larger of 5 and 2 % of the 100 known \(BREAKER_GONE\)$/,
    );
    expect(stopped.hint).toContain('retail-sync sync products --full --approve');
    expect(world.sink.requests).toHaveLength(requests);
    world.source.rows = all;
    expect(await world.run()).toMatchObject({ status: 'ok', deletions: { concluded: 0, lacking: 0 } });
    expect(world.status('P51')).toBe('live');
  });

  test('is believed when a person has looked and approves', async () => {
    const world = openWorld();
    await world.run();
    world.source.rows = world.source.rows.slice(0, 50);
    await world.run();
    expect(await world.run({ approved: true })).toMatchObject({ status: 'ok', deletions: { concluded: 50 } });
    expect(world.status('P51')).toBe('deleted');
  });
});

const remove = (bench: Bench, resource: string, ids: readonly string[]): Promise<string> =>
  ask(`${bench.erp.url}/_sandbox/change`, 'POST', { resource, delete: ids });

async function pass(bench: Bench, pipe: string, times = 2): Promise<RunReport | undefined> {
  let report: RunReport | undefined;
  for (let count = 0; count < times; count++) report = await bench.run(pipe, { full: true });
  return report;
}

describe('from end to end', () => {
  test('a deleted account makes its company and its people inactive, keeps their links, and its quotes their name', async () => {
    const people = [person('K-1', { mail: 'pat@one.example' })];
    const bench = await openBench({
      accounts: [account('C-1', { people }), account('C-2'), account('C-9', { kind: 'RETAIL' })],
      quotes: [quote('Q-1', 'C-1', { job: '' }), quote('Q-9', 'C-9')],
    });
    await bench.run('customers');
    await bench.run('quotes');
    const before = bench.deal('OPP-Q-1');
    await remove(bench, 'accounts', ['C-1', 'C-9']);
    const report = await pass(bench, 'customers');
    expect(report).toMatchObject({ status: 'ok', counts: { read: 3, excluded: { 'deleted-at-source': 2 } } });
    expect(bench.company('C-1')).toMatchObject({ erp_account_status: 'inactive', name: 'Company C-1' });
    expect(bench.contact('K-1')).toMatchObject({ erp_account_status: 'inactive', email: 'pat@one.example' });
    expect(bench.company('C-2').erp_account_status).toBe('active');
    expect(Object.keys(await bench.linked(bench.contact('K-1').id, 'companies'))).toEqual([bench.company('C-1').id]);

    for (const id of ['Q-1', 'Q-9']) await bench.change('quotes', id, { customerPo: 'PO 7' });
    expect(await bench.run('quotes')).toMatchObject({ status: 'ok', counts: { excluded: { retail: 1 } } });
    expect(bench.deal('OPP-Q-1')).toMatchObject({ erp_customer_po: 'PO 7', dealname: before.dealname });
    expect(bench.held('deals', 'erp_opportunity_id').has('OPP-Q-9')).toBe(false);
  });

  test('a deleted quote leaves the deal to the revisions that stay; of the last one an open deal expires', async () => {
    const bench = await openBench({
      accounts: [account('C-1')],
      quotes: [
        quote('Q-1', 'C-1', { oppId: 'OPP-A', quoteNo: 'N1', rev: 0, grandTotal: '100.00' }),
        quote('Q-2', 'C-1', { oppId: 'OPP-A', quoteNo: 'N1', rev: 1, grandTotal: '200.00' }),
        quote('Q-3', 'C-1', { oppId: 'OPP-B' }),
        quote('Q-4', 'C-1', { oppId: 'OPP-C', stage: 'WON' }),
      ],
    });
    await bench.run('customers');
    await bench.run('quotes');
    const stages = (key: string) => bench.deal(key).dealstage;
    const won = stages('OPP-C');
    expect(bench.deal('OPP-A').amount).toBe('200');
    await remove(bench, 'quotes', ['Q-2', 'Q-3', 'Q-4']);
    const report = await pass(bench, 'quotes');
    expect(report).toMatchObject({ status: 'ok', counts: { read: 4, excluded: { 'deleted-at-source': 3 } } });
    expect(bench.deal('OPP-A')).toMatchObject({ amount: '100', erp_quote_status: 'sent' });
    expect(bench.deal('OPP-B').erp_quote_status).toBe('expired');
    expect(stages('OPP-B')).not.toBe(stages('OPP-A'));
    expect(stages('OPP-C')).toBe(won);
    expect((await bench.run('quotes', { full: true })).upserts).toMatchObject({ created: 0, updated: 0 });
  });
});
