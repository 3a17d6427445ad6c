/** What an ordinary customer buys: goods, taxes, tenders, drawn from the world's random numbers. */
import { paySale, type TenderDraft } from './life.ts';
import type { Location, OrderJson } from './model.ts';
import type { CustomerIds } from './people.ts';
import { type LineDraft, openOrder, type SaleDraft } from './sale.ts';
import type { World } from './world.ts';

const GOODS = [
  ['Subway tile 3x6', 'White gloss', 649],
  ['Oak plank', 'Natural 5 in', 1_289],
  ['Thinset mortar', '50 lb', 2_199],
  ['Grout', 'Pewter 25 lb', 1_875],
  ['Brass faucet', 'Brushed', 18_900],
  ['Vanity top', '36 in', 42_500],
  ['LED downlight', '4 in', 1_450],
  ['Door lever', 'Satin nickel', 3_999],
  ['Cedar shake', 'Bundle', 8_750],
  ['Sample board', 'A4', 500],
] as const;

function drawLines(world: World): LineDraft[] {
  return Array.from({ length: world.integer(1, 5) }, () => {
    const [name, variation, price] = world.pick<(typeof GOODS)[number]>(GOODS);
    return { name, variation, price, quantity: world.chance(0.05) ? '2.25' : String(world.integer(1, 12)) };
  });
}

/** A third trade customers, a third named walk-ins, the rest unnamed. */
function drawCustomer(world: World, customers: CustomerIds): string | undefined {
  const share = world.random();
  const pool = share < 0.35 ? customers.known : share < 0.65 ? customers.walkIns : [];
  return pool[Math.floor(world.random() * pool.length)];
}

export function drawTender(world: World): TenderDraft['type'] {
  const share = world.random();
  if (share < 0.7) return 'CARD';
  if (share < 0.88) return 'CASH';
  return share < 0.94 ? 'WALLET' : share < 0.97 ? 'SQUARE_GIFT_CARD' : 'OTHER';
}

export function drawSale(world: World, location: Location, customers: CustomerIds, createdMs: number): SaleDraft {
  const customerId = drawCustomer(world, customers);
  return {
    location,
    createdMs,
    lines: drawLines(world),
    taxPermyriad: location.currency === 'USD' ? 825 : 1_000,
    ...(world.chance(0.1) ? { discount: world.integer(1, 5) * 100 } : {}),
    ...(world.chance(0.03) ? { tip: world.integer(2, 20) * 100 } : {}),
    ...(world.chance(0.04) ? { serviceCharge: 7_500 } : {}),
    ...(world.chance(0.2) ? { ticketName: `T-${world.integer(1, 60)}` } : {}),
    customerId,
  };
}

/** A sale of the till: made, paid and completed within minutes, and known to search like any other. */
export function sellOne(
  world: World,
  location: Location,
  customers: CustomerIds,
  createdMs: number,
  options: { lags: boolean } = { lags: false },
): OrderJson {
  const draft = drawSale(world, location, customers, createdMs);
  const order = world.add(openOrder(world, draft), options);
  const paidMs = Math.min(createdMs + world.integer(20, 400) * 1_000, world.now());
  return paySale(world, order, { type: drawTender(world), customerId: draft.customerId }, paidMs);
}
