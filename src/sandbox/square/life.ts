/** What happens to an order after it was made: authorised, paid, fulfilled, cancelled. */
import { bareStamp, money, type OrderJson, type Payment, stamp, type Tender } from './model.ts';
import { currencyOf, minor } from './sale.ts';
import type { World } from './world.ts';

export interface TenderDraft {
  readonly type: 'CARD' | 'CASH' | 'SQUARE_GIFT_CARD' | 'WALLET' | 'OTHER' | 'NO_SALE';
  /** Minor units, tip included. */
  readonly amount: number;
  readonly customerId?: string | undefined;
  readonly offlineAtMs?: number;
}

type CardStatus = 'AUTHORIZED' | 'CAPTURED' | 'VOIDED' | 'FAILED';

/** A tender is made with the order's payment and is no payment yet while only AUTHORIZED. */
export function authorize(world: World, order: OrderJson, drafts: readonly TenderDraft[], atMs: number): void {
  const currency = currencyOf(world, order);
  const tenders = drafts.map((draft): Tender => {
    const id = world.id(32);
    const card = draft.type === 'CARD' || draft.type === 'SQUARE_GIFT_CARD' || draft.type === 'WALLET';
    if (draft.type !== 'NO_SALE') world.payments.set(id, paymentOf(world, order, draft, id, currency, atMs));
    return {
      id,
      location_id: order.location_id,
      transaction_id: order.id,
      created_at: bareStamp(atMs),
      amount_money: money(draft.amount, currency),
      type: draft.type,
      ...(draft.customerId ? { customer_id: draft.customerId } : {}),
      ...(card ? { card_details: cardOf(world, 'AUTHORIZED') } : {}),
      ...(draft.type === 'CASH' ? { cash_details: cashOf(draft.amount, currency) } : {}),
      ...(draft.type === 'NO_SALE' ? {} : { payment_id: id }),
    };
  });
  world.touch(order, atMs, { tenders: [...(order.tenders ?? []), ...tenders] });
}

/** Captures what was authorised. Without a fulfilment the order completes; with one it stays OPEN with nothing due. */
export function capture(world: World, order: OrderJson, atMs: number): void {
  setCardStatus(order, 'CAPTURED');
  for (const tender of order.tenders ?? []) setPayment(world, tender.id, 'COMPLETED', atMs);
  world.touch(order, atMs, { net_amount_due_money: money(0, currencyOf(world, order)) });
  if (!order.fulfillments) complete(world, order, atMs);
}

/** COMPLETED now; a little later background work raises version and `updated_at`, to a whole second. */
export function complete(world: World, order: OrderJson, atMs: number): void {
  const fulfillments = order.fulfillments;
  world.touch(order, atMs, {
    state: 'COMPLETED',
    closed_at: stamp(atMs),
    ...(Array.isArray(fulfillments)
      ? { fulfillments: fulfillments.map((item: object) => ({ ...item, state: 'COMPLETED' })) }
      : {}),
  });
  const settledMs = Math.ceil((atMs + world.switches().settleMs) / 1_000) * 1_000;
  world.later(settledMs, () => world.touch(order, settledMs));
}

/** CANCELED keeps its totals; all of it is due again and the tenders are void. */
export function cancel(world: World, order: OrderJson, atMs: number): void {
  setCardStatus(order, 'VOIDED');
  for (const tender of order.tenders ?? []) setPayment(world, tender.id, 'CANCELED', atMs);
  world.touch(order, atMs, {
    state: 'CANCELED',
    closed_at: stamp(atMs),
    ...(order.total_money ? { net_amount_due_money: order.total_money } : {}),
  });
}

/** The everyday case: one payment for the whole total, a moment after the order was made. */
export function paySale(world: World, order: OrderJson, tender: Omit<TenderDraft, 'amount'>, atMs: number): OrderJson {
  authorize(world, order, [{ ...tender, amount: minor(order.total_money) }], atMs - 900);
  capture(world, order, atMs);
  return order;
}

function setCardStatus(order: OrderJson, status: CardStatus): void {
  if (!order.tenders) return;
  order.tenders = order.tenders.map((tender) =>
    typeof tender.card_details === 'object' ? { ...tender, card_details: { ...tender.card_details, status } } : tender,
  );
}

function setPayment(world: World, id: string, status: string, atMs: number): void {
  const payment = world.payments.get(id);
  if (payment) Object.assign(payment, { status, updated_at: stamp(atMs) });
}

const cardOf = (world: World, status: CardStatus) => ({
  status,
  entry_method: 'EMV',
  card: { card_brand: 'VISA', last_4: String(world.integer(1000, 9999)), cardholder_name: 'CANARY CARDHOLDER' },
});

const cashOf = (amount: number, currency: string) => ({
  buyer_tendered_money: money(amount, currency),
  change_back_money: money(0, currency),
});

function paymentOf(
  world: World,
  order: OrderJson,
  draft: TenderDraft,
  id: string,
  currency: string,
  atMs: number,
): Payment {
  const tip = Number(order.net_amounts?.tip_money?.amount ?? 0);
  return {
    id,
    created_at: stamp(atMs),
    updated_at: stamp(atMs),
    amount_money: money(draft.amount - tip, currency),
    ...(tip > 0 ? { tip_money: money(tip, currency) } : {}),
    total_money: money(draft.amount, currency),
    status: 'APPROVED',
    source_type: draft.type === 'SQUARE_GIFT_CARD' ? 'CARD' : draft.type,
    location_id: order.location_id,
    order_id: order.id,
    ...(draft.customerId ? { customer_id: draft.customerId } : {}),
    team_member_id: `TM${world.id(12)}`,
    ...(draft.offlineAtMs === undefined
      ? {}
      : { offline_payment_details: { client_created_at: stamp(draft.offlineAtMs) } }),
  };
}
