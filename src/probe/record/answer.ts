/** What becomes of one entity, in the order in which the engine does it: scope, validation, mapping. */
import type { Facts, Joined, Mapped, Mapping, PropertySpec, Upsert } from '../../pipe.ts';

export interface Entity {
  readonly key: string;
  /** Canonical records before validation. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly joined: Joined;
}

export type Answer =
  | Mapped
  | { readonly kind: 'out of scope'; readonly rule: string }
  | { readonly kind: 'scope unknown'; readonly path: string; readonly message: string };

export function answerOf(mapping: Mapping<unknown>, { key, records, joined }: Entity, facts: Facts): Answer {
  for (const [position, record] of records.entries()) {
    const scope = mapping.scope(record, joined[position] ?? {});
    if (scope.in === false && !scope.farewell) return { kind: 'out of scope', rule: scope.rule };
    if (scope.in === 'unknown') return { kind: 'scope unknown', ...scope.issue };
  }
  const parsed = records.map((record) => mapping.schema.safeParse(record));
  const issues = parsed.flatMap((result) => result.error?.issues ?? []);
  if (issues.length > 0) {
    return { kind: 'invalid', issues: issues.map(({ path, message }) => ({ path: path.join('.'), message })) };
  }
  const rows: Joined = records.map((_, position) => joined[position] ?? {});
  return mapping.map(
    parsed.map((result) => result.data),
    rows,
    facts,
    key,
  );
}

export const upsertsOf = (answer: Answer): readonly Upsert[] =>
  answer.kind === 'upserts' ? answer.upserts : answer.kind === 'excluded' ? (answer.farewell ?? []) : [];

/** A value that the schema does not know is named in the message: it says the same of another value. */
export const plainMessage = (message: string): string =>
  message.replace(/unknown value .*; known/su, 'unknown value; known');

const PLAIN_TYPES: ReadonlySet<PropertySpec['type']> = new Set(['number', 'date', 'datetime', 'bool', 'enumeration']);

/**
 * What two answers must have alike for one record to stand for the other: kind, rule and reasons; which properties are
 * sent and which cleared; figures, days, flags and codes themselves; how many links lead where.
 */
export function outlineOf(answer: Answer, { properties: specs }: Pick<Mapping<unknown>, 'properties'>): string {
  const sentOf = (object: string, name: string, value: string): string => {
    const spec = specs.find((one) => one.object === object && one.name === name);
    if (value === '') return 'cleared';
    return spec !== undefined && spec.refersTo !== 'owner' && PLAIN_TYPES.has(spec.type) ? `=${value}` : 'text';
  };
  const upserts = upsertsOf(answer).map(({ object, properties, links }) => ({
    object,
    properties: Object.entries(properties).map(([name, value]) => [name, sentOf(object, name, value)]),
    links: links?.map(({ to, by, label, ifThere, value }) => [to, by, label, ifThere ?? false, value === '']) ?? null,
  }));
  const issues =
    answer.kind === 'invalid'
      ? answer.issues.map(({ path, message }) => [path, plainMessage(message)])
      : answer.kind === 'scope unknown'
        ? [[answer.path, plainMessage(answer.message)]]
        : [];
  return JSON.stringify({
    kind: answer.kind,
    rule: 'rule' in answer ? answer.rule : null,
    sums: 'sums' in answer ? answer.sums : null,
    notes: 'notes' in answer ? answer.notes : null,
    ...{ issues, upserts },
  });
}
