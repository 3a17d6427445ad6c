/**
 * What is kept of an order. Sales to walk-ins carry names, addresses, phone numbers, card data and free text; none of
 * it is needed, so only listed fields pass, and the names of the others are noted for those who probe.
 */
import { type Fields, isFields } from './exact-json.ts';

/** `true` keeps a plain value or money; an object says what to keep of a nested object, or of each one in a list. */
interface Shape {
  readonly [field: string]: true | Shape;
}

const LINE: Shape = {
  uid: true,
  source_line_item_uid: true,
  name: true,
  variation_name: true,
  quantity: true,
  item_type: true,
  catalog_object_id: true,
  catalog_version: true,
};

/** Who paid with which card, account or loan stays out: only whether the money came. */
const STATUS: Shape = { status: true };

const ORDER: Shape = {
  id: true,
  location_id: true,
  reference_id: true,
  customer_id: true,
  state: true,
  version: true,
  created_at: true,
  updated_at: true,
  closed_at: true,
  ticket_name: true,
  source: { name: true },
  line_items: LINE,
  service_charges: { uid: true, name: true },
  net_amounts: {},
  return_amounts: {},
  returns: { uid: true, source_order_id: true, return_amounts: {}, return_line_items: LINE },
  refunds: { id: true, location_id: true, transaction_id: true, tender_id: true, created_at: true, status: true },
  tenders: {
    id: true,
    type: true,
    payment_id: true,
    customer_id: true,
    created_at: true,
    card_details: STATUS,
    wallet_details: STATUS,
    bank_account_details: STATUS,
    buy_now_pay_later_details: STATUS,
  },
  fulfillments: { uid: true, type: true, state: true },
};

/** The copy to remember: listed fields, all money, and under `left_out` the paths of what else was there. */
export function leastData(order: Fields): Fields {
  const leftOut = new Set<string>();
  const kept = keep(order, ORDER, '', leftOut);
  return leftOut.size === 0 ? kept : { ...kept, left_out: [...leftOut].sort() };
}

function keep(value: Fields, shape: Shape, path: string, leftOut: Set<string>): Fields {
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const rule = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const at = path === '' ? name : `${path}.${name}`;
    if (name.endsWith('_money')) kept[name] = moneyIn(field);
    else if (rule === undefined) leftOut.add(at);
    else if (rule !== true) kept[name] = keepNested(field, rule, at, leftOut);
    else if (isPlain(field)) kept[name] = field;
    else leftOut.add(at);
  }
  return kept;
}

function keepNested(field: unknown, shape: Shape, path: string, leftOut: Set<string>): unknown {
  if (Array.isArray(field)) return field.filter(isFields).map((item) => keep(item, shape, `${path}[]`, leftOut));
  return isFields(field) ? keep(field, shape, path, leftOut) : null;
}

function moneyIn(field: unknown): unknown {
  if (!isFields(field)) return null;
  const { amount, currency } = field;
  return { amount: isPlain(amount) ? amount : null, currency: isPlain(currency) ? currency : null };
}

const isPlain = (value: unknown): boolean =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
