/** What a read by key shows of writes whose answer did not come, or did not speak of them. */
import { TransientError } from '../../errors.ts';
import type { ObjectType, Outcome } from '../../pipe.ts';
import { batchRead, type FoundRecord } from './batch-read.ts';
import type { Input } from './match.ts';
import type { RecordReply } from './replies.ts';
import { sameValue } from './same-value.ts';
import type { Transport } from './transport.ts';

export interface Doubt {
  /** Why the answer did not settle it. */
  readonly reason: string;
  /** When the request was first sent, by the transport's clock. */
  readonly startedMs: number;
  /** A readable answer with results that named no key: a read finds whose they are. */
  readonly answered?: { readonly orphans: ReadonlyMap<string, RecordReply>; readonly ambiguous: boolean };
}

export interface Verified {
  readonly outcomes: Map<string, Outcome>;
  /** Inputs that the read did not show as written; their outcome is `unknown` for now. */
  readonly unproven: readonly Input[];
}

interface Place {
  readonly transport: Transport;
  readonly object: ObjectType;
  readonly idProperty: string | null;
}

/** HubSpot's clock and ours tick alike, but a write and its read are seconds apart. */
const CREATION_SLACK_MS = 5_000;

/** One read per 100 inputs. A read that fails proves nothing; FatalError passes. */
export async function verify(
  place: Place,
  inputs: readonly Input[],
  doubt: Doubt,
  signal: AbortSignal,
): Promise<Verified> {
  const found = await readBack(place, inputs, signal);
  const outcomes = new Map<string, Outcome>();
  const unproven: Input[] = [];
  for (const input of inputs) {
    const outcome = judge(place, input, found.get(input.key), doubt);
    outcomes.set(input.key, outcome);
    if (outcome.kind === 'unknown') unproven.push(input);
  }
  return { outcomes, unproven };
}

async function readBack(
  { transport, object, idProperty }: Place,
  inputs: readonly Input[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FoundRecord>> {
  const keys = inputs.map((input) => input.key);
  const names = [...new Set(inputs.flatMap((input) => Object.keys(input.properties)))];
  try {
    return await batchRead(transport, object, idProperty, keys, names, signal);
  } catch (thrown) {
    if (thrown instanceof TransientError) return new Map();
    throw thrown;
  }
}

function judge(place: Place, input: Input, found: FoundRecord | undefined, doubt: Doubt): Outcome {
  const orphan = found && doubt.answered?.orphans.get(found.hubspotId);
  if (orphan) {
    const ambiguous = doubt.answered?.ambiguous ?? true;
    return { kind: 'written', hubspotId: orphan.id, created: orphan.new ?? false, ambiguous };
  }
  if (!found || !shows(found, input)) {
    return { kind: 'unknown', reason: `${doubt.reason}, and a read by key did not show it` };
  }
  // The values are there, but an attempt that is still on its way may yet be applied.
  return { kind: 'written', hubspotId: found.hubspotId, created: isNew(place, found, doubt), ambiguous: true };
}

const shows = (found: FoundRecord, input: Input): boolean =>
  Object.entries(input.properties).every(([name, value]) => sameValue(name, value, found.properties[name]));

/** Created since our first attempt: both instants are HubSpot's, only the time in between is ours. */
function isNew({ transport, idProperty }: Place, found: FoundRecord, doubt: Doubt): boolean {
  if (idProperty === null || found.createdAt === null) return false;
  const createdMs = Date.parse(found.createdAt);
  const readMs = found.readAt === null ? transport.clock.now() : Date.parse(found.readAt);
  return readMs - createdMs <= transport.clock.now() - doubt.startedMs + CREATION_SLACK_MS;
}
