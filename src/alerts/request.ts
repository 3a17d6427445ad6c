/** One small HTTP request of the alerts, with a deadline; it never throws. */
import { codeOf } from '../errors.ts';

/** One attempt may take this long; after a quick refusal there is a second one. */
export const DEADLINE_MS = 5_000;
const ATTEMPTS_MAX = 2;
/** Asking again changes nothing. */
const FINAL = new Set([400, 401, 403, 404, 405, 410, 413]);

/** Null when it was taken, else a code. A redirect is never followed: it would carry the message elsewhere. */
export async function request(url: string, init: RequestInit): Promise<string | null> {
  let reason = 'network';
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    try {
      const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(DEADLINE_MS) });
      await response.body?.cancel();
      if (response.ok) return null;
      reason = `status ${response.status}`;
      if (FINAL.has(response.status) || (response.status >= 300 && response.status < 400)) return reason;
    } catch (thrown) {
      if (thrown instanceof DOMException && thrown.name === 'TimeoutError') return 'timeout'; // waited long enough
      reason = codeOf(thrown) ?? 'network';
    }
  }
  return reason;
}
