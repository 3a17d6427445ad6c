/**
 * Refunds, returns and exchanges: each is a new order that names the sale in `returns[].source_order_id`
 * (developer.squareup.com/docs/orders-api/order-returns-exchanges). The sale itself keeps its totals.
 */
import { amounts, bareStamp, type Line, type Location, money, type OrderJson, type Return, stamp } from './model.ts';
import { currencyOf, minor, openOrder, type SaleDraft } from './sale.ts';
import type { World } from './world.ts';

type RefundStatus = 'APPROVED' | 'PENDING' | 'REJECTED' | 'FAILED';

export interface RefundOptions {
  readonly status?: RefundStatus;
  /** Real lines of the sale are given back, as the till does; else one custom amount, as the Refunds API does. */
  readonly itemised?: boolean;
  /** Search and lines may lag, as for all news. */
  readonly lags?: boolean;
}

/** Gives `amount` of a paid sale back: a return order, a payment refund, and a bump of the sale's `updated_at`. */
export function refund(
  world: World,
  sale: OrderJson,
  amount: number,
  atMs: number,
  options: RefundOptions = {},
): OrderJson {
  const currency = currencyOf(world, sale);
  const lines = options.itemised
    ? (sale.line_items ?? []).slice(0, 1).map((line) => returnedLine(world, line, amount, currency))
    : [customAmount(world, amount, currency)];
  const entry: Return = {
    uid: world.id(22),
    source_order_id: sale.id,
    return_line_items: lines,
    return_amounts: amounts(currency, { total: amount }),
  };
  const order = returnOrder(world, sale.location_id, currency, [entry], amount, atMs);
  addRefund(world, order, sale, amount, atMs, options.status ?? 'APPROVED');
  world.touch(sale, atMs + 900);
  return world.add(order, { lags: options.lags ?? false });
}

/** One return order that gives back parts of several sales at once. */
export function refundSeveral(world: World, sales: readonly OrderJson[], each: number, atMs: number): OrderJson | null {
  const [first] = sales;
  if (!first) return null;
  const currency = currencyOf(world, first);
  const entries = sales.map(
    (sale): Return => ({
      uid: world.id(22),
      source_order_id: sale.id,
      return_line_items: [customAmount(world, each, currency)],
      return_amounts: amounts(currency, { total: each }),
    }),
  );
  const order = returnOrder(world, first.location_id, currency, entries, each * sales.length, atMs);
  for (const sale of sales) addRefund(world, order, sale, each, atMs, 'APPROVED');
  return world.add(order);
}

/** Goods brought back without a receipt: no source order is named. */
export function unlinkedReturn(world: World, location: Location, amount: number, atMs: number): OrderJson {
  const entry: Return = {
    uid: world.id(22),
    return_line_items: [customAmount(world, amount, location.currency)],
    return_amounts: amounts(location.currency, { total: amount }),
  };
  return world.add(returnOrder(world, location.id, location.currency, [entry], amount, atMs));
}

/** One order with lines and returns: what is taken, less what is given back. Not paid yet. */
export function exchange(world: World, sale: OrderJson, draft: SaleDraft, givenBack: number): OrderJson {
  const order = openOrder(world, draft);
  const currency = currencyOf(world, sale);
  const net = minor(order.total_money) - givenBack;
  Object.assign(order, {
    returns: [
      {
        uid: world.id(22),
        source_order_id: sale.id,
        return_line_items: (sale.line_items ?? [])
          .slice(0, 1)
          .map((line) => returnedLine(world, line, givenBack, currency)),
        return_amounts: amounts(currency, { total: givenBack }),
      },
    ],
    return_amounts: amounts(currency, { total: givenBack }),
    net_amounts: amounts(currency, { total: net }),
    net_amount_due_money: money(Math.max(net, 0), currency),
  });
  return order;
}

/** The bank says no: order and payment refund both FAILED, and the payment's refunded amount goes back. */
export function failRefund(world: World, order: OrderJson, atMs: number): void {
  for (const item of order.refunds ?? []) {
    for (const paymentRefund of world.refunds.values()) {
      if (!paymentRefund.id.endsWith(`_${item.id}`)) continue;
      Object.assign(paymentRefund, { status: 'FAILED', updated_at: stamp(atMs) });
      const payment = world.payments.get(String(paymentRefund.payment_id));
      if (!payment) continue;
      const left = minor(payment.refunded_money) - minor(paymentRefund.amount_money);
      Object.assign(payment, { refunded_money: money(left, currencyOf(world, order)), updated_at: stamp(atMs) });
    }
  }
  const refunds = (order.refunds ?? []).map((item) => ({ ...item, status: 'FAILED' }));
  world.touch(order, atMs, { refunds });
}

function returnOrder(
  world: World,
  locationId: string,
  currency: string,
  returns: readonly Return[],
  amount: number,
  atMs: number,
): OrderJson {
  return {
    id: world.id(27),
    location_id: locationId,
    state: 'COMPLETED',
    version: 1,
    created_at: stamp(atMs),
    updated_at: stamp(atMs),
    closed_at: stamp(atMs),
    source: {},
    returns,
    return_amounts: amounts(currency, { total: amount }),
    net_amounts: amounts(currency, { total: -amount }),
    net_amount_due_money: money(0, currency),
  };
}

function addRefund(
  world: World,
  order: OrderJson,
  sale: OrderJson,
  amount: number,
  atMs: number,
  status: RefundStatus,
): void {
  const currency = currencyOf(world, sale);
  const tender = sale.tenders?.[0];
  if (!tender) return;
  const suffix = world.id(43);
  const id = `${tender.id}_${suffix}`;
  const item = {
    id: suffix,
    location_id: sale.location_id,
    transaction_id: sale.id,
    tender_id: tender.id,
    created_at: bareStamp(atMs),
    reason: 'Returned goods',
    amount_money: money(amount, currency),
    status,
  };
  order.refunds = [...(order.refunds ?? []), item];
  world.refunds.set(id, {
    id,
    status: status === 'APPROVED' ? 'COMPLETED' : status,
    location_id: sale.location_id,
    order_id: order.id,
    payment_id: tender.id,
    amount_money: money(amount, currency),
    created_at: stamp(atMs),
    updated_at: stamp(atMs + 20),
    reason: 'Returned goods',
  });
  const payment = world.payments.get(tender.id);
  if (!payment || status === 'FAILED' || status === 'REJECTED') return;
  payment.refunded_money = money(minor(payment.refunded_money) + amount, currency);
  payment.refund_ids = [...(payment.refund_ids ?? []), id];
  payment.updated_at = stamp(atMs);
}

const customAmount = (world: World, amount: number, currency: string): Line => ({
  uid: world.id(22),
  quantity: '1',
  item_type: 'CUSTOM_AMOUNT',
  base_price_money: money(amount, currency),
  total_money: money(amount, currency),
});

const returnedLine = (world: World, line: Line, amount: number, currency: string): Line => ({
  uid: world.id(22),
  source_line_item_uid: line.uid,
  ...(line.name ? { name: line.name } : {}),
  quantity: '1',
  item_type: 'ITEM',
  base_price_money: money(amount, currency),
  total_money: money(amount, currency),
});
