/**
 * What the emulated Square keeps and sends: snake_case JSON as on the wire (developer.squareup.com/reference/square).
 * Only the fields the emulator itself reads are named; every document may carry more.
 */

/** Minor units. A bigint is sent as a bare JSON integer, as Square does even above 2^53. */
export interface Money {
  readonly amount?: number | bigint | null;
  readonly currency: string;
}

export interface Amounts {
  readonly total_money?: Money;
  readonly tax_money?: Money;
  readonly discount_money?: Money;
  readonly tip_money?: Money;
  readonly service_charge_money?: Money;
  readonly [field: string]: unknown;
}

export interface Line {
  readonly uid: string;
  readonly name?: string;
  readonly quantity: string;
  readonly total_money: Money;
  readonly [field: string]: unknown;
}

export interface Tender {
  readonly id: string;
  readonly type: string;
  readonly amount_money: Money;
  readonly customer_id?: string;
  readonly [field: string]: unknown;
}

export interface Return {
  readonly uid: string;
  readonly source_order_id?: string;
  readonly return_line_items: readonly Line[];
  readonly return_amounts: Amounts;
}

interface OrderRefund {
  readonly id: string;
  readonly status: string;
  readonly amount_money: Money;
  readonly [field: string]: unknown;
}

export interface OrderJson {
  id: string;
  location_id: string;
  state: string;
  created_at: string;
  updated_at: string;
  closed_at?: string;
  version?: number;
  customer_id?: string;
  line_items?: readonly Line[];
  tenders?: readonly Tender[];
  returns?: readonly Return[];
  refunds?: readonly OrderRefund[];
  total_money?: Money | null;
  net_amount_due_money?: Money;
  net_amounts?: Amounts;
  return_amounts?: Amounts;
  [field: string]: unknown;
}

/** An order and when the search index knows it, and when its lines are there (epoch ms). */
export interface StoredOrder {
  json: OrderJson;
  readonly searchableAtMs: number;
  readonly linesAtMs: number;
}

export interface Location {
  readonly id: string;
  readonly name: string;
  readonly status: 'ACTIVE' | 'INACTIVE';
  readonly currency: string;
  readonly [field: string]: unknown;
}

export interface Customer {
  readonly id: string;
  readonly reference_id?: string;
  readonly email_address?: string;
  readonly given_name?: string;
  readonly [field: string]: unknown;
}

export interface Payment {
  id: string;
  order_id: string;
  location_id: string;
  created_at: string;
  updated_at: string;
  total_money: Money;
  refunded_money?: Money;
  refund_ids?: readonly string[];
  [field: string]: unknown;
}

export interface PaymentRefund {
  id: string;
  status: string;
  order_id: string;
  location_id: string;
  created_at: string;
  updated_at: string;
  amount_money: Money;
  [field: string]: unknown;
}

/** Orders' stamps carry three decimals, tenders' and refunds' none, customers' drop trailing zeros. */
export const stamp = (ms: number): string => new Date(ms).toISOString();
export const bareStamp = (ms: number): string => `${stamp(ms).slice(0, 19)}Z`;
export const trimmedStamp = (ms: number): string => stamp(ms).replace(/\.?0+Z$/, 'Z');

export const money = (amount: number | bigint, currency: string): Money => ({ amount, currency });

/** Every field Square fills, zero where nothing applies, with one (card surcharge) that SDK 46 has no type for. */
export const amounts = (currency: string, parts: Partial<Record<AmountName, number | bigint>>): Amounts => ({
  total_money: money(parts.total ?? 0, currency),
  tax_money: money(parts.tax ?? 0, currency),
  discount_money: money(parts.discount ?? 0, currency),
  tip_money: money(parts.tip ?? 0, currency),
  service_charge_money: money(parts.service ?? 0, currency),
  card_surcharge_money: money(0, currency),
});
export type AmountName = 'total' | 'tax' | 'discount' | 'tip' | 'service';

const BIG = '#sandbox-bigint#';

/** JSON in which a bigint is a bare integer. */
export function wireJson(value: unknown): string {
  const marked = JSON.stringify(value, (_name, field: unknown) =>
    typeof field === 'bigint' ? `${BIG}${field}${BIG}` : field,
  );
  return marked.replaceAll(new RegExp(`"${BIG}(-?\\d+)${BIG}"`, 'g'), '$1');
}
