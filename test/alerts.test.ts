/** Alerts as those who get them see them: real servers for HTTP and SMTP on this machine, a real database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { generate } from 'selfsigned';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, test } from 'vitest';
import { announce } from '../src/alerts/announce.ts';
import { signal } from '../src/alerts/book.ts';
import { adviceOn, type Channel, channelsOf, slackText } from '../src/alerts/channels.ts';
import { endingOf, ping, pingAddress } from '../src/alerts/ping.ts';
import { tellWithoutState } from '../src/alerts/unwritable.ts';
import type { ExitCode } from '../src/errors.ts';
import { type Db, openDatabase } from '../src/state/database.ts';
import { endRun, newRunId, openStream, startRun } from '../src/state/runs.ts';

const NOW = Date.parse('2026-11-21T13:00:00.000Z');
const HOUR_MS = 3_600_000;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function openState(): Db {
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-alerts-'));
  const db = openDatabase(folder, null);
  closers.push(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return db;
}

interface Answer {
  status: number;
  readonly bodies: string[];
  readonly paths: string[];
  readonly url: string;
}

/** Answers every request with `status`; 0: never. */
async function listen(status = 200): Promise<Answer> {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      bodies.push(body);
      paths.push(request.url ?? '');
      if (answer.status === 0) return;
      response.writeHead(answer.status, answer.status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const answer: Answer = { status, bodies, paths, url: `http://127.0.0.1:${portOf(server.address())}/hook` };
  return answer;
}

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === 'object' ? (address?.port ?? 0) : 0;

const NONE = { slackWebhookUrl: null, webhookUrl: null, mail: null, healthcheckUrl: null };

const TO = ['ops@example.com', 'boss@example.com'];
const statesOf = (body = ''): string[] => JSON.parse(body).incidents.map(({ state }: { state: string }) => state);

/** A mail server that takes everything. */
async function listenForMail(options: SMTPServerOptions = {}) {
  const texts: string[] = [];
  const receivers: string[][] = [];
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], ...options },
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (chunk) => {
        text += String(chunk);
      });
      stream.on('end', () => {
        texts.push(text);
        receivers.push(session.envelope.rcptTo.map(({ address }) => address));
        done();
      });
    },
  });
  server.on('error', () => undefined); // of a client that does not trust it
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closers.push(() => server.close());
  const url = `${options.secure ? 'smtps' : 'smtp'}://127.0.0.1:${portOf(server.server.address())}`;
  return { url, texts, receivers };
}

function run(db: Db, atMs: number, exit: number, trigger = 'schedule', more: object = {}, mode: object = {}): void {
  const id = newRunId(db, atMs);
  const kept = JSON.stringify({ since: null, full: false, dryRun: false, restricted: false, ...mode });
  startRun(db, {
    id,
    pipe: 'customers',
    stream: openStream(db, 'customers', 'i', 'sandbox', atMs),
    trigger,
    mode: kept,
    atMs,
  });
  const report = JSON.stringify({ reason: 'Jane Canary <!channel> pat-na1-canary', ...more });
  endRun(db, { id, status: exit === 0 ? 'ok' : 'failed', exit, report, atMs, proofs: new Map() });
}

const AROUND = { zone: 'America/Chicago', daily: new Set(['customers']), disk: null };
const tell = (db: Db, channels: readonly Channel[], nowMs: number) =>
  announce({ db, channels, environment: 'sandbox', around: AROUND }, nowMs);

describe('alerts', () => {
  test('400 failed runs are one alert, a reminder a day later, and one recovery', async () => {
    const [db, hook] = [openState(), await listen()];
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    db.transaction(() => {
      for (let index = 0; index < 400; index++) run(db, NOW + index * 1000, 6);
    })();
    for (let index = 0; index < 5; index++) await tell(db, channels, NOW + index * HOUR_MS);
    run(db, NOW + 24 * HOUR_MS, 6);
    await tell(db, channels, NOW + 25 * HOUR_MS);
    run(db, NOW + 26 * HOUR_MS, 0);
    await tell(db, channels, NOW + 26 * HOUR_MS);
    await tell(db, channels, NOW + 27 * HOUR_MS);
    const states = hook.bodies.map((body) => JSON.parse(body).incidents.map((one: { state: string }) => one.state));
    expect(states).toEqual([['opened'], ['reminder'], ['resolved']]);
  });

  test('say what, since when, with what effect and what to type, and nothing of the data', async () => {
    const [db, slack, hook] = [openState(), await listen(), await listen()];
    run(db, NOW, 4, 'schedule', { code: 'changes' });
    await tell(db, channelsOf({ ...NONE, slackWebhookUrl: slack.url, webhookUrl: hook.url }), NOW);
    expect(JSON.parse(slack.bodies[0] ?? '').text.split('\n')).toEqual([
      'retail-sync (sandbox): 1 thing needs a person',
      'customers failed: it would change far more objects than usual',
      '  since   2026-11-21 13:00 UTC',
      expect.stringMatching(/^ {2}run {5}20261121T130000000-/),
      '  effect  HubSpot keeps the state of the last good run; nothing is lost, later runs go on from there',
      '  type    retail-sync sync customers --dry-run',
    ]);
    expect(JSON.parse(hook.bodies[0] ?? '')).toMatchObject({
      schemaVersion: 1,
      environment: 'sandbox',
      incidents: [{ key: 'run-failed:customers:changes', state: 'opened', since: '2026-11-21T13:00:00.000Z' }],
    });
    expect([...slack.bodies, ...hook.bodies].join()).not.toMatch(/Jane|canary|<!/i);
  });

  test('come by mail too, as plain text from this machine', async () => {
    const [db, mails] = [openState(), await listenForMail()];
    run(db, NOW, 5);
    const { failed } = await tell(db, channelsOf({ ...NONE, mail: { smtpUrl: mails.url, to: TO } }), NOW);
    expect([failed, mails.texts.length, mails.receivers]).toEqual([[], 1, [TO]]);
    expect(mails.texts[0]).toContain('Subject: retail-sync (sandbox): 1 thing needs a person');
    expect(mails.texts[0]).toContain('customers failed: a token, a scope or the wrong portal (exit 5)');
    expect(mails.texts[0]).toMatch(/Content-Type: text\/plain/);
  });

  test('come by mail over TLS, from a server whose certificate is trusted and from no other', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    const mails = await listenForMail({ secure: true, key, cert });
    const smtpUrl = mails.url.replace('127.0.0.1', 'localhost');
    const [mail] = channelsOf({ ...NONE, mail: { smtpUrl, to: TO } });
    const message = { subject: 's', text: 't', document: {} };
    const reason = await mail?.send(message);
    expect([reason, adviceOn(reason ?? ''), mails.texts]).toEqual([
      'CERTIFICATE',
      expect.stringContaining('certificate'),
      [],
    ]);
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, cert]);
    try {
      expect([await mail?.send(message), mails.texts.length]).toEqual([null, 1]);
    } finally {
      setDefaultCACertificates(before);
    }
  });

  test('a channel that is gone is told of through the other, and heard again when it works', async () => {
    const [db, slack, hook] = [openState(), await listen(410), await listen()];
    const channels = channelsOf({ ...NONE, slackWebhookUrl: slack.url, webhookUrl: hook.url });
    run(db, NOW, 7);
    expect((await tell(db, channels, NOW)).failed).toEqual([{ channel: 'slack', reason: 'status 410' }]);
    expect(slack.bodies).toHaveLength(1); // a final answer is not asked for twice
    expect(hook.bodies.map((body) => JSON.parse(body).incidents[0].kind)).toEqual(['run-failed', 'channel']);
    slack.status = 200;
    run(db, NOW + HOUR_MS, 0);
    await tell(db, channels, NOW + HOUR_MS);
    await tell(db, channels, NOW + 2 * HOUR_MS);
    expect(JSON.parse(hook.bodies.at(-1) ?? '').incidents[0]).toMatchObject({ kind: 'channel', state: 'resolved' });
  });

  test('that nobody took are told the next time', async () => {
    const [db, hook] = [openState(), await listen(410)];
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    run(db, NOW, 7);
    await tell(db, channels, NOW);
    hook.status = 200;
    await tell(db, channels, NOW + HOUR_MS);
    expect(JSON.parse(hook.bodies.at(-1) ?? '').incidents[0]).toMatchObject({ kind: 'run-failed', state: 'opened' });
  });

  test('a silent server costs one deadline, a redirect is not followed', async () => {
    const [silent, moved] = [await listen(0), await listen(302)];
    const [slow] = channelsOf({ ...NONE, webhookUrl: silent.url });
    const [elsewhere] = channelsOf({ ...NONE, webhookUrl: moved.url });
    const message = { subject: 's', text: 't', document: {} };
    const startedMs = performance.now();
    expect(await slow?.send(message)).toBe('timeout');
    expect(performance.now() - startedMs).toBeLessThan(8_000);
    expect(await elsewhere?.send(message)).toBe('status 302');
    expect(moved.paths).toEqual(['/hook']);
  }, 20_000);

  test('a run that read only a part ends no alert, a whole one does, whoever started it', async () => {
    const [db, hook] = [openState(), await listen()];
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    run(db, NOW, 6, 'manual');
    await tell(db, channels, NOW);
    run(db, NOW + 1000, 0, 'manual', {}, { restricted: true });
    await tell(db, channels, NOW + 1000);
    expect(hook.bodies.map(statesOf)).toEqual([['opened']]);
    run(db, NOW + 2000, 0, 'schedule');
    await tell(db, channels, NOW + 2000);
    expect(hook.bodies.map(statesOf)).toEqual([['opened'], ['resolved']]);
  });

  test('another cause of the same trouble is told without a recovery of the first', async () => {
    const [db, hook] = [openState(), await listen()];
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    run(db, NOW, 6);
    await tell(db, channels, NOW);
    run(db, NOW + HOUR_MS, 4, 'schedule', { code: 'drift.field-absent' });
    await tell(db, channels, NOW + HOUR_MS);
    expect(hook.bodies.map(statesOf)).toEqual([['opened'], ['opened']]);
    expect(JSON.parse(hook.bodies[1] ?? '').incidents[0]).toMatchObject({ kind: 'drift', cause: 'field-absent' });
  });

  test('a pipe that flaps is told of six times an hour, and of how it stands in the next one', async () => {
    const [db, hook] = [openState(), await listen()];
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    for (let index = 0; index < 11; index++) {
      run(db, NOW + index * 60_000, index % 2 === 0 ? 7 : 0);
      expect((await tell(db, channels, NOW + index * 60_000)).isHeldBack).toBe(index > 5 && index % 2 === 0);
    }
    expect(hook.bodies).toHaveLength(6);
    await tell(db, channels, NOW + 2 * HOUR_MS);
    expect(statesOf(hook.bodies[6])).toEqual(['opened']);
  });

  test('work that ended before it could put a run on record is told until it gets further', async () => {
    const [db, hook] = [openState(), await listen()];
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    signal(db, 'tick', 'exit-2', NOW);
    await tell(db, channels, NOW);
    signal(db, 'tick', 'exit-2', NOW + 1000);
    await tell(db, channels, NOW + 1000);
    signal(db, 'tick', null, NOW + 2000);
    await tell(db, channels, NOW + 2000);
    expect(hook.bodies.map(statesOf)).toEqual([['opened'], ['resolved']]);
    expect(JSON.parse(hook.bodies[0] ?? '').incidents[0].what).toBe(
      'the job tick ended before it began: configuration, state or portal set-up (exit 2)',
    );
  });

  test('a state that cannot be written is told once a day, without the state', async () => {
    const [hook, home] = [await listen(), mkdtempSync(join(tmpdir(), 'retail-sync-alerts-'))];
    closers.push(() => rmSync(home, { recursive: true, force: true }));
    const channels = channelsOf({ ...NONE, webhookUrl: hook.url });
    const without = { env: { XDG_STATE_HOME: home }, stateDir: '/nowhere', environment: 'sandbox', channels };
    for (const hours of [0, 1, 23, 25]) await tellWithoutState(without, NOW + hours * HOUR_MS);
    expect(hook.bodies.map(statesOf)).toEqual([['opened'], ['opened']]);
    expect(hook.bodies[0]).not.toContain('/nowhere');
  });

  test('text for Slack has no markup of Slack left in it', () => {
    expect(slackText('<!channel> & <https://x.example.com|free>')).toBe(
      '&lt;!channel&gt; &amp; &lt;https://x.example.com|free&gt;',
    );
  });

  test('pings name the job, the run and how it ended', async () => {
    const hook = await listen();
    expect(await ping(pingAddress(`${hook.url}/{job}`, 'products+pos-orders', 'r', '/start'), '')).toBeNull();
    expect(await ping(pingAddress(`${hook.url}/{job}`, 'quotes', 'r', endingOf(6)), '')).toBeNull();
    expect(await ping(pingAddress(`${hook.url}/{job}`, 'quotes', 'r', endingOf(0)), '')).toBeNull();
    expect(hook.paths).toEqual([
      '/hook/products-pos-orders/start?rid=r',
      '/hook/quotes/fail?rid=r',
      '/hook/quotes?rid=r',
    ]);
    const others: readonly ExitCode[] = [75, 130, 143, 3];
    expect(others.map((exit) => endingOf(exit))).toEqual(['/log', '/log', '/log', '/fail']);
  });
});
