/** Whether the daily jobs run by themselves: what is installed, and the slots that nothing has started. */
import { EXIT } from '../errors.ts';
import { faultsOf } from '../install/faults.ts';
import type { Machine } from '../install/machine.ts';
import { supervisorNameOf, supervisorOf } from '../install/supervisors.ts';
import { isOff, type Schedule } from '../schedule/plan.ts';
import { minuteIn } from '../schedule/zone.ts';
import { type Db, openReadOnly, schemaOf } from '../state/database.ts';
import { MIGRATIONS } from '../state/migrations.ts';
import { unfinishedSlots } from '../state/slots.ts';
import { type Finding, failed, fine, warning } from './finding.ts';

/** Whatever starts the jobs looks every 15 min at the latest; twice that is late. */
const OVERDUE_MS = 30 * 60_000;

interface Looked {
  readonly machine: Machine;
  readonly stateDir: string;
  /** Throws FatalError (exit 2) for one with faults. */
  readonly schedule: () => Schedule;
  readonly nowMs: number;
}

export function scheduleFindings({ machine, stateDir, schedule, nowMs }: Looked): Finding[] {
  try {
    const plan = schedule();
    return [installationFinding(machine, plan), ...slotFindings(stateDir, plan, nowMs)];
  } catch (thrown) {
    return [failed('schedule', 'schedule', thrown, EXIT.usage)];
  }
}

function installationFinding(machine: Machine, schedule: Schedule): Finding {
  const supervisor = supervisorOf(machine, supervisorNameOf(machine));
  if (supervisor === null) {
    const result = 'neither launchd nor a systemd of this user answers; a crontab is not looked into';
    return warning('schedule', 'installed', result, 'retail-sync jobs install: it shows the line for a crontab');
  }
  const files = supervisor.present();
  const installed = supervisor.read(files);
  if (installed === null) {
    return warning('schedule', 'installed', 'nothing', 'retail-sync jobs install', 'no job runs by itself');
  }
  const units = files.map((file) => supervisor.stateOf(file));
  const faults = faultsOf({ installed, units, files, supervisor, schedule, machine });
  const said = `${installed.form}, by ${supervisor.name}`;
  if (faults.length === 0) return fine('schedule', 'installed', `${said}, as it should be`);
  const fix = `retail-sync jobs install --as ${installed.form}, in the folder that holds .env`;
  return warning('schedule', 'installed', `${said}: ${faults.join('; ')}`, fix, 'jobs may not run by themselves');
}

function slotFindings(stateDir: string, schedule: Schedule, nowMs: number): Finding[] {
  let db: Db | null = null;
  try {
    db = openReadOnly(stateDir);
    if (db === null || schemaOf(db) < MIGRATIONS.length) return [];
    const slots = unfinishedSlots(db);
    if (slots.length === 0) return [];
    const overdue = slots.filter(
      ({ job, state, attempts, notBeforeMs }) =>
        state === 'open' && attempts === 0 && nowMs - notBeforeMs > OVERDUE_MS && !isOff(schedule, job),
    );
    if (overdue.length === 0) return [fine('schedule', 'slots', 'none is overdue')];
    return overdue.map(({ job, plannedAtMs }) => {
      const result = `planned for ${minuteIn(schedule.zone, plannedAtMs)}, and nothing has started it`;
      return warning('schedule', job, result, 'retail-sync jobs tick; then retail-sync jobs status');
    });
  } catch {
    return []; // the checks of the state say what is wrong with it
  } finally {
    db?.close();
  }
}
