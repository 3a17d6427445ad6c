/** Builds what a run talks to from the configuration: the sources a job can name, and the portal. */
import { systemClock } from './clock.ts';
import type { Config, ErpConfig, HubspotConfig, SquareConfig } from './config.ts';
import { EXIT, FatalError } from './errors.ts';
import { digest } from './fingerprint.ts';
import type { Environment, Job, PipelineSpec, PropertySpec, Sink, Source } from './pipe.ts';
import { type AccountDetails, checkPortal, preflight } from './sinks/hubspot/account.ts';
import { guardContacts } from './sinks/hubspot/contact-guard.ts';
import { resolverFor } from './sinks/hubspot/references.ts';
import type { CallEvent, CallStats } from './sinks/hubspot/tally.ts';
import { createTransport, type Transport } from './sinks/hubspot/transport.ts';
import { hubspotSink } from './sinks/hubspot/upsert.ts';
import { adapterOf } from './sources/erp/adapter.ts';
import { type SquareSource, squareSource } from './sources/square.ts';

export type ErpResource = 'products' | 'customers' | 'quotes';

/** Asks the ERP in the place of Node's own, to listen to what is said. */
type ErpFetch = typeof fetch;

/** What a job file chooses its source from. */
export interface Systems {
  readonly erp: (resource: ErpResource) => Source;
  readonly square: () => SquareSource;
}

/** Where a pipe reads: `id` tells one source instance from another, whatever its name. */
export interface Instance {
  readonly id: string;
  readonly environment: Environment;
  /** The source's IANA time zone: what a date without a time means. */
  readonly zone: string;
  readonly systems: Systems;
}

/** Tills upload what they sold offline up to 72 hours late, under the time of the sale or of the upload. */
const SQUARE_REPAIR_DAYS = 4;

/**
 * The instance that feeds a pipe. `named` is what the pipe's state says, `staging` or `production`; where it says
 * nothing, an ERP is read from staging as long as there is one. Throws FatalError for what is not configured.
 */
export function instanceOf(
  job: Pick<Job<Systems>, 'system'>,
  config: Config,
  named: string | null,
  onWarning: (message: string) => void,
  attemptsMax?: number,
  fetch?: ErpFetch,
): Instance {
  return job.system === 'erp'
    ? erpInstance(given(config.erp, 'ERP_TOKEN'), named, config.environment, { attemptsMax, fetch })
    : squareInstance(given(config.square, 'SQUARE_TOKEN'), config.environment, onWarning);
}

function erpInstance(
  config: ErpConfig,
  named: string | null,
  target: Environment,
  asking: { readonly attemptsMax: number | undefined; readonly fetch: ErpFetch | undefined },
): Instance {
  const kind = named ?? (config.stagingUrl === null ? 'production' : 'staging');
  const url = given(kind === 'production' ? config.productionUrl : config.stagingUrl, `ERP_${kind.toUpperCase()}_URL`);
  const adapter = adapterOf(config.profile);
  const access = { ...config, baseUrl: url };
  const place = adapter.hasDatabases ? `${url}\n${config.database ?? ''}` : url;
  return {
    id: `erp:${kind}:${digest(place).slice(0, 12)}`,
    environment: target === 'sandbox' ? 'sandbox' : kind === 'production' ? 'production' : 'staging',
    zone: adapter.zone,
    systems: {
      square: () => unavailable('Square'),
      erp: (resource) => adapter.source(resource, access, { clock: systemClock, random: Math.random, ...asking }),
    },
  };
}

function squareInstance(config: SquareConfig, target: Environment, onWarning: (message: string) => void): Instance {
  const { token, baseUrl, locationIds, backfillFrom } = config;
  return {
    id: `square:${digest(baseUrl).slice(0, 12)}`,
    environment: target === 'sandbox' ? 'sandbox' : 'production',
    zone: 'UTC',
    systems: {
      erp: () => unavailable('the ERP'),
      square: () =>
        squareSource({
          token,
          baseUrl,
          locationIds,
          backfillFrom: `${backfillFrom}T00:00:00.000Z`,
          repairDays: SQUARE_REPAIR_DAYS,
          onWarning,
        }),
    },
  };
}

function given<T>(value: T | null, variable: string): T {
  if (value !== null) return value;
  throw new FatalError(
    EXIT.usage,
    `${variable} is not set, and this pipe needs it`,
    '.env.example describes every variable',
  );
}

function unavailable(system: string): never {
  throw new Error(`a job asked for ${system}, which is not the system it names`);
}

/** The portal, checked: nothing is written before `openPortal` has said that it is the right one and ready. */
export interface Portal {
  readonly sink: Sink;
  /** Owner e-mails, pipeline and stage keys as the portal's ids; null when it has none. */
  readonly resolve: (spec: PropertySpec, pipeline: PipelineSpec | undefined, value: string) => string | null;
  readonly transport: Transport;
  readonly account: AccountDetails;
  readonly stats: () => CallStats;
}

export const openTransport = (config: HubspotConfig, onCall?: (event: CallEvent) => void): Transport =>
  createTransport({
    token: config.token,
    baseUrl: config.baseUrl,
    version: config.apiVersion,
    clock: systemClock,
    random: Math.random,
    ...(onCall ? { onCall } : {}),
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
  wanted: {
    readonly specs: readonly PropertySpec[];
    readonly pipelines: readonly PipelineSpec[];
    /** Look for objects people made before creating companies and contacts. */
    readonly adopt: boolean;
  },
  signal: AbortSignal,
  onCall?: (event: CallEvent) => void,
): Promise<Portal> {
  const transport = openTransport(config.hubspot, onCall);
  const account = await preflight({
    transport,
    portalIdExpected: config.hubspot.portalId,
    environment: config.environment,
    specs: wanted.specs,
    signal,
  });
  const pipelines = wanted.pipelines;
  const needsOwners = wanted.specs.some((spec) => spec.refersTo === 'owner');
  const resolve = await resolverFor({ transport, pipelines, needsOwners }, signal);
  const sink = guardContacts(hubspotSink({ transport, adopt: wanted.adopt }), {
    transport,
    confirmedOn: config.marketingToggleConfirmedOn,
    accountType: account.accountType,
  });
  return { sink, resolve, transport, account, stats: () => transport.stats() };
}
