/** One history: a seed's world, its runs and crashes, the quiet end, and what must be true of all of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Ends, RunReport } from '../../src/run.ts';
import type { Db } from '../../src/state/database.ts';
import type { Engine } from './engine.ts';
import { calm, drawRates, FAMILIES, type Family } from './faults.ts';
import { items, profileText, revisions, type Shape } from './goods.ts';
import { type Access, erpLine, hubspotLine, LATEST_MS } from './lines.ts';
import { Broken, Oracle, openLetters } from './oracle.ts';
import { COMMIT_LAG_MS, type Habits, People } from './people.ts';
import { Portal } from './portal.ts';
import { type Killer, Process } from './process.ts';
import { Chance } from './random.ts';
import { dump, emptyState, firstDifference, MEMORY } from './state-files.ts';
import { replaceClocks, VirtualTime } from './time.ts';
import { Vendor } from './vendor.ts';
import type { Wire } from './wire.ts';

/** What may be said of a history beside its seed. */
export interface Plan {
  readonly seed: number;
  /** These families only, with these rates; drawn by the seed where absent. */
  readonly rates?: Partial<Record<Family, number>>;
  readonly shape?: 'items' | 'revisions';
  readonly runs?: number;
  readonly lookBackMs?: number;
  readonly habits?: Partial<Habits>;
  readonly pageSize?: number;
  readonly batchSize?: number;
  /** Times between two runs; one of them is drawn. */
  readonly gapsMs?: readonly number[];
  /** People change every record before each run but the first. */
  readonly changesAll?: boolean;
  /** Killed at this edge; people then change every record back. */
  readonly killedAtEdge?: number | null;
}

export interface Told {
  readonly seed: number;
  readonly failure: string | null;
  readonly trace: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly edges: number;
  readonly families: readonly string[];
}

const START_MS = Date.UTC(2026, 2, 2, 11);
const LOOK_BACK_MS = 15 * 60_000;
const QUARANTINE_MS = 5 * 60_000;
/** No run takes longer than this, asleep or not. */
const RUN_MS_MAX = 24 * 3_600_000;
const GAPS_MS = [1_000, 5_000, 20_000, 200_000, 720_000, 7_200_000, 86_400_000];

let addresses = 0;

export async function tell(engine: Engine, plan: Plan, keepTrace: boolean): Promise<Told> {
  const folder = mkdtempSync(join(MEMORY, 'retail-sync-sim-'));
  const history = new History(engine, plan, folder, keepTrace);
  let failure: string | null = null;
  try {
    emptyState(engine, folder);
    await history.run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = error instanceof Broken ? error.message : `${error.message} ${error.stack?.split('\n')[1]?.trim() ?? ''}`;
    history.trace(`FAILED ${failure}`);
  } finally {
    history.close();
    rmSync(folder, { recursive: true });
  }
  const { counts, lines, killer } = history;
  return { seed: plan.seed, failure, trace: lines, counts, edges: killer.edges, families: history.families };
}

class History implements Wire {
  readonly time = new VirtualTime(START_MS);
  readonly chance: Chance;
  rates: Record<Family, number>;
  readonly counts = new Map<string, number>();
  readonly lines: string[] = [];
  readonly families: readonly string[];
  readonly killer: Killer;
  readonly #engine: Engine;
  readonly #plan: Plan;
  readonly #folder: string;
  readonly #keepTrace: boolean;
  readonly #vendor: Vendor;
  readonly #portal: Portal;
  readonly #people: People;
  readonly #shape: Shape;
  readonly #oracle: Oracle;
  readonly #access: Access = { expired: false, spent: false };
  readonly #lookBackMs: number;
  readonly #clockOffMs: number;
  readonly #batchSize: number;
  readonly #pageSize: number;
  readonly #runs: number;
  #open: Db | null = null;
  #run = 0;
  #violation: Error | null = null;

  constructor(engine: Engine, plan: Plan, folder: string, keepTrace: boolean) {
    this.#engine = engine;
    this.#plan = plan;
    this.#folder = folder;
    this.#keepTrace = keepTrace;
    replaceClocks(this.time);
    const chance = new Chance(plan.seed);
    this.chance = chance;
    const drawn = drawRates(chance);
    this.rates = plan.rates ? { ...calm(), ...plan.rates } : drawn;
    this.families = FAMILIES.filter((family) => this.rates[family] > 0);
    this.killer = { atEdge: plan.killedAtEdge ?? null, edges: 0 };
    const shape = chance.hits(0.75) ? 'items' : 'revisions';
    this.#shape = (plan.shape ?? shape) === 'items' ? items : revisions;
    const habits: Habits = {
      records: chance.between(3, 40),
      groups: chance.between(2, 8),
      edits: chance.between(5, 60),
      meanGapMs: chance.pick([2_000, 20_000, 120_000, 600_000]),
      grainMs: chance.pick([1_000, 60_000, 3_600_000]),
      ...plan.habits,
    };
    this.#runs = plan.runs ?? chance.between(2, 7);
    this.#lookBackMs = plan.lookBackMs ?? LOOK_BACK_MS + (this.rates.ties > 0 ? habits.grainMs : 0);
    this.#clockOffMs = Math.round((chance.next() - 0.5) * 8 * 3_600_000 * this.rates.clockOff);
    this.#batchSize = plan.batchSize ?? chance.pick([2, 5, 100]);
    this.#pageSize = plan.pageSize ?? chance.between(2, 9);
    this.#vendor = new Vendor(this);
    this.#portal = new Portal(this);
    this.#people = new People(this, this.#vendor, this.#portal, habits);
    this.#oracle = new Oracle(this.#shape, this.#vendor, this.#portal);
  }

  trace = (line: string): void => {
    if (this.#keepTrace) this.lines.push(`${String(this.time.nowMs - START_MS).padStart(9)} ${line}`);
  };

  count = (what: string): void => {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  };

  close(): void {
    this.#open?.close();
    this.#open = null;
  }

  async run(): Promise<void> {
    this.#people.settleIn();
    this.#people.goToWork();
    for (let run = 0; run < this.#runs; run++) {
      if (this.#plan.changesAll && run > 0) this.#people.changeAll();
      await this.#session();
      const gapMs = this.chance.pick(this.#plan.gapsMs ?? GAPS_MS);
      await this.time.pass(gapMs);
      this.#access.spent = false;
      if (this.chance.hits(0.5)) this.#access.expired = false;
    }
    await this.#quiet();
  }

  /** Faults cease and late writes land; one more run ends, and the one after it has nothing to do. */
  async #quiet(): Promise<void> {
    this.trace('QUIET');
    this.rates = calm();
    this.killer.atEdge = null;
    this.#people.stop();
    Object.assign(this.#access, { expired: false, spent: false });
    await this.time.pass(Math.max(LATEST_MS, COMMIT_LAG_MS) + 1_000);
    const report = await this.#session();
    if (report === null) throw new Broken('L1', 'a calm run died');
    const isFine = report.status === 'ok' || (report.status === 'partial' && report.counts.held === 0);
    if (!isFine) throw new Broken('L1', `a calm run ended ${report.status}: ${report.reason}`);
    await this.time.pass(LATEST_MS + 1_000);
    const db = this.#reopen();
    this.#checkEnd(db);
    const before = dump(db);
    const writes = this.#portal.writes;
    this.close();
    await this.#session();
    if (this.#portal.writes > writes)
      throw new Broken('L3', `the repeat wrote: ${this.#portal.writes - writes} requests`);
    const after = dump(this.#reopen());
    if (after !== before) throw new Broken('L3', `the repeat changed the state: ${firstDifference(before, after)}`);
  }

  #checkEnd(db: Db): void {
    const { nowMs } = this.time;
    const letters = openLetters(db);
    this.#oracle.checkPortal('L1', nowMs, letters, () => true);
    this.#oracle.checkLetters(db, nowMs);
    this.#oracle.checkCreation(nowMs, letters);
    const integrity = db.pragma('quick_check', { simple: true });
    const orphans = db.pragma('foreign_key_check');
    if (integrity !== 'ok' || !Array.isArray(orphans) || orphans.length > 0)
      throw new Broken('S6', 'the state is damaged');
    const open = db.prepare("SELECT id, state FROM entities WHERE state IN ('pending', 'sending', 'held')").all();
    if (open.length > 0) throw new Broken('L1', `waiting after a calm run: ${JSON.stringify(open)}`);
  }

  #reopen(): Db {
    this.close();
    this.#open = this.#engine.openDatabase(this.#folder, null);
    return this.#open;
  }

  /** One process, from its start to its end or death; its report, or null when it died. */
  async #session(): Promise<RunReport | null> {
    const db = this.#reopen();
    const process = new Process(this, this.killer);
    this.time.life = process;
    process.onCommit = () => this.#watch(() => this.#oracle.checkCursor(db, this.#lookBackMs, this.time.nowMs));
    const startedMs = this.time.nowMs;
    const stop = new AbortController();
    if (this.chance.hits(this.rates.stopped)) {
      this.time.at(startedMs + this.chance.between(1, 30_000), () => {
        if (process.dead) return;
        this.trace('SIGTERM');
        this.count('asked to stop');
        stop.abort(new this.#engine.Stopped('SIGTERM'));
      });
    }
    const id = `run-${String(++this.#run).padStart(3, '0')}`;
    this.trace(`${id} starts`);
    const work = this.#work(id, process, db, stop.signal).catch((error: unknown) => {
      if (process.dead) return null;
      throw error;
    });
    const ended = await this.time.until(Promise.race([work, process.died]));
    process.dead = true;
    if (this.#violation) throw this.#violation;
    if (ended === 'died' || ended === null) {
      this.close();
      if (this.killer.atEdge !== null) this.#people.changeAllBack();
      return null;
    }
    this.#checkReport(ended, startedMs, db);
    this.close();
    return ended;
  }

  #checkReport(report: RunReport, startedMs: number, db: Db): void {
    const { status, exit, reason, counts } = report;
    this.trace(`ended ${status} (${exit}) ${reason ?? ''} ${JSON.stringify(counts)}`);
    this.count(`run ended ${status}`);
    if (counts.held > 0) this.count('records held');
    if (report.upserts.unknown > 0) this.count('outcome unknown to the end of a call');
    if (exit === 1) throw new Broken('P2', `${reason}`);
    if (this.time.nowMs - startedMs > RUN_MS_MAX) throw new Broken('S8', 'the run took more than a day');
    const isPromise =
      status === 'ok' || (report.proofs.every(({ verdict }) => verdict === 'complete') && status === 'partial');
    if (!isPromise || counts.held > 0) return;
    this.#oracle.checkRun(db, startedMs, this.time.nowMs);
  }

  #watch(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#violation ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  async #work(id: string, process: Process, raw: Db, stop: AbortSignal): Promise<RunReport> {
    const engine = this.#engine;
    const db = process.guard(raw);
    const now = (): number => this.time.nowMs + this.#clockOffMs;
    engine.markCrashed(db, now());
    const stream = engine.openStream(db, this.#shape.name, 'erp:simulated', 'sandbox', now());
    const mode = JSON.stringify({ dryRun: false, restricted: false });
    engine.startRun(db, { id, pipe: this.#shape.name, stream, trigger: 'simulation', mode, atMs: now() });
    const ends = this.#ends(process, db, stream, now);
    const { mapping, assembles, name } = this.#shape;
    const pipe = { name, mapping, assembles, deadLettersMax: 1_000, needsOwnRecord: false, version: 'v1' };
    const unlimited = { atLeast: 1_000_000, share: 1 };
    const options = {
      ...{ id, since: null, full: false, dryRun: false, limit: null, partition: null, records: null, approved: false },
      breakers: { creates: unlimited, changes: unlimited, blanked: unlimited },
      createsMax: null,
      lookBackMs: this.#lookBackMs,
      quarantineMs: QUARANTINE_MS,
      onProgress: () => undefined,
    };
    const report = await engine.runPipe(pipe, ends, options, stop);
    const { status, exit } = report;
    engine.endRun(db, { id, status, exit, report: '{}', atMs: now(), proofs: new Map() });
    return report;
  }

  #ends(process: Process, db: Db, stream: number, now: () => number): Ends {
    const engine = this.#engine;
    const clock = { now, sleep: (ms: number, signal: AbortSignal) => this.#sleep(ms, signal, process) };
    const random = (): number => this.chance.next();
    let traceIds = 0;
    const watch = (object: string, action: string, text: string): void =>
      this.#watch(() => this.#oracle.checkRequest(object, action, text));
    const transport = engine.createTransport({
      ...{ token: 'simulated', baseUrl: 'http://hubspot.invalid', version: 'v3', clock, random },
      fetch: hubspotLine(this, this.#portal, process, this.#access, watch),
    });
    const sink = engine.hubspotSink({ transport, traceIds: () => `${this.#run}-${traceIds++}`, adopt: false });
    const source = engine.restSource({
      ...{ profile: engine.parseProfile(profileText(this.#pageSize), 'simulated'), resource: this.#shape.resource },
      // An address of its own, because sources of one address in one process stand in one line.
      ...{ baseUrl: `http://erp-${++addresses}.invalid`, credentials: { token: 'simulated' }, clock, random },
      fetch: erpLine(this, this.#vendor, process),
    });
    return {
      ...{ source, db, stream, clock, join: () => new Map(), prepareJoins: async () => {}, joinedStreams: new Map() },
      sink: { ...sink, batchSize: this.#batchSize, concurrency: 3 },
      facts: { environment: 'sandbox', zone: 'UTC', currencies: ['USD'], names: {} },
      resolve: (_spec, value) => value,
      inspect: async () => {},
    };
  }

  #sleep(ms: number, signal: AbortSignal, process: Process): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', () => !process.dead && reject(signal.reason), { once: true });
      if (process.isKilledAt('while waiting')) return;
      this.time.at(this.time.nowMs + ms, () => !process.dead && resolve());
    });
  }
}
