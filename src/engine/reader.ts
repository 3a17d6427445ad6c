/** Which slices are read from when, how far cursors move, and what proves that nothing is missing. */
import { EXIT, FatalError } from '../errors.ts';
import type { Page, Partition, Since, Source } from '../pipe.ts';
import type { StreamState } from '../state/stream.ts';
import type { OnEvent } from './events.ts';
import type { Intake } from './intake.ts';
import type { Ledger } from './ledger.ts';
import type { Decided } from './mapping.ts';
import { type PartitionProof, readPartition } from './read.ts';
import { ReadingDebt } from './reading-debt.ts';
import { UNION } from './verdict.ts';

/** Which part of a source a run is about. */
export interface Reach {
  /** Read from this instant instead of the cursor. */
  readonly since: string | null;
  /** Read everything instead of what changed. */
  readonly full: boolean;
  readonly dryRun: boolean;
  readonly limit: number | null;
  readonly partition: string | null;
  /** Instead of reading what changed: only these records, by id, such as those behind dead letters. */
  readonly records: readonly string[] | null;
  readonly lookBackMs: number;
}

export interface ReaderOptions<E> {
  readonly pipe: string;
  readonly source: Source;
  readonly state: StreamState;
  readonly ledger: Ledger;
  readonly intake: Intake<E>;
  readonly reach: Reach;
  /** What is mapped by another version than the mirror is read again as a whole. */
  readonly changedMapper: boolean;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly onEvent: OnEvent;
  /** Called in the transaction that takes a page in, with the entities it touched; null: they are decided later. */
  readonly decide: (touched: readonly string[]) => readonly Decided[] | null;
  /** Called when a page has been taken in. */
  readonly onTaken: (
    touched: readonly string[],
    decided: readonly Decided[] | null,
    total: number | undefined,
  ) => Promise<void>;
}

/** A cursor stays this far behind the source's clock at the first page: two of its machines may disagree. */
const CURSOR_MARGIN_MS = 60_000;
/** Records asked for by id at once. */
const FETCH_MAX = 500;

export class Reader<E> {
  readonly proofs: PartitionProof[] = [];
  readonly #options: ReaderOptions<E>;
  readonly #debt: ReadingDebt;
  #everything = true;
  #readSinceMoved = 0;
  #openWhenMoved = 0;

  constructor(options: ReaderOptions<E>) {
    this.#options = options;
    this.#debt = new ReadingDebt(options.state);
  }

  /** Every slice, those that failed last time first; a slice that had to be cut is asked in the parts that worked. */
  async readAll(): Promise<void> {
    const { source, state, reach, signal } = this.#options;
    const slices: Partition[] = []; // as many as there are sales reps: a list is small
    for await (const slice of source.partitions(this.#sinceOf(''), signal)) slices.push(slice);
    const wanted = state.partitions.inOrder(slices).flatMap((slice) => state.partitions.cutOf(slice) ?? [slice]);
    if (!this.#isPart) this.#debt.load(wanted.map(({ key }) => key));
    for (const slice of wanted) {
      if (reach.partition !== null && slice.key !== reach.partition) continue;
      if (this.#room() === 0) break;
      await this.#readOne(slice, this.#sinceOf(slice.key));
    }
    if (reach.partition !== null && this.proofs.length === 0)
      throw noSuchPartition(this.#options.pipe, reach.partition);
    if (this.isWhole && this.proofs.length > 1) await this.#proveUnion();
    if (this.isWhole) this.#debt.close(this.proofs, this.#everything);
  }

  /** Records by id; what the source has no more is mapped from the kept payload. */
  async readAgain(ids: readonly string[]): Promise<void> {
    const { source, state, ledger, intake, signal } = this.#options;
    for (let start = 0; start < ids.length; start += FETCH_MAX) {
      const some = ids.slice(start, start + FETCH_MAX);
      for (const id of some) ledger.see(id);
      await intake.takeAnswers(await source.get(some, signal), signal);
      state.entities.reopenRecords(some);
    }
  }

  /** Kept without payload, and worth a second look because a joined row changed. */
  async readDependents(joinedStreams: ReadonlyMap<string, number>): Promise<void> {
    for (const [pipe, stream] of joinedStreams) {
      const { joins } = this.#options.state;
      await this.#fetch((after) => joins.toReadAgain(pipe, stream, after, FETCH_MAX));
      joins.noteFollowed(pipe, stream);
    }
  }

  /** Records that give their entity its name, but that only others have named so far. */
  async readOwnRecords(): Promise<void> {
    await this.#fetch((after) => this.#options.state.entities.withoutOwnRecord(after, FETCH_MAX));
  }

  /** After the writing: up to the source's clock at the first page of each complete sweep. */
  moveCursors(): void {
    if (!this.isWhole) return;
    for (const { partition, verdict, asOf } of this.proofs) {
      if (verdict === 'complete' && asOf !== null) this.#options.state.cursors.advance(partition, lessMargin(asOf));
    }
  }

  /** Restricted runs see a part only: they prove nothing about the rest and move nothing. */
  get isWhole(): boolean {
    const { records, dryRun } = this.#options.reach;
    return !this.#isPart && records === null && !dryRun;
  }

  /** Of the listing only a part is asked for. */
  get #isPart(): boolean {
    const { since, limit, partition } = this.#options.reach;
    return since !== null || limit !== null || partition !== null;
  }

  /** What people should know about what was read, and why. */
  get notes(): readonly { readonly note: string; readonly times: number }[] {
    return this.#debt.notes(this.proofs);
  }

  get isComplete(): boolean {
    return this.isWhole && this.proofs.length > 0 && this.proofs.every((proof) => proof.verdict === 'complete');
  }

  /** The whole source was read, not only what changed, and every slice is proven. */
  get isFullPass(): boolean {
    return this.#everything && this.isComplete;
  }

  async #readOne(partition: Partition, since: Since): Promise<void> {
    const { source, state, ledger, intake, signal, now, decide, onTaken, onEvent, reach } = this.#options;
    this.#everything = this.#everything && since.kind === 'everything';
    const before = this.proofs.length;
    const proofs = readPartition(partition, since, {
      source,
      signal,
      now,
      beginSweep: () => ledger.beginPartition(),
      room: () => this.#room(),
      onCut: (whole, parts) => {
        state.partitions.rememberCut(whole, parts);
        if (this.isWhole) this.#debt.divide(whole, parts);
      },
      onPage: async (page, of, lastOfSorted, number) => {
        intake.readFrom = { partition: of.key, page: number };
        if (this.isWhole && number === 1) this.#debt.begin(of.key, since);
        const taken = await intake.take(page, signal, (touched) => {
          const decided = decide(touched);
          this.#moveCursor(of, lastOfSorted, page);
          return decided;
        });
        onEvent({
          ...{ kind: 'page', partition: of.key, records: page.records.length, rejected: page.rejected.length },
        });
        await onTaken(taken.touched, taken.settled, page.total);
        signal.throwIfAborted();
        return taken;
      },
    });
    for await (const read of proofs) {
      const proof = { ...read, again: this.#debt.reasonOf(partition.key) };
      this.proofs.push(proof);
      if (this.isWhole && proof.verdict === 'complete') this.#debt.settle(proof.partition);
      const { partition: key, verdict, fetched: records, pages, ms } = proof;
      onEvent({ kind: 'slice', partition: key, verdict, records, pages, ms });
    }
    if (!reach.dryRun) state.partitions.remember(partition, this.proofs.slice(before));
  }

  /**
   * The slices together against what the source says it has: records that no slice shows (no sales rep, a rep that is
   * not listed) would otherwise be missing without an error.
   */
  async #proveUnion(): Promise<void> {
    const { source, state, ledger, signal } = this.#options;
    const total = (await source.count?.({ kind: 'everything' }, signal)) ?? null;
    const seen = this.#everything ? ledger.glance().read : state.mirror.count() + ledger.rejectedRows;
    if (total === null) return;
    const reason = `the source says ${total} records, ${seen} are known: ${total - seen} are in no slice`;
    this.proofs.push({
      ...{ partition: UNION, label: 'all slices together', repeats: 0, pages: 0, sweeps: 1, ms: 0, asOf: null },
      expected: total,
      fetched: seen,
      ...(seen < total ? { verdict: 'unproven', reason } : { verdict: 'complete', reason: null }),
    });
  }

  /** `wanted` names ids in their order, after one of them. What is asked for may make others wanted: these too. */
  async #fetch(wanted: (after: string) => string[]): Promise<void> {
    const { source, intake, signal } = this.#options;
    const asked = new Set<string>();
    for (let before = -1; before < asked.size; ) {
      before = asked.size; // bounded: no id is asked for twice, and a round without a new one is the last
      for (let ids = wanted(''); ids.length > 0; ids = wanted(ids.at(-1) ?? '')) {
        const fresh = ids.filter((id) => !asked.has(id));
        for (const id of fresh) asked.add(id);
        if (fresh.length > 0) await intake.takeAnswers(await source.get(fresh, signal), signal);
      }
    }
  }

  #room(): number | null {
    const { reach, ledger } = this.#options;
    return reach.limit === null ? null : Math.max(0, reach.limit - ledger.glance().read);
  }

  /** From the flag, or inclusively from the cursor less the look-back; everything where there is neither. */
  #sinceOf(partition: string): Since {
    const { reach, state, changedMapper } = this.#options;
    if (reach.since !== null) return { kind: 'modified', from: reach.since };
    const cursor = state.cursors.of(partition);
    const owed = this.#debt.of(partition);
    if (reach.full || cursor === null || changedMapper || owed === 'everything') return { kind: 'everything' };
    const from = new Date(Date.parse(cursor) - reach.lookBackMs).toISOString();
    return { kind: 'modified', from: owed !== null && owed < from ? owed : from };
  }

  /**
   * While a sorted listing is read: up to what was read of it, never near the source's present. Not before as many records
   * were read as are open, because it looks at each of these: at every page that would be quadratic.
   */
  #moveCursor(partition: Partition, lastOfSorted: string | null, page: Page): void {
    if (lastOfSorted === null || !this.isWhole) return;
    this.#readSinceMoved += page.records.length;
    if (this.#readSinceMoved < this.#openWhenMoved) return;
    this.#readSinceMoved = 0;
    const horizon = page.asOf === null ? lastOfSorted : lessMargin(page.asOf);
    this.#openWhenMoved = this.#options.state.cursors.advance(
      partition.key,
      lastOfSorted < horizon ? lastOfSorted : horizon,
    );
  }
}

const lessMargin = (asOf: string): string => new Date(Date.parse(asOf) - CURSOR_MARGIN_MS).toISOString();

const noSuchPartition = (pipe: string, partition: string): FatalError =>
  new FatalError(
    EXIT.usage,
    `${pipe} has no partition ${partition}`,
    `see them with: retail-sync partitions show ${pipe}`,
  );
