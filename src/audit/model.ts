/** What `audit` finds out about a portal: numbers, names of properties and stages, ids of records; nobody's data. */
import type { ObjectType } from '../pipe.ts';

/** How many records have a value. `value` is HubSpot's name of it, `label` what people see. */
export interface Share {
  readonly value: string;
  readonly label: string;
  readonly count: number;
}

/** The values of one property, each counted by a search of its own. */
export interface Breakdown {
  readonly object: ObjectType;
  readonly property: string;
  readonly shares: readonly Share[];
  /** Records without a value. */
  readonly without: number;
}

export interface PipelineUse {
  readonly id: string;
  readonly label: string;
  readonly stages: readonly Share[];
}

export interface CustomProperty {
  readonly object: ObjectType;
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly isUnique: boolean;
  /** Records with a value; null beyond the number of properties that are counted. */
  readonly used: number | null;
}

/** Records of the sample that share a value. */
export interface Twins {
  readonly object: ObjectType;
  /** What they share: `e-mail`, `name` or `domain`. */
  readonly by: string;
  readonly sampled: number;
  readonly groups: number;
  readonly records: number;
  /** HubSpot ids of the largest groups: to be opened in HubSpot, no values. */
  readonly examples: readonly (readonly string[])[];
}

export interface Audit {
  readonly portalId: string;
  readonly accountType: string;
  readonly timeZone: string;
  readonly currencies: readonly string[];
  readonly at: string;
  readonly counts: readonly { readonly object: ObjectType; readonly total: number }[];
  readonly breakdowns: readonly Breakdown[];
  /** Null when they could not be read; so are the numbers below. */
  readonly pipelines: readonly PipelineUse[] | null;
  readonly customProperties: readonly CustomProperty[];
  /** False when those of an object could not be read: then the list above is not all. */
  readonly areCustomPropertiesKnown: boolean;
  readonly duplicates: readonly Twins[];
  /** `absent`: the portal has no such property. */
  readonly marketingContacts: number | 'absent' | null;
  readonly owners: number | null;
  /** Parts that could not be read, with the reason: the rest stands. */
  readonly gaps: readonly { readonly part: string; readonly reason: string; readonly exit: number }[];
  readonly calls: number;
}
