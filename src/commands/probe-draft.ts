/** `probe erp --draft`: asks unknown addresses a few questions and writes a profile with what speaks for each line. */
import { basename, resolve } from 'node:path';
import { systemClock } from '../clock.ts';
import { Wrong } from '../config/shape.ts';
import { httpUrl } from '../config/shapes.ts';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { type Answer, Asker, CALLS_MAX, CallCount } from '../probe/draft/ask.ts';
import { block, type Entry, fixed, optional, toldOf } from '../probe/draft/entry.ts';
import type { ResourceName } from '../probe/draft/model.ts';
import { refuseOpening } from '../probe/draft/opening.ts';
import { recordsOf } from '../probe/draft/records.ts';
import { draftResource, type ResourceDraft } from '../probe/draft/resource.ts';
import { yamlOf } from '../probe/draft/yaml.ts';
import { type DraftReport, draftDocument, renderDraft } from '../report/draft.ts';
import { refuseExisting, writeAnew } from '../report/private-file.ts';
import { isLive, painter } from '../report/style.ts';
import { rowReader } from '../sources/erp/canonical.ts';
import { literalSecrets } from '../sources/erp/literal-secrets.ts';
import { ErpCustomer, ErpProduct, ErpQuote } from '../sources/erp/model.ts';
import { type Profile, parseProfile } from '../sources/erp/profile.ts';
import { type Access, accessOf } from './draft-access.ts';
import type { Invocation } from './invocation.ts';

export interface DraftFlags {
  readonly draft?: string;
  readonly url?: readonly string[];
  readonly force?: boolean;
  readonly json?: boolean;
}

export interface Target {
  readonly resource: ResourceName;
  readonly url: URL;
}

const RECORDS = { products: ErpProduct, customers: ErpCustomer, quotes: ErpQuote } as const;
const RESOURCES = Object.keys(RECORDS).join(', ');
const isResource = (name: string): name is ResourceName => Object.hasOwn(RECORDS, name);

/** Reads only. Returns 0 once the file is there, whether or not lines have to be filled in. */
export async function draftProfile(
  { system, resource: named }: { readonly system: string; readonly resource: string | null },
  flags: DraftFlags,
  invocation: Invocation,
): Promise<ExitCode> {
  const { cwd, stdout, stderr, env, stop } = invocation;
  const { draft: file } = flags;
  if (file === undefined)
    throw usage('--url goes with --draft', 'add --draft and a name for the profile, such as --draft my-erp.yaml');
  if (system !== 'erp') throw usage(`--draft describes an ERP, not ${system}`, 'write retail-sync probe erp --draft …');
  if (named !== null)
    throw usage('--draft takes its resources from --url', `write --url ${named}=https://… instead of ${named}`);
  const targets = targetsOf(flags.url ?? []);
  const path = resolve(cwd, file);
  refuseTarget(path, flags.force ?? false);
  const count = new CallCount(fetch);
  const access = accessOf(targets, path, invocation, count.fetch);
  const say = progressTo(stderr, env);
  const opened: { target: Target; asker: Asker; answer: Answer }[] = [];
  const drafts: ResourceDraft[] = [];
  const learned = new Set<string>();
  try {
    for (const target of targets) {
      const asker = askerFor(target, access, count, stop, say);
      opened.push({ target, asker, answer: await opening(target, asker, access) });
    }
    for (const { target, asker, answer } of opened) {
      const { resource, url } = target;
      const subject = { resource, url, path: access.pathOf(url), zone: access.zone.value, nowMs: Date.now(), learned };
      asker.resume();
      drafts.push(
        await draftResource({ ...subject, say: (doing) => say(resource, doing, asker.calls) }, asker, answer),
      );
    }
  } finally {
    say(null);
  }
  const common = commonEntries(basename(path), access);
  const text = yamlOf(
    [
      ...common,
      block(
        'resources',
        drafts.map(({ resource, entries }) => block(resource, entries)),
      ),
    ],
    headOf(file, drafts),
  );
  writeAnew(path, text, '--draft', flags.force ?? false);
  const report = reportOf(file, text, drafts, common, access);
  stdout.write(
    flags.json ? `${JSON.stringify(draftDocument(report), null, 2)}\n` : renderDraft(report, painter(stdout, env)),
  );
  return EXIT.ok;
}

async function opening({ resource, url }: Target, asker: Asker, { login }: Access): Promise<Answer> {
  const answer = await asker.ask(url, {}, true);
  refuseOpening(answer, url, login);
  recordsOf(answer, url, resource);
  return answer;
}

function askerFor({ url, resource }: Target, access: Access, count: CallCount, stop: AbortSignal, say: Say): Asker {
  return new Asker(
    {
      ...{ authenticator: access.authenticator, headers: access.headers, origin: url.origin, clock: systemClock, stop },
      ...{ fetch: count.fetch, onCall: (calls) => say(resource, null, calls) },
    },
    count,
  );
}

/** Names, addresses and what must not stand in an address: all before the first question. */
function targetsOf(given: readonly string[]): Target[] {
  if (given.length === 0)
    throw usage('--draft needs addresses to look at', 'give each as --url products=https://erp.example.com/api/items');
  const targets = given.map(targetOf);
  const twice = targets.find(({ resource }, at) => targets.findIndex((other) => other.resource === resource) !== at);
  if (twice) throw usage(`--url names ${twice.resource} twice`, 'give one address for each resource');
  const origins = new Set(targets.map(({ url }) => url.origin));
  if (origins.size > 1)
    throw usage(`the addresses are on ${origins.size} hosts, and a profile has one`, 'draft a profile for each host');
  return targets;
}

function targetOf(text: string): Target {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(0, at));
  if (!isResource(name))
    throw usage(
      `--url ${/^[\w-]{1,30}$/.test(name) ? name : '…'}=… names no resource`,
      `write --url products=https://…; there are ${RESOURCES}`,
    );
  const address = text.slice(at + 1);
  const read = httpUrl.read(address);
  if (read instanceof Wrong)
    throw usage(
      `the address of --url ${name}=… ${read.sentences[0] ?? 'is not usable'}`,
      `give the address that lists ${name}, without credentials`,
    );
  const url = new URL(address);
  url.hash = '';
  const secret = [...url.searchParams].find(([key, value]) => isSecret(key, value));
  if (secret)
    throw usage(
      `the address of --url ${name}=… carries a secret in ${secret[0].slice(0, 40)}`,
      'leave it out and set ERP_TOKEN, or ERP_USER and ERP_PASSWORD; a secret is never written in a profile',
    );
  return { resource: name, url };
}

const SECRET_PARAMETER = /^(?:key|sig|signature|auth|jwt|session(?:_?id)?|sas|pw)$/i;
const GUID = /^\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$/i;

function isSecret(name: string, value: string): boolean {
  const looksRandom =
    /^[\w+/=.-]{32,}$/.test(value) &&
    /\d/.test(value) &&
    /[a-z]/i.test(value) &&
    !GUID.test(value) &&
    !value.includes(',');
  return SECRET_PARAMETER.test(name) || looksRandom || literalSecrets({ [name]: value }).length > 0;
}

function refuseTarget(path: string, isForced: boolean): void {
  if (!/\.ya?ml$/.test(path)) throw usage('--draft writes a YAML file', 'give it a name that ends in .yaml');
  refuseExisting(path, '--draft', isForced);
}

function commonEntries(file: string, { zone, base, isStaging, auth, profile }: Access): Entry[] {
  const stem = file
    .replace(/\.ya?ml$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return [
    fixed('name', stem === '' ? 'draft' : stem),
    optional('zone', zone),
    block('baseUrls', [fixed(isStaging ? 'staging' : 'production', base)]),
    optional('auth', auth),
    ...(Object.keys(profile?.headers ?? {}).length > 0 ? [fixed('headers', profile?.headers)] : []),
  ];
}

const headOf = (file: string, drafts: readonly ResourceDraft[]): string[] => [
  `Drafted on ${new Date().toISOString().slice(0, 10)} from ${drafts.map(({ records, resource }) => `${records} ${resource}`).join(', ')}; the vendor was only read.`,
  '"1.0 proven": tried, with the false explanations ruled out. "0.9": guessed so surely, from what follows.',
  `TODO: has to be filled in; retail-sync profile check ${file} names each of these lines.`,
  'TODO (optional): was not found; the profile works without it.',
];

function reportOf(
  file: string,
  text: string,
  drafts: readonly ResourceDraft[],
  common: readonly Entry[],
  access: Access,
): DraftReport {
  const told = toldOf(common);
  const faults = drafts.flatMap(({ entries }) => toldOf(entries)).filter(({ standing }) => standing === 'todo').length;
  const fits = faults > 0 ? null : fitsOf(parseProfile(text, file), drafts);
  return { file, drafts, common: told, faults, fits, notes: access.notes };
}

/** The sample through the very profile that was written. */
function fitsOf(profile: Profile, drafts: readonly ResourceDraft[]): NonNullable<DraftReport['fits']> {
  return new Map(
    drafts.map(({ resource, sample }) => {
      const described = profile.resources[resource];
      const reader = described && rowReader(described, profile.zone);
      const parsed = sample.map((row) => RECORDS[resource].safeParse(reader?.canonical(row), { reportInput: false }));
      const misfit = parsed.find(({ success }) => !success)?.error?.issues[0];
      const words = misfit === undefined ? null : `${misfit.path.join('.')} ${misfit.message}`;
      return [resource, { fit: parsed.filter(({ success }) => success).length, of: sample.length, misfit: words }];
    }),
  );
}

type Say = (resource: string | null, doing?: string | null, calls?: number) => void;

/** One live line on a terminal; elsewhere a line for each resource. Null takes it away. */
function progressTo(stream: Invocation['stderr'], env: Invocation['env']): Say {
  const live = isLive(stream, env);
  let told = '';
  let last = 'the first answer';
  return (resource, doing, calls = 0) => {
    if (resource === null) {
      if (live) stream.write('\r\x1b[2K');
      return;
    }
    last = doing ?? last;
    if (live) stream.write(`\r\x1b[2K${resource}: ${last}, ${calls} of at most ${CALLS_MAX} calls`);
    else if (told !== `${resource}${last}` && doing) stream.write(`${resource}: ${last}\n`);
    told = `${resource}${last}`;
  };
}

const usage = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
