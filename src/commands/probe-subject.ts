/** What a probe looks at, made of what was named on the command line. */
import { erpSubject } from '../../probes/erp.ts';
import { hubspotSubject } from '../../probes/hubspot.ts';
import { squareSubject } from '../../probes/square.ts';
import type { Subject } from '../../probes/subject.ts';
import type { Config } from '../config.ts';
import { EXIT, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import type { Db } from '../state/database.ts';
import { sourceInstance } from '../state/runs.ts';

const OBJECTS = ['products', 'companies', 'contacts', 'deals'] as const;
const SQUARE = ['orders', 'customers', 'locations'] as const;

/** `system` and `resource` are known ones. `fetch` asks an ERP in the place of Node's own. */
export async function subjectOf(
  system: string,
  resource: string,
  config: Config,
  state: Db | null,
  fetch?: typeof globalThis.fetch,
): Promise<Subject> {
  if (system === 'hubspot') {
    const object = OBJECTS.find((name) => name === resource);
    if (object === undefined || config.hubspot === null)
      throw new Error('resource and configuration were checked before');
    return hubspotSubject(object, { ...config, hubspot: config.hubspot });
  }
  const jobs = await loadJobs();
  if (system === 'square') {
    const what = SQUARE.find((name) => name === resource);
    if (what === undefined || config.square === null) throw new Error('resource and configuration were checked before');
    return squareSubject(what, jobNamed(jobs, 'pos-orders'), { ...config, square: config.square });
  }
  return erpSubject(jobNamed(jobs, resource), config, state === null ? null : sourceInstance(state, resource), fetch);
}

function jobNamed(jobs: readonly LoadedJob[], pipe: string): LoadedJob {
  const job = jobs.find((one) => one.pipe === pipe);
  if (job) return job;
  throw usage(`there is no pipe ${pipe} to probe with`, `jobs/${pipe}.ts is missing`);
}

export type Fed = NonNullable<Subject['fed']>;

/** The pipe that is fed from it. Throws FatalError for what no mapper reads. */
export function fedOf({ fed, system, resource }: Subject): Fed {
  if (fed !== null) return fed;
  throw usage(
    `no mapper reads ${system} ${resource}, so there is no fixture to record`,
    'record erp products, erp customers, erp quotes or square orders',
  );
}

const usage = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
