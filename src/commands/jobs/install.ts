/** `jobs install` and `jobs uninstall`: the schedule handed to launchd or systemd, and taken back. */

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode, FatalError } from '../../errors.ts';
import { agentOf } from '../../install/agent.ts';
import { crontabLine } from '../../install/cron.ts';
import { remove, writeUnit } from '../../install/files.ts';
import { type Machine, thisMachine } from '../../install/machine.ts';
import {
  type Agent,
  type Form,
  runSteps,
  type Step,
  type Supervisor,
  shellLine,
  type UnitFile,
} from '../../install/supervisor.ts';
import { type SupervisorName, supervisorNameOf, supervisorOf } from '../../install/supervisors.ts';
import { nextSlots, type Schedule } from '../../schedule/plan.ts';
import { minuteIn } from '../../schedule/zone.ts';
import { makeFolder } from '../../state/folder.ts';
import type { Invocation } from '../invocation.ts';
import { openSchedule } from './opened.ts';

export interface InstallFlags {
  readonly as: Form;
  readonly print?: boolean;
  /** With `print`: as if this machine had it. */
  readonly for?: SupervisorName;
  readonly json?: boolean;
}

/** Writes, loads and starts it; once more, it changes only what differs. Throws FatalError (exit 2) with what stands in the way. */
export async function jobsInstall(
  flags: InstallFlags,
  invocation: Invocation,
  machine: Machine = thisMachine(invocation.env),
): Promise<ExitCode> {
  if (flags.for && !flags.print) {
    throw new FatalError(EXIT.usage, '--for only shows what another machine would get', 'add --print');
  }
  const { env, cwd, stdout } = invocation;
  const { config, schedule } = await openSchedule(invocation);
  const name = supervisorNameOf(machine, flags.for);
  const node = { path: process.execPath, version: process.versions.node };
  const agent = agentOf({ form: flags.as, trigger: name, schedule, env, cwd, node });
  const supervisor = supervisorOf(machine, name);
  if (!supervisor) return offerCron(crontabLine(agent, config.stateDir), flags, invocation);
  const files = supervisor.plan(agent, Date.now());
  const before = supervisor.present();
  const change = changeOf(files, before, supervisor);
  if (flags.print) stdout.write(flags.json ? printDocument(files, change) : printText(files, change));
  else {
    refuseRoot(supervisor, machine);
    refuseOther(supervisor, before, cwd);
    await makeChange(change, supervisor, machine);
    stdout.write(flags.json ? installDocument(files, change, supervisor) : installText(agent, change, supervisor));
  }
  return EXIT.ok;
}

function offerCron(line: string, { print, json }: InstallFlags, { stdout }: Invocation): ExitCode {
  if (json)
    stdout.write(
      `${JSON.stringify({ schemaVersion: 1, runId: null, status: 'ok', counts: { files: 0 }, crontab: line }, null, 2)}\n`,
    );
  else if (print) stdout.write(`${line}\n`);
  if (print || json) return EXIT.ok;
  throw new FatalError(
    EXIT.usage,
    'neither launchd nor a systemd of this user answers here, so that nothing can be installed',
    `type crontab -e, and add this line (a look at the ledger every quarter of an hour):\n\n${line}\n`,
  );
}

/** From what there is to what is wanted. */
interface Change {
  readonly gone: readonly UnitFile[];
  readonly written: readonly UnitFile[];
  readonly steps: { readonly before: readonly Step[]; readonly after: readonly Step[] };
}

function changeOf(files: readonly UnitFile[], before: readonly UnitFile[], supervisor: Supervisor): Change {
  const same = (file: UnitFile): boolean => before.some(({ path, text }) => path === file.path && text === file.text);
  const isWhole = files.every((file) => same(file) && supervisor.stateOf(file).isLoaded);
  const gone = before.filter(({ path }) => !files.some((file) => file.path === path));
  if (isWhole && gone.length === 0) return { gone, written: [], steps: { before: [], after: [] } };
  // What is loaded under a name of ours goes first, its file there or not: launchd loads no name twice.
  const steps = { before: supervisor.unloadSteps([...gone, ...files]), after: supervisor.loadSteps(files) };
  return { gone, written: files, steps };
}

/** Root has no login at the screen, and a LaunchAgent of root would run with all rights. */
function refuseRoot({ name }: Supervisor, { uid }: Machine): void {
  if (name !== 'launchd' || uid !== 0) return;
  throw new FatalError(EXIT.usage, 'this is root, and a LaunchAgent belongs to a user', 'type it without sudo');
}

/** One installation a user: a second folder would sync the same portal by another state. */
function refuseOther(supervisor: Supervisor, before: readonly UnitFile[], cwd: string): void {
  const folder = supervisor.read(before)?.folder ?? null;
  if (folder === null || folder === cwd || !existsSync(folder)) return;
  const message = `the schedule is installed for the folder ${folder} already; this is ${cwd}`;
  throw new FatalError(EXIT.usage, message, 'retail-sync jobs uninstall takes it away; then install again here');
}

async function makeChange({ gone, written, steps }: Change, supervisor: Supervisor, machine: Machine): Promise<void> {
  if (written.length + gone.length === 0) return;
  await runSteps(steps.before, machine, supervisor, sleep);
  remove(gone.map(({ path }) => path));
  for (const folder of supervisor.folders) makeFolder(folder);
  for (const file of written) writeUnit(file);
  await runSteps(steps.after, machine, supervisor, sleep);
}

function printText(files: readonly UnitFile[], { gone, written, steps }: Change): string {
  if (written.length === 0) return `All of it is there and loaded: ${files.map(({ path }) => path).join(', ')}\n`;
  const commands = (list: readonly Step[]): string[] => list.map(({ command }) => `$ ${shellLine(command)}`);
  return `${[
    ...commands(steps.before),
    ...gone.map(({ path }) => `$ ${shellLine(['rm', path])}`),
    ...written.flatMap(({ path, text }) => ['', `# ${path} (mode 0600)`, text.trimEnd()]),
    '',
    ...commands(steps.after),
  ].join('\n')}\n`;
}

const commandsOf = ({ before, after }: Change['steps']): (readonly string[])[] =>
  [...before, ...after].map(({ command }) => command);

const printDocument = (files: readonly UnitFile[], { gone, written, steps }: Change): string =>
  document(
    { files: files.length, written: written.length, removed: gone.length },
    {
      print: true,
      files: files.map(({ path, text }) => ({ path, text })),
      removed: gone.map(({ path }) => path),
      commands: commandsOf(steps),
    },
  );

const installDocument = (files: readonly UnitFile[], { gone, written }: Change, { log }: Supervisor): string =>
  document(
    { files: files.length, written: written.length, removed: gone.length },
    {
      files: files.map(({ path }) => ({ path })),
      removed: gone.map(({ path }) => path),
      log,
    },
  );

const document = (counts: Readonly<Record<string, number>>, rest: object): string =>
  `${JSON.stringify({ schemaVersion: 1, runId: null, status: 'ok', counts, ...rest }, null, 2)}\n`;

const ABOUT: Readonly<Record<Form, string>> = {
  service: 'jobs serve runs every job at its hour, and is started again when it ends',
  trigger: 'jobs tick looks every 15 min for what is due: a job begins up to 15 min after its hour',
  calendar: 'jobs tick is started at the hour of each job, and 20 and 40 min later',
};

function installText(agent: Agent, { gone, written }: Change, supervisor: Supervisor): string {
  const { form, schedule } = agent;
  const lines = [
    ...gone.map(({ path }) => `removed  ${path}`),
    ...(written.length > 0
      ? written.map(({ path }) => `written  ${path}`)
      : ['Nothing to change: it is installed and loaded.']),
    `${supervisor.name}: ${ABOUT[form]}`,
    `  next  ${nextOf(schedule)}`,
    `  log   ${supervisor.log}`,
    '  look  retail-sync jobs status',
    ...supervisor.hints(agent).map((hint) => `  note  ${hint}`),
  ];
  return `${lines.join('\n')}\n`;
}

export function nextOf({ jobs, zone }: Schedule): string {
  const [next] = jobs
    .filter(({ isOn }) => isOn)
    .flatMap((job) => nextSlots(job, zone, Date.now(), 1))
    .sort((a, b) => a.plannedAtMs - b.plannedAtMs);
  return next ? `${next.job} at ${minuteIn(zone, next.plannedAtMs)} ${zone}` : 'nothing: every job is off';
}

export interface UninstallFlags {
  readonly print?: boolean;
  readonly json?: boolean;
}

/** Ends what runs, and removes its files and logs. State, `.env` and schedule stay. */
export async function jobsUninstall(
  { print, json }: UninstallFlags,
  { stdout }: Pick<Invocation, 'stdout'>,
  machine: Machine,
): Promise<ExitCode> {
  const supervisor = supervisorOf(machine, supervisorNameOf(machine));
  const files = supervisor?.present() ?? [];
  if (!supervisor || files.length === 0) {
    stdout.write(json ? document({ removed: 0 }, { removed: [] }) : 'Nothing is installed.\n');
    return EXIT.ok;
  }
  const [first, last] = [supervisor.unloadSteps(files), supervisor.afterSteps(files)];
  const paths = [...files.map(({ path }) => path), ...supervisor.traces(files)];
  if (print) {
    const lines = (steps: readonly Step[]): string[] => steps.map(({ command }) => `$ ${shellLine(command)}`);
    const there = paths.filter((path) => existsSync(path)).map((path) => `$ ${shellLine(['rm', path])}`);
    stdout.write(
      json
        ? document(
            { removed: 0 },
            {
              print: true,
              remove: paths.filter((path) => existsSync(path)),
              commands: commandsOf({ before: first, after: last }),
            },
          )
        : `${[...lines(first), ...there, ...lines(last)].join('\n')}\n`,
    );
    return EXIT.ok;
  }
  await runSteps(first, machine, supervisor, sleep);
  const removed = remove(paths);
  await runSteps(last, machine, supervisor, sleep);
  const text = [...removed.map((path) => `removed  ${path}`), 'Nothing runs by itself any more; the state stays.'];
  stdout.write(json ? document({ removed: removed.length }, { removed }) : `${text.join('\n')}\n`);
  return EXIT.ok;
}
