/** What a person types for one record: `erp:customer/C-1182`, `hubspot:deal/123`, an e-mail, or a plain id. */
import { EXIT, FatalError } from '../errors.ts';
import type { ObjectType } from '../pipe.ts';
import type { Wanted } from '../state/story.ts';

const SOURCES: Readonly<Record<string, string>> = {
  'erp:product': 'products',
  'erp:customer': 'customers',
  'erp:quote': 'quotes',
  'square:order': 'pos-orders',
};
const OBJECTS: Readonly<Record<string, ObjectType>> = {
  'hubspot:product': 'products',
  'hubspot:company': 'companies',
  'hubspot:contact': 'contacts',
  'hubspot:deal': 'deals',
};
/** Longer than any id or address. */
const REFERENCE_MAX = 320;

/** Throws FatalError (exit 2) for what is no reference. */
export function parseReference(text: string): Wanted {
  const trimmed = text.trim();
  const [, kind = '', id = ''] = /^((?:erp|square|hubspot):[a-z-]*)\/?(.*)$/s.exec(trimmed) ?? [];
  if (trimmed === '' || trimmed.length > REFERENCE_MAX)
    throw unreadable('a reference is an id, an e-mail or a kind and an id');
  if (kind === '') return { pipe: null, object: null, id: trimmed };
  const singular = kind.replace(/ies$/, 'y').replace(/s$/, '');
  const pipe = SOURCES[singular] ?? null;
  const object = OBJECTS[singular] ?? null;
  if (pipe === null && object === null) throw unreadable(`${kind} is no kind of record`);
  if (id === '') throw unreadable(`${kind} names no id`);
  return { pipe, object, id };
}

const unreadable = (what: string): FatalError =>
  new FatalError(
    EXIT.usage,
    what,
    `write an e-mail, an id, or one of ${[...Object.keys(SOURCES), ...Object.keys(OBJECTS)].join(', ')} with / and the id`,
  );

/** How the same entity is written again, so that it means nothing else. */
export function referenceTo({ pipe, entity }: { readonly pipe: string; readonly entity: string }): string {
  const kind = Object.entries(SOURCES).find(([, name]) => name === pipe)?.[0];
  return kind === undefined ? entity : `${kind}/${entity}`;
}
