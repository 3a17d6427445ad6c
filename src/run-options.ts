/** What a run is given: its pipe, both its ends, and how it was asked for. */
import type { Database } from 'better-sqlite3';
import type { Resolve } from './decide.ts';
import type { BreakerLimits, RunLimits } from './engine/breakers.ts';
import type { OnEvent } from './engine/events.ts';
import type { JoinLookup, PrepareJoins } from './engine/joining.ts';
import type { Reach } from './engine/reader.ts';
import type { Facts, Mapping, Sink, Source, Write } from './pipe.ts';
import type { Progress } from './run-report.ts';

/** What is synced: a job's pipe, resolved to its source. */
export interface Pipe<E> {
  readonly name: string;
  readonly mapping: Mapping<E>;
  readonly assembles: 'one-record' | 'many-records';
  /** Dead letters one run may add before it stops. */
  readonly deadLettersMax: number;
  /** An entity's own record has to be there: it is fetched when the mirror lacks it. */
  readonly needsOwnRecord: boolean;
  /** Changes when mapper, adapter or facts would make something else of the same record. */
  readonly version: string;
}

export interface Ends {
  readonly source: Source;
  readonly sink: Sink;
  readonly db: Database;
  /** Row of `streams`: this pipe, fed from this source instance. */
  readonly stream: number;
  readonly facts: Facts;
  readonly join: JoinLookup;
  readonly prepareJoins: PrepareJoins;
  /** The streams that joined pipes are mirrored in, by pipe; pipes that never ran are left out. */
  readonly joinedStreams: ReadonlyMap<string, number>;
  readonly resolve: Resolve;
  /** A look at the source before anything is read; throws FatalError when it must not be. */
  readonly look?: (signal: AbortSignal) => Promise<void>;
  /** A last look at what the run created; throws FatalError when it must not stand. */
  readonly inspect: (signal: AbortSignal) => Promise<void>;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
}

export interface RunOptions extends Reach {
  readonly id: string;
  /** A person has seen the numbers: the circuit breakers let this run through. */
  readonly approved: boolean;
  readonly breakers: BreakerLimits;
  /** Objects (contacts apart) a first load may create, where their number was proved before; null: no bound. */
  readonly createsMax: number | null;
  readonly quarantineMs: number;
  /** Beside the breakers, and whoever approved them. */
  readonly limits?: RunLimits | undefined;
  /** Called before the first write, when all is read, with everything that would be sent; throws to stop the run. */
  readonly review?: ((writes: readonly Write[]) => Promise<void>) | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly onEvent?: OnEvent;
}
