/** The three vendors together, over one world: what `sandbox` serves and the demo runs on. */
import { ERP_SANDBOX_TOKEN, startErp } from './erp/server.ts';
import type { FaultRule } from './faults.ts';
import { SANDBOX_TOKEN, startHubSpot } from './hubspot/server.ts';
import { SQUARE_SANDBOX_TOKEN, startSquare } from './square/server.ts';
import { existingPortalObjects, generateErp, squarePeople, type WorldOptions } from './world.ts';

export interface SandboxOptions {
  readonly seed: number;
  /** 1 is a whole distributor: 30,214 products, 28,300 customers, 26,000 quotes, 900 orders a year. */
  readonly scale: number;
  /** Row counts of their own, over `scale`. */
  readonly rows?: Pick<WorldOptions, 'items' | 'accounts' | 'quotes'>;
  /** Rows that the ERP's bulk jobs commit, and stamp, at once. */
  readonly commitRows?: number;
  /** The world's present, epoch milliseconds. */
  readonly asOfMs: number;
  /** 0: any free port. */
  readonly ports: { readonly erp: number; readonly hubspot: number; readonly square: number };
  /** HubSpot requests per 10 s; null: no limit. */
  readonly burstPer10s: number | null;
  /** Whether answers take the time they take at the vendors (HubSpot 250 ms a batch, Square 40 ms, ERP 20 ms). */
  readonly latency: boolean;
  /** How long the ERP's query seconds take here. */
  readonly erpTimeScale: number;
  readonly faults: {
    readonly erp?: readonly FaultRule[];
    readonly hubspot?: readonly FaultRule[];
    readonly square?: readonly FaultRule[];
  };
  readonly erpProduction: 'dark' | 'live' | 'login-page' | 'empty' | 'refused';
}

export interface Sandbox {
  /** What the tool has to be configured with, by variable name. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const LATENCY_MS = { hubspot: { write: 250, read: 80, search: 200 }, erp: 20, square: 40 } as const;
const PORTAL_ID = 1_234_567;

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { seed, scale, asOfMs, ports, latency } = options;
  const world = generateErp({
    ...{ seed, scale, asOfMs, ...options.rows },
    ...(options.commitRows === undefined ? {} : { commitRows: options.commitRows }),
  });
  const portal = existingPortalObjects(world, seed);
  const [erp, hubspot, square] = await Promise.all([
    startErp({
      world,
      seed,
      port: ports.erp,
      latencyMs: latency ? LATENCY_MS.erp : 0,
      timeScale: options.erpTimeScale,
      production: options.erpProduction,
      ...(options.faults.erp ? { faults: options.faults.erp } : {}),
    }),
    startHubSpot({
      seed,
      port: ports.hubspot,
      portal: { id: PORTAL_ID },
      burstPer10s: options.burstPer10s,
      existing: { contacts: portal.contacts, companies: portal.companies, deals: portal.deals },
      owners: portal.owners.map((owner, index) => ({ id: String(71_000 + index), ...owner })),
      ...(latency ? { latencyMs: LATENCY_MS.hubspot } : {}),
      ...(options.faults.hubspot ? { faults: options.faults.hubspot } : {}),
    }),
    startSquare({
      seed,
      port: ports.square,
      asOfMs,
      orders: Math.ceil(900 * scale),
      people: squarePeople(world),
      latencyMs: latency ? LATENCY_MS.square : 0,
      ...(options.faults.square ? { faults: options.faults.square } : {}),
    }),
  ]);
  return {
    env: {
      RETAIL_SYNC_ENV: 'sandbox',
      HUBSPOT_BASE_URL: hubspot.url,
      HUBSPOT_TOKEN: SANDBOX_TOKEN,
      HUBSPOT_PORTAL_ID: String(PORTAL_ID),
      ERP_PROFILE: 'sandbox',
      ERP_STAGING_URL: erp.stagingUrl,
      ERP_PRODUCTION_URL: erp.productionUrl,
      ERP_TOKEN: ERP_SANDBOX_TOKEN,
      SQUARE_BASE_URL: square.url,
      SQUARE_TOKEN: SQUARE_SANDBOX_TOKEN,
    },
    close: async () => {
      await Promise.all([erp.close(), hubspot.close(), square.close()]);
    },
  };
}
