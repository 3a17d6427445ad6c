/** Whether the properties of one row can be written, and what they become. Writes nothing. */
import { invalidInput, type Problem } from './errors.ts';
import { isRecord } from './json.ts';
import type { ObjectName } from './kinds.ts';
import { brokenPipeline, brokenRules, missingAtCreation } from './required.ts';
import type { Version } from './route.ts';
import { lifecycleRank } from './standard.ts';
import type { ObjectRecord } from './store.ts';
import { checkValue, type ValueRules } from './values.ts';
import { valueRules, type World } from './world.ts';

/** What HubSpot made of a value it did not take as it was. */
interface Warning {
  readonly category: 'PROPERTY_VALUE_NORMALIZED';
  readonly context: Readonly<Record<string, readonly string[]>>;
}

/** The verdict on a row: `changes` may be written when there are no `problems`. */
export interface Checked {
  readonly changes: Record<string, string>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** Checks the `properties` of a row against the schema and the rules of the object. Writes nothing. */
export function checkRow(
  world: World,
  version: Version,
  object: ObjectName,
  properties: unknown,
  target: ObjectRecord | null,
): Checked {
  if (!isRecord(properties)) throw invalidInput('Some required fields were not set: [properties]');
  const rules = valueRules(world, version);
  const changes: Record<string, string> = {};
  const problems: Problem[] = [];
  const warnings: Warning[] = [];
  for (const name in properties) {
    const given = properties[name];
    const found = checkOne(world, object, name, given, target, rules);
    if (found === null) continue;
    if (!found.ok) {
      problems.push({ property: name, code: found.code, message: found.message });
      continue;
    }
    changes[name] = found.value;
    if (found.normalized) warnings.push(normalized(name, String(given), found.value));
  }
  keepLifecycleForward(changes, target);
  const values = { ...target?.properties, ...changes };
  if (object === 'deals') problems.push(...brokenPipeline(world, changes, values));
  if (!target) problems.push(...missingAtCreation(world, object, values));
  problems.push(...brokenRules(world, version, object, values, target === null));
  return { changes, problems, warnings };
}

/** null: the value is ignored. */
function checkOne(
  world: World,
  object: ObjectName,
  name: string,
  given: unknown,
  target: ObjectRecord | null,
  rules: ValueRules,
): ReturnType<typeof checkValue> | null {
  const property = world.schema.find(object, name);
  if (!property) return { ok: false, code: 'PROPERTY_DOESNT_EXIST', message: `Property "${name}" does not exist` };
  if (property.readOnlyValue) {
    const message = `"${name}" is a read only property; its value cannot be set.`;
    return { ok: false, code: 'READ_ONLY_VALUE', message };
  }
  if (given === null) return nullValue(world, name);
  if (typeof given === 'object' || given === undefined) {
    return { ok: false, code: 'INVALID_TYPE', message: `The value of ${name} must be a string.` };
  }
  const text = world.switches.keysTrim && property.hasUniqueValue ? String(given).trim() : String(given);
  return checkValue(property, text, target?.properties[name], rules);
}

function nullValue(world: World, name: string): ReturnType<typeof checkValue> | null {
  if (world.switches.nullWrites === 'ignore') return null;
  if (world.switches.nullWrites === 'clear') return { ok: true, value: '' };
  return { ok: false, code: 'INVALID_NULL_VALUE', message: `The value of ${name} must not be null.` };
}

const normalized = (name: string, raw: string, value: string): Warning => ({
  category: 'PROPERTY_VALUE_NORMALIZED',
  context: { propertyName: [name], rawValue: [raw], normalizedValue: [value] },
});

/** A lifecycle stage moves forward only; a step back is dropped without an error. */
function keepLifecycleForward(changes: Record<string, string>, target: ObjectRecord | null): void {
  const before = target?.properties.lifecyclestage;
  const wanted = changes.lifecyclestage;
  if (!before || !wanted) return;
  if (lifecycleRank(wanted) < lifecycleRank(before)) delete changes.lifecyclestage;
}
