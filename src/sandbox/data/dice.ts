/** Random access randomness: row 812,004 can be drawn without drawing the rows before it. */
import { seeded } from '../random.ts';

/** Mixes a seed, the name of a stream as a number, and an index into 32 well-spread bits. */
function mix(seed: number, stream: number, index: number): number {
  let h = Math.imul(seed ^ 0x9e3779b1, 0x85ebca6b) ^ Math.imul(stream + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ index, 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** One number in [0, 1) for an index of a stream. */
export const fraction = (seed: number, stream: number, index: number): number =>
  mix(seed, stream, index) / 4_294_967_296;

/** A seeded source of choices for one row. */
export class Dice {
  readonly next: () => number;

  constructor(seed: number, stream: number, index: number) {
    this.next = seeded(mix(seed, stream, index));
  }

  /** A whole number, both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[Math.floor(this.next() * list.length)];
    if (chosen === undefined) throw new RangeError('nothing to pick from');
    return chosen;
  }

  /** Picks by weight; weights need not add up to anything. */
  weighted<T>(list: readonly (readonly [T, number])[]): T {
    let left = this.next() * list.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    return this.pick(list)[0];
  }
}

/** Cycle walking leaves the range at most this often in a row; the true odds of even 200 are nil. */
const WALK_MAX = 10_000;

/** A seeded one-to-one shuffle of 0 to count - 1, by position, in constant memory (a four-round Feistel network). */
export function shuffle(seed: number, stream: number, count: number): (index: number) => number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(2, count)) / 2));
  const mask = 2 ** halfBits - 1;
  const once = (value: number): number => {
    let left = value >>> halfBits;
    let right = value & mask;
    for (let round = 0; round < 4; round++) {
      const next = left ^ (mix(seed, stream * 8 + round, right) & mask);
      left = right;
      right = next;
    }
    return ((left << halfBits) | right) >>> 0;
  };
  return (index) => {
    let value = once(index);
    for (let walked = 0; value >= count && walked < WALK_MAX; walked++) value = once(value);
    return value;
  };
}

/** Streams of random numbers, so that a new use of chance does not reshuffle the others. */
export const STREAM = {
  itemOrder: 1,
  itemText: 2,
  itemNumbers: 3,
  itemChanged: 4,
  accountOrder: 10,
  accountRep: 11,
  accountFacts: 12,
  accountChanged: 13,
  company: 14,
  businessPerson: 15,
  walkIn: 16,
  rep: 20,
  opportunity: 30,
  opportunityFacts: 31,
  quoteLines: 32,
  quoteRow: 33,
  portal: 40,
  production: 50,
  change: 60,
  drift: 61,
} as const;
