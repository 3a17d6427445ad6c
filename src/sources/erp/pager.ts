/** Which page to ask for next, and when there is none: the three ways to walk a listing share this vocabulary. */
import { EXIT, FatalError } from '../../errors.ts';
import type { ListingPage, Placed } from './listing.ts';
import type { Paging } from './profile-schema.ts';

/** One request: its parameters, or a link of the vendor's. `token` names this request among all of the listing. */
export interface Step {
  readonly query: Readonly<Record<string, string>>;
  readonly link?: string;
  readonly token: string;
  /** Nothing lies before this page, so it cannot be empty where the vendor announces records. */
  readonly isFirst: boolean;
}

/** What a page comes to: the records to pass on, and the request after it; null at the end. */
export interface Turn {
  readonly placed: readonly Placed[];
  /** These ascend by date, and after all that was passed on before. */
  readonly sorted: boolean;
  readonly next: Step | null;
}

export interface Pager {
  readonly first: Step;
  /** Throws FatalError when the listing stands still. */
  after(page: ListingPage): Turn;
}

/** Parameters of the page with this index (0 is the first) of a listing paged by number or offset. */
export function pageQuery(paging: Paging, index: number): Record<string, string> {
  const query: Record<string, string> =
    paging.sizeParam === undefined ? {} : { [paging.sizeParam]: String(paging.size) };
  if (paging.kind === 'page') query[paging.param] = String(paging.first + index);
  return query;
}

/** What makes a row the same row: one record's id and date. */
export const printOf = ({ record }: Placed): string => `${record.modifiedAt} ${record.id}`;

const printsOf = (page: ListingPage): string[] => [
  ...page.placed.map(printOf),
  ...page.refused.map(({ print }) => `refused ${print}`),
];

/** One page without anything new may be a shift of rows by an edit; a second one in a row is a fault. */
const STALE_PAGES_MAX = 1;

/** What a run of pages brought so far. It ends a listing and notices when one stands still. */
export class Harvest {
  readonly #ids = new Set<string>();
  readonly #prints = new Set<string>();
  #stale = 0;
  /** Rows received, repeats included: the offset of the next page. */
  rows = 0;
  pages = 0;

  /** Takes a page in. Throws FatalError when pages repeat; `what` names the page in it. */
  add(page: ListingPage, what: string): void {
    const before = this.#prints.size;
    for (const print of printsOf(page)) this.#prints.add(print);
    for (const { record } of page.placed) this.#ids.add(record.id);
    for (const { print } of page.refused) this.#ids.add(`refused ${print}`);
    this.rows += page.rows;
    this.pages++;
    this.#stale = this.#prints.size === before ? this.#stale + 1 : 0;
    if (this.#stale > STALE_PAGES_MAX && !this.isWhole(page)) throw standsStill(what);
  }

  has(placed: Placed): boolean {
    return this.#prints.has(printOf(placed));
  }

  /** Everything that the vendor says there is has been received. */
  isWhole(page: ListingPage): boolean {
    return page.rows === 0 || (page.total !== undefined && this.#ids.size >= page.total);
  }

  /**
   * The listing ends here: an empty page, or as many records as announced. A short page alone is no end, since page
   * sizes are capped silently; a full one that reaches the total is checked by one more, since totals are capped too.
   */
  isEnd(page: ListingPage, size: number): boolean {
    return page.rows === 0 || (this.isWhole(page) && (page.rows < size || this.#stale > 0));
  }
}

export const standsStill = (what: string): FatalError =>
  new FatalError(
    EXIT.source,
    `the listing of ${what} stands still: the ERP repeats what it sent before`,
    'check paging in the profile against the vendor (docs/adding-an-erp.md)',
  );

export const isSameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((item) => b.has(item));
