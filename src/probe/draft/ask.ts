/** Questions to an API that nobody has described yet: GET only, few, and the token only to the hosts that were given. */
import { z } from 'zod';

/** For one draft, over all addresses. */
const CALLS_MAX = 60;
const WAIT_MAX_MS = 30_000;
const BODY_BYTES_MAX = 20_000_000;

export type Json = Readonly<Record<string, unknown>>;
export const Row = z.record(z.string(), z.unknown());
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}
export type Ask = (url: URL) => Promise<Answer | null>;

/** Null: the calls are used up, or nothing readable came. A redirect is not followed: it could carry the token away. */
export function asker(hosts: ReadonlySet<string>, token: string | undefined): Ask {
  let calls = 0;
  return async (url) => {
    if (calls >= CALLS_MAX || !hosts.has(url.origin)) return null;
    calls += 1;
    const headers = { Accept: 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    try {
      const reply = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(WAIT_MAX_MS) });
      return { status: reply.status, headers: reply.headers, body: parsed(await limited(reply)) };
    } catch {
      return null;
    }
  };
}

async function limited(reply: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('answer too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The rows and where they are: the whole answer, or its longest list of objects at most two levels down. */
export function rowsOf(body: unknown): { path: string | null; rows: Json[] } | null {
  const lists = listsIn(body, '', 0).sort((a, b) => b.rows.length - a.rows.length);
  const best = lists[0];
  return best ? { path: best.path || null, rows: best.rows } : null;
}

function listsIn(value: unknown, path: string, depth: number): { path: string; rows: Json[] }[] {
  const rows = z.array(Row).min(1).safeParse(value);
  if (rows.success) return [{ path, rows: rows.data }];
  const object = Row.safeParse(value);
  if (!object.success || depth >= 2) return [];
  return Object.entries(object.data).flatMap(([key, inner]) => listsIn(inner, path ? `${path}.${key}` : key, depth + 1));
}
