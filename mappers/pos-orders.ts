/**
 * A Square sale becomes a deal, net of every return that names it. A return is an order of its own in Square; an
 * exchange is both at once: a sale, and a return of an earlier one.
 * https://developer.squareup.com/docs/orders-api/order-returns-exchanges
 */
import { compare, fromMinorUnits, subtract, sum, text } from '../src/canonical.ts';
import { Draft, invalid, mapped } from '../src/draft.ts';
import type { Facts, Link, Mapped, Mapping, PipelineSpec, Upsert } from '../src/pipe.ts';
import { custom, dealPlace, standard } from '../src/property.ts';
import { type Money, type SquareOrder, squareOrderSchema } from '../src/sources/square/model.ts';

const PIPELINE: PipelineSpec = {
  key: 'square-pos',
  label: 'Square POS',
  stages: [
    { key: 'completed', label: 'Completed', probability: 1, closed: true },
    { key: 'partly-refunded', label: 'Partly refunded', probability: 1, closed: true },
    { key: 'refunded', label: 'Refunded', probability: 0, closed: true },
    { key: 'canceled', label: 'Canceled', probability: 0, closed: true },
  ],
};

const square = custom('deals', 'square_sync');
const hubspot = standard('deals');

const properties = [
  hubspot('dealname', 'Deal name', 'string', 'Square, the location, and the ticket or the end of the order id.'),
  hubspot('amount', 'Amount', 'number', 'Total of the sale less what was refunded.'),
  hubspot('closedate', 'Close date', 'datetime', 'When the sale was closed.'),
  hubspot('deal_currency_code', 'Currency', 'enumeration', 'Only where the portal has several currencies.'),
  ...dealPlace,
  square('square_order_id', 'Square order ID', 'string', 'Id of the sale in Square; the key of the sync.', {
    unique: true,
  }),
  square('square_location', 'Square location', 'string', 'Where it was sold.'),
  square('square_tender_types', 'Square tender types', 'string', 'How it was paid: CARD; CASH.'),
  square('square_refunded_amount', 'Square refunded amount', 'number', 'Total of the returns of this sale.'),
];

/** Refunds in these states never reached the customer: what was to be returned with them does not count. */
const FAILED_REFUND: ReadonlySet<string> = new Set(['REJECTED', 'FAILED']);

/** Tenders that paid nothing. */
const FAILED_TENDER: ReadonlySet<string> = new Set(['VOIDED', 'FAILED']);

/** Orders in these states returned nothing (yet). */
const VOID_STATES: ReadonlySet<string> = new Set(['CANCELED', 'DRAFT']);

/** Gives money back and sells nothing. Such an order has no total of its own in Square. */
const isPureReturn = (order: SquareOrder): boolean => order.returns.length > 0 && order.lineItemCount === 0;

const names = (order: SquareOrder, saleId: string): boolean =>
  order.returns.some(({ sourceOrderId }) => sourceOrderId === saleId);

/** The entity is the sale by its id; a return belongs to it but is not it, even under the same id. */
const saleOf = (orders: readonly SquareOrder[], entity: string): SquareOrder | undefined =>
  orders.find((order) => order.id === entity && !isPureReturn(order));

/** Money as a decimal number; an issue when it is missing or of another currency than the sale. */
function decimalOf(draft: Draft, path: string, money: Money | null, currency: string): string {
  const amount = money ? fromMinorUnits(money.amount, money.currency) : undefined;
  if (amount !== undefined && money?.currency === currency) return amount;
  draft.issue(path, amount === undefined ? 'no amount' : 'not in the currency of the sale');
  return '0';
}

/** What one order returns, by the sale it names ('' for none), before it is known whether the money arrived. */
function returnedBySale(draft: Draft, order: SquareOrder, currency: string): Map<string, string> {
  const returned = new Map<string, string>();
  for (const { sourceOrderId, total } of order.returns) {
    const sale = sourceOrderId ?? '';
    returned.set(sale, sum([returned.get(sale) ?? '0', decimalOf(draft, 'returns', total, currency)]));
  }
  return returned;
}

/**
 * What one order gave back of a sale. A failed refund is taken off the sale it names, or else off the order's sales in
 * turn, so that all of them together lose exactly what the customer got.
 */
function returnedOf(draft: Draft, order: SquareOrder, saleId: string, currency: string): string {
  const returned = returnedBySale(draft, order, currency);
  for (const refund of order.refunds.filter(({ status }) => FAILED_REFUND.has(status ?? ''))) {
    let failed = decimalOf(draft, 'refunds', refund.amount, currency);
    const named = refund.saleId ?? '';
    for (const sale of returned.has(named) ? [named] : [...returned.keys()]) {
      const given = returned.get(sale) ?? '0';
      const lost = compare(failed, given) < 0 ? failed : given;
      returned.set(sale, subtract(given, lost));
      failed = subtract(failed, lost);
    }
  }
  return returned.get(saleId) ?? '0';
}

function refundedOf(draft: Draft, sale: SquareOrder, orders: readonly SquareOrder[], currency: string): string {
  const returning = orders.filter((order) => names(order, sale.id) && !VOID_STATES.has(order.state));
  return sum(returning.map((order) => returnedOf(draft, order, sale.id, currency)));
}

/** An order with something still to hand over stays OPEN after payment; it is paid when nothing is due and money came. */
function isPaid(order: SquareOrder): boolean {
  if (order.state === 'COMPLETED') return true;
  const due = order.netAmountDue ? fromMinorUnits(order.netAmountDue.amount, order.netAmountDue.currency) : undefined;
  const received = order.tenders.some(
    ({ type, status }) => status === 'CAPTURED' || (type === 'CASH' && !FAILED_TENDER.has(status ?? '')),
  );
  return due !== undefined && compare(due, '0') <= 0 && received;
}

function stageOf(sale: SquareOrder, total: string, refunded: string): string {
  if (sale.state === 'CANCELED') return 'canceled';
  if (compare(refunded, '0') <= 0) return 'completed';
  return compare(refunded, total) < 0 ? 'partly-refunded' : 'refunded';
}

/** A currency is named only where the portal has a choice; one that it does not have is said in a note. */
function currencyOf(draft: Draft, currency: string, { currencies }: Facts): void {
  if (currencies.length > 0 && !currencies.includes(currency)) {
    draft.note('deal_currency_code', `the portal has no ${currency}, the amount is sent as it is`);
  }
  if (currencies.length > 1 && currencies.includes(currency)) draft.put('deal_currency_code', currency);
}

function tenderTypesOf(sale: SquareOrder): string {
  const paying = sale.tenders.filter(({ status }) => !FAILED_TENDER.has(status ?? ''));
  return [...new Set(paying.map(({ type }) => text(type) || 'OTHER'))].sort().join('; ');
}

/** Only to records that the ERP's customers brought; a walk-in matches none of them. */
function linksOf({ customerReferenceId, customerEmailSha256 }: SquareOrder): readonly Link[] {
  const reference = text(customerReferenceId);
  const links: Link[] = [];
  if (reference) links.push({ to: 'companies', by: 'erp_account_number', value: reference, label: 'default' });
  if (customerEmailSha256) {
    links.push({ to: 'contacts', by: 'email-sha256', value: customerEmailSha256, label: 'default', ifThere: true });
  }
  return links;
}

/** Last characters of an order id: enough to find it among the day's orders. */
const ID_END_CHARS = 6;

function describe(draft: Draft, sale: SquareOrder, facts: Facts): void {
  const location = text((sale.locationId && facts.names[sale.locationId]) || sale.locationId) ?? '';
  const ticket = text(sale.ticketName) || sale.id.slice(-ID_END_CHARS);
  draft.put('square_order_id', sale.id);
  draft.text('dealname', ['Square', location, ticket].filter((part) => part !== '').join(' '));
  draft.text('square_location', location);
  draft.text('square_tender_types', tenderTypesOf(sale));
  // Paid orders that wait for their pickup have no closing time yet; their change time moves, their creation does not.
  draft.instant('closedate', sale.closedAt ?? sale.createdAt);
}

function dealOf(draft: Draft, sale: SquareOrder, orders: readonly SquareOrder[], facts: Facts): Upsert {
  const currency = sale.total?.currency ?? '';
  const total = decimalOf(draft, 'total', sale.total, currency);
  const refunded = refundedOf(draft, sale, orders, currency);
  describe(draft, sale, facts);
  draft.put('amount', subtract(total, refunded));
  draft.put('square_refunded_amount', refunded);
  draft.put('pipeline', PIPELINE.key);
  draft.put('dealstage', stageOf(sale, total, refunded));
  currencyOf(draft, currency, facts);
  if (orders.flatMap(({ returns }) => returns).some(({ sourceOrderId }) => !sourceOrderId)) {
    draft.note('returns', 'one names no sale and counts against none');
  }
  return { object: 'deals', key: sale.id, properties: draft.properties, links: linksOf(sale) };
}

/** Why a sale is no deal, or undefined when it is one. Canceled ones are handled before. */
function ruleOf(sale: SquareOrder): string | undefined {
  if (sale.state === 'DRAFT') return 'draft';
  if (!isPaid(sale)) return 'open-order';
  const total = sale.total ? fromMinorUnits(sale.total.amount, sale.total.currency) : undefined;
  return total === '0' ? 'zero-total' : undefined;
}

/** No sale in the entity: returns that name none, or whose sale Square did not give. */
function withoutSale(orders: readonly SquareOrder[]): Mapped {
  const linked = orders.flatMap(({ returns }) => returns).some(({ sourceOrderId }) => sourceOrderId);
  if (linked) return invalid('returns', 'the sale that this return names could not be fetched from Square');
  return { kind: 'excluded', rule: 'unlinked-return', sums: unlinkedSums(orders) };
}

/** Money that was given back without saying for which sale: no deal loses it, so the report has to say it. */
function unlinkedSums(orders: readonly SquareOrder[]): Record<string, string> {
  const sums: Record<string, string> = {};
  for (const { total } of orders.flatMap(({ returns }) => returns)) {
    const amount = total ? fromMinorUnits(total.amount, total.currency) : undefined;
    if (total === null || amount === undefined) continue;
    const label = `unlinked returns in ${total.currency}`;
    sums[label] = sum([sums[label] ?? '0', amount]);
  }
  return sums;
}

function map(orders: readonly SquareOrder[], facts: Facts, entity: string): Mapped {
  const sale = saleOf(orders, entity);
  if (sale === undefined) return withoutSale(orders);
  const canceled = sale.state === 'CANCELED';
  const rule = canceled ? 'canceled-order' : ruleOf(sale);
  if (rule !== undefined && !canceled) return { kind: 'excluded', rule };
  const draft = new Draft();
  const answer = mapped([draft], [dealOf(draft, sale, orders, facts)]);
  if (answer.kind !== 'upserts' || rule === undefined) return answer;
  return { kind: 'excluded', rule, farewell: answer.upserts };
}

const posOrders: Mapping<SquareOrder> = {
  schema: squareOrderSchema,
  scope: () => ({ in: true }),
  properties,
  pipeline: PIPELINE,
  map: (records, _joined, facts, entity) => map(records, facts, entity),
};

export default posOrders;
