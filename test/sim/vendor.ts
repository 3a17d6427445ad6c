/** A simulated ERP at the level of the wire: people edit it all the time, and what it lists is not always the truth. */
import type { Wire } from './wire.ts';

/** One state of a record. Which one is seen depends on when its transaction becomes visible. */
export interface Version {
  readonly id: string;
  readonly at: string;
  readonly name: string;
  readonly kind: string;
  readonly origin: string;
  readonly group: string;
  readonly rev: number;
  readonly visibleAtMs: number;
  readonly deleted: boolean;
}

type Row = Omit<Version, 'visibleAtMs' | 'deleted'>;

/** How far behind a replica may be that answers a listing. */
export const REPLICA_LAG_MS = 240_000;

export const rowOf = ({ visibleAtMs: _visible, deleted: _deleted, ...row }: Version): Row => row;

export class Vendor {
  readonly #wire: Wire;
  readonly #versions = new Map<string, Version[]>();
  /** Called with every row that was shown to the program. */
  onShown: (row: Row) => void = () => undefined;
  /** The date each record was last listed with. */
  readonly #listed = new Map<string, string>();

  #hiddenId: string | null = null;
  #hiddenFor = 0;

  /** Whether a listing that has no order to ask for comes by id; otherwise as the table lies. */
  readonly #listsById: boolean;

  constructor(wire: Wire, listsById = false) {
    this.#wire = wire;
    this.#listsById = listsById;
  }

  put(version: Version): void {
    const known = this.#versions.get(version.id);
    if (known) known.push(version);
    else this.#versions.set(version.id, [version]);
  }

  /** What somebody sees at this moment; the last one committed of those that are visible. */
  view(atMs: number): Version[] {
    return [...this.#versions.keys()].flatMap((id) => this.seen(id, atMs) ?? []).filter(({ deleted }) => !deleted);
  }

  seen(id: string, atMs: number): Version | undefined {
    return this.#versions.get(id)?.findLast(({ visibleAtMs }) => visibleAtMs <= atMs);
  }

  /** The last state, visible or not yet. */
  newest(id: string): Version | undefined {
    return this.#versions.get(id)?.at(-1);
  }

  get ids(): string[] {
    return [...this.#versions.keys()];
  }

  versionsOf(id: string): readonly Version[] {
    return this.#versions.get(id) ?? [];
  }

  /** Whether the program ever saw it. */
  wasShown(id: string): boolean {
    return this.#listed.has(id);
  }

  /** Answers one request, at the moment it arrives. */
  answer(url: URL): { status: number; text: string; headers: Record<string, string> } {
    const { chance, rates, time } = this.#wire;
    const headers = { 'content-type': 'application/json', date: new Date(time.nowMs).toUTCString() };
    const ids = url.searchParams.get('ids')?.split(',');
    if (ids) {
      const found = this.#byIds(ids);
      return { status: 200, headers, text: this.#page(found, found.length) };
    }
    // A listing may come from a replica that lags behind; a record asked for by id comes from the leading machine.
    const behindMs = chance.hits(rates.erpOldReplica) ? chance.between(1_000, REPLICA_LAG_MS) : 0;
    const since = url.searchParams.get('since') ?? '';
    const rows = this.view(time.nowMs - behindMs).filter(({ at }) => at >= since);
    if (chance.hits(rates.erpTwoVersions)) this.#addOld(rows, since);
    rows.sort(this.#orderOf(url));
    const size = Number(url.searchParams.get('size'));
    const start = Number(url.searchParams.get('page')) * size;
    const short = chance.hits(rates.erpShortPage) ? chance.between(0, 1) : 0;
    const hidden = this.#hidden(rows);
    const listed = rows.filter(({ id }) => id !== hidden);
    const page = listed.slice(start, start + Math.max(1, size - short));
    if (short > 0) this.#wire.count('short page');
    const total = chance.hits(rates.erpTotal) ? Math.max(0, rows.length + chance.between(-1, 1)) : rows.length;
    this.#countTies(rows, size);
    return { status: 200, headers, text: this.#page(page, total) };
  }

  /** A row that is counted and not listed, for as many requests as a few readings of a listing take. */
  #hidden(rows: readonly Version[]): string | null {
    const { chance, rates } = this.#wire;
    if (rates.erpHides === 0) return null;
    if (this.#hiddenFor > 0) this.#hiddenFor--;
    else if (rows.length > 0 && chance.hits(rates.erpHides)) {
      this.#hiddenId = chance.pick(rows).id;
      this.#hiddenFor = chance.between(20, 80);
      this.#wire.count('row hidden from listings');
    } else this.#hiddenId = null;
    return this.#hiddenId;
  }

  /** Without an order a listing comes by id, or as the table lies: an edited row moves to its end. */
  #orderOf(url: URL): (a: Version, b: Version) => number {
    const byId = (a: Version, b: Version): number => (a.id < b.id ? -1 : 1);
    if (url.searchParams.has('sort')) return (a, b) => (a.at === b.at ? byId(a, b) : a.at < b.at ? -1 : 1);
    return this.#listsById ? byId : (a, b) => a.visibleAtMs - b.visibleAtMs || byId(a, b);
  }

  #byIds(ids: readonly string[]): Version[] {
    const { nowMs } = this.#wire.time;
    this.#wire.count('point read');
    const rows = ids.flatMap((id) => this.seen(id, nowMs) ?? []).filter(({ deleted }) => !deleted);
    const isNews = rows.some(({ id, at }) => this.#listed.get(id) !== at);
    if (isNews) this.#wire.count('point read with another content');
    return rows;
  }

  /** A row that was edited while the query ran comes twice, in both of its states. */
  #addOld(rows: Version[], since: string): void {
    const { chance } = this.#wire;
    const edited = rows.filter(({ id }) => this.versionsOf(id).length > 1);
    if (edited.length === 0) return;
    const { id } = chance.pick(edited);
    const old = chance.pick(this.versionsOf(id));
    if (old.deleted || old.at < since || old.visibleAtMs > this.#wire.time.nowMs) return;
    rows.push(old);
    this.#wire.count('two versions of a row');
  }

  #countTies(rows: readonly Version[], size: number): void {
    const sizes = new Map<string, number>();
    for (const { at } of rows) sizes.set(at, (sizes.get(at) ?? 0) + 1);
    if ([...sizes.values()].some((count) => count > size)) this.#wire.count('tie group over a page');
  }

  #page(versions: readonly Version[], total: number): string {
    const rows = versions.map(rowOf);
    for (const row of rows) {
      this.#listed.set(row.id, row.at);
      this.onShown(row);
    }
    return JSON.stringify({ total, rows });
  }
}
