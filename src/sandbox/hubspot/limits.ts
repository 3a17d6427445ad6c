/**
 * Request budgets: a rolling ten seconds per app, a second for search and ten seconds for association batches per
 * portal, and a day per portal that ends at midnight of the portal's time zone.
 * Source: developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
 */
import { Refusal } from './errors.ts';
import type { Budget } from './route.ts';

export interface LimitSettings {
  /** Per app; null: unlimited. */
  burstPer10s: number | null;
  searchPerSecond: number;
  associationsPer10s: number;
  dailyLimit: number;
}

/** The instants of the last requests within a window. */
class RollingWindow {
  readonly #windowMs: number;
  #atMs: number[] = [];
  #head = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  used(nowMs: number): number {
    while (this.#head < this.#atMs.length && (this.#atMs[this.#head] ?? 0) <= nowMs - this.#windowMs) this.#head++;
    if (this.#head > 1024) {
      this.#atMs = this.#atMs.slice(this.#head);
      this.#head = 0;
    }
    return this.#atMs.length - this.#head;
  }

  take(nowMs: number): void {
    this.#atMs.push(nowMs);
  }
}

const BURST_WINDOW_MS = 10_000;
const SEARCH_WINDOW_MS = 1000;

const PHRASES = {
  TEN_SECONDLY_ROLLING: 'You have reached your ten_secondly_rolling limit.',
  SECONDLY: 'You have reached your secondly limit.',
  DAILY: 'You have reached your daily limit.',
} as const;

export class Limits {
  readonly settings: LimitSettings;
  readonly #burst = new Map<string, RollingWindow>();
  readonly #search = new RollingWindow(SEARCH_WINDOW_MS);
  readonly #associations = new RollingWindow(BURST_WINDOW_MS);
  readonly #day: Intl.DateTimeFormat;
  readonly #retryAfter: () => boolean;
  #dayMinute = -1;
  #dayName = '';
  #usedToday = 0;

  constructor(settings: LimitSettings, timeZone: string, retryAfter: () => boolean) {
    this.settings = settings;
    this.#day = new Intl.DateTimeFormat('en-CA', { timeZone });
    this.#retryAfter = retryAfter;
  }

  /**
   * Spends one request of the budget. Called when the request arrives, since that is when a vendor's gateway counts.
   * @throws Refusal 429, which spends nothing.
   */
  spend(token: string, budget: Budget, nowMs: number): void {
    this.#turnDay(nowMs);
    if (budget === 'none') return;
    if (this.#usedToday >= this.settings.dailyLimit) throw this.#exhausted('DAILY', token, budget, nowMs, 60);
    const [window, limit] = this.#windowOf(token, budget);
    if (limit !== null && window.used(nowMs) >= limit) {
      if (budget === 'search') throw this.#exhausted('SECONDLY', token, budget, nowMs, 1);
      throw this.#exhausted('TEN_SECONDLY_ROLLING', token, budget, nowMs, 10);
    }
    window.take(nowMs);
    this.#usedToday++;
  }

  /** On every answer but those of search. */
  headers(token: string, budget: Budget, nowMs: number): Readonly<Record<string, string>> {
    if (budget === 'search' || budget === 'none') return {};
    const daily = {
      'X-HubSpot-RateLimit-Daily': String(this.settings.dailyLimit),
      'X-HubSpot-RateLimit-Daily-Remaining': String(Math.max(0, this.settings.dailyLimit - this.#usedToday)),
    };
    const most = this.settings.burstPer10s;
    if (most === null) return daily;
    const left = Math.max(0, most - this.#burstOf(token).used(nowMs));
    return {
      ...daily,
      'X-HubSpot-RateLimit-Max': String(most),
      'X-HubSpot-RateLimit-Remaining': String(left),
      'X-HubSpot-RateLimit-Interval-Milliseconds': String(BURST_WINDOW_MS),
      // Deprecated, still sent.
      'X-HubSpot-RateLimit-Secondly': String(Math.floor(most / 10)),
      'X-HubSpot-RateLimit-Secondly-Remaining': String(Math.min(left, Math.floor(most / 10))),
    };
  }

  usedToday(nowMs: number): number {
    this.#turnDay(nowMs);
    return this.#usedToday;
  }

  #windowOf(token: string, budget: Budget): readonly [RollingWindow, number | null] {
    if (budget === 'search') return [this.#search, this.settings.searchPerSecond];
    if (budget === 'associations') return [this.#associations, this.settings.associationsPer10s];
    return [this.#burstOf(token), this.settings.burstPer10s];
  }

  #burstOf(token: string): RollingWindow {
    const known = this.#burst.get(token);
    if (known) return known;
    const fresh = new RollingWindow(BURST_WINDOW_MS);
    this.#burst.set(token, fresh);
    return fresh;
  }

  /** Formatting a date in a time zone is slow: once a minute is enough, as no zone changes its day within one. */
  #turnDay(nowMs: number): void {
    const minute = Math.floor(nowMs / 60_000);
    if (minute === this.#dayMinute) return;
    this.#dayMinute = minute;
    const name = this.#day.format(nowMs);
    if (name !== this.#dayName) this.#usedToday = 0;
    this.#dayName = name;
  }

  #exhausted(policy: keyof typeof PHRASES, token: string, budget: Budget, nowMs: number, waitS: number): Refusal {
    const retryAfter = this.#retryAfter() ? { 'Retry-After': String(waitS) } : {};
    return new Refusal(
      429,
      {
        message: PHRASES[policy],
        errorType: 'RATE_LIMIT',
        policyName: policy,
        groupName: `publicapi:private-apps:${budget}`,
      },
      { ...this.headers(token, budget, nowMs), ...retryAfter },
    );
  }
}

/**
 * 423: too many writes to one object type in a short time; locks last two seconds.
 * Source: developers.hubspot.com/docs/api-reference/error-handling
 */
export class WriteLocks {
  readonly #rows = new Map<string, { untilMs: number; since: number; rows: number }>();

  /** @throws Refusal 423 while locked. @param most rows within ten seconds; null: never locks. */
  check(object: string, rows: number, most: number | null, nowMs: number): void {
    if (most === null) return;
    const state = this.#rows.get(object) ?? { untilMs: 0, since: nowMs, rows: 0 };
    this.#rows.set(object, state);
    if (nowMs < state.untilMs) throw locked();
    if (nowMs - state.since >= BURST_WINDOW_MS) Object.assign(state, { since: nowMs, rows: 0 });
    if (state.rows + rows > most) {
      Object.assign(state, { untilMs: nowMs + 2000, since: nowMs, rows: 0 });
      throw locked();
    }
    state.rows += rows;
  }
}

const locked = (): Refusal =>
  new Refusal(423, {
    message: 'The resource is locked by a high volume of writes. Retry after 2 seconds.',
    category: 'LOCKED',
  });
