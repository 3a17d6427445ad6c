/** What launchd and systemd have in common: files that describe what is started, and commands that load them. */
import { EXIT, FatalError } from '../errors.ts';
import type { Schedule } from '../schedule/plan.ts';
import type { Called, Machine } from './machine.ts';

/** `service`: stays, and runs every job at its hour. `trigger`: looks every 15 min. `calendar`: one entry a job. */
export const FORMS = ['service', 'trigger', 'calendar'] as const;
export type Form = (typeof FORMS)[number];

/** What is started, and with what. Holds no secret. */
export interface Agent {
  readonly form: Form;
  /** Absolute paths: of Node, of bin/retail-sync.js, and of the folder that `.env` is read from. */
  readonly node: string;
  readonly script: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly schedule: Schedule;
}

/** A file that launchd or systemd reads. */
export interface UnitFile {
  readonly path: string;
  /** By which the supervisor knows it. */
  readonly name: string;
  readonly text: string;
}

/** One command of an installation: shown by `--print`, run otherwise. */
export interface Step {
  readonly command: readonly string[];
  /** Besides 0: what it was to bring about is so already. */
  readonly isFine?: (called: Called) => boolean;
  /** Comes to pass shortly: the end of what runs is waited for. */
  readonly isPassing?: (called: Called) => boolean;
}

/** What is told of a file that is installed. */
export interface UnitState {
  readonly name: string;
  readonly path: string;
  readonly isLoaded: boolean;
  readonly isRunning: boolean;
  readonly lastExit: number | null;
}

/** As the file says it; null for what cannot be read. */
export interface Installed {
  readonly form: Form;
  readonly node: string | null;
  readonly script: string | null;
  readonly folder: string | null;
}

export interface Supervisor {
  readonly name: 'launchd' | 'systemd';
  /** The files of an installation, as they would be on this machine. */
  plan(agent: Agent, nowMs: number): readonly UnitFile[];
  /** Ours that are there. */
  present(): readonly UnitFile[];
  /** What those say; null when there is none. */
  read(files: readonly UnitFile[]): Installed | null;
  /** Folders that have to be there before anything is started. */
  readonly folders: readonly string[];
  loadSteps(files: readonly UnitFile[]): readonly Step[];
  unloadSteps(files: readonly UnitFile[]): readonly Step[];
  /** After the files are gone. */
  afterSteps(files: readonly UnitFile[]): readonly Step[];
  /** What else an installation leaves behind. */
  traces(files: readonly UnitFile[]): readonly string[];
  stateOf(file: UnitFile): UnitState;
  explain(step: Step, called: Called): FatalError;
  /** Where what it prints goes. */
  readonly log: string;
  /** What a person should know of this machine. */
  hints(agent: Agent): readonly string[];
}

/** A service that is told to end gets 30 s. */
const PASSING_MAX = 40;
const AGAIN_MS = 1_000;

/** Runs the steps in order. Throws FatalError (exit 2) with the explanation of the first that fails. */
export async function runSteps(
  steps: readonly Step[],
  machine: Pick<Machine, 'call'>,
  supervisor: Pick<Supervisor, 'explain'>,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  for (const step of steps) {
    let called = machine.call(step.command);
    for (let tries = 0; tries < PASSING_MAX && called.exit !== 0 && step.isPassing?.(called); tries++) {
      await sleep(AGAIN_MS);
      called = machine.call(step.command);
    }
    if (called.exit !== 0 && !step.isFine?.(called)) throw supervisor.explain(step, called);
  }
}

/** A value that no line of a file and no XML can hold. Throws FatalError (exit 2). */
export function refuseControls(agent: Agent): void {
  const values = [agent.node, agent.script, agent.folder, ...Object.entries(agent.environment).flat()];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const bad = values.find((value) => /[\u0000-\u001f\u007f]/.test(value));
  if (bad === undefined) return;
  const message = `${JSON.stringify(bad)} holds a line break or another control character, which no service file can hold`;
  throw new FatalError(EXIT.usage, message, 'rename the folder, or correct the variable');
}

/** For people and shells to read: quoted where it has to be. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

export const shellLine = (command: readonly string[]): string => command.map(shellWord).join(' ');
