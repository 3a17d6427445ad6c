/** Asks for the list that a resource is sliced by, or takes the one that the profile holds. */
import type { Partition } from '../../pipe.ts';
import { rowsOf } from './lists.ts';
import type { FilterStyle } from './profile-asking.ts';
import type { Partitions } from './profile-schema.ts';
import { requestOf } from './query.ts';
import { fixedSlices, slicesOf, wholeList } from './slices.ts';
import type { Transport } from './transport.ts';

/** Throws FatalError for a list that is cut short or has rows without id: records would be missed. */
export async function readSlices(
  partitions: Partitions,
  filter: FilterStyle | undefined,
  transport: Transport,
  signal: AbortSignal,
): Promise<readonly Partition[]> {
  const { from } = partitions;
  if (!from) return fixedSlices(partitions, filter);
  const { path, paging, total, query } = from;
  if (paging) {
    const list = { ...from, paging, total: total === undefined ? undefined : { path: total } };
    const rows = await rowsOf(list, query, path, transport, signal);
    return slicesOf(rows, rows.length, partitions, filter);
  }
  const read = (json: unknown): readonly Partition[] => {
    const list = wholeList(json, from);
    return slicesOf(list.rows, list.total, partitions, filter);
  };
  const { value } = await transport.ask({ path, ...requestOf(from, query), what: path, read }, signal);
  return value;
}
