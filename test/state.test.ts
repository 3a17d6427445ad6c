/** The state database: opened durable or not at all, copied before it changes, and a way back. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backup, backupList, backupRestore } from '../src/commands/backup.ts';
import { backupFolder, backupIfDue, backupNow, listBackups } from '../src/state/backup.ts';
import { assertDurable, closeDatabase, databasePath, migrate, openDatabase, schemaOf } from '../src/state/database.ts';
import { judgeFolder } from '../src/state/folder.ts';
import { checkGeneration, generationPath, startGeneration } from '../src/state/generation.ts';
import { lockFolder, lockPortal } from '../src/state/lock.ts';
import { MIGRATIONS } from '../src/state/migrations.ts';

const BINDING = { environment: 'sandbox', portalId: '1234567' };
const NOW_MS = Date.parse('2026-11-20T12:00:00.000Z');
const DAY_MS = 86_400_000;

let root = '';
let folder = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'retail-sync-state-'));
  folder = join(root, 'var');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (db: Database.Database, key: string, value: string): void => {
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(
    key,
    value,
  );
};
const get = (db: Database.Database, key: string): string | undefined =>
  db.prepare<[string], { value: string }>('SELECT value FROM meta WHERE key = ?').get(key)?.value;

const disk =
  (freeBytes: number, type = 0xef53) =>
  () => ({ type, bsize: 1, bavail: freeBytes, blocks: 1e9 });

describe('opening', () => {
  test('makes the folder for this user alone and sets what durability needs', () => {
    const db = openDatabase(folder, BINDING);
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('foreign_keys', { simple: true })).toBe(1);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    closeDatabase(db);
  });

  test.each(['synchronous = NORMAL', 'foreign_keys = OFF', 'journal_mode = DELETE'])(
    'refuses a connection on which %s holds',
    (pragma) => {
      const db = openDatabase(folder, null);
      db.pragma(pragma);
      expect(() => assertDurable(db, 'state.db')).toThrow(new RegExp(pragma.split(' ')[0] ?? ''));
      db.close();
    },
  );

  test('ends with the log folded into the file', () => {
    const db = openDatabase(folder, BINDING);
    put(db, 'a', '1');
    const reader = new Database(databasePath(folder), { readonly: true });
    reader.prepare('SELECT 1 FROM meta').get();
    closeDatabase(db);
    expect(statSync(`${databasePath(folder)}-wal`).size).toBe(0);
    expect(get(reader, 'a')).toBe('1');
    reader.close();
  });

  test('waits for a second process and then names it', () => {
    const first = openDatabase(folder, BINDING);
    first.exec('BEGIN IMMEDIATE');
    expect(() => openDatabase(folder, { ...BINDING }, { busyTimeoutMs: 50 })).toThrow(/another process is using/);
    first.exec('ROLLBACK');
    first.close();
    openDatabase(folder, BINDING).close();
  });

  test('refuses a disk that is full before it touches it, and warns of one that fills up', () => {
    const warnings: string[] = [];
    const onWarning = (sentence: string): void => void warnings.push(sentence);
    expect(() => openDatabase(folder, null, { readDisk: disk(19_000_000) })).toThrow(/full: 19 MB are free/);
    expect(existsSync(databasePath(folder))).toBe(false);
    openDatabase(folder, null, { readDisk: disk(150_000_000), onWarning }).close();
    expect(warnings).toEqual([expect.stringMatching(/only 150 MB/)]);
    openDatabase(folder, null, { readDisk: disk(250_000_000), onWarning }).close();
    expect(warnings).toHaveLength(1);
  });

  test.runIf(process.platform === 'linux').each([
    ['NFS', 0x6969],
    ['SMB2', 0xfe534d42],
  ])('refuses a folder on %s', (name, type) => {
    expect(() => openDatabase(folder, null, { readDisk: disk(1e9, type) })).toThrow(new RegExp(`network.*${name}`));
  });

  test.each([
    'Dropbox',
    'Dropbox (Shop)',
    'OneDrive - Shop',
    'Library/Mobile Documents/x',
    'Library/CloudStorage/GoogleDrive-a',
  ])('refuses a folder in %s, also behind a link', (name) => {
    mkdirSync(join(root, name, 'state'), { recursive: true });
    symlinkSync(join(root, name, 'state'), folder);
    expect(() => openDatabase(folder, null)).toThrow(/copies files while they change/);
  });

  test('takes a folder whose name only resembles one', () => {
    mkdirSync(join(root, 'Dropbox-archive'));
    expect(judgeFolder(join(root, 'Dropbox-archive'), disk(1e9)).refusal).toBeNull();
  });

  test('says in one sentence that a folder cannot be made', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => openDatabase(join(root, 'file', 'state'), null)).toThrow(/cannot be written/);
    if (process.platform === 'linux') expect(() => openDatabase('/proc/none/state', null)).toThrow(/cannot be written/);
  });
});

describe('a migration', () => {
  const NEXT = 'CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;';
  const BROKEN = 'CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT; INSERT INTO half VALUES (1); SELECT nothing();';

  test('of an existing database copies it first', () => {
    openDatabase(folder, BINDING).close();
    openDatabase(folder, BINDING, { steps: [...MIGRATIONS, NEXT] }).close();
    const [copy, ...rest] = listBackups(folder);
    expect(rest).toEqual([]);
    expect(copy?.path).toContain(`state-${MIGRATIONS.length}-`);
    const db = new Database(copy?.path ?? '', { readonly: true });
    expect(schemaOf(db)).toBe(MIGRATIONS.length);
    db.close();
  });

  test('of a new database, or none, copies nothing', () => {
    openDatabase(folder, BINDING).close();
    openDatabase(folder, BINDING).close();
    expect(existsSync(backupFolder(folder))).toBe(false);
  });

  test('that fails half-way leaves the schema and the data before it', () => {
    openDatabase(folder, BINDING).close();
    const steps = [...MIGRATIONS, NEXT, BROKEN, 'CREATE TABLE last (id INTEGER) STRICT;'];
    expect(() => openDatabase(folder, BINDING, { steps })).toThrow(
      /could not be brought from schema \d+ to \d+.*as it was/,
    );
    const db = new Database(databasePath(folder));
    expect(schemaOf(db)).toBe(MIGRATIONS.length + 1);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('half', 'last')").all()).toEqual([]);
    expect(get(db, 'portalId')).toBe('1234567');
    db.close();
    openDatabase(folder, BINDING, { steps: steps.with(-2, NEXT.replace('later', 'mended')) }).close();
  });

  test('may be cut off after each of its statements and done again', () => {
    const statements = ['CREATE TABLE a (x TEXT) STRICT;', "INSERT INTO a VALUES ('1');", 'CREATE INDEX a_x ON a (x);'];
    for (let cut = 1; cut <= statements.length; cut++) {
      const db = new Database(':memory:');
      const torn = `${statements.slice(0, cut).join('')} SELECT nothing();`;
      expect(() => migrate(db, 'state.db', [torn])).toThrow(/as it was/);
      expect(schemaOf(db)).toBe(0);
      migrate(db, 'state.db', [statements.join('')]);
      expect(db.prepare('SELECT count(*) AS n FROM a').get()).toEqual({ n: 1 });
      db.close();
    }
  });
});

describe('a backup', () => {
  test('is made once a day, and seven are kept', () => {
    const db = openDatabase(folder, BINDING);
    const now = Date.now();
    const first = backupIfDue(db, folder, now);
    expect(first).toMatch(/daily-\d{8}T\d{9}Z\.db$/);
    expect(backupIfDue(db, folder, now + DAY_MS / 2)).toBeNull();
    expect(statSync(first ?? '').mode & 0o777).toBe(0o600);
    expect(statSync(backupFolder(folder)).mode & 0o777).toBe(0o700);
    for (let day = 1; day <= 9; day++) expect(backupIfDue(db, folder, now + day * DAY_MS + 5_000)).not.toBeNull();
    expect(listBackups(folder)).toHaveLength(7);
    expect(existsSync(first ?? '')).toBe(false);
    db.close();
  });

  test('holds what is committed, also while another process writes', () => {
    const db = openDatabase(folder, BINDING);
    put(db, 'a', 'committed');
    const writer = new Database(databasePath(folder));
    writer.exec("BEGIN IMMEDIATE; UPDATE meta SET value = 'under way' WHERE key = 'a'");
    const copy = new Database(backupNow(db, folder, null, NOW_MS), { readonly: true });
    expect(get(copy, 'a')).toBe('committed');
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
    for (const open of [copy, writer, db]) open.close();
  });

  test('overwrites nothing and leaves no unfinished file', () => {
    const db = openDatabase(folder, BINDING);
    const file = join(root, 'copy.db');
    backupNow(db, folder, file, NOW_MS);
    expect(() => backupNow(db, folder, file, NOW_MS)).toThrow(/exists and is not overwritten/);
    writeFileSync(join(root, 'blocked'), '');
    expect(() => backupNow(db, folder, join(root, 'blocked', 'x.db'), NOW_MS)).toThrow(/cannot be written/);
    expect(readdirSync(root).filter((name) => name.includes('unfinished'))).toEqual([]);
    db.close();
  });
});

describe('backup restore', () => {
  const invocation = () => ({
    env: { RETAIL_SYNC_STATE_DIR: folder, XDG_STATE_HOME: join(root, 'locks'), HOME: root },
    cwd: root,
    stdout: {
      write: (text: string) => {
        said += text;
      },
    },
    stderr: { write: () => undefined },
    stop: new AbortController().signal,
    trigger: 'test',
  });
  let said = '';
  beforeEach(() => {
    said = '';
  });

  /** A state, a copy of it, and a change after the copy. */
  function stateAndCopy(): string {
    const db = openDatabase(folder, BINDING);
    startGeneration(db, folder, NOW_MS);
    put(db, 'a', 'then');
    backup({ to: 'copy.db' }, invocation());
    put(db, 'a', 'now');
    put(db, 'instance:products', 'production');
    closeDatabase(db);
    return join(root, 'copy.db');
  }

  test('goes back, keeps what was there, keeps a pipe on production, and is noticed by the next start', async () => {
    expect(await backupRestore(stateAndCopy(), {}, invocation(), NOW_MS)).toBe(0);
    expect(said).toMatch(/everything once more, without duplicates/);
    const aside = new Database(join(folder, 'state-before-restore-20261120T120000000Z.db'));
    expect(get(aside, 'a')).toBe('now');
    aside.close();
    const db = openDatabase(folder, BINDING);
    expect(get(db, 'a')).toBe('then');
    expect(get(db, 'instance:products')).toBe('production');
    expect(checkGeneration(db, folder).restored).toBe(true);
    rmSync(generationPath(folder)); // on a new machine there is none
    expect(startGeneration(db, folder, NOW_MS).restored).toBe(true);
    expect(startGeneration(db, folder, NOW_MS).restored).toBe(false);
    db.close();
    expect(statSync(databasePath(folder)).mode & 0o777).toBe(0o600);
  });

  test('heals a damaged state, which goes aside with its log', async () => {
    const file = stateAndCopy();
    writeFileSync(databasePath(folder), 'this was never a database. '.repeat(400));
    expect(() => openDatabase(folder, BINDING)).toThrow(/damaged/);
    expect(await backupRestore(file, {}, invocation(), NOW_MS)).toBe(0);
    const db = openDatabase(folder, BINDING);
    expect(get(db, 'a')).toBe('then');
    db.close();
  });

  test('refuses what is no whole copy, and changes nothing', async () => {
    const file = stateAndCopy();
    const torn = join(root, 'torn.db');
    const bytes = Buffer.from(readFileSync(file));
    bytes.fill(0xa5, 8_192, 16_384);
    writeFileSync(torn, bytes);
    writeFileSync(join(root, 'text'), 'hello');
    new Database(join(root, 'other.db')).exec('CREATE TABLE recipes (x)').close();
    for (const bad of [torn, join(root, 'text'), join(root, 'other.db'), join(root, 'nowhere')]) {
      await expect(backupRestore(bad, {}, invocation())).rejects.toMatchObject({ exit: 2 });
    }
    const db = openDatabase(folder, BINDING);
    expect(get(db, 'a')).toBe('now');
    db.close();
  });

  test('refuses a copy of another portal, and waits for no run', async () => {
    const file = stateAndCopy();
    const locks = lockFolder(invocation().env);
    const lock = await lockPortal(locks, BINDING.portalId, 0, async () => undefined);
    await expect(backupRestore(file, {}, invocation())).rejects.toMatchObject({ exit: 75 });
    lock.release();
    const env = { ...invocation().env, HUBSPOT_TOKEN: 'token', HUBSPOT_PORTAL_ID: '42' };
    await expect(backupRestore(file, {}, { ...invocation(), env })).rejects.toMatchObject({ exit: 5 });
    backupList({ json: true }, invocation());
    expect(JSON.parse(said.slice(said.indexOf('{')))).toMatchObject({ status: 'ok' });
  });
});
