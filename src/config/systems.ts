/** The three systems as the rest of the tool sees them, and what each needs before it can be called. */
import type { Fault } from './faults.ts';
import type { VariableName, Variables } from './variables.ts';

export type Need = 'hubspot' | 'square' | 'erp';

export interface HubspotConfig {
  readonly token: string;
  /** The only portal that may be written to. Digits. */
  readonly portalId: string;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly apiVersion: 'v3' | '2026-03' | '2026-09';
  readonly quarantineMs: number;
}

export interface SquareConfig {
  readonly token: string;
  /** Empty: all locations. */
  readonly locationIds: readonly string[];
  readonly baseUrl: string;
  /** `YYYY-MM-DD`: the first day that the first run reads. */
  readonly backfillFrom: string;
}

/** How the ERP knows us. */
type ErpLogin =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string };

/** The ERP's instances: at least one. */
type ErpInstances =
  | { readonly productionUrl: string; readonly stagingUrl: string | null }
  | { readonly productionUrl: null; readonly stagingUrl: string };

export type ErpConfig = ErpInstances & {
  /** A profile's name, or the absolute path of a YAML file. */
  readonly profile: string;
  readonly login: ErpLogin;
  readonly database: string | null;
};

export interface Systems {
  readonly hubspot: HubspotConfig;
  readonly square: SquareConfig;
  readonly erp: ErpConfig;
}

/** Each system, or null when something it needs is not given. */
export type SystemsGiven = { readonly [Name in Need]: Systems[Name] | null };

export function hubspotOf(from: Variables): HubspotConfig | null {
  const { HUBSPOT_TOKEN: token, HUBSPOT_PORTAL_ID: portalId } = from;
  if (token === undefined || portalId === undefined) return null;
  return {
    token,
    portalId,
    baseUrl: from.HUBSPOT_BASE_URL,
    apiVersion: from.HUBSPOT_API_VERSION,
    quarantineMs: from.HUBSPOT_QUARANTINE_MS,
  };
}

export function squareOf(from: Variables, backfillFrom: string): SquareConfig | null {
  if (from.SQUARE_TOKEN === undefined) return null;
  return {
    token: from.SQUARE_TOKEN,
    locationIds: from.SQUARE_LOCATION_IDS,
    baseUrl: from.SQUARE_BASE_URL,
    backfillFrom,
  };
}

export function erpOf(from: Variables, profile: string): ErpConfig | null {
  const login = loginOf(from);
  const instances = instancesOf(from);
  if (login === null || instances === null) return null;
  return { ...instances, profile, login, database: from.ERP_DATABASE ?? null };
}

function loginOf({ ERP_TOKEN: token, ERP_USER: user, ERP_PASSWORD: password }: Variables): ErpLogin | null {
  if (token !== undefined) return { kind: 'token', token };
  return user !== undefined && password !== undefined ? { kind: 'password', user, password } : null;
}

function instancesOf(from: Variables): ErpInstances | null {
  const productionUrl = from.ERP_PRODUCTION_URL ?? null;
  const stagingUrl = from.ERP_STAGING_URL ?? null;
  if (productionUrl !== null) return { productionUrl, stagingUrl };
  return stagingUrl === null ? null : { productionUrl, stagingUrl };
}

/** What the command at hand cannot do without. `given` holds the names that some layer sets, valid or not. */
export function missing(needs: readonly Need[], given: ReadonlySet<VariableName>): Fault[] {
  const faults: Fault[] = [];
  const need = (names: readonly VariableName[], fix: string): void => {
    const [first = ''] = names;
    if (!names.some((name) => given.has(name))) faults.push({ name: first, wrong: 'is missing', fix });
  };
  if (needs.includes('hubspot')) {
    need(['HUBSPOT_TOKEN'], "give the private app's access token here or a file's path in HUBSPOT_TOKEN_FILE");
    need(['HUBSPOT_PORTAL_ID'], 'give the number beside your account name in HubSpot; no other portal is written to');
  }
  if (needs.includes('square')) {
    need(['SQUARE_TOKEN'], "give the application's access token here or a file's path in SQUARE_TOKEN_FILE");
  }
  if (needs.includes('erp')) {
    need(
      ['ERP_PRODUCTION_URL', 'ERP_STAGING_URL'],
      "give the ERP's address here, in ERP_STAGING_URL, or as baseUrls in the profile",
    );
    const half = given.has('ERP_USER') || given.has('ERP_PASSWORD'); // a half login is a fault of its own
    if (!half) need(['ERP_TOKEN'], "give the ERP's token here or in ERP_TOKEN_FILE, or ERP_USER and ERP_PASSWORD");
  }
  return faults;
}

/** Settings that contradict or need each other, whatever the command. */
export function contradictions(given: ReadonlySet<VariableName>): Fault[] {
  const faults: Fault[] = [];
  const together = (name: VariableName, partner: VariableName): void => {
    if (given.has(partner) && !given.has(name)) {
      faults.push({ name, wrong: `is missing beside ${partner}`, fix: `set both or neither` });
    }
  };
  together('ERP_PASSWORD', 'ERP_USER');
  together('ERP_USER', 'ERP_PASSWORD');
  together('ALERT_EMAIL_TO', 'ALERT_SMTP_URL');
  together('ALERT_SMTP_URL', 'ALERT_EMAIL_TO');
  if (given.has('ERP_TOKEN') && given.has('ERP_USER')) {
    faults.push({ name: 'ERP_TOKEN', wrong: 'is given beside ERP_USER', fix: 'keep the one your ERP profile uses' });
  }
  return faults;
}
