/** What HubSpot refused, as a dead letter. */
import type { ObjectType } from '../pipe.ts';
import type { Letter } from '../state/letters.ts';
import type { StreamState } from '../state/stream.ts';

export interface Refused {
  readonly object: ObjectType;
  readonly key: string;
  readonly entity: string;
  readonly reason: string;
  readonly category: string;
}

/**
 * Two writes that met (409), a lock, or several matches in the portal: these pass without any change at the source. That
 * a value is not valid does not.
 */
const PASSING = /^(ambiguous-match|\w*CONFLICT\w*|HTTP_409|HTTP_423|\w*LOCKED\w*)$/i;

export function letterOf({ object, key, entity, reason, category }: Refused, state: StreamState): Letter {
  const raw = `[${(state.mirror.recordsOf([entity]).get(entity) ?? []).map((record) => record.raw).join(',')}]`;
  const about = { subject: `${object} ${key}`, entity, stage: 'write', category, reason, raw } as const;
  return { ...about, isPassing: PASSING.test(category) };
}
