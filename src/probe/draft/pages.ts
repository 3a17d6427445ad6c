/** Everything about pages of one address, in the order in which one finding needs the other. */
import { valueAt } from '../../sources/erp/row.ts';
import type { Endpoint, SeenPage } from './endpoint.ts';
import { type Gap, gap, isSameList, type Said } from './model.ts';
import { findPaging, type Style } from './paging.ts';
import { type Ceiling, findCeiling, findSize, type SizeWay } from './size.ts';

export interface Pages {
  /** The same question gave the same rows: without that, nothing about pages is proven. */
  readonly isStable: boolean;
  readonly way: SizeWay | null;
  readonly style: Said<Style>;
  readonly ceiling: Ceiling | null;
  /** The first page, as few rows as can be asked for; then the one after it, and the largest. */
  readonly small: SeenPage;
  readonly second: SeenPage | null;
  readonly large: SeenPage;
}

export async function pagesOf(endpoint: Endpoint, first: SeenPage, say: (doing: string) => void): Promise<Pages> {
  say('page size');
  const again = await endpoint.page({});
  if (again === null || !isSameList(again.ids, first.ids))
    return {
      isStable: false,
      way: null,
      style: unstable(again),
      ceiling: null,
      small: first,
      second: null,
      large: first,
    };
  const { way: found, small } = await findSize(endpoint, first);
  const way = found?.value ?? null;
  say('paging');
  const { style, second } = await findPaging(endpoint, small, first, way?.asking(small.ids.length) ?? {});
  say('the largest page');
  const more = (page: SeenPage): Promise<boolean | null> => isMoreBehind(endpoint, page, style.value);
  const ceiling = way === null || style.value === null ? null : await findCeiling(endpoint, first, way, more);
  const large = ceiling?.page ?? first;
  return {
    isStable: true,
    way,
    style: inOrder(style, small, second, large, way !== null),
    ceiling,
    small,
    second,
    large,
  };
}

const unstable = (again: SeenPage | null): Gap =>
  again === null
    ? gap('the same question asked again got no such answer')
    : gap(
        'the same question asked again gave other rows, or another order: no paging can be trusted. Give --url an address that sorts, such as …?sort=id',
      );

/** The large page begins with the first two small ones: nothing was left out between them, and the size is honoured. */
function inOrder(
  style: Said<Style>,
  small: SeenPage,
  second: SeenPage | null,
  large: SeenPage,
  isSized: boolean,
): Said<Style> {
  if (style.value === null || second === null || !('isProven' in style) || !style.isProven || !isSized) return style;
  const both = [...small.ids, ...second.ids];
  if (large.ids.length < both.length) return style;
  if (isSameList(large.ids.slice(0, both.length), both))
    return { ...style, evidence: `${style.evidence}; a larger page holds both in order` };
  return gap(`${style.evidence}; but one larger page does not hold both: rows would be missed`, [
    JSON.stringify(style.value),
  ]);
}

/** Null: no answer, which says nothing. */
async function isMoreBehind(endpoint: Endpoint, page: SeenPage, style: Style | null): Promise<boolean | null> {
  if (style === null) return false;
  if (style.kind === 'link-header') return /rel\s*=\s*"?next\b/i.test(page.answer.headers.get('link') ?? '');
  if (style.kind === 'link' || style.kind === 'cursor') return Boolean(valueAt(page.answer.json, style.from));
  const query = Object.fromEntries(page.url.searchParams);
  const at = style.kind === 'page' ? style.first + 1 : page.ids.length;
  const next = await endpoint.page({ query: { ...query, [style.param]: String(at) } });
  return next === null ? null : next.ids.length > 0 && !isSameList(next.ids, page.ids);
}
