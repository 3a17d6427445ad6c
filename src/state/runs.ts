/** The ledger of runs: every run is on record from its first moment, whatever becomes of it. */
import type { Database } from 'better-sqlite3';
import type { Environment } from '../pipe.ts';

export type RunStatus = 'running' | 'ok' | 'partial' | 'failed' | 'stopped' | 'crashed';

export interface RunRow {
  readonly id: string;
  readonly pipe: string;
  readonly trigger: string;
  readonly mode: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly pid: number;
  readonly status: RunStatus;
  readonly exit: number | null;
  readonly report: string | null;
}

const COLUMNS = `id, pipe, trigger, mode, started_at AS startedAtMs, ended_at AS endedAtMs, pid, status, exit, report`;

/**
 * Sorts by time: start in UTC to the millisecond, then four random hexadecimal digits. Later than every run on record,
 * also where the clock was set back: what changed since is told by it.
 */
export function newRunId(db: Database, nowMs: number): string {
  const { randomBytes } = process.getBuiltinModule('node:crypto'); // `status` reads runs and starts none
  const last = db.prepare<[], { id: string | null }>('SELECT max(id) AS id FROM runs').get()?.id ?? null;
  const afterMs = last === null ? 0 : startOf(last) + 1;
  return `${idTime(Math.max(nowMs, afterMs))}-${randomBytes(2).toString('hex')}`;
}

const idTime = (ms: number): string => new Date(ms).toISOString().replace(/[-:.Z]/g, '');

/** 0 for an id of another form. */
function startOf(id: string): number {
  const iso = id.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)(\d{3})-.*$/, '$1-$2-$3:$4:$5.$6Z');
  return Date.parse(iso) || 0;
}

/** The stream of a pipe and source instance, made on first use. */
export function openStream(
  db: Database,
  pipe: string,
  instance: string,
  environment: Environment,
  nowMs: number,
): number {
  db.prepare(
    'INSERT INTO streams (pipe, instance, environment, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (pipe, instance) DO NOTHING',
  ).run(pipe, instance, environment, nowMs);
  const row = db
    .prepare<[string, string], { id: number }>('SELECT id FROM streams WHERE pipe = ? AND instance = ?')
    .get(pipe, instance);
  if (!row) throw new Error(`stream ${pipe} was just written and is not there`);
  return row.id;
}

/** The version of the mapping that the mirror of a stream was last mapped with; null before the first run. */
export const mapperOf = (db: Database, stream: number): string | null =>
  db.prepare<[number], { mapper: string | null }>('SELECT mapper FROM streams WHERE id = ?').get(stream)?.mapper ??
  null;

export function setMapper(db: Database, stream: number, mapper: string): void {
  db.prepare('UPDATE streams SET mapper = ? WHERE id = ?').run(mapper, stream);
}

export function startRun(
  db: Database,
  run: { id: string; pipe: string; stream: number | null; trigger: string; mode: string; atMs: number },
): void {
  db.prepare(
    "INSERT INTO runs (id, pipe, stream, trigger, mode, started_at, pid, status) VALUES (?, ?, ?, ?, ?, ?, ?, 'running')",
  ).run(run.id, run.pipe, run.stream, run.trigger, run.mode, run.atMs, process.pid);
}

export function endRun(
  db: Database,
  run: {
    id: string;
    status: RunStatus;
    exit: number;
    report: string;
    atMs: number;
    proofs: ReadonlyMap<string, string>;
  },
): void {
  db.transaction(() => {
    db.prepare('UPDATE runs SET ended_at = ?, status = ?, exit = ?, report = ? WHERE id = ?').run(
      run.atMs,
      run.status,
      run.exit,
      run.report,
      run.id,
    );
    const insert = db.prepare('INSERT OR REPLACE INTO run_partitions (run, partition, proof) VALUES (?, ?, ?)');
    for (const [partition, proof] of run.proofs) insert.run(run.id, partition, proof);
  }).immediate();
}

/** A run that was over before it began (token, portal, HubSpot down): the morning screen has to show it too. */
export function refuseRun(
  db: Database,
  run: {
    pipe: string;
    trigger: string;
    atMs: number;
    exit: number;
    reason: string;
    hint: string;
    code?: string | null;
  },
): void {
  const { pipe, trigger, atMs, exit, reason, hint, code } = run;
  const id = newRunId(db, atMs);
  const mode = JSON.stringify({ since: null, full: false, dryRun: false, restricted: true });
  startRun(db, { id, pipe, stream: null, trigger, mode, atMs });
  const report = JSON.stringify({
    pipe,
    runId: id,
    verdict: 'failed',
    reason,
    hint,
    ...(code == null ? {} : { code }),
  });
  endRun(db, { id, status: 'failed', exit, report, atMs, proofs: new Map() });
}

/**
 * With the portal's lock in hand, a run that still says `running` belongs to a process that died.
 * Returns their ids, so that the next run can say what happened.
 */
export function markCrashed(db: Database, nowMs: number): string[] {
  return db
    .prepare<[number], { id: string }>(
      "UPDATE runs SET status = 'crashed', ended_at = ?, exit = 1 WHERE status = 'running' RETURNING id",
    )
    .all(nowMs)
    .map((row) => row.id);
}

/** The newest runs, of one pipe or of all. */
export function latestRuns(db: Database, pipe: string | null, limit: number): RunRow[] {
  return db
    .prepare<[string | null, string | null, number], RunRow>(
      `SELECT ${COLUMNS} FROM runs WHERE ? IS NULL OR pipe = ? ORDER BY started_at DESC, id DESC LIMIT ?`,
    )
    .all(pipe, pipe, limit);
}

/** Whether this stream ever finished a run that was proven: only then is there something to compare a new one with. */
export const hasBaseline = (db: Database, stream: number): boolean =>
  db
    .prepare<[number], { n: number }>(
      `SELECT count(*) AS n FROM runs WHERE stream = ? AND status = 'ok' AND json_extract(mode, '$.dryRun') = 0
        AND json_extract(mode, '$.restricted') = 0`,
    )
    .get(stream)?.n !== 0;

/** Which source instance feeds a pipe, `staging` or `production`; null until something has decided it. */
export const sourceInstance = (db: Database, pipe: string): string | null =>
  db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(`instance:${pipe}`)?.value ??
  null;

interface MirroredRow {
  readonly id: string;
  readonly raw: string | null;
  readonly rule: string | null;
  readonly gone: 0 | 1;
}

/** Mirrored records of a stream by id: their payload as JSON text, the rule that excluded them, or that they are gone. */
export function mirrored(db: Database, stream: number, ids: readonly string[]): MirroredRow[] {
  return db
    .prepare<[number, string], MirroredRow>(
      'SELECT id, raw, rule, gone FROM records WHERE stream = ? AND id IN (SELECT value FROM json_each(?))',
    )
    .all(stream, JSON.stringify(ids));
}

/** HubSpot ids of contacts this tool created that still have to be looked at. */
export const createdContacts = (db: Database): string[] =>
  db
    .prepare<[], { id: string }>('SELECT hubspot_id AS id FROM contact_checks')
    .all()
    .map((row) => row.id);

/** All of them were looked at: those of earlier runs for the second time, which is enough. */
export function contactsChecked(db: Database, run: string): void {
  db.prepare('DELETE FROM contact_checks WHERE run <> ?').run(run);
}

/** Mirrored payloads of a pipe fed from an instance, by id, with the date they had. */
export function latestMirrored(
  db: Database,
  pipe: string,
  instance: string,
  ids: readonly string[],
): ReadonlyMap<string, { readonly modifiedAt: string; readonly raw: unknown }> {
  const rows = db
    .prepare<unknown[], { id: string; modifiedAt: string; raw: string }>(
      `SELECT records.id, modified_at AS modifiedAt, raw FROM records JOIN streams ON streams.id = records.stream
        WHERE pipe = ? AND instance = ? AND raw IS NOT NULL AND records.id IN (SELECT value FROM json_each(?))`,
    )
    .all(pipe, instance, JSON.stringify(ids));
  return new Map(rows.map(({ id, modifiedAt, raw }) => [id, { modifiedAt, raw: JSON.parse(raw) }]));
}
