/** Whether what is installed is loaded, runs, and still fits the machine and the schedule. */
import { existsSync } from 'node:fs';
import type { Schedule } from '../schedule/plan.ts';
import { isNewEnough } from './agent.ts';
import type { Machine } from './machine.ts';
import type { Installed, Supervisor, UnitFile, UnitState } from './supervisor.ts';

/** An installation, as it was found. */
interface Looked {
  readonly installed: Installed;
  readonly units: readonly UnitState[];
  readonly files: readonly UnitFile[];
  readonly supervisor: Supervisor;
  readonly schedule: Schedule;
  readonly machine: Machine;
}

/** What a person has to mend; nothing when it is sound. */
export function faultsOf(looked: Looked): readonly string[] {
  const { installed, units } = looked;
  return [
    ...pathFaults(installed, looked.machine),
    ...units.filter(({ isLoaded }) => !isLoaded).map(({ name }) => `${name} is not loaded`),
    ...units
      .filter(({ isLoaded, isRunning }) => installed.form === 'service' && isLoaded && !isRunning)
      .map(
        ({ name, lastExit }) => `${name} does not run${lastExit === null ? '' : `, it ended with exit ${lastExit}`}`,
      ),
    ...(isOutdated(looked) ? ["the schedule, or this machine's zone, has changed since it was installed"] : []),
  ];
}

function pathFaults({ node, script, folder }: Installed, { call }: Machine): readonly string[] {
  if (node === null || script === null || folder === null) return ['its file cannot be read: somebody edited it'];
  const gone = [node, script, folder].filter((path) => !existsSync(path)).map((path) => `${path} is no longer there`);
  if (!existsSync(node)) return gone;
  const { exit, stdout, stderr } = call([node, '--version']);
  const version = stdout.trim();
  if (exit !== 0) return [...gone, `${node} does not start: ${stderr.split('\n')[0]}`];
  return isNewEnough(version) ? gone : [...gone, `${node} is ${version} now, and 22.18 or newer is needed`];
}

/** Only a calendar holds the hours; service and trigger read the schedule each time. */
function isOutdated({ installed, files, supervisor, schedule }: Looked): boolean {
  if (installed.form !== 'calendar' || installed.node === null) return false;
  const { node, script, folder } = installed;
  if (script === null || folder === null) return false;
  const wanted = supervisor.plan({ form: 'calendar', node, script, folder, environment: {}, schedule }, Date.now());
  const hours = (units: readonly UnitFile[]): string =>
    JSON.stringify(units.map(({ name, text }) => [name, text.match(HOURS)]).sort());
  return hours(wanted) !== hours(files);
}

/** In a property list and in a timer. */
const HOURS = /<key>(?:Weekday|Hour|Minute)<\/key>\s*<integer>\d+|^OnCalendar=.*$/gm;
