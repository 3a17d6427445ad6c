/** One small HTTP request of the alerts, with a deadline; it never throws. */

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
      reason = codeOf(thrown);
    }
  }
  return reason;
}

/** fetch hides the cause; a code has no data in it, a message may. */
export function codeOf(thrown: unknown, fallback = 'network'): string {
  for (let at = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && /^\w{1,40}$/.test(code)) return code;
    const [first]: unknown[] = at instanceof AggregateError ? at.errors : [];
    if (first instanceof Error) return codeOf(first, fallback);
  }
  return fallback;
}
