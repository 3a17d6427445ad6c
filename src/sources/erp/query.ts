/** Puts a question together: parameters, conditions that share one parameter, and the body of a POST. */
import type { ByIds, FilterStyle } from './profile-asking.ts';
import type { Paging, Resource } from './profile-schema.ts';
import { isObject } from './row.ts';

export type Query = Readonly<Record<string, string>>;

/** What distinguishes the questions of one list. */
interface Asking {
  readonly method: 'GET' | 'POST';
  readonly body?: unknown;
  readonly paging?: Paging | undefined;
  readonly headers?: Query;
}

/** The later part wins, but conditions under the filter's parameter are all kept, joined as the vendor wants them. */
export function combined(filter: FilterStyle | undefined, parts: readonly Query[]): Query {
  const query: Record<string, string> = {};
  const clauses: string[] = [];
  for (const [name, value] of parts.flatMap((part) => Object.entries(part))) {
    if (name === filter?.param) clauses.push(value);
    else query[name] = value;
  }
  if (!filter || clauses.length === 0) return query;
  return { ...query, [filter.param]: filter.open + clauses.join(filter.join) + filter.close };
}

/** One condition: a parameter of its own, or a clause under the filter's parameter. */
export function condition(
  { param, clause }: { readonly param?: string | undefined; readonly clause?: string | undefined },
  filter: FilterStyle | undefined,
  word: 'since' | 'id',
  value: string,
): Query {
  if (clause === undefined || !filter) return param === undefined ? {} : { [param]: value };
  return { [filter.param]: clause.replaceAll(`{${word}}`, () => escaped(value, filter)) };
}

/** The condition "one of these ids". */
export function oneOfIds(
  { param, clause, item, separator }: ByIds,
  filter: FilterStyle | undefined,
  ids: readonly string[],
): Query {
  const text = ids
    .map((id) => (filter && param === undefined ? escaped(id, filter) : id))
    .map((id) => (item === undefined ? id : item.replaceAll('{id}', () => id)))
    .join(separator);
  if (param !== undefined) return { [param]: text };
  return filter && clause !== undefined ? { [filter.param]: clause.replaceAll('{ids}', () => text) } : {};
}

/** "Changed since" by the resource's own words; nothing where it has none or there is no bound. */
export const sinceQuery = ({ since, filter }: Pick<Resource, 'since' | 'filter'>, text: string | null): Query =>
  since && text !== null ? condition(since, filter, 'since', text) : {};

/** OData doubles a single quote (Part 2, 5.1.1.6.1); JSON has its own escapes. */
function escaped(value: string, { escape: style }: FilterStyle): string {
  if (style === 'odata') return value.replaceAll("'", "''");
  return style === 'json' ? JSON.stringify(value).slice(1, -1) : value;
}

/** How a list is asked with these parameters: what the body's template names goes there and leaves the address. */
export function requestOf({ method, body, paging, headers = {} }: Asking, query: Query) {
  const sized = Object.entries(headers).map(([name, value]) => [
    name,
    value.replaceAll('{size}', String(paging?.size ?? '')),
  ]);
  const head: Query = Object.fromEntries(sized);
  if (method === 'GET') return { query, headers: head };
  const used = new Set<string>();
  const text = JSON.stringify(filledBody(body ?? {}, query, numbersOf(paging), used) ?? {});
  const rest = Object.entries(query).filter(([name]) => !used.has(name));
  return { query: Object.fromEntries(rest), headers: head, body: text };
}

/** Numbers of pages, offsets and sizes go as JSON numbers. */
function numbersOf(paging: Paging | undefined): ReadonlySet<string> {
  const own = paging?.kind === 'page' || paging?.kind === 'offset' ? [paging.param] : [];
  return new Set(paging?.sizeParam === undefined ? own : [...own, paging.sizeParam]);
}

function filledBody(template: unknown, query: Query, numbers: ReadonlySet<string>, used: Set<string>): unknown {
  if (Array.isArray(template)) {
    return template.map((item) => filledBody(item, query, numbers, used)).filter((item) => item !== undefined);
  }
  if (isObject(template)) {
    const entries = Object.entries(template).map(([key, value]) => [key, filledBody(value, query, numbers, used)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  const name = typeof template === 'string' ? /^\{([^{}]+)\}$/.exec(template)?.[1] : undefined;
  if (name === undefined) return template;
  used.add(name);
  const value = query[name];
  return value !== undefined && numbers.has(name) ? Number(value) : value;
}
