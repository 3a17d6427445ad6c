/** The past year of the merchant, and what happens when a test or a demo asks for news. */
import { drawSale, drawTender, sellOne } from './counter.ts';
import { cancel, complete, paySale } from './life.ts';
import type { Location, OrderJson } from './model.ts';
import { addOddities, ODD_SALES } from './oddities.ts';
import type { CustomerIds } from './people.ts';
import { refund } from './refunds.ts';
import { minor, openOrder } from './sale.ts';
import type { World } from './world.ts';

const DAY_MS = 86_400_000;
const YEAR_DAYS = 364;

/** About `count` sales over the last twelve months, and the returns that follow some of them. */
export function liveThroughYear(world: World, customers: CustomerIds, count: number, asOfMs: number): void {
  const [main] = world.locations;
  if (!main) return;
  if (count >= ODD_SALES * 2) addOddities({ world, location: main, customers, asOfMs });
  const left = count >= ODD_SALES * 2 ? count - ODD_SALES : count;
  for (let index = 0; index < left; index += 1) {
    const location = shopFor(world, index, left);
    const daysAgo = location.status === 'INACTIVE' ? world.integer(200, YEAR_DAYS) : world.integer(1, YEAR_DAYS);
    const createdMs = asOfMs - daysAgo * DAY_MS + world.integer(0, 36_000) * 1_000;
    const sale = sellOne(world, location, customers, Math.min(createdMs, asOfMs - 900_000));
    if (world.chance(0.07)) giveBack(world, sale, asOfMs);
  }
  leaveOpen(world, customers, asOfMs);
}

/** The closed shop and the yen shop sell little. */
function shopFor(world: World, index: number, total: number): Location {
  const [main, ...others] = world.locations;
  const quiet = others.filter((shop) => shop.status === 'INACTIVE' || shop.currency === 'JPY');
  const busy = world.locations.filter((shop) => !quiet.includes(shop));
  const pool = index < Math.min(total * 0.03, 25) && quiet.length > 0 ? quiet : busy;
  const shop = pool[Math.floor(world.random() * pool.length)] ?? main;
  if (!shop) throw new Error('a merchant needs a shop');
  return shop;
}

function giveBack(world: World, sale: OrderJson, asOfMs: number): void {
  const total = minor(sale.total_money);
  const amount = world.chance(0.4) ? total : Math.max(1, Math.floor(total * 0.3));
  const atMs = Math.min(Date.parse(sale.created_at) + world.integer(1, 20) * DAY_MS, asOfMs - 600_000);
  refund(world, sale, amount, atMs, { itemised: world.chance(0.5) });
}

/** Web orders waiting: some paid, some not, some abandoned, for later changes to complete or cancel. */
function leaveOpen(world: World, customers: CustomerIds, asOfMs: number): void {
  const [main] = world.locations;
  if (!main) return;
  for (let index = 0; index < 12; index += 1) {
    const createdMs = asOfMs - (index + 2) * DAY_MS;
    const recipient = {
      display_name: `Canary Pickup${index}`,
      email_address: `canary.pickup${index}@shop.walkin.example`,
    };
    const draft = { ...drawSale(world, main, customers, createdMs), fulfillment: { type: 'PICKUP', recipient } };
    const order = world.add(openOrder(world, draft));
    if (index % 3 === 0) paySale(world, order, { type: drawTender(world) }, createdMs + 60_000);
  }
}

export interface Changes {
  readonly newOrders: number;
  readonly refunds: number;
  readonly complete: number;
  readonly cancel: number;
  /** Sales of a till that was offline: stamped three days ago all over, found by search only now. */
  readonly lateUploads: number;
}

export interface ChangedIds {
  readonly created: readonly string[];
  readonly refunded: readonly string[];
  readonly returns: readonly string[];
  readonly completed: readonly string[];
  readonly canceled: readonly string[];
  readonly uploaded: readonly string[];
}

/** Makes news at the emulator's present. */
export function makeNews(world: World, customers: CustomerIds, changes: Changes): ChangedIds {
  const atMs = world.now();
  const all = [...world.orders.values()].map((stored) => stored.json);
  const open = all.filter((order) => order.state === 'OPEN' && order.line_items && order.fulfillments);
  const sold = all.filter((order) => order.state === 'COMPLETED' && !order.returns && minor(order.total_money) > 100);
  const refundable = sold.filter((order) => isWhole(world, order));
  const completed = open.slice(0, changes.complete);
  for (const order of completed) finish(world, order, atMs);
  const canceled = open
    .filter((order) => (order.tenders ?? []).length === 0 && order.state === 'OPEN')
    .slice(0, changes.cancel);
  for (const order of canceled) cancel(world, order, atMs);
  const refunded = drawSome(world, refundable, changes.refunds);
  const returns = refunded.map((sale) =>
    refund(world, sale, Math.floor(minor(sale.total_money) / 2), atMs, { lags: true }),
  );
  const busy = world.locations.filter((shop) => shop.status === 'ACTIVE');
  const created = Array.from({ length: changes.newOrders }, () => {
    const shop = busy[Math.floor(world.random() * busy.length)];
    return shop ? [sellOne(world, shop, customers, atMs, { lags: true })] : [];
  }).flat();
  const uploaded = Array.from({ length: changes.lateUploads }, () =>
    busy[0] ? [sellOne(world, busy[0], customers, atMs - 3 * DAY_MS)] : [],
  ).flat();
  const ids = (orders: readonly OrderJson[]): string[] => orders.map((order) => order.id);
  return {
    created: ids(created),
    refunded: ids(refunded),
    returns: ids(returns),
    completed: ids(completed),
    canceled: ids(canceled),
    uploaded: ids(uploaded),
  };
}

/** Paid by something refundable, none of it given back yet. */
const isWhole = (world: World, order: OrderJson): boolean =>
  (order.tenders ?? []).some((tender) => {
    const payment = world.payments.get(tender.id);
    return payment !== undefined && payment.refund_ids === undefined;
  });

function finish(world: World, order: OrderJson, atMs: number): void {
  if ((order.tenders ?? []).length === 0) paySale(world, order, { type: 'CARD' }, atMs);
  complete(world, order, atMs);
}

function drawSome<T>(world: World, items: readonly T[], count: number): T[] {
  const pool = [...items];
  const drawn: T[] = [];
  while (drawn.length < count && pool.length > 0) {
    drawn.push(...pool.splice(Math.floor(world.random() * pool.length), 1));
  }
  return drawn;
}
