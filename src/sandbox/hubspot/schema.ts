/** Property definitions and groups of each object type, with the rules of changing them. */
import { conflict, invalidInput, notFound } from './errors.ts';
import { KINDS, OBJECT_NAMES, type ObjectName } from './kinds.ts';
import { standardProperties } from './standard.ts';

export type ValueType = 'string' | 'number' | 'date' | 'datetime' | 'enumeration' | 'bool' | 'phone_number';

export interface PropertyOption {
  readonly label: string;
  readonly value: string;
  readonly displayOrder: number;
  readonly hidden: boolean;
}

export interface PropertyDefinition {
  readonly name: string;
  readonly label: string;
  readonly type: ValueType;
  readonly fieldType: string;
  readonly groupName: string;
  readonly description: string;
  readonly options: readonly PropertyOption[];
  readonly displayOrder: number;
  readonly hasUniqueValue: boolean;
  readonly hidden: boolean;
  readonly formField: boolean;
  readonly externalOptions: boolean;
  readonly hubspotDefined: boolean;
  readonly readOnlyValue: boolean;
  /** Sensitive properties are listed only on request. */
  readonly sensitive: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly archivedAtMs: number | null;
}

export interface PropertyGroup {
  readonly name: string;
  readonly label: string;
  readonly displayOrder: number;
}

/** Source: developers.hubspot.com/docs/api-reference/crm-properties-v3/guide (unique value properties). */
const UNIQUE_PROPERTIES_MAX = 10;

export class Schema {
  readonly #properties = new Map<ObjectName, Map<string, PropertyDefinition>>();
  readonly #groups = new Map<ObjectName, Map<string, PropertyGroup>>();
  readonly #unique = new Map<ObjectName, readonly string[]>();

  constructor(currencies: readonly string[]) {
    for (const object of OBJECT_NAMES) {
      const group = KINDS[object].defaultGroup;
      const defined = standardProperties(object, group, currencies);
      this.#properties.set(object, new Map(defined.map((property) => [property.name, property])));
      this.#groups.set(object, new Map([[group, { name: group, label: group, displayOrder: 0 }]]));
    }
  }

  /** A live property; undefined when nobody defined it or it is archived. */
  find(object: ObjectName, name: string): PropertyDefinition | undefined {
    const property = this.#of(object).get(name);
    return property?.archivedAtMs === null ? property : undefined;
  }

  /** As `find`. @throws Refusal 404 */
  get(object: ObjectName, name: string): PropertyDefinition {
    const property = this.find(object, name);
    if (property) return property;
    throw notFound(`Property "${name}" does not exist`, { context: { propertyName: [name] } });
  }

  list(object: ObjectName, archived: boolean): readonly PropertyDefinition[] {
    return [...this.#of(object).values()].filter((property) => (property.archivedAtMs !== null) === archived);
  }

  /** Names whose values no two records may share; `email` of contacts is one of them. */
  uniqueNames(object: ObjectName): readonly string[] {
    const known = this.#unique.get(object);
    if (known) return known;
    const names = this.list(object, false)
      .filter((property) => property.hasUniqueValue || (object === 'contacts' && property.name === 'email'))
      .map((property) => property.name);
    this.#unique.set(object, names);
    return names;
  }

  customCount(object: ObjectName): number {
    return this.list(object, false).filter((property) => !property.hubspotDefined).length;
  }

  /**
   * Adds a property, or restores an archived one of that name with the new definition.
   * @throws Refusal 409 for a live name, 400 for the eleventh unique property.
   */
  add(object: ObjectName, property: PropertyDefinition): void {
    if (this.find(object, property.name)) {
      throw conflict(`A property named '${property.name}' already exists.`, {
        category: 'OBJECT_ALREADY_EXISTS',
        subCategory: 'Properties.PROPERTY_WITH_NAME_EXISTS',
      });
    }
    const unique = this.list(object, false).filter((known) => known.hasUniqueValue).length;
    if (property.hasUniqueValue && unique >= UNIQUE_PROPERTIES_MAX) {
      throw invalidInput(`An object type can have at most ${UNIQUE_PROPERTIES_MAX} properties with unique values.`);
    }
    this.#put(object, property);
  }

  replace(object: ObjectName, property: PropertyDefinition): void {
    this.#put(object, property);
  }

  /** Archiving an unknown name is no error. @throws Refusal 400 for HubSpot's own properties. */
  archive(object: ObjectName, name: string, atMs: number): void {
    const property = this.find(object, name);
    if (!property) return;
    if (property.hubspotDefined) throw invalidInput(`Property "${name}" is defined by HubSpot and cannot be archived.`);
    this.#put(object, { ...property, archivedAtMs: atMs });
  }

  groups(object: ObjectName): readonly PropertyGroup[] {
    return [...this.#groupsOf(object).values()];
  }

  /** @throws Refusal 404 */
  group(object: ObjectName, name: string): PropertyGroup {
    const group = this.#groupsOf(object).get(name);
    if (group) return group;
    throw notFound(`Property group "${name}" does not exist`);
  }

  hasGroup(object: ObjectName, name: string): boolean {
    return this.#groupsOf(object).has(name);
  }

  putGroup(object: ObjectName, group: PropertyGroup): void {
    this.#groupsOf(object).set(group.name, group);
  }

  /** @throws Refusal 400 while it has active properties. */
  archiveGroup(object: ObjectName, name: string): void {
    if (this.list(object, false).some((property) => property.groupName === name)) {
      throw invalidInput(`Property group "${name}" still has properties and cannot be archived.`);
    }
    this.#groupsOf(object).delete(name);
  }

  #put(object: ObjectName, property: PropertyDefinition): void {
    this.#of(object).set(property.name, property);
    this.#unique.delete(object);
  }

  #of(object: ObjectName): Map<string, PropertyDefinition> {
    return entry(this.#properties, object);
  }

  #groupsOf(object: ObjectName): Map<string, PropertyGroup> {
    return entry(this.#groups, object);
  }
}

function entry<V>(maps: Map<ObjectName, Map<string, V>>, object: ObjectName): Map<string, V> {
  const found = maps.get(object);
  if (found) return found;
  const fresh = new Map<string, V>();
  maps.set(object, fresh);
  return fresh;
}
