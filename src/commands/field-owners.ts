import { loadJobs } from '../jobs.ts';
import { withStageOwner } from '../mission.ts';
import type { FieldOwner } from './config.ts';

/** The properties that the source does not decide at each change, as the mappers declare and the configuration says. */
export async function fieldOwners(): Promise<(stageOwner: 'erp' | 'crm') => readonly FieldOwner[]> {
  const jobs = await loadJobs();
  return (stageOwner) =>
    jobs.flatMap((job) =>
      withStageOwner(job, stageOwner).properties.flatMap(({ object, name, owner }) =>
        owner === 'source' ? [] : [{ pipe: job.pipe, object, property: name, owner }],
      ),
    );
}
