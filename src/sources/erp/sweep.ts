/** Walks a listing by page number or offset, or along the vendor's own tokens or links. */
import type { ListingPage } from './listing.ts';
import { Harvest, type Pager, pageQuery, type Step, standsStill, type Turn } from './pager.ts';
import type { Paging } from './profile-schema.ts';

/**
 * Page after page to the end. Rows may shift between two pages while people edit, so a sweep proves nothing by itself:
 * whoever reads compares the unique ids with the total.
 */
export class Sweep implements Pager {
  readonly #paging: Paging;
  readonly #fixed: Readonly<Record<string, string>>;
  readonly #what: string;
  readonly #harvest = new Harvest();
  readonly first: Step;

  constructor(paging: Paging, fixed: Readonly<Record<string, string>>, what: string) {
    this.#paging = paging;
    this.#fixed = fixed;
    this.#what = what;
    this.first = this.#step();
  }

  after(page: ListingPage): Turn {
    this.#harvest.add(page, `${this.#what}, ${this.#step().token}`);
    const next = this.#harvest.isEnd(page, this.#paging.size) ? null : this.#step();
    return { placed: page.placed, sorted: false, next };
  }

  #step(): Step {
    return offsetStep(this.#paging, this.#fixed, this.#harvest);
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
  readonly #visited = new Set<string>();
  readonly first: Step;
  #sorted: boolean;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `sorted`: ascending dates were asked for. One that does not ascend ends the claim. */
  constructor(paging: Paging, fixed: Readonly<Record<string, string>>, what: string, sorted: boolean) {
    this.#paging = paging;
    this.#what = what;
    this.#sorted = sorted;
    this.first = { query: { ...fixed, ...pageQuery(paging, 0) }, token: 'page 1', isFirst: true };
  }

  after({ placed, next, url }: ListingPage): Turn {
    for (const { ms } of placed) {
      if (ms < this.#lastMs) this.#sorted = false;
      this.#lastMs = ms;
    }
    return { placed, sorted: this.#sorted, next: next === null ? null : this.#follow(next, url) };
  }

  #follow(next: string, url: string): Step {
    const { kind } = this.#paging;
    const token = kind === 'link' && URL.canParse(next, url) ? new URL(next, url).href : next;
    if (this.#visited.has(token) || token === url) throw standsStill(`${this.#what}, page ${this.#visited.size + 2}`);
    this.#visited.add(token);
    if (this.#paging.kind !== 'cursor') return { query: {}, link: token, token, isFirst: false };
    return { query: { ...this.first.query, [this.#paging.param]: next }, token, isFirst: false };
  }
}
