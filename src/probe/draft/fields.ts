/** The `fields` of a drafted resource: each canonical field with the column it is taken from, or with what came near. */
import { type Column, columnsOf, type Found, type NestedList } from './columns.ts';
import { conversion } from './conversion.ts';
import { block, type Entry, fixed, needed, optional } from './entry.ts';
import { guessId } from './identity.ts';
import { fitOf, type Match, matchByContent, matchColumns, plain } from './match.ts';
import { gap, guessed, type ResourceName } from './model.ts';
import { FIELDS, type FieldWords, GROUPS, type GroupWords, OWN_WORDS } from './vocabulary.ts';

const CANDIDATES_MAX = 6;
/** Fewer parts than this make no list or object of ours out of one of theirs. */
const PARTS_MIN = 2;
/** Often the same as the id, where a vendor has but one. */
const LIKE_ID = new Set(['sku', 'accountNumber', 'quoteNumber']);

/** `apart`: the paths of id and date of change, which have places of their own. */
export function draftFields(
  resource: ResourceName,
  { columns, lists }: Found,
  apart: { readonly id: string | null; readonly modifiedAt: string | null },
  zone: string,
): Entry[] {
  const own = OWN_WORDS[resource];
  const free = columns.filter(({ path }) => path !== apart.id && path !== apart.modifiedAt);
  const taken = new Set<Column>();
  const groups = Object.entries(GROUPS[resource]).map(([field, words]): Entry => {
    const drafted =
      words.kind === 'each' ? listOf(field, words, lists, zone) : objectOf(field, words, free, taken, zone);
    return (
      drafted ??
      optional(
        field,
        gap(
          `no ${words.kind === 'each' ? 'list' : 'object'} of such`,
          words.kind === 'each' ? lists.map(({ path }) => path) : [],
        ),
      )
    );
  });
  const rest = free.filter((column) => !taken.has(column));
  const matches = matchColumns(FIELDS[resource], rest, own);
  for (const { column } of matches.values()) taken.add(column);
  const idColumn = columns.find(({ path }) => path === apart.id);
  const singles = Object.entries(FIELDS[resource]).map(([field, words]) => {
    const match = matches.get(field) ?? matchByContent(field, rest, taken) ?? likeId(field, words, idColumn, own);
    if (match === null) return optional(field, gap('not found', candidatesFor(field, words, rest, taken)));
    taken.add(match.column);
    return leaf(field, words, match, zone);
  });
  return [...singles, ...groups];
}

function likeId(field: string, words: FieldWords, column: Column | undefined, own: readonly string[]): Match | null {
  if (column === undefined || !LIKE_ID.has(field)) return null;
  const found = matchColumns({ [field]: words }, [column], own).get(field);
  return found ? { ...found, confidence: 0.6, evidence: `the id itself: ${found.evidence}` } : null;
}

/** Columns that nobody took and that could hold it, those with a like name first. */
function candidatesFor(
  field: string,
  words: FieldWords,
  columns: readonly Column[],
  taken: ReadonlySet<Column>,
): string[] {
  const like = (path: string): boolean =>
    words.names.some((name) => name.length > 3 && plain(path).includes(name)) || plain(path).includes(plain(field));
  return columns
    .filter((column) => !taken.has(column) && column.kind !== 'empty' && fitOf(words.want, column) >= 0.5)
    .map(({ path }) => path)
    .toSorted((a, b) => Number(like(b)) - Number(like(a)))
    .slice(0, CANDIDATES_MAX);
}

function leaf(
  field: string,
  words: FieldWords,
  { column, confidence, evidence }: Match,
  zone: string,
  path = column.path,
): Entry {
  const { convert, codes, empty, doubt } = conversion(words, column, zone);
  const said = guessed(
    path,
    doubt === null ? confidence : Math.min(confidence, 0.5),
    doubt === null ? evidence : `${evidence}; ${doubt}`,
  );
  if (codes !== null) return block(field, [fixed('path', path), block('convert', [block('enum', codes)])], said);
  if (convert === null && empty.length === 0) return { key: field, said, value: path };
  const value = { path, ...(empty.length > 0 ? { empty } : {}), ...(convert === null ? {} : { convert }) };
  return { key: field, said: { ...said, value }, value };
}

/** A list of theirs by its name and by how many of its parts are ours. */
function listOf(field: string, words: GroupWords, lists: readonly NestedList[], zone: string): Entry | null {
  const tried = lists.map((list) => {
    const { columns } = columnsOf(list.items);
    const matches = matchColumns(words.parts, columns, OWN_PART_WORDS);
    const isNamed = words.names.includes(plain(list.path.replace(/^.*\./, '')));
    return { list, matches, isNamed, columns };
  });
  const [best] = tried
    .filter(({ matches, isNamed }) => matches.size >= PARTS_MIN || (isNamed && matches.size > 0))
    .toSorted((a, b) => Number(b.isNamed) - Number(a.isNamed) || b.matches.size - a.matches.size);
  if (best === undefined) return null;
  const { list, matches, isNamed, columns } = best;
  const each = Object.entries(words.parts).flatMap(([part, partWords]) => {
    if (part === 'id') return [needed('id', guessId(columns, OWN_PART_WORDS))]; // of people: they are kept by it
    const match = matches.get(part);
    return match === undefined ? [] : [leaf(part, partWords, match, zone)];
  });
  const evidence = `${list.items.length} in the sample, ${each.length} of ${Object.keys(words.parts).length} parts found`;
  return block(
    field,
    [fixed('path', list.path), block('each', each)],
    guessed(list.path, isNamed ? 0.9 : 0.6, evidence),
  );
}

const OWN_PART_WORDS = ['contact', 'person', 'line', 'item', 'bin', 'stock'];

/** Columns under one path of theirs, or beside each other in the record itself. */
function objectOf(
  field: string,
  words: GroupWords,
  columns: readonly Column[],
  taken: Set<Column>,
  zone: string,
): Entry | null {
  const stems = new Set(
    columns.flatMap(({ path }) => (path.includes('.') ? [path.slice(0, path.lastIndexOf('.'))] : [])),
  );
  const named = [...stems].find((stem) => words.names.includes(plain(stem.replace(/^.*\./, ''))));
  const inside = named === undefined ? columns : columns.filter(({ path }) => path.startsWith(`${named}.`));
  const parts = named === undefined ? withoutBareWords(words) : words.parts;
  const matches = matchColumns(parts, inside, []);
  const isEnough = field === 'salesRep' ? matches.size > 0 : matches.size >= PARTS_MIN;
  if (!isEnough) return null;
  for (const { column } of matches.values()) taken.add(column);
  const object = Object.entries(words.parts).flatMap(([part, partWords]) => {
    const match = matches.get(part);
    if (match === undefined) return [];
    const path = named === undefined ? match.column.path : match.column.path.slice(named.length + 1);
    return [leaf(part, partWords, match, zone, path)];
  });
  const evidence = `${object.length} of ${Object.keys(words.parts).length} parts found${named === undefined ? ', beside each other in the record' : ''}`;
  const inner = [...(named === undefined ? [] : [fixed('path', named)]), block('object', object)];
  return block(field, inner, guessed(named ?? 'the record', named === undefined ? 0.7 : 0.9, evidence));
}

/** In the record itself `id`, `name` and `email` are the record's own, not the sales rep's. */
function withoutBareWords({ parts, names }: GroupWords): Record<string, FieldWords> {
  const isOwn = (name: string): boolean => names.some((word) => name.includes(word));
  const isPerson = names.includes('salesrep');
  return Object.fromEntries(
    Object.entries(parts)
      .map(([part, words]): [string, FieldWords] => [
        part,
        isPerson ? { ...words, names: words.names.filter(isOwn) } : words,
      ])
      .filter(([, words]) => words.names.length > 0),
  );
}
