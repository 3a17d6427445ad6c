/** Findings about paging and keys as lines of the profile. */

import type { SeenPage } from './endpoint.ts';
import { block, type Entry, fixed, needed, optional } from './entry.ts';
import type { ModifiedAt } from './identity.ts';
import { gap, guessed, type Said } from './model.ts';
import type { Pages } from './pages.ts';
import type { Style } from './paging.ts';
import type { SizeWay } from './size.ts';
import type { TotalPlace } from './total.ts';

export const listWords = (rows: number, others: readonly string[]): string =>
  `a list of ${rows} objects${others.length === 0 ? '' : `; other lists: ${others.join(', ')}`}`;

export const placeOf = (place: TotalPlace): unknown => ('path' in place ? place.path : place);
export const changeOf = ({ path, format }: ModifiedAt): unknown => (format === 'iso' ? path : { path, format });

/** What the address carries, without what the profile says in places of its own. */
export function queryEntry(
  url: URL,
  {
    style,
    way,
    countQuery,
  }: { style: Style | null; way: SizeWay | null; countQuery: Readonly<Record<string, string>> },
): Entry[] {
  const own = new Set([way?.param, style !== null && 'param' in style ? style.param : null]);
  const query = { ...Object.fromEntries([...url.searchParams].filter(([name]) => !own.has(name))), ...countQuery };
  return Object.keys(query).length === 0 ? [] : [fixed('query', query)];
}

export function pagingEntry({ style, way, ceiling }: Pages, first: SeenPage): Entry {
  if (style.value === null) {
    const rows = first.ids.length;
    const whole = `{ kind: link, from: next, size: ${rows} } if the vendor says that all come in one answer`;
    return needed('paging', gap(style.evidence, 'candidates' in style ? [...style.candidates, whole] : [whole]));
  }
  const size =
    ceiling?.size ?? guessed(first.ids.length, 0.6, 'the page as it comes; no parameter for its size was found');
  const inner: Entry[] = [
    ...Object.entries(style.value).map(([key, value]) => fixed(key, value)),
    ...(way?.param ? [fixed('sizeParam', way.param)] : []),
    optional('size', size),
    ...(ceiling?.max ? [optional('sizeMax', ceiling.max)] : []),
  ];
  return block('paging', inner, style);
}

export function byIdEntry(byId: Said<{ byIds: unknown } | { byId: unknown }>): Entry[] {
  if (byId.value === null) return [optional('byIds', byId)];
  const [[key, value] = ['byIds', null]] = Object.entries(byId.value);
  return [{ key, value, said: { ...byId, value } }];
}
