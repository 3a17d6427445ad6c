/** `probe`: a spread sample of a live system, its statistics, its behaviour, and what differs from what we rely on. */
import { resolve } from 'node:path';
import type { Subject } from '../../probes/subject.ts';
import { type Config, loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { measureBehaviour } from '../probe/behaviour.ts';
import { changesBetween } from '../probe/changes.ts';
import { byGravity, type Finding, withoutProfile } from '../probe/finding.ts';
import type { SampleSummary } from '../probe/model.ts';
import { type Sample, takeSample } from '../probe/sample.ts';
import { statisticsOf } from '../probe/statistics.ts';
import { writePrivately } from '../report/private-file.ts';
import { type ProbeReport, probeDocument, renderProbe } from '../report/probe.ts';
import { probePage } from '../report/probe-page.ts';
import { renderRecording } from '../report/recording.ts';
import { painter } from '../report/style.ts';
import { planSchema } from '../sinks/hubspot/schema.ts';
import { closeDatabase, openDatabase, openReadOnly } from '../state/database.ts';
import { keepProbe } from '../state/probes.ts';
import { openTransport } from '../systems.ts';
import type { Invocation } from './invocation.ts';
import { baselineMs, distinct, earlier, progressTo, silentFindings, throughMapper } from './probe-look.ts';
import { folderOf, type RecordFlags, record } from './probe-record.ts';
import { fedOf, subjectOf } from './probe-subject.ts';

export interface ProbeFlags extends RecordFlags {
  readonly sample: number;
  readonly against?: 'mapper';
  readonly baseline?: string;
  readonly gate?: boolean;
  readonly field?: string;
  readonly values?: boolean;
  readonly html?: string;
  readonly json?: boolean;
}

const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  erp: ['products', 'customers', 'quotes'],
  square: ['orders', 'customers', 'locations'],
  hubspot: ['products', 'companies', 'contacts', 'deals'],
};

/** Without a resource, all of the system's. Returns 4 with `--gate` and a finding that would stop a run. */
export async function probe(
  system: string,
  resource: string | null,
  flags: ProbeFlags,
  invocation: Invocation,
): Promise<ExitCode> {
  const known = RESOURCES[system];
  if (known === undefined) throw usage(`there is no system called ${system}`, 'choose erp, square or hubspot');
  if (resource !== null && !known.includes(resource))
    throw usage(`${system} has no ${resource} to probe`, `choose one of: ${known.join(', ')}`);
  if (flags.html !== undefined && resource === null)
    throw usage('--html writes the page of one resource', `name one of: ${known.join(', ')}`);
  const { env, cwd, stdout } = invocation;
  const folder = folderOf(resource, flags, cwd);
  const need = system === 'erp' ? 'erp' : system === 'square' ? 'square' : 'hubspot';
  const config = loadConfig({ env, cwd, needs: [need] });
  const beforeMs = baselineMs(flags.baseline);
  const reports: ProbeReport[] = [];
  for (const name of resource === null ? known : [resource]) {
    const report = await probeOne(system, name, { flags, config, beforeMs, folder, invocation });
    reports.push(report);
    if (!flags.json) {
      const paint = painter(stdout, env);
      stdout.write(renderProbe(report, flags.field ?? null, paint));
      if (report.recording !== null) stdout.write(renderRecording(report.recording, paint));
    }
    if (flags.html !== undefined) writePrivately(resolve(cwd, flags.html), probePage(report), '--html');
  }
  const exit = exitOf(reports, flags);
  if (flags.json) stdout.write(`${JSON.stringify(probeDocument(reports, exit), null, 2)}\n`);
  return exit;
}

function exitOf(reports: readonly ProbeReport[], { gate = false }: ProbeFlags): ExitCode {
  const isStopped = reports.some(({ findings, policies }) => findings.some(({ kind }) => policies[kind] === 'stop'));
  if (gate && isStopped) return EXIT.gate;
  return reports.some(({ recording }) => recording?.recording.leftOut.length) ? EXIT.deadLetters : EXIT.ok;
}

interface Task {
  readonly flags: ProbeFlags;
  readonly config: Config;
  /** The newest baseline made at or before this; null: no comparison. */
  readonly beforeMs: number | null;
  /** Where fixtures go, checked; null: none are recorded. */
  readonly folder: string | null;
  readonly invocation: Invocation;
}

async function probeOne(
  system: string,
  resource: string,
  { flags, config, beforeMs, folder, invocation }: Task,
): Promise<ProbeReport> {
  const { stop, stderr, env } = invocation;
  const startedMs = Date.now();
  const state = openReadOnly(config.stateDir);
  try {
    const subject = await subjectOf(system, resource, config, state);
    if (folder !== null) fedOf(subject);
    const say = progressTo(stderr, env, `${system} ${resource}`);
    const partitions = await subject.partitions(stop);
    const { inquiry } = subject;
    const sample = await takeSample({
      ...{ inquiry, partitions, size: flags.sample, nowMs: startedMs, signal: stop },
      onProgress: ({ calls, records }) => say(`${records} records seen, ${calls} calls`),
    });
    let calls = sample.calls;
    const onCall = (): void => say(`how it answers, ${++calls} calls`);
    const behaviour = await measureBehaviour({ inquiry, sample, nowMs: Date.now(), signal: stop, onCall });
    const summaryWith = (isUnmasked: boolean): SampleSummary =>
      statisticsOf([...sample.records.map(({ raw }) => raw), ...sample.unusable], {
        isAboutPeople: subject.isAboutPeople,
        isUnmasked,
      });
    const masked = summaryWith(false);
    const before = beforeMs === null ? null : earlier(state, subject, beforeMs);
    const against =
      flags.against === 'mapper'
        ? await compare(subject, sample, { masked, before: before?.summary ?? null }, config, stop)
        : null;
    const silent = silentFindings(subject, sample, state);
    const recording =
      folder === null ? null : await record({ subject, sample, folder, flags, jobs: await loadJobs(), stop });
    say(null);
    keep(config, subject, masked, startedMs);
    const findings = [
      ...(subject.hasProfile
        ? behaviour.findings
        : behaviour.findings.map((one) => withoutProfile(one, subject.where))),
      ...silent,
      ...(against?.findings ?? []),
      ...(before?.summary ? changesBetween(before.summary, masked, subject.where) : []),
    ];
    const { policies } = config.probe;
    return {
      ...{
        system,
        resource,
        about: subject.about,
        atMs: startedMs,
        seconds: (Date.now() - startedMs) / 1000,
        calls,
        policies,
      },
      sample: {
        size: sample.records.length,
        seen: sample.seen,
        slices: sample.slices,
        oldest: sample.oldest,
        newest: sample.newest,
      },
      summary: flags.values ? summaryWith(true) : masked,
      answers: behaviour.answers,
      findings: byGravity(distinct(findings), policies),
      mapper: against?.counts ?? null,
      recording,
      baselineMs: beforeMs === null ? undefined : (before?.atMs ?? null),
    };
  } finally {
    state?.close();
  }
}

async function compare(
  subject: Subject,
  sample: Sample,
  { masked, before }: { readonly masked: SampleSummary; readonly before: SampleSummary | null },
  config: Config,
  stop: AbortSignal,
) {
  const { fed } = subject;
  if (fed === null) throw usage(`no mapper reads ${subject.system} ${subject.resource}`, 'leave out --against mapper');
  const { mapping } = fed.job;
  const against = throughMapper(subject, fed, sample, { masked, before });
  if (config.hubspot === null) return against;
  const pipelines = mapping.pipeline === undefined ? [] : [mapping.pipeline];
  const { steps, blocked } = await planSchema(openTransport(config.hubspot), mapping.properties, pipelines, stop);
  const todo = [...blocked, ...steps.map((step) => step.describe())];
  if (todo.length === 0) return against;
  const lacking: Finding = {
    kind: 'hubspot-schema',
    field: null,
    message: `the portal lacks ${todo.length} things that ${fed.job.pipe} writes to: ${todo.slice(0, 3).join('; ')}${todo.length > 3 ? '; …' : ''}`,
    evidence: `compared with portal ${config.hubspot.portalId}`,
    fix: 'retail-sync setup shows all of it, retail-sync setup --apply makes it',
  };
  return { ...against, findings: [...against.findings, lacking] };
}

function keep(
  { stateDir }: Config,
  { system, resource, instance }: Subject,
  summary: SampleSummary,
  atMs: number,
): void {
  const db = openDatabase(stateDir, null);
  try {
    keepProbe(db, { system, resource, instance }, { atMs, kind: 'sample', summary: JSON.stringify(summary) });
  } finally {
    closeDatabase(db);
  }
}

const usage = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
