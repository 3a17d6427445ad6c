/** Traces and metrics as a collector receives them, and what they cost a run: nothing it would notice. */
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { openOtlp } from '../src/telemetry/otlp.ts';
import { closeLater, openSilence, run } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN, openShop, SANDBOX_TOKEN } from './cli-shop.ts';

interface Post {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

async function openCollector(): Promise<{ url: string; posts: Post[] }> {
  const posts: Post[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    posts.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, posts };
}

/** Every object in a document that has a name. */
function namedIn(value: unknown, found: Record<string, unknown>[] = []): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return found;
  if (!Array.isArray(value) && 'name' in value) found.push({ ...value });
  for (const inner of Object.values(value)) namedIn(inner, found);
  return found;
}

/** Says so on stderr when a file of the telemetry's packages is resolved. */
const WATCH = `
import { registerHooks } from 'node:module';
process.stderr.write('modules watched\\n');
registerHooks({ resolve(specifier, context, next) {
  const found = next(specifier, context);
  if (/@opentelemetry|telemetry\\/otlp/.test(found.url)) process.stderr.write('loaded telemetry ' + found.url + '\\n');
  return found;
} });`;
const WATCHED = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WATCH)}` };

test('a run is one trace with its slices, batches and calls, and its metrics, without data or secrets', async () => {
  const collector = await openCollector();
  const shop = await openShop({
    items: 120,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20otel-canary',
    },
  });
  const { code, stderr } = await shop.sync();
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('telemetry')]);
  const traces = collector.posts.filter(({ path }) => path === '/v1/traces');
  const spans = traces.flatMap(({ body }) => namedIn(JSON.parse(body)).filter((one) => 'spanId' in one));
  const root = spans.find(({ name }) => name === 'sync products');
  expect(root?.parentSpanId ?? '').toBe('');
  expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(['batch products', 'HubSpot products upsert']));
  expect(spans.some(({ name }) => String(name).startsWith('slice '))).toBe(true);
  const inside = spans.filter((span) => span !== root);
  expect(new Set(inside.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([root?.spanId]));
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const metrics = collector.posts.filter(({ path }) => path === '/v1/metrics');
  const names = metrics.flatMap(({ body }) => namedIn(JSON.parse(body)).map(({ name }) => name));
  expect(names).toEqual(
    expect.arrayContaining(['retail_sync.runs', 'retail_sync.records', 'retail_sync.run.duration']),
  );
  expect(new Set(collector.posts.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer otel-canary']));
  const text = collector.posts.map(({ body }) => body).join();
  for (const secret of [SANDBOX_TOKEN, ERP_SANDBOX_TOKEN, 'otel-canary', shop.folder])
    expect(text).not.toContain(secret);
});

test('a collector that hangs holds a run five seconds at most, and is said once', async () => {
  const silence = await openSilence();
  let lost = 0;
  const telemetry = openOtlp({
    ...{ endpoint: silence.url, headers: {}, environment: 'sandbox', version: '1', onLost: () => lost++ },
  });
  telemetry.begin({ runId: 'r', pipe: 'products', trigger: 'manual' });
  telemetry.end({ status: 'ok', exit: 0, seconds: 1, counts: { read: 1 }, code: null });
  const startedMs = performance.now();
  await telemetry.flush();
  expect(performance.now() - startedMs).toBeLessThan(7_000);
  expect(lost).toBeGreaterThan(0);
  const shop = await openShop({ items: 20, env: { ...WATCHED, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' } });
  const { code, stderr } = await shop.sync();
  expect(stderr).toContain('loaded telemetry');
  expect([code, stderr.match(/telemetry was not taken/g)?.length]).toEqual([0, 1]);
});

test.each([
  ['--help', ['--help']],
  ['status', ['status']],
  ['sync without an endpoint', ['sync', 'products']],
])('nothing of it is loaded for %s', async (name, args) => {
  const shop = name.startsWith('sync') ? await openShop({ items: 5 }) : null;
  const { stdout, stderr } = shop ? await shop.run(args, WATCHED) : await run(args, WATCHED);
  expect(stdout.length).toBeGreaterThan(0);
  expect(stderr).toContain('modules watched');
  expect(stderr).not.toContain('loaded telemetry');
});
