/** What is remembered of a batch: the intention before it leaves, the outcomes when it is back. */
import type { Planned } from '../decide.ts';
import { canonicalJson } from '../fingerprint.ts';
import type { Outcome } from '../pipe.ts';
import type { Late } from '../state/objects.ts';
import { OWED_NOTHING } from '../state/owed-properties.ts';
import type { Proof } from '../state/proof.ts';
import type { StreamState } from '../state/stream.ts';
import type { Delivery } from './delivery.ts';
import { mergeLate } from './late-copies.ts';
import type { Refused } from './refusal.ts';
import { entityState, type Item, type Task, worse } from './task.ts';
import type { UpsertCounts } from './upsert-counts.ts';

export interface SettlementOptions {
  readonly state: StreamState;
  readonly now: () => number;
  readonly quarantineMs: number;
  /** Called in the settling transaction for each refused upsert; throws to stop the run. */
  readonly onRefused: (refused: Refused) => void;
}

/** Every public method is to be called inside a transaction of the caller. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #counts: UpsertCounts;
  readonly #delivery: Pick<Delivery, 'isAdopted'>;

  constructor(options: SettlementOptions, counts: UpsertCounts, delivery: Pick<Delivery, 'isAdopted'>) {
    this.#options = options;
    this.#counts = counts;
    this.#delivery = delivery;
  }

  /**
   * Returns those that are still to be sent. What was read while a batch was filled counts: an entity that changed since
   * it was queued is decided anew, and one that left the scope must not be sent any more.
   */
  intend(queued: readonly Item[], lates: ReadonlyMap<string, Late>): readonly Item[] {
    const { state } = this.#options;
    const still = state.entities.stillSending(queued.map((item) => item.task.entity));
    const batch = queued.filter((item) => still.has(item.task.entity));
    for (const item of batch) {
      const late = lates.get(item.write.key) ?? null;
      // Owed from the moment it may exist: the answer that says "created" may never be heard.
      const owed = item.known.hubspotId === null ? owedOf(item) : null;
      state.objects.intend(item.write, item.task.entity, item.fingerprint, late, owed);
    }
    return batch;
  }

  /** The outcome of every upsert and the state of every entity that is complete with it. Returns the ended tasks. */
  settle(
    batch: readonly Item[],
    outcomes: ReadonlyMap<string, Outcome>,
    lates: ReadonlyMap<string, Late>,
    number: number,
  ): Task[] {
    const ended: Task[] = [];
    for (const item of batch) {
      const { task } = item;
      const outcome = outcomes.get(item.write.key) ?? { kind: 'unknown', reason: 'no outcome for this key' };
      const result = this.#settleItem(item, outcome, lates.get(item.write.key) ?? null, number);
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

  #settleItem(item: Item, outcome: Outcome, late: Late, batch: number): Task['worst'] {
    const { state } = this.#options;
    const { object, key } = item.write;
    const proof = { batch, evidence: outcome.evidence };
    if (outcome.kind === 'unknown') {
      this.#counts.unknown++;
      state.objects.stampIntent(item.write); // the last attempt was later than the first
      state.letters.journal('unanswered', `${object} ${key}`, outcome.reason, proof);
      return 'held';
    }
    if (outcome.kind === 'refused') {
      this.#counts.refused++;
      state.objects.refuse(item.write, item.known.intent !== null);
      state.letters.journal('refused', `${object} ${key}`, outcome.reason, proof);
      this.#options.onRefused({ object, key, entity: item.task.entity, ...outcome });
      return 'dead-lettered';
    }
    return this.#acknowledge(item, outcome, late, proof);
  }

  #acknowledge(item: Item, outcome: Written, late: Late, proof: Proof): Task['worst'] {
    const { state, now, quarantineMs } = this.#options;
    this.#count(item, outcome);
    const own: Late = outcome.ambiguous ? { print: item.fingerprint, untilMs: now() + quarantineMs } : null;
    const after = mergeLate(late, own);
    const { hubspotId, created } = outcome;
    const owed = this.#owedAfter(item, outcome);
    const { content: properties } = item;
    // What was withheld is not there: the next time this object is decided, it is tried again.
    const fingerprint = outcome.withheld ? `${item.fingerprint} without ${outcome.withheld}` : item.fingerprint;
    const isNewId = item.known.hubspotId !== hubspotId;
    const about = { hubspotId, isNewId, created, late: after, proof };
    state.objects.acknowledge(item.write, { fingerprint, properties, owed, ...about });
    if (item.known.undone !== null) this.#counts.redone++;
    // A late copy of these very bytes cannot make the object wrong; a late copy of other bytes can.
    return after === null || after.print === item.fingerprint ? 'written' : 'held';
  }

  #count({ write }: Item, { created, withheld }: Written): void {
    if (created) this.#counts.created++;
    else this.#counts.updated++;
    if (created && write.object === 'contacts') this.#counts.createdContacts++;
    if (withheld) this.#counts.withheld++;
  }

  /** What is owed to an object that was written: to one that people made, nothing. */
  #owedAfter(item: Item, { created, ambiguous }: Written): string | null {
    const { known, write } = item;
    if (created) return owedOf(item);
    if (known.owed === OWED_NOTHING || this.#delivery.isAdopted(write)) return null;
    return (ambiguous && known.hubspotId === null ? owedOf(item) : null) ?? known.owed;
  }
}

type Written = Extract<Outcome, { kind: 'written' }>;

const owedOf = ({ onCreate }: Planned): string | null =>
  Object.keys(onCreate).length > 0 ? canonicalJson(onCreate) : null;
