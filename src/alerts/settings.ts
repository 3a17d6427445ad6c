/** Where alerts go, also when the rest of the configuration has faults: a broken setting must not silence its own alert. */
import { resolve } from 'node:path';
import { readDotenv } from '../config/dotenv.ts';
import { gather } from '../config/origins.ts';
import { readAll } from '../config/variables.ts';
import { alertsOf, type Config } from '../config.ts';

export interface AlertSettings extends Pick<Config, 'environment' | 'stateDir' | 'alerts' | 'schedule'> {}

/** Never throws for a fault of the configuration: a variable that is not valid counts as not given. */
export function alertSettings({
  env,
  cwd,
}: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): AlertSettings {
  const { given } = gather(
    [
      { origin: 'environment', values: env },
      { origin: '.env', values: readDotenv(cwd).values },
    ],
    cwd,
  );
  const { values } = readAll(new Map([...given].map(([name, { text }]) => [String(name), text])));
  return {
    environment: values.RETAIL_SYNC_ENV,
    stateDir: resolve(cwd, values.RETAIL_SYNC_STATE_DIR),
    alerts: alertsOf(values),
    schedule: { path: resolve(cwd, values.RETAIL_SYNC_SCHEDULE), isNamed: given.has('RETAIL_SYNC_SCHEDULE') },
  };
}
