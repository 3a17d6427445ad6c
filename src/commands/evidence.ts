/** `evidence`: probes the ERP once more, listening to its calls, and puts what was said into a zip for the vendor. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Subject } from '../../probes/subject.ts';
import { type Config, loadConfig } from '../config.ts';
import { asError, EXIT, type ExitCode, FatalError, TooLargeError, TransientError } from '../errors.ts';
import { zipped } from '../evidence/archive.ts';
import { filesOf } from '../evidence/archive-files.ts';
import { type Look, nothingSeen } from '../evidence/look.ts';
import { Recorder, type Stage } from '../evidence/recorder.ts';
import { Secrets } from '../evidence/secrets.ts';
import type { Inquiry } from '../inquiry.ts';
import { measureBehaviour } from '../probe/behaviour.ts';
import { changesBetween } from '../probe/changes.ts';
import { byGravity } from '../probe/finding.ts';
import { isIdPath } from '../probe/record/treatment.ts';
import { type Sample, takeSample } from '../probe/sample.ts';
import { statisticsOf } from '../probe/statistics.ts';
import { isObject } from '../probe/walk.ts';
import { evidenceDocument, renderEvidence, type Stop } from '../report/evidence.ts';
import { refuseExisting, writeAnew } from '../report/private-file.ts';
import { painter } from '../report/style.ts';
import { loadDescription } from '../sources/erp/profile.ts';
import { type Db, openReadOnly } from '../state/database.ts';
import { worstOf } from './exits.ts';
import type { Invocation } from './invocation.ts';
import { baselineMs, distinct, earlier, progressTo, silentFindings, throughMapper } from './probe-look.ts';
import { subjectOf } from './probe-subject.ts';

export interface EvidenceFlags {
  readonly issue: string;
  readonly resource?: 'products' | 'customers' | 'quotes';
  readonly baseline?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const RESOURCES = ['products', 'customers', 'quotes'] as const;
/** Records of a probe's sample. */
const SAMPLE = 200;
const ISSUE_CHARS_MAX = 4_000;

/** Ends with 5 or 6 when the ERP refused or did not answer: that is evidence, too, and the zip is written. */
export async function evidence(system: string, flags: EvidenceFlags, invocation: Invocation): Promise<ExitCode> {
  if (system !== 'erp') throw usage(`there is no evidence to gather of ${system}`, 'evidence erp is what there is');
  const issue = issueOf(flags.issue);
  const { env, cwd, stdout, stop } = invocation;
  const beforeMs = baselineMs(flags.baseline);
  const startedAtMs = Date.now();
  const name = `evidence-erp-${new Date(startedAtMs).toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '')}`;
  const path = resolve(cwd, flags.out ?? `${name}.zip`);
  const isForced = flags.force === true;
  refuseExisting(path, '--out', isForced);
  const config = loadConfig({ env, cwd, needs: ['erp'] });
  const recorder = new Recorder();
  const [looks, stops] = await looksOf({ config, recorder, beforeMs, flags, invocation });
  stop.throwIfAborted();
  const secrets = secretsOf(config);
  const made = filesOf({
    issue,
    version: versionOf(),
    madeAtMs: startedAtMs,
    looks,
    recorder,
    secrets,
    own: ownWords(config),
  });
  const content = zipped(made.files, name, startedAtMs);
  writeAnew(path, content, '--out', isForced);
  const exit = worstOf(stops.map((one) => one.exit));
  const calls = { made: recorder.exchanges.length + recorder.uncounted, kept: made.kept };
  const report = {
    ...{ path, bytes: content.length, calls, masked: made.masked, findings: made.reported, exit },
    stops: stops.map((one) => ({ ...one, reason: secrets.scrub(one.reason) })),
  };
  const text = flags.json
    ? `${JSON.stringify(evidenceDocument(report), null, 2)}\n`
    : renderEvidence(report, painter(stdout, env));
  stdout.write(text);
  return exit;
}

interface Task {
  readonly config: Config;
  readonly recorder: Recorder;
  readonly beforeMs: number | null;
  readonly flags: EvidenceFlags;
  readonly invocation: Invocation;
}

/** One after the other; what stops one stops no other, unless nothing was asked at all. */
async function looksOf(task: Task): Promise<[Look[], Stop[]]> {
  const { config, recorder, flags, invocation } = task;
  const state = openReadOnly(config.stateDir);
  const looks: Look[] = [];
  const stops: Stop[] = [];
  try {
    for (const resource of flags.resource === undefined ? RESOURCES : [flags.resource]) {
      const subject = await subjectOf('erp', resource, config, state, recorder.fetch);
      const callsBefore = recorder.calls;
      const kept: { look: Look } = { look: nothingSeen(subject, Date.now()) };
      try {
        await look(subject, kept, state, task);
      } catch (thrown) {
        invocation.stop.throwIfAborted();
        const stopped = stopOf(asError(thrown), resource);
        if (recorder.calls === callsBefore) throw thrown;
        stops.push(stopped);
        kept.look = { ...kept.look, stopped: stopped.reason };
      }
      looks.push({ ...kept.look, seconds: (Date.now() - kept.look.startedAtMs) / 1000 });
    }
    return [looks, stops];
  } finally {
    state?.close();
  }
}

/** Throws what is a fault of ours: it says nothing about the vendor. */
function stopOf(error: Error, resource: string): Stop {
  if (error instanceof FatalError) return { resource, reason: error.message, hint: error.hint, exit: error.exit };
  if (!(error instanceof TransientError || error instanceof TooLargeError)) throw error;
  return { resource, reason: error.message, hint: 'run the same command again later', exit: EXIT.source };
}

/** Fills `kept` as far as it gets. */
async function look(
  subject: Subject,
  kept: { look: Look },
  state: Db | null,
  { recorder, config, beforeMs, invocation }: Task,
): Promise<void> {
  const { resource, fed, where } = subject;
  const { stop: signal, stderr, env } = invocation;
  const say = progressTo(stderr, env, `erp ${resource}`);
  try {
    recorder.begin(resource, 'slices');
    const partitions = await subject.partitions(signal);
    const sample = await takeSample({
      ...{ inquiry: heard(subject.inquiry, recorder, resource, 'sample'), partitions, size: SAMPLE, signal },
      nowMs: kept.look.startedAtMs,
      onProgress: ({ calls, records }) => say(`${records} records seen, ${calls} questions`),
    });
    const rows = [...sample.records.map(({ raw }) => raw), ...sample.unusable];
    const summary = statisticsOf(rows, { isAboutPeople: subject.isAboutPeople, isUnmasked: false });
    // Codes are told by their values: this one stays in the process.
    const plain = statisticsOf(rows, { isAboutPeople: false, isUnmasked: true });
    kept.look = {
      ...kept.look,
      sampled: sample.records.length,
      seen: sample.seen,
      summary: plain,
      ids: idPaths(subject, sample),
      names: namesOf(subject),
    };
    const inquiry = heard(subject.inquiry, recorder, resource, 'behaviour');
    const onCall = (): void => say('how it answers');
    const behaviour = await measureBehaviour({ inquiry, sample, nowMs: Date.now(), signal, onCall });
    const before = beforeMs === null ? null : (earlier(state, subject, beforeMs)?.summary ?? null);
    const mapped = fed === null ? [] : throughMapper(subject, fed, sample, { masked: summary, before }).findings;
    const findings = [
      ...behaviour.findings,
      ...silentFindings(subject, sample, state),
      ...mapped,
      ...(before === null ? [] : changesBetween(before, summary, where)),
    ];
    const { answers, basis } = behaviour;
    kept.look = { ...kept.look, answers, basis, findings: byGravity(distinct(findings), config.probe.policies) };
  } finally {
    say(null);
  }
}

/** Where the vendor keeps ids: what the mapper takes for one, and what is the record's own id in every record. */
function idPaths({ inquiry }: Subject, { records }: Sample): string[] {
  const mapped = inquiry.fields.filter(({ field }) => isIdPath(field)).map(({ path }) => path);
  const [first] = records;
  const own = Object.keys(isObject(first?.raw) ? first.raw : {}).filter((name) =>
    records.every(({ id, raw }) => isObject(raw) && String(raw[name]) === id),
  );
  return [...mapped, ...own];
}

/** Our names of fields that the vendor calls otherwise. */
const namesOf = ({ inquiry }: Subject): ReadonlyMap<string, string> =>
  new Map(inquiry.fields.map(({ field, path }) => [field, path]));

/** Numbers the questions of a stage for the recorder. */
function heard(inquiry: Inquiry, recorder: Recorder, resource: string, stage: Stage): Inquiry {
  let isBegun = false;
  return {
    ...inquiry,
    ask: (question, signal) => {
      if (!isBegun) recorder.begin(resource, stage);
      isBegun = true;
      recorder.question();
      return inquiry.ask(question, signal);
    },
  };
}

/** Its lines stay; no other control character does. Throws FatalError for one that is empty or too long. */
function issueOf(text: string): string {
  const clean = text
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) => (sign === '\n' ? sign : sign === '\t' ? ' ' : ''))
    .trim();
  if (clean === '')
    throw usage('--issue is empty', 'say in a sentence what you report, such as "modifiedSince is ignored"');
  if (clean.length <= ISSUE_CHARS_MAX) return clean;
  throw usage(`--issue has ${clean.length} characters`, `give at most ${ISSUE_CHARS_MAX}`);
}

function secretsOf({ erp }: Config): Secrets {
  if (erp === null) throw new Error('the configuration was checked before');
  const { login } = erp;
  return new Secrets(
    login.kind === 'token' ? { ERP_TOKEN: login.token } : { ERP_USER: login.user, ERP_PASSWORD: login.password },
  );
}

/** What the profile says: names of fields, codes, categories. */
function ownWords({ erp }: Config): ReadonlySet<string> {
  const words = new Set<string>();
  JSON.stringify(erp === null ? null : loadDescription(erp.profile), (key, value) => {
    words.add(key.toLowerCase());
    if (typeof value === 'string') words.add(value.toLowerCase());
    return value;
  });
  return words;
}

const versionOf = (): string =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

const usage = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
