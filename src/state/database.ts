/** Opens the state database: durable, private, bound to one environment and portal, never newer than the code. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { asError, EXIT, FatalError } from '../errors.ts';
import { backupBeforeMigration } from './backup.ts';
import { damaged, emptied, explain, isDamage } from './failures.ts';
import { judgeFolder, makeFolder, type ReadDisk, syncFolder } from './folder.ts';
import { MIGRATIONS } from './migrations.ts';
import { isCheckDue, noteCheck, noteClosing } from './page-check.ts';

export { explain, isAbout } from './failures.ts';

export type Db = Database.Database;

/** 'rtsy' in ASCII: marks a file as ours, so that another program's database is never taken for the state. */
export const APPLICATION_ID = 0x72747379;
/** Writers wait this long for another connection (a `status` in a second terminal) before they give up. */
const BUSY_TIMEOUT_MS = 5_000;
/** Read in a second or two; of anything larger `doctor` reads every page. */
const QUICK_CHECK_BYTES_MAX = 1024 ** 3;
/** Pages of the log before it is folded into the file, 16 MB: what is written again meanwhile is folded once. */
const FOLD_PAGES = 4_000;
/** Pages in memory: four times as many made no run quicker, and cost a fifth of its memory. */
const CACHE_KB = 4_000;

/** Found whole when they were opened: only these say at their closing that the file is still as we left it. */
const sound = new WeakSet<Db>();

/** What a database belongs to. A mismatch is refused: its ids and fingerprints would be lies elsewhere. */
export interface Binding {
  readonly environment: string;
  readonly portalId: string;
}

export interface OpenOptions {
  /** Told what a person should look at, though the run may go on: a disk that fills up, a doubtful file system. */
  readonly onWarning?: (sentence: string) => void;
  readonly readDisk?: ReadDisk;
  readonly busyTimeoutMs?: number;
  readonly steps?: readonly string[];
  readonly nowMs?: number;
  /** False: whoever does the work has looked, or will; asked beside a running sync, each opening would be due. */
  readonly checksPages?: boolean;
}

export const databasePath = (stateDir: string): string => join(stateDir, 'state.db');

/**
 * Opens or creates the state database and brings its schema up to date, after a backup. Throws FatalError for a folder,
 * disk or file that cannot be used, a newer schema, a damaged file, or another binding.
 */
export function openDatabase(stateDir: string, binding: Binding | null, options: OpenOptions = {}): Db {
  const path = databasePath(stateDir);
  const steps = options.steps ?? MIGRATIONS;
  const nowMs = options.nowMs ?? Date.now();
  const isDue = isCheckDue(path, nowMs);
  const db = connect(path, steps, options);
  try {
    // Another program's file is left as it is: not even its journal mode is changed.
    refuseForeign(db, path, steps.length);
    configure(db, path);
    const version = schemaOf(db);
    if (version > 0 && version < steps.length) backupBeforeMigration(db, stateDir, nowMs);
    migrate(db, path, steps);
    if (isDue && options.checksPages !== false && statSync(path).size <= QUICK_CHECK_BYTES_MAX) {
      checkIntegrity(db, path);
      noteCheck(path, nowMs);
      sound.add(db);
    } else if (!isDue) sound.add(db);
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
    refuseEmpty(path);
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    refuseForeign(db, path, MIGRATIONS.length);
    return db;
  } catch (error) {
    throw explain(error, path);
  }
}

/**
 * Folds the write-ahead log into the file, so that it does not grow from run to run, and closes. A reader may prevent
 * the folding: then the log stays, whole, for the next time.
 */
export function closeDatabase(db: Db): void {
  try {
    if (db.open && !db.readonly) db.pragma('wal_checkpoint(TRUNCATE)');
  } catch {
    // A full or failing disk: every commit is in the log, which the next opening reads.
  }
  db.close();
  if (sound.has(db)) noteClosing(db.name);
}

function connect(path: string, steps: readonly string[], { onWarning, readDisk, busyTimeoutMs }: OpenOptions): Db {
  try {
    makeFolder(dirname(path));
    const { refusal, warnings } = judgeFolder(dirname(path), readDisk);
    if (refusal) throw refusal;
    for (const sentence of warnings) onWarning?.(sentence);
    if (existsSync(path)) refuseEmpty(path);
    else create(path, steps);
    return new Database(path, { timeout: busyTimeoutMs ?? BUSY_TIMEOUT_MS });
  } catch (error) {
    throw explain(error, path);
  }
}

/** A file that exists but is empty was truncated: SQLite would quietly make a new, empty state of it. */
function refuseEmpty(path: string): void {
  if (statSync(path).size === 0) throw emptied(path);
}

/**
 * A new state appears whole: made under a name of its own, then renamed. A process that dies meanwhile leaves no empty
 * file under the state's name, which would look like one that was truncated.
 */
function create(path: string, steps: readonly string[]): void {
  const draft = `${path}.${process.pid}.new`;
  const leftover = ['', '-wal', '-shm', '-journal'].map((ending) => `${draft}${ending}`);
  for (const file of leftover) rmSync(file, { force: true });
  const db = new Database(draft);
  try {
    configure(db, draft);
    migrate(db, draft, steps);
  } finally {
    closeDatabase(db);
  }
  // Another process may have made one in this moment: what is there is never replaced.
  if (existsSync(path)) for (const file of leftover) rmSync(file, { force: true });
  else renameSync(draft, path);
  syncFolder(dirname(path));
}

function configure(db: Db, path: string): void {
  db.pragma('journal_mode = WAL');
  // better-sqlite3 is built to lower this to NORMAL in WAL mode, which may lose the last commits at power loss:
  // the durable intention of a write among them. https://www.sqlite.org/pragma.html#pragma_synchronous
  db.pragma('synchronous = FULL');
  // On macOS fsync does not reach the disk without it. https://www.sqlite.org/pragma.html#pragma_fullfsync
  if (process.platform === 'darwin') db.pragma('fullfsync = ON');
  db.pragma('foreign_keys = ON');
  db.pragma('trusted_schema = OFF');
  // What is deleted is overwritten: the data of somebody who left the scope must not stay in free pages.
  db.pragma('secure_delete = ON');
  db.pragma(`cache_size = -${CACHE_KB}`);
  db.pragma(`wal_autocheckpoint = ${FOLD_PAGES}`);
  assertDurable(db, path);
}

/** SQLite ignores a pragma it cannot follow: what holds is what it says when asked. Throws FatalError. */
export function assertDurable(db: Db, path: string): void {
  const wanted = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1 };
  const expected = Object.entries(process.platform === 'darwin' ? { ...wanted, fullfsync: 1 } : wanted);
  for (const [name, value] of expected) {
    const is = db.pragma(name, { simple: true });
    if (is === value) continue;
    throw new FatalError(
      EXIT.usage,
      `the state database ${path} cannot be kept safe: ${name} is ${String(is)}, not ${value}`,
      'set RETAIL_SYNC_STATE_DIR to a folder on a local disk',
    );
  }
}

export const schemaOf = (db: Db): number => Number(db.pragma('user_version', { simple: true }));

function refuseForeign(db: Db, path: string, known: number): void {
  const version = schemaOf(db);
  if (version > known) {
    throw new FatalError(
      EXIT.usage,
      `the state database ${path} has schema ${version}; this version of retail-sync knows ${known} at most`,
      'update retail-sync to the version that wrote it, or point RETAIL_SYNC_STATE_DIR to another folder',
    );
  }
  if (version > 0 && db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new FatalError(
      EXIT.usage,
      `${path} is an SQLite database of another program`,
      'point RETAIL_SYNC_STATE_DIR to a folder of its own',
    );
  }
}

/**
 * Applies the steps a database lacks, each in a transaction of its own that also counts it: one that fails, or is cut
 * off, leaves the schema before it. Throws FatalError (exit 1) for a step that does not apply.
 */
export function migrate(db: Db, path: string, steps: readonly string[]): void {
  for (;;) {
    const done = db
      .transaction(() => {
        const version = schemaOf(db); // read inside: another process may have done this step meanwhile
        const step = steps[version];
        if (step === undefined) return true; // bounded: one step fewer each round
        applyStep(db, path, step, version);
        return false;
      })
      .immediate();
    if (done) return;
  }
}

function applyStep(db: Db, path: string, step: string, version: number): void {
  try {
    db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${version + 1}`);
  } catch (thrown) {
    const known = explain(thrown, path);
    if (known instanceof FatalError) throw known;
    throw new FatalError(
      EXIT.internal,
      `the state database ${path} could not be brought from schema ${version} to ${version + 1} (${asError(thrown).message}); it is as it was`,
      'go back to the version of retail-sync that worked, and report this; retail-sync backup list shows the copy made before',
      { cause: thrown },
    );
  }
}

/** Reads every page of the database. Throws FatalError when one is damaged. */
export function checkIntegrity(db: Db, path: string): void {
  if (!isWhole(db)) throw damaged(path);
}

const isWhole = (db: Db): boolean => db.pragma('quick_check(1)', { simple: true }) === 'ok';

/**
 * After a failure that nothing explains: whether the state is damaged, with the failure as its cause. Null where it is
 * merely busy, newer or another program's, since no failure comes of that, and above the size that is quickly read.
 */
export function findDamage(stateDir: string, failure: Error): FatalError | null {
  const path = databasePath(stateDir);
  if (!existsSync(path) || statSync(path).size > QUICK_CHECK_BYTES_MAX) return null;
  if (statSync(path).size === 0) return emptied(path, failure);
  let db: Db | null = null;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    return isWhole(db) ? null : damaged(path, failure);
  } catch (thrown) {
    return isDamage(thrown) ? damaged(path, failure) : null;
  } finally {
    db?.close();
  }
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

export function bindingMismatch(path: string, key: string, bound: string, asked: string): FatalError {
  const name = key === 'portalId' ? 'HubSpot portal' : 'environment';
  return new FatalError(
    EXIT.access,
    `the state database ${path} belongs to ${name} ${bound}, but the configuration says ${asked}`,
    `set ${key === 'portalId' ? 'HUBSPOT_PORTAL_ID' : 'RETAIL_SYNC_ENV'}=${bound}, or give this ${name} a folder of its own with RETAIL_SYNC_STATE_DIR`,
  );
}
