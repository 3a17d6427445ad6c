/** What a token may do and until when: `POST /oauth2/token/status` (developer.squareup.com/reference/square/o-auth-api/retrieve-token-status). */
import { FatalError } from '../../errors.ts';
import { textOrNull } from './exact-json.ts';
import { ForbiddenError } from './verdict.ts';
import { Wire } from './wire.ts';

export interface TokenStatus {
  readonly scopes: readonly string[];
  /** Null: it never ends. */
  readonly expiresAtMs: number | null;
}

const DEADLINE_MS = 10_000;

/** Null where the server does not tell. Throws FatalError for a token that is refused, TransientError without answer. */
export async function tokenStatus(
  options: { readonly token: string; readonly baseUrl: string; readonly retryBaseMs: number },
  signal: AbortSignal,
): Promise<TokenStatus | null> {
  const wire = new Wire({ ...options, deadlineMs: DEADLINE_MS, random: Math.random });
  try {
    const body = await wire.call(
      'oauth.tokenStatus',
      (client, given) => client.oAuth.retrieveTokenStatus(given),
      signal,
    );
    const endMs = Date.parse(textOrNull(body.expires_at) ?? '');
    const scopes = Array.isArray(body.scopes) ? body.scopes.filter((scope) => typeof scope === 'string') : [];
    return scopes.length === 0 ? null : { scopes, expiresAtMs: Number.isNaN(endMs) ? null : endMs };
  } catch (thrown) {
    if (thrown instanceof ForbiddenError) return null;
    if (thrown instanceof FatalError && /404/.test(thrown.message)) return null;
    throw thrown;
  }
}
