/**
 * Square's orders as a Source. Read-only; at most two calls in flight.
 * Vendor rules: developer.squareup.com/reference/square/orders-api/search-orders and
 * developer.squareup.com/docs/orders-api/manage-orders/search-orders.
 */
import { EXIT, FatalError, TransientError } from '../errors.ts';
import type { Instant, Page, Partition, RejectedRow, Since, Source, SourceRecord } from '../pipe.ts';
import { CustomerLookup } from './square/customers.ts';
import { type Fields, fieldsIn, isFields } from './square/exact-json.ts';
import { leastData } from './square/least-data.ts';
import {
  findForbidden,
  groupLocations,
  type Location,
  listLocations,
  locationIdsOf,
  partitionOf,
} from './square/locations.ts';
import { canonicalOrder } from './square/model.ts';
import { isRecord, recordOf } from './square/record.ts';
import { ForbiddenError } from './square/verdict.ts';
import { type Batch, WindowReader } from './square/window-reader.ts';
import { type Window, windowsOf, yearBefore } from './square/windows.ts';
import { Wire } from './square/wire.ts';

export interface SquareSourceOptions {
  readonly token: string;
  /** Square's production host when absent; may hold a path prefix. */
  readonly baseUrl?: string;
  /** Which locations to read; all of them, closed ones too, when absent or empty. */
  readonly locationIds?: readonly string[];
  /** Where a read of everything starts; null: twelve months before Square's clock. */
  readonly backfillFrom?: Instant | null;
  /** How much before `since` changes are read, against stamps that Square rounds or writes late. */
  readonly overlapMs?: number;
  /** The length of a window when reading by creation. */
  readonly windowDays?: number;
  /** Each read of changes also reads the orders created in this many last days: tills upload up to 72 h late. */
  readonly repairDays?: number;
  /** Orders a page, 1000 at most. */
  readonly pageSize?: number;
  /** For one try of one call, its body included. */
  readonly deadlineMs?: number;
  readonly retryBaseMs?: number;
  /** In [0, 1), for the jitter of retries. */
  readonly random?: () => number;
  /** Used only where Square tells no time; epoch ms. */
  readonly now?: () => number;
  readonly onWarning?: (message: string) => void;
}

/** A Source that also knows the names of the locations its orders mention. */
export interface SquareSource extends Source {
  locationNames(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
}

const MINUTE_MS = 60_000;
/** BatchRetrieveOrders takes at most this many ids. */
const ORDERS_A_CALL = 100;
/** The Date header drops what is beyond the second; orders of that fraction are read, and read again next time. */
const DATE_HEADER_STEP_MS = 999;

export function squareSource(options: SquareSourceOptions): SquareSource {
  return new SquareOrders(options);
}

class SquareOrders implements SquareSource {
  readonly #options: SquareSourceOptions;
  readonly #wire: Wire;
  readonly #warned = new Set<string>();

  constructor(options: SquareSourceOptions) {
    this.#options = options;
    this.#wire = new Wire({
      token: options.token,
      deadlineMs: options.deadlineMs ?? 30_000,
      retryBaseMs: options.retryBaseMs ?? 500,
      random: options.random ?? Math.random,
      ...(options.baseUrl ? { baseUrl: options.baseUrl } : {}),
    });
  }

  async *partitions(_since: Since, signal: AbortSignal): AsyncGenerator<Partition, void, undefined> {
    const locations = await listLocations(this.#wire, this.#options.locationIds ?? [], signal);
    for await (const group of groupLocations(this.#wire, locations, signal)) yield partitionOf(group);
  }

  async *pages(partition: Partition, since: Since, signal: AbortSignal): AsyncGenerator<Page, void, undefined> {
    const locationIds = locationIdsOf(partition);
    const clock = await this.#clock(signal);
    const windows = windowsOf(since, clock.endMs, {
      backfillFromMs: this.#backfillFromMs(clock.endMs),
      overlapMs: this.#options.overlapMs ?? 10 * MINUTE_MS,
      windowDays: this.#options.windowDays ?? 31,
      repairDays: this.#options.repairDays ?? 0,
    });
    const customers = this.#customers();
    const ascending = windows.length === 1 && windows[0]?.field === 'updated_at';
    try {
      for await (const { batch, next } of this.#batches(windows, locationIds, signal)) {
        const { records, rejected } = await this.#read(batch.rows, customers, signal);
        yield { records, rejected, asOf: clock.asOf, sorted: ascending && batch.sorted, next };
      }
    } catch (error) {
      throw error instanceof ForbiddenError ? await this.#nameForbidden(locationIds, error, signal) : error;
    }
  }

  split(partition: Partition): readonly Partition[] {
    const ids = locationIdsOf(partition);
    if (ids.length < 2) return [];
    const half = Math.ceil(ids.length / 2);
    return [ids.slice(0, half), ids.slice(half)].map((part) => partitionOf(part.map(unnamed)));
  }

  async get(ids: readonly string[], signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const customers = this.#customers();
    const asked = [...new Set(ids)];
    const found: SourceRecord[] = [];
    for (let index = 0; index < asked.length; index += ORDERS_A_CALL) {
      const body = await this.#batchGet(asked.slice(index, index + ORDERS_A_CALL), signal);
      found.push(...(await this.#read(fieldsIn(body.orders), customers, signal)).records);
    }
    return found;
  }

  canonical(raw: unknown): unknown {
    return canonicalOrder(raw);
  }

  async locationNames(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const locations = await listLocations(this.#wire, [], signal);
    return Object.fromEntries(locations.map(({ id, name }) => [id, name]));
  }

  /** `asOf` is what Square said; the windows end just beyond, fixed for the whole read. */
  async #clock(signal: AbortSignal): Promise<{ endMs: number; asOf: Instant | null }> {
    if (this.#wire.serverMs === null) await listLocations(this.#wire, [], signal);
    const serverMs = this.#wire.serverMs;
    if (serverMs !== null) return { endMs: serverMs + DATE_HEADER_STEP_MS, asOf: new Date(serverMs).toISOString() };
    this.#warn('Square told no time in its Date header: this machine’s clock ends the windows, and no cursor moves');
    return { endMs: (this.#options.now ?? Date.now)(), asOf: null };
  }

  #backfillFromMs(endMs: number): number {
    const { backfillFrom = null } = this.#options;
    if (backfillFrom === null) return yearBefore(endMs);
    const ms = Date.parse(backfillFrom);
    if (Number.isFinite(ms)) return ms;
    throw new FatalError(EXIT.usage, 'SQUARE_BACKFILL_FROM is no date', 'write it as 2026-01-31, then sync again');
  }

  /**
   * The windows one after another, pages counted through, so that no page leads to one already read. Orders on a
   * shared boundary, or read by an earlier window, come once.
   */
  async *#batches(
    windows: readonly Window[],
    locationIds: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<{ batch: Batch; next: string | null }, void, undefined> {
    let already: ReadonlySet<string> = new Set();
    let page = 1;
    for (const [index, window] of windows.entries()) {
      const limit = this.#options.pageSize ?? 500;
      const reader = new WindowReader({ wire: this.#wire, locationIds, window, limit, already });
      for await (const batch of reader.read(signal)) {
        const last = !batch.more && index === windows.length - 1;
        page += 1;
        yield { batch, next: last ? null : `page ${page}` };
      }
      already = reader.carriedOver;
    }
  }

  async #read(
    rows: readonly unknown[],
    customers: CustomerLookup,
    signal: AbortSignal,
  ): Promise<{ records: SourceRecord[]; rejected: RejectedRow[] }> {
    const orders = await customers.addTo(rows.filter(isFields).map(leastData), signal);
    const read = orders.map(recordOf);
    const notOrders = rows.filter((row) => !isFields(row)).map(() => ({ raw: null, reason: 'the row is no object' }));
    return {
      records: read.filter(isRecord),
      rejected: [...read.filter((row): row is RejectedRow => !isRecord(row)), ...notOrders],
    };
  }

  /** Forbidden is not absent: an order that may not be read must never look deleted. */
  async #batchGet(orderIds: string[], signal: AbortSignal): Promise<Fields> {
    try {
      return await this.#wire.call(
        'orders.batchGet',
        (client, options) => client.orders.batchGet({ orderIds }, options),
        signal,
        ({ orders }) => (orders === undefined || orders === null || Array.isArray(orders) ? null : 'no list of orders'),
      );
    } catch (error) {
      if (!(error instanceof ForbiddenError)) throw error;
      const message = `${error.message}: among ${orderIds.length} orders is one of a location this token may not read; run \`retail-sync doctor\``;
      throw new TransientError('source', message, { cause: error });
    }
  }

  /** Fails this slice alone, by name; the other slices go on. */
  async #nameForbidden(ids: readonly string[], cause: Error, signal: AbortSignal): Promise<TransientError> {
    const culprits = await findForbidden(this.#wire, ids.map(unnamed), signal);
    const names = await this.locationNames(signal);
    const listed = culprits.map(({ id }) => (names[id] ? `${id} (${names[id]})` : id)).join(', ');
    const message = `Square forbids this token to read orders of location ${listed || ids.join(', ')}; give the token access, or leave it out of SQUARE_LOCATION_IDS, then run \`retail-sync doctor\``;
    return new TransientError('source', message, { cause });
  }

  #customers(): CustomerLookup {
    return new CustomerLookup(this.#wire, () =>
      this.#warn('the Square token lacks the scope CUSTOMERS_READ: deals get no links; grant it, then `sync --full`'),
    );
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.onWarning?.(message);
  }
}

const unnamed = (id: string): Location => ({ id, name: id, createdAt: '' });
