/** `apply`: sends what a plan says, and nothing else; refuses when source or HubSpot are no longer as the plan says. */
import { readFileSync } from 'node:fs';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import { type Mission, runJob } from '../mission.ts';
import { type Plan, planSchema } from '../plan/document.ts';
import { guardPlan } from '../plan/guard.ts';
import { movedSince } from '../plan/moved.ts';
import { entriesOf } from '../plan/present.ts';
import { painter, safe } from '../report/style.ts';
import { renderSummary, summaryDocument } from '../report/summary.ts';
import type { Invocation } from './invocation.ts';
import { type LockedState, withLock } from './locked.ts';
import { withMission } from './mission.ts';
import { summarize } from './run-summary.ts';
import { LOCK_WAIT_MS } from './sync.ts';

export interface ApplyFlags {
  readonly maxCreates?: number;
  readonly maxUpdates?: number;
  readonly wait?: boolean;
  readonly json?: boolean;
}

/** An older plan is refused whatever has changed: nobody remembers what was seen. */
const AGE_MAX_MS = 24 * 3_600_000;
/** A plan of every object there is stays far below it. */
const FILE_BYTES_MAX = 200 * 1024 * 1024;
const NAMED_MAX = 10;

/** Throws FatalError: exit 2 for a file that is no plan, 4 when something has moved; else as `sync`. */
export async function apply(file: string, flags: ApplyFlags, invocation: Invocation): Promise<ExitCode> {
  const plan = readPlan(file);
  const jobs = await loadJobs();
  const job = jobs.find(({ pipe }) => pipe === plan.pipe);
  if (!job) throw new FatalError(EXIT.usage, `the plan is for ${plan.pipe}, which is no pipe`, 'make a new plan');
  refuseSize(plan, flags);
  return await withLock(invocation, { needs: [job.system], waitMs: flags.wait ? LOCK_WAIT_MS : 0 }, (state) => {
    refuseElsewhere(plan, state, Date.now());
    return withMission(state, { jobs, chosen: [job], adopt: plan.mode.adopt }, invocation, (mission) =>
      send(plan, job, flags, mission, invocation),
    );
  });
}

async function send(
  plan: Plan,
  job: LoadedJob,
  flags: ApplyFlags,
  mission: Mission,
  { stdout, env }: Invocation,
): Promise<ExitCode> {
  const { portal, stop } = mission;
  const { since, full, limit, partition, adopt } = plan.mode;
  const mode = { since, full, limit, partition, records: null, dryRun: false, approved: true };
  const before = portal.stats();
  const review: Mission['review'] = async (writes, { instance, version }) => {
    if (instance !== plan.instance) throw moved(plan, 'the plan was read from another source instance');
    if (version !== plan.mapper) throw moved(plan, 'the mapper, its profile or the portal changed since the plan');
    const found = movedSince(plan.entries, await entriesOf(writes, portal.transport, adopt, stop));
    if (found.length === 0) return;
    const named = found.slice(0, NAMED_MAX).map(({ record, what }) => `${safe(record)} (${what})`);
    const more = found.length > NAMED_MAX ? `, and ${found.length - NAMED_MAX} more` : '';
    throw moved(plan, `source or HubSpot have moved since the plan: ${named.join(', ')}${more}`);
  };
  const guarded = { ...mission, portal: { ...portal, sink: guardPlan(portal.sink, plan.entries) }, review };
  const flight = await runJob(job, mode, guarded, (ended) => summarize(job.pipe, mode, ended, before, portal.stats()));
  const summary = summarize(job.pipe, mode, flight, before, portal.stats());
  const { exit } = flight.report;
  if (flags.json) stdout.write(`${JSON.stringify({ ...summaryDocument(summary), exit }, null, 2)}\n`);
  else stdout.write(renderSummary(summary, painter(stdout, env)));
  return exit;
}

const moved = ({ pipe }: Plan, what: string): FatalError =>
  new FatalError(
    EXIT.gate,
    `${what}; nothing was written`,
    `make a new plan and look at it: retail-sync plan ${pipe} --out plan.json`,
    { code: 'plan-moved' },
  );

function readPlan(file: string): Plan {
  const bad = (why: string, cause?: unknown): FatalError =>
    new FatalError(EXIT.usage, `${file} is no plan: ${why}`, 'retail-sync plan <pipe> --out plan.json makes one', {
      cause,
    });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw bad('it cannot be read', cause);
  }
  if (text.length > FILE_BYTES_MAX) throw bad('it is larger than any plan');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad('it is not JSON', cause);
  }
  const parsed = planSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw bad(`${issue?.path.join('.') || 'the document'}: ${issue?.message}`);
}

function refuseSize({ entries, pipe }: Plan, { maxCreates, maxUpdates }: ApplyFlags): void {
  const creates = entries.filter(({ action }) => action === 'create').length;
  const updates = entries.filter(({ action }) => action === 'update' || action === 'adopt').length;
  for (const [count, max, what, flag] of [
    [creates, maxCreates, 'create', '--max-creates'],
    [updates, maxUpdates, 'change', '--max-updates'],
  ] as const) {
    if (max === undefined || count <= max) continue;
    throw new FatalError(
      EXIT.gate,
      `the plan would ${what} ${count} objects of ${pipe}, ${flag} allows ${max}; nothing was written`,
      'plan a part of it with --limit or --partition, or raise the limit',
    );
  }
}

function refuseElsewhere(plan: Plan, { config }: LockedState, nowMs: number): void {
  const { environment, hubspot } = config;
  if (plan.environment !== environment || plan.portalId !== hubspot.portalId) {
    const what = `the plan is for ${plan.environment}, portal ${plan.portalId}; this is ${environment}, portal ${hubspot.portalId}`;
    throw new FatalError(EXIT.access, what, 'make a plan for this portal');
  }
  const ageMs = nowMs - Date.parse(plan.createdAt);
  if (ageMs > AGE_MAX_MS || ageMs < -60_000)
    throw moved(plan, `the plan is of ${plan.createdAt}, and counts for 24 hours`);
}
