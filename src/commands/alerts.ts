/** `alerts`: what is open, and whether each channel gets through. */
import { randomUUID } from 'node:crypto';
import { noteChannel, openIncidents } from '../alerts/book.ts';
import { adviceOn, channelsOf } from '../alerts/channels.ts';
import type { Message } from '../alerts/message.ts';
import { ping, pingAddress } from '../alerts/ping.ts';
import { announceState } from '../alerts/watch.ts';
import { wordingOf } from '../alerts/wording.ts';
import { type Config, loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { channelsOf as healthOf } from '../state/alert-channels.ts';
import { closeDatabase, openDatabase, openReadOnly, schemaOf } from '../state/database.ts';
import { MIGRATIONS } from '../state/migrations.ts';
import type { Invocation } from './invocation.ts';
import { withStoredState } from './stored.ts';

interface Flags {
  readonly json?: boolean;
  readonly channel?: string;
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export function alertsList(flags: Flags, invocation: Invocation): ExitCode {
  const nothing = { rows: [], channels: [] };
  const { rows, channels } = withStoredState(
    invocation,
    (db) => (schemaOf(db) < MIGRATIONS.length ? nothing : { rows: openIncidents(db), channels: healthOf(db) }),
    nothing,
  );
  if (flags.json) {
    const incidents = rows.map((row) => ({
      ...{ id: row.id, key: row.key, kind: row.kind, subject: row.subject, cause: row.cause, figures: row.figures },
      ...{ since: iso(row.sinceMs), told: iso(row.notifiedAtMs), runId: row.run, ...wordingOf(row) },
    }));
    const health = channels.map(({ channel, okMs, failedMs, reason }) => ({
      ...{ channel, lastOk: iso(okMs), failingSince: iso(failedMs), reason },
    }));
    const counts = { open: rows.length };
    invocation.stdout.write(
      print({ schemaVersion: 1, runId: null, status: 'ok', counts, incidents, channels: health }),
    );
    return EXIT.ok;
  }
  const lines = rows.flatMap((row) => {
    const { what, effect, command } = wordingOf(row);
    const told = row.notifiedAtMs === null ? 'nobody yet' : minute(row.notifiedAtMs);
    return [
      what,
      `  since   ${minute(row.sinceMs)}`,
      `  told    ${told}`,
      `  effect  ${effect}`,
      `  type    ${command}`,
    ];
  });
  invocation.stdout.write(`${lines.length === 0 ? 'Nothing is wrong that alerts know of.' : lines.join('\n')}\n`);
  return EXIT.ok;
}

const minute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

interface Tried {
  readonly channel: string;
  readonly reason: string | null;
}

/** Exit 3 when a channel did not take the message. Throws FatalError (exit 2) without such a channel. */
export async function alertsTest(flags: Flags, { env, cwd, stdout }: Invocation): Promise<ExitCode> {
  const config = loadConfig({ env, cwd, needs: [] });
  const results = await Promise.all(trials(config, flags.channel ?? null));
  if (results.length === 0) throw notConfigured(flags.channel ?? null);
  noteAll(config.stateDir, results);
  const failed = results.filter(({ reason }) => reason !== null).length;
  const exit = failed === 0 ? EXIT.ok : EXIT.deadLetters;
  const status = failed === 0 ? 'ok' : 'partial';
  const channels = results.map(({ channel, reason }) => ({
    ...{ channel, ok: reason === null, reason, fix: reason === null ? null : adviceOn(reason) },
  }));
  const counts = { channels: results.length, failed };
  stdout.write(
    flags.json
      ? print({ schemaVersion: 1, runId: null, status, exit, counts, channels })
      : channels
          .map(({ channel, reason, fix }) =>
            reason === null
              ? `✓ ${channel.padEnd(11)} taken\n`
              : `✗ ${channel.padEnd(11)} ${reason}\n    fix: ${fix}\n`,
          )
          .join(''),
  );
  return exit;
}

/** A test through each, all at once. */
function trials({ alerts, environment }: Config, only: string | null): Promise<Tried>[] {
  const text = `This is a test of the alerts of retail-sync (${environment}). Nothing is wrong.`;
  const head = { schemaVersion: 1, sentAt: new Date().toISOString(), environment };
  const document = { ...head, test: true, incidents: [], more: 0 };
  const message: Message = { subject: `retail-sync (${environment}): test`, text, document };
  const url = alerts.healthcheckUrl;
  const ways = [
    ...channelsOf(alerts).map(({ name, send }) => ({ channel: name, send: () => send(message) })),
    ...(url === null
      ? []
      : [{ channel: 'healthcheck', send: () => ping(pingAddress(url, 'test', randomUUID(), '/log'), text) }]),
  ].filter(({ channel }) => only === null || channel === only);
  return ways.map(async ({ channel, send }) => ({ channel, reason: await send() }));
}

const VARIABLES: Readonly<Record<string, string>> = {
  slack: 'ALERT_SLACK_WEBHOOK_URL',
  webhook: 'ALERT_WEBHOOK_URL',
  mail: 'ALERT_SMTP_URL and ALERT_EMAIL_TO',
  healthcheck: 'HEALTHCHECK_URL',
};

const notConfigured = (channel: string | null): FatalError =>
  channel === null
    ? new FatalError(
        EXIT.usage,
        'no alert channel is configured: nobody is told when a run fails',
        `set ${Object.values(VARIABLES).join(', ')}, or one of them`,
      )
    : new FatalError(EXIT.usage, `the alert channel ${channel} is not configured`, `set ${VARIABLES[channel]}`);

/** A channel that works again is heard of by the others; without a state there is nothing to note it in. */
function noteAll(stateDir: string, results: readonly Tried[]): void {
  const known = openReadOnly(stateDir);
  if (known === null) return;
  known.close();
  const db = openDatabase(stateDir, null);
  try {
    for (const { channel, reason } of results) noteChannel(db, channel, reason, Date.now());
  } finally {
    closeDatabase(db);
  }
}

/** For a scheduler of your own: tells what changed since the last time. */
export async function alertsSend(invocation: Invocation): Promise<ExitCode> {
  const { env, cwd } = invocation;
  const { alerts } = loadConfig({ env, cwd, needs: [] });
  if (channelsOf(alerts).length === 0) throw notConfigured(null);
  await announceState(invocation, Date.now());
  return EXIT.ok;
}
