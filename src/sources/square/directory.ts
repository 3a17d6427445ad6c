/**
 * Square's customers and locations as a probe sees them: raw, a page at a time, kept by nobody.
 * developer.squareup.com/reference/square/customers-api/search-customers, .../locations-api/list-locations
 */
import type { Inquiry, NoSight, Question, Sight } from '../../inquiry.ts';
import { fieldsIn, textOrNull } from './exact-json.ts';
import { isRecord, recordOf } from './record.ts';
import { ForbiddenError } from './verdict.ts';
import { Wire } from './wire.ts';

/** The most customers a search returns. */
const CUSTOMERS_A_PAGE = 100;

export function squareDirectory(
  what: 'customers' | 'locations',
  { token, baseUrl }: { readonly token: string; readonly baseUrl: string },
): Inquiry {
  const wire = new Wire({ token, baseUrl, deadlineMs: 30_000, retryBaseMs: 500, random: Math.random });
  const cursors: string[] = [];

  async function ask(
    { since, page = 0, size = CUSTOMERS_A_PAGE }: Question,
    signal: AbortSignal,
  ): Promise<Sight | NoSight> {
    const request = `${what} page ${page + 1}${typeof since === 'string' ? ` since ${since}` : ''}`;
    const obstacle = obstacleTo({ since, page });
    if (obstacle !== null) return { kind: 'impossible', request, reason: obstacle };
    const startMs = performance.now();
    try {
      const body =
        what === 'locations'
          ? await wire.call('locations.list', (client, options) => client.locations.list(options), signal)
          : await wire.call(
              'customers.search',
              (client, options) => client.customers.search(search(since, page, size), options),
              signal,
            );
      const cursor = textOrNull(body.cursor);
      if (since === undefined && cursor !== null) cursors[page] = cursor;
      // A location has only the date of its making.
      const rows = fieldsIn(body[what]).map((row) =>
        recordOf({ ...row, updated_at: row.updated_at ?? row.created_at }),
      );
      const records = rows.filter(isRecord);
      const asOf = wire.serverMs === null ? null : new Date(wire.serverMs).toISOString();
      const unusable = rows.flatMap((row) => (isRecord(row) ? [] : [row.raw]));
      return { kind: 'page', request, records, unusable, total: null, asOf, ms: performance.now() - startMs };
    } catch (thrown) {
      if (!(thrown instanceof ForbiddenError)) throw thrown;
      return { kind: 'refused', request, reason: thrown.message };
    }
  }

  function obstacleTo({ since, page }: { since: Question['since']; page: number }): string | null {
    if (typeof since === 'object') return 'the SDK refuses a bound that is no date before it is sent';
    if (what === 'locations' && (since !== undefined || page > 0)) return 'locations are listed whole';
    if (page > 0 && cursors[page - 1] === undefined) return 'no cursor leads to this page';
    return null;
  }

  /** A cursor goes with the very request that it came from. */
  function search(since: Question['since'], page: number, size: number) {
    const cursor = page > 0 ? cursors[page - 1] : undefined;
    return {
      limit: BigInt(size),
      query: {
        ...(typeof since === 'string' ? { filter: { updatedAt: { startAt: since } } } : {}),
        sort: { field: 'CREATED_AT' as const, order: 'ASC' as const },
      },
      ...(cursor === undefined ? {} : { cursor }),
    };
  }

  const canFilter = what === 'customers';
  return { pageSize: null, isSorted: false, canFilter, tellsTime: true, ceilingMs: null, zone: 'UTC', fields: [], ask };
}
