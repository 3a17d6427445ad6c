/** One history: a seed's world, its runs and crashes, the quiet end, and what must be true of all of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunReport } from '../../src/run-report.ts';
import type { Db } from '../../src/state/database.ts';
import { checkEnding } from './ending.ts';
import type { Engine } from './engine.ts';
import { calm, drawLinkRates, drawRates, FAMILIES, type Family } from './faults.ts';
import { items, revisions } from './goods.ts';
import { LATEST_MS } from './lines.ts';
import { LinkOracle } from './link-oracle.ts';
import { Broken, Oracle } from './oracle.ts';
import { orders } from './orders.ts';
import { COMMIT_LAG_MS, type Habits, People } from './people.ts';
import { Portal } from './portal.ts';
import { PortalAnswers } from './portal-answers.ts';
import type { Killer } from './process.ts';
import { Chance } from './random.ts';
import { type Ended, type Orders, Session, type World } from './session.ts';
import { emptyState, MEMORY, restoreState, saveState } from './state-files.ts';
import { replaceClocks, VirtualTime } from './time.ts';
import { Vendor } from './vendor.ts';
import type { Wire } from './wire.ts';

/** What may be said of a history beside its seed. */
export interface Plan {
  readonly seed: number;
  /** These families only, with these rates; drawn by the seed where absent. */
  readonly rates?: Partial<Record<Family, number>>;
  readonly shape?: 'items' | 'revisions' | 'orders';
  readonly runs?: number;
  readonly lookBackMs?: number;
  readonly habits?: Partial<Habits>;
  readonly pageSize?: number;
  readonly batchSize?: number;
  /** Whether the source lists by date; drawn by the seed where absent. */
  readonly isSorted?: boolean;
  /** An unsorted listing comes by id instead of as the table lies. */
  readonly listsById?: boolean;
  /** Times between two runs; one of them is drawn. */
  readonly gapsMs?: readonly number[];
  /** People change every record before each run but the first. */
  readonly changesAll?: boolean;
  /** Killed at this edge; people then change every record back. */
  readonly killedAtEdge?: number | null;
  /** People change every record back whenever a process has died. */
  readonly changesBack?: boolean;
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
const GAPS_MS = [1_000, 5_000, 20_000, 200_000, 720_000, 7_200_000, 86_400_000];

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
  readonly #plan: Plan;
  readonly #keepTrace: boolean;
  readonly #portal: Portal;
  readonly #people: People;
  readonly #world: World;
  readonly #runs: number;
  #open: Db | null = null;
  #run = 0;
  #hasCopy = false;
  #wasRestored = false;

  constructor(engine: Engine, plan: Plan, folder: string, keepTrace: boolean) {
    this.#plan = plan;
    this.#keepTrace = keepTrace;
    replaceClocks(this.time);
    const chance = new Chance(plan.seed);
    this.chance = chance;
    const drawn = drawRates(chance);
    this.rates = plan.rates ? { ...calm(), ...plan.rates } : drawn;
    this.families = FAMILIES.filter((family) => this.rates[family] > 0);
    this.killer = { atEdge: plan.killedAtEdge ?? null, edges: 0 };
    const drawnShape = chance.hits(0.75) ? 'items' : 'revisions';
    const shape = SHAPES[plan.shape ?? (isLinked(plan) ? 'orders' : drawnShape)];
    if (shape === orders && !plan.rates) Object.assign(this.rates, drawLinkRates(new Chance(-plan.seed)));
    const habits = drawHabits(chance, plan);
    this.#runs = plan.runs ?? chance.between(2, 7);
    const vendor = new Vendor(this, plan.listsById);
    this.#portal = new Portal(this, shape.key);
    this.#people = new People(this, vendor, this.#portal, habits);
    const oracle = new Oracle(shape, vendor, this.#portal);
    const coarseMs = this.rates.ties > 0 ? habits.grainMs : 0;
    this.#world = {
      ...{
        seed: plan.seed,
        wire: this,
        engine,
        folder,
        killer: this.killer,
        vendor,
        shape,
        holder: null,
        violation: null,
      },
      answers: new PortalAnswers(this, this.#portal),
      access: { expired: false, spent: false, requests: 1 },
      oracle,
      linkOracle: new LinkOracle(this, this.#portal, oracle),
      lookBackMs: plan.lookBackMs ?? LOOK_BACK_MS + coarseMs,
      clockOffMs: Math.round((chance.next() - 0.5) * 8 * 3_600_000 * this.rates.clockOff),
      batchSize: plan.batchSize ?? chance.pick([2, 5, 100]),
      pageSize: plan.pageSize ?? chance.between(2, 9),
      isSorted: plan.isSorted ?? (plan.rates !== undefined || chance.hits(0.8)),
    };
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
    const { access } = this.#world;
    this.#people.settleIn();
    this.#people.goToWork();
    for (let run = 0; run < this.#runs; run++) {
      if (this.#plan.changesAll && run > 0) this.#people.changeAll();
      this.#mayReplaceState();
      await this.#oneOrTwo();
      await this.time.pass(this.chance.pick(this.#plan.gapsMs ?? GAPS_MS));
      access.spent = false;
      if (this.chance.hits(0.5)) access.expired = false;
    }
    await this.#quiet();
  }

  /** A copy of the state that somebody made, and puts back some day: it knows nothing of what was sent since. */
  #mayReplaceState(): void {
    const { folder } = this.#world;
    if (this.#hasCopy && this.chance.hits(this.rates.restored)) {
      this.trace('the state is replaced by an older one');
      this.count('older state put back');
      restoreState(folder);
      this.#wasRestored = true;
      this.#world.linkOracle.isForgetful = true;
    } else if (this.chance.hits(this.rates.restored)) {
      saveState(folder);
      this.#hasCopy = true;
    }
  }

  /** Now and then somebody types the command while the scheduled run is at it. */
  async #oneOrTwo(): Promise<void> {
    const first = this.#session({});
    if (!this.chance.hits(this.rates.second)) {
      await this.time.until(first);
      return;
    }
    const afterMs = this.chance.between(0, 60_000);
    const waitMs = this.chance.pick([0, 30_000]);
    const second = new Promise<void>((resolve) => this.time.at(this.time.nowMs + afterMs, resolve)).then(() =>
      this.#session({ waitMs }),
    );
    await this.time.until(Promise.all([first, second]));
  }

  async #session(orders: Omit<Orders, 'id'>): Promise<RunReport | null> {
    const world = this.#world;
    this.close();
    const id = `run-${String(++this.#run).padStart(3, '0')}`;
    const ended: Ended = await new Session(world, { ...orders, id }).run();
    if (world.violation) throw world.violation;
    if (ended.kind === 'ended') return ended.report;
    const changesBack = this.killer.atEdge !== null || this.#plan.changesBack === true;
    if (ended.kind === 'died' && changesBack) this.#people.changeAllBack();
    return null;
  }

  /** Faults cease and late writes land; one more run ends, and the one after it has nothing to do. */
  async #quiet(): Promise<void> {
    this.trace('QUIET');
    this.rates = calm();
    this.killer.atEdge = null;
    this.#people.stop();
    Object.assign(this.#world.access, { expired: false, spent: false });
    await this.time.pass(Math.max(LATEST_MS, COMMIT_LAG_MS) + 1_000);
    await checkEnding({
      world: this.#world,
      portal: this.#portal,
      wasRestored: this.#wasRestored,
      run: (orders = {}) => this.time.until(this.#session(orders)),
      open: () => {
        this.#open ??= this.#world.engine.openDatabase(this.#world.folder, null);
        return this.#open;
      },
    });
  }
}

const SHAPES = { items, revisions, orders } as const;

/** Every fifth history without a world of its own is one of linked objects. */
const isLinked = ({ seed, rates }: Plan): boolean => rates === undefined && new Chance(-1 - seed).hits(0.2);

const drawHabits = (chance: Chance, plan: Plan): Habits => ({
  records: chance.between(3, 40),
  groups: chance.between(2, 8),
  edits: chance.between(5, 60),
  meanGapMs: chance.pick([2_000, 20_000, 120_000, 600_000]),
  grainMs: chance.pick([1_000, 60_000, 3_600_000]),
  ...plan.habits,
});
