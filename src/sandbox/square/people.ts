/** The merchant's shops, and its customers: ERP customers the tills know, and walk-ins with names made to be spotted. */
import { type Customer, type Location, trimmedStamp } from './model.ts';
import type { World } from './world.ts';

/** A customer of the ERP that Square knows too, by account number or by e-mail. */
export interface Person {
  readonly accountNo: string;
  readonly name: string;
  readonly emails: readonly string[];
}

/** Ids of Square customers to hang sales on. */
export interface CustomerIds {
  readonly known: readonly string[];
  readonly walkIns: readonly string[];
}

const PLACES = [
  ['Elm Street Showroom', 'America/Chicago'],
  ['Harbor Warehouse', 'America/Chicago'],
  ['Northgate Counter', 'America/Chicago'],
  ['Lakeside Trade Desk', 'America/Chicago'],
  ['Foundry Row', 'America/New_York'],
  ['Union Yard', 'America/New_York'],
  ['Bayfront Outlet', 'America/Los_Angeles'],
  ['Cedar Mill', 'America/Los_Angeles'],
  ['Mesa Verde Depot', 'America/Denver'],
  ['Prairie Junction', 'America/Chicago'],
  ['Osaka Sample Room', 'Asia/Tokyo'],
  ['Old Town (closed)', 'America/Chicago'],
] as const;

/** One shop is closed but holds old orders; one sells in yen, which has no minor unit. */
export function openShops(world: World, count: number, bornMs: number): void {
  for (let index = 0; index < count; index += 1) {
    const place = PLACES[index % PLACES.length] ?? PLACES[0];
    const round = Math.floor(index / PLACES.length);
    const name = round === 0 ? place[0] : `${place[0]} ${round + 1}`;
    const yen = place[1] === 'Asia/Tokyo';
    const location: Location = {
      id: world.id(13, 'L').toUpperCase(),
      name,
      status: count > 1 && index === count - 1 ? 'INACTIVE' : 'ACTIVE',
      timezone: place[1],
      country: yen ? 'JP' : 'US',
      currency: yen ? 'JPY' : 'USD',
      language_code: 'en-US',
      merchant_id: world.merchantId,
      type: 'PHYSICAL',
      created_at: new Date(bornMs + index * 86_400_000).toISOString(),
    };
    world.locations.push(location);
  }
}

const WALK_INS = 150;

export function enrol(world: World, people: readonly Person[]): CustomerIds {
  const known = people.map((person, index) => addKnown(world, person, index));
  const walkIns = Array.from({ length: WALK_INS }, (_, index) => addWalkIn(world, index));
  return { known, walkIns };
}

/** Most are known by account number, some only by e-mail; every tenth was merged and still goes by its old id. */
function addKnown(world: World, person: Person, index: number): string {
  const [email] = person.emails;
  const byEmail = index % 3 === 2 && email !== undefined;
  const customer: Customer = {
    ...bornAt(world),
    id: world.id(26),
    company_name: person.name,
    ...(byEmail
      ? { email_address: index % 2 === 0 ? email.toUpperCase() : email }
      : { reference_id: person.accountNo }),
  };
  world.customers.set(customer.id, customer);
  if (index % 10 !== 7) return customer.id;
  const oldId = world.id(26);
  world.mergedInto.set(oldId, customer.id);
  return oldId;
}

function addWalkIn(world: World, index: number): string {
  const number = String(index + 1).padStart(3, '0');
  const customer: Customer = {
    ...bornAt(world),
    id: world.id(26),
    given_name: 'Canary',
    family_name: `Walkin${number}`,
    email_address: `canary.${number}@shop.walkin.example`,
    phone_number: `+1555010${number}`,
    address: { address_line_1: `${number} Canary Lane`, locality: 'Walkinville', country: 'US' },
  };
  world.customers.set(customer.id, customer);
  return customer.id;
}

function bornAt(world: World): { created_at: string; updated_at: string; version: number; creation_source: string } {
  const ms = world.now() - world.integer(30, 900) * 86_400_000;
  return {
    created_at: trimmedStamp(ms),
    updated_at: trimmedStamp(ms + 620),
    version: 0,
    creation_source: 'THIRD_PARTY',
  };
}
