/** The canonical order: the narrow shape that mappers read, money exact, everything optional made null. */
import { hash } from 'node:crypto';
import * as z from 'zod';
import { type Fields, fieldsIn, isFields, textOrNull } from './exact-json.ts';

/** Minor units as integer text; how many make one unit depends on the currency (none for JPY). */
const moneySchema = z.strictObject({
  amount: z.string().regex(/^-?\d+$/, 'an amount must be an integer of minor units'),
  currency: z.string().regex(/^[A-Z]{3}$/, 'a currency must be an ISO 4217 code'),
});
export type Money = z.infer<typeof moneySchema>;

const money = moneySchema.nullable();
const text = z.string().min(1).nullable();
const instant = z.iso.datetime({ offset: true });

export const squareOrderSchema = z.strictObject({
  id: z.string().min(1),
  locationId: z.string().min(1),
  /** OPEN, COMPLETED, CANCELED, DRAFT, or what Square adds to them. */
  state: z.string().min(1),
  createdAt: instant,
  updatedAt: instant,
  closedAt: instant.nullable(),
  ticketName: text,
  sourceName: text,
  /** Of the first money in the order; null when it has none. */
  currency: moneySchema.shape.currency.nullable(),
  /** What the customer was to pay for the sale, tip and tax included; null for a return. Returns never change it. */
  total: money,
  tax: money,
  discount: money,
  tip: money,
  serviceCharge: money,
  netAmountDue: money,
  /** All that this order gives back (positive), and sale less returns within this order. */
  returnTotal: money,
  netTotal: money,
  tenders: z.array(
    z.strictObject({
      id: text,
      type: z.string(),
      /** Of the card, wallet, bank account or loan: AUTHORIZED is no payment yet, CAPTURED is. Cash has none. */
      status: text,
      amount: money,
      customerId: text,
    }),
  ),
  lineItemCount: z.int().nonnegative(),
  returns: z.array(z.strictObject({ sourceOrderId: text, total: money, tax: money })),
  refunds: z.array(
    z.strictObject({
      id: text,
      /** APPROVED, PENDING, REJECTED or FAILED. */
      status: text,
      amount: money,
      tenderId: text,
      /** The id of the sale that was paid with the tender. */
      saleId: text,
    }),
  ),
  /** The order's customer, else the first tender's. */
  customerId: text,
  /** The id the customer's profile goes by now: another one after a merge. */
  customerProfileId: text,
  /** What the merchant noted on the profile: here, an ERP account number. */
  customerReferenceId: text,
  /** See `emailSha256`. */
  customerEmailSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

export type SquareOrder = z.infer<typeof squareOrderSchema>;

/** Where `raw` holds what was looked up for the order's customer, beside Square's own fields. */
export const CUSTOMER_FIELD = 'square_customer';

/**
 * SHA-256 in hexadecimal of an e-mail address, trimmed and in lower case: whoever knows an address can find it, while
 * a walk-in's address is not kept.
 */
export const emailSha256 = (email: string): string => hash('sha256', email.trim().toLowerCase(), 'hex');

/** The id of the order's customer. Split payments drop it from the order, so the tenders are asked too. */
export function customerIdOf(order: Fields): string | null {
  const named = [order.customer_id, ...fieldsIn(order.tenders).map((tender) => tender.customer_id)];
  return named.map(textOrNull).find((id) => id !== null) ?? null;
}

/** Total on any JSON; what is missing or misshapen is null, so that the schema says what is wrong with it. */
export function canonicalOrder(raw: unknown): Record<string, unknown> {
  const order = isFields(raw) ? raw : {};
  const customer = fieldsAt(order, CUSTOMER_FIELD);
  const returnTotal = moneyAt(fieldsAt(order, 'return_amounts'), 'total_money');
  const returns = fieldsIn(order.returns);
  return {
    id: textOrNull(order.id),
    locationId: textOrNull(order.location_id),
    state: textOrNull(order.state),
    createdAt: textOrNull(order.created_at),
    updatedAt: textOrNull(order.updated_at),
    closedAt: textOrNull(order.closed_at),
    ticketName: textOrNull(order.ticket_name),
    sourceName: textOrNull(fieldsAt(order, 'source').name),
    currency: currencyIn(order),
    total: moneyAt(order, 'total_money'),
    tax: moneyAt(order, 'total_tax_money'),
    discount: moneyAt(order, 'total_discount_money'),
    tip: moneyAt(order, 'total_tip_money'),
    serviceCharge: moneyAt(order, 'total_service_charge_money'),
    netAmountDue: moneyAt(order, 'net_amount_due_money'),
    returnTotal,
    netTotal: moneyAt(fieldsAt(order, 'net_amounts'), 'total_money'),
    tenders: fieldsIn(order.tenders).map(tenderOf),
    lineItemCount: fieldsIn(order.line_items).length,
    returns: returns.map((entry) => returnOf(entry, returns.length === 1 ? returnTotal : null)),
    refunds: fieldsIn(order.refunds).map(refundOf),
    customerId: customerIdOf(order),
    customerProfileId: textOrNull(customer.id),
    customerReferenceId: textOrNull(customer.reference_id),
    customerEmailSha256: textOrNull(customer.email_sha256),
  };
}

function returnOf(entry: Fields, whole: CanonicalMoney | null): Record<string, unknown> {
  const amounts = fieldsAt(entry, 'return_amounts');
  return {
    sourceOrderId: textOrNull(entry.source_order_id),
    total: moneyAt(amounts, 'total_money') ?? whole,
    tax: moneyAt(amounts, 'tax_money'),
  };
}

const refundOf = (refund: Fields): Record<string, unknown> => ({
  id: textOrNull(refund.id),
  status: textOrNull(refund.status),
  amount: moneyAt(refund, 'amount_money'),
  tenderId: textOrNull(refund.tender_id),
  saleId: textOrNull(refund.transaction_id),
});

const PAYMENT_DETAILS = ['card_details', 'wallet_details', 'bank_account_details', 'buy_now_pay_later_details'];

function tenderOf(tender: Fields): Record<string, unknown> {
  const statuses = PAYMENT_DETAILS.map((name) => textOrNull(fieldsAt(tender, name).status));
  return {
    id: textOrNull(tender.id),
    type: textOrNull(tender.type) ?? 'UNKNOWN',
    status: statuses.find((status) => status !== null) ?? null,
    amount: moneyAt(tender, 'amount_money'),
    customerId: textOrNull(tender.customer_id),
  };
}

interface CanonicalMoney {
  readonly amount: string;
  readonly currency: unknown;
}

/** Null without an amount. A broken amount stays as it is, for the schema to refuse this order alone. */
function moneyAt(fields: Fields, name: string): CanonicalMoney | null {
  const value = fieldsAt(fields, name);
  const { amount } = value;
  return amount === null || amount === undefined ? null : { amount: String(amount), currency: value.currency ?? null };
}

function currencyIn(order: Fields): string | null {
  const places = [
    moneyAt(order, 'total_money'),
    moneyAt(fieldsAt(order, 'return_amounts'), 'total_money'),
    moneyAt(fieldsAt(order, 'net_amounts'), 'total_money'),
    moneyAt(order, 'net_amount_due_money'),
    ...fieldsIn(order.tenders).map((tender) => moneyAt(tender, 'amount_money')),
  ];
  return textOrNull(places.find((place) => place !== null)?.currency);
}

const NONE: Fields = {};

function fieldsAt(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : NONE;
}
