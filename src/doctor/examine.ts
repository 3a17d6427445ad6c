/** All checks of `doctor`: local ones at once, the systems side by side, and everything shown without secrets. */

import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode } from '../errors.ts';
import type { Machine } from '../install/machine.ts';
import { loadJobs } from '../jobs.ts';
import { scrubber } from '../log/scrub.ts';
import { pipeNames } from '../pipe-names.ts';
import { loadSchedule } from '../schedule/settings.ts';
import { lockFolder } from '../state/lock.ts';
import { alertFindings } from './alerts.ts';
import { type Survey, surveyConfiguration } from './configuration.ts';
import { type Finding, GROUPS } from './finding.ts';
import { surveyHubspot } from './hubspot.ts';
import { clockFindings, fileFindings, runtimeFindings } from './machine.ts';
import { surveyNetwork, type Target } from './network.ts';
import { programFindings } from './program.ts';
import { scheduleFindings } from './schedule.ts';
import { surveyErp } from './sources.ts';
import { surveySquare } from './square.ts';
import { lockFinding, surveyState } from './state.ts';

export interface Examination {
  readonly findings: readonly Finding[];
  readonly exit: ExitCode;
}

/** What tells most comes first: who lets us in, then what is to be set up here, then who does not answer. */
const TELLING: readonly ExitCode[] = [EXIT.access, EXIT.usage, EXIT.hubspot, EXIT.source];

const HEAD_START_MS = 500;

export async function examine(input: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly nowMs: number;
  readonly machine: Machine;
  readonly stop: AbortSignal;
}): Promise<Examination> {
  const { env, cwd, nowMs, stop, machine } = input;
  const survey = surveyConfiguration({ env, cwd });
  const state = surveyState(survey, pipeNames(), nowMs);
  const jobs = await loadJobs();
  const asked = surveyNetwork(targetsOf(survey, state.instances), stop);
  // Loading the vendors' packages keeps this process busy: hosts that answer at once are timed before it.
  await Promise.race([asked, sleep(HEAD_START_MS)]);
  await loadPackages(survey);
  const [network, hubspot, erp, square] = await Promise.all([
    asked,
    surveyHubspot(survey, jobs, stop),
    surveyErp(survey, jobs, state.instances, stop),
    surveySquare(survey, stop),
  ]);
  const found = [
    ...runtimeFindings(),
    ...programFindings(env),
    ...survey.findings,
    ...fileFindings(cwd, survey.stateDir, survey.secretFiles),
    ...state.findings,
    lockFinding(lockFolder(env), survey),
    ...clockFindings(network.skews),
    ...network.findings,
    ...hubspot,
    ...erp,
    ...square,
    ...scheduleFindings({
      machine,
      stateDir: survey.stateDir,
      schedule: () => loadSchedule(survey.schedule, jobs),
      nowMs,
    }),
    ...alertFindings(survey),
  ];
  const scrub = scrubber(survey.secrets);
  const clean = (text: string | null): string | null => (text === null ? null : scrub(text));
  const findings = found
    .map((one) => ({ ...one, result: scrub(one.result), meaning: clean(one.meaning), fix: clean(one.fix) }))
    .sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
  return { findings, exit: exitOf(findings) };
}

/** On a busy machine it takes seconds of ours, in which every vendor would seem slow: it is over before their time begins. */
const loadPackages = ({ hubspot, square }: Survey): Promise<unknown> =>
  Promise.all([hubspot && import('@hubspot/api-client/lib/src/services/http/Request.js'), square && import('square')]);

/** Every host that a sync talks to. An ERP address that no pipe is fed from today may be dark. */
function targetsOf({ hubspot, erp, square }: Survey, instances: ReadonlyMap<string, string>): Target[] {
  const targets: Target[] = [];
  const add = (name: string, url: string | null | undefined, exit: ExitCode, isNeeded = true): void => {
    if (url) targets.push({ name, url, exit, isNeeded });
  };
  const fed = new Set(instances.values());
  add('HubSpot', hubspot?.baseUrl, EXIT.hubspot);
  add('ERP staging', erp?.stagingUrl, EXIT.source, fed.size === 0 || fed.has('staging'));
  add('ERP production', erp?.productionUrl, EXIT.source, erp?.stagingUrl === null || fed.has('production'));
  add('Square', square?.baseUrl, EXIT.source);
  return targets;
}

function exitOf(findings: readonly Finding[]): ExitCode {
  const exits = new Set(findings.flatMap(({ level, exit }) => (level === 'fault' && exit !== null ? [exit] : [])));
  if (exits.size === 0) return EXIT.ok;
  return TELLING.find((code) => exits.has(code)) ?? EXIT.usage;
}
