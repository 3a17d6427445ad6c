/** The ERP: reachable, lets us in, and what it sends is what our mappings read. */
import { systemClock } from '../clock.ts';
import type { ErpConfig } from '../config.ts';
import { EXIT } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import type { Source } from '../pipe.ts';
import { adapterOf } from '../sources/erp/adapter.ts';
import type { Systems } from '../systems.ts';
import type { Survey } from './configuration.ts';
import { bounded, type Finding, fault, fine, warning } from './finding.ts';

/** Of a source cut in slices, so many are asked for a row before it counts as empty. */
const SLICES_MAX = 3;

/** One pipe after the other: the ERP serves one query at a time. After one without answer the rest is not asked. */
export async function surveyErp(
  survey: Survey,
  jobs: readonly LoadedJob[],
  instances: ReadonlyMap<string, string>,
  stop: AbortSignal,
): Promise<readonly Finding[]> {
  const { erp } = survey;
  if (erp === null) return [warning('erp', 'erp', 'not asked: it is not configured', null)];
  const findings: Finding[] = [];
  for (const job of jobs.filter(({ system }) => system === 'erp')) {
    const fed = instances.get(job.pipe) ?? (erp.stagingUrl === null ? 'production' : 'staging');
    const found = await bounded('erp', job.pipe, EXIT.source, stop, (signal) => erpFindings(job, erp, fed, signal));
    findings.push(...found);
    if (found.some(({ exit }) => exit === EXIT.source || exit === EXIT.access)) break;
  }
  return findings;
}

async function erpFindings(job: LoadedJob, erp: ErpConfig, fed: string, signal: AbortSignal): Promise<Finding[]> {
  const url = fed === 'production' ? erp.productionUrl : erp.stagingUrl;
  if (url === null) {
    const name = `ERP_${fed.toUpperCase()}_URL`;
    return [fault('erp', job.pipe, `is fed from ${fed}, and ${name} is not set`, `set ${name}`, EXIT.usage)];
  }
  const adapter = adapterOf(erp.profile);
  const access = { ...erp, baseUrl: url };
  const options = { clock: systemClock, random: Math.random, attemptsMax: 2 };
  const systems: Systems = {
    erp: (resource) => adapter.source(resource, access, options),
    square: () => {
      throw new Error('a pipe of the ERP asked for Square');
    },
  };
  return [await rowFinding(job, job.from(systems), fed, signal)];
}

/** The first page of the first slice that has one; its rows are judged and forgotten. */
async function rowFinding(job: LoadedJob, source: Source, fed: string, signal: AbortSignal): Promise<Finding> {
  const rows = await someRows(source, signal);
  if (rows.length === 0)
    return warning(
      'erp',
      job.pipe,
      `${fed} answers, and holds no records where it was asked`,
      'compare the profile with what the ERP sends (docs/adding-an-erp.md)',
      'a sync would find nothing to do there',
    );
  const verdicts = rows.map((raw) => verdictOf(job, source.canonical(raw)));
  const passed = verdicts.filter((verdict) => verdict === 'passed').length;
  const outside = verdicts.filter((verdict) => verdict === 'outside').length;
  const wrong = [...new Set(verdicts.filter((verdict) => verdict !== 'passed' && verdict !== 'outside'))];
  const said = `${fed} answers: of ${rows.length} records ${passed} read well, ${outside} are out of scope`;
  if (wrong.length === 0) return fine('erp', job.pipe, said);
  const fields = `${rows.length - passed - outside} do not fit the mapping (${wrong.slice(0, 3).join(', ')})`;
  const fix = 'compare the profile with what the ERP sends (docs/adding-an-erp.md)';
  if (passed > 0) return warning('erp', job.pipe, `${said}, ${fields}`, fix);
  return fault(
    'erp',
    job.pipe,
    `${said}, ${fields}: the profile names other fields than the ERP sends`,
    fix,
    EXIT.usage,
  );
}

async function someRows(source: Source, signal: AbortSignal): Promise<readonly unknown[]> {
  let slices = 0;
  for await (const partition of source.partitions({ kind: 'everything' }, signal)) {
    for await (const page of source.pages(partition, { kind: 'everything' }, signal)) {
      const rows = [...page.records, ...page.rejected].map(({ raw }) => raw);
      if (rows.length > 0) return rows;
      break;
    }
    slices++;
    if (slices >= SLICES_MAX) break;
  }
  return [];
}

/** `passed`, `outside` the scope, or the path of the first field that does not fit; never a value. */
function verdictOf({ mapping }: LoadedJob, canonical: unknown): string {
  const isRecord = typeof canonical === 'object' && canonical !== null && !Array.isArray(canonical);
  if (isRecord && mapping.scope({ ...canonical }, {}).in === false) return 'outside';
  const parsed = mapping.schema.safeParse(canonical);
  return parsed.success
    ? 'passed'
    : parsed.error.issues[0]?.path.filter((part) => typeof part === 'string').join('.') || 'the record';
}
