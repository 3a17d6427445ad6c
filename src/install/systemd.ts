/** User units of systemd: systemd.service(5), systemd.timer(5), systemd.syntax(7), systemctl(1) of version 252. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, FatalError } from '../errors.ts';
import { ROOT } from '../pipe-names.ts';
import { calendarLines, fileWord } from './calendar.ts';
import type { Called, Machine } from './machine.ts';
import { type Agent, type Form, refuseControls, type Step, type Supervisor, type UnitFile } from './supervisor.ts';

const SYSTEMCTL = ['systemctl', '--user'] as const;
const SERVICE = 'retail-sync.service';
const TICK = 'retail-sync-tick.service';
const TIMER = 'retail-sync-tick.timer';
const OURS = /^retail-sync(-[\w.-]+)?\.(service|timer)$/;

export function systemd(machine: Machine): Supervisor {
  const { home, env } = machine;
  const folder = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'systemd', 'user');
  const stamps = join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'systemd', 'timers');
  const fileOf = (name: string, text: string): UnitFile => ({ name, path: join(folder, name), text });
  const reload: Step = { command: [...SYSTEMCTL, 'daemon-reload'] };
  return {
    name: 'systemd',
    folders: [folder],
    log: `journalctl --user -t retail-sync`,
    plan: (agent) => {
      refuseControls(agent);
      return unitsOf(agent).map(([name, text]) => fileOf(name, text));
    },
    present: () =>
      (existsSync(folder) ? readdirSync(folder) : [])
        .filter((name) => OURS.test(name))
        .map((name) => fileOf(name, readFileSync(join(folder, name), 'utf8'))),
    read: (files) => {
      const started = files.find(({ name }) => name === SERVICE || name === TICK);
      if (files.length === 0) return null;
      const [node = null, script = null] = wordsOf(lineOf(started?.text ?? '', 'ExecStart')?.replace('":', '"') ?? '');
      const at = lineOf(started?.text ?? '', 'WorkingDirectory')?.replaceAll('%%', '%') ?? null;
      return { form: formOf(files), node, script, folder: at };
    },
    loadSteps: (files) => [
      reload,
      { command: [...SYSTEMCTL, 'enable', ...startedOf(files)] },
      // Started again with what the file says now.
      { command: [...SYSTEMCTL, 'restart', ...startedOf(files)] },
    ],
    unloadSteps: (all) => {
      const files = all.filter(({ path }) => existsSync(path)); // one that is not there would fail the others
      const started = startedOf(files);
      const isFine = ({ stderr }: Called): boolean => /not loaded|does not exist|not found/i.test(stderr);
      const names = [...started, ...files.map(({ name }) => name).filter((name) => name === TICK)];
      return names.length === 0 ? [] : [{ command: [...SYSTEMCTL, 'disable', '--now', ...names], isFine }];
    },
    afterSteps: (files) => [
      reload,
      { command: [...SYSTEMCTL, 'reset-failed', ...files.map(({ name }) => name)], isFine: () => true },
    ],
    traces: (files) => files.flatMap(({ name }) => (name.endsWith('.timer') ? [join(stamps, `stamp-${name}`)] : [])),
    stateOf: ({ name, path }) => stateOf(name, path, machine),
    explain,
    hints: () => hintsOf(machine),
  };
}

/** What is switched on: the service, or the timers. */
const startedOf = (files: readonly UnitFile[]): string[] =>
  files.map(({ name }) => name).filter((name) => name === SERVICE || name.endsWith('.timer'));

const formOf = (files: readonly UnitFile[]): Form =>
  files.some(({ name }) => name === SERVICE)
    ? 'service'
    : files.some(({ name }) => name === TIMER)
      ? 'trigger'
      : 'calendar';

function unitsOf(agent: Agent): readonly (readonly [name: string, text: string])[] {
  const { form, schedule } = agent;
  if (form === 'service') return [[SERVICE, fill(SERVICE, wordsFor(agent, 'serve'))]];
  const tick = [TICK, fill(TICK, wordsFor(agent, 'tick'))] as const;
  const timer = (name: string, about: string, times: readonly string[]) =>
    [name, fill(TIMER, { about, times: times.map((time) => `OnCalendar=${time}`).join('\n') })] as const;
  if (form === 'trigger') return [tick, timer(TIMER, 'a look every quarter of an hour', ['*:00/15'])];
  const on = schedule.jobs.filter(({ isOn }) => isOn);
  return [
    tick,
    ...on.map((job) =>
      timer(
        `retail-sync-at-${fileWord(job.name)}.timer`,
        `${job.name} at ${job.at}`,
        calendarLines(job, schedule.zone),
      ),
    ),
  ];
}

function wordsFor({ node, script, folder, environment }: Agent, command: string): Readonly<Record<string, string>> {
  return {
    // The colon: no dollar sign in it is a variable.
    command: [`:${node}`, script, 'jobs', command].map(wordOf).join(' '),
    folder: folder.replaceAll('%', '%%'), // taken as it stands otherwise, blanks and quotes too
    environment: Object.entries(environment)
      .map(([name, value]) => `Environment=${wordOf(`${name}=${value}`)}`)
      .join('\n'),
  };
}

/** One word of a command or of Environment=: quoted, with C's escapes; a percent sign would begin a specifier. */
const wordOf = (text: string): string => `"${text.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;

const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner = '']) =>
    inner.replace(/\\(.)/g, '$1').replaceAll('%%', '%'),
  );

const lineOf = (text: string, key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1];

const fill = (template: string, words: Readonly<Record<string, string>>): string =>
  readFileSync(join(ROOT, 'systemd', template), 'utf8').replace(
    /\{\{(\w+)\}\}/g,
    (whole, word) => words[word] ?? whole,
  );

function stateOf(name: string, path: string, { call }: Machine) {
  const { exit, stdout } = call([
    ...SYSTEMCTL,
    'show',
    name,
    '--property=LoadState,ActiveState,ExecMainStatus,ExecMainStartTimestampMonotonic',
  ]);
  const said = new Map(stdout.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
  const active = said.get('ActiveState') ?? '';
  const isTimer = name.endsWith('.timer');
  const hasRun = !isTimer && Number(said.get('ExecMainStartTimestampMonotonic') ?? 0) > 0;
  return {
    ...{ name, path, isRunning: !isTimer && (active === 'active' || active === 'activating') },
    // What a timer starts is loaded without being active.
    isLoaded: exit === 0 && said.get('LoadState') === 'loaded' && (name === TICK || active !== 'inactive'),
    lastExit: hasRun ? Number(said.get('ExecMainStatus')) : null,
  };
}

function explain({ command }: Step, { exit, stderr }: Called): FatalError {
  const said = stderr.trim().split('\n')[0] ?? '';
  const hint = /connect to bus|No medium found|XDG_RUNTIME_DIR/i.test(stderr)
    ? 'log in as this user itself (not by su or sudo), so that its systemd runs; or loginctl enable-linger, and log in again'
    : `type it yourself to see more: ${command.join(' ')}`;
  return new FatalError(EXIT.usage, `${command.slice(0, 3).join(' ')} failed (exit ${exit}): ${said}`, hint);
}

function hintsOf({ user }: Machine): readonly string[] {
  if (existsSync(join('/var/lib/systemd/linger', user))) return [];
  return [`it ends when ${user} logs out; so that it does not: loginctl enable-linger ${user}`];
}
