/** What a mapping's schema says of each field: which texts are codes or figures by their form, and which are anybody's. */
import { z } from 'zod';
import type { Mapping } from '../../pipe.ts';

interface SchemaField {
  /** Every value that the schema knows; null when it names none. */
  readonly codes: readonly string[] | null;
  /** The form of a figure or a date; null for free text and for what is no text. */
  readonly form: RegExp | null;
  readonly isList: boolean;
}

/** By the paths of `walk`: `contacts[].email`. */
export type SchemaFields = ReadonlyMap<string, SchemaField>;

/** The part of JSON Schema that zod writes and that is read here. */
const Node = z.looseObject({
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  pattern: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
});

/** Deeper than any record of ours; ends what refers to itself. */
const DEPTH_MAX = 8;

/** Empty when the schema cannot be told so: then nothing is a code or figure by it. */
export function fieldsOf({ schema }: Pick<Mapping<unknown>, 'schema'>): SchemaFields {
  const fields = new Map<string, SchemaField>();
  gather(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'output' }), '', fields, 0);
  return fields;
}

function gather(json: unknown, path: string, fields: Map<string, SchemaField>, depth: number): void {
  const node = Node.safeParse(json).data;
  if (node === undefined || depth > DEPTH_MAX) return;
  note(node, path, fields);
  for (const choice of [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])])
    gather(choice, path, fields, depth + 1);
  for (const [name, field] of Object.entries(node.properties ?? {}))
    gather(field, path === '' ? name : `${path}.${name}`, fields, depth + 1);
  if (node.items !== undefined) gather(node.items, `${path}[]`, fields, depth + 1);
}

function note(node: z.infer<typeof Node>, path: string, fields: Map<string, SchemaField>): void {
  if (path === '') return;
  const known = fields.get(path) ?? { codes: null, form: null, isList: false };
  const named = [...(node.enum ?? []), ...(node.const === undefined ? [] : [node.const])];
  const codes = named.filter((value) => typeof value === 'string');
  fields.set(path, {
    codes: codes.length === 0 ? known.codes : [...(known.codes ?? []), ...codes],
    form: node.pattern === undefined ? known.form : new RegExp(node.pattern, 'u'),
    isList: known.isList || node.items !== undefined,
  });
}

/** Words of the program itself, which tell nothing of anybody: its codes, and what it calls its properties and stages. */
export function ownWordsOf(mapping: Mapping<unknown>, fields: SchemaFields): ReadonlySet<string> {
  const { properties, pipeline } = mapping;
  const words = [
    ...[...fields.values()].flatMap(({ codes }) => codes ?? []),
    ...properties.flatMap(({ options = [] }) => options.map(({ value }) => value)),
    ...(pipeline === undefined ? [] : [pipeline.key, ...pipeline.stages.map(({ key }) => key)]),
  ];
  return new Set(words.map((word) => word.toLowerCase()));
}
