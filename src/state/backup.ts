/**
 * Copies of the state database, and the way back. A copy is one consistent snapshot (VACUUM INTO), never the files as
 * they lie there: those without their log are torn. Every copy is marked: whoever restores it goes back in time, and
 * what it remembers of HubSpot may no longer be so.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { roomFor, sizeOf } from '../bytes.ts';
import { EXIT, FatalError } from '../errors.ts';
import { explain, isDamage } from './failures.ts';
import { judgeFolder, makeFolder, syncFolder } from './folder.ts';

/** Beside the copy there must be room for what the run itself writes. */
const SPARE_BYTES = 20_000_000;
const DAY_MS = 86_400_000;
/** Kept of each kind, unless the configuration says otherwise; those a person made are his. */
const KEPT = { state: 5, daily: 7 } as const;
const ASIDE = /^state-before-restore-(\d{8}T\d{9}Z)\.db(-wal)?$/;
const NAME = /^(?:state-\d+|daily|manual)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z\.db$/;

/** The mark in `meta` of a copy: when it was made, epoch milliseconds. */
export const COPIED_AT = 'copied_at';

export interface Backup {
  readonly path: string;
  readonly bytes: number;
  readonly atMs: number;
}

export const backupFolder = (stateDir: string): string => join(stateDir, 'backups');

const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:.]/g, '');

/** The copies in the state folder, the newest first. */
export function listBackups(stateDir: string): Backup[] {
  const folder = backupFolder(stateDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const atMs = momentIn(name);
      const path = join(folder, name);
      return atMs === null ? [] : [{ path, bytes: statSync(path).size, atMs }];
    })
    .sort((a, b) => b.atMs - a.atMs || (a.path < b.path ? 1 : -1));
}

/** When a copy was made, by its name: copying it about changes the file's own time. */
function momentIn(name: string): number | null {
  const [, year, month, day, hour, minute, second, ms] = NAME.exec(name) ?? [];
  if (year === undefined) return null;
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return Number.isNaN(atMs) ? null : atMs;
}

/** The schema is about to change. Throws FatalError when no copy can be made: then it stays as it is. */
export function backupBeforeMigration(db: Database.Database, stateDir: string, nowMs: number): string {
  const schema = Number(db.pragma('user_version', { simple: true }));
  const path = copyInto(db, join(backupFolder(stateDir), `state-${schema}-${stamp(nowMs)}.db`), nowMs);
  pruneStates(stateDir);
  return path;
}

/**
 * The daily copy, at the end of a good run: one in 24 hours. Returns its path, or null when there is a fresh one.
 * Throws FatalError when it cannot be made; the run itself is none the worse.
 */
export function backupIfDue(
  db: Database.Database,
  stateDir: string,
  nowMs: number,
  kept: number = KEPT.daily,
): string | null {
  const latest = listBackups(stateDir).find(({ path }) => isKind(path, 'daily'));
  // A copy from the future, after the clock was set back, does not stop the copies of today.
  if (latest && latest.atMs <= nowMs && nowMs - latest.atMs < DAY_MS) return null;
  const path = copyInto(db, join(backupFolder(stateDir), `daily-${stamp(nowMs)}.db`), nowMs);
  for (const old of dailyBeyond(stateDir, kept)) rmSync(old, { force: true });
  return path;
}

/** A copy that a person asked for, into `file` or the state folder. Throws FatalError for a file that exists. */
export function backupNow(db: Database.Database, stateDir: string, file: string | null, nowMs: number): string {
  return copyInto(db, file ?? join(backupFolder(stateDir), `manual-${stamp(nowMs)}.db`), nowMs);
}

const dailyBeyond = (stateDir: string, kept: number): readonly string[] =>
  listBackups(stateDir)
    .filter(({ path }) => isKind(path, 'daily'))
    .slice(kept)
    .map(({ path }) => path);

/** What a restore moved aside before an instant: whole databases, with people's data in them. */
function asideBefore(stateDir: string, beforeMs: number): readonly string[] {
  if (!existsSync(stateDir)) return [];
  return readdirSync(stateDir)
    .filter((name) => (momentIn(`manual-${ASIDE.exec(name)?.[1]}.db`) ?? Number.POSITIVE_INFINITY) < beforeMs)
    .map((name) => join(stateDir, name));
}

/** Files that have outlived their time: daily copies beyond `kept`, and databases that a restore moved aside. */
export const outlivedFiles = (stateDir: string, kept: number, asideBeforeMs: number): readonly string[] => [
  ...dailyBeyond(stateDir, kept),
  ...asideBefore(stateDir, asideBeforeMs),
];

const isKind = (path: string, kind: keyof typeof KEPT): boolean => path.startsWith(join(dirname(path), `${kind}-`));

function pruneStates(stateDir: string): void {
  const all = listBackups(stateDir).filter(({ path }) => isKind(path, 'state'));
  for (const { path } of all.slice(KEPT.state)) rmSync(path, { force: true });
}

/** Under another name until it is whole and on the disk: a copy that is there is a good one. */
function copyInto(db: Database.Database, target: string, nowMs: number): string {
  const path = resolve(target);
  if (existsSync(path)) {
    throw new FatalError(EXIT.usage, `${path} exists and is not overwritten`, 'give another file name');
  }
  const draft = `${path}.unfinished`;
  try {
    makeFolder(dirname(path));
    needRoom(db, dirname(path));
    rmSync(draft, { force: true }); // of a process that died
    closeSync(openSync(draft, 'wx', 0o600)); // VACUUM INTO takes an empty file, and keeps its mode
    db.prepare('VACUUM INTO ?').run(draft);
    mark(draft, nowMs);
    renameSync(draft, path);
    syncFolder(dirname(path));
    return path;
  } catch (error) {
    discard(draft);
    throw explain(error, isDamage(error) ? db.name : path); // the copy is new: it is what was copied that is damaged
  }
}

/** What cannot be removed now is removed by the next copy of that name; the first failure is the one to tell. */
function discard(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // its folder is no folder, or is read-only
  }
}

function needRoom(db: Database.Database, folder: string): void {
  const pages = Number(db.pragma('page_count', { simple: true }));
  const bytes = pages * Number(db.pragma('page_size', { simple: true }));
  const { freeBytes } = judgeFolder(folder);
  if (freeBytes === null || freeBytes >= bytes + SPARE_BYTES) return;
  throw new FatalError(
    EXIT.internal,
    `no backup: the copy needs ${roomFor(bytes + SPARE_BYTES)} of room, and the disk that holds ${folder} has ${sizeOf(freeBytes)} free`,
    'free some space, or remove old files in the folder backups',
  );
}

/** Writes the mark and makes the file durable: its commit is an fsync. */
function mark(file: string, nowMs: number): void {
  const copy = new Database(file);
  try {
    copy.pragma('journal_mode = DELETE');
    copy.pragma('synchronous = FULL');
    copy
      .prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING')
      .run(COPIED_AT, String(nowMs));
  } finally {
    copy.close();
  }
}

/**
 * Puts a checked copy in the place of the state, which moves aside as `state-before-restore-<time>.db`. At every moment
 * there is a whole database under the state's name, the old one or the new. To be called with the portal's lock held.
 * `adjust` may carry facts over from the present state (null when it cannot be read) before the exchange.
 */
export function putInPlace(
  file: string,
  present: string,
  nowMs: number,
  adjust: (copy: Database.Database) => void,
): string | null {
  const draft = `${present}.restoring`;
  try {
    makeFolder(dirname(present));
    rmSync(draft, { force: true });
    closeSync(openSync(draft, 'wx', 0o600));
    copyFileSync(file, draft);
    mark(draft, nowMs);
    const copy = new Database(draft);
    try {
      adjust(copy);
    } finally {
      copy.close();
    }
    const aside = moveAside(present, nowMs);
    renameSync(draft, present);
    syncFolder(dirname(present));
    return aside;
  } catch (error) {
    discard(draft);
    throw explain(error, present);
  }
}

/** The old log must be gone before the new file comes: SQLite would take it for the new file's. */
function moveAside(present: string, nowMs: number): string | null {
  if (!existsSync(present)) {
    for (const end of ['-wal', '-shm']) rmSync(`${present}${end}`, { force: true });
    return null;
  }
  const aside = join(dirname(present), `state-before-restore-${stamp(nowMs)}.db`);
  foldLog(present);
  if (existsSync(`${present}-wal`)) renameSync(`${present}-wal`, `${aside}-wal`);
  rmSync(`${present}-shm`, { force: true });
  try {
    linkSync(present, aside);
  } catch {
    copyFileSync(present, aside); // a file system without links
  }
  return aside;
}

/** Throws FatalError (exit 75) while somebody reads it; a damaged one goes aside with its log. */
function foldLog(present: string): void {
  try {
    const db = new Database(present, { timeout: 1_000 });
    try {
      const [row] = db.prepare<[], { busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)').all();
      if (row?.busy === 1) {
        throw new FatalError(
          EXIT.locked,
          `another process is using ${present}`,
          'wait for it to end, then restore again',
        );
      }
    } finally {
      db.close();
    }
  } catch (error) {
    const explained = explain(error, present);
    if (explained instanceof FatalError && explained.exit === EXIT.locked) throw explained;
  }
}
