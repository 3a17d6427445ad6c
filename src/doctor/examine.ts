/** All checks of `doctor`: local ones at once, the systems side by side, and everything shown without secrets. */

import { EXIT, type ExitCode } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { scrubber } from '../log/scrub.ts';
import { pipeNames } from '../pipe-names.ts';
import { lockFolder } from '../state/lock.ts';
import { surveyConfiguration } from './configuration.ts';
import { type Finding, fine, GROUPS, warning } from './finding.ts';
import { surveyHubspot } from './hubspot.ts';
import { clockFindings, fileFindings, runtimeFindings } from './machine.ts';
import { surveyErp, surveySquare } from './sources.ts';
import { lockFinding, surveyState } from './state.ts';

export interface Examination {
  readonly findings: readonly Finding[];
  readonly exit: ExitCode;
}

/** What tells most comes first: who lets us in, then what is to be set up here, then who does not answer. */
const TELLING: readonly ExitCode[] = [EXIT.access, EXIT.usage, EXIT.hubspot, EXIT.source];

export async function examine(input: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly nowMs: number;
  readonly stop: AbortSignal;
}): Promise<Examination> {
  const { env, cwd, nowMs, stop } = input;
  const survey = surveyConfiguration({ env, cwd });
  const state = surveyState(survey, pipeNames(), nowMs);
  const jobs = await loadJobs();
  const [hubspot, erp, square] = await Promise.all([
    surveyHubspot(survey, jobs, stop),
    surveyErp(survey, jobs, state.instances, stop),
    surveySquare(survey, stop),
  ]);
  const { alerts } = survey;
  const found = [
    ...runtimeFindings(),
    ...survey.findings,
    ...fileFindings(cwd, survey.stateDir),
    ...state.findings,
    lockFinding(lockFolder(env), survey),
    ...clockFindings(hubspot.skewMs),
    ...hubspot.findings,
    ...erp,
    ...square,
    alerts.length > 0
      ? fine('alerts', 'channels', `configured: ${alerts.join(', ')} (nothing was sent)`)
      : warning('alerts', 'channels', 'none: nobody is told when a job fails', 'set one of the ALERT_ variables'),
  ];
  const scrub = scrubber(survey.secrets);
  const findings = found
    .map((one) => ({ ...one, result: scrub(one.result), fix: one.fix === null ? null : scrub(one.fix) }))
    .sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
  return { findings, exit: exitOf(findings) };
}

function exitOf(findings: readonly Finding[]): ExitCode {
  const exits = new Set(findings.flatMap(({ level, exit }) => (level === 'fault' && exit !== null ? [exit] : [])));
  if (exits.size === 0) return EXIT.ok;
  return TELLING.find((code) => exits.has(code)) ?? EXIT.usage;
}
