/** Tryton as a source of one resource, read by ascending id so that no edit can shift a record out of sight. */
import { EXIT, FatalError, TooLargeError, TransientError } from '../../errors.ts';
import { canonicalJson, digest } from '../../fingerprint.ts';
import type { Page, Partition, RejectedRow, Since, Source, SourceRecord } from '../../pipe.ts';
import { localIso } from './dates.ts';
import type { ResourceName } from './field-names.ts';
import { canonical, modifiedAt, opportunityOf, repOn } from './tryton/records.ts';
import { changedSince, type Resource, resourceFor } from './tryton/resources.ts';
import { type Call, type Reply, type RpcOptions, TrytonRpc } from './tryton/rpc.ts';
import type { TrytonSettings } from './tryton/settings.ts';
import { datetime, isRow, type Row, sub } from './tryton/values.ts';

export interface TrytonOptions extends Omit<RpcOptions, 'deadlineMs' | 'maxReplyBytes'> {
  readonly resource: ResourceName;
  readonly settings: TrytonSettings;
}

/** What the database can answer: asked once. */
interface Desk {
  readonly known: ReadonlySet<string>;
  readonly fields: readonly string[];
  readonly context: Row;
}

/** A page that runs into the deadline is asked again in smaller ones, down to this. */
const PAGE_MIN = 10;
/** Pages aim to take less than this, so that writers are not kept waiting. */
const PAGE_GOAL_MS = 5_000;
const SLICES_MAX = 10_000;
/** A slice is cut into this many parts at most: against a server that hangs, each part costs its five deadlines. */
const SPLIT_MAX = 32;
/** Of one question by id; an `in` of 12,000 still works. */
const IDS_MAX = 1_000;

export const trytonSource = (options: TrytonOptions): Source => new Tryton(options);

class Tryton implements Source {
  readonly version: string;
  readonly #name: ResourceName;
  readonly #settings: TrytonSettings;
  readonly #resource: Resource;
  readonly #rpc: TrytonRpc;
  #desk: Promise<Desk> | null = null;
  #pageSize: number;
  #pageSizeMax: number;
  /** Upper end of the last slice, as it was told to the caller last. */
  #lastTo = 0;

  constructor(options: TrytonOptions) {
    const { resource, settings } = options;
    this.#name = resource;
    this.#settings = settings;
    this.#resource = resourceFor(resource, settings);
    this.#rpc = new TrytonRpc({ ...options, ...settings.limits });
    this.#pageSize = settings.limits.pageSize;
    this.#pageSizeMax = settings.limits.pageSize;
    const { limits: _limits, baseUrls: _baseUrls, ...meaning } = settings; // how and where, not what a record becomes
    this.version = digest(canonicalJson(meaning));
  }

  /** Ranges of ids: stable, and no record is without one. The last has no end. */
  async *partitions(_since: Since, signal: AbortSignal): AsyncGenerator<Partition> {
    const params = [this.#resource.domain, 0, 1, [['id', 'DESC']]];
    const { value } = await this.#search({ method: 'search', params, what: 'the highest id' }, signal);
    const highest = Array.isArray(value) ? Number(value[0] ?? 0) : 0;
    const { idsPerSlice } = this.#settings.limits;
    const slices = Math.max(1, Math.ceil(highest / idsPerSlice));
    if (slices > SLICES_MAX)
      throw new FatalError(
        EXIT.usage,
        `${this.#name} would be read in ${slices} slices`,
        'raise limits.idsPerSlice in the profile',
      );
    this.#lastTo = slices * idsPerSlice;
    for (let at = 1; at < slices; at++) yield slice((at - 1) * idsPerSlice + 1, at * idsPerSlice);
    yield slice((slices - 1) * idsPerSlice + 1, slices * idsPerSlice, true);
  }

  split({ filter }: Partition): readonly Partition[] {
    const [from, to] = [Number(filter.from), Number(filter.to)];
    // What is still too much for one query after five halvings is a server that does not answer: it fails as it is.
    const least = Math.floor(this.#settings.limits.idsPerSlice / SPLIT_MAX);
    if (!(to > from) || to - from < least) return [];
    const middle = Math.floor((from + to) / 2);
    return [slice(from, middle), slice(middle + 1, to, filter.open === 'yes')];
  }

  async *pages(partition: Partition, since: Since, signal: AbortSignal): AsyncGenerator<Page> {
    const { from, to, open } = partition.filter;
    // A part that was cut off the last slice, and is remembered, ends where slices behind it begin by now.
    const isOpen = open === 'yes' && Number(to) >= this.#lastTo;
    const within = [['id', '>=', Number(from)], ...(isOpen ? [] : [['id', '<=', Number(to)]])];
    const domain = [...within, ...(await this.#domain(since, signal))];
    let total = await this.#total(domain, signal, true);
    let received = 0;
    for (let last = 0; ; ) {
      const { rows, asOf, isLast } = await this.#page([...domain, ['id', '>', last]], signal);
      received += rows.length;
      last = Math.max(last, ...rows.map(({ id }) => Number(id)));
      // Records came or went meanwhile: what the slice holds now is what counts, unless something was missed.
      if (isLast && received !== total) total = await this.#total(domain, signal, true);
      yield { ...this.#taken(rows), asOf, sorted: false, total, next: isLast ? null : `after id ${last}` };
      if (isLast) return;
    }
  }

  /** A record outside the domain, such as a party that is no customer any more, counts as absent. */
  async get(ids: readonly string[], signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const wanted = [...new Set(ids)].filter((id) => /^[1-9]\d{0,9}$/.test(id)).map(Number);
    wanted.sort((a, b) => a - b);
    const records: SourceRecord[] = [];
    for (let start = 0; start < wanted.length; start += IDS_MAX) {
      const some = wanted.slice(start, start + IDS_MAX);
      for (let last = 0; last < (some.at(-1) ?? 0); ) {
        const domain = [...this.#resource.domain, ['id', 'in', some], ['id', '>', last]];
        const { rows, isLast } = await this.#page(domain, signal).catch(uncut);
        records.push(...this.#taken(rows).records);
        last = isLast ? Number.POSITIVE_INFINITY : Number(rows.at(-1)?.id ?? Number.POSITIVE_INFINITY);
      }
    }
    return records;
  }

  canonical(raw: unknown): unknown {
    return canonical(this.#name, raw, this.#settings);
  }

  async count(since: Since, signal: AbortSignal): Promise<number | null> {
    return this.#total(await this.#domain(since, signal), signal);
  }

  /** By ascending id, in pages that shrink while they take too long. */
  async #page(
    domain: readonly unknown[],
    signal: AbortSignal,
  ): Promise<{ rows: readonly Row[]; asOf: string | null; isLast: boolean }> {
    const { fields, known } = await this.#asked(signal);
    for (;;) {
      const size = this.#pageSize;
      const startMs = performance.now();
      try {
        const params = [domain, 0, size, [['id', 'ASC']], fields];
        const what = `a page of ${this.#name}`;
        const { value, asOf } = await this.#search({ method: 'search_read', params, what, canCut: true }, signal);
        this.#adapt(performance.now() - startMs, size);
        const rows = (Array.isArray(value) ? value : []).filter(isRow);
        const withRep = this.#name === 'customers' && known.has('agents');
        const today = localIso(Date.parse(asOf ?? new Date(0).toISOString()), this.#settings.zone).slice(0, 10);
        const kept = withRep ? rows.map((row) => ({ ...row, salesRep: repOn(row, today) })) : rows;
        return { rows: kept, asOf, isLast: rows.length < size };
      } catch (thrown) {
        if (!(thrown instanceof TooLargeError) || size <= PAGE_MIN) throw thrown;
        this.#pageSizeMax = Math.max(PAGE_MIN, Math.floor(size / 2)); // this size is not tried again
        this.#pageSize = Math.max(PAGE_MIN, Math.floor(size / 4));
      }
    }
  }

  #adapt(tookMs: number, size: number): void {
    if (tookMs > PAGE_GOAL_MS) this.#pageSize = Math.min(size, Math.max(PAGE_MIN, Math.floor(size / 2)));
    else if (tookMs < PAGE_GOAL_MS / 4) this.#pageSize = Math.min(this.#pageSizeMax, this.#pageSize * 2);
  }

  #taken(rows: readonly Row[]): { records: SourceRecord[]; rejected: RejectedRow[] } {
    const records: SourceRecord[] = [];
    const rejected: RejectedRow[] = [];
    for (const raw of rows) {
      const at = modifiedAt(this.#name, raw);
      const id = String(raw.id);
      const entity = this.#name === 'quotes' ? (opportunityOf(raw) ?? `quote:${id}`) : id;
      if (at === null) rejected.push({ raw, reason: 'create_date: is empty' });
      else records.push({ id, entities: [entity], modifiedAt: at, raw });
    }
    return { records, rejected };
  }

  async #domain(since: Since, signal: AbortSignal): Promise<readonly unknown[]> {
    const { domain } = this.#resource;
    if (since.kind === 'everything') return domain;
    const { known } = await this.#asked(signal);
    return [...domain, changedSince(this.#resource, known, since.from, await this.#merged(since.from, signal))];
  }

  /** Merging parties moves what belongs to them without a date: only the party that was given up has one. */
  async #merged(from: string, signal: AbortSignal): Promise<readonly unknown[] | null> {
    if (this.#name === 'products') return null;
    const domain = [
      ['replaced_by', '!=', null],
      ['write_date', '>=', datetime(from)],
    ];
    const params = [domain, 0, null, [['id', 'ASC']], ['replaced_by.id']];
    const { context, known } = await this.#asked(signal);
    const method = 'model.party.party.search_read';
    const { value } = await this.#rpc.call({ method, params: [...params, context], what: 'merged parties' }, signal);
    const survivors = (Array.isArray(value) ? value : []).map((row) => Number(sub(row, 'replaced_by')?.id));
    if (survivors.length === 0) return null;
    if (this.#name === 'quotes') return ['party', 'in', survivors];
    // The survivor may be a person of a customer, who got the telephones of the one that was given up.
    const own = ['id', 'in', survivors];
    return known.has('relations') ? ['OR', own, ['relations.to', 'in', survivors]] : own;
  }

  async #total(domain: readonly unknown[], signal: AbortSignal, canCut = false): Promise<number> {
    const what = `the number of ${this.#name}`;
    const { value } = await this.#search({ method: 'search_count', params: [domain], what, canCut }, signal);
    if (typeof value === 'number') return value;
    throw new FatalError(
      EXIT.source,
      'the ERP counts records without a number',
      'this is a version of Tryton that is not supported (docs/tryton.md)',
    );
  }

  async #search(call: Call, signal: AbortSignal): Promise<Reply> {
    const { context } = await this.#asked(signal);
    const method = `model.${this.#resource.model}.${call.method}`;
    return this.#rpc.call({ ...call, method, params: [...call.params, context] }, signal);
  }

  #asked(signal: AbortSignal): Promise<Desk> {
    if (this.#desk === null) {
      const desk = this.#ask(signal);
      this.#desk = desk;
      desk.catch(() => {
        if (this.#desk === desk) this.#desk = null; // asked again by the next call
      });
    }
    return this.#desk;
  }

  /** Which fields there are, and the company: without it in the context every price is null, and no error says so. */
  async #ask(signal: AbortSignal): Promise<Desk> {
    const { model, needs, fields } = this.#resource;
    const call = { method: `model.${model}.fields_get`, params: [[], {}], what: `the fields of ${model}` };
    const { value } = await this.#rpc.call(call, signal);
    const known = new Set(isRow(value) ? Object.keys(value) : []);
    const missing = needs.filter((field) => !known.has(field));
    if (missing.length > 0)
      throw new FatalError(
        EXIT.usage,
        `the ERP has no ${missing.join(', ')} in ${model}`,
        'install the module it belongs to (docs/tryton.md)',
      );
    const company = this.#settings.company ?? (await this.#ownCompany(signal));
    const dates = ['write_date', 'create_date'];
    const asked = fields.filter((path) => dates.includes(path) || known.has(path.split('.')[0] ?? ''));
    return { known, fields: asked, context: { company, language: 'en', active_test: false } };
  }

  async #ownCompany(signal: AbortSignal): Promise<number> {
    const method = 'model.res.user.get_preferences';
    const { value } = await this.#rpc.call({ method, params: [true, {}], what: 'the company of the user' }, signal);
    const company = isRow(value) ? value.company : null;
    if (typeof company === 'number') return company;
    throw new FatalError(
      EXIT.usage,
      'ERP_USER has no company in the ERP, and without one every price is empty',
      'give the user a company in Tryton, or set company in the profile',
    );
  }
}

/** Nothing smaller than the smallest page can be asked for by id. */
function uncut(thrown: unknown): never {
  if (thrown instanceof TooLargeError) throw new TransientError('source', thrown.message, { cause: thrown });
  throw thrown;
}

/** `isLast`: what is created while slices are read belongs to it, whatever its id. */
const slice = (from: number, to: number, isLast = false): Partition => ({
  ...{ key: `ids:${from}-${to}`, label: `ids ${from} to ${to}` },
  filter: { from: String(from), to: String(to), ...(isLast ? { open: 'yes' } : {}) },
});
