/**
 * Walks a listing that ascends by date: each request asks for what changed since the last record read, so that no edit
 * can shift a row out of sight and no query has rows to skip. Pages are counted only inside one instant, and that
 * instant is read again until two readings agree.
 */
import { EXIT, FatalError, TransientError } from '../../errors.ts';
import type { ListingPage, Placed } from './listing.ts';
import { Harvest, isSameSet, type Pager, printOf, type Step, type Turn } from './pager.ts';
import type { Paging } from './profile-schema.ts';
import type { Bound, BoundMaker, NO_BOUND } from './since.ts';
import { offsetStep } from './sweep.ts';

export interface KeysetOptions {
  readonly paging: Paging;
  /** The parameters of a request with this bound, the sort among them. */
  readonly queryOf: (text: string | null) => Readonly<Record<string, string>>;
  /** How the bound is asked, for people. */
  readonly param: string;
  readonly boundOf: BoundMaker;
  /** Where to start; NO_BOUND for everything. */
  readonly from: Bound | typeof NO_BOUND;
  readonly what: string;
}

/** Where the reading of a bound led: the date to go on from, or the end; and what it saw past the instant. */
interface Exit {
  readonly fromMs: number | 'end';
  readonly beyond: readonly Placed[];
}

/** The pages of one bound, read in one go. `inside`: the records that no later bound can reach. */
interface Reading {
  readonly harvest: Harvest;
  readonly inside: Set<string>;
  lastMs: number;
}

/** Readings of one instant until two agree; only a mass edit of the very rows that are read takes more. */
const READINGS_MAX = 10;
/** Rows this much older than the bound mean that it is ignored, not rounded to a day in another zone. */
const ROUNDING_MS_MAX = 48 * 3_600_000;

/** The vendor did not keep the order it was asked for; the listing must be read in another way. */
export class UnsortedError extends Error {
  override readonly name = 'UnsortedError';
}

export class Keyset implements Pager {
  readonly #options: KeysetOptions;
  readonly #passed = new Passed();
  #bound: Bound | typeof NO_BOUND;
  #reading = newReading();
  #before: (Exit & { readonly inside: ReadonlySet<string> }) | null = null;
  #readings = 1;
  /** How much earlier than asked the vendor begins: a coarser filter than described is learnt. */
  #roundingMs = 0;
  readonly first: Step;

  constructor(options: KeysetOptions) {
    this.#options = options;
    this.#bound = options.from;
    this.first = this.#step();
  }

  after(page: ListingPage): Turn {
    const reading = this.#reading;
    this.#checkOrder(page.placed);
    if (reading.harvest.pages === 0) this.#learnRounding(page.placed);
    reading.harvest.add(page, `${this.#options.what}, ${this.#step().token}`);
    const inside = page.placed.filter(({ ms }) => !this.#isBeyond(ms));
    for (const placed of inside) reading.inside.add(printOf(placed));
    const fromMs = this.#wayOn(page);
    if (fromMs === null) return { ...this.#passed.pass(inside), next: this.#step() };
    return this.#leave(inside, { fromMs, beyond: page.placed.filter(({ ms }) => this.#isBeyond(ms)) });
  }

  /** Null while the pages of this bound must be turned further. */
  #wayOn(page: ListingPage): number | 'end' | null {
    const { harvest, lastMs } = this.#reading;
    if (harvest.isEnd(page, this.#options.paging.size)) return 'end';
    return Number.isFinite(lastMs) && this.#isBeyond(lastMs) ? lastMs : null;
  }

  #isBeyond(ms: number): boolean {
    return this.#options.boundOf(ms).fromMs > this.#bound.fromMs + this.#roundingMs;
  }

  /**
   * A single page is one answer and cannot have shifted. Several can: a row that leaves a page already read pulls the
   * next one over the edge, and is then missing from the following reading. So where two readings agree, the first of
   * them was whole, and its way on is taken.
   */
  #leave(inside: readonly Placed[], exit: Exit): Turn {
    const { harvest, inside: seen } = this.#reading;
    if (harvest.pages === 1) return this.#goOn(inside, exit);
    if (this.#before !== null && isSameSet(this.#before.inside, seen)) return this.#goOn(inside, this.#before);
    this.#before = { ...exit, inside: seen };
    this.#readings++;
    if (this.#readings > READINGS_MAX) throw neverTheSame(this.#options.what);
    this.#reading = newReading();
    return { ...this.#passed.pass(inside), next: this.#step() };
  }

  #goOn(inside: readonly Placed[], { fromMs, beyond }: Exit): Turn {
    const turn = this.#passed.pass([...inside, ...beyond]);
    if (fromMs === 'end') return { ...turn, next: null };
    this.#bound = this.#options.boundOf(fromMs);
    this.#passed.forgetBefore(this.#bound.fromMs - this.#roundingMs);
    this.#before = null;
    this.#readings = 1;
    this.#reading = newReading();
    return { ...turn, next: this.#step() };
  }

  #step(): Step {
    const { paging, queryOf } = this.#options;
    const { text } = this.#bound;
    const step = offsetStep(paging, queryOf(text), this.#reading.harvest);
    const since = text === null ? 'from the start, ' : `since ${text}, `;
    return { ...step, token: `${since}${step.token}${this.#readings > 1 ? `, reading ${this.#readings}` : ''}` };
  }

  /** A row that was on the page before may come again: one was inserted above it. */
  #checkOrder(placed: readonly Placed[]): void {
    const reading = this.#reading;
    for (const row of placed) {
      if (row.ms < reading.lastMs && !reading.harvest.has(row)) throw new UnsortedError(this.#options.what);
      reading.lastMs = Math.max(reading.lastMs, row.ms);
    }
  }

  #learnRounding(placed: readonly Placed[]): void {
    const dates = placed.map(({ ms }) => ms);
    if (dates.length === 0) return;
    if (Math.max(...dates) < this.#bound.fromMs - ROUNDING_MS_MAX) throw ignoresFilter(this.#options);
    this.#roundingMs = Math.max(this.#roundingMs, this.#bound.fromMs - Math.min(...dates));
  }
}

/** What was passed on already and may come again, so that nothing is passed on twice. */
class Passed {
  readonly #dates = new Map<string, number>();
  #lastMs = Number.NEGATIVE_INFINITY;

  pass(rows: readonly Placed[]): Pick<Turn, 'placed' | 'sorted'> {
    const placed = rows.filter((row) => !this.#dates.has(printOf(row)));
    let sorted = true;
    for (const row of placed) {
      this.#dates.set(printOf(row), row.ms);
      if (row.ms < this.#lastMs) sorted = false;
      this.#lastMs = Math.max(this.#lastMs, row.ms);
    }
    return { placed, sorted };
  }

  /** Keeps the memory as small as one bound's records. */
  forgetBefore(fromMs: number): void {
    for (const [print, ms] of this.#dates) if (ms < fromMs) this.#dates.delete(print);
  }
}

const newReading = (): Reading => ({
  harvest: new Harvest(),
  inside: new Set(),
  lastMs: Number.NEGATIVE_INFINITY,
});

const neverTheSame = (what: string): TransientError =>
  new TransientError(
    'source',
    `records of one instant changed in each of ${READINGS_MAX} readings of ${what}, so that none is whole`,
  );

const ignoresFilter = ({ what, param }: KeysetOptions): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP ignores ${param}: asked for ${what} since a date, it sent records more than two days older`,
    'check since in the profile against the vendor (docs/adding-an-erp.md)',
  );
