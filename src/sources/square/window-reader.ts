/** Reads one window of SearchOrders to its end, page by page, and does not take "no cursor" for proof. */
import { EXIT, FatalError, TransientError } from '../../errors.ts';
import { canonicalJson, digest } from '../../fingerprint.ts';
import { type Fields, isFields, textOrNull } from './exact-json.ts';
import { type BodyCheck, InvalidCursorError } from './verdict.ts';
import type { Window } from './windows.ts';
import type { Wire } from './wire.ts';

/** Rows not read before in this window. */
export interface Batch {
  readonly rows: readonly unknown[];
  /** They ascend by the window's stamp, from batch to batch too. */
  readonly sorted: boolean;
  readonly more: boolean;
}

export interface WindowRequest {
  readonly wire: Wire;
  readonly locationIds: readonly string[];
  readonly window: Window;
  /** Rows a page, 1000 at most. */
  readonly limit: number;
  /** Rows read by an earlier window, as `rowKey` names them. */
  readonly already?: ReadonlySet<string>;
}

const PAGES_MAX = 20_000;
const RESTARTS_MAX = 3;
const WHOLE_LOOKS_MAX = 3;
/** Stamps come rounded to whole seconds at times. */
const ROUNDING_MS = 1_000;
/** A row may change between Square finding it and sending it, so its stamp may lie past the end, up to now. */
const CHANGING_MS = 120_000;

/** One pass over the window, from a start to the page without a cursor. */
interface Pass {
  readonly startMs: number;
  rows: number;
  pages: number;
  fresh: number;
  lastMs: number;
}

export class WindowReader {
  readonly #request: WindowRequest;
  readonly #seen: Set<string>;
  readonly #atEnd: Set<string>;
  #pages = 0;
  #restarts = 0;
  #wholeLooks = 0;
  #sorted = true;
  #highMs = Number.NEGATIVE_INFINITY;

  constructor(request: WindowRequest) {
    this.#request = request;
    this.#seen = new Set(request.already);
    this.#atEnd = new Set();
  }

  /**
   * What the next window may give again: by creation only rows on the shared boundary, so that memory stays flat over
   * any number of windows; after a read of changes all of it, for the repair that overlaps it.
   */
  get carriedOver(): ReadonlySet<string> {
    return this.#request.window.field === 'updated_at' ? this.#seen : this.#atEnd;
  }

  async *read(signal: AbortSignal): AsyncGenerator<Batch, void, undefined> {
    let startMs: number | null = this.#request.window.startMs;
    while (startMs !== null) {
      const pass: Pass = { startMs, rows: 0, pages: 0, fresh: 0, lastMs: startMs };
      yield* this.#readPass(pass, signal);
      startMs = this.#nextLook(pass);
    }
  }

  async *#readPass(pass: Pass, signal: AbortSignal): AsyncGenerator<Batch, void, undefined> {
    const cursors = new Set<string>();
    let cursor: string | null = null;
    do {
      const body: Fields | 'stale' = await this.#page(pass, cursor, signal);
      if (body === 'stale') {
        Object.assign(pass, { rows: 0, pages: 0 });
        cursors.clear();
        cursor = null;
        continue;
      }
      const rows = Array.isArray(body.orders) ? body.orders : [];
      cursor = textOrNull(body.cursor);
      if (cursor !== null && cursors.has(cursor)) throw repeated();
      if (cursor !== null) cursors.add(cursor);
      const fresh = this.#take(rows, pass);
      const more = cursor !== null || this.#wouldLookAgain(pass);
      yield { rows: fresh, sorted: this.#sorted, more };
    } while (cursor !== null || pass.pages === 0);
  }

  /** The same body on every page, as Square demands of a cursor. `stale`: the pass has to start again. */
  async #page(pass: Pass, cursor: string | null, signal: AbortSignal): Promise<Fields | 'stale'> {
    this.#pages += 1;
    if (this.#pages > PAGES_MAX)
      throw new TransientError('source', `Square gave more than ${PAGES_MAX} pages for one window`);
    const { wire, locationIds, window, limit } = this.#request;
    const range = { startAt: new Date(pass.startMs).toISOString(), endAt: new Date(window.endMs).toISOString() };
    const created = window.field === 'created_at';
    const search = {
      locationIds: [...locationIds],
      limit,
      query: {
        filter: { dateTimeFilter: created ? { createdAt: range } : { updatedAt: range } },
        sort: { sortField: created ? ('CREATED_AT' as const) : ('UPDATED_AT' as const), sortOrder: 'ASC' as const },
      },
      ...(cursor === null ? {} : { cursor }),
    };
    try {
      return await wire.call(
        'orders.search',
        (client, options) => client.orders.search(search, options),
        signal,
        pageShape,
      );
    } catch (error) {
      const stale = error instanceof InvalidCursorError && cursor !== null && this.#restarts < RESTARTS_MAX;
      if (!stale) throw error instanceof InvalidCursorError ? staleForEver(error) : error;
      this.#restarts += 1;
      return 'stale';
    }
  }

  #take(rows: readonly unknown[], pass: Pass): unknown[] {
    const fresh: unknown[] = [];
    for (const row of rows) {
      const stampMs = isFields(row) ? this.#check(row, pass) : Number.NaN;
      if (Number.isFinite(stampMs)) pass.lastMs = Math.max(pass.lastMs, Math.min(stampMs, this.#request.window.endMs));
      const key = rowKey(row);
      if (stampMs >= this.#request.window.endMs) this.#atEnd.add(key);
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      fresh.push(row);
      this.#sorted &&= stampMs >= this.#highMs && stampMs <= this.#request.window.endMs;
      this.#highMs = stampMs;
    }
    pass.rows += rows.length;
    pass.pages += 1;
    pass.fresh += fresh.length;
    return fresh;
  }

  /** A row that was not asked for means that Square ignored the query: then nothing it sends is what it seems. */
  #check(row: Fields, pass: Pass): number {
    const { wire, locationIds, window } = this.#request;
    const location = textOrNull(row.location_id);
    if (location !== null && !locationIds.includes(location)) throw unasked('a location');
    const stampMs = Date.parse(textOrNull(row[window.field]) ?? '');
    const changedMs = Math.max(window.endMs, wire.serverMs ?? 0) + CHANGING_MS;
    const latestMs = window.field === 'created_at' ? window.endMs + ROUNDING_MS : changedMs;
    if (stampMs < pass.startMs - ROUNDING_MS || stampMs > latestMs) throw unasked(`a time (${window.field})`);
    return stampMs;
  }

  #wouldLookAgain(pass: Pass): boolean {
    return this.#lookFrom(pass) !== null;
  }

  #nextLook(pass: Pass): number | null {
    const startMs = this.#lookFrom(pass);
    if (startMs === this.#request.window.startMs) this.#wholeLooks += 1;
    return startMs;
  }

  /**
   * Two reasons to distrust a finished pass that brought something new. Orders that change while several pages are
   * read leave the window and may make their neighbours be skipped: look at all of it again. A count that is a
   * multiple of the page size is what a scan looks like that was cut off: look beyond its last row.
   */
  #lookFrom(pass: Pass): number | null {
    if (pass.fresh === 0) return null;
    const { window, limit } = this.#request;
    const moves = window.field === 'updated_at' && pass.pages > 1;
    if (moves && this.#wholeLooks < WHOLE_LOOKS_MAX) return window.startMs;
    return pass.rows % limit === 0 && pass.lastMs > pass.startMs ? pass.lastMs : null;
  }
}

/** Names one content of one order, or of a row that is no order. */
function rowKey(row: unknown): string {
  const id = isFields(row) ? textOrNull(row.id) : null;
  return isFields(row) && id !== null ? `${id} ${String(row.updated_at)}` : digest(canonicalJson(row));
}

const pageShape: BodyCheck = ({ orders, cursor }) => {
  if (orders !== undefined && orders !== null && !Array.isArray(orders)) return 'Square sent `orders` that are no list';
  const readable = cursor === undefined || cursor === null || typeof cursor === 'string';
  return readable ? null : 'Square sent a `cursor` that is no text';
};

const unasked = (what: string): FatalError =>
  new FatalError(
    EXIT.gate,
    `orders.search: Square sent an order of ${what} that was not asked for: it ignores the query`,
    'nothing of this answer was used; run `retail-sync doctor`, then the same command again',
  );

const repeated = (): TransientError =>
  new TransientError('source', 'orders.search: Square repeated a page cursor; run `retail-sync sync pos-orders` again');

const staleForEver = (cause: Error): TransientError =>
  new TransientError(
    'source',
    `orders.search: Square called the page cursor invalid ${RESTARTS_MAX + 1} times; run \`retail-sync sync pos-orders\` again`,
    { cause },
  );
