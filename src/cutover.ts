/**
 * Staging becomes production one day, without anyone saying so. Each pipe of the ERP looks at the production address by
 * itself, in shadow, and changes over when it has seen the same often enough. It never changes back.
 */
import type { Database } from 'better-sqlite3';
import type { Config } from './config.ts';
import { type Decision, decideFlip, isReadDue, type ShadowRead, type Situation } from './cutover/decision.ts';
import type { CutoverJob, ShadowReader } from './cutover/reader.ts';
import { digest } from './fingerprint.ts';
import { loadJobs } from './jobs.ts';
import { flip, holdOn, keepOnProduction, latestReads, noteAddress, noteRead } from './state/cutover.ts';
import { sourceInstance } from './state/runs.ts';
import { knownFromStaging, unsettledUntil } from './state/staging.ts';
import { instanceOf } from './systems.ts';

export { type CutoverJob, type ShadowReader, shadowReader } from './cutover/reader.ts';

export interface Question {
  readonly db: Database;
  readonly job: CutoverJob;
  readonly config: Config<'erp'>;
  readonly nowMs: number;
  /** `shadowReader` of the job. */
  readonly read: ShadowReader;
  /** All pipes, to tell which of those that this one links to are of the ERP; `erpJobs` unless said. */
  readonly jobs?: readonly CutoverJob[];
}

export interface Answer {
  /** True once, for the call that changed the pipe over. */
  readonly flipped: boolean;
  /** For log, alert and screen. */
  readonly sentence: string;
  /** The look at production that this call took; null when none was due. */
  readonly seen: ShadowRead | null;
}

/** Looks that are remembered for a decision; more than any rule asks for at two in each gap. */
const READS_MAX = 1000;
/** Ids looked up by point reads where the vendor tells no count. */
const IDS_MAX = 50;
const QUARANTINE_MS = 300_000;

/**
 * Looks at production when a look is due, and changes the pipe over when nothing is left to wait for: in one
 * transaction with the look it is based on. To be called before a pipe's source is built, with the portal's lock held,
 * and not for a run that is dry or restricted. Rejects only with the reason of a stop.
 */
export async function considerFlip(question: Question): Promise<Answer> {
  const { db, job, config, nowMs, jobs = await erpJobs() } = question;
  const { pipe } = job;
  if (job.system !== 'erp') return unasked(`${pipe} is not fed from the ERP`);
  if (fedFrom(db, pipe, config) === 'production') {
    keepOnProduction(db, pipe);
    return unasked(`${pipe} is fed from production`);
  }
  const linked = linkedPipes(job, jobs);
  if (unreachable(config) !== null || !isLookWanted(question, linked)) {
    return unasked(waiting(pipe, decide(db, pipe, linked, config, nowMs)));
  }
  const staging = instanceOf(job, config, 'staging', () => {});
  const verdict = await question.read({ ...knownFromStaging(db, pipe, staging.id, IDS_MAX), nowMs });
  const seen = { ...verdict, atMs: nowMs };
  return db.transaction(() => conclude(question, linked, seen)).immediate();
}

const unasked = (sentence: string): Answer => ({ flipped: false, sentence, seen: null });

/** When it is time, when the address is a new one, and before a flip: what was seen hours ago may be gone. */
function isLookWanted({ db, job: { pipe }, config, nowMs }: Question, linked: readonly string[]): boolean {
  const isElsewhere = noteAddress(db, pipe, digest(config.erp.productionUrl ?? ''), nowMs);
  if (isElsewhere || isReadDue(latestReads(db, pipe, READS_MAX), config.cutover, nowMs)) return true;
  return decide(db, pipe, linked, config, nowMs).flips;
}

/** Everything is looked up again: somebody may have held the pipe while production was read. */
function conclude({ db, job: { pipe }, config, nowMs }: Question, linked: readonly string[], seen: ShadowRead): Answer {
  noteRead(db, pipe, seen);
  const decision = decide(db, pipe, linked, config, nowMs);
  const { productionUrl, stagingUrl } = config.erp;
  const { records } = seen;
  if (!decision.flips || !seen.agrees || records === null || productionUrl === null) {
    return { flipped: false, sentence: waiting(pipe, decision), seen };
  }
  const reads = decision.counted;
  const flipped = flip(db, { pipe, atMs: nowMs, count: records, from: stagingUrl, to: productionUrl, reads });
  const proof = `${reads.length} shadow reads agreed, the last one saw ${records} records`;
  return { flipped, sentence: `${pipe} is fed from production from now on: ${proof}; it is read in full next`, seen };
}

function waiting(pipe: string, { waitsFor, earliestMs }: Decision): string {
  const earliest = earliestMs === null ? '' : ` (not before ${new Date(earliestMs).toISOString()})`;
  return `${pipe} stays on staging; it waits for ${waitsFor.join('; ') || 'the next look at production'}${earliest}`;
}

/** The pipes in `jobs/` that may change over, those that others link to first. */
export const erpJobs = async (): Promise<readonly CutoverJob[]> =>
  (await loadJobs()).filter(({ system }) => system === 'erp');

/** The ERP pipes that this one links to: it changes over after them. */
export const linkedPipes = ({ after }: Pick<CutoverJob, 'after'>, jobs: readonly CutoverJob[]): string[] =>
  jobs.filter(({ pipe, system }) => system === 'erp' && after.includes(pipe)).map(({ pipe }) => pipe);

/** The instance that feeds a pipe now; without a state, what its first run would read. */
export function fedFrom(db: Database | null, pipe: string, { erp }: Config<'erp'>): Situation['fedFrom'] {
  const named = db === null ? null : sourceInstance(db, pipe);
  return named === 'production' || (named === null && erp.stagingUrl === null) ? 'production' : 'staging';
}

/** What follows for a pipe from what state and configuration say now. */
export function decide(
  db: Database | null,
  pipe: string,
  linked: readonly string[],
  config: Config<'erp'>,
  nowMs: number,
): Decision {
  const quarantineMs = config.hubspot?.quarantineMs ?? QUARANTINE_MS;
  const situation: Situation = {
    fedFrom: fedFrom(db, pipe, config),
    unreachable: unreachable(config),
    heldBy: heldBy(db, pipe, config),
    linked: linked.filter((other) => fedFrom(db, other, config) === 'staging'),
    unsettledUntilMs: db === null ? null : unsettledUntil(db, pipe, quarantineMs),
    reads: db === null ? [] : latestReads(db, pipe, READS_MAX),
  };
  return decideFlip(situation, config.cutover, nowMs);
}

function unreachable({ erp }: Config<'erp'>): string | null {
  if (erp.productionUrl === null) return 'ERP_PRODUCTION_URL to be set';
  return erp.productionUrl === erp.stagingUrl ? 'an ERP_PRODUCTION_URL that is not the staging address' : null;
}

function heldBy(db: Database | null, pipe: string, { cutover }: Config<'erp'>): string | null {
  if (cutover.held) return 'ERP_CUTOVER_HOLD to be false';
  const held = db === null ? null : holdOn(db, pipe);
  if (held === null) return null;
  return `a person to release it: retail-sync cutover release${held === 'pipe' ? ` ${pipe}` : ''}`;
}
