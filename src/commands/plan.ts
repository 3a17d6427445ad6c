/** `plan`: the dry run and a batch read, told field by field. Nothing is written: neither to HubSpot nor to the state. */

import { limitsOf } from '../config/limits.ts';
import { loadConfig } from '../config.ts';
import { checkBreakers } from '../engine/breakers.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import { type Flight, type Mission, runJob } from '../mission.ts';
import type { Write } from '../pipe.ts';
import type { Plan } from '../plan/document.ts';
import { entriesOf } from '../plan/present.ts';
import { openScratch } from '../plan/scratch.ts';
import { type PlanReport, planDocument, renderPlan } from '../report/plan.ts';
import { planPage } from '../report/plan-page.ts';
import { writePrivately } from '../report/private-file.ts';
import { painter } from '../report/style.ts';
import { streamOf } from '../state/cursor-desk.ts';
import { collectLetters } from '../state/letter-watch.ts';
import { hasBaseline } from '../state/runs.ts';
import type { Invocation } from './invocation.ts';
import { withMission } from './mission.ts';
import { summarize } from './run-summary.ts';
import { checkPipe } from './stored.ts';

export interface PlanFlags {
  readonly since?: string;
  readonly full?: boolean;
  readonly limit?: number;
  readonly partition?: string;
  readonly adopt?: boolean;
  readonly out?: string;
  readonly html?: string;
  readonly json?: boolean;
}

/** Returns 0, 3 when something cannot be told, or the code of what stopped the reading; then no file is written. */
export async function plan(pipe: string, flags: PlanFlags, invocation: Invocation): Promise<ExitCode> {
  checkPipe(pipe);
  const { env, cwd, stdout } = invocation;
  const jobs = await loadJobs();
  const job = jobs.find((one) => one.pipe === pipe);
  if (!job) throw new FatalError(EXIT.usage, `there is no pipe called ${pipe}`, 'retail-sync plan --help');
  const config = loadConfig({ env, cwd, needs: ['hubspot', job.system] });
  const { environment, hubspot, stateDir } = config;
  const scratch = openScratch(stateDir, { environment, portalId: hubspot.portalId }, Date.now());
  try {
    const crew = { jobs, chosen: [job], adopt: flags.adopt !== false };
    const report = await withMission({ config, db: scratch.db }, crew, invocation, (mission) =>
      draw(job, flags, mission),
    );
    if (flags.out) writePrivately(flags.out, `${JSON.stringify(report.plan, null, 1)}\n`, '--out');
    if (flags.html) writePrivately(flags.html, planPage(report), '--html');
    if (flags.json) stdout.write(`${JSON.stringify(planDocument(report), null, 2)}\n`);
    else stdout.write(renderPlan(report, flags.out ?? null, painter(stdout, env)));
    return report.unclear.length > 0 || report.unproven !== null ? EXIT.deadLetters : EXIT.ok;
  } finally {
    scratch.close();
  }
}

async function draw(job: LoadedJob, flags: PlanFlags, mission: Mission): Promise<PlanReport> {
  const { db, portal, config, stop } = mission;
  const mode = modeOf(flags);
  const letters = collectLetters(db);
  const before = portal.stats();
  let about = { instance: '', version: '' };
  let writes: readonly Write[] = [];
  const review: Mission['review'] = async (planned, of) => {
    writes = planned;
    about = of;
  };
  const flight = await runJob(
    job,
    { ...mode, dryRun: true, approved: true, records: null },
    { ...mission, review },
    (ended) =>
      summarize(job.pipe, { ...mode, dryRun: true, approved: true, records: null }, ended, before, portal.stats()),
  );
  letters.stop();
  refuseFailed(flight);
  const adopt = flags.adopt !== false;
  const entries = await entriesOf(writes, portal.transport, adopt, stop);
  const { counts } = flight.report;
  const document: Plan = {
    ...{ schemaVersion: 1, kind: 'plan', createdAt: new Date().toISOString(), pipe: job.pipe },
    ...{ environment: config.environment, portalId: config.hubspot.portalId },
    ...{ instance: about.instance, mapper: about.version, mode: { ...mode, adopt } },
    counts: { read: counts.read, unchanged: counts.unchanged, deadLettered: counts.deadLettered },
    entries: entries.toSorted((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action)),
  };
  const stream = streamOf(db, job.pipe, about.instance);
  return {
    plan: document,
    excluded: counts.excluded,
    unclear: letters.seen.map(({ subject, reason }) => ({ subject, reason })),
    unproven:
      flight.report.proofs.find(({ verdict }) => verdict === 'unproven' || verdict === 'failed')?.reason ?? null,
    usual: stream === null || !hasBaseline(db, stream) ? null : unusual(job, document, stream, mission),
    hasCreateOnly: job.mapping.properties.some(({ owner }) => owner === 'create-only'),
    calls: portal.stats().calls,
    quota: portal.stats().daily,
  };
}

const ORDER: readonly string[] = ['adopt', 'unclear', 'create', 'update'];

const modeOf = ({ since, full, limit, partition }: PlanFlags) => ({
  since: since ?? null,
  full: full === true,
  limit: limit ?? null,
  partition: partition ?? null,
});

function refuseFailed({ report }: Flight): void {
  const { status, exit, reason, hint } = report;
  if (status === 'failed' || status === 'stopped') {
    throw new FatalError(exit, reason ?? 'the source could not be read', hint ?? 'retail-sync doctor');
  }
}

/** What the circuit breakers would say to a sync of this size; null when they would let it through. */
function unusual(job: LoadedJob, { entries }: Plan, stream: number, { db, config }: Mission): string | null {
  const known = db
    .prepare<[number], { n: number }>('SELECT count(*) AS n FROM objects WHERE stream = ? AND fingerprint IS NOT NULL')
    .get(stream)?.n;
  const creates = entries.filter(({ action }) => action !== 'update').length;
  try {
    const sizes = { creates, updates: entries.length - creates, blanked: new Map<string, number>() };
    checkBreakers(job.pipe, sizes, () => known ?? 0, limitsOf(config.limits, job.pipe).breakers);
    return null;
  } catch (thrown) {
    if (thrown instanceof FatalError) return thrown.message;
    throw thrown;
  }
}
