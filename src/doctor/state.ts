/** The state database and who holds the lock; read-only, and no word about any record. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sizeOf } from '../bytes.ts';
import { EXIT, FatalError } from '../errors.ts';
import { listBackups } from '../state/backup.ts';
import { checkIntegrity, type Db, databasePath, openReadOnly, schemaOf } from '../state/database.ts';
import { checkGeneration, generationOf } from '../state/generation.ts';
import { MIGRATIONS } from '../state/migrations.ts';
import { pipeStatus } from '../state/overview.ts';
import { bindingOf } from '../state/restore.ts';
import type { Survey } from './configuration.ts';
import { type Finding, failed, fault, fine, warning } from './finding.ts';

const DAY_MS = 86_400_000;
const LOG_BYTES_MANY = 64 * 1024 * 1024;

/** `instances`: what the state says each pipe is fed from. */
export interface StateSurvey {
  readonly findings: readonly Finding[];
  readonly instances: ReadonlyMap<string, string>;
}

export function surveyState(survey: Survey, pipes: readonly string[], nowMs: number): StateSurvey {
  const nothing = { instances: new Map<string, string>() };
  let db: Db | null = null;
  try {
    if (existsSync(databasePath(survey.stateDir)) && statSync(databasePath(survey.stateDir)).size === 0) {
      const fix = 'retail-sync backup list, then retail-sync backup restore FILE; or remove the file';
      return {
        ...nothing,
        findings: [fault('state', 'database', 'state.db is empty (0 bytes): it was truncated', fix, EXIT.usage)],
      };
    }
    db = openReadOnly(survey.stateDir);
    if (!db) return { ...nothing, findings: [fine('state', 'database', 'none yet: the first sync makes it')] };
    checkIntegrity(db, databasePath(survey.stateDir));
    const version = schemaOf(db);
    if (version === 0) return { ...nothing, findings: [fine('state', 'database', 'empty: the first sync fills it')] };
    return { findings: findingsOf(db, survey, pipes, nowMs), instances: instancesOf(db) };
  } catch (thrown) {
    return { ...nothing, findings: [failed('state', 'database', thrown, EXIT.usage)] };
  } finally {
    db?.close();
  }
}

function findingsOf(db: Db, survey: Survey, pipes: readonly string[], nowMs: number): Finding[] {
  const version = schemaOf(db);
  const schema =
    version < MIGRATIONS.length
      ? `schema ${version}, brought to ${MIGRATIONS.length} by the next sync after a backup`
      : `schema ${version}`;
  return [
    fine('state', 'database', `whole, ${schema}`),
    bindingFinding(db, survey),
    generationFinding(db, survey.stateDir),
    backupFinding(survey.stateDir, nowMs),
    logFinding(survey.stateDir),
    ...(version < MIGRATIONS.length ? [] : pipes.map((pipe) => pipeFinding(db, pipe, nowMs))),
  ];
}

function bindingFinding(db: Db, { hubspot, environment }: Survey): Finding {
  const binding = bindingOf(db);
  if (binding === null) return fine('state', 'binding', 'belongs to no portal yet');
  const said = `belongs to ${binding.environment}, portal ${binding.portalId}`;
  const agrees = binding.environment === environment && (hubspot === null || hubspot.portalId === binding.portalId);
  if (agrees) return fine('state', 'binding', said);
  const asked = `${environment}${hubspot ? `, portal ${hubspot.portalId}` : ''}`;
  return fault(
    'state',
    'binding',
    `${said}, but the configuration says ${asked}`,
    'correct RETAIL_SYNC_ENV or HUBSPOT_PORTAL_ID, or set RETAIL_SYNC_STATE_DIR',
    EXIT.access,
  );
}

function generationFinding(db: Db, stateDir: string): Finding {
  const { sentence } = checkGeneration(db, stateDir);
  if (sentence !== null) return warning('state', 'generation', sentence, 'retail-sync sync all');
  return fine('state', 'generation', `${generationOf(db)} writing processes so far, none is missing`);
}

function backupFinding(stateDir: string, nowMs: number): Finding {
  const [newest] = listBackups(stateDir);
  if (!newest) return warning('state', 'backup', 'there is none yet', 'retail-sync backup');
  const days = Math.floor(Math.max(0, nowMs - newest.atMs) / DAY_MS);
  const said = `the newest is ${days === 0 ? 'less than a day' : `${days} days`} old`;
  return days > 3 ? warning('state', 'backup', said, 'retail-sync backup') : fine('state', 'backup', said);
}

function logFinding(stateDir: string): Finding {
  const bytes = statSync(`${databasePath(stateDir)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const said = `the write-ahead log holds ${sizeOf(bytes)}`;
  return bytes > LOG_BYTES_MANY
    ? warning('state', 'log', `${said}: a reader keeps it from being folded in`, 'end whatever has state.db open')
    : fine('state', 'log', said);
}

function pipeFinding(db: Db, pipe: string, nowMs: number): Finding {
  const { lastRun, openDeadLetters, waiting } = pipeStatus(db, pipe);
  if (lastRun === null) return fine('state', pipe, 'never run');
  const hours = Math.max(0, Math.floor((nowMs - (lastRun.endedAtMs ?? lastRun.startedAtMs)) / 3_600_000));
  const parts = [`last run ${lastRun.status}, ${hours === 0 ? 'less than an hour' : `${hours} h`} ago`];
  if (openDeadLetters > 0) parts.push(`${openDeadLetters} open dead letters`);
  if (waiting > 0) parts.push(`${waiting} entities waiting`);
  const crashes = crashesOf(db, pipe, nowMs);
  if (crashes > 0) parts.push(`${crashes} runs died in the last 7 days`);
  const isFine = ['ok', 'running'].includes(lastRun.status) && openDeadLetters === 0;
  const said = parts.join(', ');
  if (isFine && crashes === 0) return fine('state', pipe, said);
  const fix =
    openDeadLetters > 0
      ? `retail-sync dead-letters list`
      : isFine
        ? null
        : `retail-sync status, then retail-sync sync ${pipe}`;
  return warning('state', pipe, said, fix);
}

const crashesOf = (db: Db, pipe: string, nowMs: number): number =>
  db
    .prepare<[string, number], { n: number }>(
      "SELECT count(*) AS n FROM runs WHERE pipe = ? AND status = 'crashed' AND started_at > ?",
    )
    .get(pipe, nowMs - 7 * DAY_MS)?.n ?? 0;

function instancesOf(db: Db): Map<string, string> {
  const rows = db.prepare<[], { key: string; value: string }>(
    "SELECT key, value FROM meta WHERE key GLOB 'instance:*'",
  );
  return new Map(rows.all().map(({ key, value }) => [key.slice('instance:'.length), value]));
}

/** Asks without taking it: a reader is shut out for as long as a run holds the lock. */
export function lockFinding(folder: string, survey: Survey): Finding {
  if (survey.hubspot === null) return fine('lock', 'lock', 'belongs to a portal, and none is configured');
  const path = join(folder, `portal-${survey.hubspot.portalId.replace(/\W/g, '_')}.lock.db`);
  if (!existsSync(path)) return fine('lock', 'lock', 'free: no run has taken it yet');
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 });
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
      return fine('lock', 'lock', 'free');
    } finally {
      db.close();
    }
  } catch (thrown) {
    const isBusy = thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('SQLITE_BUSY');
    if (!isBusy)
      return failed(
        'lock',
        'lock',
        new FatalError(EXIT.usage, `${path} cannot be read`, 'remove it; it holds no data', { cause: thrown }),
        EXIT.usage,
      );
    return warning('lock', 'lock', `held by ${holder(survey.stateDir)}`, 'wait for it to end: retail-sync status');
  }
}

/** As the state in this folder knows it: a run from another state folder is not in it. */
function holder(stateDir: string): string {
  try {
    const db = openReadOnly(stateDir);
    try {
      const running = db
        ?.prepare<[], { pipe: string; pid: number; at: number }>(
          "SELECT pipe, pid, started_at AS at FROM runs WHERE status = 'running' ORDER BY started_at DESC LIMIT 1",
        )
        .get();
      if (!running) return 'a process that this state folder knows nothing of';
      return `process ${running.pid}, which syncs ${running.pipe} since ${new Date(running.at).toISOString().slice(0, 16)}Z`;
    } finally {
      db?.close();
    }
  } catch {
    return 'a process that is not known';
  }
}
