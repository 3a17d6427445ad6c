/** HubSpot: reachable, the right portal, with the scopes, properties and pipelines that our mappings need. */
import { systemClock } from '../clock.ts';
import { EXIT } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import type { PropertySpec } from '../pipe.ts';
import { type AccountDetails, accountDetails, checkPortal, checkProperties } from '../sinks/hubspot/account.ts';
import { pipelinesLeft } from '../sinks/hubspot/pipelines.ts';
import { planSchema } from '../sinks/hubspot/schema.ts';
import { createTransport, type Transport } from '../sinks/hubspot/transport.ts';
import type { Survey } from './configuration.ts';
import { bounded, type Finding, failed, fault, fine, warning } from './finding.ts';
import { scopeFindings } from './scopes.ts';

/** Below this share of the day's calls, the day's jobs may not get through. */
const QUOTA_SHARE_LOW = 0.1;

export async function surveyHubspot(
  survey: Survey,
  jobs: readonly LoadedJob[],
  stop: AbortSignal,
): Promise<readonly Finding[]> {
  if (survey.hubspot === null) {
    return [warning('hubspot', 'portal', 'not asked: HUBSPOT_TOKEN or HUBSPOT_PORTAL_ID is missing', null)];
  }
  const { hubspot } = survey;
  const heard: Heard = { headers: null };
  const transport = once(
    createTransport({
      token: hubspot.token,
      baseUrl: hubspot.baseUrl,
      version: hubspot.apiVersion,
      clock: systemClock,
      random: Math.random,
      attemptsMax: 2,
      retryBudget: 2,
      fetch: listening(heard),
    }),
  );
  const findings = await bounded('hubspot', 'portal', EXIT.hubspot, stop, (signal) =>
    portalFindings(transport, survey, jobs, signal),
  );
  return [...findings, ...quotaFindings(heard)];
}

interface Heard {
  headers: Headers | null;
}

/** Notes what every answer tells beside its body. */
function listening(heard: Heard): typeof fetch {
  return async (input, init) => {
    const answer = await fetch(input, init);
    if (answer.headers.has('x-hubspot-ratelimit-daily') || answer.headers.has('x-hubspot-ratelimit-max'))
      heard.headers = answer.headers;
    return answer;
  };
}

/** The same question is asked once: the checks below overlap. */
function once(transport: Transport): Transport {
  const asked = new Map<string, ReturnType<Transport['call']>>();
  return {
    ...transport,
    call: (request, signal) => {
      const name = `${request.method} ${request.path}`;
      const answer = asked.get(name) ?? transport.call(request, signal);
      asked.set(name, answer);
      return answer;
    },
  };
}

async function portalFindings(
  transport: Transport,
  survey: Survey,
  jobs: readonly LoadedJob[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const account = await accountDetails(transport, signal);
  const portal = portalFinding(account, survey);
  const specs = jobs.flatMap((job) => job.mapping.properties);
  const objects = Map.groupBy(specs, (spec) => spec.object);
  const checks = await Promise.all([
    ...[...objects].map(([object, ours]) => objectFinding(object, ours, transport, signal)),
    pipelineFinding(transport, jobs, signal),
    roomFinding(transport, signal),
  ]);
  return [portal, ...checks.flat(), ...(await scopeFindings(transport, specs, signal))];
}

function portalFinding(account: AccountDetails, { hubspot, environment }: Survey): Finding {
  try {
    checkPortal(account, { portalIdExpected: hubspot?.portalId ?? '', environment });
    return fine(
      'hubspot',
      'portal',
      `the token opens portal ${account.portalId}, a ${account.accountType || 'STANDARD'} account, as configured${account.timeZone ? `; its day ends at midnight in ${account.timeZone}` : ''}`,
    );
  } catch (thrown) {
    return failed('hubspot', 'portal', thrown, EXIT.access);
  }
}

async function objectFinding(
  object: string,
  specs: readonly PropertySpec[],
  transport: Transport,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    await checkProperties(transport, specs, signal);
    const unique = specs.filter((spec) => spec.unique).map((spec) => spec.name);
    const names = new Set(specs.filter((spec) => spec.group !== undefined).map((spec) => spec.name)).size;
    return fine(
      'hubspot',
      object,
      `the ${names} properties of ours are there, unique: ${[...new Set(unique)].join(', ')}`,
    );
  } catch (thrown) {
    signal.throwIfAborted();
    return failed('hubspot', object, thrown, EXIT.hubspot);
  }
}

async function pipelineFinding(
  transport: Transport,
  jobs: readonly LoadedJob[],
  signal: AbortSignal,
): Promise<Finding> {
  const pipelines = jobs.flatMap((job) => job.mapping.pipeline ?? []);
  try {
    const { steps, blocked } = await planSchema(transport, [], pipelines, signal);
    const lacking = [...blocked, ...steps.map((step) => step.describe())];
    if (lacking.length === 0)
      return fine('hubspot', 'pipelines', `${pipelines.length} deal pipelines with their stages are there`);
    return fault('hubspot', 'pipelines', `to do: ${lacking.join('; ')}`, 'retail-sync setup --apply', EXIT.usage);
  } catch (thrown) {
    signal.throwIfAborted();
    return failed('hubspot', 'pipelines', thrown, EXIT.hubspot);
  }
}

/** Nothing when the portal does not say: then `setup` will show. */
async function roomFinding(transport: Transport, signal: AbortSignal): Promise<Finding[]> {
  try {
    const left = await pipelinesLeft(transport, signal);
    return left === null ? [] : [fine('hubspot', 'room', `for ${left} more deal pipelines`)];
  } catch (thrown) {
    signal.throwIfAborted();
    return [failed('hubspot', 'room', thrown, EXIT.hubspot)];
  }
}

/** `X-HubSpot-RateLimit-*`: developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines */
function quotaFindings({ headers }: Heard): Finding[] {
  if (headers === null) return [];
  const number = (name: string): number | null => {
    const text = headers.get(`x-hubspot-ratelimit-${name}`);
    return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
  };
  const [max, daily, left] = [number('max'), number('daily'), number('daily-remaining')];
  const burst = max === null ? '' : `${max} requests per ${(number('interval-milliseconds') ?? 10_000) / 1000} s`;
  const quota =
    daily === null || left === null
      ? ''
      : `${left.toLocaleString('en-US')} of ${daily.toLocaleString('en-US')} calls are left today`;
  const said = [burst, quota].filter((part) => part !== '').join(', ');
  const isLow = daily !== null && left !== null && left < daily * QUOTA_SHARE_LOW;
  if (said === '') return [];
  return [
    isLow
      ? warning(
          'hubspot',
          'limits',
          said,
          'see which app uses them: HubSpot > Development > Monitoring',
          'when they are spent, every sync ends with exit 7 until midnight in the portal',
        )
      : fine('hubspot', 'limits', said),
  ];
}
