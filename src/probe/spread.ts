/** Least, middle and greatest of many numbers, with a small histogram, in bounded memory. */
import type { Spread } from './model.ts';

/** Numbers kept for the middle and the histogram; least and greatest are exact. */
const KEPT_MAX = 2_000;
const STEPS = 10;

/**
 * Keeps each number at first, then every second, every fourth: an even choice over the whole without chance, so that
 * the same sample gives the same figures.
 */
export class Reservoir {
  readonly #kept: number[] = [];
  #every = 1;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  size = 0;

  add(value: number): void {
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    if (this.size++ % this.#every === 0) this.#kept.push(value);
    if (this.#kept.length < KEPT_MAX) return;
    const half = this.#kept.filter((_, place) => place % 2 === 0);
    this.#kept.splice(0, this.#kept.length, ...half);
    this.#every *= 2;
  }

  spread(): Spread | null {
    if (this.size === 0) return null;
    const ascending = this.#kept.toSorted((a, b) => a - b);
    const median = ascending[Math.floor((ascending.length - 1) / 2)] ?? this.#min;
    return { min: this.#min, median, max: this.#max, histogram: this.#histogram() };
  }

  #histogram(): number[] {
    const width = this.#max - this.#min;
    if (width <= 0) return [];
    const steps = Array.from({ length: STEPS }, () => 0);
    for (const value of this.#kept) {
      const at = Math.min(STEPS - 1, Math.floor(((value - this.#min) / width) * STEPS));
      steps[at] = (steps[at] ?? 0) + 1;
    }
    return steps;
  }
}
