/** Before a scheduled run: is there a network, and is our clock right? A machine that just woke may lack both. */
import type { Clock } from '../clock.ts';
import { EXIT, FatalError } from '../errors.ts';
import { SKEW_MS_MAX } from './tick.ts';

/** Waking, a laptop needs seconds for its network; after this it is somewhere without one. */
const NETWORK_WAIT_MS = 5 * 60_000;
const ASK_AGAIN_MS = 10_000;
const ANSWER_MS_MAX = 20_000;
/** What says that we have no network, and nothing about the other side. */
const OFFLINE = ['ENOTFOUND', 'EAI_AGAIN', 'ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL'];

export interface GateOptions {
  /** HubSpot's address: every job needs it. */
  readonly url: string;
  readonly clock: Clock;
}

/**
 * Waits until the network is there, and compares the clocks. No attempt is counted for what fails here.
 * Throws FatalError: exit 7 without network, 1 for a wrong clock.
 */
export async function passGate(options: GateOptions, signal: AbortSignal): Promise<void> {
  const { url, clock } = options;
  const giveUpAtMs = clock.now() + NETWORK_WAIT_MS;
  for (;;) {
    try {
      return compareClocks(await vendorTime(url, signal), clock.now(), new URL(url).host);
    } catch (error) {
      if (error instanceof FatalError || signal.aborted) throw error;
      const code = codeOf(error);
      // Reached, but not answering as it should: the run itself finds out what it is, and says it better.
      if (!OFFLINE.includes(code)) return;
      if (clock.now() >= giveUpAtMs) throw offline(url, code);
    }
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}

/** Unauthenticated and without a body: any answer has the vendor's clock in its head. */
async function vendorTime(url: string, signal: AbortSignal): Promise<number> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  const reply = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: limit });
  return Date.parse(reply.headers.get('date') ?? '');
}

function compareClocks(vendorMs: number, nowMs: number, host: string): void {
  if (Number.isNaN(vendorMs) || Math.abs(vendorMs - nowMs) <= SKEW_MS_MAX) return;
  throw new FatalError(
    EXIT.internal,
    `the clock of this machine says ${new Date(nowMs).toISOString()}, that of ${host} ${new Date(vendorMs).toISOString()}: nothing is run by a wrong clock`,
    'set the clock; the next tick looks again',
  );
}

/** fetch hides the cause one or two levels down. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    const [first] = at instanceof AggregateError ? at.errors : [];
    if (first instanceof Error && 'code' in first && typeof first.code === 'string') return first.code;
  }
  return '';
}

const offline = (url: string, code: string): FatalError =>
  new FatalError(
    EXIT.hubspot,
    `there is no network: ${new URL(url).host} was not reached in ${NETWORK_WAIT_MS / 60_000} min (${code})`,
    'nothing is lost: the slot stays open, and the next tick looks again',
  );
