/** Telemetry where an endpoint is configured, else nothing: the library behind it takes 30 MB and is not loaded then. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { Telemetry } from '../observe.ts';

export async function openTelemetry(
  { telemetry, environment }: Pick<Config, 'telemetry' | 'environment'>,
  log: Log,
): Promise<Telemetry | null> {
  if (telemetry === null) return null;
  const { openOtlp } = await import('./otlp.ts');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  let isSaid = false;
  const onLost = (): void => {
    if (!isSaid) log.warn('telemetry was not taken by OTEL_EXPORTER_OTLP_ENDPOINT; everything else goes on');
    isSaid = true;
  };
  return openOtlp({ ...telemetry, environment, version: String(version), onLost });
}
