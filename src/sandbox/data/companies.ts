/** Names of businesses that buy building materials, each with a domain of its own. */
import { Dice, STREAM } from './dice.ts';
import { lastName, plain } from './names.ts';
import { type Town, town } from './places.ts';

export type AccountKind = 'CONTR' | 'ARCH' | 'BUILD' | 'DESIGN' | 'DEALER' | 'GOV' | 'RETAIL' | 'OTHER';

export interface Company {
  readonly name: string;
  readonly kind: AccountKind;
  readonly town: Town;
  readonly domain: string;
}

const KINDS: readonly (readonly [AccountKind, number])[] = [
  ['CONTR', 46],
  ['BUILD', 18],
  ['DEALER', 10],
  ['ARCH', 7],
  ['DESIGN', 7],
  ['OTHER', 7],
  ['GOV', 5],
];

const TRADES = [
  'Roofing',
  'Electric',
  'Plumbing',
  'Drywall',
  'Concrete',
  'Framing',
  'Masonry',
  'Painting',
  'Tile & Stone',
  'Heating & Air',
  'Excavating',
  'Remodeling',
  'Fence & Deck',
  'Glass & Door',
  'Insulation',
  'General Contracting',
];
const WORDS = [
  'Redbud',
  'Prairie',
  'Bluestem',
  'Cross Timbers',
  'Cimarron',
  'Ironwood',
  'Stonegate',
  'Lakeshore',
  'Heartland',
  'Summit',
  'Cornerstone',
  'Keystone',
  'Pinnacle',
  'Cedar Ridge',
  'Red River',
  'Copperleaf',
  'Oak Hollow',
  'Mesa',
  'Three Forks',
  'Plainview',
  'Silver Creek',
  'Sandstone',
  'Hickory',
  'Twin Lakes',
];
const FORMS = [' LLC', ' Inc.', ' Co.', '', '', ''];

type Maker = (dice: Dice, place: Town) => string;

const MAKERS: Readonly<Record<AccountKind, readonly Maker[]>> = {
  CONTR: [
    (dice) => `${lastName(dice)} ${dice.pick(TRADES)}${dice.pick(FORMS)}`,
    (dice) => `${lastName(dice)} & Sons ${dice.pick(TRADES)}`,
    (dice) => `${lastName(dice)} Brothers ${dice.pick(TRADES)}${dice.pick(FORMS)}`,
    (dice, place) => `${place.city} ${dice.pick(TRADES)}${dice.pick(FORMS)}`,
    (dice) => `${dice.pick(WORDS)} ${dice.pick(TRADES)}${dice.pick(FORMS)}`,
  ],
  ARCH: [
    (dice) => `${lastName(dice)} ${lastName(dice)} Architects`,
    (dice) => `${lastName(dice)} Associates Architecture PLLC`,
    (dice) => `Studio ${lastName(dice)}`,
  ],
  BUILD: [
    (dice) => `${lastName(dice)} Custom Homes${dice.pick(FORMS)}`,
    (dice) => `${dice.pick(WORDS)} Builders${dice.pick(FORMS)}`,
    (dice) => `${dice.pick(WORDS)} ${dice.pick(['Homes', 'Construction', 'Development'])}${dice.pick(FORMS)}`,
    (dice) => `${lastName(dice)} ${dice.pick(['Construction', 'Builders', 'Homes'])}${dice.pick(FORMS)}`,
  ],
  DESIGN: [
    (dice) => `${lastName(dice)} Interiors`,
    (dice) => `${dice.pick(WORDS)} Kitchen & Bath`,
    (dice) => `${lastName(dice)} & ${lastName(dice)} Design`,
  ],
  DEALER: [
    (dice, place) => `${place.city} ${dice.pick(['Hardware', 'Lumber', 'Building Supply'])}`,
    (dice) => `${lastName(dice)} ${dice.pick(['Lumber & Supply', 'Hardware', 'Home Center'])}`,
    (dice) => `${dice.pick(WORDS)} ${dice.pick(['Building Materials', 'Door & Millwork', 'Hardware'])}`,
  ],
  GOV: [
    (dice, place) =>
      `City of ${place.city} ${dice.pick(['Public Works', 'Parks Department', 'Utilities', 'Fire Department'])}`,
    (dice, place) =>
      `${place.county} County ${dice.pick(['Facilities', 'Road District 2', 'Courthouse', 'Housing Authority'])}`,
    (dice, place) => `${dice.pick(WORDS)} Independent School District (${place.city})`,
  ],
  OTHER: [
    (dice) => `${dice.pick(WORDS)} Property Management`,
    (dice) => `${lastName(dice)} Ranch`,
    (dice, place) => `First ${dice.pick(['Baptist', 'Methodist', 'Lutheran'])} Church of ${place.city}`,
    (dice) => `${lastName(dice)} Apartments`,
  ],
  RETAIL: [(dice) => lastName(dice)],
};

/** Draws before a name that is still taken gets a number in its domain. */
const DRAWS_MAX = 8;

/** `count` businesses with distinct names and domains. Made at once: to be distinct they must know each other. */
export function companies(seed: number, count: number): readonly Company[] {
  const taken = new Set<string>();
  return Array.from({ length: count }, (_, ordinal) => {
    const dice = new Dice(seed, STREAM.company, ordinal);
    const kind = dice.weighted(KINDS);
    const place = town(dice);
    const draw = (): string => dice.pick(MAKERS[kind])(dice, place);
    let name = draw();
    for (let tries = 1; taken.has(stem(name)) && tries < DRAWS_MAX; tries++) name = draw();
    if (taken.has(stem(name))) name = `${name} of ${place.city} ${ordinal}`;
    taken.add(stem(name));
    return { name, kind, town: place, domain: `${stem(name)}.example` };
  });
}

/** The part of a name that tells businesses apart: a domain without its ending. */
const stem = (name: string): string => plain(name.replace(/ (LLC|Inc\.|Co\.|PLLC)$/, ''));
