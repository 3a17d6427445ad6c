/** The tool as a process of its own, and what HubSpot holds after it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ENTRY = fileURLToPath(new URL('../../bin/retail-sync.js', import.meta.url));
const PROCESS_MS_MAX = 90_000;
/** Pages of one listing: a sandbox holds a few thousand objects. */
const PAGES_MAX = 1_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Env = Readonly<Record<string, string>>;

export function runTool(args: readonly string[], env: Env, cwd: string): Promise<Ended> {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PROCESS_MS_MAX,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

type Properties = Readonly<Record<string, string | null>>;

const Listing = z.object({
  results: z.array(z.object({ properties: z.record(z.string(), z.string().nullable()) })),
  paging: z.object({ next: z.object({ after: z.string() }).optional() }).optional(),
});

/** The records of the sync in HubSpot, by key, read over its public API. */
export async function inHubspot(
  env: Env,
  type: string,
  key: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Properties>> {
  const found = new Map<string, Properties>();
  let after = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const url = new URL(`/crm/v3/objects/${type}`, env.HUBSPOT_BASE_URL);
    url.search = new URLSearchParams({
      limit: '100',
      properties: [key, ...names].join(','),
      ...(after ? { after } : {}),
    }).toString();
    const response = await fetch(url, { headers: { authorization: `Bearer ${env.HUBSPOT_TOKEN}` } });
    const body = Listing.parse(await response.json());
    for (const { properties } of body.results) {
      const id = properties[key];
      if (id) found.set(id, properties);
    }
    after = body.paging?.next?.after ?? '';
    if (after === '') return found;
  }
  throw new Error(`HubSpot lists more than ${PAGES_MAX} pages of ${type}`);
}

const Log = z.object({ lines: z.array(z.object({ method: z.string(), path: z.string() })) });

/** Forgets the requests that HubSpot has had. */
export async function forgetRequests(env: Env): Promise<void> {
  await fetch(new URL('/_sandbox/log', env.HUBSPOT_BASE_URL), { method: 'DELETE' });
}

/** Requests to HubSpot since: all, and those that could change something, which a search or a read of many is not. */
export async function requestsSince(env: Env): Promise<{ all: number; writes: readonly string[] }> {
  const { lines } = Log.parse(await (await fetch(new URL('/_sandbox/log', env.HUBSPOT_BASE_URL))).json());
  const writes = lines.filter(
    ({ method, path }) => method !== 'GET' && !/\/(search|batch\/read|access-token-info)$/.test(path),
  );
  return { all: lines.length, writes: writes.map(({ method, path }) => `${method} ${path}`) };
}

/** How long a write takes to show in HubSpot's searches. */
export async function searchesLag(env: Env, searchLagMs: number): Promise<void> {
  await fetch(new URL('/_sandbox/switches', env.HUBSPOT_BASE_URL), {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ searchLagMs }),
  });
}
