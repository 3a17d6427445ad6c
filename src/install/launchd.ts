/**
 * LaunchAgents of macOS: launchd.plist(5) and launchctl(1), by the manual pages of macOS 15. The templates in
 * `launchd/` are whole property lists; libraries read and write them, so that every value is escaped as XML wants it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'fast-plist';
import { build } from 'plist';
import { z } from 'zod';
import { EXIT, FatalError } from '../errors.ts';
import { ROOT } from '../pipe-names.ts';
import { type CalendarEntry, calendarEntries, fileWord } from './calendar.ts';
import type { Called, Machine } from './machine.ts';
import { type Agent, type Form, refuseControls, type Step, type Supervisor, type UnitFile } from './supervisor.ts';

const LAUNCHCTL = '/bin/launchctl';
const PLUTIL = '/usr/bin/plutil';
const PREFIX = 'retail-sync.';
const LABELS: Readonly<Record<Exclude<Form, 'calendar'>, string>> = {
  service: `${PREFIX}serve`,
  trigger: `${PREFIX}tick`,
};

/** What we read of a property list; other keys stay as they are. */
const agentShape = z.looseObject({
  Label: z.string(),
  ProgramArguments: z.array(z.string()),
  WorkingDirectory: z.string(),
  StandardOutPath: z.string(),
});
const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
type Value = z.output<typeof value>;
const dict = z.record(z.string(), value);

export function launchd(machine: Machine): Supervisor {
  const folder = join(machine.home, 'Library', 'LaunchAgents');
  const logs = join(machine.home, 'Library', 'Logs', 'retail-sync');
  const domain = `gui/${machine.uid}`;
  const logOf = (label: string): string => join(logs, `${label}.log`);
  const fileOf = (name: string, text: string): UnitFile => ({ name, path: join(folder, `${name}.plist`), text });
  const bootout = ({ name }: UnitFile): Step => ({
    command: [LAUNCHCTL, 'bootout', `${domain}/${name}`],
    isFine: isNotLoaded,
    isPassing: ({ exit }) => exit === IN_PROGRESS,
  });
  return {
    name: 'launchd',
    folders: [folder, logs],
    log: logs,
    plan: (agent, nowMs) => {
      refuseControls(agent);
      return entriesOf(agent, machine.zone, nowMs).map(({ label, template, calendar }) => {
        const words = { label, node: agent.node, script: agent.script, folder: agent.folder, log: logOf(label) };
        return fileOf(label, plistOf(template, words, { environment: agent.environment, calendar }));
      });
    },
    present: () =>
      (existsSync(folder) ? readdirSync(folder) : [])
        .filter((name) => name.startsWith(PREFIX) && name.endsWith('.plist'))
        .map((name) => fileOf(name.slice(0, -'.plist'.length), readFileSync(join(folder, name), 'utf8'))),
    read: ([first]) => {
      if (!first) return null;
      const form = formOf(first.name);
      try {
        const { ProgramArguments, WorkingDirectory } = agentShape.parse(parse(first.text));
        const [node = null, script = null] = ProgramArguments;
        return { form, node, script, folder: WorkingDirectory };
      } catch {
        return { form, node: null, script: null, folder: null }; // not a property list: somebody edited it
      }
    },
    loadSteps: (files) =>
      files.flatMap(({ name, path }) => [
        { command: [PLUTIL, '-lint', '-s', path] },
        // One that was switched off once stays off until it is enabled: launchctl(1).
        { command: [LAUNCHCTL, 'enable', `${domain}/${name}`] },
        { command: [LAUNCHCTL, 'bootstrap', domain, path], isPassing: isEnding },
      ]),
    unloadSteps: (files) => files.map(bootout),
    afterSteps: () => [],
    traces: (files) => [...files.map(({ name }) => logOf(name)), logs],
    stateOf: ({ name, path }) => stateOf(name, path, machine.call([LAUNCHCTL, 'print', `${domain}/${name}`])),
    explain: (step, called) => explain(step, called, machine),
    hints: (agent) => hintsOf(agent, machine),
  };
}

const formOf = (label: string): Form =>
  label === LABELS.service ? 'service' : label === LABELS.trigger ? 'trigger' : 'calendar';

interface Entry {
  readonly label: string;
  readonly template: Form;
  readonly calendar: readonly CalendarEntry[] | null;
}

function entriesOf({ form, schedule }: Agent, machineZone: string, nowMs: number): readonly Entry[] {
  if (form !== 'calendar') return [{ label: LABELS[form], template: form, calendar: null }];
  return schedule.jobs
    .filter(({ isOn }) => isOn)
    .map((job) => ({
      label: `${PREFIX}at.${fileWord(job.name)}`,
      template: form,
      calendar: calendarEntries(job, schedule.zone, machineZone, nowMs),
    }));
}

/** Fills a template in. What comes out is read again, by another library, and must say the same. */
function plistOf(
  template: Form,
  words: Readonly<Record<string, string>>,
  {
    environment,
    calendar,
  }: { readonly environment: Readonly<Record<string, string>>; readonly calendar: readonly CalendarEntry[] | null },
): string {
  const keys = dict.parse(parse(readFileSync(join(ROOT, 'launchd', `${template}.plist`), 'utf8')));
  const whole = {
    ...fillAll(keys, words),
    EnvironmentVariables: { ...environment },
    ...(calendar === null ? {} : { StartCalendarInterval: calendar.map((entry) => ({ ...entry })) }),
  };
  const text = `${build(whole)}\n`;
  if (!isDeepStrictEqual(parse(text), whole)) {
    throw new Error(`the property list of ${words.label} does not read as it was written`);
  }
  return text;
}

function fill(given: Value, words: Readonly<Record<string, string>>): Value {
  if (typeof given === 'string') return given.replace(/^\{\{(\w+)\}\}$/, (whole, word: string) => words[word] ?? whole);
  if (Array.isArray(given)) return given.map((one) => String(fill(one, words)));
  return given;
}

const fillAll = (
  keys: Readonly<Record<string, Value>>,
  words: Readonly<Record<string, string>>,
): Record<string, Value> => Object.fromEntries(Object.entries(keys).map(([key, given]) => [key, fill(given, words)]));

/** Exit codes of launchctl are those of <sys/errno.h> and, above 100, of launchd itself (`launchctl error <code>`). */
const IN_PROGRESS = 36;
const isNotLoaded = ({ exit }: Called): boolean => exit === 3 || exit === 113;
/** 5 and 37 come while the one before is still ending; 5 comes for other causes too, and then stays. */
const isEnding = ({ exit }: Called): boolean => exit === 5 || exit === 37;

const CAUSES: ReadonlyMap<number, readonly [string, string]> = new Map([
  [1, ['it is not permitted', 'type it as the user who is logged in, without sudo']],
  [
    5,
    [
      'launchd could not load the file',
      'see that the file and the folders it names belong to you, and that "retail-sync" is allowed under System Settings > General > Login Items',
    ],
  ],
  [37, ['the one before has not ended yet', 'wait a minute, and type it again']],
  [119, ['the service is switched off', 'allow it under System Settings > General > Login Items, and type it again']],
  [
    125,
    [
      'nobody is logged in at the screen of this Mac',
      'log in at the screen once: the file is in place and is loaded then; retail-sync jobs status shows it',
    ],
  ],
]);

function explain({ command }: Step, { exit, stdout, stderr }: Called, { uid }: Machine): FatalError {
  const [program = '', verb = ''] = command;
  const said = [stderr, stdout].map((text) => text.trim().split('\n')[0]).find((text) => text !== '') ?? '';
  if (program === PLUTIL) {
    return new FatalError(
      EXIT.internal,
      `the file that was written is no property list: ${said}`,
      'report the message',
    );
  }
  const [cause, hint] = CAUSES.get(exit ?? -1) ?? ['launchctl failed', `launchctl error ${exit} says what it means`];
  const message = `launchctl ${verb} in the domain gui/${uid}: ${cause} (exit ${exit}${said === '' ? '' : `, ${said}`})`;
  return new FatalError(EXIT.usage, message, hint);
}

/** The output of `launchctl print` is for people, says its manual: only three of its lines are looked for. */
function stateOf(name: string, path: string, { exit, stdout }: Called) {
  const lastExit = /^\s*last exit code = (-?\d+)/m.exec(stdout)?.[1];
  return {
    ...{ name, path, isLoaded: exit === 0, isRunning: /^\s*state = running$/m.test(stdout) },
    lastExit: lastExit === undefined ? null : Number(lastExit),
  };
}

/** macOS asks a person before a program may read these, and launchd has nobody to ask. */
const PROTECTED = ['Desktop', 'Documents', 'Downloads'];

function hintsOf({ folder, script, node, form, schedule }: Agent, { home, zone }: Machine): readonly string[] {
  const guarded = PROTECTED.find((name) => [folder, script].some((path) => path.startsWith(join(home, name, '/'))));
  return [
    ...(guarded === undefined
      ? []
      : [
          `~/${guarded} is guarded by macOS: launchd may be refused there. Move the folder, for example to ~/retail-sync`,
        ]),
    ...(/\/Cellar\//.test(node)
      ? [`${node} goes away with the next brew upgrade: install again after it (jobs status tells)`]
      : []),
    ...(form === 'calendar' && zone !== schedule.zone
      ? [`the calendar holds the hours of ${zone}, this Mac's zone: install again when it has moved to another`]
      : []),
    'it runs while you are logged in: after a restart it waits for the login',
  ];
}
