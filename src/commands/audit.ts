/** `audit`: what a portal holds before anything is connected to it. Reads only. */
import { resolve } from 'node:path';
import { collectAudit } from '../audit/collect.ts';
import type { Audit } from '../audit/model.ts';
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { renderAudit } from '../report/audit.ts';
import { auditPage } from '../report/audit-page.ts';
import { refuseUnwritable, writePrivately } from '../report/private-file.ts';
import { isLive, painter } from '../report/style.ts';
import { accountDetails } from '../sinks/hubspot/account.ts';
import { createTransport } from '../sinks/hubspot/transport.ts';
import type { Invocation } from './invocation.ts';

/** Returns 0, or 5 or 7 when a part could not be read. */
export async function audit(
  flags: { readonly json?: boolean; readonly html?: string },
  { env, cwd, stdout, stderr, stop }: Invocation,
): Promise<ExitCode> {
  const { hubspot } = loadConfig({ env, cwd, needs: ['hubspot'] });
  const path = flags.html === undefined ? null : resolve(cwd, flags.html);
  if (path !== null) refuseUnwritable(path, '--html');
  const live = isLive(stderr, env);
  let calls = 0;
  const { token, baseUrl, apiVersion: version } = hubspot;
  const transport = createTransport({
    ...{ token, baseUrl, version, clock: systemClock, random: Math.random },
    onCall: () => {
      calls++;
      if (live) stderr.write(`\r\x1b[2Kreading portal ${hubspot.portalId}: ${calls} calls`);
    },
  });
  try {
    const account = await accountDetails(transport, stop);
    // Only that it is the one meant: what only reads may look at a live account from any environment.
    if (account.portalId !== hubspot.portalId) throw otherPortal(account.portalId, hubspot.portalId);
    const found = await collectAudit(transport, account, new Date().toISOString(), stop);
    if (live) stderr.write('\r\x1b[2K');
    if (path !== null) writePrivately(path, auditPage(found), '--html');
    const exit = exitOf(found);
    stdout.write(flags.json ? documentOf(found, exit) : renderAudit(found, painter(stdout, env)));
    return exit;
  } finally {
    if (live) stderr.write('\r\x1b[2K');
  }
}

const otherPortal = (found: string, meant: string): FatalError =>
  new FatalError(
    EXIT.access,
    `HUBSPOT_TOKEN opens portal ${found}, but HUBSPOT_PORTAL_ID names ${meant}`,
    'Correct whichever of the two is wrong, then run: retail-sync audit',
  );

function exitOf({ gaps }: Audit): ExitCode {
  if (gaps.length === 0) return EXIT.ok;
  return gaps.some(({ exit }) => exit === EXIT.access) ? EXIT.access : EXIT.hubspot;
}

function documentOf(found: Audit, exit: ExitCode): string {
  const counts = Object.fromEntries(found.counts.map(({ object, total }) => [object, total]));
  const status = exit === EXIT.ok ? 'ok' : 'partial';
  return `${JSON.stringify({ schemaVersion: 1, runId: null, status, exit, counts, audit: found }, null, 2)}\n`;
}
