/** Square: orders through the source of the pipe, customers and locations as their own endpoints list them. */
import type { Config } from '../src/config.ts';
import { digest } from '../src/fingerprint.ts';
import type { LoadedJob } from '../src/jobs.ts';
import { throughSource } from '../src/probe/through-source.ts';
import { squareDirectory } from '../src/sources/square/directory.ts';
import { instanceOf } from '../src/systems.ts';
import { type Subject, slicesOf } from './subject.ts';

export type SquareResource = 'orders' | 'customers' | 'locations';

export function squareSubject(resource: SquareResource, job: LoadedJob, config: Config<'square'>): Subject {
  const { token, baseUrl } = config.square;
  const common = {
    system: 'square' as const,
    resource,
    about: new URL(baseUrl).host,
    isAboutPeople: true,
    where: 'src/sources/square/model.ts, which reads these fields',
    hasProfile: false,
  };
  if (resource !== 'orders') {
    const inquiry = squareDirectory(resource, { token, baseUrl });
    return {
      ...common,
      instance: `square:${digest(baseUrl).slice(0, 12)}`,
      inquiry,
      partitions: async () => [],
      fed: null,
    };
  }
  const instance = instanceOf(job, config, null, () => undefined);
  const source = job.from(instance.systems);
  const facts = { environment: instance.environment, zone: instance.zone, currencies: ['USD'], names: {} };
  return {
    ...common,
    instance: instance.id,
    inquiry: throughSource(source, instance.zone),
    partitions: (signal) => slicesOf(source, signal),
    fed: { job, source, facts, systems: instance.systems },
  };
}
