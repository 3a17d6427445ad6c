/** One sale's document, from what is on the counter to the totals Square computes. */
import { amounts, type Line, type Location, type Money, money, type OrderJson, stamp } from './model.ts';
import type { World } from './world.ts';

export interface LineDraft {
  readonly name?: string;
  readonly variation?: string;
  /** A decimal in text, such as `2.25`. */
  readonly quantity: string;
  /** Minor units for one. */
  readonly price: number;
  readonly itemType?: 'ITEM' | 'CUSTOM_AMOUNT' | 'GIFT_CARD';
}

export interface SaleDraft {
  readonly location: Location;
  readonly createdMs: number;
  readonly lines: readonly LineDraft[];
  readonly taxPermyriad?: number;
  readonly taxInclusive?: boolean;
  readonly discount?: number;
  readonly tip?: number;
  readonly serviceCharge?: number;
  readonly customerId?: string | undefined;
  readonly ticketName?: string | undefined;
  /** Orders made by an app over the API have a version, a reference and a fulfilment; those of the till do not. */
  readonly fulfillment?: { readonly type: string; readonly recipient: Readonly<Record<string, unknown>> };
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** An OPEN order as CreateOrder leaves it: version 1, nothing paid, the total due. */
export function openOrder(world: World, draft: SaleDraft): OrderJson {
  const { currency } = draft.location;
  const lines = draft.lines.map((line) => lineOf(world, line, currency));
  const goods = lines.reduce((sum, line) => sum + Number(line.total_money.amount), 0);
  const discount = draft.discount ?? 0;
  const service = draft.serviceCharge ?? 0;
  const tip = draft.tip ?? 0;
  const taxable = goods - discount;
  const permyriad = draft.taxPermyriad ?? 0;
  const inclusive = draft.taxInclusive ?? false;
  const tax = inclusive
    ? Math.round((taxable * permyriad) / (10_000 + permyriad))
    : Math.round((taxable * permyriad) / 10_000);
  const total = taxable + service + tip + (inclusive ? 0 : tax);
  return {
    id: world.id(27),
    location_id: draft.location.id,
    state: 'OPEN',
    version: 1,
    created_at: stamp(draft.createdMs),
    updated_at: stamp(draft.createdMs),
    source: { name: draft.fulfillment ? 'Showroom Web Shop' : 'Point of Sale' },
    ...(draft.customerId ? { customer_id: draft.customerId } : {}),
    ...(draft.ticketName ? { ticket_name: draft.ticketName } : {}),
    ...(lines.length > 0 ? { line_items: lines } : {}),
    ...(tax > 0 ? { taxes: [taxOf(world, permyriad, inclusive, tax, currency)] } : {}),
    ...(service > 0
      ? { service_charges: [{ uid: world.id(22), name: 'Delivery', total_money: money(service, currency) }] }
      : {}),
    ...(draft.fulfillment ? { fulfillments: [fulfillmentOf(world, draft.fulfillment)] } : {}),
    total_money: money(total, currency),
    total_tax_money: money(tax, currency),
    total_discount_money: money(discount, currency),
    total_tip_money: money(tip, currency),
    total_service_charge_money: money(service, currency),
    total_card_surcharge_money: money(0, currency),
    net_amounts: amounts(currency, { total, tax, discount, tip, service }),
    net_amount_due_money: money(total, currency),
    ...draft.extra,
  };
}

function lineOf(world: World, line: LineDraft, currency: string): Line {
  const total = money(Math.round(line.price * Number(line.quantity)), currency);
  return {
    uid: world.id(22),
    ...(line.name ? { name: line.name, catalog_object_id: world.id(24), catalog_version: 1_700_000_000_000 } : {}),
    ...(line.variation ? { variation_name: line.variation } : {}),
    quantity: line.quantity,
    item_type: line.itemType ?? 'ITEM',
    base_price_money: money(line.price, currency),
    gross_sales_money: total,
    total_tax_money: money(0, currency),
    total_discount_money: money(0, currency),
    total_money: total,
  };
}

const taxOf = (world: World, permyriad: number, inclusive: boolean, tax: number, currency: string) => ({
  uid: world.id(22),
  name: 'Sales tax',
  percentage: String(permyriad / 100),
  type: inclusive ? 'INCLUSIVE' : 'ADDITIVE',
  scope: 'ORDER',
  applied_money: money(tax, currency),
});

const fulfillmentOf = (world: World, draft: NonNullable<SaleDraft['fulfillment']>) => ({
  uid: world.id(22),
  type: draft.type,
  state: 'PROPOSED',
  [draft.type === 'SHIPMENT' ? 'shipment_details' : 'pickup_details']: { recipient: draft.recipient },
});

/** The amount of money that is there, as a number; the emulator's own arithmetic stays far below 2^53. */
export const minor = (value: Money | null | undefined): number => Number(value?.amount ?? 0);

export const currencyOf = (world: World, order: OrderJson): string =>
  world.locations.find((location) => location.id === order.location_id)?.currency ?? 'USD';
