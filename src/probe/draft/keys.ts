/** Reading single records again, and asking for an order by change: both save the runs work, neither is needed. */
import { idOf } from '../../sources/erp/canonical.ts';
import { isObject, valueAt } from '../../sources/erp/row.ts';
import { around, rowsAt } from './body.ts';
import type { Asking, Endpoint } from './endpoint.ts';
import { gap, proven, type Query, type Said } from './model.ts';
import { findParameter } from './parameters.ts';
import type { Changes } from './since.ts';

export type ById =
  | { readonly byIds: { readonly param: string } }
  | { readonly byId: { readonly path: string; readonly record?: string } };

const IDS = ['ids', 'id', 'keys', 'id[]', 'filter[id]'];
const SORTS = ['sort', 'sortBy', 'sort_by', 'orderBy', 'order_by', 'order', '$orderby', 'orderby', 'sortField'];

/** Two ids in one question give just these two; else one id behind the path gives its record. `path` is the resource's. */
export async function findById(endpoint: Endpoint, ids: readonly string[], path: string): Promise<Said<ById>> {
  const { id, asker } = endpoint;
  const [one, , other] = ids;
  if (id === null || one === undefined || other === undefined) return gap('no two ids to ask for');
  const wanted = [one, other].toSorted();
  const last = id.replace(/^.*\./, '');
  if (!ids.some((text) => text.includes(','))) {
    const param = await findParameter(
      [...IDS, last, `${last}s`],
      `${one},${other}`,
      endpoint.learned,
      async (query) => {
        const page = await endpoint.page({ query });
        if (page === null) return 'other';
        const got = page.ids.toSorted();
        if (got.length === 2 && got[0] === wanted[0] && got[1] === wanted[1]) return 'works';
        return page.ids.length > 2 ? 'ignored' : 'other';
      },
    );
    if (param !== null) return proven({ byIds: { param } }, `${param}= with two ids gave just these two`);
  }
  const url = new URL(endpoint.url);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${encodeURIComponent(other)}`;
  const answer = await asker.ask(url);
  const record = [null, 'data', ...around(answer?.json).keys()]
    .map((key) => (key === null ? null : key.replace(/\.[^.]*$/, '')))
    .find((key) => {
      const value = key === null ? answer?.json : valueAt(answer?.json, key);
      return isObject(value) && idOf(valueAt(value, id)) === other;
    });
  if (record === undefined || rowsAt(answer?.json, endpoint.records) !== null)
    return gap(
      'neither several ids in one question nor one id behind the path gave records; not needed, but doubts are settled so',
    );
  return proven(
    { byId: { path: `${path}/{id}`, ...(record === null ? {} : { record }) } },
    'one id behind the path gave its record',
  );
}

/** An order by change that was not there before. */
export async function findSort(
  endpoint: Endpoint,
  asking: Asking,
  changes: Changes,
): Promise<Said<{ param: string; value: string }>> {
  const datesOf = async (query: Query): Promise<readonly number[] | null> => {
    const page = await endpoint.page({ ...asking, query: { ...asking.query, ...query } });
    return page === null ? null : page.rows.map(changes.msOf).filter((ms) => ms !== null);
  };
  const isAscending = (dates: readonly number[]): boolean =>
    dates.length > 2 && dates.every((ms, at) => at === 0 || ms >= (dates[at - 1] ?? ms));
  const before = await datesOf({});
  if (before === null || before.length < 3) return gap('too few records to see an order');
  if (isAscending(before))
    return gap(
      'records come in the order of their changes already, or by chance: whether it can be asked for does not show',
    );
  const param = await findParameter(SORTS, changes.path, endpoint.learned, async (query) => {
    const dates = await datesOf(query);
    if (dates === null) return 'other';
    if (isAscending(dates) && (dates[0] ?? 0) <= Math.min(...before)) return 'works';
    return dates.length === before.length && dates.every((ms, at) => ms === before[at]) ? 'ignored' : 'other';
  });
  const { shortage } = endpoint.asker;
  return param === null
    ? gap(shortage === null ? 'none of the names in use orders by change' : `${shortage} before every name was tried`)
    : proven(
        { param, value: changes.path },
        `${param}=${changes.path}: ${before.length} records ascend by change, and did not before`,
      );
}
