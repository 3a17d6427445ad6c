/** The calls of a day, shared by all apps of an account; told beside most answers. */

interface DayQuota {
  /** Of the whole account, by all its apps. */
  readonly allowed: number;
  readonly left: number;
}

export interface Quotas {
  readonly day: DayQuota | null;
  /** Requests of this app in 10 s; null when no answer said so. */
  readonly per10s: number | null;
}

/** `fetch` that notes the newest quota; `read` gives it. developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines */
export function quotaListener(): { readonly fetch: typeof fetch; readonly read: () => Quotas } {
  let quotas: Quotas = { day: null, per10s: null };
  return {
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      const [allowed, left, max] = ['daily', 'daily-remaining', 'max'].map((name) => numberOf(answer.headers, name));
      quotas = {
        day: allowed == null || left == null ? quotas.day : { allowed, left: Math.min(left, allowed) },
        per10s: max ?? quotas.per10s,
      };
      return answer;
    },
    read: () => quotas,
  };
}

function numberOf(headers: Headers, name: string): number | null {
  const text = headers.get(`x-hubspot-ratelimit-${name}`);
  return text !== null && /^\d{1,12}$/.test(text.trim()) ? Number(text) : null;
}
