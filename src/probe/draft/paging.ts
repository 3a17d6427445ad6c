/** Which paging an API has, and whether it filters by change: tried, not only read from names. */
import { type Answer, type Ask, type Json, Row, rowsOf } from './ask.ts';

export interface Guess<T> {
  readonly value: T;
  readonly confidence: 'high' | 'medium' | 'low';
  readonly reason: string;
}
export type PagingDraft = Readonly<Record<string, string | number>>;

const NEXT_LINK = /^(@odata\.nextlink|next|next_?link|next_?(page_?)?url)$/i;
const NEXT_TOKEN = /^(next_?(page_?)?(cursor|token)|cursor|continuation_?token)$/i;
const CURSORS = ['cursor', 'page_token', 'pageToken', 'after', 'continuationToken'];
const PAGES = ['page', 'pageNumber', 'page_number', 'p'];
const OFFSETS = ['offset', 'skip', '$skip', 'start', 'limit_start'];
const SINCES = ['modifiedSince', 'modified_since', 'updatedSince', 'updated_since', 'updated_after', 'modified_after', 'since'];
const DAY_MS = 86_400_000;

const withParam = (url: URL, name: string, value: string): URL => {
  const asked = new URL(url);
  asked.searchParams.set(name, value);
  return asked;
};
const first = (answer: Answer | null): string | null => {
  const row = answer?.status === 200 ? rowsOf(answer.body)?.rows[0] : undefined;
  return row ? JSON.stringify(row) : null;
};

function textsIn(body: unknown): [string, string][] {
  const top = Row.safeParse(body).data ?? {};
  return Object.entries(top).flatMap(([key, value]): [string, string][] => {
    if (typeof value === 'string' && value) return [[key, value]];
    const inner = Row.safeParse(value).data ?? {};
    return Object.entries(inner).flatMap(([name, text]): [string, string][] =>
      typeof text === 'string' && text ? [[`${key}.${name}`, text]] : [],
    );
  });
}

export async function guessPaging(ask: Ask, url: URL, answer: Answer, rows: readonly Json[]): Promise<Guess<PagingDraft>> {
  const size = Math.min(rows.length, 20_000);
  const before = first(answer);
  const moved = async (next: URL) => {
    const after = first(await ask(next));
    return after !== null && after !== before;
  };
  if (/rel="?next"?/i.test(answer.headers.get('link') ?? ''))
    return { value: { kind: 'link-header', size }, confidence: 'high', reason: 'the answer has a Link header with rel=next' };
  const texts = textsIn(answer.body);
  const named = (pattern: RegExp) => texts.find(([path]) => pattern.test(path) || pattern.test(path.replace(/^[^.]*\./, '')));
  const link = named(NEXT_LINK);
  if (link && URL.canParse(link[1], url.href) && (await moved(new URL(link[1], url))))
    return { value: { kind: 'link', from: link[0], size }, confidence: 'high', reason: `${link[0]} led to other records` };
  const token = named(NEXT_TOKEN);
  for (const param of token ? CURSORS : [])
    if (token && (await moved(withParam(url, param, token[1]))))
      return { value: { kind: 'cursor', param, from: token[0], size }, confidence: 'high', reason: `${param} with ${token[0]} gave other records` };
  for (const param of PAGES) {
    if (!(await moved(withParam(url, param, '2')))) continue;
    const zero = first(await ask(withParam(url, param, '1'))) !== before ? 0 : 1;
    return { value: { kind: 'page', param, first: zero, size }, confidence: 'high', reason: `${param}=2 gave other records` };
  }
  const second = rows[1] ? JSON.stringify(rows[1]) : null;
  for (const param of OFFSETS)
    if (second !== null && first(await ask(withParam(url, param, '1'))) === second)
      return { value: { kind: 'offset', param, size }, confidence: 'high', reason: `${param}=1 began with the second record` };
  return { value: { kind: 'page', param: 'page', size }, confidence: 'low', reason: 'no second page was found; fill in from the documents' };
}

/** A bound a day after the newest change seen must leave fewer records, and one long before it must leave some. */
export async function guessSince(ask: Ask, url: URL, rows: readonly Json[], modifiedAt: string): Promise<Guess<string> | null> {
  const moments = rows.map((row) => Date.parse(String(row[modifiedAt]))).filter(Number.isFinite);
  if (moments.length === 0) return null;
  const late = new Date(moments.reduce((a, b) => Math.max(a, b)) + 20 * 365 * DAY_MS).toISOString();
  for (const param of SINCES) {
    const none = await ask(withParam(url, param, late));
    if (none?.status !== 200 || (rowsOf(none.body)?.rows.length ?? 0) >= rows.length) continue;
    const all = await ask(withParam(url, param, '1990-01-01T00:00:00.000Z'));
    if (all?.status === 200 && (rowsOf(all.body)?.rows.length ?? 0) > 0)
      return { value: param, confidence: 'medium', reason: 'a late bound left fewer records, an early one some; whether it is inclusive is not known' };
  }
  return null;
}
