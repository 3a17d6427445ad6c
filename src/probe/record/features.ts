/** What makes an entity worth keeping: what becomes of it, what the mapper notes, its codes, and oddities of its shape. */
import type { Mapping, Upsert } from '../../pipe.ts';
import { isObject, nameOf } from '../walk.ts';
import { type Answer, type Entity, plainMessage, upsertsOf } from './answer.ts';
import { mapLeaves } from './redact.ts';
import type { SchemaFields } from './schema-fields.ts';

/** The graver first: one outcome that is missing weighs more than every shape. */
const WEIGHTS = { outcome: 1e8, note: 1e6, join: 1e5, code: 1e4, oddity: 1e3, word: 100, shape: 10 } as const;

export interface Feature {
  /** Says it for people and file names, without anybody's data: `excluded-retail`, `phone-null`. */
  readonly name: string;
  readonly weight: number;
}

const feature = (kind: keyof typeof WEIGHTS, ...words: readonly string[]): Feature => ({
  name: slug(words.join(' ')),
  weight: WEIGHTS[kind],
});

const SLUG_CHARS_MAX = 60;

const slug = (text: string): string =>
  text
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_CHARS_MAX)
    .replace(/^-+|-+$/g, '');

/** Paths without positions and what follows a semicolon: `contacts.0.email` and `contacts.1.email` are one reason. */
const reason = (path: string, message: string): string =>
  `${path.replace(/\d+/g, '').replace(/\.+/g, ' ')} ${plainMessage(message)
    .replace(/[;,(].*$/s, '')
    .replace(/\d+/g, '')}`;

function outcomesOf(answer: Answer): Feature[] {
  if (answer.kind === 'upserts') return [feature('outcome', 'mapped')];
  if (answer.kind === 'scope unknown') return [feature('outcome', 'rejected', reason(answer.path, answer.message))];
  if (answer.kind === 'invalid')
    return answer.issues.map(({ path, message }) => feature('outcome', 'rejected', reason(path, message)));
  const isFarewell = answer.kind === 'excluded' && answer.farewell !== undefined;
  return [feature('outcome', 'excluded', answer.rule, isFarewell ? 'with farewell' : '')];
}

/** What features are told by, besides the entity and what becomes of it. */
export interface Showing {
  readonly mapping: Pick<Mapping<unknown>, 'properties' | 'joins'>;
  readonly fields: SchemaFields;
  readonly isCode: (leaf: string | number, path: string) => boolean;
}

export function featuresOf(entity: Entity, answer: Answer, showing: Showing): Feature[] {
  const { mapping, fields } = showing;
  const outcomes = outcomesOf(answer);
  const codes = entity.records.flatMap((record) => codesIn(record, showing));
  if (answer.kind === 'out of scope') return distinct([...outcomes, ...codes]);
  const notes = answer.kind === 'upserts' ? (answer.notes ?? []) : [];
  return distinct([
    ...outcomes,
    ...notes.map((note) => feature('note', reason('', note))),
    ...joinsOf(entity, mapping),
    ...upsertsOf(answer).flatMap((upsert) => sentBy(upsert, mapping)),
    ...(entity.records.length > 1 ? [feature('join', 'several records')] : []),
    ...codes,
    ...entity.records.flatMap(odditiesIn),
    ...entity.records.flatMap((record) => shapesIn(record, fields)),
  ]);
}

const distinct = (features: readonly Feature[]): Feature[] => [
  ...new Map(features.map((one) => [one.name, one])).values(),
];

/** Rows that the records name, whether they are there or not. */
function joinsOf({ joined, records }: Entity, { joins = {} }: Showing['mapping']): Feature[] {
  return joined.flatMap((rows, at) =>
    Object.entries(joins)
      .filter(([, { by }]) => records[at]?.[by])
      .map(([name]) => feature('join', 'joined', name, rows[name]?.kind ?? 'missing')),
  );
}

/** The stage a deal is in, and what an object is linked to. */
function sentBy({ object, properties, links = [] }: Upsert, { properties: specs }: Showing['mapping']): Feature[] {
  const stages = specs.filter((spec) => spec.object === object && spec.refersTo === 'stage');
  return [
    ...stages.map(({ name }) => feature('note', name, properties[name] ?? 'absent')),
    ...links.map(({ to, by }) => feature('join', object, 'linked to', to, 'by', by)),
  ];
}

/** Codes that the schema names count more than those that are told by their look. */
function codesIn(record: unknown, { fields, isCode }: Showing): Feature[] {
  const found: Feature[] = [];
  mapLeaves(record, (leaf, path) => {
    const isNamed = fields.get(path)?.codes?.includes(String(leaf)) ?? false;
    if (isCode(leaf, path)) found.push(feature(isNamed ? 'code' : 'word', path, String(leaf)));
    return leaf;
  });
  return found;
}

/** What a text may have about it that a mapper trips on. */
const ODDITIES: readonly (readonly [string, (text: string) => boolean])[] = [
  ['accent apart from its letter', (text) => text !== text.normalize('NFC')],
  ['half a surrogate pair', (text) => !text.isWellFormed()],
  ['line break', (text) => /[\n\r\u2028\u2029]/u.test(text)],
  ['control character', (text) => /[^\P{Cc}\n\r]/u.test(text)],
  ['blanks around', (text) => text.trim() !== '' && text !== text.trim()],
  ['letters beyond ASCII', (text) => /[^\p{ASCII}]/u.test(text) && /\p{L}/u.test(text)],
  ['signs beyond letters', (text) => /\p{Extended_Pictographic}/u.test(text)],
  ['capitals only', (text) => /\p{Lu}{4}/u.test(text) && !/\p{Ll}/u.test(text)],
  ['leading zeros', (text) => /^0\d+$/.test(text)],
  ['negative amount', (text) => /^-\d+(?:\.\d+)?$/.test(text)],
  ['blank text', (text) => text !== '' && text.trim() === ''],
];

function odditiesIn(record: unknown): Feature[] {
  const found = new Set<string>();
  mapLeaves(record, (leaf) => {
    if (typeof leaf === 'string') for (const [name, holds] of ODDITIES) if (holds(leaf)) found.add(name);
    return leaf;
  });
  return [...found].map((name) => feature('oddity', name));
}

/** A text of so many characters is long, a list of so many items is. */
const LONG_CHARS = 200;
const MANY_ITEMS = 10;

/** Fields that are absent, null, empty or long, by the fields that the schema names. */
function shapesIn(record: unknown, fields: SchemaFields): Feature[] {
  return [...fields].flatMap(([path]): Feature[] =>
    holdersOf(record, path).flatMap((holder) => {
      if (!isObject(holder)) return [];
      const name = nameOf(path);
      const shape = shapeOf(Object.hasOwn(holder, name) ? holder[name] : undefined);
      return shape === null ? [] : [feature('shape', path, shape)];
    }),
  );
}

function shapeOf(value: unknown): string | null {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : value.length >= MANY_ITEMS ? 'many' : null;
  if (typeof value !== 'string') return null;
  return value.trim() === '' ? 'blank' : value.length >= LONG_CHARS ? 'long' : null;
}

/** The objects of a record that could hold the field. */
function holdersOf(record: unknown, path: string): unknown[] {
  const steps = path.split('.').slice(0, -1);
  if (path.endsWith('[]')) return [];
  return steps.reduce<unknown[]>(
    (holders, step) => {
      const name = step.replace(/\[\]$/, '');
      return holders.flatMap((holder) => {
        const value = isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;
        return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
      });
    },
    [record],
  );
}
