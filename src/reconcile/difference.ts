/** What two sides that should be equal can differ in. */
import type { ObjectType } from '../pipe.ts';

/**
 * `changed`: a property that the source owns has another value. `missing`: gone without a trace. `key-changed`: the object
 * is there, under another key or none. `archived`: in the recycle bin. `merged`: swallowed by another object. `orphan`: a
 * key the state does not know. `duplicate`: a second object with a known key. `deleted-at-source`: HubSpot has what the
 * source has no more.
 */
export const KINDS = [
  'changed',
  'missing',
  'key-changed',
  'archived',
  'merged',
  'orphan',
  'duplicate',
  'deleted-at-source',
] as const;
export type Kind = (typeof KINDS)[number];

export interface PropertyDifference {
  readonly name: string;
  /** As it was sent; '' for none. */
  readonly expected: string;
  /** As HubSpot has it; null for none. */
  readonly found: string | null;
}

export interface Difference {
  readonly kind: Kind;
  readonly object: ObjectType;
  /** As HubSpot has it for orphans and duplicates, as the source has it for all others. */
  readonly key: string;
  /** Null for what the state does not know. */
  readonly entity: string | null;
  readonly hubspotId: string | null;
  /** The survivor of a merge, or the object that has the key as well. */
  readonly other: { readonly hubspotId: string; readonly key: string | null } | null;
  /** Of `changed` only. */
  readonly properties: readonly PropertyDifference[];
  /** What was or was not done about it, and why. */
  readonly note: string | null;
}

export const difference = (
  kind: Kind,
  of: Pick<Difference, 'object' | 'key' | 'entity' | 'hubspotId'>,
  more: Partial<Pick<Difference, 'other' | 'properties' | 'note'>> = {},
): Difference => ({
  kind,
  object: of.object,
  key: of.key,
  entity: of.entity,
  hubspotId: of.hubspotId,
  other: null,
  properties: [],
  note: null,
  ...more,
});
