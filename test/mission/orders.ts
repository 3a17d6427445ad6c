/** Which deals the orders at Square must be: each sale that was paid, less what came back of it. */
import type { Customer, Money, OrderJson, Tender } from '../../src/sandbox/square/model.ts';
import { type Expected, type ExpectedLink, fromMinor, instant, TYPES } from './spelling.ts';

export interface Till {
  readonly orders: readonly OrderJson[];
  /** Names of the locations, by id. */
  readonly locations: ReadonlyMap<string, string>;
  /** Profiles by the id that an order may name, also one that was merged away. */
  readonly customers: ReadonlyMap<string, Customer>;
}

/** What orders can be linked to: companies by account number, contacts by e-mail; the keys of what is there. */
export interface Directory {
  readonly byAccountNo: ReadonlyMap<string, string>;
  readonly byMail: ReadonlyMap<string, string>;
}

const minor = (money: Money | null | undefined): bigint => BigInt(money?.amount ?? 0);

const isReturnOnly = (order: OrderJson): boolean => order.returns !== undefined && order.line_items === undefined;

export function expectOrders(till: Till, directory: Directory): Expected[] {
  return till.orders
    .filter((order) => !isReturnOnly(order) && isSold(order) && minor(order.total_money) !== 0n)
    .map((order) => dealOf(order, till, directory));
}

/** Completed, or waiting for its pickup with all of it paid. */
function isSold(order: OrderJson): boolean {
  if (order.state === 'COMPLETED') return true;
  if (order.state !== 'OPEN' || order.net_amount_due_money === undefined) return false;
  const received = (order.tenders ?? []).some((tender) => tender.type === 'CASH' || statusOf(tender) === 'CAPTURED');
  return minor(order.net_amount_due_money) <= 0n && received;
}

function statusOf({ card_details: card }: Tender): string {
  return typeof card === 'object' && card !== null && 'status' in card ? String(card.status) : '';
}

/** The returns that name the sale, as far as their money was not refused or lost on its way. */
function cameBack(sale: OrderJson, orders: readonly OrderJson[]): bigint {
  let total = 0n;
  for (const order of orders) {
    const given = (order.returns ?? [])
      .filter((entry) => entry.source_order_id === sale.id)
      .reduce((sum, entry) => sum + minor(entry.return_amounts.total_money), 0n);
    const failed = (order.refunds ?? [])
      .filter((refund) => refund.transaction_id === sale.id && ['FAILED', 'REJECTED'].includes(refund.status))
      .reduce((sum, refund) => sum + minor(refund.amount_money), 0n);
    total += given - failed;
  }
  return total;
}

function stageOf(refunded: bigint, total: bigint): string {
  if (refunded === 0n) return 'Completed';
  return refunded < total ? 'Partly refunded' : 'Refunded';
}

function dealOf(sale: OrderJson, { orders, locations, customers }: Till, directory: Directory): Expected {
  const total = minor(sale.total_money);
  const refunded = cameBack(sale, orders);
  const currency = sale.total_money?.currency ?? '';
  const location = locations.get(sale.location_id) ?? '';
  const ticket = typeof sale.ticket_name === 'string' ? sale.ticket_name : sale.id.slice(-6);
  return {
    object: 'deals',
    key: `square_order_id ${sale.id}`,
    rep: null,
    links: linksOf(sale, customers, directory),
    properties: {
      dealname: `Square ${location} ${ticket}`,
      amount: fromMinor(total - refunded, currency),
      closedate: instant(sale.closed_at ?? sale.created_at),
      pipeline: 'Square POS',
      dealstage: `Square POS: ${stageOf(refunded, total)}`,
      deal_currency_code: '',
      square_order_id: sale.id,
      square_location: location,
      square_tender_types: [...new Set((sale.tenders ?? []).map(({ type }) => type))].sort().join('; '),
      square_refunded_amount: fromMinor(refunded, currency),
    },
  };
}

/** By the account number that Square keeps with its customer, and by the exact e-mail. */
function linksOf(sale: OrderJson, customers: Till['customers'], { byAccountNo, byMail }: Directory): ExpectedLink[] {
  const buyer = sale.customer_id ?? sale.tenders?.find((tender) => tender.customer_id)?.customer_id ?? '';
  const customer = customers.get(buyer);
  const company = byAccountNo.get(customer?.reference_id ?? '');
  const contact = byMail.get(customer?.email_address?.toLowerCase() ?? '');
  return [
    ...(company === undefined ? [] : [{ to: company, types: TYPES.dealOfCompany }]),
    ...(contact === undefined ? [] : [{ to: contact, types: TYPES.dealOfContact }]),
  ];
}
