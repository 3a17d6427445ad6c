/**
 * Sends what was decided: fills batches, keeps a bounded number of them in flight, makes the intention durable before a
 * batch leaves and settles each batch in one transaction when its outcomes are known.
 */
import pLimit from 'p-limit';
import type { Planned } from '../decide.ts';
import { asError } from '../errors.ts';
import { canonicalJson } from '../fingerprint.ts';
import type { ObjectType, Outcome, Sink, Write } from '../pipe.ts';
import { CommitGroup } from '../state/commits.ts';
import { type KnownObject, type Late, OWED_NOTHING } from '../state/objects.ts';
import type { StreamState } from '../state/stream.ts';
import type { OnEvent } from './events.ts';
import type { Ledger, RecordOutcome } from './ledger.ts';

/** An entity on its way: settled when the last of its upserts is, with the worst of their outcomes. */
export interface Task {
  readonly entity: string;
  readonly records: readonly string[];
  /** The rule of an entity that is sent once more because it left the scope. */
  readonly farewellRule: string | null;
  waiting: number;
  worst: 'written' | 'held' | 'dead-lettered';
  /** Read again before all of it had left, and changed: the newer decision settles entity and records. */
  isOvertaken: boolean;
}

interface Item extends Planned {
  readonly task: Task;
  readonly known: KnownObject;
}

/** How many upserts ended how; apart from the records, and they add up too. */
export interface UpsertCounts {
  created: number;
  /** Of the created. */
  createdContacts: number;
  updated: number;
  refused: number;
  unknown: number;
  /** Objects people had made that were given our key. */
  adopted: number;
  /** Objects written without a value that another object holds. */
  withheld: number;
  /** Objects whose values had been taken back by `undo`, and are the source's again. */
  redone: number;
}

export interface WriterOptions {
  readonly sink: Sink;
  readonly state: StreamState;
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly quarantineMs: number;
  /** Properties whose value HubSpot lets one object hold: it is given up by one before another takes it. */
  readonly exclusive: readonly { readonly object: ObjectType; readonly name: string }[];
  /** Starts no further batch. */
  readonly stop: AbortSignal;
  /** Cuts the requests in flight: the grace after `stop` is over. */
  readonly kill: AbortSignal;
  /** Called in the settling transaction for each refused upsert; throws to stop the run. */
  readonly onRefused: (item: {
    object: ObjectType;
    key: string;
    entity: string;
    reason: string;
    category: string;
  }) => void;
  readonly onSettled: () => void;
  readonly onEvent: OnEvent;
}

/** Batches waiting for a free place in flight, at most this many times the concurrency: reading waits beyond it. */
const QUEUE_FACTOR = 2;
/** Contacts kept back at most: bounds memory. */
const WAITING_MAX = 2_000;
const ORDER: readonly ObjectType[] = ['products', 'companies', 'contacts', 'deals'];

export class Writer {
  readonly counts: UpsertCounts = {
    created: 0,
    createdContacts: 0,
    updated: 0,
    refused: 0,
    unknown: 0,
    adopted: 0,
    withheld: 0,
    redone: 0,
  };
  readonly #options: WriterOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #commits: CommitGroup;
  readonly #open = new Map<ObjectType, Item[]>();
  readonly #busy = new Set<string>();
  readonly #flying = new Set<Promise<void>>();
  /** Objects by type and key that people made, found by this run. */
  readonly #adopted = new Set<string>();
  #failure: Error | null = null;
  #batches = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#limit = pLimit(options.sink.concurrency);
    this.#commits = new CommitGroup(options.state);
  }

  /** Whether an upsert of this entity is queued or in flight: its next decision has to wait for the outcome. */
  isBusy(entity: string): boolean {
    return this.#busy.has(entity);
  }

  add(task: Task, planned: readonly Planned[], recall: (planned: Planned) => KnownObject): void {
    this.#busy.add(task.entity);
    for (const plan of planned) {
      const { object } = plan.write;
      const batch = this.#open.get(object) ?? [];
      batch.push({ ...plan, task, known: recall(plan) });
      this.#open.set(object, batch);
      if (batch.length >= this.#options.sink.batchSize && !this.#waits(object)) this.#dispatch(object);
    }
  }

  /** Contacts wait until the companies are there, and until an e-mail they take has been given up. */
  #waits(object: ObjectType): boolean {
    return object === 'contacts';
  }

  /** Resolves when there is room for more; throws what stopped an earlier batch. */
  async room(): Promise<void> {
    const waiting = this.#open.get('contacts')?.length ?? 0;
    if (waiting > WAITING_MAX) await this.flush();
    while (this.#flying.size > this.#options.sink.concurrency * QUEUE_FACTOR) await Promise.race(this.#flying);
    this.#throwFailure();
  }

  /** Sends the unfilled batches too, one kind of object after the other, and resolves when all outcomes are settled. */
  async flush(): Promise<void> {
    for (const object of ORDER) {
      const items = this.#open.get(object) ?? [];
      const releases = items.filter((item) => this.#releases(item));
      if (releases.length > 0 && releases.length < items.length) {
        this.#open.set(object, releases);
        this.#dispatch(object);
        await this.drain();
        this.#open.set(
          object,
          items.filter((item) => !releases.includes(item)),
        );
      }
      this.#dispatch(object);
      if (object === 'companies') await this.drain();
    }
    await this.drain();
    this.#throwFailure();
  }

  /** Empties a value that another object may be about to take. */
  #releases({ write }: Item): boolean {
    return this.#options.exclusive.some(({ object, name }) => object === write.object && write.properties[name] === '');
  }

  /** Waits for what is in flight, whatever becomes of it. */
  async drain(): Promise<void> {
    while (this.#flying.size > 0) await Promise.race(this.#flying);
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure;
    this.#options.stop.throwIfAborted();
  }

  #dispatch(object: ObjectType): void {
    const items = this.#open.get(object) ?? [];
    this.#open.set(object, []);
    const { batchSize } = this.#options.sink;
    for (let start = 0; start < items.length; start += batchSize)
      this.#fly(object, items.slice(start, start + batchSize));
  }

  #fly(object: ObjectType, batch: readonly Item[]): void {
    const flight = this.#limit(() => this.#send(object, batch))
      .catch((error: unknown) => {
        this.#failure ??= asError(error);
      })
      .finally(() => this.#flying.delete(flight));
    this.#flying.add(flight);
  }

  /**
   * What was read while a batch was filled counts: an entity that changed since it was queued is decided anew, and one
   * that left the scope must not be sent any more.
   */
  async #send(object: ObjectType, queued: readonly Item[]): Promise<void> {
    if (this.#failure || this.#options.stop.aborted) return; // not sent: stays `sending` in the state, found by the next run
    const { state } = this.#options;
    const lates = new Map(queued.map((item) => [item.write.key, this.#lateOf(item.known)]));
    const going = await this.#commits.run(() => {
      const still = state.entities.stillSending(queued.map((item) => item.task.entity));
      const batch = queued.filter((item) => still.has(item.task.entity));
      for (const item of batch) {
        const late = lates.get(item.write.key) ?? null;
        // Owed from the moment it may exist: the answer that says "created" may never be heard.
        const owed = item.known.hubspotId === null ? owedOf(item) : null;
        state.objects.intend(item.write, item.task.entity, item.fingerprint, late, owed);
      }
      return batch;
    });
    for (const item of queued) if (!going.includes(item)) this.#drop(item);
    await this.#sendNow(object, going, lates);
  }

  async #sendNow(object: ObjectType, batch: readonly Item[], lates: ReadonlyMap<string, Late>): Promise<void> {
    if (batch.length === 0) return;
    const number = ++this.#batches;
    const startedMs = this.#options.now();
    const outcomes = await this.#write(batch);
    this.#tellOf(object, number, batch, outcomes, this.#options.now() - startedMs);
    const ended = await this.#commits.run(() => this.#settle(object, batch, outcomes, lates, number));
    for (const task of ended) this.#finish(task);
    this.#options.onSettled();
  }

  #tellOf(
    object: ObjectType,
    batch: number,
    items: readonly Item[],
    outcomes: ReadonlyMap<string, Outcome>,
    ms: number,
  ): void {
    const { onEvent } = this.#options;
    const counts = { written: 0, refused: 0, unknown: 0 };
    for (const { write } of items) {
      const outcome: Outcome = outcomes.get(write.key) ?? { kind: 'unknown', reason: '' };
      counts[outcome.kind]++;
      if (outcome.kind === 'written') continue;
      const about = { object, batch, record: write.key, outcome: outcome.kind };
      onEvent({ kind: 'item', ...about, ...(outcome.kind === 'refused' ? { category: outcome.category } : {}) });
    }
    onEvent({ kind: 'batch', object, batch, size: items.length, ...counts, ms });
  }

  /** Looks for objects made by people before the first create; what is ambiguous is not sent. */
  async #write(batch: readonly Item[]): Promise<ReadonlyMap<string, Outcome>> {
    const { sink, kill } = this.#options;
    const unborn = batch.filter(({ write }) => write.hubspotId === null).map(({ write }) => write);
    const onFound = (keys: readonly string[]): void => this.#owesNothing(unborn, keys);
    const adoptions = unborn.length > 0 ? await sink.adopt?.(unborn, kill, onFound) : undefined;
    if (adoptions === undefined || adoptions.size === 0)
      return sink.write(
        batch.map(({ write }) => write),
        kill,
      );
    const outcomes = new Map<string, Outcome>();
    const writes: Write[] = [];
    for (const { write } of batch) {
      const adoption = adoptions.get(write.key);
      if (adoption?.kind === 'ambiguous') {
        outcomes.set(write.key, { kind: 'refused', category: 'ambiguous-match', reason: adoption.reason });
        continue;
      }
      if (adoption?.kind === 'adopted') this.counts.adopted++;
      writes.push(adoption === undefined ? write : { ...write, hubspotId: adoption.hubspotId });
    }
    const answers = writes.length > 0 ? await sink.write(writes, kill) : new Map<string, Outcome>();
    return new Map([...outcomes, ...answers]);
  }

  #owesNothing(writes: readonly Write[], keys: readonly string[]): void {
    const { state } = this.#options;
    state.transaction(() => {
      for (const { object, key } of writes) {
        if (!keys.includes(key)) continue;
        state.objects.owesNothing(object, key);
        this.#adopted.add(`${object} ${key}`);
      }
    });
  }

  /** One transaction: the outcome of every upsert and the state of every entity that is complete with it. */
  #settle(
    object: ObjectType,
    batch: readonly Item[],
    outcomes: ReadonlyMap<string, Outcome>,
    lates: ReadonlyMap<string, Late>,
    number: number,
  ): Task[] {
    const ended: Task[] = [];
    for (const item of batch) {
      const { task } = item;
      const outcome = outcomes.get(item.write.key) ?? { kind: 'unknown', reason: 'no outcome for this key' };
      const result = this.#settleItem(object, item, outcome, lates.get(item.write.key) ?? null, number);
      task.worst = worse(task.worst, result);
      task.waiting--;
      if (task.waiting === 0) ended.push(task);
    }
    this.#settleTasks(ended);
    return ended;
  }

  /** A task is an entity of its own: none is busy twice. */
  #settleTasks(ended: readonly Task[]): void {
    const { state } = this.#options;
    for (const [to, tasks] of Map.groupBy(ended, entityState)) {
      const settled = state.entities.settle(
        tasks.map(({ entity }) => entity),
        to,
      );
      for (const { entity, worst, isOvertaken, farewellRule } of tasks) {
        if (worst === 'written' && !isOvertaken) state.letters.resolve(entity);
        // It left the scope while it was on its way: what it was is nobody's business any more.
        if (!settled.has(entity) && state.entities.isExcluded(entity)) state.objects.forgetContent(entity);
        if (settled.has(entity) && farewellRule !== null && worst === 'written')
          state.exclusions.excludeEntity(entity, farewellRule);
      }
    }
  }

  #settleItem(object: ObjectType, item: Item, outcome: Outcome, late: Late, batch: number): Task['worst'] {
    const { state, now, quarantineMs } = this.#options;
    const { key } = item.write;
    const proof = { batch, evidence: outcome.evidence };
    if (outcome.kind === 'unknown') {
      this.counts.unknown++;
      state.objects.stampIntent(item.write); // the last attempt was later than the first
      state.letters.journal('unanswered', `${object} ${key}`, outcome.reason, proof);
      return 'held';
    }
    if (outcome.kind === 'refused') {
      this.counts.refused++;
      state.objects.refuse(item.write, item.known.intent !== null);
      state.letters.journal('refused', `${object} ${key}`, outcome.reason, proof);
      this.#options.onRefused({ object, key, entity: item.task.entity, ...outcome });
      return 'dead-lettered';
    }
    if (outcome.created) this.counts.created++;
    else this.counts.updated++;
    if (outcome.created && object === 'contacts') this.counts.createdContacts++;
    const own: Late = outcome.ambiguous ? { print: item.fingerprint, untilMs: now() + quarantineMs } : null;
    const after = merge(late, own);
    const { hubspotId, created } = outcome;
    const owed = this.#owedAfter(item, outcome);
    const { content: properties } = item;
    // What was withheld is not there: the next time this object is decided, it is tried again.
    const fingerprint = outcome.withheld ? `${item.fingerprint} without ${outcome.withheld}` : item.fingerprint;
    if (outcome.withheld) this.counts.withheld++;
    const isNewId = item.known.hubspotId !== hubspotId;
    const about = { hubspotId, isNewId, created, late: after, proof };
    state.objects.acknowledge(item.write, { fingerprint, properties, owed, ...about });
    if (item.known.undone !== null) this.counts.redone++;
    // A late copy of these very bytes cannot make the object wrong; a late copy of other bytes can.
    return after === null || after.print === item.fingerprint ? 'written' : 'held';
  }

  /** What is owed to an object that was written: to one that people made, nothing. */
  #owedAfter(item: Item, { created, ambiguous }: { readonly created: boolean; readonly ambiguous: boolean }) {
    const { known, write } = item;
    if (created) return owedOf(item);
    if (known.owed === OWED_NOTHING || this.#adopted.has(`${write.object} ${write.key}`)) return null;
    return (ambiguous && known.hubspotId === null ? owedOf(item) : null) ?? known.owed;
  }

  /** What earlier sends of this object may still do when this one leaves. */
  #lateOf(known: KnownObject): Late {
    const now = this.#options.now();
    const late =
      known.late !== null && known.lateUntilMs !== null ? { print: known.late, untilMs: known.lateUntilMs } : null;
    const intent =
      known.intent !== null && known.intentAtMs !== null
        ? { print: known.intent, untilMs: known.intentAtMs + this.#options.quarantineMs }
        : null;
    return merge(stillOpen(late, now), stillOpen(intent, now));
  }

  #drop({ task }: Item): void {
    task.isOvertaken = true;
    task.waiting--;
    if (task.waiting === 0) this.#finish(task);
  }

  #finish(task: Task): void {
    this.#busy.delete(task.entity);
    if (task.isOvertaken) return;
    const outcome: RecordOutcome =
      task.farewellRule !== null && task.worst === 'written'
        ? { kind: 'excluded', rule: task.farewellRule }
        : { kind: task.worst };
    for (const record of task.records) this.#options.ledger.settle(record, outcome);
  }
}

const owedOf = ({ onCreate }: Planned): string | null =>
  Object.keys(onCreate).length > 0 ? canonicalJson(onCreate) : null;

const RANK = { written: 0, held: 1, 'dead-lettered': 2 } as const;
const worse = (a: Task['worst'], b: Task['worst']): Task['worst'] => (RANK[a] >= RANK[b] ? a : b);

function entityState(task: Task): 'clean' | 'held' | 'dead' | 'excluded' {
  if (task.worst === 'held') return 'held';
  if (task.worst === 'dead-lettered') return 'dead';
  return task.farewellRule === null ? 'clean' : 'excluded';
}

const stillOpen = (late: Late, nowMs: number): Late => (late !== null && late.untilMs > nowMs ? late : null);

/** '*' stands for several different contents: it equals none. */
function merge(a: Late, b: Late): Late {
  if (a === null || b === null) return a ?? b;
  return { print: a.print === b.print ? a.print : '*', untilMs: Math.max(a.untilMs, b.untilMs) };
}
