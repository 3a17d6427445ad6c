import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { variableNames } from '../src/config/variables.ts';
import { LIMIT_VARIABLES } from '../src/engine/breakers.ts';
import { Stopped } from '../src/engine/verdict.ts';
import { EXIT, FatalError, TransientError } from '../src/errors.ts';
import { runPipe } from '../src/run.ts';
import type { Ends, RunOptions } from '../src/run-options.ts';
import type { RunReport } from '../src/run-report.ts';
import { type Db, databasePath, openDatabase } from '../src/state/database.ts';
import { startGeneration } from '../src/state/generation.ts';
import { endRun, markCrashed, openStream, startRun } from '../src/state/runs.ts';
import { at, MemorySink, MemorySource, type Row, rowMapping } from './memory.ts';

const QUARANTINE_MS = 300_000;
const LIMITS = {
  creates: { atLeast: 50, share: 0.05 },
  changes: { atLeast: 50, share: 0.3 },
  blanked: { atLeast: 50, share: 0.05 },
  gone: { atLeast: 10, share: 0.02 },
};

/** One installation: a state database, a clock that only moves when told to, and both ends. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'retail-sync-'));
  db: Db = openDatabase(this.folder, null);
  nowMs = Date.UTC(2026, 0, 2);
  readonly sleptMs: number[] = [];
  readonly sink = new MemorySink();
  readonly source: MemorySource;
  #runs = 0;

  constructor(rows: Row[]) {
    this.source = new MemorySource(rows, at(86_400));
  }

  /** Another process: nothing survives but the database file. */
  restart(): void {
    this.db.close();
    this.db = openDatabase(this.folder, null);
  }

  /** As a person copies the state between two processes. */
  copy(): void {
    this.db.close();
    copyFileSync(databasePath(this.folder), join(this.folder, 'copy.db'));
    this.db = openDatabase(this.folder, null);
    startGeneration(this.db, this.folder, this.nowMs);
  }

  putBack(): void {
    this.db.close();
    copyFileSync(join(this.folder, 'copy.db'), databasePath(this.folder));
    this.db = openDatabase(this.folder, null);
    startGeneration(this.db, this.folder, this.nowMs);
  }

  get stream(): number {
    return openStream(this.db, 'products', 'erp', 'sandbox', this.nowMs);
  }

  async run(options: Partial<RunOptions> = {}, stop = new AbortController().signal): Promise<RunReport> {
    const id = `run-${++this.#runs}`;
    if (this.#runs > 1) this.source.asOf = at(180_000);
    const ends: Ends = {
      source: this.source,
      sink: this.sink,
      db: this.db,
      stream: this.stream,
      facts: { environment: 'sandbox', zone: 'America/Chicago', currencies: ['USD'], names: {} },
      join: () => new Map(),
      prepareJoins: async () => {},
      joinedStreams: new Map(),
      resolve: (_spec, value) => value,
      inspect: async () => {},
      clock: {
        now: () => this.nowMs,
        sleep: async (ms) => {
          this.sleptMs.push(ms);
          this.nowMs += ms;
        },
      },
    };
    const whole = {
      since: null,
      full: false,
      dryRun: false,
      limit: null,
      partition: null,
      records: null,
      approved: false,
      breakers: LIMITS,
      createsMax: null,
      lookBackMs: 60_000,
      quarantineMs: QUARANTINE_MS,
      onProgress: () => undefined,
      ...options,
    };
    const restricted = whole.since !== null || whole.limit !== null || whole.partition !== null;
    startRun(this.db, {
      id,
      pipe: 'products',
      stream: this.stream,
      trigger: 'test',
      mode: JSON.stringify({ dryRun: whole.dryRun, restricted }),
      atMs: this.nowMs,
    });
    const pipe = {
      name: 'products',
      mapping: rowMapping,
      assembles: 'one-record',
      deadLettersMax: 50,
      needsOwnRecord: false,
      version: 'v1',
    } as const;
    const report = await runPipe(pipe, ends, { id, ...whole }, stop);
    endRun(this.db, {
      id,
      status: report.status,
      exit: report.exit,
      report: '{}',
      atMs: this.nowMs,
      proofs: new Map(),
    });
    return report;
  }

  names(): Record<string, string | undefined> {
    return Object.fromEntries(
      [...this.sink.objects].map(([key, object]) => [key.replace('products ', ''), object.name]),
    );
  }

  cursor(): string | undefined {
    return this.db.prepare<[], { position: string }>('SELECT position FROM cursors').get()?.position;
  }

  close(): void {
    this.db.close();
    rmSync(this.folder, { recursive: true });
  }
}

const rows = (count: number, from = 1): Row[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `P${from + index}`,
    modifiedAt: at(from + index),
    name: `n${from + index}`,
  }));

let world: World;
beforeEach(() => {
  world = new World(rows(10));
});
afterEach(() => world.close());

/** The source counts a row that its listing leaves out. */
function withoutFirst(source: MemorySource, id: string): MemorySource['pages'] {
  const honest = source.pages.bind(source);
  return async function* (partition, since) {
    for await (const page of honest(partition, since))
      yield { ...page, records: page.records.filter((record) => record.id !== id) };
  };
}

describe('a run', () => {
  it('writes every record once and says ok', async () => {
    const report = await world.run();
    expect(report).toMatchObject({ status: 'ok', exit: 0, counts: { read: 10, written: 10, unchanged: 0, held: 0 } });
    expect(report.upserts).toMatchObject({ created: 10, updated: 0, unchanged: 0 });
    expect(world.names()).toMatchObject({ P1: 'n1', P10: 'n10' });
  });

  it('writes nothing when nothing changed', async () => {
    await world.run();
    const before = world.sink.requests.length;
    const report = await world.run({ full: true });
    expect(report.counts).toMatchObject({ read: 10, unchanged: 10, written: 0 });
    expect(world.sink.requests.length).toBe(before);
  });

  it('sends only what changed', async () => {
    await world.run();
    world.source.rows[3] = { id: 'P4', modifiedAt: at(90_500), name: 'renamed' };
    const report = await world.run();
    expect(report.upserts).toMatchObject({ created: 0, updated: 1 });
    expect(world.names().P4).toBe('renamed');
  });

  it('does not send a record that left the scope while its batch was still being filled', async () => {
    world.source.rows = world.source.rows.slice(0, 4);
    world.source.beforePage = (page) => {
      if (page === 1) world.source.rows[1] = { id: 'P2', modifiedAt: at(80_000), name: 'n2', kind: 'retail' };
    };
    const report = await world.run();
    expect(report).toMatchObject({ status: 'ok', counts: { read: 4, written: 3, excluded: { retail: 1 } } });
    expect(world.sink.requests.flat().map(({ key }) => key)).toEqual(expect.arrayContaining(['P1', 'P3', 'P4']));
    expect(world.names()).not.toHaveProperty('P2');
    expect(world.db.prepare('SELECT key FROM objects').all()).toHaveLength(3);
  });

  it('counts excluded records by rule and keeps nothing else of them', async () => {
    world.source.rows.push({ id: 'W1', modifiedAt: at(20), name: 'Walk-in Wanda', kind: 'retail' });
    const report = await world.run();
    expect(report.counts.excluded).toEqual({ retail: 1 });
    const dump = JSON.stringify(world.db.prepare('SELECT * FROM records').all());
    expect(dump).toContain('W1');
    expect(dump).not.toContain('Wanda');
  });

  it('says farewell once to an object that left the scope, and never creates one for it', async () => {
    world.source.rows.push({ id: 'G0', modifiedAt: at(30), name: 'never seen', kind: 'gone' });
    await world.run();
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_400), name: 'n1', kind: 'gone' };
    const report = await world.run();
    expect(report.counts).toMatchObject({ excluded: { gone: 1 }, written: 0 });
    expect(world.sink.objects.get('products P1')?.status).toBe('gone');
    const again = await world.run({ full: true });
    expect(again.upserts).toMatchObject({ created: 0, updated: 0 });
    expect(world.sink.objects.has('products G0')).toBe(false);
  });

  it('keeps a bad record as a dead letter and writes its neighbours', async () => {
    world.source.rows[4] = { id: 'P5', modifiedAt: at(5), name: 'bad' };
    const report = await world.run();
    expect(report).toMatchObject({ status: 'partial', exit: EXIT.deadLetters, deadLettersAdded: 1 });
    expect(report.counts).toMatchObject({ written: 9, deadLettered: 1 });
    const again = await world.run({ full: true });
    expect(again).toMatchObject({ status: 'ok', deadLettersAdded: 0, counts: { deadLettered: 1, unchanged: 9 } });
  });

  it('clears the dead letter of a record that arrives healthy', async () => {
    world.source.rows[4] = { id: 'P5', modifiedAt: at(5), name: 'bad' };
    await world.run();
    world.source.rows[4] = { id: 'P5', modifiedAt: at(90_600), name: 'good' };
    await world.run();
    expect(world.db.prepare("SELECT count(*) AS n FROM dead_letters WHERE state = 'open'").get()).toEqual({ n: 0 });
    expect(world.names().P5).toBe('good');
  });

  it('tries a refusal that may pass again by itself, less and less often, and gives up in the end', async () => {
    let refuses = true;
    let tries = 0;
    world.sink.answer = (write, apply) => {
      if (write.key !== 'P2' || !refuses) return apply();
      tries++;
      return { kind: 'refused', category: 'CONFLICT', reason: 'two writes met' };
    };
    const letter = () => world.db.prepare('SELECT state, attempts, next_attempt AS next FROM dead_letters').get();
    expect(await world.run()).toMatchObject({ status: 'partial', deadLettersAdded: 1 });
    expect(await world.run()).toMatchObject({ status: 'ok', deadLettersAdded: 0 });
    expect(tries).toBe(2);
    await world.run();
    expect(tries).toBe(2);
    for (let day = 0; day < 60; day++) {
      world.nowMs += 86_400_000;
      await world.run();
    }
    expect(tries).toBe(9);
    expect(letter()).toMatchObject({ state: 'open', attempts: 9, next: null });
    refuses = false;
    world.source.rows[1] = { id: 'P2', modifiedAt: at(179_950), name: 'n2 again' };
    await world.run();
    expect(letter()).toMatchObject({ state: 'resolved' });
    expect(world.names().P2).toBe('n2 again');
  });

  it('never tries again by itself what HubSpot found invalid', async () => {
    let tries = 0;
    world.sink.answer = (write, apply) => {
      if (write.key !== 'P2') return apply();
      tries++;
      return { kind: 'refused', category: 'VALIDATION_ERROR', reason: 'name: too odd' };
    };
    for (let day = 0; day < 3; day++) {
      await world.run();
      world.nowMs += 86_400_000;
    }
    expect(tries).toBe(1);
  });

  it("sends today's content, not that of the letter, when it tries again", async () => {
    world.sink.answer = (write, apply) =>
      write.key === 'P2' && write.properties.name === 'n2'
        ? { kind: 'refused', category: 'ambiguous-match', reason: 'two of them' }
        : apply();
    await world.run();
    world.source.rows[1] = { id: 'P2', modifiedAt: at(90_700), name: 'newer' };
    await world.run();
    expect(world.names().P2).toBe('newer');
    expect(world.sink.requests.flat().filter(({ key }) => key === 'P2').length).toBe(2);
  });

  it("keeps HubSpot's reason for a refused record", async () => {
    world.sink.answer = (write, apply) =>
      write.key === 'P2' ? { kind: 'refused', category: 'VALIDATION_ERROR', reason: 'name: too odd' } : apply();
    const report = await world.run();
    expect(report.counts).toMatchObject({ written: 9, deadLettered: 1 });
    expect(world.db.prepare('SELECT category, reason FROM dead_letters').get()).toEqual({
      category: 'VALIDATION_ERROR',
      reason: 'name: too odd',
    });
  });

  it('stops at the limit of dead letters and keeps what was acknowledged', async () => {
    world.source.rows = rows(200);
    world.sink.answer = () => ({ kind: 'refused', category: 'PROPERTY_DOESNT_EXIST', reason: 'no such property' });
    const report = await world.run();
    expect(report).toMatchObject({ status: 'failed', exit: EXIT.gate });
    expect(world.sink.writes).toBeLessThan(80);
  });

  it('takes ids that differ only in case for a collision and guesses neither', async () => {
    world.source.rows.push({ id: 'p1', modifiedAt: at(30), name: 'other' });
    const report = await world.run();
    expect(report.counts.deadLettered).toBe(2);
    expect(world.sink.objects.has('products p1')).toBe(false);
  });
});

describe('completeness', () => {
  it('reads again when rows shifted between pages, and finds the one that slipped through', async () => {
    let shifted = false;
    world.source.sorted = false;
    world.source.beforePage = (page) => {
      if (page !== 2 || shifted) return;
      shifted = true;
      world.source.rows[0] = { id: 'P1', modifiedAt: at(700), name: 'moved to the end' };
    };
    const report = await world.run();
    expect(report.status).toBe('ok');
    expect(report.proofs[0]).toMatchObject({ sweeps: 2, verdict: 'complete' });
    expect(Object.keys(world.names())).toHaveLength(10);
    expect(world.names().P1).toBe('moved to the end');
  });

  it('is partial, not ok, when the source says it has more than it gave', async () => {
    world.source.total = (all) => all.length + 1;
    const report = await world.run();
    expect(report).toMatchObject({ status: 'partial', exit: EXIT.deadLetters });
    expect(report.reason).toContain('11');
    expect(world.cursor()).not.toBe(at(86_400 - 60)); // not proven: the cursor stays where the sorted reading took it
  });

  it('refuses a listing that leads back to a page already read', async () => {
    world.source.pages = async function* () {
      for (;;) yield { records: [], rejected: [], asOf: null, sorted: true, next: 'again' };
    };
    expect(await world.run()).toMatchObject({ status: 'failed', exit: EXIT.source });
  });

  it('asks by id when one id shows two contents in a run', async () => {
    world.source.rows = rows(4);
    const stale = { id: 'P1', modifiedAt: at(1), name: 'stale' };
    world.source.order = (all) => [...all.toSorted((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1)), stale];
    world.source.total = (all) => new Set(all.map((row) => row.id)).size;
    const report = await world.run();
    expect(world.names().P1).toBe('n1');
    expect(report.status).toBe('ok');
  });
});

describe('a reading that was not proven', () => {
  /** The source counts P2 and leaves it out of its listing, until it is shown. */
  const hideP2 = (): void => {
    const honest = world.source.pages.bind(world.source);
    world.source.pages = withoutFirst(world.source, 'P2');
    show = () => {
      world.source.pages = honest;
    };
  };
  let show: () => void = () => undefined;
  const owed = (): unknown[] => world.db.prepare('SELECT partition, since FROM owed_readings').all();
  const AGAIN = [{ note: 'read whole again because the last whole reading was not proven', times: 1 }];

  it('is read whole again by the next run, although the cursor has moved past what it missed', async () => {
    hideP2();
    expect(await world.run()).toMatchObject({ status: 'partial', proofs: [{ expected: 10, fetched: 9 }], notes: [] });
    const mark = world.sink.writes;
    expect(await world.run()).toMatchObject({ status: 'partial', proofs: [{ fetched: 9 }], notes: AGAIN });
    expect(world.sink.writes).toBe(mark); // only reads are repeated
    show();
    expect(await world.run()).toMatchObject({ status: 'ok', counts: { read: 10, written: 1 }, notes: AGAIN });
    expect(world.names().P2).toBe('n2');
    expect(owed()).toEqual([]);
    expect(await world.run()).toMatchObject({ status: 'ok', counts: { read: 0 }, notes: [] });
  });

  it('is owed too when it was a later one with --full', async () => {
    await world.run();
    world.source.rows.push({ id: 'P11', modifiedAt: at(5), name: 'n11' });
    world.source.pages = withoutFirst(world.source, 'P11');
    expect((await world.run({ full: true })).status).toBe('partial');
    expect((await world.run()).status).toBe('partial');
  });

  it('is read from where it began when it was a reading of what changed', async () => {
    await world.run();
    const first = world.cursor() ?? '';
    world.source.rows.push({ id: 'P11', modifiedAt: at(86_350), name: 'n11' });
    for (let n = 12; n < 20; n++)
      world.source.rows.push({ id: `P${n}`, modifiedAt: at(90_000 + n * 3_600), name: `n${n}` });
    world.source.asOf = at(190_000);
    const honest = world.source.pages;
    world.source.pages = withoutFirst(world.source, 'P11');
    expect((await world.run()).status).toBe('partial');
    expect((world.cursor() ?? '') > at(100_000)).toBe(true);
    expect(owed()).toEqual([{ partition: 'all', since: new Date(Date.parse(first) - 60_000).toISOString() }]);
    world.source.pages = honest;
    expect(await world.run()).toMatchObject({
      ...{ status: 'ok', counts: { read: 9, written: 1 } },
      notes: [{ note: 'read again as far back as the last reading, because that one was not proven' }],
    });
    expect(world.names().P11).toBe('n11');
  });

  it('stays owed when the process dies in it', async () => {
    world.source.beforePage = (page) => {
      if (page === 3) throw new FatalError(EXIT.internal, 'the process is gone', 'start it');
    };
    hideP2();
    expect((await world.run()).status).toBe('failed');
    expect(world.cursor()).toBeDefined();
    world.restart();
    world.source.beforePage = () => undefined;
    expect(await world.run()).toMatchObject({ status: 'partial', proofs: [{ expected: 10, fetched: 9 }] });
  });

  it.each([
    ['--since', { since: at(0) }],
    ['--limit', { limit: 50 }],
    ['--partition', { partition: 'all' }],
    ['--dry-run', { dryRun: true }],
  ])('is neither owed nor settled by %s', async (_flag, options) => {
    await world.run(options);
    expect(owed()).toEqual([]);
    hideP2();
    await world.run();
    show();
    await world.run(options);
    expect(owed()).toEqual([{ partition: 'all', since: null }]);
    expect((await world.run()).notes).toEqual(AGAIN);
  });
});

describe('cursor', () => {
  it("stands at the source's clock less a margin after a proven run, and the next run reads from there", async () => {
    await world.run();
    expect(world.cursor()).toBe(at(86_400 - 60));
    world.source.rows.push({ id: 'P11', modifiedAt: at(86_300), name: 'late' });
    const report = await world.run();
    expect(report.counts).toMatchObject({ read: 1, written: 1 });
  });

  it.each([
    ['--since', { since: at(0) }],
    ['--limit', { limit: 5 }],
    ['--partition', { partition: 'all' }],
    ['--dry-run', { dryRun: true }],
  ])('is not moved by %s', async (_flag, options) => {
    await world.run(options);
    expect(world.cursor()).toBeUndefined();
  });

  it('waits behind a record whose outcome is unknown', async () => {
    world.sink.answer = (write, apply) => (write.key === 'P4' ? { kind: 'unknown', reason: 'timeout' } : apply());
    const report = await world.run();
    expect(report).toMatchObject({ status: 'partial', counts: { held: 1, written: 9 } });
    expect(world.cursor()).toBe(at(4));
  });

  it('has a record that was not read, and whose outcome is unknown, make its run partial', async () => {
    world.sink.answer = ({ key }, apply) =>
      key === 'P4' ? { kind: 'refused', category: 'RATE', reason: 'not now' } : apply();
    await world.run();
    expect(await world.run()).toMatchObject({ status: 'ok' });
    // As a letter that has come due does, or an e-mail that became free.
    world.db.exec("UPDATE entities SET state = 'pending' WHERE id = 'P4'");
    world.sink.answer = ({ key }, apply) => (key === 'P4' ? { kind: 'unknown', reason: 'timeout' } : apply());
    for (const counts of [{ read: 0, held: 0 }, { held: 0 }]) {
      const report = await world.run();
      expect(report).toMatchObject({ status: 'partial', exit: 3, counts });
      expect(report.reason).toBe('1 record is held: HubSpot did not say whether it was written');
    }
    world.sink.answer = (_write, apply) => apply();
    expect(await world.run()).toMatchObject({ status: 'ok' });
    expect(world.names().P4).toBeDefined();
  });
});

describe('what a process that died leaves behind', () => {
  it('is sent again although the content is back to what was acknowledged (A, B, A)', async () => {
    await world.run();
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_200), name: 'B' };
    const apply = world.sink.answer;
    world.sink.answer = (write, land) => {
      land(); // HubSpot has B; the answer never arrives, and the process dies
      throw new FatalError(EXIT.hubspot, `died sending ${write.key}`, '');
    };
    await world.run();
    expect(world.names().P1).toBe('B');
    world.restart();
    world.sink.answer = apply;
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_300), name: 'n1' };
    await world.run();
    expect(world.names().P1).toBe('n1');
  });

  it('is overwritten once more after the time in which the lost request could still land', async () => {
    await world.run();
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_200), name: 'B' };
    const land: (() => void)[] = [];
    const apply = world.sink.answer;
    world.sink.answer = (write, go) => {
      land.push(go);
      throw new FatalError(EXIT.hubspot, `died sending ${write.key}`, '');
    };
    await world.run();
    world.sink.answer = apply;
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_300), name: 'C' };
    world.nowMs += 1000;
    const before = world.sink.requests.length;
    world.sink.answer = (_write, go) => {
      const outcome = go();
      land.shift()?.(); // the old request lands after the new one was acknowledged
      return outcome;
    };
    const report = await world.run();
    expect(world.names().P1).toBe('C');
    expect(report).toMatchObject({ status: 'ok', counts: { held: 0, written: 1 } });
    expect(world.sink.requests.length - before).toBe(2);
    expect(world.sleptMs).toEqual([QUARANTINE_MS - 1000]);
  });

  it.each(['fails', 'is killed'])('counts from the last request that may have left before the run %s', async (how) => {
    await world.run();
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_200), name: 'B' };
    const land: (() => void)[] = [];
    const apply = world.sink.answer;
    world.sink.answer = (_write, go) => {
      land.push(go);
      world.nowMs += 2 * QUARANTINE_MS; // attempt after attempt, each of them may land within the quarantine
      throw new FatalError(EXIT.hubspot, 'nothing was answered', '');
    };
    await world.run();
    if (how === 'is killed')
      world.db.prepare("UPDATE runs SET status = 'running', ended_at = NULL WHERE id = 'run-2'").run();
    markCrashed(world.db, world.nowMs);
    world.sink.answer = apply;
    world.source.rows[0] = { id: 'P1', modifiedAt: at(90_300), name: 'C' };
    world.nowMs += 1000;
    world.sink.answer = (_write, go) => {
      const outcome = go();
      land.shift()?.();
      return outcome;
    };
    expect(await world.run()).toMatchObject({ status: 'ok', counts: { held: 0, written: 1 } });
    expect(world.names().P1).toBe('C');
    expect(world.sleptMs).toEqual([QUARANTINE_MS - 1000]);
  });

  it('needs no waiting when the lost request carried the same content', async () => {
    const apply = world.sink.answer;
    world.sink.answer = (write) => {
      throw new FatalError(EXIT.hubspot, `died sending ${write.key}`, '');
    };
    await world.run();
    world.sink.answer = apply;
    expect(await world.run()).toMatchObject({ status: 'ok', counts: { written: 10 } });
    expect(world.sleptMs).toEqual([]);
  });
});

describe('a state that is older than what was sent', () => {
  const status = (id: string): string | undefined => world.sink.objects.get(`products ${id}`)?.status;
  const change = (id: string, kind: string, second: number): void => {
    world.source.rows = world.source.rows.map((row) =>
      row.id === id ? { ...row, kind, modifiedAt: at(second) } : row,
    );
  };

  it.each(['left', 'gone'])('says farewell to what was made and has %s since the copy', async (kind) => {
    await world.run();
    world.copy();
    world.source.rows = [...world.source.rows, ...rows(3, 90_000)];
    await world.run();
    expect(status('P90001')).toBe('live');
    change('P90001', kind, 90_100);
    world.putBack();
    const report = await world.run();
    expect(report.status).toBe('ok');
    expect(status('P90001')).toBe(kind);
    expect(world.sink.objects.size).toBe(13);
    const writes = world.sink.writes;
    await world.run({ full: true });
    expect(world.sink.writes).toBe(writes);
  });

  it('says it again to what came back and left once more since the copy', async () => {
    await world.run();
    change('P3', 'left', 90_000);
    await world.run();
    world.copy();
    change('P3', 'live', 179_950);
    await world.run();
    expect(status('P3')).toBe('live');
    change('P3', 'left', 179_960);
    world.putBack();
    await world.run();
    expect(status('P3')).toBe('left');
  });

  it('asks HubSpot again after a run that did not get to its end', async () => {
    world.copy();
    await world.run();
    change('P5', 'left', 90_000);
    world.putBack();
    world.sink.answer = ({ key }, apply) => (key === 'P5' ? { kind: 'unknown', reason: 'reset' } : apply());
    world.source.beforePage = (page) => {
      if (page === 2) throw new TransientError('source', 'cut');
    };
    await world.run();
    world.source.beforePage = () => undefined;
    world.sink.answer = (_write, apply) => apply();
    await world.run();
    expect(status('P5')).toBe('left');
  });

  it('creates nothing for what was never there', async () => {
    world.copy();
    await world.run();
    world.putBack();
    world.source.rows = [...world.source.rows, ...rows(1, 40).map((row) => ({ ...row, kind: 'left' }))];
    await world.run();
    expect(status('P40')).toBeUndefined();
  });
});

describe('a stop', () => {
  it('settles what was acknowledged, counts the rest as held, and the next run goes on', async () => {
    const stop = new AbortController();
    world.source.beforePage = (page) => {
      if (page === 2) stop.abort(new Stopped('SIGTERM'));
    };
    const report = await world.run({}, stop.signal);
    expect(report).toMatchObject({ status: 'stopped', exit: EXIT.terminated });
    expect(report.counts.read).toBe(report.counts.written + report.counts.held);
    world.source.beforePage = () => undefined;
    expect(await world.run()).toMatchObject({ status: 'ok' });
    expect(Object.keys(world.names())).toHaveLength(10);
  });

  it('at a dead source is exit 6, and names it', async () => {
    world.source.beforePage = () => {
      throw new TransientError('source', 'the ERP did not answer within 60 s');
    };
    expect(await world.run()).toMatchObject({
      status: 'failed',
      exit: EXIT.source,
      reason: expect.stringContaining('did not answer'),
    });
  });
});

describe('a dry run', () => {
  it('says what it would do and leaves the state as it was', async () => {
    const dump = (): string => JSON.stringify(world.db.prepare('SELECT * FROM records').all());
    const report = await world.run({ dryRun: true });
    expect(report.counts).toMatchObject({ read: 10, written: 10 });
    expect(dump()).toBe('[]');
  });
});

describe('circuit breakers', () => {
  it('stop a run that would create far more than usual, before its first write', async () => {
    await world.run();
    world.source.rows.push(...rows(60, 90_100));
    const before = world.sink.requests.length;
    const report = await world.run();
    expect(report).toMatchObject({ status: 'failed', exit: EXIT.gate });
    expect(report.reason).toBe(
      'products was stopped before its first write: it would create 60 objects; at most 50 are usual, the larger of 50 and 5 % of the 10 known (BREAKER_CREATES)',
    );
    expect(report.hint).toContain('retail-sync sync products --approve');
    expect(world.sink.requests.length).toBe(before);
    expect(await world.run({ approved: true })).toMatchObject({ status: 'ok', counts: { written: 60 } });
  });

  it('stop a run that would change more than usual, by the limits it was given', async () => {
    await world.run();
    world.source.rows = rows(10).map((row, place) => ({ ...row, name: 'new', modifiedAt: at(90_000 + place) }));
    const breakers = { ...LIMITS, changes: { atLeast: 3, share: 0.5 } };
    const report = await world.run({ breakers });
    expect(report).toMatchObject({ status: 'failed', exit: EXIT.gate });
    expect(report.reason).toContain(
      'it would change 10 objects; at most 5 are usual, the larger of 3 and 50 % of the 10 known (BREAKER_CHANGES)',
    );
    expect(await world.run()).toMatchObject({ status: 'ok', counts: { written: 10 } });
  });

  it('stop a run that would empty one property on too many objects', async () => {
    world.source.rows = rows(60);
    await world.run();
    world.source.rows = rows(60).map((row, place) => ({
      ...row,
      ...{ name: place < 6 ? '' : 'new', modifiedAt: at(90_000 + place) },
    }));
    const breakers = { ...LIMITS, changes: { atLeast: 60, share: 0 }, blanked: { atLeast: 50, share: 0.05 } };
    const report = await world.run({ breakers });
    expect(report).toMatchObject({ status: 'failed', exit: EXIT.gate });
    expect(report.reason).toContain(
      'it would empty name on 6 of the 60 objects that it updates; at most 3 are usual, 5 % (BREAKER_EMPTIED)',
    );
    const lenient = { ...breakers, blanked: { atLeast: 50, share: 0.1 } };
    expect(await world.run({ breakers: lenient })).toMatchObject({ status: 'ok', counts: { written: 60 } });
  });

  it('stop a run during its writes that adds too many dead letters, and say how to go on', async () => {
    world.source.rows = rows(60).map((row) => ({ ...row, name: 'bad' }));
    const report = await world.run();
    expect(report).toMatchObject({ status: 'failed', exit: EXIT.gate });
    expect(report.reason).toBe('products added more than 50 dead letters, the limit of one run (DEAD_LETTERS_MAX)');
    expect(report.hint).toContain('retail-sync dead-letters list --pipe products');
    expect(await world.run()).toMatchObject({ exit: EXIT.deadLetters, deadLettersAdded: 9 });
  });

  it('name variables that the configuration has', () => {
    for (const name of Object.values(LIMIT_VARIABLES)) expect(variableNames).toContain(name);
  });
});

describe('in any order, with any repetition of pages', () => {
  it('HubSpot ends up the same', async () => {
    const listing = fc.record({
      seed: fc.array(fc.nat(9), { minLength: 10, maxLength: 40 }),
      pageSize: fc.integer({ min: 1, max: 7 }),
    });
    await fc.assert(
      fc.asyncProperty(listing, async ({ seed, pageSize }) => {
        const one = new World(rows(10));
        try {
          one.source.sorted = false;
          one.source.pageSize = pageSize;
          // Every row at least once, in the drawn order, some of them again.
          one.source.order = (all) => [...seed.map((index) => all[index]), ...all].filter((row) => row !== undefined);
          one.source.total = (all) => new Set(all.map((row) => row.id)).size;
          const report = await one.run();
          expect(report.status).toBe('ok');
          expect(report.counts).toMatchObject({ read: 10, written: 10 });
          expect(one.names()).toEqual(Object.fromEntries(rows(10).map((row) => [row.id, row.name])));
        } finally {
          one.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});
