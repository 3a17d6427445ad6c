/** `jobs status`: what is installed, whether it runs, and whether what it names is still there. */
import { EXIT, type ExitCode } from '../../errors.ts';
import { faultsOf } from '../../install/faults.ts';
import type { Machine } from '../../install/machine.ts';
import type { Installed, Supervisor, UnitState } from '../../install/supervisor.ts';
import { supervisorNameOf, supervisorOf } from '../../install/supervisors.ts';
import type { Schedule } from '../../schedule/plan.ts';
import type { Invocation } from '../invocation.ts';
import { nextOf } from './install.ts';
import { openSchedule } from './opened.ts';

/** Exit 0 when it is sound or nothing is installed, 2 when a person has to mend it. */
export async function jobsStatus(
  { json }: { readonly json?: boolean },
  invocation: Invocation,
  machine: Machine,
): Promise<ExitCode> {
  const supervisor = supervisorOf(machine, supervisorNameOf(machine));
  const files = supervisor?.present() ?? [];
  const installed = supervisor?.read(files) ?? null;
  const { schedule } = await openSchedule(invocation);
  const { stdout } = invocation;
  if (!supervisor || installed === null) {
    stdout.write(json ? documentOf(null, [], [], schedule) : absent(supervisor));
    return EXIT.ok;
  }
  const units = files.map((file) => supervisor.stateOf(file));
  const faults = faultsOf({ installed, units, files, supervisor, schedule, machine });
  stdout.write(
    json
      ? documentOf({ ...installed, supervisor: supervisor.name }, units, faults, schedule)
      : textOf(supervisor, installed, units, faults, schedule),
  );
  return faults.length === 0 ? EXIT.ok : EXIT.usage;
}

const absent = (supervisor: Supervisor | null): string =>
  supervisor
    ? 'Nothing is installed: no job runs by itself. retail-sync jobs install\n'
    : 'Neither launchd nor a systemd of this user answers here; a crontab is not looked\ninto. retail-sync jobs install shows the line for it.\n';

function textOf(
  supervisor: Supervisor,
  { form, node, folder }: Installed,
  units: readonly UnitState[],
  faults: readonly string[],
  schedule: Schedule,
): string {
  const width = Math.max(...units.map(({ name }) => name.length));
  const rows = units.map(({ name, isLoaded, isRunning, lastExit }) => {
    const state = !isLoaded ? 'not loaded' : isRunning ? 'runs' : 'waits';
    return `  ${name.padEnd(width)}  ${state.padEnd(10)}  ${lastExit === null ? '' : `last exit ${lastExit}`}`.trimEnd();
  });
  return `${[
    `${faults.length === 0 ? '✓' : '✗'} ${form}, by ${supervisor.name}`,
    ...rows,
    `  node    ${node ?? '?'}`,
    `  folder  ${folder ?? '?'}`,
    `  log     ${supervisor.log}`,
    `  next    ${nextOf(schedule)}`,
    ...faults.map((fault) => `  wrong   ${fault}`),
    ...(faults.length > 0 ? [`  fix     retail-sync jobs install --as ${form}, in the folder that holds .env`] : []),
  ].join('\n')}\n`;
}

const documentOf = (
  installed: (Installed & { readonly supervisor: string }) | null,
  units: readonly UnitState[],
  faults: readonly string[],
  schedule: Schedule,
): string =>
  `${JSON.stringify(
    {
      ...{ schemaVersion: 1, runId: null, status: faults.length === 0 ? 'ok' : 'failed' },
      ...{ counts: { units: units.length, faults: faults.length }, installed, units, faults, next: nextOf(schedule) },
    },
    null,
    2,
  )}\n`;
