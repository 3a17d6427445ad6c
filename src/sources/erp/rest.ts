/** Any JSON ERP that a profile describes, as a source of one resource. */
import { EXIT, FatalError, TooLargeError, TransientError } from '../../errors.ts';
import type { Inquirable, Inquiry } from '../../inquiry.ts';
import type { Page, Partition, RejectedRow, Since, Source, SourceRecord } from '../../pipe.ts';
import { canonicalVersion, type RowReader, rowReader } from './canonical.ts';
import { withChildren } from './children.ts';
import { textOf } from './convert.ts';
import { refuseDrift } from './drift.ts';
import { AttemptError } from './failure.ts';
import type { ResourceName } from './field-names.ts';
import { erpInquiry } from './inquiry.ts';
import { Keyset, UnsortedError } from './keyset.ts';
import { countAt, countOf, type Listing, type ListingPage, listingOf, type RowTaker } from './listing.ts';
import type { Pager, Step, Turn } from './pager.ts';
import { readByIds } from './point-read.ts';
import { resourceOf } from './profile.ts';
import type { Resource } from './profile-schema.ts';
import { combined, type Query, requestOf, sinceQuery } from './query.ts';
import { readSlices } from './read-slices.ts';
import { type BoundMaker, boundMaker, NO_BOUND } from './since.ts';
import { ALL, halves } from './slices.ts';
import { Sweep, Trail } from './sweep.ts';
import { Transport, type TransportOptions } from './transport.ts';

export interface RestOptions extends TransportOptions {
  readonly resource: ResourceName;
}

export interface RestSource extends Source, Inquirable {
  /** How many records there are by one query over all slices, to hold the sum of the slices against; null: not told. */
  count(since: Since, signal: AbortSignal): Promise<number | null>;
}

/** Pages of one slice after which a listing is taken for endless. */
const PAGES_MAX = 20_000;

/** Throws FatalError for a resource, credential or address that the profile cannot work with. */
export const restSource = (options: RestOptions): RestSource => new ErpRest(options);

class ErpRest implements RestSource {
  readonly version: string;
  readonly #name: ResourceName;
  readonly #profileName: string;
  readonly #resource: Resource;
  readonly #transport: Transport;
  readonly #rows: RowReader;
  readonly #taker: RowTaker;
  readonly #boundOf: BoundMaker | null;
  readonly inquiry: Inquiry;

  constructor(options: RestOptions) {
    const { profile, resource: name } = options;
    this.#name = name;
    this.#profileName = profile.name;
    this.#resource = resourceOf(profile, name);
    this.#transport = new Transport(options);
    this.#rows = rowReader(this.#resource, profile.zone);
    this.version = canonicalVersion(this.#resource, profile.zone);
    this.#taker = { rows: this.#rows, entities: entityRule(name, this.#rows) };
    this.#boundOf = this.#resource.since ? boundMaker(this.#resource.since, profile.zone) : null;
    const [resource, transport, taker] = [this.#resource, this.#transport, this.#taker];
    this.inquiry = erpInquiry({ name, resource, profile, transport, taker });
  }

  async *partitions(_since: Since, signal: AbortSignal): AsyncGenerator<Partition> {
    const { partitions, filter } = this.#resource;
    const slices = partitions ? await readSlices(partitions, filter, this.#transport, signal) : [ALL];
    for (const slice of slices) yield* this.#withinLimits(slice, signal);
  }

  split(partition: Partition): readonly Partition[] {
    return this.#resource.split ? halves(partition, this.#resource.split) : [];
  }

  async *pages(partition: Partition, since: Since, signal: AbortSignal): AsyncGenerator<Page> {
    try {
      yield* this.#walk(this.#pagerFor(partition, since), partition, since, signal);
    } catch (thrown) {
      if (!(thrown instanceof UnsortedError)) throw thrown;
      // The order that was asked for is not kept: everything again, page by page, and no claim to be sorted.
      const sweep = new Sweep(this.#resource.paging, this.#fixed(partition, since), this.#what(partition));
      yield* this.#walk(sweep, partition, since, signal);
    }
  }

  async get(ids: readonly string[], signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const { path } = this.#resource;
    const about = { resource: this.#resource, profileName: this.#profileName, what: `${this.#name} by id`, path };
    const found = await readByIds(ids, { ...about, taker: this.#taker, transport: this.#transport }, signal);
    return withChildren(found, this.#resource.children, this.#transport, signal);
  }

  canonical(raw: unknown): unknown {
    return this.#rows.canonical(raw);
  }

  async count(since: Since, signal: AbortSignal): Promise<number | null> {
    return (await this.#total(ALL, since, signal)) ?? null;
  }

  /**
   * A slice, or the pieces of it that hold no more than the profile's maximum. The pieces do not depend on `since`, so
   * that cursors find them again. A slice whose size the vendor does not tell is left whole.
   */
  async *#withinLimits(partition: Partition, signal: AbortSignal): AsyncGenerator<Partition> {
    const max = this.#resource.split?.maxRecords;
    const pieces = max === undefined ? [] : this.split(partition);
    const total = pieces.length > 0 ? await this.#size(partition, signal) : undefined;
    if (max === undefined || total === undefined || total <= max) return yield partition;
    for (const piece of pieces) yield* this.#withinLimits(piece, signal); // at most 3 letters deep
  }

  /** A slice whose size cannot be asked is left whole: its own pages will show what is wrong, and it fails alone. */
  async #size(partition: Partition, signal: AbortSignal): Promise<number | undefined> {
    try {
      return await this.#total(partition, { kind: 'everything' }, signal);
    } catch (thrown) {
      if (thrown instanceof TransientError) return undefined;
      throw thrown;
    }
  }

  async #total(partition: Partition, since: Since, signal: AbortSignal): Promise<number | undefined> {
    const { paging, total } = this.#resource;
    if (total === undefined) return undefined;
    const size = paging.sizeParam === undefined ? paging.size : 1; // a vendor that takes no size sends a whole page
    const { first } = new Sweep({ ...paging, size }, this.#fixed(partition, since), this.#what(partition));
    try {
      if (total.count) return await this.#counted(total.count, partition, since, signal);
      return (await this.#page(first, partition, signal)).total;
    } catch (thrown) {
      if (thrown instanceof TooLargeError) return undefined; // not told; the pages themselves will show
      throw thrown;
    }
  }

  /** A question of its own, with the conditions of the listing. */
  async #counted(
    count: NonNullable<NonNullable<Resource['total']>['count']>,
    partition: Partition,
    since: Since,
    signal: AbortSignal,
  ): Promise<number> {
    const read = (json: unknown): number => {
      const value = count.total === undefined ? countOf(json) : countAt(json, count.total);
      if (value === undefined) throw new AttemptError(`the answer has no count at ${count.total ?? 'its top'}`);
      return value;
    };
    const query = this.#fixed(partition, since, count.query);
    const what = `the count of ${this.#what(partition)}`;
    return (await this.#transport.ask({ path: count.path, query, what, canCut: false, read }, signal)).value;
  }

  async *#walk(pager: Pager, partition: Partition, since: Since, signal: AbortSignal): AsyncGenerator<Page> {
    const refused = new Set<string>();
    const received = new Set<string>();
    let rejects = 0;
    let total: number | undefined;
    let step: Step | null = pager.first;
    for (let pages = 0; step !== null; pages++) {
      if (pages >= PAGES_MAX) throw endless(this.#what(partition));
      const page = await this.#page(step, partition, signal);
      if (pages === 0) total = page.total ?? (await this.#countApart(partition, since, signal));
      refuseDrift(page, this.#resource, this.#rows, this.#what(partition));
      const turn: Turn = pager.after(page);
      const rejected = newlyRefused(page, refused);
      for (const { record } of turn.placed) received.add(record.id);
      rejects += rejected.length;
      if (turn.next === null && total !== undefined && total !== received.size + rejects) {
        // Records came or went meanwhile: what the slice holds now is what was read, unless something was missed.
        total = (await this.#total(partition, since, signal)) ?? total;
      }
      const isNews = turn.placed.length > 0 || rejected.length > 0;
      // A second reading that brings nothing new is nobody's business, unless it opens or ends the listing.
      if (isNews || pages === 0 || turn.next === null) {
        const records = turn.placed.map(({ record }) => record);
        const complete = await withChildren(records, this.#resource.children, this.#transport, signal);
        yield pageOf(turn, complete, rejected, page, total);
      }
      step = turn.next;
    }
  }

  /** Where the listing itself does not tell how many there are. */
  async #countApart(partition: Partition, since: Since, signal: AbortSignal): Promise<number | undefined> {
    return this.#resource.total?.count ? this.#total(partition, since, signal) : undefined;
  }

  async #page(step: Step, partition: Partition, signal: AbortSignal): Promise<ListingPage> {
    const read = (json: unknown, headers: Headers): Listing => {
      const listing = listingOf(json, this.#resource, this.#taker, headers);
      if (step.isFirst && listing.rows === 0 && (listing.total ?? 0) > 0) {
        throw new AttemptError('the answer announces records and holds none');
      }
      return listing;
    };
    const { value, asOf, url } = await this.#transport.ask(
      {
        ...(step.link === undefined
          ? { path: this.#resource.path, ...requestOf(this.#resource, step.query) }
          : { path: step.link, query: {}, headers: requestOf(this.#resource, {}).headers }),
        what: `${this.#what(partition)}, ${step.token}`,
        canCut: this.split(partition).length > 0,
        read,
      },
      signal,
    );
    return { ...value, asOf, url };
  }

  #pagerFor(partition: Partition, since: Since): Pager {
    const { paging, since: bound, sort } = this.#resource;
    const what = this.#what(partition);
    const sorting: Query = sort ? { [sort.param]: sort.value } : {};
    if (paging.kind !== 'page' && paging.kind !== 'offset') {
      return new Trail(paging, { ...this.#fixed(partition, since), ...sorting }, what, sort !== undefined);
    }
    if (!sort || !bound || !this.#boundOf) return new Sweep(paging, this.#fixed(partition, since), what);
    const from = since.kind === 'modified' ? this.#boundOf(Date.parse(since.from)) : NO_BOUND;
    const queryOf = (text: string | null): Query => ({ ...this.#query(partition, text), ...sorting });
    const param = bound.param ?? this.#resource.filter?.param ?? '';
    return new Keyset({ paging, queryOf, param, boundOf: this.#boundOf, from, what });
  }

  /** The parameters of each request of a slice. A vendor without a date filter is asked for everything. */
  #fixed(partition: Partition, since: Since, query?: Query): Query {
    const bound = since.kind === 'modified' ? this.#boundOf?.(Date.parse(since.from)) : undefined;
    return this.#query(partition, bound?.text ?? null, query);
  }

  #query(partition: Partition, sinceText: string | null, query = this.#resource.query): Query {
    return combined(this.#resource.filter, [query, partition.filter, sinceQuery(this.#resource, sinceText)]);
  }

  #what({ key }: Partition): string {
    return key === ALL.key ? this.#name : `${this.#name} ${key}`;
  }
}

/** A quote belongs to its opportunity; everything else stands for itself. */
function entityRule(name: ResourceName, rows: RowReader): RowTaker['entities'] {
  if (name !== 'quotes') return (_raw, id) => [id];
  return (raw, id) => {
    const opportunity = textOf(rows.field(raw, 'opportunityId'))?.trim();
    return [opportunity ? opportunity : `quote:${id}`];
  };
}

/** Rows without id or date, each passed on once however often its page is read. Two alike on one page are two. */
function newlyRefused(page: ListingPage, known: Set<string>): RejectedRow[] {
  const fresh = page.refused.filter(({ print }) => !known.has(print));
  for (const { print } of fresh) known.add(print);
  return fresh.map(({ row }) => row);
}

function pageOf(
  { sorted, next }: Turn,
  records: readonly SourceRecord[],
  rejected: RejectedRow[],
  page: ListingPage,
  total?: number,
): Page {
  return {
    records,
    rejected,
    asOf: page.asOf,
    sorted,
    ...(total === undefined ? {} : { total }),
    next: next?.token ?? null,
  };
}

const endless = (what: string): FatalError =>
  new FatalError(
    EXIT.source,
    `the listing of ${what} has not ended after ${PAGES_MAX} pages`,
    'check paging in the profile against the vendor (docs/adding-an-erp.md)',
  );
