/**
 * Sends what was decided: fills batches and keeps a bounded number of them in flight. The intention is durable before a
 * batch leaves; its outcomes are settled in one transaction when they are known.
 */
import pLimit from 'p-limit';
import type { Planned } from '../decide.ts';
import { asError } from '../errors.ts';
import type { ObjectType } from '../pipe.ts';
import { CommitGroup } from '../state/commits.ts';
import type { KnownObject, Late } from '../state/objects.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { lateOf } from './late-copies.ts';
import type { Ledger } from './ledger.ts';
import { Settlement, type SettlementOptions } from './settlement.ts';
import { type Item, recordOutcome, type Task } from './task.ts';
import { noUpserts, type UpsertCounts } from './upsert-counts.ts';

export interface WriterOptions extends DeliveryOptions, SettlementOptions {
  readonly ledger: Ledger;
  /** Properties whose value HubSpot lets one object hold: it is given up by one before another takes it. */
  readonly exclusive: readonly { readonly object: ObjectType; readonly name: string }[];
  /** Starts no further batch. */
  readonly stop: AbortSignal;
  readonly onSettled: () => void;
}

/** Batches waiting for a free place in flight, at most this many times the concurrency: reading waits beyond it. */
const QUEUE_FACTOR = 2;
/** Contacts kept back at most: bounds memory. */
const WAITING_MAX = 2_000;
const ORDER: readonly ObjectType[] = ['products', 'companies', 'contacts', 'deals'];

export class Writer {
  readonly counts: UpsertCounts = noUpserts();
  readonly #options: WriterOptions;
  readonly #delivery: Delivery;
  readonly #settlement: Settlement;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #commits: CommitGroup;
  readonly #open = new Map<ObjectType, Item[]>();
  readonly #busy = new Set<string>();
  readonly #flying = new Set<Promise<void>>();
  #failure: Error | null = null;
  #batches = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#delivery = new Delivery(options, this.counts);
    this.#settlement = new Settlement(options, this.counts, this.#delivery);
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

  async #send(object: ObjectType, queued: readonly Item[]): Promise<void> {
    if (this.#failure || this.#options.stop.aborted) return; // not sent: stays `sending` in the state, found by the next run
    const { now, quarantineMs } = this.#options;
    const lates = new Map(queued.map((item) => [item.write.key, lateOf(item.known, now(), quarantineMs)]));
    const going = await this.#commits.run(() => this.#settlement.intend(queued, lates));
    for (const item of queued) if (!going.includes(item)) this.#drop(item);
    await this.#sendNow(object, going, lates);
  }

  async #sendNow(object: ObjectType, batch: readonly Item[], lates: ReadonlyMap<string, Late>): Promise<void> {
    if (batch.length === 0) return;
    const number = ++this.#batches;
    const startedMs = this.#options.now();
    const outcomes = await this.#delivery.write(batch);
    this.#delivery.tell(object, number, batch, outcomes, this.#options.now() - startedMs);
    const ended = await this.#commits.run(() => this.#settlement.settle(batch, outcomes, lates, number));
    for (const task of ended) this.#finish(task);
    this.#options.onSettled();
  }

  #drop({ task }: Item): void {
    task.isOvertaken = true;
    task.waiting--;
    if (task.waiting === 0) this.#finish(task);
  }

  #finish(task: Task): void {
    this.#busy.delete(task.entity);
    if (task.isOvertaken) return;
    for (const record of task.records) this.#options.ledger.settle(record, recordOutcome(task));
  }
}
