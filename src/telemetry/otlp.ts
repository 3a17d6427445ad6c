/** OpenTelemetry over OTLP and HTTP: a trace for each run, metrics beside it. Loaded only where an endpoint is configured. */
import { type Attributes, context, DiagLogLevel, diag, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { RunEvent } from '../engine/events.ts';
import type { RunEnd, Telemetry } from '../observe.ts';

export interface OtlpOptions {
  /** Such as `http://127.0.0.1:4318`; `/v1/traces` and `/v1/metrics` are appended. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly environment: string;
  readonly version: string;
  /** The endpoint did not take what was sent. */
  readonly onLost: () => void;
}

/** Of one request, the exporter's own retries included. */
const REQUEST_MS_MAX = 4_000;
/** What is not sent by then is lost: a collector that hangs holds no run. */
const FLUSH_MS_MAX = 5_000;
/** Spans that wait; more of them are dropped, not kept. */
const QUEUE_MAX = 4_096;
const METRICS_EVERY_MS = 60_000;

export function openOtlp({ endpoint, headers, environment, version, onLost }: OtlpOptions): Telemetry {
  const drop = (): void => undefined;
  const logger = { error: onLost, warn: drop, info: drop, debug: drop, verbose: drop };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const resource = resourceFromAttributes({
    ...{ 'service.name': 'retail-sync', 'service.version': version, 'deployment.environment.name': environment },
  });
  const common = { headers: { ...headers }, timeoutMillis: REQUEST_MS_MAX };
  const exporter = new OTLPTraceExporter({ ...common, url: `${endpoint}/v1/traces` });
  const limits = { maxQueueSize: QUEUE_MAX, exportTimeoutMillis: REQUEST_MS_MAX };
  const spans = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter, ...limits })] });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ ...common, url: `${endpoint}/v1/metrics` }),
    ...{ exportIntervalMillis: METRICS_EVERY_MS, exportTimeoutMillis: REQUEST_MS_MAX },
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  return { ...recorder(spans, meters), flush: () => within(FLUSH_MS_MAX, [spans, meters], onLost) };
}

async function within(
  ms: number,
  providers: readonly { shutdown(): Promise<void> }[],
  onLost: () => void,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    onLost();
    late.resolve();
  }, ms);
  const ended = Promise.all(providers.map((provider) => provider.shutdown().catch(onLost)));
  await Promise.race([ended, late.promise]);
  clearTimeout(timer);
}

function recorder(spans: TracerProvider, meters: MeterProvider): Omit<Telemetry, 'flush'> {
  const tracer = spans.getTracer('retail-sync');
  const meter = meters.getMeter('retail-sync');
  const records = meter.createCounter('retail_sync.records', { description: 'Records read, by what became of them' });
  const runs = meter.createCounter('retail_sync.runs', { description: 'Runs that ended, by their verdict' });
  const letters = meter.createCounter('retail_sync.dead_letters', { description: 'Dead letters added' });
  const seconds = meter.createHistogram('retail_sync.run.duration', { unit: 's', description: 'Length of a run' });
  const calls = meter.createHistogram('retail_sync.hubspot.call.duration', {
    ...{ unit: 's', description: 'HubSpot calls, from sending to the last byte' },
  });
  let run: { readonly span: Span; readonly pipe: string } | null = null;

  /** A span that is over already: it began `ms` ago. */
  const past = (name: string, ms: number, attributes: Attributes, isBad: boolean): void => {
    if (run === null) return;
    const parent = trace.setSpan(context.active(), run.span);
    const endMs = Date.now();
    const span = tracer.startSpan(name, { startTime: endMs - ms, attributes }, parent);
    if (isBad) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  };

  return {
    begin({ runId, pipe, trigger }) {
      const attributes = { 'retail_sync.run': runId, 'retail_sync.pipe': pipe, 'retail_sync.trigger': trigger };
      run = { span: tracer.startSpan(`sync ${pipe}`, { attributes }), pipe };
    },
    event(event) {
      if (event.kind === 'slice' || event.kind === 'batch') {
        past(`${event.kind} ${event.kind === 'slice' ? event.partition : event.object}`, event.ms, ...described(event));
      }
      if (event.kind === 'letter')
        letters.add(1, { pipe: run?.pipe ?? '', stage: event.stage, category: event.category });
    },
    call({ method, operation, status, ms, attempt }) {
      const isBad = status === 0 || status >= 400;
      const attributes = { 'http.request.method': method, 'http.response.status_code': status };
      past(`HubSpot ${operation}`, ms, { ...attributes, 'http.request.resend_count': attempt - 1 }, isBad);
      calls.record(ms / 1000, { operation, 'http.response.status_code': status });
    },
    end(end) {
      if (run === null) return;
      const { pipe, span } = run;
      endSpan(span, end);
      for (const [outcome, count] of Object.entries(end.counts)) records.add(count, { pipe, outcome });
      runs.add(1, { pipe, verdict: end.status, exit: end.exit });
      seconds.record(end.seconds, { pipe });
      run = null;
    },
  };
}

function described(event: Extract<RunEvent, { kind: 'slice' | 'batch' }>): [Attributes, boolean] {
  const { kind, ms: _, ...fields } = event;
  const attributes = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`retail_sync.${name}`, value]));
  const isBad = event.kind === 'slice' ? event.verdict === 'failed' : event.refused + event.unknown > 0;
  return [attributes, isBad];
}

function endSpan(span: Span, { status, exit, counts, code }: RunEnd): void {
  for (const [name, count] of Object.entries(counts)) span.setAttribute(`retail_sync.count.${name}`, count);
  span.setAttributes({ 'retail_sync.verdict': status, 'retail_sync.exit': exit });
  if (code !== null) span.setAttribute('retail_sync.code', code);
  if (exit !== 0) span.setStatus({ code: SpanStatusCode.ERROR, message: status });
  span.end();
}
