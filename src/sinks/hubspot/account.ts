/** Which portal a token opens, what it may do there, and whether the portal is ready: asked before the first write. */
import { EXIT, FatalError } from '../../errors.ts';
import type { Environment, ObjectType, PropertySpec } from '../../pipe.ts';
import { ask, askIfThere } from './ask.ts';
import { unfit, unitedSpecs } from './property-definitions.ts';
import { accountReply, tokenReply } from './replies.ts';
import { listProperties } from './schema-reads.ts';
import type { Transport } from './transport.ts';

export interface AccountDetails {
  readonly portalId: string;
  /** STANDARD, DEVELOPER_TEST, SANDBOX or APP_DEVELOPER; empty when HubSpot did not say. */
  readonly accountType: string;
  /** IANA name; the daily quota resets at its midnight. Empty when HubSpot did not say. */
  readonly timeZone: string;
  /** The company currency first; ISO 4217 codes. */
  readonly currencies: readonly string[];
}

export async function accountDetails(transport: Transport, signal: AbortSignal): Promise<AccountDetails> {
  const call = {
    method: 'GET',
    path: transport.paths.account,
    budget: 'burst',
    operation: 'account read',
    kind: 'read',
  } as const;
  const reply = await ask(transport, call, accountReply, signal);
  const currencies = [reply.companyCurrency ?? '', ...(reply.additionalCurrencies ?? [])];
  return {
    portalId: reply.portalId,
    accountType: reply.accountType ?? '',
    timeZone: reply.timeZone ?? '',
    currencies: [...new Set(currencies.filter((code) => code !== ''))],
  };
}

export interface PreflightOptions {
  readonly transport: Transport;
  readonly portalIdExpected: string;
  readonly environment: Environment;
  readonly specs: readonly PropertySpec[];
  readonly signal: AbortSignal;
}

/** Reads only. Throws FatalError for the first thing that would make a write wrong or impossible. */
export async function preflight(options: PreflightOptions): Promise<AccountDetails> {
  const { transport, specs, signal } = options;
  const account = await accountDetails(transport, signal);
  checkPortal(account, options);
  await checkScopes(transport, account, specs, signal);
  await checkProperties(transport, specs, signal);
  return account;
}

export function checkPortal(
  account: AccountDetails,
  { portalIdExpected, environment }: Pick<PreflightOptions, 'portalIdExpected' | 'environment'>,
): void {
  if (account.portalId !== portalIdExpected.trim()) {
    throw new FatalError(
      EXIT.access,
      `HUBSPOT_TOKEN opens portal ${account.portalId}, but HUBSPOT_PORTAL_ID names ${portalIdExpected}`,
      'Correct whichever of the two is wrong, then run: retail-sync doctor',
    );
  }
  // A type that HubSpot did not say may be STANDARD.
  const isTest = ['DEVELOPER_TEST', 'SANDBOX', 'APP_DEVELOPER'].includes(account.accountType);
  if (environment !== 'production' && !isTest) {
    throw new FatalError(
      EXIT.access,
      `RETAIL_SYNC_ENV is ${environment}, but portal ${account.portalId} is a ${account.accountType || 'STANDARD'} account, which only production may write to`,
      'Use the token of a sandbox or developer test account, or set RETAIL_SYNC_ENV=production',
    );
  }
}

/** Either of the listed scopes will do: products have their own since they left `e-commerce`. */
export function scopesFor(object: ObjectType): readonly [readonly string[], readonly string[]] {
  const right = (name: 'read' | 'write'): readonly string[] => [
    `crm.objects.${object}.${name}`,
    ...(object === 'products' ? ['e-commerce'] : []),
  ];
  return [right('read'), right('write')];
}

/**
 * What a token may do; null where HubSpot does not tell: the endpoint is documented for private apps, and a 403 at the
 * first call names the scope instead (developers.hubspot.com/docs/api-reference/legacy, private app token information).
 */
export async function grantedScopes(transport: Transport, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
  const call = {
    method: 'POST',
    path: transport.paths.tokenInfo,
    tokenField: 'tokenKey',
    budget: 'burst',
    operation: 'token read',
    kind: 'read',
  } as const;
  const info = await askIfThere(transport, call, tokenReply, signal);
  return info?.scopes && info.scopes.length > 0 ? new Set(info.scopes) : null;
}

async function checkScopes(
  transport: Transport,
  account: AccountDetails,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<void> {
  const granted = await grantedScopes(transport, signal);
  if (granted === null) return;
  const needed = [...new Set(specs.map((spec) => spec.object))].flatMap(scopesFor);
  if (specs.some((spec) => spec.refersTo === 'owner')) needed.push(['crm.objects.owners.read']);
  const lacking = needed.filter((either) => !either.some((scope) => granted.has(scope))).map((either) => either[0]);
  if (lacking.length === 0) return;
  throw new FatalError(
    EXIT.access,
    `HUBSPOT_TOKEN lacks scopes in portal ${account.portalId}: ${lacking.join(', ')}`,
    'Add them to the service key in HubSpot (Development, Keys), then run: retail-sync doctor',
  );
}

/** Two properties or twenty cost the same one call per object. Throws FatalError (exit 2) for what is not there. */
export async function checkProperties(
  transport: Transport,
  specs: readonly PropertySpec[],
  signal: AbortSignal,
): Promise<void> {
  for (const [object, ours] of unitedSpecs(specs)) {
    const existing = await listProperties(transport, object, { archived: false }, signal);
    const missing = ours.filter((spec) => !existing.has(spec.name)).map((spec) => spec.name);
    if (missing.length > 0) {
      throw new FatalError(
        EXIT.usage,
        `The portal lacks ${missing.length} properties on ${object}: ${missing.join(', ')}`,
        'Create them with: retail-sync setup --apply',
      );
    }
    for (const spec of ours) {
      const found = existing.get(spec.name);
      const reason = found && unfit(spec, found);
      if (reason) throw new FatalError(EXIT.usage, reason, 'See all that is to do with: retail-sync setup');
    }
  }
}
