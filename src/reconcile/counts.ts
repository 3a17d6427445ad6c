/**
 * At the end of a run: does HubSpot hold as many objects with our keys as the state knows of? One search per object type.
 * It says nothing about contents, and a disagreement is a reason to compare by key, no failure.
 */
import type { Database } from 'better-sqlite3';
import type { Clock } from '../clock.ts';
import type { ObjectType, PropertySpec } from '../pipe.ts';
import { countObjects } from '../sinks/hubspot/count.ts';
import type { Transport } from '../sinks/hubspot/transport.ts';
import { idsHeld } from '../state/reconciliation.ts';

/** One object type: what the state knows of, and what HubSpot counts. */
export interface Counted {
  readonly object: ObjectType;
  readonly known: number;
  readonly counted: number;
}

export interface CountOptions {
  readonly db: Database;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Pauses before each further question, where the numbers differ: the search index lags behind what was just written, by
 * some seconds as live users saw it. Seldom enough that a load of a hundred batches makes few more calls for it, often
 * enough that a run ends soon after the index has caught up. Ten seconds together, however many pipes there are: then a
 * difference is one, and said. A slow answer takes none of them away.
 */
const PAUSES_MS = [500, 1_000, 1_500, 1_500, 1_500, 2_000, 2_000];

/** Of one pipe. */
export interface CountedPipe {
  readonly objects: readonly Counted[];
  /** HubSpot calls it took. */
  readonly calls: number;
}

/** By pipe. Throws like the transport. */
export async function countAll(
  pipes: readonly { readonly pipe: string; readonly specs: readonly PropertySpec[] }[],
  options: CountOptions,
): Promise<ReadonlyMap<string, CountedPipe>> {
  const shelves = pipes.flatMap(({ pipe, specs }) =>
    specs.filter(({ unique }) => unique).map(({ object, name }) => ({ pipe, object, keyProperty: name })),
  );
  const { clock, signal } = options;
  const results = new Map<(typeof shelves)[number], Counted>();
  const calls = new Map<string, number>();
  for (const pauseMs of [0, ...PAUSES_MS]) {
    const open = shelves.filter((shelf) => !agrees(results.get(shelf)));
    if (open.length === 0) break;
    if (pauseMs > 0) await clock.sleep(pauseMs, signal);
    for (const shelf of open) {
      results.set(shelf, await countOne(shelf, options));
      calls.set(shelf.pipe, (calls.get(shelf.pipe) ?? 0) + 1);
    }
  }
  return new Map(
    pipes.map(({ pipe }) => {
      const objects = shelves.filter((shelf) => shelf.pipe === pipe).flatMap((shelf) => results.get(shelf) ?? []);
      return [pipe, { objects, calls: calls.get(pipe) ?? 0 }];
    }),
  );
}

async function countOne(
  keyed: { readonly object: ObjectType; readonly keyProperty: string },
  { db, transport, signal }: CountOptions,
): Promise<Counted> {
  const { object, keyProperty } = keyed;
  const counted = await countObjects(
    transport,
    object,
    [{ propertyName: keyProperty, operator: 'HAS_PROPERTY' }],
    signal,
  );
  return { object, known: idsHeld(db, keyed), counted };
}

export const agrees = (one: Counted | undefined): boolean => one !== undefined && one.known === one.counted;

/** A sentence about a disagreement, with the command that explains it. */
export const disagreement = (pipe: string, { object, known, counted }: Counted): string =>
  `HubSpot counts ${counted} ${object} with our key, ${known} are known here: retail-sync reconcile ${pipe}`;
