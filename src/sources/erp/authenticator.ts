/** Says to the ERP who we are. What was signed in for is got anew before it expires, and once when it is refused. */
import { EXIT, FatalError } from '../../errors.ts';
import { discard, readJson } from './body.ts';
import { idOf } from './canonical.ts';
import type { Clock } from './clock.ts';
import { AttemptError } from './failure.ts';
import { type Credentials, filled, missing } from './placeholders.ts';
import type { Login, OAuth2 } from './profile-auth.ts';
import type { Auth } from './profile-schema.ts';
import { valueAt } from './row.ts';

type Headers = Readonly<Record<string, string>>;

export interface Authenticator {
  /** Signs in first where that is needed. Throws AttemptError when that may work later, FatalError when refused. */
  headers(signal: AbortSignal): Promise<Headers>;
  /** These were refused. True: the next ones will be others, so that it is worth asking once more. */
  renew(refused: Headers): boolean;
}

interface AuthOptions {
  readonly auth: Auth;
  readonly credentials: Credentials;
  readonly base: URL;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

interface Session {
  readonly headers: Headers;
  /** By the clock that was given. */
  readonly untilMs: number;
}

/** A sign-in is a small question. */
const DEADLINE_MS = 30_000;
const ANSWER_BYTES_MAX = 1_000_000;
/** Tokens are changed this long before they expire, or at a tenth of their life when it is short. */
const MARGIN_MS = 60_000;

/** Throws FatalError for credentials that the scheme needs and the environment lacks. */
export function authenticator(options: AuthOptions): Authenticator {
  const { auth, credentials } = options;
  if (auth.scheme === 'oauth2') return new SignedIn(options, () => tokenRequest(auth, options));
  if (auth.scheme === 'login') return new SignedIn(options, () => loginRequest(auth, options));
  const headers = fixedHeaders(auth, credentials);
  return { headers: () => Promise.resolve(headers), renew: () => false };
}

function fixedHeaders(auth: Exclude<Auth, OAuth2 | Login>, credentials: Credentials): Headers {
  const { token, user, password } = credentials;
  if (auth.scheme === 'basic') {
    if (!user || password === undefined) throw missing('ERP_USER and ERP_PASSWORD');
    return { authorization: basic(user, password) };
  }
  // A header's own error message would quote the value.
  const value = auth.scheme === 'bearer' ? (token ?? '') : filled(auth.value, credentials);
  if (!isHeaderValue(value)) throw missing('ERP_TOKEN');
  return auth.scheme === 'bearer' ? { authorization: `Bearer ${value}` } : { [auth.header]: auth.prefix + value };
}

class SignedIn implements Authenticator {
  readonly #options: AuthOptions;
  readonly #request: () => SignIn;
  #session: Session | null = null;
  #pending: Promise<Session> | null = null;

  constructor(options: AuthOptions, request: () => SignIn) {
    this.#options = options;
    this.#request = request;
    request(); // so that a missing variable is told before anything is asked
  }

  async headers(signal: AbortSignal): Promise<Headers> {
    if (this.#session !== null && this.#options.clock.now() < this.#session.untilMs) return this.#session.headers;
    this.#pending ??= this.#signIn(signal).finally(() => {
      this.#pending = null;
    });
    this.#session = await this.#pending;
    return this.#session.headers;
  }

  renew(refused: Headers): boolean {
    if (this.#session?.headers === refused) this.#session = null;
    return true;
  }

  async #signIn(signal: AbortSignal): Promise<Session> {
    const { url, init, sessionOf } = this.#request();
    const nowMs = this.#options.clock.now();
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    let response: Response;
    try {
      response = await this.#options.fetch(url, { ...init, redirect: 'manual', signal: deadline });
    } catch (cause) {
      signal.throwIfAborted();
      throw new AttemptError('the sign-in got no answer', { cause });
    }
    if (!response.ok) {
      await discard(response);
      throw failedSignIn(response.status);
    }
    return sessionOf(response, nowMs);
  }
}

/** How one signs in, and what the answer is worth. */
interface SignIn {
  readonly url: URL;
  readonly init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string };
  readonly sessionOf: (response: Response, nowMs: number) => Promise<Session>;
}

function tokenRequest(auth: OAuth2, { credentials, base }: AuthOptions): SignIn {
  const { user, password } = credentials;
  if (!user || password === undefined) throw missing('ERP_USER (the client id) and ERP_PASSWORD (its secret)');
  const { scope, audience, clientIn } = auth;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== undefined) form.set('scope', scope);
  if (audience !== undefined) form.set('audience', audience);
  const headers: Record<string, string> = { 'content-type': FORM, accept: 'application/json' };
  if (clientIn === 'header') headers.authorization = basic(encodeURIComponent(user), encodeURIComponent(password));
  else {
    form.set('client_id', user);
    form.set('client_secret', password);
  }
  const url = new URL(filled(auth.tokenUrl, credentials).replace(/^\/+/, ''), base);
  return {
    url,
    init: { method: 'POST', headers, body: form.toString() },
    sessionOf: async (response, nowMs) => {
      const json = await readJson(response, ANSWER_BYTES_MAX);
      const token = tokenAt(json, 'access_token');
      const lifeMs = Number(valueAt(json, 'expires_in') ?? Number.NaN) * 1000;
      const untilMs = lifeMs > 0 ? nowMs + lifeMs - Math.min(MARGIN_MS, lifeMs / 10) : Number.POSITIVE_INFINITY;
      return { headers: { authorization: `Bearer ${token}` }, untilMs };
    },
  };
}

function loginRequest(auth: Login, { credentials, base }: AuthOptions): SignIn {
  const { token } = auth;
  const body = Object.entries(auth.body).map(([key, text]): [string, string] => [key, filled(text, credentials)]);
  const url = new URL(auth.path, base);
  const accept = { accept: 'application/json' };
  if (auth.method === 'GET') for (const [key, value] of body) url.searchParams.set(key, value);
  const json = {
    headers: { ...accept, 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(body)),
  };
  const form = { headers: { ...accept, 'content-type': FORM }, body: new URLSearchParams(body).toString() };
  return {
    url,
    init:
      auth.method === 'GET'
        ? { method: 'GET', headers: accept }
        : { method: 'POST', ...(auth.send === 'json' ? json : form) },
    sessionOf: async (response) => {
      const untilMs = Number.POSITIVE_INFINITY;
      if (token) {
        const value = tokenAt(await readJson(response, ANSWER_BYTES_MAX), token.from);
        return { headers: { [token.header]: token.prefix + value }, untilMs };
      }
      await discard(response);
      const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0] ?? '');
      if (cookies.length === 0) throw new AttemptError('the answer to the sign-in sets no cookie');
      return { headers: { cookie: cookies.join('; ') }, untilMs };
    },
  };
}

const FORM = 'application/x-www-form-urlencoded';

function tokenAt(json: unknown, path: string): string {
  const token = idOf(valueAt(json, path));
  if (token === null || !isHeaderValue(token))
    throw new AttemptError(`the answer to the sign-in has no token at ${path}`);
  return token;
}

const isHeaderValue = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** 429 and 5xx pass; everything else is an answer. */
function failedSignIn(status: number): Error {
  if (status === 429 || status === 408 || status >= 500)
    return new AttemptError(`the sign-in failed: status ${status}`);
  return new FatalError(
    EXIT.access,
    `the ERP refused to sign us in: status ${status}`,
    'check ERP_USER and ERP_PASSWORD, and auth in the profile: retail-sync doctor',
  );
}
