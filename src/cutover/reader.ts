/** A pipe's own source, built for the vendor's production address, and what a look through it says. */
import type { Config } from '../config.ts';
import { EXIT, FatalError, TooLargeError, TransientError } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import { adapterOf } from '../sources/erp/adapter.ts';
import { type ErpResource, instanceOf, type Systems } from '../systems.ts';
import { type KnownFromStaging, type ShadowOptions, shadowRead, type Verdict } from './shadow-read.ts';

/** What the cut-over needs of a job. */
export type CutoverJob = Pick<LoadedJob, 'pipe' | 'system' | 'from' | 'mapping' | 'after'>;

/** One look at production. Rejects only when the command itself is stopped. */
export type ShadowReader = (staging: KnownFromStaging & { readonly nowMs: number }) => Promise<Verdict>;

export interface ReaderOptions {
  readonly job: CutoverJob;
  readonly config: Config<'erp'>;
  readonly stop: AbortSignal;
  /** Opens the production instance; tests bring clocks of their own. */
  readonly open?: (job: CutoverJob, config: Config<'erp'>) => Systems;
  /** For a whole look; a minute unless said: a vendor that needs more does not serve the pipe either. */
  readonly deadlineMs?: number;
}

const production = (job: CutoverJob, config: Config<'erp'>): Systems =>
  instanceOf(job, config, 'production', () => {}, 1).systems; // a look that fails is a look: the next one is due soon

const DEADLINE_MS = 60_000;
/** How far back the latest changes of the sample reach. */
const RECENT_MS = 30 * 86_400_000;

export function shadowReader({
  job,
  config,
  stop,
  open = production,
  deadlineMs = DEADLINE_MS,
}: ReaderOptions): ShadowReader {
  return async ({ nowMs, ...staging }) => {
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      return await shadowRead({
        ...sourceAndShape(job, config, open(job, config)),
        staging,
        minShare: config.cutover.minShare,
        recentFrom: new Date(nowMs - RECENT_MS).toISOString(),
        signal: AbortSignal.any([stop, deadline]),
      });
    } catch (thrown) {
      stop.throwIfAborted();
      const why = deadline.aborted ? `not within ${deadlineMs / 1000} s` : messageOf(thrown);
      const drifted = thrown instanceof FatalError && thrown.exit === EXIT.gate;
      return { agrees: false, records: null, reason: drifted ? thrown.message : `does not answer: ${why}` };
    }
  };
}

/** Only what the sources themselves say: the message of any other error may hold data. */
function messageOf(thrown: unknown): string {
  const isOurs = thrown instanceof TransientError || thrown instanceof TooLargeError || thrown instanceof FatalError;
  if (isOurs) return thrown.message;
  return `a fault in retail-sync itself (${thrown instanceof Error ? thrown.name : typeof thrown})`;
}

function sourceAndShape(
  job: CutoverJob,
  { erp }: Config<'erp'>,
  systems: Systems,
): Pick<ShadowOptions, 'source' | 'shape'> {
  const asked: ErpResource[] = [];
  const noting = (resource: ErpResource): ReturnType<Systems['erp']> => {
    asked.push(resource);
    return systems.erp(resource);
  };
  const source = job.from({ ...systems, erp: noting });
  const adapter = adapterOf(erp.profile);
  const fields = asked.flatMap((resource) => adapter.fields(resource));
  return { source, shape: { schema: job.mapping.schema, fields } };
}
