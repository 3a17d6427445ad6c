/** How a vendor takes the size of a page, and how much of it: asked for few, then for many. */
import { around } from './body.ts';
import type { Asking, Endpoint, SeenPage } from './endpoint.ts';
import { type Guess, guessed, isSameList, proven, type Query } from './model.ts';
import { type Effect, findParameter } from './parameters.ts';

/** The names in use, likely ones first. */
const NAMES = [
  ...['limit', 'pageSize', 'per_page', 'page_size', 'perPage', '$top', 'limit_page_length', 'pagesize', 'size'],
  ...[
    'page[size]',
    'page[limit]',
    'count',
    'take',
    'top',
    'rows',
    'max',
    'maxResults',
    'max_results',
    'pageLimit',
    '_limit',
    'length',
  ],
];
/** A page in a profile; larger ones gain nothing and run into ceilings. */
const SIZE_WANTED = 500;
const SMALLER = [100, 50];

/** How a size is said: a parameter, or OData's preference. */
export interface SizeWay {
  readonly param: string | null;
  /** A parameter that also has to be there, as the address was given. */
  readonly asking: (size: number) => Asking;
}

export interface Sized {
  readonly way: Guess<SizeWay> | null;
  /** A page smaller than the first one, so that even a short list has a second; the first page where none is taken. */
  readonly small: SeenPage;
}

const byParam = (param: string): SizeWay => ({ param, asking: (size) => ({ query: { [param]: String(size) } }) });

/** OData 4.01, 8.2.8.4: `Prefer: maxpagesize`; as `odata.maxpagesize` in 4.0. */
export const PREFER = 'odata.maxpagesize={size}';
const byPreference: SizeWay = {
  param: null,
  asking: (size) => ({ headers: { Prefer: PREFER.replace('{size}', String(size)) } }),
};

export const isOData = (page: SeenPage): boolean =>
  [...around(page.answer.json).keys()].some((path) => /@?odata\./i.test(path));

export async function findSize(endpoint: Endpoint, first: SeenPage): Promise<Sized> {
  const rows = first.ids.length;
  if (rows < 2) return { way: null, small: first };
  const few = rows < 4 ? 1 : 2;
  let small = first;
  const effectOf = async (asking: Asking): Promise<Effect> => {
    const page = await endpoint.page(asking);
    if (page === null) return 'other';
    if (isSameList(page.ids, first.ids)) return 'ignored';
    if (!isSameList(page.ids, first.ids.slice(0, few))) return 'other';
    small = page;
    return 'works';
  };
  const evidence = (what: string): string => `${what} gave the first ${few} of ${rows} rows`;
  if (isOData(first) && (await effectOf(byPreference.asking(few))) === 'works')
    return { way: proven(byPreference, evidence(`Prefer: ${PREFER.replace('{size}', String(few))}`)), small };
  const names = [...hinted(first, rows), ...NAMES];
  const name = await findParameter(names, String(few), endpoint.learned, (query: Query) => effectOf({ query }));
  return name === null
    ? { way: null, small: first }
    : { way: proven(byParam(name), evidence(`${name}=${few}`)), small };
}

/** Names beside the records, and in links of the vendor's, that hold just this many. */
function hinted({ answer }: SeenPage, rows: number): string[] {
  const beside = around(answer.json);
  const keys = [...beside].filter(([, value]) => value === rows).map(([path]) => path.replace(/^.*\./, ''));
  const links = [...beside.values(), answer.headers.get('link')?.replace(/[<>;].*$/, '')]
    .map(String)
    .filter((text) => text.includes('?'));
  const inLinks = links.flatMap((link) =>
    [...new URLSearchParams(link.slice(link.indexOf('?')))].filter(([, value]) => value === String(rows)),
  );
  return [...inLinks.map(([name]) => name), ...keys].filter((name) =>
    /size|limit|per|top|rows|length|take/i.test(name),
  );
}

export interface Ceiling {
  /** What the profile asks for. */
  readonly size: Guess<number>;
  readonly max: Guess<number> | null;
  /** Nothing is behind the largest page: it holds every record. */
  readonly isWhole: boolean;
  /** The largest page seen: what the guesses about fields rest on. */
  readonly page: SeenPage;
}

/** Asks for many. A page that is shorter than asked, with more behind it, was capped without a word. */
export async function findCeiling(
  endpoint: Endpoint,
  first: SeenPage,
  way: SizeWay,
  more: (page: SeenPage) => Promise<boolean | null>,
): Promise<Ceiling> {
  for (const asked of [SIZE_WANTED, ...SMALLER]) {
    const page = await endpoint.page(way.asking(asked));
    if (page === null || page.ids.length === 0) continue; // refused: too many
    const got = page.ids.length;
    if (got > asked) break; // not what was asked for at all
    if (got === asked) return { size: proven(asked, `${asked} asked, ${asked} came`), max: null, isWhole: false, page };
    const isMore = await more(page);
    if (isMore !== true) {
      const size = guessed(asked, 0.6, `accepted, but there are only ${got} records to send`);
      return { size, max: null, isWhole: isMore === false, page };
    }
    // The page it sends anyway: asked for too much, some vendors act as if nothing had been asked.
    if (got === first.ids.length && asked === SIZE_WANTED) continue;
    const evidence = `capped silently: ${asked} asked, ${got} came, and there are more`;
    return { size: proven(got, evidence), max: proven(got, evidence), isWhole: false, page };
  }
  const size = guessed(first.ids.length, 0.5, 'the page that comes when nothing is asked; larger ones were refused');
  return { size, max: null, isWhole: false, page: first };
}
