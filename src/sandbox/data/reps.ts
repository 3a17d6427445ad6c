/** Sales representatives, and how unevenly they share the accounts. */
import { Dice, STREAM } from './dice.ts';
import { mailbox, personName } from './names.ts';

/** The distributor itself, and its mail domain. */
export const DISTRIBUTOR = { name: 'Redbud Building Supply', domain: 'redbudsupply.example' } as const;

export type RepRow = {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
};

const REPS_AT_FULL_SCALE = 96;
const REPS_MIN = 6;
/** Share of the accounts that no rep looks after. */
const WITHOUT_REP = 0.03;
/** Sizes as multiples of an ordinary rep's: the house account and three large territories. */
const LARGE = [7.4, 3.0, 2.5, 2.1];
const INACTIVE = [4, 5];

/** The first is the house account; two have left the company and still hold accounts. */
export function reps(seed: number, scale: number): readonly RepRow[] {
  const count = Math.max(REPS_MIN, Math.round(REPS_AT_FULL_SCALE * scale));
  const taken = new Set<string>();
  return Array.from({ length: count }, (_, index) => {
    const id = `R-${101 + index}`;
    if (index === 0) return { id, name: 'House Account', email: `house@${DISTRIBUTOR.domain}`, active: true };
    const name = personName(new Dice(seed, STREAM.rep, index));
    const twin = taken.has(mailbox(name)) ? String(index) : '';
    taken.add(mailbox(name));
    return {
      id,
      name: `${name.first} ${name.last}`,
      email: `${mailbox(name)}${twin}@${DISTRIBUTOR.domain}`,
      active: !INACTIVE.includes(index),
    };
  });
}

/**
 * Cuts positions 0 to count - 1 of a shuffled list among the reps; null is nobody's. Ordinary reps get from a
 * sixth to almost twice the average, so that at full scale only the large ones pass 500 accounts.
 */
export function territories(list: readonly RepRow[], count: number): (position: number) => RepRow | null {
  const ordinary = Math.max(1, list.length - LARGE.length - 1);
  const weights = list.map((_, index) => LARGE[index] ?? 0.16 + (1.68 * (index - LARGE.length)) / ordinary);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const owned = count * (1 - WITHOUT_REP);
  let running = 0;
  const ends = weights.map((weight) => {
    running += weight;
    return Math.round((owned * running) / total);
  });
  return (position) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return list[low] ?? null;
  };
}
