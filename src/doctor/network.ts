/** Each vendor's host: does its name resolve, does it answer, is its certificate good and for how long. No token is sent. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { asError, codeOf, EXIT, type ExitCode } from '../errors.ts';
import { bounded, type Finding, fault, fine, warning } from './finding.ts';

/** A host that a sync talks to. `isNeeded`: without it something cannot run today. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly exit: ExitCode;
  readonly isNeeded: boolean;
}

export interface NetworkSurvey {
  readonly findings: readonly Finding[];
  /** This clock less the host's, by its name. */
  readonly skews: ReadonlyMap<string, number>;
}

const DAY_MS = 86_400_000;
/** Certificates are renewed a month before their end; with less than this left, somebody forgot. */
const EXPIRY_DAYS_FEW = 14;

/** All hosts side by side, 10 s each at most. */
export async function surveyNetwork(targets: readonly Target[], stop: AbortSignal): Promise<NetworkSurvey> {
  const skews = new Map<string, number>();
  const found = await Promise.all(
    targets.map((target) =>
      bounded('network', target.name, target.isNeeded ? target.exit : EXIT.source, stop, async (signal) => {
        try {
          const { finding, skewMs } = await reach(target, signal);
          if (skewMs !== null) skews.set(target.name, skewMs);
          return [finding];
        } catch (thrown) {
          if (signal.aborted) throw thrown;
          return [unreachable(target, asError(thrown))];
        }
      }).then((lines) => (target.isNeeded ? lines : lines.map(notNeeded))),
    ),
  );
  return { findings: [...found.flat(), ...proxyFindings()], skews };
}

/** What nothing needs today is no fault. */
const notNeeded = (one: Finding): Finding =>
  one.level === 'fault'
    ? { ...one, level: 'warning', exit: null, meaning: 'no pipe reads it today; the change-over to it has to wait' }
    : one;

interface Reached {
  readonly finding: Finding;
  readonly skewMs: number | null;
}

/** `HEAD` on the host's root, without credentials: every answer will do, 401 and 404 among them. */
async function reach({ name, url }: Target, signal: AbortSignal): Promise<Reached> {
  const { origin, host, protocol } = new URL(url);
  const startedMs = Date.now();
  const reply = await head(origin, signal);
  const tookMs = Date.now() - startedMs;
  const dateMs = Date.parse(reply.headers.date ?? '');
  // The header names whole seconds, half a second old on average, of some moment while the answer was on its way.
  const skewMs = Number.isFinite(dateMs) ? startedMs + tookMs / 2 - dateMs - 500 : null;
  const answers = `${host} answers in ${tookMs} ms`;
  if (protocol === 'http:') return { finding: fine('network', name, `${answers}, over plain http`), skewMs };
  const { socket } = reply;
  if (!(socket instanceof TLSSocket)) return { finding: fine('network', name, answers), skewMs };
  return {
    finding: certificateFinding(
      name,
      `${answers}, ${socket.getProtocol() ?? 'TLS'}`,
      socket.getPeerCertificate(),
      Date.now(),
    ),
    skewMs,
  };
}

function head(origin: string, signal: AbortSignal): Promise<IncomingMessage> {
  const request = origin.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = request(origin, { method: 'HEAD', signal, headers: { connection: 'close' } }, (reply) => {
      reply.resume();
      resolve(reply);
    });
    asked.once('error', reject);
    asked.end();
  });
}

function certificateFinding(
  name: string,
  answers: string,
  certificate: Pick<PeerCertificate, 'valid_to' | 'issuer'>,
  nowMs: number,
): Finding {
  const endMs = Date.parse(certificate.valid_to);
  if (Number.isNaN(endMs)) return fine('network', name, answers);
  const days = Math.floor((endMs - nowMs) / DAY_MS);
  const issuer = certificate.issuer?.O ?? certificate.issuer?.CN ?? 'an unnamed authority';
  const said = `${answers}, certificate of ${String(issuer)} until ${new Date(endMs).toISOString().slice(0, 10)}`;
  if (days >= EXPIRY_DAYS_FEW) return fine('network', name, said);
  const fix = 'ask whoever runs that host to renew the certificate';
  return warning('network', name, `${said}: ${days} days left`, fix, 'from then on no connection is made');
}

/** What Node's codes mean, and what to do (nodejs.org/api/tls.html, x509 certificate error codes; getaddrinfo). */
const CODES: Readonly<Record<string, readonly [meaning: string, fix: string]>> = {
  ENOTFOUND: ['no such host name', 'correct the address, or see the name server of this machine'],
  EAI_AGAIN: ['the name server does not answer', 'see the network and the name server of this machine'],
  ECONNREFUSED: ['nothing listens there', 'see the address and its port, and whether the system is up'],
  ECONNRESET: ['it hangs up', 'see whether the system is up, and any firewall or proxy between'],
  ETIMEDOUT: ['it does not take the connection', 'see the address, and any firewall between'],
  EHOSTUNREACH: ['there is no way to it', 'see the network of this machine (VPN?)'],
  ENETUNREACH: ['there is no network', 'see the network of this machine'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'ask whoever runs that host to renew the certificate'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet', 'set the clock of this machine'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another host', 'use the host name that is in the certificate'],
  EPROTO: ['it does not speak TLS there', 'see the port, and http against https'],
};
const UNKNOWN_AUTHORITY = /SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED|ISSUER/;

function unreachable({ name, url, exit }: Target, error: Error): Finding {
  const code = codeOf(error) ?? '';
  const { host } = new URL(url);
  const [meaning, fix] =
    CODES[code] ??
    (UNKNOWN_AUTHORITY.test(code)
      ? ['nobody this machine trusts signed its certificate', 'set NODE_EXTRA_CA_CERTS to the file of its authority']
      : ['no connection', 'see the address, the network and whether the system is up']);
  return fault('network', name, `${host}: ${meaning}${code === '' ? '' : ` (${code})`}`, fix, exit);
}

/** nodejs.org/api/cli.html#node_use_env_proxy1 */
function proxyFindings(): Finding[] {
  const { env } = process;
  const isSet = ['HTTPS_PROXY', 'https_proxy'].some((name) => (env[name] ?? '') !== '');
  if (!isSet || env.NODE_USE_ENV_PROXY === '1') return [];
  return [
    warning(
      'network',
      'proxy',
      'HTTPS_PROXY is set, and Node does not use it by itself',
      'NODE_USE_ENV_PROXY=1',
      'where the network lets nothing out but through the proxy, no vendor is reached',
    ),
  ];
}
