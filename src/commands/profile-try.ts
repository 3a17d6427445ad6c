/** `profile try`: a few records live, as the vendor sends them, as this tool reads them, and as HubSpot would get them. */
import { systemClock } from '../clock.ts';
import { loadConfig } from '../config.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type LoadedJob, loadJobs } from '../jobs.ts';
import type { Mapped, Source, SourceRecord } from '../pipe.ts';
import { adapterOf } from '../sources/erp/adapter.ts';
import { loadDescription } from '../sources/erp/profile.ts';
import type { Invocation } from './invocation.ts';
import { masked, sideBySide } from './profile-try-view.ts';

interface TryFlags {
  readonly limit: number;
  readonly json?: boolean;
  readonly values?: boolean;
}

const RESOURCES = ['products', 'customers', 'quotes'] as const;
const isResource = (name: string): name is (typeof RESOURCES)[number] => RESOURCES.some((known) => known === name);
/** Slices asked for a record before the resource counts as empty. */
const SLICES_MAX = 5;

/** Writes nothing, neither to HubSpot nor to the state folder. Returns 2 when no record fits the mapping. */
export async function profileTry(
  file: string,
  resource: string,
  flags: TryFlags,
  { env, cwd, stdout, stop }: Invocation,
): Promise<ExitCode> {
  if (!isResource(resource)) {
    throw new FatalError(EXIT.usage, `there is no ${resource} to try`, `choose one of: ${RESOURCES.join(', ')}`);
  }
  loadDescription(file); // its faults come before those of the environment
  const { erp } = loadConfig({ env: { ...env, ERP_PROFILE: file }, cwd, needs: ['erp'] });
  const job = (await loadJobs()).find(({ pipe }) => pipe === resource);
  if (!job) throw new FatalError(EXIT.usage, `there is no job for ${resource}`, 'retail-sync --help');
  const adapter = adapterOf(file);
  const baseUrl = erp.stagingUrl ?? erp.productionUrl ?? '';
  const options = { clock: systemClock, random: Math.random, attemptsMax: 2 };
  const source = adapter.source(resource, { ...erp, profile: file, baseUrl }, options);
  const records = await firstRecords(source, flags.limit, stop);
  const hide = flags.values
    ? <T>(value: T): unknown => value
    : (value: unknown) => masked(value, resource !== 'products');
  const tried = records.map((record) => {
    const canonical = source.canonical(record.raw);
    const mapped = mappedOf(record, canonical, job, adapter.zone);
    return {
      id: record.id,
      ok: mapped.kind !== 'invalid',
      raw: hide(record.raw),
      canonical: hide(canonical),
      mapped: mapped.kind === 'invalid' ? mapped : hide(mapped),
    };
  });
  const wellFormed = tried.filter(({ ok }) => ok).length;
  const exit = tried.length > 0 && wellFormed === 0 ? EXIT.usage : EXIT.ok;
  if (flags.json) {
    const head = { schemaVersion: 1, runId: null, status: exit === EXIT.ok ? 'ok' : 'failed' };
    const counts = { read: tried.length, wellFormed };
    stdout.write(
      `${JSON.stringify({ ...head, counts, profile: file, resource, masked: !flags.values, records: tried }, null, 2)}\n`,
    );
    return exit;
  }
  const columns = 'columns' in stdout && typeof stdout.columns === 'number' ? stdout.columns : 80;
  for (const record of tried) stdout.write(sideBySide(record, columns));
  const hidden = resource === 'products' ? 'e-mail addresses are' : 'text is';
  const note = flags.values ? '' : `${hidden} shown as its shape; --values shows it as it is\n`;
  stdout.write(`${tried.length} ${resource} read, ${wellFormed} fit the mapping; nothing was written\n${note}`);
  return exit;
}

async function firstRecords(source: Source, limit: number, stop: AbortSignal): Promise<readonly SourceRecord[]> {
  const since = { kind: 'everything' } as const;
  const found: SourceRecord[] = [];
  let slices = 0;
  for await (const slice of source.partitions(since, stop)) {
    for await (const { records } of source.pages(slice, since, stop)) {
      found.push(...records.slice(0, limit - found.length));
      if (found.length >= limit) return found;
    }
    if (++slices >= SLICES_MAX) break;
  }
  return found;
}

/** As the engine would: scope first, then the schema, then the mapper, without the rows of other pipes. */
function mappedOf(record: SourceRecord, canonical: unknown, { mapping }: LoadedJob, zone: string): Mapped {
  const isRecord = typeof canonical === 'object' && canonical !== null && !Array.isArray(canonical);
  const scope = isRecord ? mapping.scope({ ...canonical }, {}) : null;
  if (scope?.in === false) return { kind: 'excluded', rule: scope.rule };
  const parsed = mapping.schema.safeParse(canonical, { reportInput: false });
  if (parsed.success) {
    const facts = { environment: 'sandbox', zone, currencies: [], names: {} } as const;
    return mapping.map([parsed.data], [{}], facts, record.entities[0] ?? record.id);
  }
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  return { kind: 'invalid', issues };
}
