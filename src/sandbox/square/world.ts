/** Everything the emulated merchant has, and the clock its changes happen by. */
import type { Customer, Location, OrderJson, Payment, PaymentRefund, StoredOrder } from './model.ts';
import { stamp } from './model.ts';
import type { Switches } from './switches.ts';

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export class World {
  readonly merchantId: string;
  readonly locations: Location[] = [];
  readonly orders = new Map<string, StoredOrder>();
  readonly customers = new Map<string, Customer>();
  /** A merged profile's old id, and the id it answers with now. */
  readonly mergedInto = new Map<string, string>();
  readonly payments = new Map<string, Payment>();
  readonly refunds = new Map<string, PaymentRefund>();
  readonly random: () => number;
  readonly now: () => number;
  readonly switches: () => Switches;
  readonly #due: { readonly atMs: number; readonly apply: () => void }[] = [];

  constructor(random: () => number, now: () => number, switches: () => Switches) {
    this.random = random;
    this.now = now;
    this.switches = switches;
    this.merchantId = this.id(13, 'ML');
  }

  /** An id as Square spells them: letters of both cases and digits, without order. */
  id(length: number, prefix = ''): string {
    let text = prefix;
    while (text.length < length) text += ID_LETTERS.charAt(Math.floor(this.random() * ID_LETTERS.length));
    return text;
  }

  integer(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.random() * items.length)] ?? items[0];
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  add(json: OrderJson, options: { lags: boolean } = { lags: false }): OrderJson {
    const { searchLagMs, linesLagMs } = this.switches();
    const now = this.now();
    this.orders.set(json.id, {
      json,
      searchableAtMs: options.lags ? now + searchLagMs : 0,
      linesAtMs: options.lags ? now + linesLagMs : 0,
    });
    return json;
  }

  /** Replaces fields of an order, raises its version (if it has one) and stamps the change. */
  touch(order: OrderJson, atMs: number, changes: Partial<OrderJson> = {}): void {
    Object.assign(order, changes, { updated_at: stamp(atMs) });
    if (order.version !== undefined) order.version += 1;
  }

  /** Does something at its time: at once if that is past, else before the first request after it. */
  later(atMs: number, apply: () => void): void {
    if (atMs <= this.now()) apply();
    else this.#due.push({ atMs, apply });
  }

  /** Applies what has come due. */
  catchUp(): void {
    const now = this.now();
    this.#due.sort((a, b) => a.atMs - b.atMs);
    while (this.#due[0] && this.#due[0].atMs <= now) this.#due.shift()?.apply();
  }
}
