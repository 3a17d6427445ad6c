/** Takes pages in: scope before memory, doubt settled by a point read, what changed remembered and marked. */
import { digest } from '../fingerprint.ts';
import type { Mapping, Page, RejectedRow, Scope, Source, SourceRecord } from '../pipe.ts';
import { DELETED_AT_SOURCE } from '../state/absences.ts';
import type { KnownRecord, Mirror } from '../state/mirror.ts';
import type { StreamState } from '../state/stream.ts';
import type { FreshPage } from './fresh.ts';
import { idsByPipe, type JoinLookup, joiner, type PrepareJoins } from './joining.ts';
import type { Ledger } from './ledger.ts';

export interface IntakeOptions<E> {
  readonly source: Source;
  readonly fresh: FreshPage;
  readonly mapping: Pick<Mapping<E>, 'scope' | 'joins'>;
  readonly join: JoinLookup;
  readonly state: StreamState;
  readonly ledger: Ledger;
  readonly run: string;
  /** Version of mapper, adapter and facts: content mapped by another one counts as changed. */
  readonly version: string;
  /** The mirror was mapped by another version. */
  readonly changedMapper: boolean;
  /** Makes rows of other pipes known that the mirror lacks; called before anything is judged by them. */
  readonly prepareJoins: PrepareJoins;
  readonly onDeadLetter: (added: boolean) => void;
}

/** What a page added to a sweep. */
export interface Taken<Settled> {
  /** Records not seen in this partition before. */
  readonly fresh: number;
  readonly repeats: number;
  /** Entities that wait to be mapped because of this page. */
  readonly touched: readonly string[];
  /** What the caller made of them in the page's own transaction. */
  readonly settled: Settled;
}

/** A date this far ahead of the source's own clock is no clock skew between two of its machines. */
const FUTURE_MS = 2 * 60_000;

type Seen = SourceRecord & { readonly text: string; readonly content: string };

export class Intake<E> {
  /** Where the page that is taken next was read. */
  readFrom: Mirror['readFrom'] = null;
  readonly #options: IntakeOptions<E>;

  constructor(options: IntakeOptions<E>) {
    this.#options = options;
  }

  /** `settle` runs in the page's transaction: it stands or falls with the page, and costs no commit of its own. */
  async take<Settled>(
    page: Page,
    signal: AbortSignal,
    settle: (touched: readonly string[]) => Settled,
  ): Promise<Taken<Settled>> {
    const { state, ledger } = this.#options;
    let fresh = 0;
    let repeats = 0;
    for (const record of page.records) {
      const seen = ledger.see(record.id);
      if (seen.firstInPartition) fresh++;
      else repeats++;
    }
    const records = page.records.map((record) => this.#fingerprint(record));
    const known = state.mirror.known(records.map((record) => record.id));
    const changed = records.filter((record) => known.get(record.id)?.content !== record.content);
    const settled = await this.#settleDoubts(changed, known, page.asOf, signal);
    await this.#prepareJoins(settled, signal);
    const taken = state.transaction(() => {
      state.absences.seen(records.map((record) => record.id));
      state.mirror.readFrom = this.readFrom;
      for (const record of records) this.#keepUnchanged(record, known.get(record.id));
      for (const row of page.rejected) this.#reject(row);
      const touched = this.#rememberAll(settled, known);
      return { touched, settled: settle(touched) };
    });
    return { fresh: fresh + page.rejected.length, repeats, ...taken };
  }

  /** Takes in records that were asked for by id; whatever the mirror holds of them is replaced. */
  async takeAnswers(records: readonly SourceRecord[], signal: AbortSignal): Promise<void> {
    const { state } = this.#options;
    const seen = records.map((record) => this.#fingerprint(record));
    await this.#prepareJoins(seen, signal);
    const known = state.mirror.known(seen.map((record) => record.id));
    state.transaction(() => {
      state.mirror.readFrom = null;
      this.#rememberAll(seen, known);
    });
  }

  async #prepareJoins(records: readonly Seen[], signal: AbortSignal): Promise<void> {
    const { mapping, fresh, prepareJoins } = this.#options;
    if (!mapping.joins) return;
    const values = fresh.keep(records.map(({ text }) => text)).map(asRecord);
    for (const [pipe, ids] of idsByPipe(mapping.joins, values)) await prepareJoins(pipe, ids, signal);
  }

  /** Returns the entities that now wait to be mapped. */
  #rememberAll(records: readonly Seen[], known: ReadonlyMap<string, KnownRecord>): string[] {
    const { fresh, mapping, join, state } = this.#options;
    const canonical = fresh.keep(records.map(({ text }) => text)).map(asRecord);
    const joins = joiner(mapping.joins, join, canonical);
    const touched = new Set<string>();
    for (const [index, record] of records.entries()) {
      const value = canonical[index] ?? {};
      const scope = mapping.scope(value, joins.rows(value));
      if (known.get(record.id)?.isGone) state.letters.journal('back at the source', `record ${record.id}`, null);
      for (const entity of this.#remember(record, scope, known.get(record.id))) touched.add(entity);
      if (mapping.joins) state.joins.note(record.id, joins.named(value));
    }
    return [...touched];
  }

  #fingerprint(record: SourceRecord): Seen {
    const text = JSON.stringify(record.raw);
    return { ...record, text, content: digest(`${this.#options.version}\n${text}`) };
  }

  /**
   * Two different contents of one id in a run, a content older than the mirrored one, or a date in the source's future:
   * a listing cannot be trusted on these, a read by id can.
   */
  async #settleDoubts(
    changed: readonly Seen[],
    known: ReadonlyMap<string, KnownRecord>,
    asOf: string | null,
    signal: AbortSignal,
  ): Promise<readonly Seen[]> {
    const { source, run, ledger } = this.#options;
    const horizon = asOf === null ? null : new Date(Date.parse(asOf) + FUTURE_MS).toISOString();
    const listed = new Map<string, Seen>();
    const doubtful = new Set<string>();
    for (const record of changed) {
      const before = known.get(record.id);
      const twice = listed.get(record.id);
      const future = horizon !== null && record.modifiedAt > horizon;
      const stale = before !== undefined && (before.run === run || this.#isOlder(record, before));
      if (future || stale || (twice !== undefined && twice.content !== record.content)) doubtful.add(record.id);
      listed.set(record.id, record);
    }
    if (doubtful.size === 0) return [...listed.values()];
    const asked = await source.get([...doubtful], signal);
    const answers = new Map(asked.map((record) => [record.id, this.#fingerprint(record)]));
    for (const id of doubtful) {
      const answer = answers.get(id);
      // Gone when asked by id: deleted meanwhile. What the mirror holds stays; absence is never deletion.
      if (answer !== undefined) listed.set(id, answer);
      else if (known.has(id)) {
        listed.delete(id);
        const isGone = known.get(id)?.isGone === true;
        ledger.confirm(id, isGone ? { kind: 'excluded', rule: DELETED_AT_SOURCE } : { kind: 'unchanged' });
      }
    }
    return [...listed.values()];
  }

  /** Another content of the same date may be the older one too; only after a change of mapper all contents differ. */
  #isOlder(record: Seen, before: KnownRecord): boolean {
    if (record.modifiedAt === before.modifiedAt) return !this.#options.changedMapper;
    return record.modifiedAt < before.modifiedAt;
  }

  /** Same bytes as remembered: its outcome is that of its entities, and nothing is written anywhere. */
  #keepUnchanged(record: Seen, known: KnownRecord | undefined): void {
    if (known === undefined || known.content !== record.content) return;
    const { ledger } = this.#options;
    const { rule, states } = known;
    const isSettled = states.every((state) => state === 'clean' || state === 'excluded');
    if (rule !== null) ledger.confirm(record.id, { kind: 'excluded', rule });
    else if (states.length === 0 || states.includes('dead')) ledger.confirm(record.id, { kind: 'dead-lettered' });
    else if (isSettled) ledger.confirm(record.id, { kind: 'unchanged' });
    // pending, sending, held: settled when its entity is
  }

  /** Returns the entities that now wait to be mapped. */
  #remember(record: Seen, scope: Scope, known: KnownRecord | undefined): readonly string[] {
    const { state, ledger } = this.#options;
    const { id, modifiedAt, content, text, entities } = record;
    if (scope.in === false && !(scope.farewell && entities.some((entity) => this.#awaitsFarewell(entity)))) {
      state.mirror.rememberExcluded({ id, modifiedAt, content, rule: scope.rule }, known !== undefined);
      if (known !== undefined) state.letters.forget(id, entities, scope.rule);
      ledger.settle(id, { kind: 'excluded', rule: scope.rule });
      return [];
    }
    if (scope.in === 'unknown') {
      state.mirror.rememberUnscoped({ id, modifiedAt, content, entities });
      this.#letter(`record ${id}`, entities[0] ?? id, `${scope.issue.path}: ${scope.issue.message}`, null, 'scope');
      ledger.settle(id, { kind: 'dead-lettered' });
      return [];
    }
    state.mirror.remember({ id, modifiedAt, content, raw: text, entities }, known?.entities ?? null);
    return entities;
  }

  /** HubSpot holds it, and was not told that it left; a state in doubt cannot know whether it was told. */
  #awaitsFarewell(entity: string): boolean {
    const { state } = this.#options;
    return state.objects.wasSent(entity) && (!state.entities.isExcluded(entity) || state.objects.isInDoubt);
  }

  /** A row without a usable id or date: kept under the digest of its bytes, if its scope allows keeping it. */
  #reject(row: RejectedRow): void {
    const { ledger, mapping, source } = this.#options;
    const text = JSON.stringify(row.raw ?? null);
    const name = digest(text);
    const { firstInRun } = ledger.see(`row ${name}`);
    if (!firstInRun) return;
    ledger.rejectedRows++;
    const value = asRecord(source.canonical(row.raw));
    // Listed, though nothing can be made of it now: what the mirror holds under its id is not gone.
    if (typeof value.id === 'string') ledger.spare(value.id);
    const scope = mapping.scope(value, {});
    if (scope.in === false) {
      ledger.settle(`row ${name}`, { kind: 'excluded', rule: scope.rule });
      return;
    }
    this.#letter(`row ${name}`, null, row.reason, scope.in === true ? text : null, 'read');
    ledger.settle(`row ${name}`, { kind: 'dead-lettered' });
  }

  #letter(subject: string, entity: string | null, reason: string, raw: string | null, stage: 'read' | 'scope'): void {
    const category = stage === 'scope' ? 'unknown-scope' : 'unusable-row';
    this.#options.onDeadLetter(this.#options.state.letters.open({ subject, entity, stage, category, reason, raw }));
  }
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
