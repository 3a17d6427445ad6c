/** Which associations records have, with all their labels. */
import { z } from 'zod';
import { TransientError } from '../../errors.ts';
import type { ObjectType } from '../../pipe.ts';
import { answered, isSuccess, refused } from './ask.ts';
import type { AssociationType } from './link-types.ts';
import { isRecord, readError } from './replies.ts';
import type { Call, Transport } from './transport.ts';

/** Inputs of one call (developers.hubspot.com/docs/api-reference/crm-associations-v4/guide). */
const READ_MAX = 1_000;

const typeReply = z.object({ category: z.string(), typeId: z.number(), label: z.string().nullish().catch(null) });
const resultReply = z.object({
  from: z.object({ id: z.coerce.string() }),
  to: z.array(z.object({ toObjectId: z.coerce.string(), associationTypes: z.array(typeReply).catch([]) })),
});

export interface FoundType extends AssociationType {
  /** Null for the unlabelled type. */
  readonly label: string | null;
}

/** By the id the link leads to. */
type Targets = ReadonlyMap<string, readonly FoundType[]>;

/**
 * Associations by the id they start from; a record without any is left out. One call per 1,000 ids. Of a record with
 * more than 500 associations to one object type only the first 500 are seen. Throws TransientError when an answer did
 * not come or is incomplete.
 */
export async function readLinks(
  transport: Transport,
  from: ObjectType,
  to: ObjectType,
  fromIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Targets>> {
  const found = new Map<string, Targets>();
  const unique = [...new Set(fromIds)];
  for (let start = 0; start < unique.length; start += READ_MAX) {
    const ids = unique.slice(start, start + READ_MAX);
    const call: Call = {
      method: 'POST',
      path: transport.paths.associations(from, to, 'read'),
      body: { inputs: ids.map((id) => ({ id })) },
      budget: 'associations',
      operation: `${from}-${to} links read`,
      kind: 'read',
    };
    for (const [id, targets] of await readChunk(transport, call, signal)) found.set(id, targets);
  }
  return found;
}

async function readChunk(
  transport: Transport,
  call: Call,
  signal: AbortSignal,
): Promise<readonly (readonly [string, Targets])[]> {
  const { status, body } = await answered(transport, call, signal);
  if (status === 404 && isAbsence(body)) return [];
  if (!isSuccess(status)) throw refused(call, status, body);
  const reply = isRecord(body) ? body : {};
  const errors: readonly unknown[] = Array.isArray(reply.errors) ? reply.errors : [];
  if (errors.some((error) => !isAbsence(error))) {
    throw new TransientError('hubspot', `${call.operation}: HubSpot could not read all associations`);
  }
  const results: readonly unknown[] = Array.isArray(reply.results) ? reply.results : [];
  return results.flatMap((item) => {
    const result = resultReply.safeParse(item).data;
    return result ? [[result.from.id, targetsOf(result.to)] as const] : [];
  });
}

/** A record without associations, or one that is not there, is an error row. */
const isAbsence = (error: unknown): boolean => (readError(error).category ?? 'OBJECT_NOT_FOUND') === 'OBJECT_NOT_FOUND';

const targetsOf = (to: z.infer<typeof resultReply>['to']): Targets =>
  new Map(
    to.map(({ toObjectId, associationTypes }) => [
      toObjectId,
      associationTypes.map(({ category, typeId, label }) => ({
        associationCategory: category,
        associationTypeId: typeId,
        label: label ?? null,
      })),
    ]),
  );
