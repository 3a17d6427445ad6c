/** Point reads by a unique property or by record id: consistent with writes, which search is not. */
import { TransientError } from '../../errors.ts';
import type { ObjectType } from '../../pipe.ts';
import { answered, isSuccess, refused } from './ask.ts';
import { KeyMatcher } from './keys.ts';
import { type ErrorReply, type RecordReply, readBatch, readError } from './replies.ts';
import type { Call, Transport } from './transport.ts';

export interface FoundRecord {
  readonly hubspotId: string;
  /** By name; null for a property without a value. */
  readonly properties: Readonly<Record<string, string | null>>;
  /** ISO 8601 by HubSpot's clock; null when it did not say. */
  readonly createdAt: string | null;
  /** When HubSpot finished the read, by its own clock; null when it did not say. */
  readonly readAt: string | null;
}

/** Inputs of one batch (developers.hubspot.com/docs/api-reference, CRM objects, batch read). */
const READ_MAX = 100;

/**
 * The records that exist, under the keys as they were asked for; absent ones are left out. `idProperty` null reads by
 * record id. One call per 100 keys. Throws TransientError when an answer did not come or is incomplete.
 */
export async function batchRead(
  transport: Transport,
  object: ObjectType,
  idProperty: string | null,
  keys: readonly string[],
  properties: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FoundRecord>> {
  const found = new Map<string, FoundRecord>();
  const unique = [...new Set(keys)];
  for (let start = 0; start < unique.length; start += READ_MAX) {
    const chunk = unique.slice(start, start + READ_MAX);
    const part = await readChunk(transport, object, idProperty, chunk, properties, signal);
    for (const [key, record] of part) found.set(key, record);
  }
  return found;
}

async function readChunk(
  transport: Transport,
  object: ObjectType,
  idProperty: string | null,
  keys: readonly string[],
  properties: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FoundRecord>> {
  const wanted = idProperty === null ? properties : [...new Set([...properties, idProperty])];
  const call: Call = {
    method: 'POST',
    path: transport.paths.batch(object, 'read'),
    body: {
      ...(idProperty === null ? {} : { idProperty }),
      properties: wanted,
      propertiesWithHistory: [],
      inputs: keys.map((id) => ({ id })),
    },
    budget: 'burst',
    operation: `${object} read`,
    kind: 'read',
  };
  const answer = await answered(transport, call, signal);
  if (answer.status === 404 && isAbsence(readError(answer.body))) return new Map();
  if (!isSuccess(answer.status)) throw refused(call, answer.status, answer.body);
  const reply = readBatch(answer.body);
  const fault = reply.errors.find((error) => !isAbsence(error));
  if (fault)
    throw new TransientError('hubspot', `${call.operation}: HubSpot could not read all records (${fault.category})`);
  return byKey(keys, idProperty, reply.results, reply.completedAt);
}

/** Absent keys come as errors of a 207; an error without a category is taken for one of them. */
const isAbsence = (error: ErrorReply): boolean => (error.category ?? 'OBJECT_NOT_FOUND') === 'OBJECT_NOT_FOUND';

function byKey(
  keys: readonly string[],
  idProperty: string | null,
  results: readonly RecordReply[],
  readAt: string | null,
): ReadonlyMap<string, FoundRecord> {
  const asked = new KeyMatcher(keys);
  const found = new Map<string, FoundRecord>();
  for (const result of results) {
    const key = asked.match(idProperty === null ? result.id : result.properties?.[idProperty]);
    if (key === null) continue;
    found.set(key, {
      hubspotId: result.id,
      properties: textual(result.properties ?? {}),
      createdAt: result.createdAt ?? null,
      readAt,
    });
  }
  return found;
}

const textual = (properties: Readonly<Record<string, unknown>>): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      value === null || value === undefined ? null : String(value),
    ]),
  );
