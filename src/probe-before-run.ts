/** Holds the small probe against the last one of its kind, and stops or warns as the policies say. */
import { asError, FatalError, TransientError } from './errors.ts';
import type { Inquirable } from './inquiry.ts';
import type { LoadedJob } from './jobs.ts';
import type { Facts, Source } from './pipe.ts';
import type { Policies } from './probe/finding.ts';
import { type Gate, lookBeforeRun, refusalOf } from './probe/gate.ts';
import { SampleSummary } from './probe/model.ts';
import type { Db } from './state/database.ts';
import { keepProbe, probeBefore } from './state/probes.ts';

interface BeforeRun {
  readonly job: LoadedJob;
  readonly source: Source & Inquirable;
  readonly instance: string;
  readonly facts: Facts;
  readonly db: Db;
  readonly profile: string;
  readonly policies: Policies;
  readonly approved: boolean;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Throws FatalError (exit 4, code `drift.…`) for this pipe alone. What stopped a run is no baseline for the next one. */
export async function probeBeforeRun(before: BeforeRun): Promise<void> {
  const { job, instance, db, policies, approved, warn } = before;
  const subject = { system: 'erp', resource: job.pipe, instance };
  const nowMs = Date.now();
  const last = probeBefore(db, subject, 'gate', nowMs);
  const gate = await look(before, last === null ? null : stored(last.summary), nowMs);
  if (gate === null) return;
  const refusal = refusalOf(job.pipe, gate.findings, policies);
  if (refusal !== null && !approved) throw refusal;
  for (const { kind, message, evidence } of gate.findings) {
    if (policies[kind] !== 'ignore') warn(`drift (${kind}): ${message}; ${evidence}`);
  }
  keepProbe(db, subject, { atMs: nowMs, kind: 'gate', summary: JSON.stringify(gate.summary) });
}

/** A source that does not answer now is the run's own business: it has retries, slices and words for it. */
async function look(
  { job, source, facts, profile, signal }: BeforeRun,
  baseline: SampleSummary | null,
  nowMs: number,
): Promise<Gate | null> {
  const where = `the ERP profile (ERP_PROFILE=${profile.split('/').at(-1)})`;
  try {
    return await lookBeforeRun({
      mapping: job.mapping,
      source,
      inquiry: source.inquiry,
      facts,
      where,
      baseline,
      nowMs,
      signal,
    });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asError(thrown);
    if (error instanceof FatalError || error instanceof TransientError) return null;
    throw error;
  }
}

/** Statistics of an older version that read differently are no baseline. */
export const stored = (json: string): SampleSummary | null => SampleSummary.safeParse(JSON.parse(json)).data ?? null;
