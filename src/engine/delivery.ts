/** Hands a batch to the sink: what people had made is adopted before anything is created. */
import type { Planned } from '../decide.ts';
import type { ObjectType, Outcome, Sink, Write } from '../pipe.ts';
import type { StreamState } from '../state/stream.ts';
import type { OnEvent } from './events.ts';
import type { UpsertCounts } from './upsert-counts.ts';

export interface DeliveryOptions {
  readonly sink: Sink;
  readonly state: StreamState;
  /** Cuts the requests in flight: the grace after a stop is over. */
  readonly kill: AbortSignal;
  readonly onEvent: OnEvent;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #counts: UpsertCounts;
  /** Objects by type and key that people made, found by this run. */
  readonly #adopted = new Set<string>();

  constructor(options: DeliveryOptions, counts: UpsertCounts) {
    this.#options = options;
    this.#counts = counts;
  }

  /** Whether this run found that people had made the object. */
  isAdopted({ object, key }: Write): boolean {
    return this.#adopted.has(`${object} ${key}`);
  }

  /** Looks for objects made by people before the first create; what is ambiguous is not sent. */
  async write(batch: readonly Planned[]): Promise<ReadonlyMap<string, Outcome>> {
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
      if (adoption?.kind === 'adopted') this.#counts.adopted++;
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
        state.owed.noneTo(object, key);
        this.#adopted.add(`${object} ${key}`);
      }
    });
  }

  /** Tells of each upsert that HubSpot did not say yes to, then of the batch. */
  tell(
    object: ObjectType,
    batch: number,
    items: readonly Planned[],
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
}
