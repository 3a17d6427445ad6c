/** `probe --record`: takes the sample, what belongs and joins to it, and writes redacted fixtures of it. */
import { randomBytes } from 'node:crypto';
import type { Subject } from '../../probes/subject.ts';
import { idsByPipe, joiner } from '../engine/joining.ts';
import { EXIT, FatalError } from '../errors.ts';
import type { LoadedJob } from '../jobs.ts';
import { judged } from '../mission.ts';
import type { Facts, JoinedRow, SourceRecord } from '../pipe.ts';
import type { Entity } from '../probe/record/answer.ts';
import { choose } from '../probe/record/choose.ts';
import { checkFolder, writeFolder } from '../probe/record/folder.ts';
import { candidatesOf, recordFixtures } from '../probe/record/record.ts';
import { fieldsOf } from '../probe/record/schema-fields.ts';
import { evenly, type Sample } from '../probe/sample.ts';
import { filesOf, type RecordingReport } from '../report/recording.ts';
import { type Fed, fedOf } from './probe-subject.ts';

export interface RecordFlags {
  /** The folder for fixtures made of the sample. */
  readonly record?: string;
  readonly limit?: number;
  readonly force?: boolean;
}

interface RecordTask {
  readonly subject: Subject;
  readonly sample: Sample;
  /** Checked by `folderOf`. */
  readonly folder: string;
  readonly flags: RecordFlags;
  readonly jobs: readonly LoadedJob[];
  readonly stop: AbortSignal;
}

/** Fixtures at most, unless said. */
const LIMIT = 20;
/** Records of all pages seen, to choose from; more show nothing new. */
const POOL_MAX = 5_000;
/** Entities whose joined rows are asked for. */
const JOINED_MAX = 200;
/** Sales that returns name, and joined rows, asked for by id. */
const ASKED_MAX = 300;

/** Null without `--record`. Refuses a folder that is not for it before anything is asked of the vendor. */
export function folderOf(
  resource: string | null,
  { record: given, limit, force }: RecordFlags,
  cwd: string,
): string | null {
  if (given === undefined) {
    if (limit === undefined && force === undefined) return null;
    throw usage(`${force ? '--force' : '--limit'} goes with --record`, 'add --record and a folder for the fixtures');
  }
  if (resource === null) throw usage('--record takes fixtures of one resource', 'name it, such as probe erp customers');
  return checkFolder(given, cwd, force === true);
}

export async function record(task: RecordTask): Promise<RecordingReport> {
  const { subject, sample, folder, flags, stop } = task;
  const { record: given = folder, limit = LIMIT } = flags;
  const fed = fedOf(subject);
  const { mapping, pipe } = fed.job;
  const facts = { ...fed.facts, names: (await fed.source.locationNames?.(stop)) ?? {} };
  const records = await withOwnRecords(poolOf(sample), fed, stop);
  const loose = entitiesOf(records, fed.source.canonical.bind(fed.source));
  if (loose.length === 0)
    throw new FatalError(
      EXIT.source,
      'there is nothing to record: the source shows no record',
      'look without --record first',
    );
  const entities = mapping.joins === undefined ? loose : await withJoins(loose, task, fed, facts);
  const key = randomBytes(32);
  const values = loose.flatMap((entity) => entity.records);
  const recording = recordFixtures({ pipe, mapping, facts, entities, sample: values, limit, key });
  const report = { folder: given, pipe, atMs: Date.now(), entities: loose.length, recording };
  stop.throwIfAborted();
  writeFolder(folder, filesOf(report));
  return report;
}

/** The newest of each id. */
function poolOf({ sights, records }: Sample): SourceRecord[] {
  const pool = new Map<string, SourceRecord>();
  for (const one of [...records, ...sights.flatMap((sight) => sight.records)]) {
    const known = pool.get(one.id);
    if (known === undefined ? pool.size < POOL_MAX : known.modifiedAt < one.modifiedAt) pool.set(one.id, one);
  }
  return [...pool.values()];
}

/** A return is judged with the sale it names: the sales that the sample lacks are asked for. */
async function withOwnRecords(
  records: SourceRecord[],
  { job, source }: Fed,
  stop: AbortSignal,
): Promise<SourceRecord[]> {
  if (!job.needsOwnRecord) return records;
  const there = new Set(records.map(({ id }) => id));
  const missing = [...new Set(records.flatMap(({ entities }) => entities))].filter((id) => !there.has(id));
  return missing.length === 0 ? records : [...records, ...(await source.get(missing.slice(0, ASKED_MAX), stop))];
}

/** As JSON holds them, since that is what a fixture is. */
function entitiesOf(records: readonly SourceRecord[], canonical: (raw: unknown) => unknown): Entity[] {
  const entities = new Map<string, Entity['records'][number][]>();
  for (const { entities: keys, raw } of records) {
    const value: unknown = JSON.parse(JSON.stringify(canonical(raw) ?? null));
    if (typeof value !== 'object' || value === null) continue;
    for (const key of keys) entities.set(key, [...(entities.get(key) ?? []), { ...value }]);
  }
  return [...entities].map(([key, own]) => ({ key, records: own, joined: own.map(() => ({})) }));
}

/** Joined rows are asked for of some entities only: of those that show much by themselves, and of others at even distances. */
async function withJoins(
  entities: readonly Entity[],
  { jobs, stop }: RecordTask,
  fed: Fed,
  facts: Facts,
): Promise<Entity[]> {
  const { mapping } = fed.job;
  const fields = fieldsOf(mapping);
  const isCode = (leaf: string | number, path: string): boolean =>
    fields.get(path)?.codes?.includes(String(leaf)) ?? false;
  const telling = choose(candidatesOf(entities, { mapping, fields, isCode }, facts), JOINED_MAX / 2);
  const likely = [...new Set([...telling.map(({ candidate }) => candidate.entity), ...evenly(entities, JOINED_MAX)])];
  const values = likely.slice(0, JOINED_MAX).flatMap(({ records }) => records);
  const rows = new Map<string, ReadonlyMap<string, JoinedRow>>();
  for (const [pipe, ids] of idsByPipe(mapping.joins, values)) {
    rows.set(pipe, await joinedRows(pipe, ids.slice(0, ASKED_MAX), { jobs, stop, fed }));
  }
  const joins = joiner(mapping.joins, (pipe) => rows.get(pipe) ?? new Map(), values);
  return likely.slice(0, JOINED_MAX).map((entity) => ({ ...entity, joined: entity.records.map(joins.rows) }));
}

async function joinedRows(
  pipe: string,
  ids: readonly string[],
  { jobs, stop, fed }: { readonly jobs: readonly LoadedJob[]; readonly stop: AbortSignal; readonly fed: Fed },
): Promise<ReadonlyMap<string, JoinedRow>> {
  const job = jobs.find((one) => one.pipe === pipe);
  if (job === undefined || ids.length === 0) return new Map();
  const source = pipe === fed.job.pipe ? fed.source : job.from(fed.systems);
  const found = await source.get(ids, stop);
  return new Map(found.map(({ id, raw }) => [id, judged(source.canonical(raw), job.mapping.scope)]));
}

const usage = (message: string, hint: string): FatalError => new FatalError(EXIT.usage, message, hint);
