/** A vendor's table: generated rows, with what was edited, added and deleted since laid over them. */
import { instantOf } from '../data/days.ts';
import type { Row, RowSource } from '../data/rows.ts';

/** Filtered lists kept per table: a sweep asks for the same one page after page. */
const FILTERED_MAX = 8;

export class Table {
  readonly #source: RowSource;
  readonly #edits = new Map<number, Row>();
  readonly #stamps = new Map<number, number>();
  readonly #gone = new Set<number>();
  readonly #added: Row[] = [];
  #postdated: ReadonlyMap<number, number> = new Map();
  #byId: Uint32Array | null = null;
  #byChange: Uint32Array | null = null;
  readonly #filtered = new Map<string, Uint32Array>();

  /** `isHidden`: positions that this environment never had. */
  constructor(source: RowSource, isHidden: (index: number) => boolean = () => false) {
    this.#source = source;
    for (let index = 0; index < source.count; index++) if (isHidden(index)) this.#gone.add(index);
  }

  get idField(): string {
    return this.#source.idField;
  }

  get size(): number {
    return this.#end - this.#gone.size;
  }

  get edited(): number {
    return this.#edits.size;
  }

  get added(): number {
    return this.#added.length;
  }

  get #end(): number {
    return this.#source.count + this.#added.length;
  }

  /** The id that the next added row must carry. */
  get nextId(): string {
    return this.#source.idOf(this.#end);
  }

  /** The position of a row that is there; undefined for an id never given out, or deleted. */
  find(id: string): number | undefined {
    const index = this.#source.indexOf(id);
    return index < 0 || index >= this.#end || this.#gone.has(index) ? undefined : index;
  }

  idOf(index: number): string {
    return this.#source.idOf(index);
  }

  changedAtMs(index: number): number {
    return this.#postdated.get(index) ?? this.#stamps.get(index) ?? this.#source.changedAtMs(index);
  }

  row(index: number): Row {
    const base = this.#added[index - this.#source.count] ?? this.#source.row(index);
    const edit = this.#edits.get(index);
    const stamped = this.#postdated.has(index) || this.#stamps.has(index);
    return edit || stamped
      ? { ...base, ...edit, ...(stamped ? { lastChanged: instantOf(this.changedAtMs(index)) } : {}) }
      : base;
  }

  /** What account listings filter by; '' for tables and rows that have none. */
  peek(index: number, fact: 'repId' | 'name'): string {
    if (!this.#edits.has(index) && index < this.#source.count) return this.#source.peek?.(index, fact) ?? '';
    const { rep, companyName } = this.row(index);
    if (fact === 'name') return typeof companyName === 'string' ? companyName : '';
    return typeof rep === 'object' && rep !== null && 'id' in rep ? String(rep.id) : '';
  }

  /** Lays new values over a row; `stampMs` null leaves its `lastChanged` as it was. */
  edit(index: number, set: Row, stampMs: number | null): void {
    this.#edits.set(index, { ...this.#edits.get(index), ...set });
    if (stampMs !== null) this.#stamps.set(index, stampMs);
    this.#forgetOrders();
  }

  remove(index: number): void {
    this.#gone.add(index);
    this.#forgetOrders();
  }

  /** A deleted row is there again as it was, its date too. False when it is not a deleted one. */
  restore(id: string): boolean {
    const isBack = this.#gone.delete(this.#source.indexOf(id));
    this.#forgetOrders();
    return isBack;
  }

  /** Adds a row that carries `nextId`. */
  add(row: Row, stampMs: number): void {
    this.#stamps.set(this.#end, stampMs);
    this.#added.push(row);
    this.#forgetOrders();
  }

  /** Serves the first `count` rows with a `lastChanged` of their own; 0 ends it. */
  postdate(count: number, atMs: number): void {
    this.#postdated = new Map(Array.from(this.byId().subarray(0, count), (index) => [index, atMs]));
    this.#forgetOrders();
  }

  /** Positions of all rows, ids ascending. */
  byId(): Uint32Array {
    this.#byId ??= this.#live();
    return this.#byId;
  }

  #live(): Uint32Array {
    const all = new Uint32Array(this.size);
    let at = 0;
    for (let index = 0; index < this.#end; index++) if (!this.#gone.has(index)) all[at++] = index;
    return all;
  }

  /** Positions of all rows by (lastChanged, id), both ascending. */
  byChange(): Uint32Array {
    this.#byChange ??= this.#sorted();
    return this.#byChange;
  }

  #sorted(): Uint32Array {
    const stamps = Float64Array.from({ length: this.#end }, (_, index) => this.changedAtMs(index));
    return this.byId()
      .slice()
      .sort((a, b) => (stamps[a] ?? 0) - (stamps[b] ?? 0) || a - b);
  }

  /** The part of `byChange` that changed at or after an instant. */
  changedSince(sinceMs: number): Uint32Array {
    const order = this.byChange();
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.changedAtMs(order[middle] ?? 0) < sinceMs) low = middle + 1;
      else high = middle;
    }
    return order.subarray(low);
  }

  /** The rows of an order that a filter lets through, kept under `key` until something changes. */
  filtered(key: string, order: Uint32Array, keeps: (index: number) => boolean): Uint32Array {
    const known = this.#filtered.get(key);
    if (known) return known;
    const made = order.filter(keeps);
    const oldest = this.#filtered.size >= FILTERED_MAX ? this.#filtered.keys().next().value : undefined;
    if (oldest !== undefined) this.#filtered.delete(oldest);
    this.#filtered.set(key, made);
    return made;
  }

  #forgetOrders(): void {
    this.#byId = null;
    this.#byChange = null;
    this.#filtered.clear();
  }
}
