/** Which paging an API has. Names only say what to try: a style counts when its second page has other ids, and the first one stays. */
import { around, printable } from './body.ts';
import type { Asking, Endpoint, SeenPage } from './endpoint.ts';
import { gap, guessed, isDisjoint, isSameList, proven, type Query, type Said } from './model.ts';
import { type Effect, findParameter } from './parameters.ts';

export type Style =
  | { readonly kind: 'page'; readonly param: string; readonly first: number }
  | { readonly kind: 'offset'; readonly param: string }
  | { readonly kind: 'cursor'; readonly param: string; readonly from: string }
  | { readonly kind: 'link'; readonly from: string }
  | { readonly kind: 'link-header' };

/** A style and the page that it led to. */
interface Found {
  readonly style: Style;
  readonly how: string;
  readonly second: SeenPage;
  /** False: the second page is empty, so that nothing shows that it is the second. */
  readonly isSeen: boolean;
}

export interface PagingFound {
  readonly style: Said<Style>;
  readonly second: SeenPage | null;
}

const NEXT_LINK =
  /(^|\.)(@odata\.nextlink|odata\.nextlink|next|next_?(page_?)?(link|url|uri|href)|next\.(href|url)|nextrecordsurl|__next)$/i;
const NEXT_TOKEN =
  /(^|\.)(next_?(page_?)?(cursor|token|key|id)|next\.(after|cursor)|(end_?)?cursor|page_?token|continuation(_?token)?|scroll_?id|bookmark|marker|next)$/i;
const CURSORS = [
  ...['cursor', 'page_token', 'pageToken', 'after', 'continuationToken', 'starting_after', 'next', 'token', 'marker'],
  ...['page[cursor]', 'page[after]', 'bookmark', 'nextToken', 'start_after', 'scroll_id', 'continuation'],
];
const PAGES = [
  'page',
  'pageNumber',
  'page_number',
  'pageNo',
  'page_no',
  'pageIndex',
  'p',
  'page[number]',
  'pg',
  'currentPage',
  '_page',
  'pageNum',
];
const OFFSETS = [
  'offset',
  'skip',
  '$skip',
  'start',
  'limit_start',
  'from',
  'startIndex',
  'page[offset]',
  'first',
  'startRow',
  '_start',
  'startAt',
];

/** `small` is the first page as `asking` gets it: what every other page is held against. */
export async function findPaging(
  endpoint: Endpoint,
  small: SeenPage,
  first: SeenPage,
  asking: Asking,
): Promise<PagingFound> {
  const notes: string[] = [];
  const context = { endpoint, small, first, asking, notes };
  for (const find of [byLinkHeader, byLink, byCursor, byPage, byOffset]) {
    const found = await find(context);
    if (found !== null) return judged(found, context);
  }
  return { style: gap(['no second page was found', ...notes].join('; ')), second: null };
}

interface Context {
  readonly endpoint: Endpoint;
  readonly small: SeenPage;
  readonly first: SeenPage;
  readonly asking: Asking;
  readonly notes: string[];
}

async function judged(
  { style, how, second, isSeen }: Found,
  { endpoint, small, asking }: Context,
): Promise<PagingFound> {
  const again = await endpoint.page(asking);
  if (again === null || !isSameList(again.ids, small.ids)) {
    const words = `${how}, but page 1 asked again is another one: the order is not stable`;
    return { style: gap(words, [JSON.stringify(style)]), second };
  }
  if (!isSeen) return { style: guessed(style, 0.5, how), second: null };
  return { style: proven(style, `${how} gave other ids; page 1 again the same`), second };
}

/** A page with other records than the first; null for any other answer. */
const nextOf = (page: SeenPage | null, { small }: Context): SeenPage | null =>
  page !== null && page.ids.length > 0 && isDisjoint(small.ids, page.ids) ? page : null;

async function followed(link: string, how: string, style: Style, context: Context): Promise<Found | null> {
  const { endpoint, small, asking, notes } = context;
  if (!URL.canParse(link, small.url.href)) return null;
  const url = new URL(link, small.url);
  if (url.origin !== endpoint.url.origin) {
    notes.push(`${how} names another host, which is never followed`);
    return null;
  }
  const second = nextOf(await endpoint.follow(url, asking.headers ?? {}), context);
  if (second !== null) return { style, how, second, isSeen: true };
  notes.push(`${how} led to no other records`);
  return null;
}

async function byLinkHeader(context: Context): Promise<Found | null> {
  const header = context.small.answer.headers.get('link') ?? '';
  const address = /<([^>]*)>[^,<]*;\s*rel\s*=\s*"?next\b/i.exec(header)?.[1];
  return address === undefined
    ? null
    : followed(address, 'the Link header (rel=next)', { kind: 'link-header' }, context);
}

async function byLink(context: Context): Promise<Found | null> {
  for (const [path, value] of around(context.small.answer.json)) {
    if (!NEXT_LINK.test(path) || typeof value !== 'string' || !/^(https?:|\/|\?|\.)|[?=]/.test(value)) continue;
    const found = await followed(value, `the link at ${printable(path)}`, { kind: 'link', from: path }, context);
    if (found !== null) return found;
  }
  return null;
}

async function byCursor(context: Context): Promise<Found | null> {
  const { endpoint, small, asking } = context;
  for (const [path, value] of around(small.answer.json)) {
    if (!NEXT_TOKEN.test(path) || (typeof value === 'number' && value < 10)) continue;
    const seen: SeenPage[] = [];
    const effectOf = async (query: Query): Promise<Effect> => {
      const page = await endpoint.page({ ...asking, query: { ...asking.query, ...query } });
      const next = nextOf(page, context);
      if (next !== null) {
        seen.push(next);
        return 'works';
      }
      return page !== null && isSameList(page.ids, small.ids) ? 'ignored' : 'other';
    };
    const own = path.replace(/^.*\./, '');
    const names = [own, own.replace(/^next_?/i, ''), ...CURSORS].map(lowerFirst).filter((name) => name !== '');
    const param = await findParameter(names, String(value), endpoint.learned, effectOf);
    const second = seen.at(-1);
    if (param !== null && second !== undefined) {
      const how = `${param} with the token at ${printable(path)}`;
      return { style: { kind: 'cursor', param, from: path }, how, second, isSeen: true };
    }
  }
  return null;
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** Page 2 of a count from 1, or page 1 of a count from 0: whichever has other ids. */
async function byPage(context: Context): Promise<Found | null> {
  const { endpoint, small, asking } = context;
  const pageOf = (query: Query): Promise<SeenPage | null> =>
    endpoint.page({ ...asking, query: { ...asking.query, ...query } });
  const isFirst = (page: SeenPage | null): boolean => page !== null && isSameList(page.ids, small.ids);
  const last: { page: SeenPage | null } = { page: null };
  const effectOf = async (query: Query): Promise<Effect> => {
    const page = await pageOf(query);
    if (isFirst(page)) return 'ignored';
    if (nextOf(page, context) === null && page?.ids.length !== 0) return 'other';
    last.page = page;
    return 'works';
  };
  const names = [...hintedBy(context, (value) => value === '2'), ...PAGES];
  const param = await findParameter(names, '2', endpoint.learned, effectOf);
  if (param === null) return null;
  const one = await pageOf({ [param]: '1' });
  const other = nextOf(one, context);
  if (other !== null) {
    if (!isFirst(await pageOf({ [param]: '0' }))) return null;
    const how = `${param}=1 (${param}=0 is the first page)`;
    return { style: { kind: 'page', param, first: 0 }, how, second: other, isSeen: true };
  }
  if (!isFirst(one) || last.page === null) return null;
  const style = { kind: 'page', param, first: 1 } as const;
  if (last.page.ids.length > 0) return { style, how: `${param}=2`, second: last.page, isSeen: true };
  const how = `${param}=1 is the first page and ${param}=2 is empty: all may fit on one`;
  return { style, how, second: last.page, isSeen: false };
}

/** An offset of one page begins with the row after it; where no size is taken, an offset of 1 begins with the second row. */
async function byOffset(context: Context): Promise<Found | null> {
  const { endpoint, small, first, asking } = context;
  const isSized = small.ids.length < first.ids.length;
  const offset = isSized ? small.ids.length : 1;
  const pageOf = (query: Query): Promise<SeenPage | null> =>
    endpoint.page({ ...asking, query: { ...asking.query, ...query } });
  const effectOf = async (query: Query): Promise<Effect> => {
    const page = await pageOf(query);
    if (page !== null && isSameList(page.ids, small.ids)) return 'ignored';
    return page !== null && page.ids.length > 0 && page.ids[0] === first.ids[offset] ? 'works' : 'other';
  };
  const hints = hintedBy(context, (value) => value === String(small.ids.length));
  const param =
    first.ids.length < 2
      ? null
      : await findParameter([...hints, ...OFFSETS], String(offset), endpoint.learned, effectOf);
  if (param === null) return null;
  const style = { kind: 'offset', param } as const;
  const second = await pageOf({ [param]: String(small.ids.length) });
  const next = nextOf(second, context);
  if (next !== null) return { style, how: `${param}=${small.ids.length}`, second: next, isSeen: true };
  const how = `${param}=1 begins with the second row, and nothing is behind the first page`;
  return second !== null && second.ids.length === 0 ? { style, how, second, isSeen: false } : null;
}

/** Parameters of the vendor's own links, by what they hold, unless the address was given with them. */
function hintedBy({ small, endpoint }: Context, fits: (value: string) => boolean): string[] {
  const links = [...around(small.answer.json).values(), /<([^>]*)>/.exec(small.answer.headers.get('link') ?? '')?.[1]];
  return links
    .map(String)
    .filter((text) => text.includes('?'))
    .flatMap((link) => [...new URLSearchParams(link.slice(link.indexOf('?')))])
    .filter(([name, value]) => fits(value) && !endpoint.url.searchParams.has(name) && !/size|limit$|per/i.test(name))
    .map(([name]) => name);
}
