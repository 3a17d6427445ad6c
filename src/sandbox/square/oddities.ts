/** The orders that break naive readers: one of each kind, all of which occur in life. */
import { authorize, cancel, capture, paySale } from './life.ts';
import { bareStamp, type Location, money, type OrderJson, stamp } from './model.ts';
import type { CustomerIds } from './people.ts';
import { exchange, failRefund, refund, refundSeveral, unlinkedReturn } from './refunds.ts';
import { minor, openOrder, type SaleDraft } from './sale.ts';
import type { World } from './world.ts';

const DAY_MS = 86_400_000;

export interface Counter {
  readonly world: World;
  readonly location: Location;
  readonly customers: CustomerIds;
  readonly asOfMs: number;
}

type Oddity = (counter: Counter, atMs: number) => void;

const plain = (counter: Counter, createdMs: number, extra: Partial<SaleDraft> = {}): SaleDraft => ({
  location: counter.location,
  createdMs,
  lines: [{ name: 'Sample board', variation: 'A4', quantity: '4', price: 2_500 }],
  ...extra,
});

const sell = (counter: Counter, atMs: number, extra: Partial<SaleDraft> = {}): OrderJson =>
  paySale(
    counter.world,
    counter.world.add(openOrder(counter.world, plain(counter, atMs, extra))),
    { type: 'CARD', customerId: extra.customerId },
    atMs + 60_000,
  );

const open = (counter: Counter, atMs: number, extra: Partial<SaleDraft> = {}): OrderJson =>
  counter.world.add(openOrder(counter.world, plain(counter, atMs, extra)));

const recipient = {
  display_name: 'Canary Recipient',
  email_address: 'canary.recipient@shop.walkin.example',
  phone_number: '+15550109999',
  address: { address_line_1: '9 Canary Lane', locality: 'Walkinville' },
};

const refunded: readonly Oddity[] = [
  (counter, atMs) => void refund(counter.world, sell(counter, atMs), 10_000, atMs + 2 * DAY_MS),
  (counter, atMs) => void refund(counter.world, sell(counter, atMs), 2_500, atMs + DAY_MS, { itemised: true }),
  (counter, atMs) => {
    const sale = sell(counter, atMs);
    refund(counter.world, sale, 1_000, atMs + DAY_MS);
    refund(counter.world, sale, 2_000, atMs + 3 * DAY_MS);
  },
  (counter, atMs) => {
    const order = refund(counter.world, sell(counter, atMs), 4_000, atMs + DAY_MS, { status: 'PENDING' });
    failRefund(counter.world, order, atMs + 2 * DAY_MS);
  },
  (counter, atMs) => void refund(counter.world, sell(counter, atMs), 500, atMs + DAY_MS, { status: 'PENDING' }),
  (counter, atMs) => void refund(counter.world, sell(counter, atMs), 700, atMs + DAY_MS, { status: 'REJECTED' }),
  (counter, atMs) => {
    const sales = [sell(counter, atMs), sell(counter, atMs + 3_600_000)];
    refundSeveral(counter.world, sales, 1_500, atMs + DAY_MS);
  },
  (counter, atMs) => void unlinkedReturn(counter.world, counter.location, 1_800, atMs),
  (counter, atMs) => {
    const { world } = counter;
    const order = world.add(exchange(world, sell(counter, atMs), plain(counter, atMs + DAY_MS), 2_500));
    authorize(world, order, [{ type: 'CARD', amount: minor(order.net_amount_due_money) }], atMs + DAY_MS + 30_000);
    capture(world, order, atMs + DAY_MS + 31_000);
  },
];

const unfinished: readonly Oddity[] = [
  (counter, atMs) => void open(counter, atMs),
  (counter, atMs) => void open(counter, atMs, { lines: [] }),
  (counter, atMs) => void Object.assign(open(counter, atMs), { state: 'DRAFT' }),
  (counter, atMs) => {
    const order = open(counter, atMs);
    authorize(counter.world, order, [{ type: 'CARD', amount: minor(order.total_money) }], atMs + 1_000);
  },
  (counter, atMs) => {
    const order = open(counter, atMs);
    authorize(counter.world, order, [{ type: 'CARD', amount: minor(order.total_money) }], atMs + 1_000);
    cancel(counter.world, order, atMs + 90_000);
  },
  // Paid, yet open until somebody ships it; the fulfilment's type is one the SDK does not list.
  (counter, atMs) => void sell(counter, atMs, { fulfillment: { type: 'SHIPMENT', recipient } }),
  (counter, atMs) => void sell(counter, atMs, { fulfillment: { type: 'DIGITAL', recipient } }),
];

const amountsAndTenders: readonly Oddity[] = [
  // Free goods: closed without any tender, or with one that says so.
  (counter, atMs) => {
    const order = open(counter, atMs, { lines: [{ name: 'Sample board', quantity: '1', price: 0 }] });
    capture(counter.world, order, atMs + 1_000);
  },
  (counter, atMs) => {
    const order = open(counter, atMs, { lines: [{ name: 'Sample board', quantity: '1', price: 0 }] });
    authorize(counter.world, order, [{ type: 'NO_SALE', amount: 0 }], atMs + 500);
    capture(counter.world, order, atMs + 1_000);
  },
  (counter, atMs) => {
    const order = open(counter, atMs);
    const total = minor(order.total_money);
    const customerId = counter.customers.known[0] ?? counter.customers.walkIns[0];
    const tenders = [
      { type: 'CASH', amount: 3_000 } as const,
      { type: 'CARD', amount: total - 3_000, customerId } as const,
    ];
    authorize(counter.world, order, tenders, atMs + 1_000);
    capture(counter.world, order, atMs + 2_000);
  },
  (counter, atMs) => void sell(counter, atMs, { tip: 1_500 }),
  (counter, atMs) => void sell(counter, atMs, { serviceCharge: 7_500, discount: 350 }),
  (counter, atMs) => void sell(counter, atMs, { taxPermyriad: 1_000, taxInclusive: true }),
  (counter, atMs) => void sell(counter, atMs, { lines: [{ name: 'Oak plank', quantity: '2.25', price: 1_289 }] }),
  (counter, atMs) => void sell(counter, atMs, { lines: [{ quantity: '1', price: 4_200, itemType: 'CUSTOM_AMOUNT' }] }),
  (counter, atMs) =>
    void sell(counter, atMs, { lines: [{ name: 'Gift card', quantity: '1', price: 5_000, itemType: 'GIFT_CARD' }] }),
  // Amounts above 2^53, a currency without a total, money that is null.
  (counter, atMs) => {
    const order = sell(counter, atMs);
    const huge = money(9_007_199_254_740_993n, counter.location.currency);
    const tenders = (order.tenders ?? []).map((tender) => ({ ...tender, amount_money: huge }));
    Object.assign(order, { total_money: huge, tenders });
  },
  (counter, atMs) => void Object.assign(sell(counter, atMs), { total_tip_money: { amount: null, currency: 'USD' } }),
];

const documents: readonly Oddity[] = [
  (counter, atMs) => void delete sell(counter, atMs).version,
  (counter, atMs) =>
    void sell(counter, atMs, { extra: { creation_source: { name: 'Kiosk' }, metadata: { note: 'Canary Metadata' } } }),
  (counter, atMs) => {
    const order = sell(counter, atMs);
    order.updated_at = bareStamp(Date.parse(order.updated_at));
  },
  // Sold while the till was offline: it reaches Square three days later, stamped with the till's own time.
  (counter, atMs) => {
    const { world } = counter;
    const soldMs = atMs - 3 * DAY_MS;
    const order = open(counter, soldMs);
    const tender = { type: 'CARD', amount: minor(order.total_money), offlineAtMs: soldMs } as const;
    authorize(world, order, [tender], atMs);
    capture(world, order, atMs);
  },
  // Two orders of the very same millisecond.
  (counter, atMs) => void [sell(counter, atMs), sell(counter, atMs)],
  (counter, atMs) => {
    const order = sell(counter, atMs);
    order.updated_at = stamp(Date.parse(order.updated_at)).replace('.000Z', '.62Z');
  },
];

const ODDITIES = [...refunded, ...unfinished, ...amountsAndTenders, ...documents];

/** How many sales the oddities bring along; the rest of a world is ordinary. */
export const ODD_SALES = 37;

/** One of each, spread over the last year, a few days old at the youngest. */
export function addOddities(counter: Counter): void {
  for (const [index, add] of ODDITIES.entries()) {
    const daysAgo = 6 + ((index * 37) % 340);
    add(counter, counter.asOfMs - daysAgo * DAY_MS - index * 61_000);
  }
}
