/** Square: which locations the token reads, what else it may do and until when it is good. Read-only calls. */
import { EXIT } from '../errors.ts';
import { type TokenStatus, tokenStatus } from '../sources/square/token-status.ts';
import { squareSource } from '../sources/square.ts';
import type { Survey } from './configuration.ts';
import { bounded, type Finding, fault, fine, warning } from './finding.ts';

/** Five retries fit well into the time of a check. */
const RETRY_BASE_MS = 50;
const DAY_MS = 86_400_000;
const EXPIRY_DAYS_FEW = 7;
const FIX = 'grant it in the Square developer dashboard';

export async function surveySquare({ square }: Survey, stop: AbortSignal): Promise<readonly Finding[]> {
  if (square === null) return [warning('square', 'square', 'not asked: SQUARE_TOKEN is not set', null)];
  const { token, baseUrl, locationIds } = square;
  const found = await Promise.all([
    bounded('square', 'locations', EXIT.source, stop, async (signal) => {
      const source = squareSource({ token, baseUrl, locationIds, retryBaseMs: RETRY_BASE_MS });
      let readable = 0;
      for await (const partition of source.partitions({ kind: 'everything' }, signal)) {
        readable += (partition.filter.locations ?? '').split(',').length;
      }
      return [fine('square', 'locations', `the token reads orders of ${readable} locations`)];
    }),
    bounded('square', 'token', EXIT.source, stop, async (signal) => {
      const status = await tokenStatus({ token, baseUrl, retryBaseMs: RETRY_BASE_MS }, signal);
      return status === null ? [] : tokenFindings(status, Date.now());
    }),
  ]);
  const [locations = [], tokens = []] = found;
  // A refused token is one fault, not two.
  return locations.some(({ exit }) => exit !== null) && tokens.some(({ exit }) => exit !== null)
    ? locations
    : [...locations, ...tokens];
}

/** Personal access tokens never end and may do everything; OAuth ones last 30 days (developer.squareup.com/docs/oauth-api). */
export function tokenFindings({ scopes, expiresAtMs }: TokenStatus, nowMs: number): Finding[] {
  const lacking = ['ORDERS_READ', 'MERCHANT_PROFILE_READ'].filter((scope) => !scopes.includes(scope));
  const writes = scopes.filter((scope) => scope.endsWith('_WRITE'));
  const rights =
    lacking.length > 0
      ? fault('square', 'scopes', `lacks ${lacking.join(', ')}`, FIX, EXIT.access)
      : scopes.includes('CUSTOMERS_READ')
        ? fine(
            'square',
            'scopes',
            `orders, locations and customers may be read${writes.length > 0 ? `; it may also write (${writes.length} scopes), which nothing here needs` : ''}`,
          )
        : warning('square', 'scopes', 'lacks CUSTOMERS_READ', FIX, 'sales are not linked to customers');
  return [rights, expiryFinding(expiresAtMs, nowMs)];
}

function expiryFinding(expiresAtMs: number | null, nowMs: number): Finding {
  if (expiresAtMs === null) return fine('square', 'token', 'has no end');
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  const said = `is good until ${new Date(expiresAtMs).toISOString().slice(0, 10)}`;
  if (days >= EXPIRY_DAYS_FEW) return fine('square', 'token', said);
  const fix = 'renew it and put the new one into SQUARE_TOKEN';
  return days < 0
    ? fault('square', 'token', said, fix, EXIT.access)
    : warning('square', 'token', `${said}: ${days} days left`, fix, 'pos-orders stops with exit 5 then');
}
