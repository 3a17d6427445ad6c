/** The line for machines without launchd and systemd: crontab(5). */
import { join } from 'node:path';
import { type Agent, refuseControls, shellWord } from './supervisor.ts';

/** Every quarter of an hour a look at the ledger. A percent sign would end the command: crontab(5). */
export function crontabLine(agent: Agent, stateDir: string): string {
  refuseControls(agent);
  const { node, script, folder, environment } = agent;
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${shellWord(value)}`);
  const command = [node, script, 'jobs', 'tick'].map(shellWord).join(' ');
  const log = shellWord(join(stateDir, 'cron.log'));
  const line = `cd ${shellWord(folder)} && umask 077 && ${settings.join(' ')} ${command} >>${log} 2>&1`;
  return `*/15 * * * * ${line.replaceAll('%', '\\%')}`;
}
