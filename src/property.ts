/** Short ways to write the property tables of the mappers. */
import type { ObjectType, PropertySpec, PropertyType } from './pipe.ts';

type Options = NonNullable<PropertySpec['options']>;
type Extra = Pick<PropertySpec, 'unique' | 'options'>;

/** HubSpot refuses a bool without exactly these two: https://developers.hubspot.com/docs/guides/api/crm/properties */
const YES_NO: Options = [
  { value: 'true', label: 'Yes' },
  { value: 'false', label: 'No' },
];

/** Options whose labels are their values as words: `special-order` reads `Special order`. */
export const optionsOf = (values: readonly string[]): Options =>
  values.map((value) => ({ value, label: value.charAt(0).toUpperCase() + value.slice(1).replaceAll('-', ' ') }));

export const ENVIRONMENT_OPTIONS: Options = optionsOf(['sandbox', 'staging', 'production']);

/** A property of our own: `setup` makes it in its group. */
export const custom =
  (object: ObjectType, group: NonNullable<PropertySpec['group']>) =>
  (name: string, label: string, type: PropertyType, description: string, extra: Extra = {}): PropertySpec => ({
    object,
    name,
    label,
    type,
    owner: 'source',
    group,
    description,
    ...(type === 'bool' ? { options: YES_NO } : {}),
    ...extra,
  });

/** One of HubSpot's own properties, decided by the source. */
export const standard =
  (object: ObjectType) =>
  (name: string, label: string, type: PropertyType, description: string): PropertySpec => ({
    object,
    name,
    label,
    type,
    owner: 'source',
    description,
  });

/** The owner at creation, given by the sales rep's e-mail; afterwards people decide. */
export const ownerAtCreation = (object: ObjectType): PropertySpec => ({
  object,
  name: 'hubspot_owner_id',
  label: 'Owner',
  type: 'enumeration',
  owner: 'create-only',
  refersTo: 'owner',
  description: "The sales rep's HubSpot user, found by e-mail; set when the record is created.",
});

/** Where a deal stands, by the keys of the mapping's pipeline; the sink puts the portal's ids in their place. */
export const dealPlace: readonly PropertySpec[] = [
  {
    object: 'deals',
    name: 'pipeline',
    label: 'Pipeline',
    type: 'enumeration',
    owner: 'source',
    refersTo: 'pipeline',
    description: 'The pipeline of this kind of deal.',
  },
  {
    object: 'deals',
    name: 'dealstage',
    label: 'Deal stage',
    type: 'enumeration',
    owner: 'source',
    refersTo: 'stage',
    description: 'The stage that matches the state in the source.',
  },
];
