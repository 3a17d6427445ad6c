/** The tool as a process of its own, and what HubSpot holds after it. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
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

export const runTool = (args: readonly string[], env: Env, cwd: string): Promise<Ended> =>
  startTool(args, env, cwd, 0).ended;

/** `readingStarted` resolves some milliseconds after the process has begun. */
export function startTool(
  args: readonly string[],
  env: Env,
  cwd: string,
  afterMs: number,
): { readonly ended: Promise<Ended>; readonly readingStarted: Promise<void> } {
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
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const readingStarted = new Promise<void>((resolve) => {
    child.stderr.once('data', () => void pause(afterMs).then(() => resolve()));
    child.once('close', () => resolve());
  });
  return { ended, readingStarted };
}

type Properties = Readonly<Record<string, string | null>>;

const Listing = z.object({
  results: z.array(z.object({ properties: z.record(z.string(), z.string().nullable()) })),
  paging: z.object({ next: z.object({ after: z.string() }).optional() }).optional(),
});

async function objects(
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

export const products = (env: Env) =>
  objects(env, 'products', 'erp_product_id', ['name', 'price', 'erp_status', 'hs_lastmodifieddate']);
export const deals = (env: Env) =>
  objects(env, 'deals', 'erp_opportunity_id', ['amount', 'erp_quote_revision', 'hs_lastmodifieddate']);

/** All that a write would change. */
export async function counts(env: Env): Promise<string> {
  const companies = await objects(env, 'companies', 'erp_customer_id', ['name', 'hs_lastmodifieddate']);
  const contacts = await objects(env, 'contacts', 'erp_contact_id', ['email', 'lastmodifieddate']);
  return JSON.stringify([[...(await products(env))], [...(await deals(env))], [...companies], [...contacts]]);
}
