/** The questions of `init`, in the order in which a person has the answers at hand. */
import type { Finding } from '../doctor/finding.ts';
import type { AccountDetails } from '../sinks/hubspot/account.ts';
import type { Checks } from './checks.ts';
import type { Questions } from './questions.ts';

/** Settings by name; an empty one is not set. */
export type Answers = Map<string, string>;

export interface Interview {
  readonly ask: Questions;
  readonly checks: Checks;
  /** What is set already: the answers change it. */
  readonly answers: Answers;
  /** Names of the shipped ERP profiles. */
  readonly profiles: readonly string[];
  /** YYYY-MM-DD. */
  readonly today: string;
}

const known = ({ answers }: Interview, name: string): string => answers.get(name) ?? '';
const envOf = ({ answers }: Interview): Record<string, string> => Object.fromEntries(answers);
const isUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

export async function interview(its: Interview): Promise<void> {
  await environment(its);
  await hubspot(its);
  await erp(its);
  await square(its);
}

async function environment(its: Interview): Promise<void> {
  const kinds = [
    { value: 'sandbox', label: 'sandbox', hint: 'a developer test or sandbox account' },
    { value: 'staging', label: 'staging', hint: 'a test account that mirrors the live one' },
    { value: 'production', label: 'production', hint: 'the live account' },
  ] as const;
  const now = kinds.find(({ value }) => value === known(its, 'RETAIL_SYNC_ENV'))?.value ?? 'sandbox';
  its.answers.set('RETAIL_SYNC_ENV', await its.ask.choice('Which HubSpot account is written to?', kinds, now));
}

async function hubspot(its: Interview): Promise<void> {
  const { ask, checks, answers } = its;
  const question = 'HubSpot token (service key or private app)';
  // Ends: the person says so.
  for (;;) {
    const token = await ask.secret(question, known(its, 'HUBSPOT_TOKEN') !== '');
    if (token !== '') answers.set('HUBSPOT_TOKEN', token);
    const account = await ask.during('asking HubSpot whose token it is', () => checks.account(envOf(its)));
    if (!('portalId' in account)) {
      if (await keepAnyway(its, [account])) return portalByHand(its);
      continue;
    }
    if (!(await ask.yes(`It opens portal ${account.portalId}, ${kindOf(account)}. Write there?`, true))) continue;
    answers.set('HUBSPOT_PORTAL_ID', account.portalId);
    const lacking = (await ask.during('asking what the token may do', () => checks.scopes(envOf(its)))).filter(
      ({ level }) => level !== 'ok',
    );
    if (lacking.length > 0) sayFindings(its, lacking);
    return marketing(its, account);
  }
}

const kindOf = ({ accountType }: AccountDetails): string =>
  accountType === '' || accountType === 'STANDARD' ? 'a live account' : `a ${accountType} account`;

async function portalByHand(its: Interview): Promise<void> {
  const fault = (text: string): string | null => (/^\d{1,12}$/.test(text) ? null : 'digits only');
  const portal = await its.ask.text('Number of the portal', known(its, 'HUBSPOT_PORTAL_ID'), fault);
  its.answers.set('HUBSPOT_PORTAL_ID', portal);
}

/** Only a live account bills contacts. */
async function marketing(its: Interview, { accountType }: AccountDetails): Promise<void> {
  if (accountType !== '' && accountType !== 'STANDARD') return;
  its.ask.say('In HubSpot: Settings > Integrations > Marketing contacts. It must be OFF for this app.');
  const isOff = await its.ask.yes('Have you seen today that it is off?', false);
  its.answers.set('MARKETING_TOGGLE_CONFIRMED_ON', isOff ? its.today : '');
  if (!isOff) its.ask.say('Then no contact is written until you have: run retail-sync init again.');
}

async function erp(its: Interview): Promise<void> {
  const { ask, answers, checks, profiles } = its;
  if (!(await ask.yes('Connect the ERP now?', true))) return;
  const of = known(its, 'ERP_PROFILE');
  const own = 'a profile of your own (a YAML file)';
  const options = [...profiles.map((name) => ({ value: name, label: name })), { value: own, label: own }];
  const usual = profiles.includes(of) ? of : of === '' ? (profiles[0] ?? own) : own;
  const chosen = await ask.choice('Which ERP is it?', options, usual);
  const isYaml = (text: string): string | null => (/\.ya?ml$/.test(text) ? null : 'a path that ends in .yaml');
  answers.set(
    'ERP_PROFILE',
    chosen === own ? await ask.text('Path of the profile', profiles.includes(of) ? '' : of, isYaml) : chosen,
  );
  // Ends: the person says so.
  for (;;) {
    await erpAddresses(its);
    await erpLogin(its);
    const wrong = checks.settings(envOf(its)).filter(({ result, name }) => /ERP/.test(`${name} ${result}`));
    const found = wrong.length > 0 ? wrong : await ask.during('reading a few records', () => checks.erp(envOf(its)));
    if (found.every(({ level }) => level !== 'fault')) return sayFindings(its, found);
    if (await keepAnyway(its, found)) return;
  }
}

async function erpAddresses(its: Interview): Promise<void> {
  const { ask, answers } = its;
  const staging = (text: string): string | null =>
    text === '' || isUrl(text) ? null : 'an address with https://, or nothing';
  answers.set(
    'ERP_STAGING_URL',
    await ask.text('Address of its staging instance (Enter: none)', known(its, 'ERP_STAGING_URL'), staging),
  );
  const hasStaging = known(its, 'ERP_STAGING_URL') !== '';
  const production = (text: string): string | null =>
    isUrl(text) || (hasStaging && text === '') ? null : 'an address with https://';
  answers.set(
    'ERP_PRODUCTION_URL',
    await ask.text('Address of its production instance', known(its, 'ERP_PRODUCTION_URL'), production),
  );
}

/** Of a user that may only read. */
async function erpLogin(its: Interview): Promise<void> {
  const { ask, answers } = its;
  const ways = [
    { value: 'token', label: 'an API token' },
    { value: 'password', label: 'user and password' },
  ] as const;
  const way = await ask.choice('How does it let us in?', ways, known(its, 'ERP_USER') === '' ? 'token' : 'password');
  const filled = (text: string): string | null => (text === '' ? 'cannot be empty' : null);
  if (way === 'token') {
    for (const name of ['ERP_USER', 'ERP_PASSWORD']) answers.set(name, '');
    const token = await ask.secret('ERP token', known(its, 'ERP_TOKEN') !== '');
    if (token !== '') answers.set('ERP_TOKEN', token);
    return;
  }
  answers.set('ERP_TOKEN', '');
  answers.set('ERP_USER', await ask.text('ERP user', known(its, 'ERP_USER'), filled));
  const password = await ask.secret('ERP password', known(its, 'ERP_PASSWORD') !== '');
  if (password !== '') answers.set('ERP_PASSWORD', password);
  const database = await ask.text('Database (Enter: none)', known(its, 'ERP_DATABASE'), () => null);
  answers.set('ERP_DATABASE', database);
}

async function square(its: Interview): Promise<void> {
  const { ask, answers, checks } = its;
  if (!(await ask.yes('Connect Square now?', true))) return;
  // Ends: the person says so.
  for (;;) {
    const token = await ask.secret('Square access token', known(its, 'SQUARE_TOKEN') !== '');
    if (token !== '') answers.set('SQUARE_TOKEN', token);
    const found = await ask.during('asking Square for its locations', () => checks.square(envOf(its)));
    if (found.every(({ level }) => level !== 'fault')) return sayFindings(its, found);
    if (await keepAnyway(its, found)) return;
  }
}

function sayFindings({ ask }: Interview, found: readonly Finding[]): void {
  const mark = { ok: '✓', warning: '!', fault: '✗' };
  for (const { level, name, result, fix } of found)
    ask.say(`${mark[level]} ${name}: ${result}${fix === null ? '' : `\n  fix: ${fix}`}`);
}

async function keepAnyway(its: Interview, found: readonly Finding[]): Promise<boolean> {
  sayFindings(its, found);
  const ways = [
    { value: 'again', label: 'answer again' },
    { value: 'keep', label: 'keep it; I will see to it later' },
  ] as const;
  return (await its.ask.choice('It does not work yet.', ways, 'again')) === 'keep';
}
