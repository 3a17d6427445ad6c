/** Alerts and pings of the real tool: processes, vendors over HTTP, receivers on this machine. */
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { closeLater, pause, until } from './cli-harness.ts';
import { openShop } from './cli-shop.ts';

interface Got {
  readonly path: string;
  readonly body: string;
}

/** Takes everything; `status` of what is to come may be changed. */
async function openReceiver(): Promise<{ url: string; got: Got[]; status: number }> {
  const receiver = { url: '', got: [] as Got[], status: 200 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    receiver.got.push({ path: request.url ?? '', body });
    response.writeHead(receiver.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  receiver.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return receiver;
}

const incidentsIn = ({ body }: Got): string[] =>
  JSON.parse(body).incidents.map(({ key, state }: { key: string; state: string }) => `${state} ${key}`);

test('a sync pings before and after, tells its failure and its recovery once, and a dead channel changes no exit code', async () => {
  const [hook, slack, health] = [await openReceiver(), await openReceiver(), await openReceiver()];
  const shop = await openShop({
    items: 30,
    env: {
      ALERT_WEBHOOK_URL: `${hook.url}/hook`,
      ALERT_SLACK_WEBHOOK_URL: `${slack.url}/slack-canary`,
      HEALTHCHECK_URL: `${health.url}/ping/{job}`,
    },
  });
  slack.status = 404;
  expect((await shop.sync()).code).toBe(0);
  expect(hook.got).toEqual([]);
  const [begun, done] = health.got;
  const rid = new URL(begun?.path ?? '', health.url).searchParams.get('rid');
  expect(rid).toMatch(/^[0-9a-f]{8}-/);
  expect([begun?.path, done?.path]).toEqual([`/ping/products/start?rid=${rid}`, `/ping/products?rid=${rid}`]);
  expect(done?.body).toMatch(/^products: exit 0\nrun \d{8}T\d{9}-/);

  const wrong = { ERP_TOKEN: 'erp-canary-token' };
  for (const isNews of [true, false]) {
    const { code, stderr } = await shop.sync([], wrong);
    expect([code, stderr.includes('alerts by slack failed: status 404')]).toEqual([5, isNews]);
  }
  expect(hook.got.map(incidentsIn)).toEqual([['opened run-failed:products:exit-5'], ['opened channel:slack:failing']]);
  expect(health.got.map(({ path }) => path.replace(/\?.*/, ''))).toEqual([
    ...['/ping/products/start', '/ping/products', '/ping/products/start', '/ping/products/fail'],
    ...['/ping/products/start', '/ping/products/fail'],
  ]);
  const listed = await shop.run(['alerts', 'list']);
  expect(listed.stdout).toContain('alerts no longer get through by slack');
  slack.status = 200;
  const tried = await shop.run(['alerts', 'test', '--json']);
  expect([tried.code, JSON.parse(tried.stdout).channels.map(({ ok }: { ok: boolean }) => ok)]).toEqual([
    0,
    [true, true, true],
  ]);
  expect((await shop.sync()).code).toBe(0);
  expect(hook.got.at(-1) && incidentsIn(hook.got.at(-1) ?? { path: '', body: '' })).toEqual([
    'resolved run-failed:products:exit-5',
    'resolved channel:slack:failing',
  ]);
  const everything = [...hook.got, ...slack.got, ...health.got].map(({ body }) => body).join();
  expect(everything).not.toMatch(/canary|127\.0\.0\.1|pat-/);
});

test('alerts test says which channel failed, why, and what to do', async () => {
  const hook = await openReceiver();
  hook.status = 410;
  const shop = await openShop({
    items: 1,
    isSetUp: false,
    env: {
      ALERT_WEBHOOK_URL: hook.url,
      ALERT_SMTP_URL: 'smtp://127.0.0.1:1',
      ALERT_EMAIL_TO: 'ops@example.com',
    },
  });
  const { code, stdout } = await shop.run(['alerts', 'test']);
  expect([code, stdout.split('\n')]).toEqual([
    3,
    [
      '✗ webhook     status 410',
      '    fix: the address is gone: make a new one and set the variable to it',
      '✗ mail        ECONNREFUSED',
      '    fix: nobody listens there: correct the address or the port',
      '',
    ],
  ]);
  const none = await shop.run(['alerts', 'test', '--channel', 'slack']);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('set ALERT_SLACK_WEBHOOK_URL')]);
});

test('a tick that cannot begin is told although its configuration has a fault, and by the service too', async () => {
  const hook = await openReceiver();
  const shop = await openShop({ items: 1, isSetUp: false, env: { ALERT_WEBHOOK_URL: hook.url } });
  const faulty = { HUBSPOT_PORTAL_ID: 'not-a-number' };
  expect((await shop.run(['jobs', 'tick'], faulty)).code).toBe(2);
  expect(hook.got.map(incidentsIn)).toEqual([['opened job-failed:tick:exit-2']]);
  expect((await shop.run(['jobs', 'tick'], faulty)).code).toBe(2);
  expect(hook.got).toHaveLength(1);
  const service = shop.start(['jobs', 'serve']);
  await until('the recovery is told', () => hook.got.length > 1, 30_000);
  service.kill('SIGTERM');
  await service.ended;
  await pause(10);
  expect(hook.got.slice(1).map(incidentsIn)).toEqual([['resolved job-failed:tick:exit-2']]);
});
