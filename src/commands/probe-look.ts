/** What `probe` and `evidence` do alike with a sample: hold it against mapper, mirror and an earlier probe. */
import type { Subject } from '../../probes/subject.ts';
import { EXIT, FatalError } from '../errors.ts';
import { type Against, againstMapper } from '../probe/against.ts';
import type { Finding } from '../probe/finding.ts';
import { silentChanges } from '../probe/mirror.ts';
import type { SampleSummary } from '../probe/model.ts';
import type { Sample } from '../probe/sample.ts';
import { stored } from '../probe-before-run.ts';
import { isLive } from '../report/style.ts';
import type { Db } from '../state/database.ts';
import { probeBefore } from '../state/probes.ts';
import { latestMirrored } from '../state/runs.ts';
import type { Invocation } from './invocation.ts';
import type { Fed } from './probe-subject.ts';

/** One field is told once: what the mapper lacks says more than that it is gone. */
export function distinct(findings: readonly Finding[]): Finding[] {
  const absent = new Set(findings.filter(({ kind }) => kind === 'field-absent').map(({ field }) => field));
  return findings.filter(({ kind, field }) => kind !== 'field-lost' || !absent.has(field));
}

/** The sample as a sync would take it. `before`: of the baseline, if one was asked for. */
export function throughMapper(
  { inquiry, where }: Subject,
  { job, source, facts }: Fed,
  { records }: Sample,
  { masked, before }: { readonly masked: SampleSummary; readonly before: SampleSummary | null },
): Against {
  return againstMapper({
    mapping: job.mapping,
    source,
    inquiry,
    records,
    summary: masked,
    baseline: before,
    facts,
    where,
  });
}

/** Records that changed while their date stood still, by what was last synced. */
export function silentFindings({ fed, instance, resource }: Subject, { records }: Sample, state: Db | null): Finding[] {
  if (fed === null || state === null) return [];
  const mirror = latestMirrored(
    state,
    fed.job.pipe,
    instance,
    records.map(({ id }) => id),
  );
  return silentChanges(resource, records, mirror);
}

/** The newest sample of the same instance made at or before a time. */
export function earlier(
  state: Db | null,
  { system, resource, instance }: Subject,
  atMs: number,
): { summary: SampleSummary; atMs: number } | null {
  const found = state === null ? null : probeBefore(state, { system, resource, instance }, 'sample', atMs);
  const summary = found === null ? null : stored(found.summary);
  return found === null || summary === null ? null : { summary, atMs: found.atMs };
}

/** `last` is any; a day means the last one made on it or before. */
export function baselineMs(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text === 'last') return Date.now();
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T23:59:59.999Z`) : Number.NaN;
  if (Number.isNaN(ms))
    throw usage(`--baseline ${text} is neither last nor a day`, 'write --baseline last or --baseline 2026-11-01');
  return ms;
}

/** One line that is rewritten on a terminal; elsewhere silence, since a probe takes seconds. Null takes it away. */
export function progressTo(
  stream: Invocation['stderr'],
  env: Invocation['env'],
  name: string,
): (text: string | null) => void {
  if (!isLive(stream, env)) return () => undefined;
  return (text) => void stream.write(text === null ? '\r\x1b[2K' : `\r\x1b[2K${name}: ${text}`);
}

const usage = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
