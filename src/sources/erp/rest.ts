/** Any JSON ERP that a profile describes, as a source of one resource. */
import { EXIT, FatalError, TooLargeError, TransientError } from '../../errors.ts';
import type { Inquirable, Inquiry } from '../../inquiry.ts';
import type { Page, Partition, RejectedRow, Since, Source, SourceRecord } from '../../pipe.ts';
import { canonicalVersion, type RowReader, rowReader } from './canonical.ts';
import { textOf } from './convert.ts';
import { refuseDrift } from './drift.ts';
import { AttemptError } from './failure.ts';
import type { ResourceName } from './field-names.ts';
import { erpInquiry } from './inquiry.ts';
import { Keyset, UnsortedError } from './keyset.ts';
import { type Listing, type ListingPage, listingOf, type RowTaker } from './listing.ts';
import type { Pager, Step, Turn } from './pager.ts';
import { readByIds } from './point-read.ts';
import { resourceOf } from './profile.ts';
import type { Resource } from './profile-schema.ts';
import { type BoundMaker, boundMaker, NO_BOUND } from './since.ts';
import { ALL, halves, slicesOf } from './slices.ts';
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
    const { partitions } = this.#resource;
    if (!partitions) return yield* this.#withinLimits(ALL, signal);
    const { path } = partitions.from;
    const read = (json: unknown): readonly Partition[] => slicesOf(json, partitions);
    const { value } = await this.#transport.ask({ path, query: {}, what: path, read }, signal);
    for (const slice of value) yield* this.#withinLimits(slice, signal);
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

  get(ids: readonly string[], signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const { path } = this.#resource;
    const about = { resource: this.#resource, profileName: this.#profileName, what: `${this.#name} by id`, path };
    return readByIds(ids, { ...about, taker: this.#taker, transport: this.#transport }, signal);
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
    if (total === undefined || paging.sizeParam === undefined) return undefined;
    const { first } = new Sweep({ ...paging, size: 1 }, this.#fixed(partition, since), this.#what(partition));
    try {
      return (await this.#page(first, partition, signal)).total;
    } catch (thrown) {
      if (thrown instanceof TooLargeError) return undefined; // not told; the pages themselves will show
      throw thrown;
    }
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
      if (pages === 0) total = page.total;
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
      if (isNews || pages === 0 || turn.next === null) yield pageOf(turn, rejected, page, total);
      step = turn.next;
    }
  }

  async #page(step: Step, partition: Partition, signal: AbortSignal): Promise<ListingPage> {
    const read = (json: unknown): Listing => {
      const listing = listingOf(json, this.#resource, this.#taker);
      if (step.isFirst && listing.rows === 0 && (listing.total ?? 0) > 0) {
        throw new AttemptError('the answer announces records and holds none');
      }
      return listing;
    };
    const { value, asOf, url } = await this.#transport.ask(
      {
        path: step.link ?? this.#resource.path,
        query: step.query,
        what: `${this.#what(partition)}, ${step.token}`,
        canCut: this.split(partition).length > 0,
        read,
      },
      signal,
    );
    return { ...value, asOf, url };
  }

  #pagerFor(partition: Partition, since: Since): Pager {
    const { paging, since: filter, sort } = this.#resource;
    const what = this.#what(partition);
    const sorting: Record<string, string> = sort ? { [sort.param]: sort.value } : {};
    if (paging.kind === 'cursor' || paging.kind === 'link') {
      const fixed = { ...this.#fixed(partition, since), ...sorting };
      return new Trail(paging, fixed, what, sort !== undefined);
    }
    if (!sort || !filter || !this.#boundOf) return new Sweep(paging, this.#fixed(partition, since), what);
    const from = since.kind === 'modified' ? this.#boundOf(Date.parse(since.from)) : NO_BOUND;
    const fixed = { ...this.#resource.query, ...partition.filter, ...sorting };
    return new Keyset({ paging, fixed, param: filter.param, boundOf: this.#boundOf, from, what });
  }

  /** The parameters of each request of a slice. A vendor without a date filter is asked for everything. */
  #fixed({ filter }: Partition, since: Since): Record<string, string> {
    const fixed = { ...this.#resource.query, ...filter };
    const param = this.#resource.since?.param;
    if (since.kind === 'everything' || param === undefined || !this.#boundOf) return fixed;
    return { ...fixed, [param]: this.#boundOf(Date.parse(since.from)).text };
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

function pageOf({ placed, sorted, next }: Turn, rejected: RejectedRow[], page: ListingPage, total?: number): Page {
  return {
    records: placed.map(({ record }) => record),
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
