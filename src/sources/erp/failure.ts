/** What a failed attempt means: try again, cut the slice, or call a person. */
import { codeOf, EXIT, FatalError } from '../../errors.ts';
import type { Auth, Limits } from './profile-schema.ts';

/** An attempt that may work when made again. `isLarge`: the vendor ran out of time or room, not out of luck. */
export class AttemptError extends Error {
  override readonly name = 'AttemptError';
  readonly isLarge: boolean;
  readonly retryAfterMs: number | null;

  constructor(message: string, options: { isLarge?: boolean; retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isLarge = options.isLarge ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** What is known of the request when its answer is judged. */
export interface Asked {
  /** For people: `products page 3`. */
  readonly what: string;
  readonly path: string;
  readonly profile: string;
  readonly auth: Auth;
  readonly limits: Limits;
  readonly retryStatuses: readonly number[];
}

/** A vendor that is this close to its ceiling when it fails was killed by it. */
const CEILING_SHARE = 0.9;
/** A longer Retry-After is cut to this: the job has a time of day to meet. */
const RETRY_AFTER_MS_MAX = 120_000;

/** The error that a status stands for; null for one that carries an answer. */
export function failureOf(response: Response, asked: Asked, tookMs: number): Error | null {
  const { status } = response;
  if (status >= 200 && status < 300) return null;
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) return redirected(asked);
  if (status === 401 || status === 403) return refused(status, asked);
  if (status === 404) return unknownPath(asked);
  const isLarge = status === 504 || status === 413 || (status >= 500 && isNearCeiling(tookMs, asked.limits));
  const retryAfterMs = retryAfterOf(response.headers);
  if (isLarge || status >= 500 || asked.retryStatuses.includes(status)) {
    return new AttemptError(`status ${status}`, { isLarge, retryAfterMs });
  }
  return new FatalError(
    EXIT.source,
    `the ERP refused the query for ${asked.what}: status ${status}`,
    `compare the parameters of ${asked.path} in profile "${asked.profile}" with what the vendor takes (docs/adding-an-erp.md)`,
  );
}

/** What a rejected fetch or a cut-off body means. Only the cause's code is kept: messages may hold addresses. */
export function brokenLine(thrown: unknown, asked: Asked, tookMs: number): AttemptError {
  const isLarge = isNearCeiling(tookMs, asked.limits);
  const code = codeOf(thrown);
  return new AttemptError(`the connection broke${code === null ? '' : ` (${code})`}`, { isLarge, cause: thrown });
}

const isNearCeiling = (tookMs: number, { ceilingMs }: Limits): boolean =>
  ceilingMs !== undefined && tookMs >= ceilingMs * CEILING_SHARE;

/** Seconds or a date, against the vendor's own clock; null without one or when it makes no sense. */
export function retryAfterOf(headers: Headers): number | null {
  const value = headers.get('retry-after')?.trim();
  if (!value) return null;
  const isDate = /^[a-z]{3}, /i.test(value); // else "-5" would be one, to Date.parse
  const dateMs = isDate ? Date.parse(value) - Date.parse(headers.get('date') ?? '') : Number.NaN;
  const waitMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : dateMs;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}

const redirected = ({ path }: Asked): FatalError =>
  new FatalError(
    EXIT.source,
    `the ERP redirects ${path} to another address, which is never followed: it would be given the credentials`,
    'set ERP_PRODUCTION_URL or ERP_STAGING_URL to the address that answers itself',
  );

const refused = (status: number, { path, auth }: Asked): FatalError =>
  new FatalError(
    EXIT.access,
    `the ERP refused access to ${path}: status ${status}`,
    ['basic', 'oauth2', 'login'].includes(auth.scheme) || ('value' in auth && auth.value.includes('ERP_USER'))
      ? 'check ERP_USER and ERP_PASSWORD, and that this user may read: retail-sync doctor'
      : 'check ERP_TOKEN, and that its user may read: retail-sync doctor',
  );

const unknownPath = ({ path, profile }: Asked): FatalError =>
  new FatalError(
    EXIT.usage,
    `the ERP has no ${path}: status 404`,
    `check the path in profile "${profile}", and ERP_PRODUCTION_URL or ERP_STAGING_URL`,
  );
