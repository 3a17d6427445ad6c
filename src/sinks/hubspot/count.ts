/**
 * How many objects of a kind there are, by search: the only answer with a total. It lags behind writes by seconds to
 * minutes (developers.hubspot.com/docs/api-reference/2026-03/crm/search-the-crm).
 */
import { z } from 'zod';
import type { ObjectType } from '../../pipe.ts';
import { ask } from './ask.ts';
import type { Transport } from './transport.ts';

export type Filter =
  | { readonly propertyName: string; readonly operator: 'EQ' | 'GTE'; readonly value: string }
  | { readonly propertyName: string; readonly operator: 'HAS_PROPERTY' | 'NOT_HAS_PROPERTY' };

const totalReply = z.object({ total: z.number().int().nonnegative() });

/** One call. Throws FatalError (scope, shape) and TransientError (no answer). */
export async function countObjects(
  transport: Transport,
  object: ObjectType,
  filters: readonly Filter[],
  signal: AbortSignal,
): Promise<number> {
  const body = { filterGroups: filters.length === 0 ? [] : [{ filters }], properties: ['hs_object_id'], limit: 1 };
  const path = transport.paths.search(object);
  const call = { method: 'POST', path, body, budget: 'search', operation: `${object} count`, kind: 'read' } as const;
  return (await ask(transport, call, totalReply, signal)).total;
}
