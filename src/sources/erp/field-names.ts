/** Which canonical fields a resource has, so that a misspelt one is a fault of the profile and not a silent gap. */
import { z } from 'zod';
import { ErpCustomer, ErpProduct, ErpQuote } from './model.ts';

/** The resources a profile can describe. */
const RECORDS = { products: ErpProduct, customers: ErpCustomer, quotes: ErpQuote } as const;
export type ResourceName = keyof typeof RECORDS;

/** These two have places of their own in a resource. */
const DECLARED_APART = new Set(['id', 'modifiedAt']);

export interface NameFault {
  readonly path: readonly string[];
  readonly message: string;
}

interface Nested {
  readonly object?: object | undefined;
  readonly each?: object | undefined;
}

/** One fault per name that the canonical record does not have, at both levels. */
export function misspeltFields(resource: ResourceName, fields: Readonly<Record<string, Nested>>): NameFault[] {
  const shape: Readonly<Record<string, unknown>> = RECORDS[resource].shape;
  const known = Object.keys(shape).filter((name) => !DECLARED_APART.has(name));
  const faults = unknownNames(Object.keys(fields), known, []);
  for (const [name, field] of Object.entries(fields)) {
    if (!known.includes(name)) continue;
    for (const kind of ['object', 'each'] as const) {
      const nested = field[kind];
      if (nested) faults.push(...nestedFaults(name, kind, nested, shape[name]));
    }
  }
  return faults;
}

function nestedFaults(name: string, kind: 'object' | 'each', nested: object, schema: unknown): NameFault[] {
  const isList = bare(schema) instanceof z.ZodArray;
  const names = innerNames(schema);
  if (!names) return [{ path: [name, kind], message: 'is a single value, not an object or list' }];
  if (isList !== (kind === 'each'))
    return [{ path: [name, kind], message: isList ? 'is a list: use each' : 'is an object: use object' }];
  return unknownNames(Object.keys(nested), names, [name, kind]);
}

const unknownNames = (given: readonly string[], known: readonly string[], path: readonly string[]): NameFault[] =>
  given
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: [...path, name], message: `unknown field; known: ${known.join(', ')}` }));

/** A schema without its "may be absent, may be null". */
function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return bare(schema.unwrap());
  return schema;
}

function innerNames(schema: unknown): readonly string[] | null {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return innerNames(inner.element);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : null;
}
