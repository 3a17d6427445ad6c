/** The ERP, through the adapter that the pipes use: what it really sends. */
import type { Config } from '../src/config.ts';
import { isInquirable } from '../src/inquiry.ts';
import type { LoadedJob } from '../src/jobs.ts';
import { throughSource } from '../src/probe/through-source.ts';
import { instanceOf } from '../src/systems.ts';
import { type Subject, slicesOf } from './subject.ts';

/**
 * `named`: the instance that feeds the pipe, as its state says; null: as the configuration says. `fetch` asks in the
 * place of Node's own.
 */
export function erpSubject(
  job: LoadedJob,
  config: Config,
  named: string | null,
  fetch?: typeof globalThis.fetch,
): Subject {
  const instance = instanceOf(job, config, named, () => undefined, 2, fetch);
  const source = job.from(instance.systems);
  const profile = config.erp?.profile ?? '';
  const kind = instance.id.split(':')[1] ?? '';
  return {
    system: 'erp',
    resource: job.pipe,
    instance: instance.id,
    about: `${kind}, profile ${profile.split('/').at(-1)}`,
    inquiry: isInquirable(source) ? source.inquiry : throughSource(source, instance.zone),
    partitions: (signal) => slicesOf(source, signal),
    isAboutPeople: job.pipe !== 'products',
    where: isInquirable(source)
      ? `the ERP profile (ERP_PROFILE=${profile.split('/').at(-1)})`
      : `the adapter of this ERP (src/sources/erp) or its settings (ERP_PROFILE=${profile.split('/').at(-1)})`,
    hasProfile: isInquirable(source),
    fed: {
      job,
      source,
      systems: instance.systems,
      facts: { environment: instance.environment, zone: instance.zone, currencies: ['USD'], names: {} },
    },
  };
}
