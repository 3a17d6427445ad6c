/** Opens the state database: durable, private, bound to one environment and portal, never newer than the code. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { EXIT, FatalError } from '../errors.ts';
import { MIGRATIONS } from './migrations.ts';

export type Db = Database.Database;

/** 'rtsy' in ASCII: marks a file as ours, so that another program's database is never taken for the state. */
const APPLICATION_ID = 0x72747379;
/** Writers wait this long for another connection (a `status` in a second terminal) before they give up. */
const BUSY_TIMEOUT_MS = 5_000;
const QUICK_CHECK_BYTES_MAX = 64 * 1024 * 1024;

/** What a database belongs to. A mismatch is refused: its ids and fingerprints would be lies elsewhere. */
export interface Binding {
  readonly environment: string;
  readonly portalId: string;
}

export const databasePath = (stateDir: string): string => join(stateDir, 'state.db');

/**
 * Opens or creates the state database and brings its schema up to date. Throws FatalError for a folder or file that
 * cannot be used, a newer schema, a damaged file, or another binding.
 */
export function openDatabase(stateDir: string, binding: Binding | null): Db {
  const path = databasePath(stateDir);
  const db = connect(path);
  try {
    configure(db);
    refuseForeign(db, path);
    migrate(db, path);
    if (binding) bind(db, binding, path);
    return db;
  } catch (error) {
    db.close();
    throw explain(error, path);
  }
}

/** Read-only, for `status` and other questions beside a running sync; null when there is no state yet. */
export function openReadOnly(stateDir: string): Db | null {
  const path = databasePath(stateDir);
  if (!existsSync(path)) return null;
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    refuseForeign(db, path);
    return db;
  } catch (error) {
    throw explain(error, path);
  }
}

function connect(path: string): Db {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // A file that exists but is empty was truncated: SQLite would quietly make a new, empty state of it.
    if (existsSync(path) && statSync(path).size === 0) {
      throw new FatalError(
        EXIT.usage,
        `the state database ${path} is empty (0 bytes): it was truncated, its cursors and fingerprints are gone`,
        `restore a backup beside it, or remove the file; the next run then reads everything again (no duplicates: writes are upserts)`,
      );
    }
    return new Database(path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw explain(error, path);
  }
}

function configure(db: Db): void {
  db.pragma('journal_mode = WAL');
  // better-sqlite3 is built to lower this to NORMAL in WAL mode, which may lose the last commits at power loss:
  // the durable intention of a write among them. https://www.sqlite.org/pragma.html#pragma_synchronous
  db.pragma('synchronous = FULL');
  // On macOS fsync does not reach the disk without it. https://www.sqlite.org/pragma.html#pragma_fullfsync
  if (process.platform === 'darwin') db.pragma('fullfsync = ON');
  db.pragma('foreign_keys = ON');
  db.pragma('trusted_schema = OFF');
}

function refuseForeign(db: Db, path: string): void {
  const id = db.pragma('application_id', { simple: true });
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new FatalError(
      EXIT.usage,
      `the state database ${path} has schema ${version}; this version of retail-sync knows ${MIGRATIONS.length} at most`,
      'update retail-sync to the version that wrote it, or point RETAIL_SYNC_STATE_DIR to another folder',
    );
  }
  if (version > 0 && id !== APPLICATION_ID) {
    throw new FatalError(
      EXIT.usage,
      `${path} is an SQLite database of another program`,
      'point RETAIL_SYNC_STATE_DIR to a folder of its own',
    );
  }
}

function migrate(db: Db, path: string): void {
  for (;;) {
    const done = db
      .transaction(() => {
        const version = Number(db.pragma('user_version', { simple: true }));
        const step = MIGRATIONS[version];
        if (step === undefined) return true; // bounded: one step fewer each round
        db.exec(step);
        db.pragma(`application_id = ${APPLICATION_ID}`);
        db.pragma(`user_version = ${version + 1}`);
        return false;
      })
      .immediate();
    if (done) break;
  }
  // A full check reads every page: above this size only `doctor` and the run after a crash take the time.
  if (existsSync(path) && statSync(path).size <= QUICK_CHECK_BYTES_MAX) checkIntegrity(db, path);
}

/** Reads every page of the database. Throws FatalError when one is damaged. */
export function checkIntegrity(db: Db, path: string): void {
  if (db.pragma('quick_check(1)', { simple: true }) !== 'ok') throw damaged(path);
}

function bind(db: Db, binding: Binding, path: string): void {
  const read = db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?');
  const write = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  db.transaction(() => {
    for (const [key, value] of Object.entries(binding)) {
      const bound = read.get(key)?.value;
      if (bound === undefined) write.run(key, value);
      else if (bound !== value) throw bindingMismatch(path, key, bound, value);
    }
  }).immediate();
}

function bindingMismatch(path: string, key: string, bound: string, asked: string): FatalError {
  const name = key === 'portalId' ? 'HubSpot portal' : 'environment';
  return new FatalError(
    EXIT.access,
    `the state database ${path} belongs to ${name} ${bound}, but the configuration says ${asked}`,
    `set ${key === 'portalId' ? 'HUBSPOT_PORTAL_ID' : 'RETAIL_SYNC_ENV'}=${bound}, or give this ${name} a folder of its own with RETAIL_SYNC_STATE_DIR`,
  );
}

const damaged = (path: string, cause?: unknown): FatalError =>
  new FatalError(
    EXIT.usage,
    `the state database ${path} is damaged`,
    'move it aside (keep it) and restore the newest backup, or start without: the next run reads everything again, without duplicates',
    { cause },
  );

/** SQLite's result codes as one sentence and the next thing to do. https://www.sqlite.org/rescode.html */
export function explain(error: unknown, path: string): unknown {
  if (error instanceof FatalError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') {
    return new FatalError(
      EXIT.internal,
      `the disk that holds ${path} is full; everything acknowledged so far is saved, nothing is lost`,
      'free some space and run the same command again: it continues where it stopped',
      { cause: error },
    );
  }
  if (
    ['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR'].some((known) =>
      code.startsWith(known),
    )
  ) {
    return new FatalError(
      EXIT.usage,
      `the state folder ${dirname(path)} cannot be written (${code})`,
      'make it writable for this user, or set RETAIL_SYNC_STATE_DIR to a folder that is',
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) return damaged(path, error);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new FatalError(
      EXIT.locked,
      `another process is using ${path}`,
      'wait for it to end: retail-sync status shows what runs',
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return new FatalError(
      EXIT.internal,
      `reading or writing ${path} failed (${code}): the disk is full or failing`,
      'check the disk, then run the same command again: it continues where it stopped',
      { cause: error },
    );
  }
  return error;
}
