/** `sync`: one pipe or all of them, in the order of their links, under the portal's lock. */
import { systemClock } from '../clock.ts';
import { type Config, loadConfig } from '../config.ts';
import { DEFAULT_LIMITS } from '../engine/breakers.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { digest } from '../fingerprint.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import { openLog } from '../log.ts';
import type { Sink } from '../pipe.ts';
import { openProgress } from '../report/progress.ts';
import { painter } from '../report/style.ts';
import { type RunSummary, renderSummary, summaryDocument } from '../report/summary.ts';
import { type RunReport, runPipe } from '../run.ts';
import { type Db, openDatabase } from '../state/database.ts';
import { lockFolder, lockPortal } from '../state/lock.ts';
import { endRun, markCrashed, newRunId, openStream, sourceInstance, startRun } from '../state/runs.ts';
import { erpInstance, erpSystems, openPortal, type Portal } from '../systems.ts';
import type { Invocation } from './invocation.ts';

export interface SyncFlags {
  readonly since?: string;
  readonly full?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly partition?: string;
  readonly approve?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** Repeats cost only reads, so the look-back is generous: a daily job misses no late commit and no forgotten hour. */
const LOOK_BACK_MS = 26 * 3_600_000;
/** A run that was told to wait gives up after this. */
const LOCK_WAIT_MS = 2 * 3_600_000;

/** The first of these that occurred in any pipe is the exit code of the whole command. */
const WORST_FIRST: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.terminated,
  EXIT.internal,
  EXIT.access,
  EXIT.gate,
  EXIT.hubspot,
  EXIT.source,
  EXIT.usage,
  EXIT.deadLetters,
];

/** Runs and reports. Returns the exit code; throws FatalError for what was wrong before the first pipe began. */
export async function sync(name: string, flags: SyncFlags, invocation: Invocation): Promise<ExitCode> {
  const jobs = await chosenJobs(name);
  const config = loadConfig({ env: invocation.env, cwd: invocation.cwd, needs: ['hubspot', 'erp'] });
  const db = openDatabase(config.stateDir, { environment: config.environment, portalId: config.hubspot.portalId });
  try {
    const lock = await lockPortal(
      lockFolder(invocation.env),
      config.hubspot.portalId,
      flags.wait ? LOCK_WAIT_MS : 0,
      (ms) => systemClock.sleep(ms, invocation.stop),
    );
    try {
      return await syncLocked(jobs, config, db, flags, invocation);
    } finally {
      lock.release();
    }
  } finally {
    db.close();
  }
}

async function chosenJobs(name: string): Promise<LoadedJob[]> {
  const jobs = await loadJobs();
  const chosen = name === 'all' ? jobs : jobs.filter((job) => job.pipe === name);
  if (chosen.length > 0) return chosen;
  const names = jobs.map((job) => job.pipe).join(', ');
  throw new FatalError(EXIT.usage, `there is no pipe called ${name}`, `choose one of: ${names}, all`);
}

async function syncLocked(
  jobs: readonly LoadedJob[],
  config: Config<'hubspot' | 'erp'>,
  db: Db,
  flags: SyncFlags,
  invocation: Invocation,
): Promise<ExitCode> {
  const progress = openProgress({ stream: invocation.stderr, env: invocation.env, nowMs: Date.now }, () => log);
  const log = await openLog({
    level: config.logLevel,
    stream: progress.stream,
    env: invocation.env,
    secrets: config.secrets,
  });
  for (const id of markCrashed(db, Date.now()))
    log.warn('an earlier run died; this one continues where it stopped', { runId: id });
  const mappings = jobs.map((job) => job.mapping);
  const wanted = {
    specs: mappings.flatMap((mapping) => mapping.properties),
    pipelines: mappings.flatMap((mapping) => mapping.pipeline ?? []),
  };
  const portal = await openPortal(config, wanted, invocation.stop);
  const summaries: RunSummary[] = [];
  const exits = new Set<ExitCode>();
  try {
    for (const job of jobs) {
      if (invocation.stop.aborted) break;
      const { report, summary } = await runJob({ job, config, db, portal, flags, invocation, progress });
      summaries.push(summary);
      exits.add(report.exit);
    }
  } finally {
    progress.end();
  }
  const exit = WORST_FIRST.find((code) => exits.has(code)) ?? EXIT.ok;
  print(summaries, exit, flags, invocation);
  return exit;
}

interface JobRun {
  readonly job: LoadedJob;
  readonly config: Config<'hubspot' | 'erp'>;
  readonly db: Db;
  readonly portal: Portal;
  readonly flags: SyncFlags;
  readonly invocation: Invocation;
  readonly progress: ReturnType<typeof openProgress>;
}

async function runJob({
  job,
  config,
  db,
  portal,
  flags,
  invocation,
  progress,
}: JobRun): Promise<{ report: RunReport; summary: RunSummary }> {
  const startedMs = Date.now();
  const before = portal.stats();
  const instance = erpInstance(config.erp, sourceInstance(db, job.pipe), config.environment);
  const systems = erpSystems(config.erp, instance);
  const source = job.from(systems);
  const facts = {
    environment: instance.environment,
    zone: systems.zone,
    currencies: portal.account.currencies,
    names: {},
  };
  const version = digest([job.mapperVersion, source.version ?? '', JSON.stringify(facts)].join('\n'));
  const stream = openStream(db, job.pipe, instance.id, instance.environment, startedMs);
  const id = newRunId(startedMs);
  const restricted = flags.since !== undefined || flags.limit !== undefined || flags.partition !== undefined;
  const mode = { dryRun: flags.dryRun === true, full: flags.full === true, since: flags.since ?? null, restricted };
  startRun(db, {
    id,
    pipe: job.pipe,
    stream,
    trigger: invocation.trigger,
    mode: JSON.stringify(mode),
    atMs: startedMs,
  });
  const report = await runPipe(
    { name: job.pipe, mapping: job.mapping, assembles: job.assembles, deadLettersMax: job.deadLettersMax, version },
    {
      source,
      sink: mode.dryRun ? noddingSink(db, portal.sink) : portal.sink,
      db,
      stream,
      facts,
      join: () => new Map(),
      clock: systemClock,
    },
    {
      id,
      ...mode,
      limit: flags.limit ?? null,
      partition: flags.partition ?? null,
      approved: flags.approve === true,
      breakers: DEFAULT_LIMITS,
      lookBackMs: LOOK_BACK_MS,
      quarantineMs: config.hubspot.quarantineMs,
      onProgress: ({ total, ...rest }) => {
        const { calls, limitPer10s } = portal.stats();
        progress.update({
          pipe: job.pipe,
          ...rest,
          ...(total === null ? {} : { total }),
          calls: calls - before.calls,
          limitPer10s,
          usedInWindow: 0,
        });
      },
    },
    invocation.stop,
  );
  const summary = summarize(job.pipe, id, mode, report, before, portal, (Date.now() - startedMs) / 1000);
  const proofs = new Map(report.proofs.map((proof) => [proof.partition, JSON.stringify(proof)]));
  endRun(db, {
    id,
    status: report.status,
    exit: report.exit,
    report: JSON.stringify(summary),
    atMs: Date.now(),
    proofs,
  });
  return { report, summary };
}

/** The dry run's sink has no way to HubSpot: it only nods. */
function noddingSink(db: Db, real: Pick<Sink, 'batchSize' | 'concurrency'>): Sink {
  const held = db.prepare<[string, string], { hubspot_id: string }>(
    'SELECT hubspot_id FROM hubspot_ids WHERE object = ? AND key = ?',
  );
  return {
    batchSize: real.batchSize,
    concurrency: real.concurrency,
    write: async (writes) =>
      new Map(
        writes.map(({ object, key }) => {
          const id = held.get(object, key)?.hubspot_id;
          return [key, { kind: 'written', hubspotId: id ?? 'dry-run', created: id === undefined, ambiguous: false }];
        }),
      ),
  };
}

function summarize(
  pipe: string,
  runId: string,
  mode: { dryRun: boolean; full: boolean; since: string | null },
  report: RunReport,
  before: ReturnType<Portal['stats']>,
  portal: Portal,
  seconds: number,
): RunSummary {
  const after = portal.stats();
  const calls = after.calls - before.calls;
  const limited = report.proofs.some((proof) => proof.verdict === 'limited');
  return {
    pipe,
    runId,
    verdict: report.status === 'stopped' ? 'failed' : report.status,
    mode,
    counts: { ...report.counts, created: report.upserts.created, updated: report.upserts.updated },
    upserts: report.upserts.created + report.upserts.updated,
    calls,
    writeCalls: writesOf(after) - writesOf(before),
    rateLimited: after.rateLimited - before.rateLimited,
    retries: after.retries - before.retries,
    seconds,
    floorSeconds: floorSeconds(calls, after.limitPer10s, after.medianMs),
    ...(report.reason === null ? {} : { reason: report.reason }),
    ...(report.hint === null ? {} : { hint: report.hint }),
    notes: limited ? ['stopped at --limit: nothing is said about the records that were not read'] : [],
  };
}

/** Calls that change something in HubSpot; operations are named `products upsert`, `products read`. */
const writesOf = ({ byOperation }: ReturnType<Portal['stats']>): number =>
  Object.entries(byOperation).reduce(
    (sum, [name, count]) => (/ (upsert|update|create|archive|link)$/.test(name) ? sum + count : sum),
    0,
  );

/** The least time HubSpot allows for these calls: its limit, or its latency with ten requests in flight. */
const floorSeconds = (calls: number, limitPer10s: number, medianMs: number): number =>
  Math.max(10 * Math.floor(Math.max(0, calls - 1) / limitPer10s), (calls * medianMs) / 10_000);

function print(summaries: readonly RunSummary[], exit: ExitCode, flags: SyncFlags, { stdout, env }: Invocation): void {
  if (!flags.json) {
    stdout.write(summaries.map((summary) => renderSummary(summary, painter(stdout, env))).join('\n'));
    return;
  }
  const documents = summaries.map(summaryDocument);
  const [only] = documents;
  const status = exit === EXIT.ok ? 'ok' : exit === EXIT.deadLetters ? 'partial' : 'failed';
  const document =
    documents.length === 1 && only ? { ...only, exit } : { schemaVersion: 1, status, exit, runs: documents };
  stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
