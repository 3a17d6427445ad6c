/** The machine that an installation is for, and the programs of it that are called. */
import { spawnSync } from 'node:child_process';
import { homedir, userInfo } from 'node:os';

/** Longer than launchd or systemd take to stop a service. */
const CALL_MS_MAX = 60_000;

/** What a program said. `exit` is null when it could not be started, or was ended by a signal. */
export interface Called {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly uid: number;
  readonly user: string;
  /** IANA name of the zone its clock shows. */
  readonly zone: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly call: (command: readonly string[]) => Called;
}

/** The one this process runs on. */
export function thisMachine(env: Readonly<Record<string, string | undefined>>): Machine {
  const { uid, username: user } = userInfo();
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  return { platform: process.platform, home: homedir(), uid, user, zone, env, call };
}

function call([program = '', ...args]: readonly string[]): Called {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: CALL_MS_MAX });
  return { exit: status, stdout: stdout ?? '', stderr: stderr || (error?.message ?? '') };
}
