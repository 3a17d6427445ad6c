/** A property definition from what a client sent: at creation and by PATCH. */
import { invalidInput } from './errors.ts';
import { bodyRecord, isRecord, numberOf, textOf } from './json.ts';
import type { ObjectName } from './kinds.ts';
import type { Version } from './route.ts';
import type { PropertyDefinition, PropertyOption, ValueType } from './schema.ts';
import type { World } from './world.ts';

/** The form fields each type may have. Source: developers.hubspot.com/docs/api-reference/crm-properties-v3/guide */
const FIELD_TYPES_OF: Readonly<Record<ValueType, readonly string[]>> = {
  string: ['text', 'textarea', 'html', 'file', 'phonenumber', 'calculation_equation'],
  number: ['number', 'calculation_equation'],
  date: ['date'],
  datetime: ['date'],
  enumeration: ['select', 'radio', 'checkbox', 'booleancheckbox', 'calculation_equation'],
  bool: ['booleancheckbox', 'select', 'radio', 'calculation_equation'],
  phone_number: ['phonenumber'],
};

const NAME = /^[a-z][a-z0-9_]{0,99}$/;

const isValueType = (text: string | null): text is ValueType => text !== null && Object.hasOwn(FIELD_TYPES_OF, text);

/** @throws Refusal 400 for what the portal would not take. */
export function newProperty(world: World, version: Version, object: ObjectName, draft: unknown): PropertyDefinition {
  const body = bodyRecord(draft);
  const name = textOf(body.name) ?? '';
  const label = textOf(body.label) ?? '';
  const groupName = textOf(body.groupName) ?? '';
  const { type, fieldType } = checkedTypes(textOf(body.type), textOf(body.fieldType));
  if (!NAME.test(name)) {
    throw invalidInput(`Property name '${name}' is invalid: lower-case letters, digits and underscores, at most 100.`);
  }
  if (label === '') throw invalidInput('Some required fields were not set: [label]');
  if (!world.schema.hasGroup(object, groupName)) throw invalidInput(`Property group '${groupName}' does not exist.`);
  const options = readOptions(body.options, version === '2026-09');
  if (type === 'bool') checkBooleanOptions(options);
  return {
    name,
    label,
    type,
    fieldType,
    groupName,
    description: textOf(body.description) ?? '',
    options,
    displayOrder: numberOf(body.displayOrder) ?? -1,
    hasUniqueValue: body.hasUniqueValue === true,
    hidden: body.hidden === true,
    formField: body.formField === true,
    externalOptions: body.externalOptions === true,
    hubspotDefined: false,
    readOnlyValue: false,
    sensitive: (textOf(body.dataSensitivity) ?? 'non_sensitive') !== 'non_sensitive',
    createdAtMs: world.now(),
    updatedAtMs: world.now(),
    archivedAtMs: null,
  };
}

/**
 * PATCH: named fields only, options replaced as a whole. `name`, `hasUniqueValue` and `dataSensitivity` never change,
 * and asking for it is no error. @throws Refusal 400
 */
export function changedProperty(world: World, property: PropertyDefinition, patch: unknown): PropertyDefinition {
  const body = bodyRecord(patch);
  const { type, fieldType } = checkedTypes(
    textOf(body.type) ?? property.type,
    textOf(body.fieldType) ?? property.fieldType,
  );
  const options = body.options === undefined ? property.options : readOptions(body.options, true);
  if (type === 'bool') checkBooleanOptions(options);
  return {
    ...property,
    type,
    fieldType,
    options,
    label: textOf(body.label) ?? property.label,
    groupName: textOf(body.groupName) ?? property.groupName,
    description: textOf(body.description) ?? property.description,
    displayOrder: numberOf(body.displayOrder) ?? property.displayOrder,
    hidden: typeof body.hidden === 'boolean' ? body.hidden : property.hidden,
    formField: typeof body.formField === 'boolean' ? body.formField : property.formField,
    updatedAtMs: world.now(),
  };
}

function checkedTypes(type: string | null, fieldType: string | null): { type: ValueType; fieldType: string } {
  if (!isValueType(type)) throw invalidInput(`Property type '${type}' is not valid.`);
  if (fieldType === null || !FIELD_TYPES_OF[type].includes(fieldType)) {
    throw invalidInput(`Field type '${fieldType}' is not valid for a property of type '${type}'.`);
  }
  return { type, fieldType };
}

/** @param ordered each option must say its `displayOrder`, as 2026-09 demands at creation. */
function readOptions(given: unknown, ordered: boolean): readonly PropertyOption[] {
  if (!Array.isArray(given)) return [];
  const options = given.map((option: unknown, index): PropertyOption => {
    const parts = isRecord(option) ? option : {};
    const [label, value] = [textOf(parts.label), textOf(parts.value)];
    if (label === null || value === null) throw invalidInput('Each option needs a label and a value.');
    const displayOrder = numberOf(parts.displayOrder);
    if (displayOrder === null && ordered) throw invalidInput('Each option needs a displayOrder.');
    return { label, value, displayOrder: displayOrder ?? index, hidden: parts.hidden === true };
  });
  const values = options.map((option) => option.value);
  if (new Set(values).size < values.length) throw invalidInput('Option values must be unique.');
  return options;
}

function checkBooleanOptions(options: readonly PropertyOption[]): void {
  const values = options.map((option) => option.value).sort();
  if (values.length === 2 && values[0] === 'false' && values[1] === 'true') return;
  const message = "A property of type 'bool' needs exactly the options 'true' and 'false'.";
  throw invalidInput(message, { errors: [{ message, code: 'INVALID_BOOLEAN_OPTION' }] });
}
