/** What an emulated vendor does wrong on purpose, and which requests it hits. */

/**
 * What goes wrong with a request. `before` never reaches the handler; `after` and `late` do (late: only when the
 * client is long gone), so that a lost answer hides an applied write.
 */
export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly contentType?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'reset-before' }
  | { readonly kind: 'reset-after' }
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'stall'; readonly ms: number }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'html' }
  | { readonly kind: 'no-content-type' };

/** Which requests a fault hits: all that match, or the listed ones (1 is the first match), or a seeded share. */
export interface FaultRule {
  readonly method?: string;
  /** Regular expression on the path. */
  readonly path?: string;
  readonly nth?: readonly number[];
  readonly share?: number;
  /** The rule is spent after this many hits. */
  readonly times?: number;
  readonly fault: Fault;
}

export class FaultPlan {
  #rules: readonly FaultRule[];
  #matches: number[] = [];
  #hits: number[] = [];
  readonly #random: () => number;

  constructor(rules: readonly FaultRule[], random: () => number) {
    this.#rules = rules;
    this.#random = random;
  }

  set(rules: readonly FaultRule[]): void {
    this.#rules = rules;
    this.#matches = [];
    this.#hits = [];
  }

  /** The first rule that wants this request; a request suffers one fault at most. */
  draw(request: { readonly method: string; readonly url: URL }): Fault | null {
    for (const [index, rule] of this.#rules.entries()) {
      if (rule.method && rule.method !== request.method) continue;
      if (rule.path && !new RegExp(rule.path).test(request.url.pathname)) continue;
      const match = (this.#matches[index] ?? 0) + 1;
      this.#matches[index] = match;
      if (rule.nth && !rule.nth.includes(match)) continue;
      if (rule.share !== undefined && this.#random() >= rule.share) continue;
      const hit = (this.#hits[index] ?? 0) + 1;
      this.#hits[index] = hit;
      if (rule.times !== undefined && hit > rule.times) continue;
      return rule.fault;
    }
    return null;
  }
}
