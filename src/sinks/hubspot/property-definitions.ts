/** Our property specs in HubSpot's terms, and what an existing property of that name lacks. */
import type { ObjectType, PropertySpec, PropertyType } from '../../pipe.ts';
import type { OptionReply, PropertyReply } from './replies.ts';

/** Form fields that HubSpot accepts for a type (developers.hubspot.com/docs/api-reference, CRM properties guide). */
const FIELD_TYPES: Readonly<Record<PropertyType, string>> = {
  string: 'text',
  number: 'number',
  date: 'date',
  datetime: 'date',
  enumeration: 'select',
  bool: 'booleancheckbox',
};

export const GROUP_LABELS: Readonly<Record<NonNullable<PropertySpec['group']>, string>> = {
  erp_sync: 'ERP sync',
  square_sync: 'Square sync',
};

export interface OptionDefinition {
  readonly value: string;
  readonly label: string;
  readonly displayOrder: number;
  readonly hidden: boolean;
}

/** The body of a property create. `hasUniqueValue` can be set here and never again. */
export function definitionOf(spec: PropertySpec) {
  return {
    name: spec.name,
    label: spec.label,
    type: spec.type,
    fieldType: FIELD_TYPES[spec.type],
    groupName: spec.group,
    hasUniqueValue: spec.unique ?? false,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    options: optionsOf(spec).map((option, index) => ({ ...option, displayOrder: index, hidden: false })),
  };
}

/** A bool needs exactly these two, or HubSpot answers INVALID_BOOLEAN_OPTION. */
const optionsOf = (spec: PropertySpec): readonly { readonly value: string; readonly label: string }[] =>
  spec.type === 'bool'
    ? [
        { value: 'true', label: 'Yes' },
        { value: 'false', label: 'No' },
      ]
    : (spec.options ?? []);

/** Why an existing property cannot serve, in a sentence that says what to do; null when it can. */
export function unfit(spec: PropertySpec, existing: PropertyReply): string | null {
  const name = `${spec.name} on ${spec.object}`;
  if (existing.type && existing.type !== spec.type) {
    return `${name} exists with type ${existing.type}, but ${spec.type} is needed: rename or delete it in HubSpot, then run setup again.`;
  }
  if (existing.calculated) {
    return `${name} exists as a calculated property, which cannot be written: rename it in HubSpot, then run setup again.`;
  }
  if (spec.unique && existing.hasUniqueValue !== true) {
    return `${name} exists without unique values, which HubSpot allows nobody to change later: save its values if they matter, delete it in HubSpot (Settings, Properties), then run setup again.`;
  }
  if (existing.modificationMetadata?.readOnlyOptions && missingOptions(spec, existing).length > 0) {
    return `${name} lacks options and HubSpot does not let them be changed: ${missingOptions(spec, existing).join(', ')}.`;
  }
  return null;
}

/** Values of ours that the property does not offer. Compared exactly, as HubSpot does when it validates a write. */
export function missingOptions(spec: PropertySpec, existing: PropertyReply): readonly string[] {
  if (spec.type !== 'enumeration') return [];
  const there = new Set((existing.options ?? []).map((option) => option.value));
  return optionsOf(spec)
    .map((option) => option.value)
    .filter((value) => !there.has(value));
}

/**
 * All options the property shall have: HubSpot replaces the list as a whole, so people's options, labels and order
 * are sent back as they are and ours follow.
 */
export function mergedOptions(
  spec: PropertySpec,
  existing: PropertyReply,
): readonly (OptionReply | OptionDefinition)[] {
  const kept = existing.options ?? [];
  const missing = new Set(missingOptions(spec, existing));
  const last = Math.max(-1, ...kept.map((option) => option.displayOrder ?? -1));
  const added = optionsOf(spec).filter((option) => missing.has(option.value));
  return [
    ...kept.map((option, index) => ({
      ...option,
      label: option.label ?? option.value,
      displayOrder: option.displayOrder ?? index,
      hidden: option.hidden ?? false,
    })),
    ...added.map((option, index) => ({ ...option, displayOrder: last + 1 + index, hidden: false })),
  ];
}

/** Specs of several mappings as one list per object: the same property of two mappings is one, its options united. */
export function unitedSpecs(specs: readonly PropertySpec[]): ReadonlyMap<ObjectType, readonly PropertySpec[]> {
  const byName = new Map<string, PropertySpec>();
  for (const spec of specs) {
    if (spec.group === undefined) continue; // HubSpot's own
    const name = `${spec.object} ${spec.name}`;
    const earlier = byName.get(name);
    byName.set(name, earlier ? unite(earlier, spec) : spec);
  }
  return Map.groupBy(byName.values(), (spec) => spec.object);
}

function unite(a: PropertySpec, b: PropertySpec): PropertySpec {
  const options = new Map([...(a.options ?? []), ...(b.options ?? [])].map((option) => [option.value, option]));
  return {
    ...a,
    ...(a.unique || b.unique ? { unique: true } : {}),
    ...(options.size > 0 ? { options: [...options.values()] } : {}),
  };
}
