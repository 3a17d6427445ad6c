/** The three vendors as a process of their own, so that what they cost is not what is measured. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** `raw`: no limit, no latency: what a program itself costs. `real`: HubSpot's limits and the vendors' usual times. */
export type Regime = 'raw' | 'real';

export interface Vendors {
  readonly env: Readonly<Record<string, string>>;
  /** A folder of its own for the state of what runs against them. */
  readonly home: string;
  /** HubSpot's calls since the last `forget`. */
  calls(): Promise<Calls>;
  forget(): Promise<void>;
  /** So large a share of the ERP's rows is edited. */
  change(resource: string, share: number): Promise<void>;
  /** Living objects, by type. */
  objects(): Promise<Readonly<Record<string, number>>>;
  /** The most memory they have taken so far; null where the system does not say. */
  peakMb(): number | null;
  close(): Promise<void>;
}

export interface Calls {
  /** All but those answered 429. */
  readonly count: number;
  readonly writes: number;
  readonly limited: number;
}

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
/** A million objects in the emulated portal take about 2 GB. */
const HEAP_MB = 12_000;
const Env = z.object({ env: z.record(z.string(), z.string()) });
const Lines = z.object({ lines: z.array(z.object({ method: z.string(), path: z.string(), status: z.number() })) });
const State = z.object({ objects: z.record(z.string(), z.object({ live: z.number() })) });

export interface Shop {
  /** 1 is a distributor with 12,000 products that are sold, 3,000 companies, 1,800 contacts and 26,000 quotes. */
  readonly scale: number;
  /** Rows of its item file, over `scale`. */
  readonly items?: number;
}

export async function startVendors({ scale, items }: Shop, regime: Regime): Promise<Vendors> {
  const home = mkdtempSync(join(tmpdir(), 'retail-sync-bench-'));
  const limits =
    regime === 'real' ? ['--rate', '190'] : ['--rate', '100000', '--no-latency', '--erp-time-scale', '0.000001'];
  const child = spawn(
    process.execPath,
    [
      ...[`--max-old-space-size=${HEAP_MB}`, CLI, 'sandbox', '--json', '--scale', String(scale), ...limits],
      ...(items === undefined ? [] : ['--items', String(items)]),
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  // A bench that fails takes them along.
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const { env } = Env.parse(JSON.parse(await firstLine(child)));
  const hubspot = env.HUBSPOT_BASE_URL ?? '';
  const erp = new URL(env.ERP_STAGING_URL ?? '').origin;
  if (regime === 'raw') {
    await put(`${hubspot}/_sandbox/switches`, { searchLagMs: 0 });
    const none = 1_000_000;
    await put(`${hubspot}/_sandbox/limits`, { searchPerSecond: none, associationsPer10s: none }, 'POST');
  }
  return {
    env,
    home,
    calls: async () => counted(Lines.parse(await (await fetch(`${hubspot}/_sandbox/log`)).json()).lines),
    forget: async () => void (await fetch(`${hubspot}/_sandbox/log`, { method: 'DELETE' })),
    change: (resource, share) => put(`${erp}/_sandbox/change`, { resource, share }, 'POST'),
    objects: async () => {
      const { objects } = State.parse(await (await fetch(`${hubspot}/_sandbox/state`)).json());
      return Object.fromEntries(Object.entries(objects).map(([name, { live }]) => [name, live]));
    },
    peakMb: () => peakMbOf(child.pid),
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      process.off('exit', end);
      end();
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function peakMbOf(pid: number | undefined): number | null {
  const status = `/proc/${pid}/status`;
  const [, kb] = (existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))) || [];
  return kb === undefined ? null : Math.round(Number(kb) / 1024);
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) return text;
  }
  throw new Error('the sandbox did not start');
}

async function put(url: string, body: unknown, method = 'PUT'): Promise<void> {
  const response = await fetch(url, { method, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}

const READS = /\/(batch\/read|search|lists)(\/|$)/;

function counted(lines: z.infer<typeof Lines>['lines']): Calls {
  const answered = lines.filter(({ status }) => status !== 429);
  const writes = answered.filter(
    ({ method, path }) => method !== 'GET' && path.startsWith('/crm/') && !READS.test(path),
  );
  return { count: answered.length, writes: writes.length, limited: lines.length - answered.length };
}
