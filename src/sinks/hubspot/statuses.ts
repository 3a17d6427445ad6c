/** What an attempt's answer means: take it, try again, or stop the run. One row per status. */
import { EXIT, FatalError } from '../../errors.ts';
import { contextList, readError } from './replies.ts';

/** A body as it arrived. `unreadable`: cut off, not JSON, or a page of some proxy. */
export type Body =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unreadable'; readonly why: string };

export interface Reply {
  readonly status: number;
  /** The Retry-After header in milliseconds, not yet clamped; null without one. */
  readonly retryAfterMs: number | null;
  /** HubSpot's own id of the request, from its headers; null without one. */
  readonly correlation: string | null;
  readonly body: Body;
}

/** How long to wait before the next attempt, on top of a random share of the growing backoff. */
export interface Again {
  readonly kind: 'again';
  /** `maybe`: the request may have been applied, now or later. */
  readonly landed: 'no' | 'maybe';
  readonly reason: string;
  readonly leastMs: number;
  /** A 429: the window waits, and the attempt does not count. */
  readonly throttled: boolean;
}

export type Verdict = { readonly kind: 'answer'; readonly body: unknown } | Again;

/** Longest Retry-After that a run waits for; a longer one is a person's business. */
const RETRY_AFTER_MAX_MS = 60_000;
/** A 423 lock lasts two seconds (developers.hubspot.com/docs/api-reference/error-handling). */
const LOCK_MS = 2_000;

export const again = (
  landed: 'no' | 'maybe',
  reason: string,
  options: { leastMs?: number; throttled?: boolean } = {},
): Again => ({ kind: 'again', landed, reason, leastMs: options.leastMs ?? 0, throttled: options.throttled ?? false });

/**
 * The status table. `tolerant`: the call asks for something the portal need not have, so 401, 403 and 404 are answers.
 * Throws FatalError for what no later attempt can change.
 */
export function judge(reply: Reply, options: { readonly tolerant: boolean }): Verdict {
  const { status } = reply;
  if (status >= 200 && status < 300) return judgeSuccess(reply);
  const waitMs = clampRetryAfter(reply.retryAfterMs) ?? 0;
  if (status >= 500) return again('maybe', `HubSpot answered ${status}`, { leastMs: waitMs });
  if (status < 400) throw redirected(status);
  if (options.tolerant && (status === 401 || status === 403 || status === 404)) return answer(reply);
  switch (status) {
    case 401:
      throw new FatalError(
        EXIT.access,
        'HubSpot does not accept the token (401)',
        'Put a valid service key into HUBSPOT_TOKEN, then run: retail-sync doctor',
      );
    case 403:
      throw forbidden(reply);
    case 408:
      return again('maybe', 'HubSpot gave up waiting for the request (408)', { leastMs: waitMs });
    case 423:
      return again('no', 'HubSpot has locked the records (423)', { leastMs: Math.max(LOCK_MS, waitMs) });
    case 429:
      return throttled(reply);
    case 477:
      return moving(reply, waitMs);
  }
  if (reply.body.kind === 'unreadable') return again('no', `HubSpot answered ${status}: ${reply.body.why}`);
  return answer(reply);
}

const answer = (reply: Reply): Verdict => ({
  kind: 'answer',
  body: reply.body.kind === 'json' ? reply.body.value : undefined,
});

function judgeSuccess(reply: Reply): Verdict {
  if (reply.body.kind === 'json' || reply.status === 204 || reply.status === 205) return answer(reply);
  const why = reply.body.kind === 'empty' ? 'an empty body' : reply.body.why;
  return again('maybe', `HubSpot answered ${reply.status} with ${why}`);
}

function redirected(status: number): FatalError {
  return new FatalError(
    EXIT.hubspot,
    `HubSpot answered ${status}, a redirect, which is never followed because it would carry the token elsewhere`,
    'Check HUBSPOT_BASE_URL and any proxy, then run: retail-sync doctor',
  );
}

/** developers.hubspot.com/docs/api-reference/error-handling: MISSING_SCOPES names the scopes in the errors' context. */
function forbidden(reply: Reply): FatalError {
  const error = readError(reply.body.kind === 'json' ? reply.body.value : undefined);
  const named = [error, ...(error.errors ?? []).map(readError)].flatMap((item) => [
    ...contextList(item, 'requiredGranularScopes'),
    ...contextList(item, 'requiredScopes'),
  ]);
  const scopes = [...new Set(named)].join(', ');
  if (scopes) {
    return new FatalError(
      EXIT.access,
      `The HubSpot token lacks a scope: ${scopes} (403)`,
      `Add ${scopes} to the service key of HUBSPOT_TOKEN, then run: retail-sync doctor`,
    );
  }
  return new FatalError(
    EXIT.access,
    `HubSpot forbids this call (403${error.category ? `, ${error.category}` : ''})`,
    'Compare the scopes of HUBSPOT_TOKEN with the README, then run: retail-sync doctor',
  );
}

/** The daily quota ends the run; every other 429 waits for its window, whatever the body calls it. */
function throttled(reply: Reply): Again {
  const error = readError(reply.body.kind === 'json' ? reply.body.value : undefined);
  if (error.policyName === 'DAILY' || /\bdaily limit\b/i.test(error.message ?? '')) {
    throw new FatalError(
      EXIT.hubspot,
      "The portal's daily quota of API calls is spent; it resets at midnight of the portal's time zone",
      'Run the same command again tomorrow; nothing is lost. All apps of the portal share this quota',
      { code: 'quota-spent' },
    );
  }
  return again('no', 'HubSpot answered 429', { leastMs: clampRetryAfter(reply.retryAfterMs) ?? 0, throttled: true });
}

/** 477: the portal is being moved to another data centre, which may take a day. */
function moving(reply: Reply, waitMs: number): Again {
  if ((reply.retryAfterMs ?? 0) > RETRY_AFTER_MAX_MS) {
    throw new FatalError(
      EXIT.hubspot,
      `HubSpot is moving this portal to another data centre (477) and asks to wait ${Math.ceil((reply.retryAfterMs ?? 0) / 60_000)} minutes`,
      'Run the same command again after that; nothing is lost',
    );
  }
  return again('no', 'HubSpot is moving this portal (477)', { leastMs: waitMs });
}

/** Null stays null; absurd values end up between 0 and 60 s. */
const clampRetryAfter = (ms: number | null): number | null =>
  ms === null ? null : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms));

/** Seconds or an HTTP date (RFC 9110, 10.2.3); null when it is neither. */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const seconds = Number(header.trim());
  if (header.trim() !== '' && Number.isFinite(seconds)) return seconds * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : at - nowMs;
}

/** Statuses that refuse what was sent, so that they are the answer when trying again did not help. */
export const refuses = (status: number): boolean =>
  status >= 400 && status < 500 && ![408, 423, 429, 477].includes(status);

/** Codes of a request that never left this machine, or was refused before it was read. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** A network failure in place of an answer: `fetch` hides its code in the cause. */
export function judgeNetworkError(error: Error): Again {
  const code = codeOf(error) ?? codeOf(error.cause) ?? 'no code';
  const never = NEVER_SENT.has(code) || /CERT|^UNABLE_TO_|^ERR_TLS_/.test(code);
  return again(never ? 'no' : 'maybe', `the connection to HubSpot failed (${code})`);
}

function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
