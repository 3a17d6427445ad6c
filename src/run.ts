/**
 * The whole story of one pipe: for each partition, for each page: remember, assemble, map, decide, write, settle, count.
 * Nothing here knows a vendor. Dry run and real run are the same code; the dry run's sink only nods and its
 * transaction is rolled back.
 */
import type { Database } from 'better-sqlite3';
import type { Resolve } from './decide.ts';
import { type LinkCounts, payOwed, settleLinks } from './engine/afterwards.ts';
import {
  type BreakerLimits,
  checkBreakers,
  checkRunLimits,
  LIMIT_VARIABLES,
  type RunLimits,
} from './engine/breakers.ts';
import { concludeDeletions, type DeletionCounts } from './engine/deletions.ts';
import { Dispatch, tally, waitingWrites } from './engine/dispatch.ts';
import type { OnEvent } from './engine/events.ts';
import { FreshPage } from './engine/fresh.ts';
import { Intake } from './engine/intake.ts';
import type { JoinLookup, PrepareJoins } from './engine/joining.ts';
import { type Counts, Ledger } from './engine/ledger.ts';
import { EntityMapper } from './engine/mapping.ts';
import type { PartitionProof } from './engine/read.ts';
import { type Reach, Reader } from './engine/reader.ts';
import { rediscover } from './engine/rediscover.ts';
import { letterOf } from './engine/refusal.ts';
import type { UpsertCounts } from './engine/upsert-counts.ts';
import { type Conclusion, conclude } from './engine/verdict.ts';
import { Writer } from './engine/writer.ts';
import { EXIT, FatalError } from './errors.ts';
import type { Facts, Mapping, Sink, Source, Write } from './pipe.ts';
import { explain } from './state/database.ts';
import { isInDoubt, trustAgain } from './state/generation.ts';
import { hasBaseline, mapperOf, setMapper } from './state/runs.ts';
import { StreamState } from './state/stream.ts';

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

/** How far a run is, for people who watch. */
export interface Progress {
  readonly phase: 'reading' | 'writing' | 'waiting';
  readonly read: number;
  readonly total: number | null;
  readonly written: number;
  readonly unchanged: number;
  readonly excluded: number;
  readonly held: number;
  readonly deadLettered: number;
  readonly waitUntilMs: number | null;
}

export interface RunReport extends Conclusion {
  readonly counts: Counts;
  readonly upserts: UpsertCounts & { readonly unchanged: number };
  readonly links: LinkCounts;
  /** What the mapper remarked, with how often. */
  readonly notes: readonly { readonly note: string; readonly times: number }[];
  /** Amounts that no object carries, by what they are. */
  readonly sums: Readonly<Record<string, string>>;
  readonly deadLettersAdded: number;
  /** Null when the run was no proven pass over the whole source, and concluded nothing. */
  readonly deletions: DeletionCounts | null;
  readonly proofs: readonly PartitionProof[];
  readonly dryRun: boolean;
}

/** Requests in flight get this long to be answered after a stop was asked for. */
const STOP_GRACE_MS = 10_000;

/** Runs one pipe. Never throws for what happens on the wire: the report says it, and is true. */
export async function runPipe<E>(
  pipe: Pipe<E>,
  ends: Ends,
  options: RunOptions,
  stop: AbortSignal,
): Promise<RunReport> {
  const run = new Run(pipe, ends, options, stop);
  if (options.dryRun) ends.db.exec('BEGIN IMMEDIATE');
  try {
    await run.story();
  } catch (error) {
    run.fail(error);
  } finally {
    await run.end();
    if (options.dryRun) ends.db.exec('ROLLBACK');
  }
  return run.report();
}

class Run<E> {
  readonly #pipe: Pipe<E>;
  readonly #ends: Ends;
  readonly #options: RunOptions;
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  readonly #state: StreamState;
  readonly #ledger = new Ledger();
  readonly #mapper: EntityMapper<E>;
  readonly #writer: Writer;
  readonly #dispatch: Dispatch<E>;
  readonly #reader: Reader<E>;
  readonly #changedMapper: boolean;
  readonly #unlisten: () => void;
  #deadLettersAdded = 0;
  #failure: unknown = null;
  #total: number | null = null;
  #phase: Progress['phase'] = 'reading';
  #streams = false;
  #links: LinkCounts = { made: 0, removed: 0, refused: 0, pending: 0, unknown: 0 };
  #stillOwed = 0;
  #open = { waiting: 0, held: 0 };
  #deletions: DeletionCounts | null = null;

  constructor(pipe: Pipe<E>, ends: Ends, options: RunOptions, stop: AbortSignal) {
    this.#pipe = pipe;
    this.#ends = ends;
    this.#options = options;
    const { source, facts, join, prepareJoins, resolve, clock } = ends;
    const { mapping } = pipe;
    const state = new StreamState(ends.db, ends.stream, options.id, pipe.version, clock.now);
    const onEvent: OnEvent = options.onEvent ?? (() => undefined);
    state.letters.onNews = ({ subject, stage, category }) =>
      onEvent({
        kind: 'letter',
        record: subject.replace(/^(record|row|products|companies|contacts|deals) /, ''),
        stage,
        category,
      });
    const onDeadLetter = (added: boolean): void => this.#countDeadLetter(added);
    const ledger = this.#ledger;
    this.#state = state;
    this.#changedMapper = mapperOf(ends.db, ends.stream) !== pipe.version;
    const fresh = new FreshPage(source);
    const intake = new Intake({
      source,
      fresh,
      mapping,
      join,
      prepareJoins,
      changedMapper: this.#changedMapper,
      state,
      ledger,
      run: options.id,
      version: pipe.version,
      onDeadLetter,
    });
    this.#mapper = new EntityMapper({ fresh, mapping, facts, state, join, resolve });
    this.#writer = new Writer({
      sink: ends.sink,
      state,
      ledger,
      now: clock.now,
      quarantineMs: options.quarantineMs,
      exclusive: mapping.properties.filter((spec) => spec.exclusive),
      stop: this.#stop.signal,
      kill: this.#kill.signal,
      onRefused: (refused) => onDeadLetter(state.letters.open(letterOf(refused, state))),
      onSettled: () => this.#checkCreates(),
      onEvent,
    });
    this.#dispatch = new Dispatch({ mapper: this.#mapper, state, ledger, writer: this.#writer, onDeadLetter });
    this.#reader = new Reader({
      pipe: pipe.name,
      source,
      state,
      ledger,
      intake,
      reach: options,
      changedMapper: this.#changedMapper,
      signal: this.#stop.signal,
      now: clock.now,
      onEvent,
      decide: (touched) => (this.#streams ? this.#dispatch.decide(touched) : null),
      onTaken: async (touched, decided, total) => {
        this.#total = total ?? this.#total;
        if (decided !== null) await this.#dispatch.hand(decided);
        else if (this.#streams) await this.#dispatch.send(touched);
        this.#progress();
      },
    });
    const listener = (): void => this.#stopBecause(stop.reason);
    if (stop.aborted) listener();
    else stop.addEventListener('abort', listener, { once: true });
    this.#unlisten = () => stop.removeEventListener('abort', listener);
  }

  async story(): Promise<void> {
    const { joinedStreams } = this.#ends;
    const { records } = this.#options;
    await this.#ends.look?.(this.#stop.signal);
    const wasInDoubt = isInDoubt(this.#ends.db, this.#ends.stream);
    if (wasInDoubt) await rediscover(this.#state, this.#ends.sink, this.#pipe.mapping.properties, this.#stop.signal);
    // With an earlier proven run to compare with, nothing is written before all is read and its size has been judged;
    // the very first load writes while it reads.
    this.#streams = this.#pipe.assembles === 'one-record' && !this.#measured && !this.#isReviewed;
    this.#state.objects.stampOpenIntents();
    this.#state.entities.reopenSending();
    this.#state.entities.reopenHeld();
    if (records === null) this.#state.letters.reopenDue();
    for (const [pipe, stream] of joinedStreams) this.#state.joins.touchDependents(pipe, stream);
    if (records === null) await this.#reader.readAll();
    else await this.#reader.readAgain(records);
    await this.#reader.readDependents(joinedStreams);
    if (this.#pipe.needsOwnRecord) await this.#reader.readOwnRecords();
    if (records === null && !wasInDoubt) await this.#concludeDeletions();
    this.#phase = 'writing';
    await this.#writeTheRest();
    await this.#waitOutQuarantine();
    await this.#afterwards();
    this.#open = this.#state.entities.openCounts();
    this.#reader.moveCursors();
    if (wasInDoubt && this.#reader.isComplete) trustAgain(this.#ends.db, this.#ends.stream);
    if (this.#changedMapper && this.#reader.isComplete) setMapper(this.#ends.db, this.#ends.stream, this.#pipe.version);
  }

  /** Only a pipe that knows what to make of it, and only after a whole pass that is proven. */
  async #concludeDeletions(): Promise<void> {
    if (!this.#pipe.mapping.deleted || !this.#reader.isFullPass) return;
    this.#deletions = await concludeDeletions({
      pipe: this.#pipe.name,
      source: this.#ends.source,
      state: this.#state,
      ledger: this.#ledger,
      limits: this.#options.breakers,
      approved: this.#options.approved,
      isFirstPass: this.#changedMapper,
      signal: this.#stop.signal,
    });
  }

  /** What was read and waits, after the numbers have been looked at; also what an earlier run left behind. */
  async #writeTheRest(): Promise<void> {
    // The first look at all of them also settles who owns which e-mail, before the first of them is sent.
    const isChecked = this.#measured && !this.#options.approved && !this.#options.dryRun;
    const { limits, review } = this.#options;
    if (isChecked || this.#isReviewed || (this.#mapper.needsOverview && !this.#streams)) {
      const sizes = tally(this.#mapper, this.#state, this.#pipe.mapping.properties);
      if (isChecked) checkBreakers(this.#pipe.name, sizes, () => this.#state.objects.count(), this.#options.breakers);
      if (limits) checkRunLimits(this.#pipe.name, sizes, limits);
    }
    await review?.(waitingWrites(this.#mapper, this.#state));
    // Deciding one entity may reopen another (two spellings of one key), which may lie behind: a second round finds it.
    for (let round = 0; round < 3 && this.#state.entities.isAnyPending; round++) await this.#dispatch.sendPending();
    await this.#writer.flush();
    this.#stop.signal.throwIfAborted();
  }

  /** Create-only properties and links: they hang on objects that are written by now. */
  async #afterwards(): Promise<void> {
    if (this.#options.dryRun) return;
    this.#stillOwed = await payOwed(this.#state, this.#ends.sink, this.#stop.signal);
    const onDeadLetter = (added: boolean): void => this.#countDeadLetter(added);
    this.#links = await settleLinks(this.#state, this.#ends.sink, onDeadLetter, this.#stop.signal);
    await this.#ends.inspect(this.#stop.signal);
  }

  /** Sends once more what an older request may still overwrite, after the time in which it could land. */
  async #waitOutQuarantine(): Promise<void> {
    const until = this.#state.objects.heldUntilMs(this.#options.quarantineMs);
    if (until === null || this.#options.dryRun) return;
    const waitMs = Math.max(0, until - this.#ends.clock.now());
    this.#phase = 'waiting';
    this.#progress(until);
    await this.#ends.clock.sleep(waitMs, this.#stop.signal);
    this.#state.entities.reopenHeld();
    await this.#dispatch.sendPending();
    await this.#writer.flush();
  }

  fail(error: unknown): void {
    // After a stop, whatever was cut off fails with it: the stop is the cause.
    const cause = this.#stop.signal.aborted ? this.#stop.signal.reason : error;
    this.#failure ??= explain(cause, this.#ends.db.name);
    this.#stopBecause(cause);
  }

  /** Lets the requests in flight end, and settles what they answered. */
  async end(): Promise<void> {
    await this.#writer.drain();
    this.#unlisten();
    clearTimeout(this.#killTimer);
  }

  report(): RunReport {
    if (this.#ledger.unsettled > 0) this.#ledger.holdTheRest();
    const counts = this.#ledger.counts();
    return {
      ...conclude({
        pipe: this.#pipe.name,
        failure: this.#failure,
        proofs: this.#reader.proofs,
        counts,
        deadLettersAdded: this.#deadLettersAdded,
        linksUnknown: this.#links.unknown,
        stillOwed: this.#stillOwed,
        open: this.#open,
        readSlices: this.#options.records === null,
      }),
      counts,
      upserts: { ...this.#writer.counts, unchanged: this.#dispatch.unchanged },
      links: this.#links,
      notes: [...this.#reader.notes, ...[...this.#dispatch.notes].map(([note, times]) => ({ note, times }))],
      sums: Object.fromEntries(this.#dispatch.sums),
      deadLettersAdded: this.#deadLettersAdded,
      deletions: this.#deletions,
      proofs: this.#reader.proofs,
      dryRun: this.#options.dryRun,
    };
  }

  #killTimer: NodeJS.Timeout | undefined;

  #stopBecause(reason: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(reason);
    this.#killTimer = setTimeout(() => this.#kill.abort(reason), STOP_GRACE_MS);
    this.#killTimer.unref();
  }

  #countDeadLetter(added: boolean): void {
    if (!added) return;
    this.#deadLettersAdded++;
    if (this.#deadLettersAdded <= this.#pipe.deadLettersMax) return;
    // Not thrown: this is called inside a settling transaction, and what HubSpot acknowledged has to be kept.
    this.fail(
      new FatalError(
        EXIT.gate,
        `${this.#pipe.name} added more than ${this.#pipe.deadLettersMax} dead letters, the limit of one run (${LIMIT_VARIABLES.deadLetters})`,
        `see what they have in common: retail-sync dead-letters list --pipe ${this.#pipe.name}; if they may stay: run it again, it goes on`,
        { code: 'too-many-letters' },
      ),
    );
  }

  #checkCreates(): void {
    const { createsMax } = this.#options;
    const { created, createdContacts } = this.#writer.counts;
    this.#progress();
    if (createsMax === null || created - createdContacts <= createsMax) return;
    this.fail(
      new FatalError(
        EXIT.gate,
        `${this.#pipe.name} created ${created - createdContacts} objects; ${createsMax} is what the source had proved to hold before`,
        `look at the source: retail-sync cutover status; if it is right: retail-sync sync ${this.#pipe.name}`,
        { code: 'creates' },
      ),
    );
  }

  /** Nothing is written before all is read. */
  get #isReviewed(): boolean {
    return this.#options.limits !== undefined || this.#options.review !== undefined;
  }

  get #measured(): boolean {
    return hasBaseline(this.#ends.db, this.#ends.stream);
  }

  #progress(waitUntilMs: number | null = null): void {
    this.#options.onProgress({ phase: this.#phase, ...this.#ledger.glance(), total: this.#total, waitUntilMs });
  }
}
