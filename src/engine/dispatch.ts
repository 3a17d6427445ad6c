/** Applies decisions: what needs no write is settled at once, the rest goes to the writer. */
import { add } from '../canonical.ts';
import type { PropertySpec, Write } from '../pipe.ts';
import type { StreamState } from '../state/stream.ts';
import type { Ledger } from './ledger.ts';
import type { Decided, EntityMapper } from './mapping.ts';
import type { Task } from './task.ts';
import type { Writer } from './writer.ts';

export interface DispatchOptions<E> {
  readonly mapper: EntityMapper<E>;
  readonly state: StreamState;
  readonly ledger: Ledger;
  readonly writer: Writer;
  readonly onDeadLetter: (added: boolean) => void;
}

/** Entities decided in one go: bounds memory and the length of a transaction. */
const CHUNK = 500;

export class Dispatch<E> {
  /** Upserts that were decided and found unchanged. */
  unchanged = 0;
  /** What the mapper had to say, with how often it said so; the first hundred kinds. */
  readonly notes = new Notes();
  /** Amounts that no object carries, by what they are. */
  readonly sums = new Map<string, string>();
  readonly #options: DispatchOptions<E>;

  constructor(options: DispatchOptions<E>) {
    this.#options = options;
  }

  /**
   * Decides these entities in the transaction of the caller, who hands them over afterwards; null when they are too many
   * for one, or when one of them is on its way: then `send` has to wait for it first.
   */
  decide(entities: readonly string[]): readonly Decided[] | null {
    const isLater = entities.length > CHUNK || entities.some((entity) => this.#options.writer.isBusy(entity));
    return isLater ? null : this.#decideChunk(entities);
  }

  /** Hands decided entities to the writer; waits while too much is in flight. */
  async hand(decided: readonly Decided[]): Promise<void> {
    for (const one of decided) this.#hand(one);
    await this.#options.writer.room();
  }

  /** Decides these entities and hands their writes over; waits while too much is in flight. */
  async send(entities: readonly string[]): Promise<void> {
    const { state, writer } = this.#options;
    for (let start = 0; start < entities.length; start += CHUNK) {
      const chunk = entities.slice(start, start + CHUNK);
      if (chunk.some((entity) => writer.isBusy(entity))) await writer.flush();
      await this.hand(state.transaction(() => this.#decideChunk(chunk)));
    }
  }

  #decideChunk(entities: readonly string[]): readonly Decided[] {
    const decided = this.#options.mapper.decideAll(entities);
    const going = decided.filter((one) => this.#settleOrQueue(one) === 'queued');
    if (going.length > 0) this.#options.state.entities.startSending(going.map(({ entity }) => entity));
    return decided;
  }

  /** Everything that waits in the state, whoever left it there. */
  async sendPending(): Promise<void> {
    let after = '';
    // Bounded: `after` only grows. What is touched behind it meanwhile waits for the next call.
    for (;;) {
      const entities = this.#options.state.entities.pending(CHUNK, after);
      const last = entities.at(-1);
      if (last === undefined) return;
      await this.send(entities);
      after = last;
    }
  }

  /** Settles what needs no write. */
  #settleOrQueue(one: Decided): 'settled' | 'queued' {
    const { state, ledger } = this.#options;
    const { entity, decision } = one;
    if (decision.kind !== 'rejected') this.#wantLinks(one);
    this.#addSums(one.sums);
    if (decision.kind === 'write' || (decision.kind === 'excluded' && decision.farewell.length > 0)) {
      return 'queued';
    }
    if (decision.kind === 'rejected') {
      state.entities.set(entity, 'dead', null);
      const reason = decision.issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
      const subject = `record ${one.records.join(',') || entity}`;
      const letter = { subject, entity, stage: 'map', category: 'invalid', reason, raw: one.raw } as const;
      this.#options.onDeadLetter(state.letters.open(letter));
      for (const record of one.records) ledger.settle(record, { kind: 'dead-lettered' });
      return 'settled';
    }
    state.letters.resolve(entity);
    if (decision.kind === 'unchanged') {
      this.unchanged += decision.upserts;
      state.entities.set(entity, 'clean', null);
      for (const record of one.records) ledger.settle(record, { kind: 'unchanged' });
      return 'settled';
    }
    state.exclusions.excludeEntity(entity, decision.rule);
    for (const record of one.records) ledger.settle(record, { kind: 'excluded', rule: decision.rule });
    return 'settled';
  }

  /** Links are wanted from the moment they are mapped; they are made when both ends are there. */
  #wantLinks({ upserts, decision, notes }: Decided): void {
    if (decision.kind === 'excluded' && decision.farewell.length === 0) return;
    const { state } = this.#options;
    for (const { object, key, links } of upserts) {
      if (links === undefined) continue;
      for (const withdrawn of state.links.want(object, key, links)) state.letters.resolveLink(withdrawn);
    }
    for (const note of notes) this.notes.set(note, (this.notes.get(note) ?? 0) + 1);
  }

  #addSums(sums: Readonly<Record<string, string>>): void {
    for (const [label, amount] of Object.entries(sums)) this.sums.set(label, add(this.sums.get(label) ?? '0', amount));
  }

  #hand(one: Decided): void {
    const { decision, entity, records, recall } = one;
    const writes = decision.kind === 'write' ? decision.writes : decision.kind === 'excluded' ? decision.farewell : [];
    if (writes.length === 0) return;
    if (decision.kind === 'write') this.unchanged += decision.unchanged;
    const task: Task = {
      entity,
      records,
      farewellRule: decision.kind === 'excluded' ? decision.rule : null,
      waiting: writes.length,
      worst: 'written',
      isOvertaken: false,
    };
    this.#options.writer.add(task, writes, (planned) => recall(planned.write.object, planned.write.key));
  }
}

/** Remarks of the mapper, counted by their text; bounded, because a text may name a record. */
class Notes extends Map<string, number> {
  override set(note: string, count: number): this {
    return this.size < NOTES_MAX || this.has(note) ? super.set(note, count) : this;
  }
}

const NOTES_MAX = 100;

/** What a run is about to do, for the circuit breakers. */
export interface Tally {
  readonly creates: number;
  readonly updates: number;
  /** Updates that would empty a property which holds a value now, by property. */
  readonly blanked: ReadonlyMap<string, number>;
}

/** Decides everything that waits without sending it. */
export function tally<E>(mapper: EntityMapper<E>, state: StreamState, specs: readonly PropertySpec[]): Tally {
  const blanked = new Map<string, number>();
  let creates = 0;
  let updates = 0;
  for (const { decision, recall } of decideWaiting(mapper, state)) {
    if (decision.kind !== 'write') continue;
    for (const { write, fingerprint } of decision.writes) {
      const known = recall(write.object, write.key);
      if (known.fingerprint === fingerprint) continue; // only sent again to be sure: nothing changes
      if (known.hubspotId === null) creates++;
      else updates++;
      countBlanked(blanked, write.properties, known.properties, specs);
    }
  }
  return { creates, updates, blanked };
}

/** Everything that would be sent now. After a `tally`: who owns which exclusive value is known by then. */
export function waitingWrites<E>(mapper: EntityMapper<E>, state: StreamState): Write[] {
  const writes: Write[] = [];
  for (const { decision } of decideWaiting(mapper, state)) {
    const planned = decision.kind === 'write' ? decision.writes : decision.kind === 'excluded' ? decision.farewell : [];
    for (const { write } of planned) writes.push(write);
  }
  return writes;
}

function* decideWaiting<E>(mapper: EntityMapper<E>, state: StreamState): Generator<Decided> {
  let after = '';
  for (;;) {
    const entities = state.entities.pending(CHUNK, after); // bounded: `after` only grows
    const last = entities.at(-1);
    if (last === undefined) return;
    after = last;
    yield* state.transaction(() => mapper.decideAll(entities));
  }
}

function countBlanked(
  blanked: Map<string, number>,
  next: Readonly<Record<string, string>>,
  before: string | null,
  specs: readonly PropertySpec[],
): void {
  if (before === null) return;
  const held: Record<string, string> = JSON.parse(before);
  for (const { name } of specs) if (next[name] === '' && held[name]) blanked.set(name, (blanked.get(name) ?? 0) + 1);
}
