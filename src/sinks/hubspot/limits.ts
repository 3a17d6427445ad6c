/** HubSpot's request limits, one window per budget; one instance per process. */
import type { Clock } from './clock.ts';
import { type CallKind, RollingWindow, type Slot, type WindowHeaders } from './window.ts';

/**
 * Search and the association batches are exempt from the limit per ten seconds and have their own
 * (developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines, and the search and associations guides).
 */
export type Budget = 'burst' | 'search' | 'associations';

export interface LimitsOptions {
  readonly clock: Clock;
  /** 0 to 1: what plain reads leave free of the burst. */
  readonly reserveShare: number;
}

const TEN_SECONDS_MS = 10_000;
const SECOND_MS = 1_000;
/** The lowest tier's, until the headers say otherwise (190 or 250). */
const BURST_UNTIL_LEARNT = 100;
const SEARCHES_PER_SECOND = 5;
/** The associations guide's figure for the tier that a burst limit tells of. */
const ASSOCIATIONS_BY_BURST: readonly { readonly burstFrom: number; readonly limit: number }[] = [
  { burstFrom: 250, limit: 200 },
  { burstFrom: 190, limit: 150 },
  { burstFrom: 0, limit: 100 },
];

const SILENT: WindowHeaders = { max: null, remaining: null, intervalMs: null };

export class Limits {
  readonly #clock: Clock;
  readonly #windows: Readonly<Record<Budget, RollingWindow>>;
  #daily: { readonly limit: number; readonly left: number } | null = null;

  constructor({ clock, reserveShare }: LimitsOptions) {
    this.#clock = clock;
    this.#windows = {
      burst: new RollingWindow({
        clock,
        limit: BURST_UNTIL_LEARNT,
        intervalMs: TEN_SECONDS_MS,
        reserveShare,
        learns: true,
      }),
      search: new RollingWindow({
        clock,
        limit: SEARCHES_PER_SECOND,
        intervalMs: SECOND_MS,
        reserveShare: 0,
        learns: false,
        countsAtAnswer: true,
      }),
      associations: new RollingWindow({
        clock,
        limit: 100,
        intervalMs: TEN_SECONDS_MS,
        reserveShare: 0,
        learns: false,
      }),
    };
  }

  /** The burst limit per ten seconds: assumed until the first answer, then the portal's. */
  get burstLimit(): number {
    return this.#windows.burst.limit;
  }

  /** Calls of the day, all apps of the portal together; null until an answer said it (OAuth and search never do). */
  get daily(): { readonly limit: number; readonly left: number } | null {
    return this.#daily;
  }

  /** Of the burst: requests that count towards the present window, in flight or not. */
  get burstUsed(): number {
    return this.#windows.burst.used;
  }

  /** Headers of a search say nothing, and those of an association call may speak of the burst: only burst learns. */
  async acquire(budget: Budget, kind: CallKind, signal: AbortSignal): Promise<Slot> {
    const slot = await this.#windows[budget].acquire(kind, signal);
    return {
      answered: (headers) => {
        slot.answered(budget === 'burst' || headers === null ? headers : SILENT);
        if (budget === 'burst') this.#followTier(headers);
        if (headers?.daily) this.#daily = headers.daily;
      },
    };
  }

  /** After a 429: nobody sends on this budget for `waitMs`, or for its whole interval when the server named no time. */
  block(budget: Budget, waitMs: number | null): void {
    const window = this.#windows[budget];
    window.block(this.#clock.now() + (waitMs ?? window.intervalMs));
  }

  #followTier(headers: WindowHeaders | null): void {
    const max = headers?.max;
    const tier = max ? ASSOCIATIONS_BY_BURST.find(({ burstFrom }) => max >= burstFrom) : undefined;
    if (tier && tier.limit !== this.#windows.associations.limit) this.#windows.associations.setLimit(tier.limit);
  }
}

/** `X-HubSpot-RateLimit-*` as numbers; a value that makes no sense counts as not sent. */
export function windowHeaders(headers: Headers): WindowHeaders {
  const limit = whole(headers.get('x-hubspot-ratelimit-daily'), 1, 100_000_000);
  const left = whole(headers.get('x-hubspot-ratelimit-daily-remaining'), 0, 100_000_000);
  return {
    max: whole(headers.get('x-hubspot-ratelimit-max'), 1, 100_000),
    remaining: whole(headers.get('x-hubspot-ratelimit-remaining'), 0, 100_000),
    intervalMs: whole(headers.get('x-hubspot-ratelimit-interval-milliseconds'), 1_000, 60_000),
    ...(limit === null || left === null ? {} : { daily: { limit, left } }),
  };
}

function whole(text: string | null, least: number, most: number): number | null {
  if (text === null || !/^\d{1,9}$/.test(text.trim())) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}
