/** Answers to association batches: which pair each result and each error speaks of. By ids, never by position. */
import { z } from 'zod';
import type { Pair, Route } from './link-types.ts';
import { OBJECT_TYPE_IDS } from './link-types.ts';
import { contextList, type ErrorReply, isRecord, readError } from './replies.ts';

const id = z.coerce.string().min(1);
const end = z.object({ id });
/** `associate/default` names the ends as objects, the labelled create by `fromObjectId` and `toObjectId`. */
const resultReply = z.union([
  z.object({ from: end, to: end }).transform(({ from, to }) => ({ fromId: from.id, toId: to.id })),
  z
    .object({ fromObjectId: id, toObjectId: id })
    .transform(({ fromObjectId, toObjectId }) => ({ fromId: fromObjectId, toId: toObjectId })),
]);

interface LinkReply {
  readonly pairs: readonly Pair[];
  readonly errors: readonly ErrorReply[];
  /** As HubSpot counted them; may exceed `errors`. */
  readonly numErrors: number;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Any JSON of a 2xx, or no body at all. */
export function readLinkReply(body: unknown): LinkReply {
  const reply = isRecord(body) ? body : {};
  const errors = list(reply.errors).map(readError);
  const numErrors = typeof reply.numErrors === 'number' ? reply.numErrors : 0;
  return {
    pairs: list(reply.results).flatMap((item) => resultReply.safeParse(item).data ?? []),
    errors,
    numErrors: Math.max(numErrors, errors.length),
  };
}

export const pairKey = ({ fromId, toId }: Pair): string => `${fromId} ${toId}`;

/** The pairs whose ids an error names; none when it names no id, or only ids that were not sent. */
export function blamed(error: ErrorReply, route: Route, pairs: readonly Pair[]): readonly Pair[] {
  const named = (...names: string[]): readonly string[] => names.flatMap((name) => contextList(error, name));
  const from = named('fromObjectId', 'fromId');
  const to = named('toObjectId', 'toId');
  const either = [...named('objectId', 'objectIds', 'id', 'ids'), ...(error.id ? [error.id] : [])];
  if (from.length + to.length + either.length === 0) return [];
  const sides = sidesOf(named('objectTypeId', 'objectType'), route);
  return pairs.filter(({ fromId, toId }) => {
    const meant = (sides.from && either.includes(fromId)) || (sides.to && either.includes(toId));
    return (
      (from.length === 0 || from.includes(fromId)) &&
      (to.length === 0 || to.includes(toId)) &&
      (either.length === 0 || meant)
    );
  });
}

/** Ids are unique within an object type only: where the error says which type, the other end is not meant. */
function sidesOf(types: readonly string[], route: Route): { readonly from: boolean; readonly to: boolean } {
  const from = types.includes(OBJECT_TYPE_IDS[route.from]);
  const to = types.includes(OBJECT_TYPE_IDS[route.to]);
  return from || to ? { from, to } : { from: true, to: true };
}
