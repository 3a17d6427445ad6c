/** How a draft gets in: the address that its paths hang on, and the sign-in that the configuration names. */
import { resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import type { ErpConfig } from '../config/systems.ts';
import { loadConfig } from '../config.ts';
import { EXIT, FatalError } from '../errors.ts';
import { type Guess, guessed } from '../probe/draft/model.ts';
import { type Authenticator, authenticator } from '../sources/erp/authenticator.ts';
import { loadDescription, type Profile } from '../sources/erp/profile.ts';
import type { Auth } from '../sources/erp/profile-schema.ts';
import type { Invocation } from './invocation.ts';
import type { Target } from './probe-draft.ts';

export interface Access {
  /** What paths are relative to; no slash at its end. */
  readonly base: string;
  readonly isStaging: boolean;
  readonly pathOf: (url: URL) => string;
  readonly zone: Guess<string>;
  readonly auth: Guess<Auth>;
  /** Null: nothing is configured to sign in with. */
  readonly authenticator: Authenticator | null;
  /** What was sent, for messages: never a value. */
  readonly login: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of ERP_PROFILE, where somebody set one. */
  readonly profile: Profile | null;
  readonly notes: readonly string[];
}

export function accessOf(
  targets: readonly Target[],
  draft: string,
  { env, cwd }: Invocation,
  make: typeof fetch,
): Access {
  const own = commonBase(targets.map(({ url }) => url));
  const given = loadConfig({ env, cwd, needs: [] });
  const erp = given.erp ?? loadConfig({ env, cwd, needs: [], flags: { ERP_PRODUCTION_URL: own } }).erp;
  const isNamed = given.settings().some(({ name, origin }) => name === 'ERP_PROFILE' && origin !== 'default');
  const profile = isNamed && erp !== null ? profileOf(erp.profile, draft) : null;
  refuseStranger(own, given.erp);
  const { base, isStaging, notes } = baseFor(targets, own, given.erp);
  const auth = authFor(erp, profile);
  const ways = erp === null ? null : { ...erp.login, ...(erp.database === null ? {} : { database: erp.database }) };
  const url = new URL(`${base}/`);
  return {
    ...{ base, isStaging, notes, profile, auth },
    pathOf: ({ pathname }) => pathname.slice(new URL(`${base}/`).pathname.length),
    zone: zoneOf(profile),
    authenticator:
      ways === null
        ? null
        : authenticator({ auth: auth.value, credentials: ways, base: url, clock: systemClock, fetch: make }),
    login:
      erp === null
        ? 'asked without signing in: neither ERP_TOKEN nor ERP_USER is set'
        : `signed in by ${auth.value.scheme}`,
    headers: profile?.headers ?? {},
  };
}

/** What is configured signs in at the host it was given for, and nowhere else. */
function refuseStranger(own: string, erp: ErpConfig | null): void {
  if (erp === null) return;
  const { origin } = new URL(own);
  const origins = [erp.productionUrl, erp.stagingUrl].flatMap((url) => (url === null ? [] : [new URL(url).origin]));
  if (origins.includes(origin)) return;
  throw new FatalError(
    EXIT.usage,
    `--url names ${origin}, but the sign-in that is configured belongs to ${origins.join(' and ')}`,
    `set ERP_PRODUCTION_URL=${own} and the sign-in of that ERP before you ask it`,
  );
}

/** Another profile lends its sign-in, its headers and its zone; the draft itself may be named already. */
function profileOf(nameOrPath: string, draft: string): Profile | null {
  if (resolve(nameOrPath) === draft) return null;
  const description = loadDescription(nameOrPath);
  return 'adapter' in description ? null : description;
}

function authFor(erp: ErpConfig | null, profile: Profile | null): Guess<Auth> {
  if (erp === null)
    return guessed(
      { scheme: 'bearer' },
      0.3,
      'nothing is set to sign in with, and it answered; runs need ERP_TOKEN all the same',
    );
  const takesToken = profile === null || profile.auth.scheme === 'bearer';
  if (takesToken && erp.login.kind === 'password')
    return guessed({ scheme: 'basic' }, 0.9, 'accepted with ERP_USER and ERP_PASSWORD');
  if (profile !== null && profile.auth.scheme !== 'bearer')
    return guessed(profile.auth, 0.9, `accepted as in ${profile.name}`);
  return guessed({ scheme: 'bearer' }, 0.9, 'accepted with ERP_TOKEN');
}

function zoneOf(profile: Profile | null): Guess<string> {
  if (profile !== null) return guessed(profile.zone, 0.5, `as in ${profile.name}; what a time without offset means`);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return guessed(zone, 0.4, "this machine's own: say where the ERP is. It decides what a time without offset means");
}

/** The folder that all addresses lie in. */
function commonBase(urls: readonly URL[]): string {
  const folders = urls.map(({ pathname }) => pathname.replace(/\/+$/, '').split('/').slice(0, -1));
  const [first = []] = folders;
  const shared = first.findIndex((part, at) => folders.some((folder) => folder[at] !== part));
  return `${urls[0]?.origin ?? ''}${first.slice(0, shared < 0 ? first.length : shared).join('/')}`;
}

/** The configured address where the addresses lie below it, so that the profile works with it as it is. */
function baseFor(
  targets: readonly Target[],
  own: string,
  erp: ErpConfig | null,
): Pick<Access, 'base' | 'isStaging' | 'notes'> {
  const holds = (base: string | null): base is string =>
    base !== null && targets.every(({ url }) => url.href.startsWith(`${base}/`));
  const staging = erp?.stagingUrl ?? null;
  const production = erp?.productionUrl ?? null;
  if (holds(staging)) return { base: staging, isStaging: true, notes: [] };
  if (holds(production)) return { base: production, isStaging: false, notes: [] };
  const notes =
    erp === null
      ? []
      : [
          `the addresses are not below ERP_STAGING_URL or ERP_PRODUCTION_URL: set one of them to ${own} before you use this profile`,
        ];
  return { base: own, isStaging: false, notes };
}
