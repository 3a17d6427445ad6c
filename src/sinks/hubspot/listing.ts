/**
 * Reads that say what is there, and what became of what is not: whole listings, the recycle bin, merged records. None of
 * them is answered from the search index, which lags behind writes and never shows archived records.
 */
import { z } from 'zod';
import type { ObjectType } from '../../pipe.ts';
import { answered, ask, isSuccess, refused } from './ask.ts';
import { readError } from './replies.ts';
import type { Call, Transport } from './transport.ts';

/** An object of the portal, as far as its identity goes. */
export interface ListedObject {
  readonly hubspotId: string;
  /** Value of the key property; null when it has none. */
  readonly key: string | null;
  /** Ids of the objects that were merged into this one; they answer to nothing any more. */
  readonly mergedIds: readonly string[];
}

/** What is read of one object type. */
export interface Shelf {
  readonly transport: Transport;
  readonly object: ObjectType;
  readonly keyProperty: string;
}

/** Objects of one page, and inputs of one batch read (developers.hubspot.com/docs/api-reference, CRM objects). */
const PAGE_MAX = 100;
/** 10,000 pages are a million objects: beyond it a listing is not worth a day's quota. */
const PAGES_MAX = 10_000;

const MERGED = 'hs_merged_object_ids';

const objectReply = z.object({
  id: z.coerce.string().min(1),
  properties: z.record(z.string(), z.unknown()).nullish(),
});
const pageReply = z.object({
  results: z.array(objectReply),
  paging: z.object({ next: z.object({ after: z.coerce.string().min(1) }).nullish() }).nullish(),
});
const batchReply = z.object({ results: z.array(objectReply) });

/**
 * Pages of all living objects of the type, or of all in the recycle bin, with or without a key. Returns false when it ended at the limit of pages
 * instead of the last one: then nothing is said about the rest. Throws like `ask`.
 */
export async function* listObjects(
  shelf: Shelf,
  { archived }: { readonly archived: boolean },
  signal: AbortSignal,
): AsyncGenerator<readonly ListedObject[], boolean> {
  const { transport, object, keyProperty } = shelf;
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = new URLSearchParams({
      limit: String(PAGE_MAX),
      properties: `${keyProperty},${MERGED}`,
      archived: String(archived),
    });
    if (after !== null) query.set('after', after);
    const call: Call = {
      method: 'GET',
      path: `${transport.paths.objects(object)}?${query}`,
      budget: 'burst',
      operation: `${object} list`,
      kind: 'read',
    };
    const reply: z.infer<typeof pageReply> = await ask(transport, call, pageReply, signal);
    yield reply.results.map((result) => listed(result, keyProperty));
    after = reply.paging?.next?.after ?? null;
    if (after === null) return true;
  }
  return false;
}

/**
 * The objects that have one of these ids, or one of these values in `idProperty`; of the recycle bin when `archived`.
 * Absent ones are left out. An object that swallowed one of the ids in a merge may come under its own id. One call per
 * 100. Throws like `ask`.
 */
export async function lookUp(
  shelf: Shelf,
  wanted: { readonly idProperty: string | null; readonly values: readonly string[]; readonly archived: boolean },
  signal: AbortSignal,
): Promise<readonly ListedObject[]> {
  const unique = [...new Set(wanted.values)];
  const found: ListedObject[] = [];
  for (let start = 0; start < unique.length; start += PAGE_MAX) {
    const inputs = unique.slice(start, start + PAGE_MAX).map((id) => ({ id }));
    found.push(...(await lookUpSome(shelf, { ...wanted, inputs }, signal)));
  }
  return found;
}

async function lookUpSome(
  { transport, object, keyProperty }: Shelf,
  wanted: {
    readonly idProperty: string | null;
    readonly inputs: readonly { id: string }[];
    readonly archived: boolean;
  },
  signal: AbortSignal,
): Promise<readonly ListedObject[]> {
  const call: Call = {
    method: 'POST',
    path: `${transport.paths.batch(object, 'read')}${wanted.archived ? '?archived=true' : ''}`,
    body: {
      ...(wanted.idProperty === null ? {} : { idProperty: wanted.idProperty }),
      properties: [keyProperty, MERGED],
      propertiesWithHistory: [],
      inputs: wanted.inputs,
    },
    budget: 'burst',
    operation: `${object} read`,
    kind: 'read',
  };
  const answer = await answered(transport, call, signal);
  // A batch without a single hit may be answered as one refusal.
  if (answer.status === 404 && readError(answer.body).category === 'OBJECT_NOT_FOUND') return [];
  if (!isSuccess(answer.status)) throw refused(call, answer.status, answer.body);
  const parsed = batchReply.safeParse(answer.body);
  if (!parsed.success) throw refused(call, answer.status, answer.body);
  return parsed.data.results.map((result) => listed(result, keyProperty));
}

/** Moves objects to the recycle bin, where people can restore them for 90 days. At most 100 ids. Throws like `ask`. */
export async function archiveObjects(
  transport: Transport,
  object: ObjectType,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const call: Call = {
    method: 'POST',
    path: `${transport.paths.objects(object)}/batch/archive`,
    body: { inputs: ids.map((id) => ({ id })) },
    budget: 'burst',
    operation: `${object} archive`,
    kind: 'write',
  };
  const answer = await answered(transport, call, signal);
  if (!isSuccess(answer.status)) throw refused(call, answer.status, answer.body);
}

function listed({ id, properties }: z.infer<typeof objectReply>, keyProperty: string): ListedObject {
  const key = properties?.[keyProperty];
  const merged = properties?.[MERGED];
  return {
    hubspotId: id,
    key: key === null || key === undefined || key === '' ? null : String(key),
    mergedIds: merged
      ? String(merged)
          .split(';')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : [],
  };
}
