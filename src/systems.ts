/** Builds what a run talks to from the configuration: the sources a job can name, and the portal. */
import { systemClock } from './clock.ts';
import type { Config, ErpConfig, HubspotConfig } from './config.ts';
import { EXIT, FatalError } from './errors.ts';
import { digest } from './fingerprint.ts';
import type { Environment, PipelineSpec, PropertySpec, Sink, Source } from './pipe.ts';
import { type AccountDetails, checkPortal, preflight } from './sinks/hubspot/account.ts';
import type { CallStats } from './sinks/hubspot/tally.ts';
import { createTransport, type Transport } from './sinks/hubspot/transport.ts';
import { hubspotSink } from './sinks/hubspot/upsert.ts';
import { loadProfile } from './sources/erp/profile.ts';
import { restSource } from './sources/erp/rest.ts';

export type ErpResource = 'products' | 'customers' | 'quotes';

/** What a job file chooses its source from. */
export interface Systems {
  readonly erp: (resource: ErpResource) => Source;
}

/** Where a pipe reads: `id` tells one source instance from another, whatever its name. */
export interface Instance {
  readonly id: string;
  readonly environment: Environment;
  readonly url: string;
}

/** The ERP instance that feeds a pipe: the one its state names, else staging while there is one. */
export function erpInstance(config: ErpConfig, named: string | null, target: Environment): Instance {
  const kind = named ?? (config.stagingUrl === null ? 'production' : 'staging');
  const url = kind === 'production' ? config.productionUrl : config.stagingUrl;
  if (url === null) {
    throw new FatalError(
      EXIT.usage,
      `this pipe is fed from the ${kind} ERP, but ERP_${kind.toUpperCase()}_URL is not set`,
      `set ERP_${kind.toUpperCase()}_URL; retail-sync cutover status shows which instance feeds which pipe`,
    );
  }
  const environment = target === 'sandbox' ? 'sandbox' : kind === 'production' ? 'production' : 'staging';
  return { id: `erp:${kind}:${digest(url).slice(0, 12)}`, environment, url };
}

/** The sources of one instance. `requests` counts what was asked of the ERP. */
export function erpSystems(config: ErpConfig, instance: Instance): Systems & { readonly zone: string } {
  const profile = loadProfile(config.profile);
  const credentials =
    config.login.kind === 'token'
      ? { token: config.login.token }
      : { user: config.login.user, password: config.login.password };
  return {
    zone: profile.zone,
    erp: (resource) =>
      restSource({ profile, resource, baseUrl: instance.url, credentials, clock: systemClock, random: Math.random }),
  };
}

/** The portal, checked: nothing is written before `openPortal` has said that it is the right one and ready. */
export interface Portal {
  readonly sink: Sink;
  readonly transport: Transport;
  readonly account: AccountDetails;
  readonly stats: () => CallStats;
}

export const openTransport = (config: HubspotConfig): Transport =>
  createTransport({
    token: config.token,
    baseUrl: config.baseUrl,
    version: config.apiVersion,
    clock: systemClock,
    random: Math.random,
  });

/**
 * The token must open the portal that the configuration names, and a target that is not production must not be a live
 * account. Throws FatalError (exit 5).
 */
export function checkTarget(account: AccountDetails, config: Config<'hubspot'>): void {
  checkPortal(account, { portalIdExpected: config.hubspot.portalId, environment: config.environment });
}

export async function openPortal(
  config: Config<'hubspot'>,
  wanted: { readonly specs: readonly PropertySpec[]; readonly pipelines: readonly PipelineSpec[] },
  signal: AbortSignal,
): Promise<Portal> {
  const transport = openTransport(config.hubspot);
  const account = await preflight({
    transport,
    portalIdExpected: config.hubspot.portalId,
    environment: config.environment,
    specs: wanted.specs,
    signal,
  });
  return { sink: hubspotSink({ transport }), transport, account, stats: () => transport.stats() };
}
