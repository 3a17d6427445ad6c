/**
 * Which resource a path names, under the legacy and the dated spelling of it.
 * Source: developers.hubspot.com/docs/api-reference/legacy/migration-guide
 */
import type { VendorRequest } from '../http.ts';

/** v3 stands for v4 too, where associations have no v3 form. */
export type Version = 'v3' | '2026-03' | '2026-09';

type Area =
  | 'objects'
  | 'associations'
  | 'properties'
  | 'pipelines'
  | 'owners'
  | 'limits'
  | 'account'
  | 'token'
  | 'unknown';

/** Whose budget a request spends. Search and association batches are exempt from the ten-second policy. */
export type Budget = 'burst' | 'search' | 'associations' | 'none';

export interface Route {
  readonly area: Area;
  readonly version: Version;
  /** Path segments behind the resource, decoded. */
  readonly rest: readonly string[];
  readonly budget: Budget;
  readonly kind: 'read' | 'write' | 'search';
}

const DATED: ReadonlySet<string> = new Set(['2026-03', '2026-09']);
const CRM_AREAS: ReadonlySet<string> = new Set([
  'objects',
  'associations',
  'properties',
  'pipelines',
  'owners',
  'limits',
]);

const isDated = (segment: string | undefined): segment is '2026-03' | '2026-09' => DATED.has(segment ?? '');
const isCrmArea = (segment: string | undefined): segment is Exclude<Area, 'account' | 'token' | 'unknown'> =>
  CRM_AREAS.has(segment ?? '');

export function routeOf(request: VendorRequest): Route {
  const segments = request.url.pathname
    .split('/')
    .filter((segment) => segment !== '')
    .map(decoded);
  const { area, version, rest } = locate(segments);
  const batchRead = rest.at(-1) === 'read' && rest.at(-2) === 'batch';
  const search = area === 'objects' && rest.length === 2 && rest[1] === 'search';
  return {
    area,
    version,
    rest,
    budget: area === 'token' ? 'none' : search ? 'search' : area === 'associations' ? 'associations' : 'burst',
    kind: search ? 'search' : request.method === 'GET' || batchRead ? 'read' : 'write',
  };
}

function locate(segments: readonly string[]): Pick<Route, 'area' | 'version' | 'rest'> {
  const [root, second, third, ...rest] = segments;
  if (root === 'crm' && isCrmArea(second) && isDated(third)) return { area: second, version: third, rest };
  if (root === 'crm' && (second === 'v3' || second === 'v4') && isCrmArea(third)) {
    const fits = second === 'v3' ? third !== 'associations' : third === 'associations' || third === 'objects';
    if (fits) return { area: third, version: 'v3', rest };
  }
  if (root === 'account-info' && (second === 'v3' || isDated(second))) {
    return { area: 'account', version: second, rest: segments.slice(2) };
  }
  const token = segments.join('/') === 'oauth/v2/private-apps/get/access-token-info';
  return { area: token ? 'token' : 'unknown', version: 'v3', rest: [] };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
