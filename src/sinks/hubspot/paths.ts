/** The one place that knows how HubSpot spells its paths in each API version. */
import type { ObjectType } from '../../pipe.ts';

/**
 * `2026-03` writes like v3 and is supported for longer; from `2026-09` on, the portal's validation rules apply to
 * API writes too (developers.hubspot.com/changelog/crm-api-write-validation-enforcement).
 */
export type ApiVersion = 'v3' | '2026-03' | '2026-09';

type BatchAction = 'upsert' | 'update' | 'read';
/** The associations API of v3 times is v4's; the dated versions have it under their own path. */
export type AssociationAction = 'associate/default' | 'create' | 'read' | 'archive' | 'labels/archive';

/** Paths below the base URL. Every argument is encoded; none of them carries a query. */
export interface Paths {
  batch(object: ObjectType, action: BatchAction): string;
  objects(object: ObjectType): string;
  search(object: ObjectType): string;
  associations(from: ObjectType, to: ObjectType, action: AssociationAction): string;
  properties(object: ObjectType): string;
  property(object: ObjectType, name: string): string;
  propertyBatch(object: ObjectType, action: 'create'): string;
  groups(object: ObjectType): string;
  pipelines(object: ObjectType): string;
  stages(object: ObjectType, pipelineId: string): string;
  readonly pipelineLimits: string;
  readonly propertyLimits: string;
  readonly owners: string;
  readonly account: string;
  /** The same in every version. */
  readonly tokenInfo: string;
}

/** A family's base in the old layout (`/crm/v3/objects`) or the dated one (`/crm/objects/2026-03`). */
const base = (version: ApiVersion, family: string): string =>
  version === 'v3' ? `/crm/v3/${family}` : `/crm/${family}/${version}`;

/** Paths as in developers.hubspot.com/docs/api-reference, `legacy` for v3 and the version's own section else. */
export function pathsOf(version: ApiVersion): Paths {
  const objects = base(version, 'objects');
  const properties = base(version, 'properties');
  const pipelines = base(version, 'pipelines');
  const associations = version === 'v3' ? '/crm/v4/associations' : base(version, 'associations');
  const part = encodeURIComponent;
  return {
    batch: (object, action) => `${objects}/${object}/batch/${action}`,
    objects: (object) => `${objects}/${object}`,
    search: (object) => `${objects}/${object}/search`,
    associations: (from, to, action) => `${associations}/${from}/${to}/batch/${action}`,
    properties: (object) => `${properties}/${object}`,
    property: (object, name) => `${properties}/${object}/${part(name)}`,
    propertyBatch: (object, action) => `${properties}/${object}/batch/${action}`,
    groups: (object) => `${properties}/${object}/groups`,
    pipelines: (object) => `${pipelines}/${object}`,
    stages: (object, pipelineId) => `${pipelines}/${object}/${part(pipelineId)}/stages`,
    pipelineLimits: `${base(version, 'limits')}/pipelines`,
    propertyLimits: `${base(version, 'limits')}/custom-properties`,
    owners: `${base(version, 'owners')}${version === 'v3' ? '/' : ''}`,
    account: version === 'v3' ? '/account-info/v3/details' : `/account-info/${version}/details`,
    tokenInfo: '/oauth/v2/private-apps/get/access-token-info',
  };
}
