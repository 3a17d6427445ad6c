/** Walks a listing by page number or offset, or along the vendor's own tokens or links. */
import { TransientError } from '../../errors.ts';
import type { ListingPage, Placed } from './listing.ts';
import { Harvest, isSameSet, type Pager, pageQuery, printOf, type Step, standsStill, type Turn } from './pager.ts';
import type { Paging } from './profile-schema.ts';

/** Readings of one listing until two agree; only a listing that never rests takes more. */
const READINGS_MAX = 4;

/**
 * One listing read until two whole readings in a row show the same ids. Rows shift between two pages while people edit,
 * and a total does not tell: one row added and one missed add up. A listing of a single page is one answer and cannot
 * have shifted.
 */
class Readings {
  readonly #what: string;
  #ids = new Set<string>();
  #before: ReadonlySet<string> | null = null;
  #count = 1;
  readonly #passed = new Set<string>();

  constructor(what: string) {
    this.#what = what;
  }

  /** Takes a page in and gives back what of it is news: a later reading passes on only what the earlier ones lacked. */
  add({ placed }: ListingPage): readonly Placed[] {
    const news = this.isFirst ? placed : placed.filter((row) => !this.#passed.has(printOf(row)));
    for (const row of placed) {
      this.#ids.add(row.record.id);
      this.#passed.add(printOf(row));
    }
    return news;
  }

  /** At the end of a reading: whether it needs another one. Throws TransientError when none agrees with the last. */
  needsAnother(pages: number): boolean {
    if (pages <= 1 || (this.#before !== null && isSameSet(this.#before, this.#ids))) return false;
    if (++this.#count > READINGS_MAX) throw neverTheSame(this.#what);
    this.#before = this.#ids;
    this.#ids = new Set();
    return true;
  }

  get isFirst(): boolean {
    return this.#count === 1;
  }

  /** What distinguishes a request from the same one of an earlier reading. */
  get mark(): string {
    return this.#count > 1 ? `, reading ${this.#count}` : '';
  }
}

/** Page after page to the end, by number or offset. */
export class Sweep implements Pager {
  readonly #paging: Paging;
  readonly #fixed: Readonly<Record<string, string>>;
  readonly #what: string;
  readonly #readings: Readings;
  #harvest = new Harvest();
  readonly first: Step;

  constructor(paging: Paging, fixed: Readonly<Record<string, string>>, what: string) {
    this.#paging = paging;
    this.#fixed = fixed;
    this.#what = what;
    this.#readings = new Readings(what);
    this.first = this.#step();
  }

  after(page: ListingPage): Turn {
    this.#harvest.add(page, `${this.#what}, ${this.#step().token}`);
    const placed = this.#readings.add(page);
    if (!this.#harvest.isEnd(page, this.#paging.size)) return { placed, sorted: false, next: this.#step() };
    const isAgain = this.#readings.needsAnother(this.#harvest.pages);
    if (isAgain) this.#harvest = new Harvest();
    return { placed, sorted: false, next: isAgain ? this.#step() : null };
  }

  #step(): Step {
    const step = offsetStep(this.#paging, this.#fixed, this.#harvest);
    return { ...step, token: step.token + this.#readings.mark };
  }
}

/** The request for what follows the harvest. Offsets count rows received, so that a capped page leaves no gap. */
export function offsetStep(
  paging: Paging,
  fixed: Readonly<Record<string, string>>,
  { pages, rows }: Pick<Harvest, 'pages' | 'rows'>,
): Step {
  const query = { ...fixed, ...pageQuery(paging, pages) };
  const isFirst = pages === 0;
  if (paging.kind !== 'offset') return { query, token: `page ${pages + 1}`, isFirst };
  return { query: { ...query, [paging.param]: String(rows) }, token: `offset ${rows}`, isFirst };
}

/** Follows what the vendor names as next; it ends when nothing is named. */
export class Trail implements Pager {
  readonly #paging: Paging;
  readonly #what: string;
  readonly #readings: Readings;
  readonly #visited = new Set<string>();
  readonly first: Step;
  #pages = 0;
  #sorted: boolean;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `sorted`: ascending dates were asked for. One that does not ascend ends the claim. */
  constructor(paging: Paging, fixed: Readonly<Record<string, string>>, what: string, sorted: boolean) {
    this.#paging = paging;
    this.#what = what;
    this.#readings = new Readings(what);
    this.#sorted = sorted;
    this.first = { query: { ...fixed, ...pageQuery(paging, 0) }, token: 'page 1', isFirst: true };
  }

  after(page: ListingPage): Turn {
    const { placed, next, url } = page;
    for (const { ms } of placed) {
      if (ms < this.#lastMs) this.#sorted = false;
      this.#lastMs = ms;
    }
    this.#pages++;
    const news = this.#readings.add(page);
    const sorted = this.#sorted && this.#readings.isFirst;
    return { placed: news, sorted, next: next === null ? this.#again() : this.#follow(next, url) };
  }

  /** A token may be an offset in disguise, unless the vendor is known to keep its place. */
  #again(): Step | null {
    if (keepsPlace(this.#paging) || !this.#readings.needsAnother(this.#pages)) return null;
    this.#pages = 0;
    this.#visited.clear();
    return { ...this.first, token: `page 1${this.#readings.mark}` };
  }

  #follow(next: string, url: string): Step {
    const { kind } = this.#paging;
    const token = kind !== 'cursor' && URL.canParse(next, url) ? new URL(next, url).href : next;
    if (this.#visited.has(token) || token === url) throw standsStill(`${this.#what}, page ${this.#visited.size + 2}`);
    this.#visited.add(token);
    const step = { token: token + this.#readings.mark, isFirst: false };
    if (this.#paging.kind !== 'cursor') return { ...step, query: {}, link: token };
    return { ...step, query: { ...this.first.query, [this.#paging.param]: next } };
  }
}

const keepsPlace = (paging: Paging): boolean => 'keepsPlace' in paging && paging.keepsPlace === true;

const neverTheSame = (what: string): TransientError =>
  new TransientError(
    'source',
    `the listing of ${what} changed in each of ${READINGS_MAX} readings, so that none is proven whole`,
  );
