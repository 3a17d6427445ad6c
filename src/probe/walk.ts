/** Takes a record apart into fields by dotted path, items of a list under `lines[]`. */

export interface Visit {
  /** `addr.city`, `lines[].sku`; `lines` is the list itself. */
  readonly path: string;
  /** The path of the object that holds the field: '' for the record. */
  readonly holder: string;
  readonly value: unknown;
}

/** Deeper levels and longer lists say nothing that the first ones did not. */
const DEPTH_MAX = 6;
const ITEMS_MAX = 50;

/** Calls `onHolder` for each object met and `onField` for each of its fields. */
export function walk(
  record: unknown,
  onHolder: (path: string) => void,
  onField: (visit: Visit) => void,
  path = '',
  depth = 0,
): void {
  if (!isObject(record) || depth > DEPTH_MAX) return;
  onHolder(path);
  for (const [name, value] of Object.entries(record)) {
    const at = path === '' ? name : `${path}.${name}`;
    onField({ path: at, holder: path, value });
    if (isObject(value)) walk(value, onHolder, onField, at, depth + 1);
    else if (Array.isArray(value)) walkItems(value, onHolder, onField, `${at}[]`, depth + 1);
  }
}

/** Objects are holders of their own; plain items are values of one field, `tags[]`, held by the list. */
function walkItems(
  items: readonly unknown[],
  onHolder: (path: string) => void,
  onField: (visit: Visit) => void,
  path: string,
  depth: number,
): void {
  for (const item of items.slice(0, ITEMS_MAX)) {
    if (isObject(item)) walk(item, onHolder, onField, path, depth);
    else if (!Array.isArray(item)) {
      onHolder(`${path}*`);
      onField({ path, holder: `${path}*`, value: item });
    }
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The last name in a path: what the field itself is called. */
export const nameOf = (path: string): string => path.replace(/\[\]$/, '').split('.').at(-1) ?? path;
