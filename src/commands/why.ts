/** `why`: the story of one record. Reads the state beside whatever runs, and asks HubSpot once for each type of object. */
import { loadConfig } from '../config.ts';
import { asError, EXIT, type ExitCode, FatalError, TransientError } from '../errors.ts';
import { loadJobs } from '../jobs.ts';
import { painter } from '../report/style.ts';
import { renderMatches, renderWhy, whyDocument } from '../report/why.ts';
import type { Transport } from '../sinks/hubspot/transport.ts';
import { latestStream } from '../state/cursor-desk.ts';
import { type Db, databasePath, explain, openReadOnly } from '../state/database.ts';
import { sourceInstance } from '../state/runs.ts';
import { findSubjects, type Subject } from '../state/story.ts';
import { instanceOf, openTransport } from '../systems.ts';
import { type Explained, explainSubject, type Tools } from '../why/explain.ts';
import { parseReference, referenceTo } from '../why/reference.ts';
import type { Invocation } from './invocation.ts';

export interface WhyFlags {
  /** False leaves the source's values out. */
  readonly raw?: boolean;
  readonly offline?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Returns 0, 2 when several records may be meant, or the code of a HubSpot that could not be asked. */
export async function why(text: string, flags: WhyFlags, invocation: Invocation): Promise<ExitCode> {
  const { env, cwd, stdout } = invocation;
  const wanted = parseReference(text);
  const { stateDir } = loadConfig({ env, cwd, needs: [] });
  const db = openReadOnly(stateDir);
  if (db === null) throw nothingRan();
  try {
    const found = findSubjects(db, wanted);
    const subjects = distinct(db, found);
    const [subject] = subjects;
    if (subject === undefined) throw unknown(text);
    if (subjects.length > 1) {
      const matches = subjects.map((one) => ({ ...one, reference: referenceTo(one) }));
      const document = {
        schemaVersion: 1,
        runId: null,
        status: 'ambiguous',
        counts: { matches: matches.length },
        matches,
      };
      stdout.write(flags.json ? `${JSON.stringify(document, null, 2)}\n` : renderMatches(text, matches));
      return EXIT.usage;
    }
    return await tell(subject, wanted.id, flags, { db, invocation });
  } catch (thrown) {
    throw explain(thrown, databasePath(stateDir));
  } finally {
    db.close();
  }
}

/** The same entity may be known from a source that feeds the pipe no more: the present one counts. */
function distinct(db: Db, found: readonly Subject[]): Subject[] {
  const groups = Map.groupBy(found, ({ pipe, entity }) => `${pipe} ${entity}`);
  return [...groups.values()].flatMap((group) => {
    const present = group.find(({ pipe, stream }) => stream === latestStream(db, pipe)) ?? group[0];
    return present ? [present] : [];
  });
}

async function tell(
  subject: Subject,
  asked: string,
  flags: WhyFlags,
  { db, invocation }: { readonly db: Db; readonly invocation: Invocation },
): Promise<ExitCode> {
  const { env, cwd, stdout, stderr, stop } = invocation;
  const jobs = await loadJobs();
  const job = jobs.find(({ pipe }) => pipe === subject.pipe);
  if (!job) throw new FatalError(EXIT.usage, `there is no pipe called ${subject.pipe} any more`, 'retail-sync status');
  const config = loadConfig({ env, cwd, needs: [job.system] });
  const instance = instanceOf(job, config, sourceInstance(db, job.pipe), () => undefined);
  const transport = flags.offline ? null : openTransport(loadConfig({ env, cwd, needs: ['hubspot'] }).hubspot);
  const tools = { db, job, jobs, sourceOf: (one: typeof job) => one.from(instance.systems), zone: instance.zone };
  const { story, failure } = await explainOrOffline(subject, { ...tools, signal: stop }, transport);
  if (flags.json) stdout.write(`${JSON.stringify(whyDocument(story, flags.raw !== false), null, 2)}\n`);
  else {
    const options = { asked, isRaw: flags.raw !== false, isAll: flags.all === true, nowMs: Date.now() };
    stdout.write(renderWhy(story, options, painter(stdout, env)));
  }
  if (failure === null) return EXIT.ok;
  stderr.write(`HubSpot could not be asked: ${failure.message}\n  fix: retail-sync doctor, or --offline\n`);
  return failure instanceof FatalError ? failure.exit : EXIT.hubspot;
}

/** What the state knows is told even when HubSpot does not answer. */
async function explainOrOffline(
  subject: Subject,
  tools: Omit<Tools, 'transport'>,
  transport: Transport | null,
): Promise<{ story: Explained; failure: Error | null }> {
  try {
    return { story: await explainSubject(subject, { ...tools, transport }), failure: null };
  } catch (thrown) {
    if (!(thrown instanceof FatalError || thrown instanceof TransientError) || transport === null) throw thrown;
    return { story: await explainSubject(subject, { ...tools, transport: null }), failure: asError(thrown) };
  }
}

const nothingRan = (): FatalError =>
  new FatalError(EXIT.usage, 'nothing has run yet: there is no state to ask', 'retail-sync sync <pipe>');

const unknown = (text: string): FatalError =>
  new FatalError(
    EXIT.usage,
    `the state knows nothing of ${text.trim()}`,
    'ask with another id (retail-sync why --help); of records that a rule excludes only the id is kept, no e-mail',
  );
