/**
 * Filters and sorting of the search. Strings compare without case, except `IN` and `NOT_IN`, whose values must be in
 * lower case; numbers and times compare as numbers.
 * Source: developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm
 */
import { invalidInput } from './errors.ts';
import { isRecord, textList } from './json.ts';
import type { ObjectName } from './kinds.ts';
import type { PropertyDefinition } from './schema.ts';
import type { World } from './world.ts';

/** @param value of the filtered property; undefined when it is empty. */
type Test = (value: string | undefined) => boolean;

export interface Filter {
  readonly property: string;
  readonly passes: Test;
}

const isNumeric = (property: PropertyDefinition): boolean =>
  property.type === 'number' || property.type === 'date' || property.type === 'datetime';

/** Numbers as they are, times as milliseconds since 1970; NaN when neither. */
export function magnitude(value: string): number {
  const number = Number(value);
  return Number.isNaN(number) ? Date.parse(value) : number;
}

/** @throws Refusal 400 for an unknown property or operator, or a missing value. */
export function readFilter(world: World, object: ObjectName, given: unknown): Filter {
  const parts = isRecord(given) ? given : {};
  const name = String(parts.propertyName ?? '');
  const property = world.schema.find(object, name);
  if (!property) throw invalidInput(`There was a problem with the request: unknown property ${name}.`);
  const passes = testOf(property, String(parts.operator ?? ''), parts);
  if (!passes) throw invalidInput(`Invalid operator for ${name}: ${String(parts.operator)}`);
  return { property: name, passes };
}

function testOf(property: PropertyDefinition, operator: string, parts: Readonly<Record<string, unknown>>): Test | null {
  const text = (): string => {
    if (parts.value === undefined || parts.value === null) throw invalidInput(`operator ${operator} requires a value`);
    return String(parts.value);
  };
  switch (operator) {
    case 'HAS_PROPERTY':
      return (value) => value !== undefined;
    case 'NOT_HAS_PROPERTY':
      return (value) => value === undefined;
    case 'EQ':
      return equals(property, text());
    case 'NEQ':
      return negated(equals(property, text()));
    case 'IN':
      return among(property, valuesOf(operator, parts));
    case 'NOT_IN':
      return negated(among(property, valuesOf(operator, parts)));
    case 'CONTAINS_TOKEN':
      return containsToken(text());
    case 'NOT_CONTAINS_TOKEN':
      return negated(containsToken(text()));
    case 'BETWEEN':
      return between(text(), String(parts.highValue ?? ''));
    default:
      return comparison(operator, text);
  }
}

const negated =
  (test: Test): Test =>
  (value) =>
    !test(value);

function comparison(operator: string, text: () => string): Test | null {
  const compare = COMPARISONS[operator];
  if (!compare) return null;
  const bound = magnitude(text());
  return (value) => value !== undefined && compare(magnitude(value), bound);
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  LT: (a, b) => a < b,
  LTE: (a, b) => a <= b,
  GT: (a, b) => a > b,
  GTE: (a, b) => a >= b,
};

function between(low: string, high: string): Test {
  const [from, to] = [magnitude(low), magnitude(high)];
  return (value) => value !== undefined && magnitude(value) >= from && magnitude(value) <= to;
}

function equals(property: PropertyDefinition, wanted: string): Test {
  if (isNumeric(property)) return (value) => value !== undefined && magnitude(value) === magnitude(wanted);
  if (property.type === 'enumeration') return (value) => value?.split(';').includes(wanted) ?? false;
  const folded = wanted.toLowerCase();
  return (value) => value?.toLowerCase() === folded;
}

function among(property: PropertyDefinition, wanted: readonly string[]): Test {
  if (isNumeric(property)) {
    const numbers = new Set(wanted.map(magnitude));
    return (value) => value !== undefined && numbers.has(magnitude(value));
  }
  const values = new Set(wanted);
  if (property.type === 'enumeration') return (value) => value?.split(';').some((one) => values.has(one)) ?? false;
  return (value) => value !== undefined && values.has(value.toLowerCase());
}

function valuesOf(operator: string, parts: Readonly<Record<string, unknown>>): readonly string[] {
  const values = textList(parts.values);
  if (values.length === 0) throw invalidInput(`operator ${operator} requires values`);
  return values;
}

const words = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}*]+/u)
    .filter((word) => word !== '');

/** Every word of the wanted text is one of the value's words; `*` stands for any run of characters. */
function containsToken(wanted: string): Test {
  const patterns = words(wanted).map((word) => {
    const pieces = word.split('*').map((piece) => piece.replace(/[^\p{L}\p{N}]/gu, ''));
    return new RegExp(`^${pieces.join('.*')}$`, 'u');
  });
  return (value) => {
    if (value === undefined) return false;
    const found = words(value);
    return patterns.every((pattern) => found.some((word) => pattern.test(word)));
  };
}
