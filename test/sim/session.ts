/** One process of the program, from its start to its end or death: lock, state, generation, one run, end. */
import { join } from 'node:path';
import type { Sides } from '../../src/reconcile.ts';
import type { Ends } from '../../src/run-options.ts';
import type { RunReport } from '../../src/run-report.ts';
import type { Db } from '../../src/state/database.ts';
import type { PortalLock } from '../../src/state/lock.ts';
import type { Engine } from './engine.ts';
import { profileText, type Shape } from './goods.ts';
import { type Access, type Asked, ERP_TOKEN, erpLine, HUBSPOT_TOKEN, hubspotLine } from './lines.ts';
import type { LinkOracle } from './link-oracle.ts';
import { Broken, type Oracle } from './oracle.ts';
import type { PortalAnswers } from './portal-answers.ts';
import { type Killer, Process } from './process.ts';
import type { Vendor } from './vendor.ts';
import type { Wire } from './wire.ts';

/** What all processes of a history share. */
export interface World {
  readonly seed: number;
  readonly wire: Wire;
  readonly engine: Engine;
  readonly folder: string;
  readonly killer: Killer;
  readonly vendor: Vendor;
  readonly answers: PortalAnswers;
  readonly access: Access;
  readonly shape: Shape;
  readonly oracle: Oracle;
  readonly linkOracle: LinkOracle;
  readonly lookBackMs: number;
  readonly clockOffMs: number;
  readonly batchSize: number;
  readonly pageSize: number;
  readonly isSorted: boolean;
  /** Who may write now: S3 holds it against every request. */
  holder: Process | null;
  /** The first promise that was broken while a process ran. */
  violation: Error | null;
}

/** How the process was called. */
export interface Orders {
  readonly id: string;
  readonly full?: boolean;
  readonly records?: readonly string[];
  /** How long it waits for the lock. */
  readonly waitMs?: number;
  /** Another process may run at the same time. */
  readonly isSecond?: boolean;
}

/** `died`: killed, or ended by a full disk. `locked`: another process had the lock. */
export type Ended = { readonly kind: 'died' | 'locked' } | { readonly kind: 'ended'; readonly report: RunReport };

const QUARANTINE_MS = 5 * 60_000;
/** No run takes longer than this, asleep or not. */
const RUN_MS_MAX = 24 * 3_600_000;
const PORTAL = '4711';

let addresses = 0;

export class Session {
  readonly #world: World;
  readonly #orders: Orders;
  readonly #process: Process;
  readonly #stop = new AbortController();
  readonly #startedMs: number;
  #db: Db | null = null;
  #lock: PortalLock | null = null;

  constructor(world: World, orders: Orders) {
    this.#world = world;
    this.#orders = orders;
    this.#process = new Process(world.wire, world.killer);
    this.#startedMs = world.wire.time.nowMs;
  }

  /** Resolves when it is over; everything of it that is left is let go then, as the system does for a dead process. */
  async run(): Promise<Ended> {
    const { wire } = this.#world;
    this.#mayBeStopped();
    wire.trace(`${this.#orders.id} starts`);
    const work = wire.time.lives.run(this.#process, () => this.#work());
    const ended = await Promise.race([work.catch((error: unknown) => this.#fell(error)), this.#process.died]);
    this.#process.dead = true;
    this.#letGo();
    return ended === 'died' ? { kind: 'died' } : ended;
  }

  #fell(error: unknown): Ended {
    if (this.#process.dead) return { kind: 'died' };
    const { engine } = this.#world;
    const told = engine.explain(error, 'state.db');
    if (told instanceof engine.FatalError && told.exit === engine.EXIT.locked) {
      this.#world.wire.count('refused by the lock');
      return { kind: 'locked' };
    }
    // Asked to stop while it waited for the lock: it has not begun.
    if (error instanceof engine.Stopped && this.#lock === null) return { kind: 'locked' };
    if (this.#process.diskIsFull && told instanceof engine.FatalError) return { kind: 'died' };
    throw error;
  }

  #letGo(): void {
    if (this.#world.holder === this.#process) this.#world.holder = null;
    this.#db?.close();
    this.#db = null;
    this.#lock?.release();
    this.#lock = null;
  }

  #mayBeStopped(): void {
    const { wire, engine } = this.#world;
    if (!wire.chance.hits(wire.rates.stopped)) return;
    wire.time.atFor(this.#process, this.#startedMs + wire.chance.between(1, 30_000), () => {
      wire.trace('SIGTERM');
      wire.count('asked to stop');
      this.#stop.abort(new engine.Stopped('SIGTERM'));
    });
  }

  now = (): number => this.#world.wire.time.nowMs + this.#world.clockOffMs;

  /** In the order in which every writing command does it: first the lock, then the state, then its generation. */
  async #work(): Promise<Ended> {
    const { engine, folder } = this.#world;
    const sleep = (ms: number): Promise<void> => this.#sleep(ms, this.#stop.signal);
    this.#lock = await engine.lockPortal(join(folder, 'locks'), PORTAL, this.#orders.waitMs ?? 0, sleep);
    this.#holdLock();
    const db = engine.openDatabase(folder, null);
    this.#db = db;
    this.#world.oracle.noteCursor(db);
    this.#process.onCommit = () => this.#watch(() => this.#checkCommit(db));
    const guarded = this.#process.guard(db);
    const { restored } = engine.startGeneration(guarded, folder, this.now());
    if (restored) this.#world.wire.count('noticed an older state');
    const report = await this.#runPipe(guarded);
    engine.endGeneration(folder, this.now());
    if (!this.#process.diskIsFull) this.#checkReport(report, db);
    return { kind: 'ended', report };
  }

  #holdLock(): void {
    const { holder } = this.#world;
    if (holder !== null) this.#watch(() => fail('S3', 'two processes hold the lock of one portal'));
    this.#world.holder = this.#process;
  }

  async #runPipe(db: Db): Promise<RunReport> {
    const { engine, shape } = this.#world;
    const { id, full = false, records = null } = this.#orders;
    engine.markCrashed(db, this.now());
    const stream = engine.openStream(db, shape.name, 'erp:simulated', 'sandbox', this.now());
    const mode = JSON.stringify({ full, dryRun: false, restricted: records !== null });
    engine.startRun(db, { id, pipe: shape.name, stream, trigger: 'simulation', mode, atMs: this.now() });
    const ends = this.#ends(db, stream);
    const { mapping, assembles, name } = shape;
    const pipe = { name, mapping, assembles, deadLettersMax: 1_000, needsOwnRecord: false, version: 'v1' };
    const unlimited = { atLeast: 1_000_000, share: 1 };
    const options = {
      ...{ id, since: null, full, dryRun: false, limit: null, partition: null, records, approved: false },
      breakers: { creates: unlimited, changes: unlimited, blanked: unlimited, gone: unlimited },
      createsMax: null,
      lookBackMs: this.#world.lookBackMs,
      quarantineMs: QUARANTINE_MS,
      onProgress: () => undefined,
    };
    const report = await engine.runPipe(pipe, ends, options, this.#stop.signal);
    const { status, exit, counts } = report;
    engine.endRun(db, { id, status, exit, report: JSON.stringify({ counts }), atMs: this.now(), proofs: new Map() });
    return report;
  }

  #ends(db: Db, stream: number): Ends {
    const { engine, batchSize } = this.#world;
    let traceIds = 0;
    const { transport, source, clock } = this.ends();
    const traceId = (): string => `${this.#orders.id}-${traceIds++}`;
    const sink = engine.hubspotSink({ transport, traceIds: traceId, adopt: false });
    return {
      ...{ source, db, stream, clock, join: () => new Map(), prepareJoins: async () => {}, joinedStreams: new Map() },
      sink: { ...sink, batchSize, concurrency: 3 },
      facts: { environment: 'sandbox', zone: 'UTC', currencies: ['USD'], names: {} },
      resolve: (_spec, value) => value,
      inspect: async () => {},
    };
  }

  /** The product's ways to both vendors, over the simulated lines. */
  ends(): Pick<Sides, 'transport' | 'clock'> & Pick<Ends, 'source'> {
    const { wire, engine, vendor, answers, access, pageSize, shape, isSorted } = this.#world;
    const clock = { now: this.now, sleep: (ms: number, signal: AbortSignal) => this.#sleep(ms, signal) };
    const random = (): number => wire.chance.next();
    const watch = (asked: Asked): void => this.#watch(() => this.#checkRequest(asked));
    const transport = engine.createTransport({
      ...{ token: HUBSPOT_TOKEN, baseUrl: 'http://hubspot.invalid', version: 'v3', clock, random },
      fetch: hubspotLine(wire, answers, this.#process, access, watch),
    });
    const source = engine.restSource({
      ...{ profile: profileOf(engine, pageSize, isSorted), resource: shape.resource },
      // An address of its own, because sources of one address in one process stand in one line.
      ...{ baseUrl: `http://erp-${++addresses}.invalid`, credentials: { token: ERP_TOKEN }, clock, random },
      fetch: erpLine(wire, vendor, this.#process),
    });
    return { transport, source, clock };
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { time } = this.#world.wire;
    const process = this.#process;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', () => !process.dead && reject(signal.reason), { once: true });
      if (process.isKilledAt('while waiting')) return;
      time.atFor(process, time.nowMs + ms, resolve);
    });
  }

  // ------------------------------------------------------------------------------------------------ what must hold

  #watch(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#world.violation ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  #checkCommit(db: Db): void {
    const { oracle, lookBackMs, wire } = this.#world;
    oracle.checkCursor(db, lookBackMs, wire.time.nowMs);
  }

  #checkRequest(asked: Asked): void {
    const { object, to, action, text } = asked;
    if (this.#process.dead) return; // it will not leave
    if (action !== 'read' && action !== 'list' && this.#world.holder !== this.#process)
      fail('S3', `a process without the lock sent an ${action}`);
    if (to === null) this.#world.oracle.checkRequest(object, action, text);
    else this.#world.linkOracle.checkRequest(asked);
  }

  #checkReport(report: RunReport, db: Db): void {
    const { wire, oracle } = this.#world;
    const { status, exit, reason, counts } = report;
    const text = JSON.stringify(report);
    wire.trace(`ended ${status} (${exit}) ${reason ?? ''} ${JSON.stringify(counts)}`);
    wire.count(`run ended ${status}`);
    if (counts.held > 0) wire.count('records held');
    if (report.upserts.unknown > 0) wire.count('outcome unknown to the end of a call');
    if (isCapped(db)) wire.count('cursor held back by what is not settled');
    oracle.checkSecrets('the report', text);
    if (exit === 1) throw new Broken('P2', `${reason}`);
    if (wire.time.nowMs - this.#startedMs > RUN_MS_MAX) throw new Broken('S8', 'the run took more than a day');
    const isPromise =
      status === 'ok' || (report.proofs.every(({ verdict }) => verdict === 'complete') && status === 'partial');
    if (!isPromise || counts.held > 0 || this.#orders.records) return;
    oracle.checkRun(db, this.#startedMs, wire.time.nowMs);
    if (report.links.pending > 0) wire.count('link waits for its other end');
    if (report.links.unknown > 0) return void wire.count('links unknown to the end of a run');
    this.#world.linkOracle.checkLinks({
      ...{ rule: 'P3', db, entities: oracle.entities(wire.time.nowMs) },
      isConcerned: oracle.settledSince(this.#startedMs),
    });
  }
}

function fail(rule: string, message: string): never {
  throw new Broken(rule, message);
}

/** What waits is the reason why the cursor stands where it does. */
const isCapped = (db: Db): boolean =>
  db
    .prepare(
      `SELECT 1 FROM cursors c WHERE c.position = (SELECT min(e.oldest) FROM entities e WHERE e.stream = c.stream
          AND e.state IN ('pending', 'sending', 'held'))`,
    )
    .get() !== undefined;

const profiles = new WeakMap<Engine, Map<string, ReturnType<Engine['parseProfile']>>>();

function profileOf(engine: Engine, size: number, isSorted: boolean): ReturnType<Engine['parseProfile']> {
  const known = profiles.get(engine) ?? new Map<string, ReturnType<Engine['parseProfile']>>();
  profiles.set(engine, known);
  const name = `${size} ${isSorted}`;
  const profile = known.get(name) ?? engine.parseProfile(profileText(size, isSorted), 'simulated');
  known.set(name, profile);
  return profile;
}
