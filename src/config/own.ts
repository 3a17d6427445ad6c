/** The configuration: flag over environment over `.env`, validated as a whole before anything else happens. */
import { join, resolve } from 'node:path';
import type { LogFiles } from '../log/file.ts';
import type { Environment } from '../pipe.ts';
import { KINDS, type Policies } from '../probe/finding.ts';
import { readDotenv } from './dotenv.ts';
import { configurationError, type Fault } from './faults.ts';
import { type LimitSettings, textOf } from './limits.ts';
import { type Gathered, gather, type Layer, type Origin } from './origins.ts';
import {
  contradictions,
  erpOf,
  hubspotOf,
  missing,
  type Need,
  type Systems,
  type SystemsGiven,
  squareOf,
} from './systems.ts';
import { isSecret, readAll, type VariableName, type Variables, variableNames, variables } from './variables.ts';

export type { ErpConfig, HubspotConfig, Need, SquareConfig } from './systems.ts';

/** One line of `config show`. A secret's value is only a mark to compare it by. */
export interface Setting {
  readonly name: VariableName;
  readonly value: string;
  readonly origin: Origin;
}

interface Alerts {
  readonly slackWebhookUrl: string | null;
  readonly webhookUrl: string | null;
  readonly mail: { readonly smtpUrl: string; readonly to: readonly string[] } | null;
  readonly healthcheckUrl: string | null;
}

/** When a pipe may change over from the ERP's staging instance to its production. */
interface CutoverConfig {
  /** Agreeing shadow reads in a row. */
  readonly reads: number;
  /** Between two of them that both count. */
  readonly hoursApart: number;
  /** Of the records staging holds, 0 to 1. */
  readonly minShare: number;
  /** Nothing changes over by itself. */
  readonly held: boolean;
}

/** How long the state remembers, in days; of daily copies how many. */
interface KeepConfig {
  readonly runsDays: number;
  readonly journalDays: number;
  readonly lettersDays: number;
  readonly payloadsDays: number;
  readonly probesDays: number;
  readonly backups: number;
}

interface Basics {
  readonly environment: Environment;
  /** Absolute. */
  readonly stateDir: string;
  /** Absolute; `isNamed`: somebody set it, so that it has to be there. */
  readonly schedule: { readonly path: string; readonly isNamed: boolean };
  /** `YYYY-MM-DD`, or null when nobody confirmed it. */
  readonly marketingToggleConfirmedOn: string | null;
  /** That the subscription includes; null when nobody has said. */
  readonly marketingContactsIncluded: number | null;
  readonly cutover: CutoverConfig;
  readonly keep: KeepConfig;
  readonly probe: { readonly beforeRuns: boolean; readonly policies: Policies };
  /** What a run may do at most; `limitsOf` picks those of a pipe. */
  readonly limits: LimitSettings;
  readonly alerts: Alerts;
  /** Who moves a quote between stages once it exists. */
  readonly quoteStageOwner: 'erp' | 'crm';
  readonly logLevel: Variables['LOG_LEVEL'];
  readonly logFiles: LogFiles;
  /** Null: no traces and no metrics. */
  readonly telemetry: { readonly endpoint: string; readonly headers: Readonly<Record<string, string>> } | null;
  /** Every secret's value, for the log's scrubber and nothing else. */
  readonly secrets: readonly string[];
  readonly settings: () => readonly Setting[];
}

/** With the systems named by `Needed` certainly there; the others may be null. */
export type Config<Needed extends Need = never> = Basics & SystemsGiven & Pick<Systems, Needed>;

export interface ConfigInput<Needed extends Need> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** By variable name, for the options of the command line that set one; they win over everything. */
  readonly flags?: Readonly<Partial<Record<VariableName, string>>>;
  readonly needs: readonly Needed[];
  readonly now?: Date;
}

/** Adds the addresses that the ERP's profile names where no variable does. */
type WithUrls = (gathered: Gathered, cwd: string, isNeeded: boolean) => Gathered;

/**
 * Validates everything at once. Throws FatalError (exit 2) with all faults: variable, what is wrong, how to fix it,
 * and never a value. Without `withUrls` no profile is looked into: reading YAML takes longer than a short command does.
 */
export function loadOwnConfig<Needed extends Need>(
  input: ConfigInput<Needed>,
  withUrls: WithUrls = (gathered) => gathered,
): Config<Needed> {
  const dotenv = readDotenv(input.cwd);
  const layers: readonly Layer[] = [
    { origin: 'flag', values: input.flags ?? {} },
    { origin: 'environment', values: input.env },
    { origin: '.env', values: dotenv.values },
  ];
  const isErpNeeded = input.needs.some((need) => need === 'erp');
  const gathered = withUrls(gather(layers, input.cwd), input.cwd, isErpNeeded);
  const today = (input.now ?? new Date()).toISOString().slice(0, 10);
  const { values, faults: invalid } = parse(gathered);
  // A secret that is there but unusable is a fault already; it is not missing as well.
  const named = new Set([...gathered.given.keys(), ...gathered.faults.map(({ name }) => name.replace(/_FILE$/, ''))]);
  const present = new Set(variableNames.filter((name) => named.has(name)));
  const faults = [
    ...dotenv.faults,
    ...tlsFaults(layers),
    ...gathered.faults,
    ...invalid,
    ...futureDates(gathered, today),
    ...contradictions(present),
    ...missing(input.needs, present),
  ];
  if (faults.length > 0) throw configurationError(faults);
  const config = build(values, gathered, input.cwd, today);
  if (!provides(config, input.needs)) throw configurationError(missing(input.needs, new Set()));
  return config;
}

/** The rows of `config show`, in the schema's order. */
export const describeConfig = (config: Basics): readonly Setting[] => config.settings();

/** `missing` has reported what is not there; this says the same to the type checker. */
function provides<Needed extends Need>(config: Config, needs: readonly Needed[]): config is Config<Needed> {
  return needs.every((need) => config[need] !== null);
}

function parse({ given }: Gathered): { values: Variables; faults: readonly Fault[] } {
  const { values, misread } = readAll(new Map([...given].map(([name, { text }]) => [name, text])));
  const faults = misread.map(({ name, wrong }) => ({ name, wrong, fix: fixOf(name, given.get(name)?.origin) }));
  return { values, faults };
}

function fixOf(name: VariableName, origin: Origin | undefined): string {
  const { example } = variables[name];
  const where = origin === '.env' || origin === undefined ? 'in .env' : `(it comes from the ${origin})`;
  return example !== ''
    ? `correct it ${where}, for example ${name}=${example}`
    : `correct it ${where}; .env.example describes it`;
}

function tlsFaults(layers: readonly Layer[]): Fault[] {
  const name = 'NODE_TLS_REJECT_UNAUTHORIZED';
  if (!layers.some((layer) => layer.values[name]?.trim() === '0')) return [];
  const fix = `unset ${name}; give a private certificate authority in NODE_EXTRA_CA_CERTS`;
  return [{ name, wrong: 'is 0, so that anybody on the way could read the tokens', fix }];
}

/** A day that has not come cannot have been confirmed, and nothing was sold on it. */
function futureDates({ given }: Gathered, today: string): Fault[] {
  const latest = new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10); // it is tomorrow already in Auckland
  return (['SQUARE_BACKFILL_FROM', 'MARKETING_TOGGLE_CONFIRMED_ON'] as const).flatMap((name) =>
    /^\d{4}-/.test(given.get(name)?.text ?? '') && (given.get(name)?.text ?? '') > latest
      ? [{ name, wrong: 'lies in the future', fix: 'give a day that has been' }]
      : [],
  );
}

const LIMITS = ['BREAKER_CREATES', 'BREAKER_CHANGES', 'BREAKER_EMPTIED', 'BREAKER_GONE', 'DEAD_LETTERS_MAX'] as const;

function build(values: Variables, gathered: Gathered, cwd: string, today: string): Config {
  const stateDir = resolve(cwd, values.RETAIL_SYNC_STATE_DIR);
  const schedulePath = resolve(cwd, values.RETAIL_SYNC_SCHEDULE);
  const backfillFrom = values.SQUARE_BACKFILL_FROM ?? yearBefore(today);
  const profile = /\.ya?ml$/.test(values.ERP_PROFILE) ? resolve(cwd, values.ERP_PROFILE) : values.ERP_PROFILE;
  const shown = {
    ...values,
    RETAIL_SYNC_STATE_DIR: stateDir,
    RETAIL_SYNC_SCHEDULE: schedulePath,
    SQUARE_BACKFILL_FROM: backfillFrom,
    ERP_PROFILE: profile,
    PROBE_POLICY: Object.entries(values.PROBE_POLICY)
      .map((pair) => pair.join('='))
      .join(','),
    ...Object.fromEntries(LIMITS.map((name) => [name, textOf(values[name])])),
  };
  return {
    environment: values.RETAIL_SYNC_ENV,
    stateDir,
    schedule: { path: schedulePath, isNamed: gathered.given.has('RETAIL_SYNC_SCHEDULE') },
    hubspot: hubspotOf(values),
    square: squareOf(values, backfillFrom),
    erp: erpOf(values, profile),
    quoteStageOwner: values.ERP_QUOTE_STAGE_OWNER,
    marketingToggleConfirmedOn: values.MARKETING_TOGGLE_CONFIRMED_ON ?? null,
    marketingContactsIncluded: values.MARKETING_CONTACTS_INCLUDED ?? null,
    cutover: {
      reads: values.ERP_CUTOVER_READS,
      hoursApart: values.ERP_CUTOVER_HOURS_APART,
      minShare: values.ERP_CUTOVER_MIN_SHARE,
      held: values.ERP_CUTOVER_HOLD,
    },
    keep: {
      runsDays: values.KEEP_RUNS_DAYS,
      journalDays: values.KEEP_JOURNAL_DAYS,
      lettersDays: values.KEEP_LETTERS_DAYS,
      payloadsDays: values.KEEP_PAYLOADS_DAYS,
      probesDays: values.KEEP_PROBES_DAYS,
      backups: values.KEEP_BACKUPS,
    },
    probe: { beforeRuns: values.PROBE_BEFORE_RUNS, policies: { ...KINDS, ...values.PROBE_POLICY } },
    limits: {
      creates: values.BREAKER_CREATES,
      changes: values.BREAKER_CHANGES,
      blanked: values.BREAKER_EMPTIED,
      gone: values.BREAKER_GONE,
      deadLetters: values.DEAD_LETTERS_MAX,
    },
    alerts: alertsOf(values),
    logLevel: values.LOG_LEVEL,
    telemetry: telemetryOf(values),
    logFiles: {
      folder: join(stateDir, 'logs'),
      keepDays: values.KEEP_LOGS_DAYS,
      keepBytes: values.KEEP_LOGS_MB * 1_000_000,
    },
    secrets: [...gathered.given].filter(([name]) => isSecret(name)).map(([, { text }]) => text),
    settings: () =>
      variableNames.map((name) => ({
        name,
        value: isSecret(name) ? fingerprintOfSecret(values[name]) : String(shown[name] ?? ''),
        origin: gathered.given.get(name)?.origin ?? 'default',
      })),
  };
}

function telemetryOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...values }: Variables): Config['telemetry'] {
  if (endpoint === undefined) return null;
  const pairs = (values.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').filter((pair) => pair.includes('='));
  const headers = pairs.map((pair) => {
    const [name = '', ...value] = pair.trim().split('=');
    return [name, decodeURIComponent(value.join('='))];
  });
  return { endpoint, headers: Object.fromEntries(headers) };
}

/** Exported for alerts about a configuration that has faults elsewhere. */
export function alertsOf(values: Variables): Alerts {
  return {
    slackWebhookUrl: values.ALERT_SLACK_WEBHOOK_URL ?? null,
    webhookUrl: values.ALERT_WEBHOOK_URL ?? null,
    mail: values.ALERT_SMTP_URL === undefined ? null : { smtpUrl: values.ALERT_SMTP_URL, to: values.ALERT_EMAIL_TO },
    healthcheckUrl: values.HEALTHCHECK_URL ?? null,
  };
}

/** Enough to see that two machines hold the same token, too little to guess it. */
function fingerprintOfSecret(value: unknown): string {
  if (typeof value !== 'string') return '';
  const { hash } = process.getBuiltinModule('node:crypto'); // loaded only to show a secret's mark
  return `set (sha256:${hash('sha256', value, 'hex').slice(0, 4)})`;
}

/** 29 February becomes 28 February. */
function yearBefore(day: string): string {
  const [year = '', ...rest] = day.split('-');
  return `${Number(year) - 1}-${rest.join('-').replace('02-29', '02-28')}`;
}
