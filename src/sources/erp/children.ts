/** Puts the rows of other resources into a record's own: contacts into their customer, lines into their quote. */
import { EXIT, FatalError } from '../../errors.ts';
import type { SourceRecord } from '../../pipe.ts';
import { idOf } from './canonical.ts';
import { rowsOf } from './lists.ts';
import type { Child, Resource } from './profile-schema.ts';
import { combined, oneOfIds } from './query.ts';
import { isObject, valueAt } from './row.ts';
import type { Transport } from './transport.ts';

/** The records with their children, in the order given. A record without any gets an empty list. */
export async function withChildren(
  records: readonly SourceRecord[],
  children: Resource['children'],
  transport: Transport,
  signal: AbortSignal,
): Promise<readonly SourceRecord[]> {
  let complete = records;
  for (const [name, child] of Object.entries(children ?? {})) {
    const rows = await rowsByParent(name, child, complete, transport, signal);
    complete = complete.map((record) => {
      const own = keysOf(record.raw, child.parent).flatMap((key) => rows.get(key) ?? []);
      return isObject(record.raw) ? { ...record, raw: { ...record.raw, [name]: own } } : record;
    });
  }
  return complete;
}

async function rowsByParent(
  name: string,
  child: Child,
  records: readonly SourceRecord[],
  transport: Transport,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly unknown[]>> {
  const keys = [...new Set(records.flatMap(({ raw }) => keysOf(raw, child.parent)))];
  const found = new Map<string, unknown[]>();
  const { byParents } = child;
  if (!byParents) {
    for (const key of keys) {
      const list = { ...child, path: child.path.replaceAll('{id}', () => encodeURIComponent(key)) };
      found.set(key, [...(await rowsOf(list, child.query, name, transport, signal))]);
    }
    return found;
  }
  for (let at = 0; at < keys.length; at += byParents.max) {
    const batch = keys.slice(at, at + byParents.max);
    const query = combined(child.filter, [child.query, oneOfIds(byParents, child.filter, batch)]);
    for (const row of await rowsOf(child, query, name, transport, signal)) {
      const key = idOf(valueAt(row, child.key ?? ''));
      if (key === null || !batch.includes(key)) throw stranger(name, child);
      found.set(key, [...(found.get(key) ?? []), row]);
    }
  }
  return found;
}

/** The values at a path, through lists too: `relations.number` of every relation. */
function keysOf(row: unknown, path: string): string[] {
  const [head = '', ...rest] = path.split('.');
  const direct = idOf(valueAt(row, path));
  if (direct !== null) return [direct];
  const value = valueAt(row, head);
  if (rest.length === 0 || value === undefined || value === null) return [];
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  return [...new Set(parts.flatMap((part) => keysOf(part, rest.join('.'))))];
}

const stranger = (name: string, { key, path }: Child): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP sends rows of ${path} for ${name} whose ${key} is none of those asked for`,
    `check children.${name} in the profile: byParents, parent and key (docs/erp.md)`,
  );
