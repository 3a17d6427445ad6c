/** Narrowing of request bodies: what is not of the expected shape becomes null or empty, never an exception. */
import { invalidInput } from './errors.ts';

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The body as an object. @throws Refusal 400 when it is none. */
export function bodyRecord(body: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(body)) return body;
  throw invalidInput('Invalid input JSON on line 1, column 1: Cannot deserialize the request body');
}

/** The `inputs` of a batch, each an object. @throws Refusal 400 when they are not. */
export function batchInputs(body: unknown, most: number): readonly Readonly<Record<string, unknown>>[] {
  const inputs = bodyRecord(body).inputs;
  if (!Array.isArray(inputs)) throw invalidInput('Some required fields were not set: [inputs]');
  if (inputs.length > most) {
    throw invalidInput(
      `The maximum number of inputs supported in a batch request is ${most}; ${inputs.length} were sent.`,
    );
  }
  return inputs.map((input) => bodyRecord(input));
}

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** A string, or a number as its digits: ids arrive as either. */
export function idOf(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' ? String(value) : null;
}

export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

export function textList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Property names in a query, repeated or parted by commas. */
export function queryList(query: URLSearchParams, name: string): readonly string[] {
  return query
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** An instant as HubSpot spells it: milliseconds only where there are some. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
