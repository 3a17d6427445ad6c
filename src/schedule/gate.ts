/**
 * Before a scheduled run: is there a network, is our clock right, does HubSpot still know us? A machine that just woke
 * may lack the first two, and a token that was taken back the third. What fails here costs no slot an attempt.
 */
import type { Clock } from '../clock.ts';
import { codeOf, EXIT, FatalError } from '../errors.ts';
import { SKEW_MS_MAX } from './tick.ts';

/** Waking, a laptop needs seconds for its network; after this it is somewhere without one. */
export const NETWORK_WAIT_MS = 5 * 60_000;
const ASK_AGAIN_MS = 10_000;
const ANSWER_MS_MAX = 20_000;
/** What says that we have no network, and nothing about the other side. */
const OFFLINE = [
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL'],
  // Into a network that is not up yet, packets vanish.
  ...['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'TimeoutError'],
];
/** A certificate that is not valid on the day that our clock shows. */
const WRONG_DAY = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];

export interface GateOptions {
  /** `url` answers whom the token belongs to. */
  readonly hubspot: { readonly url: string; readonly token: string };
  /** Its instances, of which one has to answer; empty without an ERP. */
  readonly erpUrls: readonly string[];
  readonly clock: Clock;
  /** How long a network is waited for; 0 when a person waits himself. */
  readonly waitMs: number;
  readonly onNotice: (message: string) => void;
}

/**
 * Waits until HubSpot is reached, compares the clocks, and sees that the token is taken; within the same time waits for
 * the ERP, which may need a VPN. Throws FatalError: exit 7 without network, 1 for a wrong clock, 5 for a refused token.
 */
export async function passGate(options: GateOptions, signal: AbortSignal): Promise<void> {
  const { hubspot, erpUrls, clock, waitMs, onNotice } = options;
  const until = clock.now() + waitMs;
  const { host } = new URL(hubspot.url);
  const answer = await reach([hubspot.url], { authorization: `Bearer ${hubspot.token}` }, until, options, signal);
  if (answer === 'offline') throw offline(host, waitMs);
  if (answer !== 'unclear') {
    compareClocks(answer.dateMs, clock.now(), host);
    if (answer.status === 401) throw refused(host);
  }
  if (erpUrls.length === 0) return;
  const erp = await reach(erpUrls, {}, until, options, signal);
  // Other jobs can do without it: the run that cannot says so, and is tried again.
  if (erp === 'offline') return onNotice(`the ERP is not reached: ${erpUrls.map(hostOf).join(', ')}`);
  if (erp !== 'unclear' && Math.abs(erp.dateMs - clock.now()) > SKEW_MS_MAX) {
    onNotice(`the clock of the ERP says ${iso(erp.dateMs)}, ours ${iso(clock.now())}`);
  }
}

interface Answer {
  readonly status: number;
  /** NaN when the answer has no date. */
  readonly dateMs: number;
}

/** The first answer of several addresses. `unclear`: reached, but not as it should be; the run says that better. */
async function reach(
  urls: readonly string[],
  headers: Readonly<Record<string, string>>,
  untilMs: number,
  { clock, onNotice }: GateOptions,
  signal: AbortSignal,
): Promise<Answer | 'offline' | 'unclear'> {
  for (let isFirst = true; ; isFirst = false) {
    // bounded: until the given time
    let isOffline = true;
    for (const url of urls) {
      const answer = await ask(url, headers, signal);
      if (typeof answer !== 'string') return answer;
      if (WRONG_DAY.includes(answer)) throw wrongDay(hostOf(url), answer, clock.now());
      isOffline &&= OFFLINE.includes(answer);
    }
    if (!isOffline) return 'unclear';
    if (clock.now() >= untilMs) return 'offline';
    if (isFirst) onNotice(`${urls.map(hostOf).join(', ')}: not reached yet, waiting for the network`);
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}

/** Any answer has the vendor's clock in its head; else the code of what stood in the way. */
async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer | string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  try {
    const reply = await fetch(url, { headers, redirect: 'manual', signal: limit });
    await reply.body?.cancel();
    return { status: reply.status, dateMs: Date.parse(reply.headers.get('date') ?? '') };
  } catch (error) {
    if (signal.aborted) throw error;
    return error instanceof Error && error.name === 'TimeoutError' ? error.name : (codeOf(error) ?? '');
  }
}

function compareClocks(vendorMs: number, nowMs: number, host: string): void {
  if (Number.isNaN(vendorMs) || Math.abs(vendorMs - nowMs) <= SKEW_MS_MAX) return;
  throw new FatalError(
    EXIT.internal,
    `the clock of this machine says ${iso(nowMs)}, that of ${host} ${iso(vendorMs)}: nothing is run by a wrong clock`,
    'set the clock; the next tick looks again',
  );
}

const wrongDay = (host: string, code: string, nowMs: number): FatalError =>
  new FatalError(
    EXIT.internal,
    `the clock of this machine says ${iso(nowMs)}, and then the certificate of ${host} is not valid (${code}): nothing is run by a wrong clock`,
    'set the clock; if it is right, see what stands between this machine and HubSpot; the next tick looks again',
  );

const offline = (host: string, waitMs: number): FatalError =>
  new FatalError(
    EXIT.hubspot,
    `there is no network: ${host} was not reached${waitMs > 0 ? ` in ${waitMs / 60_000} min` : ''}`,
    'nothing is lost: the slot stays open, and the next tick looks again',
  );

const refused = (host: string): FatalError =>
  new FatalError(
    EXIT.access,
    `${host} refuses the token of HUBSPOT_TOKEN (status 401): nothing was begun`,
    'put a valid token into .env; the slot stays open, and the next tick looks again',
  );

const iso = (ms: number): string => new Date(ms).toISOString();
const hostOf = (url: string): string => new URL(url).host;
