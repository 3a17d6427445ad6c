/** Who is told when something goes wrong, and whether it gets through. Nothing is sent. */
import { adviceOn } from '../alerts/channels.ts';
import { channelsOf } from '../state/alert-channels.ts';
import { type Db, openReadOnly, schemaOf } from '../state/database.ts';
import { MIGRATIONS } from '../state/migrations.ts';
import type { Survey } from './configuration.ts';
import { type Finding, fine, warning } from './finding.ts';

export function alertFindings({ alerts, stateDir }: Survey): Finding[] {
  if (alerts.length === 0) {
    const meaning = 'nobody is told when a job fails';
    return [warning('alerts', 'channels', 'none', 'set one of the ALERT_ variables', meaning)];
  }
  const said = `configured: ${alerts.join(', ')} (nothing was sent; retail-sync alerts test tries them)`;
  return [fine('alerts', 'channels', said), ...deaf(stateDir)];
}

function deaf(stateDir: string): Finding[] {
  let db: Db | null = null;
  try {
    db = openReadOnly(stateDir);
    if (db === null || schemaOf(db) < MIGRATIONS.length) return [];
    return channelsOf(db).flatMap(({ channel, failedMs, reason }) => {
      if (failedMs === null) return [];
      const since = new Date(failedMs).toISOString().slice(0, 16).replace('T', ' ');
      const result = `the last message was not taken (${reason}), since ${since} UTC`;
      return [warning('alerts', channel, result, `${adviceOn(reason ?? '')}; then retail-sync alerts test`)];
    });
  } catch {
    return []; // the checks of the state say what is wrong with it
  } finally {
    db?.close();
  }
}
