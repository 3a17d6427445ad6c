/** Which of launchd and systemd a machine has. */
import { launchd } from './launchd.ts';
import type { Machine } from './machine.ts';
import type { Supervisor } from './supervisor.ts';
import { systemd } from './systemd.ts';

const SUPERVISORS = ['launchd', 'systemd', 'cron'] as const;
export type SupervisorName = (typeof SUPERVISORS)[number];

/** What the machine has, or what `--for` says. */
export function supervisorNameOf({ platform, call }: Machine, wanted?: SupervisorName): SupervisorName {
  if (wanted) return wanted;
  if (platform === 'darwin') return 'launchd';
  // Answers only where systemd runs for this user, and says so without a change.
  return platform === 'linux' && call(['systemctl', '--user', 'show-environment']).exit === 0 ? 'systemd' : 'cron';
}

export function supervisorOf(machine: Machine, name: SupervisorName): Supervisor | null {
  return name === 'launchd' ? launchd(machine) : name === 'systemd' ? systemd(machine) : null;
}
