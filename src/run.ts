/**
 * The whole story of one pipe: for each partition, for each page: remember, assemble, map, decide, write, settle, count.
 * Nothing here knows a vendor. Dry run and real run are the same code; the dry run's sink only nods and its
 * transaction is rolled back.
 */
import { type LinkCounts, payOwed, settleLinks } from './engine/afterwards.ts';
import { assemble } from './engine/assembly.ts';
import { checkBreakers, checkRunLimits, tooManyCreated, tooManyLetters } from './engine/breakers.ts';
import { concludeDeletions, type DeletionCounts } from './engine/deletions.ts';
import { type Dispatch, tally, waitingWrites } from './engine/dispatch.ts';
import type { Ledger } from './engine/ledger.ts';
import type { Decided, EntityMapper } from './engine/mapping.ts';
import type { Reader } from './engine/reader.ts';
import { rediscover } from './engine/rediscover.ts';
import { Stopping } from './engine/stopping.ts';
import { conclude } from './engine/verdict.ts';
import type { Writer } from './engine/writer.ts';
import { FatalError, TransientError } from './errors.ts';
import type { Ends, Pipe, RunOptions } from './run-options.ts';
import type { Progress, RunReport } from './run-report.ts';
import { explain } from './state/database.ts';
import { isInDoubt, trustAgain } from './state/generation.ts';
import { forgetCheck } from './state/page-check.ts';
import { hasBaseline, setMapper } from './state/runs.ts';
import type { StreamState } from './state/stream.ts';

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
  readonly #stopping = new Stopping();
  readonly #state: StreamState;
  readonly #ledger: Ledger;
  readonly #mapper: EntityMapper<E>;
  readonly #writer: Writer;
  readonly #dispatch: Dispatch<E>;
  readonly #reader: Reader<E>;
  readonly #changedMapper: boolean;
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
    const parts = assemble(pipe, ends, options, {
      stop: this.#stopping.signal,
      kill: this.#stopping.kill,
      onDeadLetter: (added) => this.#countDeadLetter(added),
      onSettled: () => this.#checkCreates(),
      decide: (touched) => (this.#streams ? this.#dispatch.decide(touched) : null),
      onTaken: (touched, decided, total) => this.#sendTaken(touched, decided, total),
    });
    this.#state = parts.state;
    this.#ledger = parts.ledger;
    this.#mapper = parts.mapper;
    this.#writer = parts.writer;
    this.#dispatch = parts.dispatch;
    this.#reader = parts.reader;
    this.#changedMapper = parts.changedMapper;
    this.#stopping.heed(stop);
  }

  async story(): Promise<void> {
    const { joinedStreams } = this.#ends;
    const { records } = this.#options;
    await this.#ends.look?.(this.#stopping.signal);
    const wasInDoubt = isInDoubt(this.#ends.db, this.#ends.stream);
    if (wasInDoubt)
      await rediscover(this.#state, this.#ends.sink, this.#pipe.mapping.properties, this.#stopping.signal);
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

  /** What a page touched leaves at once where writing does not wait for the end of reading. */
  async #sendTaken(
    touched: readonly string[],
    decided: readonly Decided[] | null,
    total: number | undefined,
  ): Promise<void> {
    this.#total = total ?? this.#total;
    if (decided !== null) await this.#dispatch.hand(decided);
    else if (this.#streams) await this.#dispatch.send(touched);
    this.#progress();
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
      signal: this.#stopping.signal,
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
    this.#stopping.signal.throwIfAborted();
  }

  /** Create-only properties and links: they hang on objects that are written by now. */
  async #afterwards(): Promise<void> {
    if (this.#options.dryRun) return;
    this.#stillOwed = await payOwed(this.#state, this.#ends.sink, this.#stopping.signal);
    const onDeadLetter = (added: boolean): void => this.#countDeadLetter(added);
    this.#links = await settleLinks(this.#state, this.#ends.sink, onDeadLetter, this.#stopping.signal);
    await this.#ends.inspect(this.#stopping.signal);
  }

  /** Sends once more what an older request may still overwrite, after the time in which it could land. */
  async #waitOutQuarantine(): Promise<void> {
    const until = this.#state.objects.heldUntilMs(this.#options.quarantineMs);
    if (until === null || this.#options.dryRun) return;
    const waitMs = Math.max(0, until - this.#ends.clock.now());
    this.#phase = 'waiting';
    this.#progress(until);
    await this.#ends.clock.sleep(waitMs, this.#stopping.signal);
    this.#state.entities.reopenHeld();
    await this.#dispatch.sendPending();
    await this.#writer.flush();
  }

  fail(error: unknown): void {
    const { signal } = this.#stopping;
    // After a stop, whatever was cut off fails with it: the stop is the cause.
    const cause = signal.aborted ? signal.reason : error;
    const told = explain(cause, this.#ends.db.name);
    // Nothing explains it: a page of the state may be behind it, and the next opening looks.
    if (!(told instanceof FatalError || told instanceof TransientError)) forgetCheck(this.#ends.db.name);
    this.#failure ??= told;
    this.#stopping.because(cause);
  }

  /** Lets the requests in flight end, and settles what they answered. */
  async end(): Promise<void> {
    await this.#writer.drain();
    this.#stopping.end();
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

  #countDeadLetter(added: boolean): void {
    if (!added) return;
    this.#deadLettersAdded++;
    const { name, deadLettersMax } = this.#pipe;
    // Not thrown: this is called inside a settling transaction, and what HubSpot acknowledged has to be kept.
    if (this.#deadLettersAdded > deadLettersMax) this.fail(tooManyLetters(name, deadLettersMax));
  }

  #checkCreates(): void {
    const { createsMax } = this.#options;
    const { created, createdContacts } = this.#writer.counts;
    this.#progress();
    if (createsMax === null || created - createdContacts <= createsMax) return;
    this.fail(tooManyCreated(this.#pipe.name, created - createdContacts, createsMax));
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
