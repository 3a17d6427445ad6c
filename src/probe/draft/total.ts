/** Where a vendor says how many there are. A number that changes with the page is none; one that the last page bears out is proven. */
import { around, printable } from './body.ts';
import type { Asking, Endpoint, SeenPage } from './endpoint.ts';
import { gap, guessed, isSameList, proven, type Said } from './model.ts';
import type { Style } from './paging.ts';

export type TotalPlace = { readonly path: string } | { readonly header: string };

const NAME = /total|count|records|matches|hits|found/i;
const NOT_TOTAL = /pages?$|per|limit|offset|took|duration|ms$|version|status|code/i;

const countIn = (value: unknown): number | null => (/^\d{1,9}$/.test(String(value)) ? Number(value) : null);

/** The number at a place in an answer; null when it has none. */
export function totalAt(page: SeenPage, place: TotalPlace): number | null {
  if ('header' in place) return countIn(page.answer.headers.get(place.header));
  return countIn(around(page.answer.json).get(place.path));
}

const words = (place: TotalPlace): string => printable('path' in place ? place.path : `the header ${place.header}`);

interface Known {
  /** Of different sizes and places. */
  readonly pages: readonly SeenPage[];
  /** The largest of them, and whether it is known to hold everything. */
  readonly largest: SeenPage;
  readonly isWhole: boolean;
  readonly style: Style | null;
  readonly asking: Asking;
  readonly size: number;
}

export interface TotalFound {
  readonly total: Said<TotalPlace>;
  /** The vendor gave no answer to its last page, as one does that ends long queries. */
  readonly isEndRefused: boolean;
}

export async function findTotal(endpoint: Endpoint, known: Known): Promise<TotalFound> {
  const { pages, largest, isWhole } = known;
  const [one] = pages;
  const [best, ...others] = one === undefined ? [] : placesIn(one, known);
  if (one === undefined || best === undefined)
    return { total: gap('nothing beside the records names a number that stays'), isEndRefused: false };
  const total = totalAt(one, best) ?? 0;
  const rival = others.length === 0 ? '' : `; also steady: ${others.map(words).join(', ')}`;
  if (isWhole && total === largest.ids.length)
    return { total: proven(best, `${total}, and so many rows came in one answer${rival}`), isEndRefused: false };
  const atEnd = await lastPage(endpoint, total, known);
  return { total: judged(best, total, atEnd, pages, rival), isEndRefused: atEnd === 'refused' };
}

function judged(
  best: TotalPlace,
  total: number,
  atEnd: AtEnd,
  pages: readonly SeenPage[],
  rival: string,
): Said<TotalPlace> {
  if (atEnd === 'agrees') return proven(best, `${total}, and the last page ends there${rival}`);
  if (atEnd === 'disagrees') return gap(`${words(best)} says ${total}, but the list does not end there`, [words(best)]);
  const seen = new Set(pages.map(({ url }) => url.href)).size;
  const refused = atEnd === 'refused' ? '; the last page got no answer' : '';
  if (seen < 2) return guessed(best, 0.5, `${total}, but only one page was seen: it may count that page${rival}`);
  return guessed(best, 0.7, `${total} on each of ${seen} pages${refused}${rival}`);
}

function placesIn(one: SeenPage, { pages, largest }: Known): TotalPlace[] {
  const places: TotalPlace[] = [
    ...[...around(one.answer.json).keys()].map((path) => ({ path })),
    ...[...one.answer.headers.keys()].filter((header) => header !== 'content-length').map((header) => ({ header })),
  ];
  return places
    .filter((place) => isSteady(place, pages, largest.ids.length))
    .toSorted((a, b) => rank(words(b)) - rank(words(a)));
}

const rank = (name: string): number => (/total/i.test(name) ? 2 : 0) + (/count|records/i.test(name) ? 1 : 0);

function isSteady(place: TotalPlace, pages: readonly SeenPage[], rowsAtLeast: number): boolean {
  const name = words(place).replace(/^.*[. ]/, '');
  if (!NAME.test(name) || NOT_TOTAL.test(name)) return false;
  const totals = new Set(pages.map((page) => totalAt(page, place)));
  const [total] = totals;
  return totals.size === 1 && typeof total === 'number' && total >= rowsAtLeast;
}

type AtEnd = 'agrees' | 'disagrees' | 'refused' | 'unknown';

/** The last page by the total has the rest, and nothing is behind it: two questions. */
async function lastPage(endpoint: Endpoint, total: number, { style, asking, size }: Known): Promise<AtEnd> {
  if (style === null || (style.kind !== 'page' && style.kind !== 'offset')) return 'unknown';
  const pagesBefore = Math.max(0, Math.ceil(total / size) - 1);
  const pageOf = async (index: number): Promise<readonly string[] | null> => {
    const at = style.kind === 'page' ? style.first + index : index * size;
    const page = await endpoint.page({ ...asking, query: { ...asking.query, [style.param]: String(at) } });
    return page === null ? null : page.ids;
  };
  const last = await pageOf(pagesBefore);
  if (last === null) return 'refused';
  if (last.length !== total - pagesBefore * size) return 'disagrees';
  const beyond = await pageOf(pagesBefore + 1);
  // Behind the end some send nothing, some refuse, and some send the last page again. After a full page a refusal may as
  // well be a window that is shorter than the list, with a total that is cut to it: that proves nothing.
  if (beyond?.length === 0) return 'agrees';
  if (beyond !== null && !isSameList(beyond, last)) return 'disagrees';
  return last.length < size ? 'agrees' : 'unknown';
}
