/** What an installation starts, from the shell it is typed in: launchd and systemd hand down almost nothing of that. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isSecret, variableNames } from '../config/variables.ts';
import { type Config, loadConfig } from '../config.ts';
import { EXIT, FatalError } from '../errors.ts';
import { ROOT } from '../pipe-names.ts';
import type { Schedule } from '../schedule/plan.ts';
import type { Agent, Form } from './supervisor.ts';

/** What changes how Node and this tool reach the world and find the portal's lock. */
const CARRIED = [
  ...['NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'],
  ...['https_proxy', 'http_proxy', 'no_proxy', 'XDG_STATE_HOME'],
];
/** Where the programs are that a scheduled run calls. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

type Env = Readonly<Record<string, string | undefined>>;

export interface AgentInput {
  readonly form: Form;
  readonly trigger: string;
  readonly schedule: Schedule;
  readonly env: Env;
  readonly cwd: string;
  /** Of the Node that is to run it. */
  readonly node: { readonly path: string; readonly version: string };
}

/** Throws FatalError (exit 2) for a Node that is too old, and for settings that a service would not have. */
export function agentOf({ form, trigger, schedule, env, cwd, node }: AgentInput): Agent {
  refuseOldNode(node);
  if (form === 'calendar') refuseJitter(schedule);
  const environment = { PATH, ...carriedFrom(env, cwd), RETAIL_SYNC_TRIGGER: trigger };
  refuseLosses(env, environment, cwd);
  const script = join(ROOT, 'bin', 'retail-sync.js');
  return { ...{ form, node: node.path, script, folder: cwd, environment, schedule } };
}

/** TypeScript is run without a flag since 22.18 and 23.6 (nodejs.org/api/typescript.html). */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

function refuseOldNode({ path, version }: AgentInput['node']): void {
  if (isNewEnough(version)) return;
  const message = `the Node that runs this, ${path}, is ${version}; the service needs 22.18 or newer`;
  throw new FatalError(EXIT.usage, message, 'install a newer Node, and type this with it');
}

function refuseJitter({ jobs }: Schedule): void {
  const job = jobs.find(({ jitterMs, isOn }) => isOn && jitterMs > 0);
  if (!job) return;
  const message = `${job.name} has a jitter, which a calendar of fixed hours cannot follow`;
  throw new FatalError(EXIT.usage, message, 'take jitterMinutes out of the schedule, or install --as service');
}

/** Settings that stand in the environment and not in `.env`. Secrets only as the path of a file that holds them. */
function carriedFrom(env: Env, cwd: string): Readonly<Record<string, string>> {
  const given = (name: string): [string, string][] => {
    const text = env[name]?.trim() ?? '';
    return text === '' ? [] : [[name, text]];
  };
  const own = variableNames.flatMap((name) => {
    if (!isSecret(name)) return given(name);
    return given(`${name}_FILE`).map(([key, path]): [string, string] => [key, resolve(cwd, path)]);
  });
  return Object.fromEntries([...CARRIED.flatMap(given), ...own]);
}

/** The configuration must be the same with and without the shell. */
function refuseLosses(env: Env, environment: Env, cwd: string): void {
  const password = CARRIED.find((name) => /^\w+:\/\/[^/]*@/.test(environment[name] ?? ''));
  if (password !== undefined) {
    const message = `${password} holds a password, which is not written into the file of a service`;
    throw new FatalError(EXIT.usage, message, 'use a proxy that needs none, or one on this machine that knows it');
  }
  const here = loadConfig({ env, cwd, needs: ['hubspot'] }).settings();
  const lost = lostNames(here, environment, cwd);
  if (lost.length === 0) return;
  const message = `${lost.join(', ')} ${lost.length === 1 ? 'stands' : 'stand'} in this shell only: a service would not have it, and no secret is written into its file`;
  const file = join(cwd, '.env');
  const how = existsSync(file) ? `put it into ${file}` : `make ${file} (chmod 600) with it`;
  throw new FatalError(EXIT.usage, message, `${how}, or set ${lost[0]}_FILE to the path of a file that holds it`);
}

type Settings = ReturnType<Config['settings']>;

function lostNames(here: Settings, environment: Env, cwd: string): readonly string[] {
  const there = new Map(
    loadConfig({ env: environment, cwd, needs: [] })
      .settings()
      .map((one) => [one.name, one.value]),
  );
  return here.filter(({ name, value }) => there.get(name) !== value).map(({ name }) => name);
}
