/** Runs one job: opens its source instance and stream, hands both ends to the engine, and keeps the record of the run. */
import { systemClock } from './clock.ts';
import { limitsOf } from './config/limits.ts';
import type { Config } from './config.ts';
import { considerFlip, shadowReader } from './cutover.ts';
import type { Resolve } from './decide.ts';
import type { RunLimits } from './engine/breakers.ts';
import type { JoinLookup, PrepareJoins } from './engine/joining.ts';
import { EXIT, FatalError } from './errors.ts';
import { digest } from './fingerprint.ts';
import { isInquirable } from './inquiry.ts';
import type { LoadedJob } from './jobs.ts';
import type { Observer, RunEnd } from './observe.ts';
import type { Facts, JoinedRow, Sink, Source, Write } from './pipe.ts';
import { runPipe } from './run.ts';
import type { Ends, RunOptions } from './run-options.ts';
import type { Progress, RunReport } from './run-report.ts';
import { checkContacts } from './sinks/hubspot/marketing.ts';
import { DELETED_AT_SOURCE } from './state/absences.ts';
import { flipOf } from './state/cutover.ts';
import type { Db } from './state/database.ts';
import {
  contactsChecked,
  createdContacts,
  endRun,
  hasBaseline,
  mirrored,
  newRunId,
  openStream,
  sourceInstance,
  startRun,
} from './state/runs.ts';
import { type Instance, instanceOf, type Portal } from './systems.ts';

/** What is common to all jobs of one command. */
export interface Mission {
  /** Every job there is: those that are joined too. */
  readonly jobs: readonly LoadedJob[];
  readonly config: Config<'hubspot'>;
  readonly db: Db;
  readonly portal: Portal;
  readonly trigger: string;
  readonly stop: AbortSignal;
  readonly onProgress: (pipe: string, progress: Progress) => void;
  readonly onWarning: (pipe: string, message: string) => void;
  readonly observer: Observer;
  /**
   * Called before the first write, when all is read, with everything that would be sent, the source instance and the
   * version of mapper and facts; throws to stop the run.
   */
  readonly review?: (
    writes: readonly Write[],
    about: { readonly instance: string; readonly version: string },
  ) => Promise<void>;
}

/** How a person asked for the run. */
export interface Mode {
  readonly since: string | null;
  readonly full: boolean;
  readonly dryRun: boolean;
  readonly limit: number | null;
  readonly partition: string | null;
  readonly records: readonly string[] | null;
  readonly approved: boolean;
  /** Stops the run before its first write when it would do more. */
  readonly limits?: RunLimits;
}

const isRestricted = ({ since, limit, partition, records }: Mode): boolean =>
  [since, limit, partition, records].some((value) => value !== null);

export interface Flight {
  readonly id: string;
  readonly report: RunReport;
  readonly seconds: number;
}

/** Repeats cost only reads, so the look-back is generous: a daily job misses no late commit and no forgotten hour. */
const LOOK_BACK_MS = 26 * 3_600_000;

/** `finish` makes of the report what is kept with the run and shown by `status`. */
export async function runJob(
  job: LoadedJob,
  mode: Mode,
  mission: Mission,
  finish: (flight: Flight) => unknown,
): Promise<Flight> {
  const { db, config, portal, stop, review } = mission;
  const startedMs = Date.now();
  await changeOver(job, mode, mission);
  const opened = openSource(job, mission);
  const { instance, source, stream } = opened;
  const id = newRunId(db, startedMs);
  const { since, full, dryRun } = mode;
  const kept = JSON.stringify({ since, full, dryRun, restricted: isRestricted(mode) });
  startRun(db, { id, pipe: job.pipe, stream, trigger: mission.trigger, mode: kept, atMs: startedMs });
  const onEvent = mission.observer.begin({ runId: id, pipe: job.pipe, trigger: mission.trigger });
  const facts = await factsOf(instance, source, mission);
  const version = digest(
    [config.quoteStageOwner, job.mapperVersion, source.version ?? '', JSON.stringify(facts)].join('\n'),
  );
  const { breakers, deadLettersMax } = limitsOf(config.limits, job.pipe);
  const options: RunOptions = {
    ...mode,
    id,
    breakers,
    createsMax: createsMaxOf(job, db, stream),
    lookBackMs: LOOK_BACK_MS,
    quarantineMs: config.hubspot.quarantineMs,
    onProgress: (progress) => mission.onProgress(job.pipe, progress),
    onEvent,
    review: review && ((writes) => review(writes, { instance: instance.id, version })),
  };
  const { assembles, needsOwnRecord = false } = job;
  const mapping = withStageOwner(job, config.quoteStageOwner);
  const report = await runPipe(
    { name: job.pipe, mapping, assembles, deadLettersMax, needsOwnRecord, version },
    {
      source,
      sink: dryRun ? noddingSink(portal.sink) : portal.sink,
      db,
      stream,
      facts,
      ...joinsOf(job, mission),
      resolve: resolveFor(job, portal),
      look: lookAt(job, mode, opened, facts, mission),
      inspect: async (signal) => {
        if (mapping.properties.some((spec) => spec.object === 'contacts')) await inspectContacts(id, mission, signal);
      },
      clock: systemClock,
    },
    options,
    stop,
  );
  const flight = { id, report, seconds: (Date.now() - startedMs) / 1000 };
  const proofs = new Map(report.proofs.map((proof) => [proof.partition, JSON.stringify(proof)]));
  const summary = JSON.stringify(finish(flight));
  endRun(db, { id, status: report.status, exit: report.exit, report: summary, atMs: Date.now(), proofs });
  mission.observer.end(endOf(flight));
  return flight;
}

function endOf({ report, seconds }: Flight): RunEnd {
  const { status, exit, counts, upserts, code } = report;
  const { excluded, ...plain } = counts;
  const left = Object.values(excluded).reduce((sum, count) => sum + count, 0);
  const { created, updated } = upserts;
  return { status, exit, seconds, code: code ?? null, counts: { ...plain, excluded: left, created, updated } };
}

/** Looks at the ERP's production address, and feeds the pipe from there once it has proved itself. */
async function changeOver(job: LoadedJob, mode: Mode, { db, config, jobs, stop, onWarning }: Mission): Promise<void> {
  const { erp } = config;
  if (erp === null || isRestricted(mode) || mode.dryRun) return;
  const given = { ...config, erp };
  const read = shadowReader({ job, config: given, stop });
  const { flipped, sentence } = await considerFlip({ db, job, config: given, jobs, nowMs: Date.now(), read });
  if (flipped) onWarning(job.pipe, sentence);
}

/** Asks the source three small questions before a run over all of it; see docs/probe.md. */
function lookAt(job: LoadedJob, mode: Mode, opened: OpenedSource, facts: Facts, mission: Mission) {
  const { config, db, onWarning } = mission;
  const { source, instance } = opened;
  return async (signal: AbortSignal): Promise<void> => {
    if (!config.probe.beforeRuns || isRestricted(mode) || !isInquirable(source)) return;
    const { probeBeforeRun } = await import('./probe-before-run.ts');
    const options = { job, source, instance: instance.id, facts, db, profile: config.erp?.profile ?? '' };
    const warn = (message: string): void => onWarning(job.pipe, message);
    await probeBeforeRun({ ...options, policies: config.probe.policies, approved: mode.approved, warn, signal });
  };
}

/** After a change to production the first load may create what the shadow reads counted, and no more. */
function createsMaxOf(job: LoadedJob, db: Db, stream: number): number | null {
  const flip = flipOf(db, job.pipe);
  return flip === null || hasBaseline(db, stream) ? null : flip.count;
}

/** Where people move the deals of the ERP between stages, the ERP names a stage at creation only. */
export function withStageOwner({ system, mapping }: LoadedJob, owner: 'erp' | 'crm'): LoadedJob['mapping'] {
  if (owner === 'erp' || system !== 'erp') return mapping;
  const properties = mapping.properties.map((spec) =>
    spec.refersTo === 'stage' ? { ...spec, owner: 'create-only' as const } : spec,
  );
  return { ...mapping, properties };
}

interface OpenedSource {
  readonly instance: Instance;
  readonly source: Source;
  readonly stream: number;
}

function openSource(job: LoadedJob, { config, db, onWarning }: Mission): OpenedSource {
  const warn = (message: string): void => onWarning(job.pipe, message);
  const instance = instanceOf(job, config, sourceInstance(db, job.pipe), warn);
  const stream = openStream(db, job.pipe, instance.id, instance.environment, Date.now());
  return { instance, source: job.from(instance.systems), stream };
}

async function factsOf(instance: Instance, source: Source, { portal, stop }: Mission): Promise<Facts> {
  const names = (await source.locationNames?.(stop)) ?? {};
  return { environment: instance.environment, zone: instance.zone, currencies: portal.account.currencies, names };
}

/** The streams and look-ups of the pipes that a job's mapping joins; they must be configured as their own pipes are. */
function joinsOf(job: LoadedJob, mission: Mission): Pick<Ends, 'join' | 'prepareJoins' | 'joinedStreams'> {
  const pipes = new Set(Object.values(job.mapping.joins ?? {}).map(({ pipe }) => pipe));
  const opened = new Map(
    mission.jobs.filter(({ pipe }) => pipes.has(pipe)).map((other) => [other.pipe, openSource(other, mission)]),
  );
  // Rows asked for in this run because the mirror has not seen them: a quote may be read before its customer.
  const fetched = new Map<string, Map<string, JoinedRow | null>>();
  const join: JoinLookup = (pipe, ids) => {
    const other = opened.get(pipe);
    if (!other || ids.length === 0) return new Map();
    const found = new Map(mirrored(mission.db, other.stream, ids).map((row) => [row.id, rowOf(row, other.source)]));
    for (const id of ids) {
      const row = fetched.get(pipe)?.get(id);
      if (row && !found.has(id)) found.set(id, row);
    }
    return found;
  };
  const prepareJoins: PrepareJoins = async (pipe, ids, signal) => {
    const other = opened.get(pipe);
    if (!other || pipe === job.pipe) return;
    const known = fetched.get(pipe) ?? new Map<string, JoinedRow | null>();
    fetched.set(pipe, known);
    const mirror = new Set(mirrored(mission.db, other.stream, ids).map((row) => row.id));
    const unknown = ids.filter((id) => !mirror.has(id) && !known.has(id));
    for (const id of unknown) known.set(id, null); // bounded: asked for once a run
    const records = unknown.length > 0 ? await other.source.get(unknown, signal) : [];
    const { scope } = mission.jobs.find((one) => one.pipe === pipe)?.mapping ?? job.mapping;
    for (const { id, raw } of records) known.set(id, judged(other.source.canonical(raw), scope));
  };
  return { join, prepareJoins, joinedStreams: new Map([...opened].map(([pipe, { stream }]) => [pipe, stream])) };
}

/** Nothing of an excluded row is kept, in memory neither: only that it is excluded. */
export function judged(record: unknown, scope: LoadedJob['mapping']['scope']): JoinedRow {
  const verdict = scope(typeof record === 'object' && record !== null ? { ...record } : {}, {});
  if (verdict.in === true) return { kind: 'record', record };
  return { kind: 'excluded', rule: verdict.in === false ? verdict.rule : SCOPE_UNKNOWN };
}

/** A row whose scope nobody can tell may be somebody's whose data stays in the source: so may be what joins it. */
const SCOPE_UNKNOWN = 'scope-unknown';

function rowOf({ raw, rule, gone }: ReturnType<typeof mirrored>[number], source: Source): JoinedRow {
  // Somebody who was excluded before stays so: a deletion makes nobody's data ours.
  if (gone === 1 && (rule === null || rule === DELETED_AT_SOURCE)) return { kind: 'gone' };
  if (raw === null) return { kind: 'excluded', rule: rule ?? SCOPE_UNKNOWN };
  return { kind: 'record', record: source.canonical(JSON.parse(raw)) };
}

/**
 * Contacts that this tool created must not be billable: looked at when the run ends and once more by the next run,
 * because a workflow may change them in between.
 */
async function inspectContacts(run: string, { db, portal }: Mission, signal: AbortSignal): Promise<void> {
  const ids = createdContacts(db);
  const billable = ids.length > 0 ? await checkContacts(portal.transport, ids, signal) : [];
  if (billable.length === 0) return contactsChecked(db, run);
  throw new FatalError(
    EXIT.gate,
    `${billable.length} of ${ids.length} contacts created by this tool are billable marketing contacts now, the first is ${billable[0]}`,
    'in HubSpot set them to non-marketing before the next billing date, and see which workflow or app setting made them so: Settings > Integrations > Marketing contacts',
    { code: 'billable-contact' },
  );
}

const resolveFor =
  ({ mapping }: LoadedJob, portal: Portal): Resolve =>
  (spec, value) =>
    portal.resolve(spec, mapping.pipeline, value);

/** The dry run's sink has no way to HubSpot: it only nods. */
function noddingSink(real: Pick<Sink, 'batchSize' | 'concurrency' | 'keyed'>): Sink {
  return {
    batchSize: real.batchSize,
    concurrency: real.concurrency,
    keyed: (object, keyProperty, signal) => real.keyed(object, keyProperty, signal),
    write: async (writes) =>
      new Map(
        writes.map(({ key, hubspotId }) => [
          key,
          { kind: 'written', hubspotId: hubspotId ?? 'dry-run', created: hubspotId === null, ambiguous: false },
        ]),
      ),
    read: async () => new Map(),
    update: async () => new Map(),
    link: async () => [],
    unlink: async () => [],
  };
}
