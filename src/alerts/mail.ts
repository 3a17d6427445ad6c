/** Mail over SMTP: encrypted unless the server is this machine, plain text, one attempt with a deadline. */
import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import type { Config } from '../config.ts';
import { codeOf } from '../errors.ts';
import type { Message } from './message.ts';
import { DEADLINE_MS } from './request.ts';

/** Each step has its own deadline; a server that answers each just in time is given up after this. */
const WHOLE_MS_MAX = 20_000;

/** Never throws; null when the server took the mail for every address, else a code. */
export async function mailTo(
  { smtpUrl, to }: NonNullable<Config['alerts']['mail']>,
  { subject, text }: Message,
): Promise<string | null> {
  const { hostname, username } = new URL(smtpUrl);
  const isHere =
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  const user = decodeURIComponent(username);
  const transport = createTransport({
    url: smtpUrl,
    // To another machine only encrypted: the password travels with it.
    ...(isHere ? { ignoreTLS: true } : { requireTLS: true }),
    ...{ connectionTimeout: DEADLINE_MS, greetingTimeout: DEADLINE_MS, socketTimeout: DEADLINE_MS },
    ...{ dnsTimeout: DEADLINE_MS, disableFileAccess: true, disableUrlAccess: true },
  });
  const address = user.includes('@') ? user : `retail-sync@${isHere ? 'localhost' : hostname}`;
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve('timeout'), WHOLE_MS_MAX);
  const sent = transport
    .sendMail({ from: { name: 'retail-sync', address }, to: [...to], subject, text })
    .then(({ rejected }) => (rejected.length > 0 ? 'EENVELOPE' : null))
    .catch(reasonOf);
  try {
    return await Promise.race([sent, late.promise]);
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

/** nodemailer calls all trouble of the connection ESOCKET; what it was stands in the message only. */
function reasonOf(thrown: unknown): string {
  const code = codeOf(thrown) ?? 'mail';
  const message = thrown instanceof Error ? thrown.message : '';
  if (code !== 'ESOCKET' && code !== 'ECONNECTION') return code;
  return /certificate/i.test(message) ? 'CERTIFICATE' : (/\bE[A-Z]{4,20}\b/.exec(message)?.[0] ?? code);
}
