/** Which accounts are businesses, who they are, and whose branch: what a single account row cannot know by itself. */
import { type Company, companies } from './companies.ts';
import { STREAM, shuffle } from './dice.ts';

export const ACCOUNTS_AT_FULL_SCALE = 28_300;
const BUSINESSES_PER_ACCOUNT = 3_000 / ACCOUNTS_AT_FULL_SCALE;

/** Places of the flaws among each 20 businesses, beside those of `people.ts`, and their number at full scale. */
const BLOCK = 20;
const BRANCH = { place: 16, of: 0, most: 30 } as const;
const SUBSIDIARY = { place: 7, of: 6 } as const;
const ORPHAN = { place: 8, most: 2 } as const;
const NAMELESS = { place: 12, most: 4 } as const;
const NAMELESS_WALK_INS = 8;

export interface CensusOptions {
  readonly seed: number;
  readonly count: number;
  readonly spare: number;
  readonly flaws: boolean;
}

/** Positions are of account rows; ordinals number the businesses first, then the walk-ins. */
export interface Census {
  readonly scale: number;
  /** Positions of the businesses, by ordinal; those beyond `count` are left out. */
  readonly businesses: Uint32Array;
  ordinalOf(index: number): number;
  /** Undefined for a walk-in. */
  companyAt(ordinal: number): Company | undefined;
  isNameless(ordinal: number): boolean;
  /** The position of the account that this business belongs to; 'purged' when that account is gone. */
  parentOf(ordinal: number): number | 'purged' | null;
}

type Flawed = (ordinal: number, place: number, most: number) => boolean;

export function census({ seed, count, spare, flaws }: CensusOptions): Census {
  const scale = count / ACCOUNTS_AT_FULL_SCALE;
  const business = Math.round(count * BUSINESSES_PER_ACCOUNT);
  const rankOf = shuffle(seed, STREAM.accountOrder, count);
  // Spare positions are businesses, so their ordinals come between the businesses' and the walk-ins'.
  const ordinalOf = (index: number): number => {
    if (index >= count) return business + index - count;
    const rank = rankOf(index);
    return rank < business ? rank : rank + spare;
  };
  const flawed: Flawed = (ordinal, place, most) =>
    flaws && ordinal % BLOCK === place && Math.floor(ordinal / BLOCK) < Math.ceil(most * scale);
  const list = withBranches(companies(seed, business + spare), flawed);
  const businesses = positionsByOrdinal(count, business, ordinalOf);
  const firstWalkIn = business + spare;

  return {
    scale,
    businesses,
    ordinalOf,
    companyAt: (ordinal) => list[ordinal],
    isNameless: (ordinal) =>
      ordinal < firstWalkIn
        ? flawed(ordinal, NAMELESS.place, NAMELESS.most)
        : flaws && ordinal - firstWalkIn < Math.ceil(NAMELESS_WALK_INS * scale),
    parentOf: (ordinal) => {
      if (flawed(ordinal, ORPHAN.place, ORPHAN.most)) return 'purged';
      const isBranch = flawed(ordinal, BRANCH.place, BRANCH.most);
      const link = isBranch ? BRANCH : ordinal % BLOCK === SUBSIDIARY.place ? SUBSIDIARY : null;
      return (link && businesses[ordinal - link.place + link.of]) ?? null;
    },
  };
}

function positionsByOrdinal(count: number, business: number, ordinalOf: (index: number) => number): Uint32Array {
  const positions = new Uint32Array(business);
  for (let index = 0; index < count; index++) {
    const ordinal = ordinalOf(index);
    if (ordinal < business) positions[ordinal] = index;
  }
  return positions;
}

/** A branch trades under its parent's name and domain, in another town. */
function withBranches(list: readonly Company[], flawed: Flawed): readonly Company[] {
  return list.map((company, ordinal) => {
    const isBranch = flawed(ordinal, BRANCH.place, BRANCH.most);
    const parent = isBranch ? list[ordinal - BRANCH.place + BRANCH.of] : undefined;
    return parent
      ? { ...company, kind: parent.kind, name: `${parent.name} - ${company.town.city}`, domain: parent.domain }
      : company;
  });
}
