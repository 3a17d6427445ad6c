/** Whether an answer works, asked of the system it is for; read-only, and in the words of `doctor`. */
import { systemClock } from '../clock.ts';
import { surveyConfiguration } from '../doctor/configuration.ts';
import { type Finding, failed } from '../doctor/finding.ts';
import { surveyHubspot } from '../doctor/hubspot.ts';
import { surveyErp } from '../doctor/sources.ts';
import { surveySquare } from '../doctor/square.ts';
import { EXIT } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import { type AccountDetails, accountDetails } from '../sinks/hubspot/account.ts';
import { createTransport } from '../sinks/hubspot/transport.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Checks {
  /** Which portal the token opens, or why none. */
  readonly account: (env: Env) => Promise<AccountDetails | Finding>;
  /** What the token may not do there. */
  readonly scopes: (env: Env) => Promise<readonly Finding[]>;
  readonly erp: (env: Env) => Promise<readonly Finding[]>;
  readonly square: (env: Env) => Promise<readonly Finding[]>;
  /** What is wrong with the settings themselves. */
  readonly settings: (env: Env) => readonly Finding[];
}

/** `cwd`: where profiles with a relative path lie. */
export function liveChecks(cwd: string, jobs: readonly LoadedJob[], stop: AbortSignal): Checks {
  const survey = (env: Env) => surveyConfiguration({ env, cwd });
  return {
    account: async (env) => {
      // The number of the portal is what is asked for: any will do to be let in.
      const { hubspot } = survey({ ...env, HUBSPOT_PORTAL_ID: env.HUBSPOT_PORTAL_ID || '1' });
      if (hubspot === null) throw new Error('a token was given, and there is no HubSpot to ask');
      const { token, baseUrl, apiVersion: version } = hubspot;
      const transport = createTransport({
        ...{ token, baseUrl, version, clock: systemClock, random: Math.random, attemptsMax: 2, retryBudget: 2 },
      });
      try {
        return await accountDetails(transport, AbortSignal.any([stop, AbortSignal.timeout(CHECK_MS_MAX)]));
      } catch (thrown) {
        stop.throwIfAborted();
        return failed('hubspot', 'token', thrown, EXIT.hubspot);
      }
    },
    scopes: async (env) => (await surveyHubspot(survey(env), jobs, stop)).filter(({ group }) => group === 'scopes'),
    erp: (env) => surveyErp(survey(env), jobs, new Map(), stop),
    square: (env) => surveySquare(survey(env), stop),
    settings: (env) =>
      survey(env).findings.filter(({ group, level }) => group === 'configuration' && level === 'fault'),
  };
}

const CHECK_MS_MAX = 15_000;
