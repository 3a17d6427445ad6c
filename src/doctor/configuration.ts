/** The configuration as far as it goes: its faults as lines, and the systems that can be asked all the same. */

import { resolve } from 'node:path';
import { readDotenv } from '../config/dotenv.ts';
import { type Gathered, gather, type Layer } from '../config/origins.ts';
import { withProfileUrls } from '../config/profile-urls.ts';
import {
  type ErpConfig,
  erpOf,
  type HubspotConfig,
  hubspotOf,
  type SquareConfig,
  squareOf,
} from '../config/systems.ts';
import { isSecret, readAll, SECRETS, type Variables } from '../config/variables.ts';
import { loadConfig } from '../config.ts';
import { EXIT, FatalError } from '../errors.ts';
import { type Finding, fault, fine, warning } from './finding.ts';

export interface Survey {
  readonly findings: readonly Finding[];
  readonly environment: Variables['RETAIL_SYNC_ENV'];
  readonly stateDir: string;
  readonly hubspot: HubspotConfig | null;
  readonly erp: ErpConfig | null;
  readonly square: SquareConfig | null;
  readonly schedule: { readonly path: string; readonly isNamed: boolean };
  readonly alerts: readonly string[];
  /** Files that hold secrets, named by NAME_FILE. */
  readonly secretFiles: readonly string[];
  /** For the scrubber of everything that is shown. */
  readonly secrets: readonly string[];
}

interface Given {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export function surveyConfiguration(given: Given): Survey {
  const { cwd, env } = given;
  const layers: readonly Layer[] = [
    { origin: 'environment', values: env },
    { origin: '.env', values: readDotenv(cwd).values },
  ];
  const gathered = withProfileUrls(gather(layers, cwd), cwd, false); // its faults are found where it is used
  const texts = new Map([...gathered.given].map(([name, { text }]) => [String(name), text]));
  const { values } = readAll(texts);
  const profile = /\.ya?ml$/.test(values.ERP_PROFILE) ? resolve(cwd, values.ERP_PROFILE) : values.ERP_PROFILE;
  const systems = {
    hubspot: hubspotOf(values),
    erp: erpOf(values, profile),
    square: squareOf(values, values.SQUARE_BACKFILL_FROM ?? new Date().toISOString().slice(0, 10)),
  };
  return {
    ...systems,
    environment: values.RETAIL_SYNC_ENV,
    stateDir: resolve(cwd, values.RETAIL_SYNC_STATE_DIR),
    schedule: { path: resolve(cwd, values.RETAIL_SYNC_SCHEDULE), isNamed: gathered.given.has('RETAIL_SYNC_SCHEDULE') },
    alerts: alertsIn(values),
    secretFiles: secretFilesIn(layers, cwd),
    secrets: [...texts].filter(([name]) => isSecret(name)).map(([, text]) => text),
    findings: [
      fine('configuration', 'environment', `RETAIL_SYNC_ENV is ${values.RETAIL_SYNC_ENV}`),
      ...originFindings(gathered),
      ...faultsOf(given, systems, texts),
    ],
  };
}

/** Which variables are set, by where from; everything else is at its default. */
function originFindings({ given }: Gathered): Finding[] {
  const origins = Map.groupBy(given, ([, { origin }]) => origin);
  if (origins.size === 0) return [fine('configuration', 'origins', 'nothing is set: all defaults')];
  return [...origins].map(([origin, list]) =>
    fine('configuration', `from ${origin === 'file' ? 'files' : origin}`, list.map(([name]) => name).join(', ')),
  );
}

/** As `gather` reads them: the first layer that names one. */
function secretFilesIn(layers: readonly Layer[], cwd: string): string[] {
  return SECRETS.flatMap((name) => {
    const path = layers.map(({ values }) => values[`${name}_FILE`]?.trim()).find((text) => text !== undefined);
    return path ? [resolve(cwd, path)] : [];
  });
}

/** Every fault that a sync would name; a source that is not configured at all only costs its own pipes. */
function faultsOf(
  given: Given,
  systems: Pick<Survey, 'erp' | 'square'>,
  texts: ReadonlyMap<string, string>,
): Finding[] {
  const begun = (start: string): boolean =>
    [...texts.keys()].some((name) => name.startsWith(start) && !/_(PROFILE|BASE_URL)$|CUTOVER/.test(name));
  const wantsErp = systems.erp !== null || begun('ERP_');
  const findings = faultLines(given, ['hubspot', ...(wantsErp ? ['erp' as const] : [])]).map(({ name, result, fix }) =>
    fault('configuration', name, result, fix, EXIT.usage),
  );
  if (!wantsErp)
    findings.push(
      notGiven('ERP_PRODUCTION_URL', 'the ERP is not configured: products, customers and quotes cannot run'),
    );
  if (systems.square === null && !findings.some(({ name }) => name.startsWith('SQUARE_TOKEN'))) {
    findings.push(notGiven('SQUARE_TOKEN', 'Square is not configured: pos-orders cannot run'));
  }
  return findings;
}

const notGiven = (name: string, result: string): Finding =>
  warning('configuration', name, result, '.env.example describes every variable');

/** The message lists one fault a line, `NAME what is wrong: how to fix it`, and never a value. */
function faultLines({ env, cwd }: Given, needs: readonly ('hubspot' | 'erp')[]) {
  try {
    loadConfig({ env, cwd, needs });
    return [];
  } catch (thrown) {
    if (!(thrown instanceof FatalError)) throw thrown;
    return thrown.message
      .split('\n')
      .slice(1)
      .map((line) => {
        const [, name = 'configuration', wrong = line, fix = thrown.hint] = /^\s*(\S+) (.*?): (.*)$/.exec(line) ?? [];
        return { name, result: `${name} ${wrong}`, fix };
      });
  }
}

function alertsIn(values: Variables): string[] {
  return [
    ...(values.ALERT_SLACK_WEBHOOK_URL === undefined ? [] : ['Slack']),
    ...(values.ALERT_WEBHOOK_URL === undefined ? [] : ['webhook']),
    ...(values.ALERT_SMTP_URL === undefined ? [] : ['mail']),
    ...(values.HEALTHCHECK_URL === undefined ? [] : ['health check']),
  ];
}
