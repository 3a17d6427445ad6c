/** Keys as we send them and as HubSpot spells them back. */
import { foldKey } from '../../fingerprint.ts';

/** Finds the key we sent for the one HubSpot answers, which it may have trimmed or put in lower case. */
export class KeyMatcher {
  readonly #exact: ReadonlySet<string>;
  /** Null where several of our keys fold to one: then only the exact spelling counts. */
  readonly #folded = new Map<string, string | null>();

  constructor(keys: readonly string[]) {
    this.#exact = new Set(keys);
    for (const key of this.#exact) this.#folded.set(foldKey(key), this.#folded.has(foldKey(key)) ? null : key);
  }

  match(value: unknown): string | null {
    if (typeof value !== 'string' && typeof value !== 'number') return null;
    const text = String(value);
    return this.#exact.has(text) ? text : (this.#folded.get(foldKey(text)) ?? null);
  }
}
