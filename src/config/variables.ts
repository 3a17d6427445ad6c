/** Every setting, once: its shape, its default, what it is for and an example. `.env.example` is held equal to it. */
import { countOf, limitOf } from './limits.ts';
import { flag, oneOf, type Setting, Wrong } from './shape.ts';
import {
  calendarDate,
  countUpTo,
  decimalUpTo,
  emails,
  header,
  headers,
  httpUrl,
  mailUrl,
  millis,
  plain,
  policies,
  vendorUrl,
} from './shapes.ts';

/** In the order people meet them. Input is trimmed text; absent means the default. */
export const variables = {
  RETAIL_SYNC_ENV: oneOf(['sandbox', 'staging', 'production'], 'is not one of sandbox, staging, production').default(
    'sandbox',
    { about: 'Which kind of portal is written to', example: 'sandbox' },
  ),
  RETAIL_SYNC_STATE_DIR: plain('is not a usable path: only a shell expands ~', /^[^~\0]/).default('var/', {
    about: 'Folder of the state database, relative to the working directory',
    example: 'var/',
  }),
  RETAIL_SYNC_SCHEDULE: plain('is not a usable path: only a shell expands ~', /^[^~\0]/).default('schedule.yaml', {
    about: 'File with other hours than the usual ones; it need not be there',
    example: '',
  }),

  HUBSPOT_TOKEN: header.optional({
    about: 'Access token of a HubSpot private app or service key',
    example: 'pat-na1-...',
  }),
  HUBSPOT_PORTAL_ID: plain('is not a portal id: digits only', /^\d{1,12}$/).optional({
    about: 'The portal that may be written to; any other is refused before the first write',
    example: '12345678',
  }),
  HUBSPOT_BASE_URL: vendorUrl.default('https://api.hubapi.com', {
    about: "HubSpot's address",
    example: 'https://api.hubapi.com',
  }),
  HUBSPOT_API_VERSION: oneOf(['v3', '2026-03', '2026-09'], 'is not one of v3, 2026-03, 2026-09').default('2026-03', {
    about: 'Version of the HubSpot API: v3, 2026-03 or 2026-09',
    example: '2026-03',
  }),
  HUBSPOT_QUARANTINE_MS: millis(3_600_000).default(300_000, {
    about: 'Wait in ms before a write without an answer is sent once more',
    example: '300000',
  }),

  SQUARE_TOKEN: header.optional({ about: 'Access token of the Square application', example: 'EAAA...' }),
  SQUARE_LOCATION_IDS: plain('is not a list of location ids with commas between', /^[\w-]+(\s*,\s*[\w-]+)*$/)
    .transform((list) => list.split(',').map((id) => id.trim()))
    .default([], { about: 'Square locations to read, with commas between; empty: all', example: '' }),
  SQUARE_BASE_URL: vendorUrl.default('https://connect.squareup.com', {
    about: "Square's address",
    example: 'https://connect.squareup.com',
  }),
  SQUARE_BACKFILL_FROM: calendarDate.optional({
    about: 'First day of sales that the first run reads; empty: 12 months ago',
    example: '',
  }),

  ERP_PROFILE: plain(
    'is neither a profile name (a-z, 0-9, -) nor a path to a .yaml file',
    /^([a-z0-9][a-z0-9-]*|.+\.ya?ml)$/,
  ).default('sandbox', { about: "The ERP's profile: a name, or the path of a YAML file", example: 'sandbox' }),
  ERP_PRODUCTION_URL: vendorUrl.optional({
    about: "Address of the ERP's production instance; with neither address, those the profile names",
    example: 'https://erp.example.com',
  }),
  ERP_STAGING_URL: vendorUrl.optional({
    about: "Address of the ERP's staging instance",
    example: 'https://erp-staging.example.com',
  }),
  ERP_TOKEN: header.optional({ about: 'Token of a read-only ERP user', example: 'erp-token' }),
  ERP_USER: plain('is not a usable name').optional({ about: 'For an ERP that logs in: its user', example: '' }),
  ERP_PASSWORD: plain('contains control characters').optional({
    about: 'For an ERP that logs in: the password',
    example: '',
  }),
  ERP_DATABASE: plain('is not a usable name').optional({ about: 'For an ERP that logs in: its database', example: '' }),
  ERP_QUOTE_STAGE_OWNER: oneOf(['erp', 'crm'], 'is neither erp nor crm').default('erp', {
    about: 'Who moves a quote between stages: the ERP, or people after its creation',
    example: 'erp',
  }),
  ERP_CUTOVER_READS: plain('is not a whole number from 1 to 30', /^([1-9]|[12]\d|30)$/)
    .transform(Number)
    .default(3, { about: 'Agreeing shadow reads of production before a pipe is fed from it', example: '3' }),
  ERP_CUTOVER_HOURS_APART: decimalUpTo(720, 12).default(12, {
    about: 'Hours between two shadow reads that both count',
    example: '12',
  }),
  ERP_CUTOVER_MIN_SHARE: decimalUpTo(1, 0.9).default(0.9, {
    about: 'Least share of the records staging holds that production must hold, 0 to 1',
    example: '0.9',
  }),
  ERP_CUTOVER_HOLD: flag.default(false, {
    about: 'true: no pipe changes over to production by itself',
    example: 'false',
  }),

  PROBE_BEFORE_RUNS: flag.default(true, {
    about: 'true: three small questions to the ERP before each run stop a pipe whose source has drifted',
    example: 'true',
  }),
  PROBE_POLICY: policies.default(
    {},
    {
      about: 'What a kind of drift does to a run, such as unknown-code=stop,filter-zone=warn; stop, warn or ignore',
      example: '',
    },
  ),

  BREAKER_CREATES: limitOf(50, 5, {
    about:
      'Objects a run may create: the larger of a number and a share of the known ones; for one pipe: 50/5%,quotes=200/10%',
    example: '50/5%',
  }),
  BREAKER_CHANGES: limitOf(50, 30, {
    about: 'Objects a run may change: the larger of a number and a share of the known ones',
    example: '50/30%',
  }),
  BREAKER_EMPTIED: limitOf(50, 5, {
    about: 'Share of its updates that a run may use to empty one property, once there are so many updates',
    example: '50/5%',
  }),
  BREAKER_GONE: limitOf(10, 2, {
    about:
      'Records that a run may conclude to be deleted at the source: the larger of a number and a share of the known ones',
    example: '10/2%',
  }),
  DEAD_LETTERS_MAX: countOf(100, {
    about: 'Dead letters a run may add before it stops; for one pipe: 100,customers=300',
    example: '100',
  }),

  KEEP_RUNS_DAYS: countUpTo(3_650, 1).default(400, {
    about: 'Days that runs, slots, comparisons and decisions are kept',
    example: '400',
  }),
  KEEP_JOURNAL_DAYS: countUpTo(3_650, 1).default(90, {
    about: 'Days that the journal, and a database a restore moved aside, are kept',
    example: '90',
  }),
  KEEP_LETTERS_DAYS: countUpTo(3_650, 1).default(90, {
    about: 'Days that resolved and discarded dead letters are kept',
    example: '90',
  }),
  KEEP_PAYLOADS_DAYS: countUpTo(3_650, 1).default(30, { about: 'Days that their payloads are kept', example: '30' }),
  KEEP_PROBES_DAYS: countUpTo(3_650, 1).default(400, { about: 'Days that probes are kept', example: '400' }),
  KEEP_BACKUPS: countUpTo(366, 1).default(7, { about: 'Daily copies of the state that are kept', example: '7' }),
  KEEP_LOGS_DAYS: countUpTo(3_650, 1).default(30, { about: 'Days that the log files are kept', example: '30' }),
  KEEP_LOGS_MB: countUpTo(100_000, 40).default(500, {
    about: 'Megabytes that all log files together may take; the oldest go first',
    example: '500',
  }),

  MARKETING_TOGGLE_CONFIRMED_ON: calendarDate.optional({
    about: 'Day on which you saw in HubSpot that apps create contacts as non-marketing; needed in a paid portal',
    example: '',
  }),
  MARKETING_CONTACTS_INCLUDED: countUpTo(10_000_000).optional({
    about: 'Marketing contacts that the HubSpot subscription includes; for retail-sync budget',
    example: '',
  }),

  ALERT_SLACK_WEBHOOK_URL: httpUrl.optional({ about: 'Alerts to a Slack channel', example: '' }),
  ALERT_WEBHOOK_URL: httpUrl.optional({ about: 'Alerts as JSON to any address', example: '' }),
  ALERT_SMTP_URL: mailUrl.optional({ about: 'Alerts by mail: smtps://user:password@host:465', example: '' }),
  ALERT_EMAIL_TO: emails.default([], { about: 'Who gets the mails, with commas between', example: '' }),
  HEALTHCHECK_URL: httpUrl.optional({ about: 'Pinged after each scheduled job', example: '' }),

  LOG_LEVEL: oneOf(
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'is not one of trace, debug, info, warn, error, silent',
  ).default('info', { about: 'trace, debug, info, warn, error or silent', example: 'info' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: vendorUrl.optional({
    about: 'Traces and metrics by OTLP over HTTP to this address',
    example: '',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: headers.optional({
    about: 'Headers for it, such as authorization=Bearer%20abc, with commas between',
    example: '',
  }),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type VariableName = keyof typeof variables;
export type Variables = { readonly [Name in VariableName]: (typeof variables)[Name]['absent'] };

/** What is wrong with a variable: ends a sentence that its name starts. */
interface Misread {
  readonly name: VariableName;
  readonly wrong: string;
}

/** The values that texts mean; a variable that is not valid counts as not given, and is named. */
export function readAll(texts: ReadonlyMap<string, string>): {
  readonly values: Variables;
  readonly misread: readonly Misread[];
} {
  const misread: Misread[] = [];
  const values: Record<string, unknown> = {};
  for (const name of variableNames) {
    const given = texts.get(name);
    const value = given === undefined ? variables[name].absent : variables[name].read(given);
    if (value instanceof Wrong) misread.push(...value.sentences.map((wrong) => ({ name, wrong })));
    values[name] = value instanceof Wrong ? variables[name].absent : value;
  }
  if (!areAllRead(values)) throw new Error('a setting was not read');
  return { values, misread };
}

/** Each was read by its own setting. */
const areAllRead = (values: Readonly<Record<string, unknown>>): values is Variables =>
  variableNames.every((name) => name in values);

/** Never shown, and also accepted as NAME_FILE. */
export const SECRETS = [
  'HUBSPOT_TOKEN',
  'SQUARE_TOKEN',
  'ERP_TOKEN',
  'ERP_PASSWORD',
  'ALERT_SLACK_WEBHOOK_URL',
  'ALERT_WEBHOOK_URL',
  'ALERT_SMTP_URL',
  'HEALTHCHECK_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const satisfies readonly VariableName[];

export const isVariable = (name: string): name is VariableName => Object.hasOwn(variables, name);

/** In the order of `variables`. */
export const variableNames: readonly VariableName[] = Object.keys(variables).filter(isVariable);

const secretNames: ReadonlySet<string> = new Set(SECRETS);
export const isSecret = (name: string): boolean => secretNames.has(name);
