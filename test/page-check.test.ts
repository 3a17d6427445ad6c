/** When every page of the state is read at an opening, and when a look at the file is enough. */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { closeDatabase, databasePath, explain, findDamage, openDatabase } from '../src/state/database.ts';
import { temporaryFolder } from './cli-harness.ts';

const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const HOUR_MS = 3_600_000;
const open = (folder: string, nowMs = NOW_MS) =>
  openDatabase(folder, { environment: 'sandbox', portalId: '1' }, { nowMs });

/** A state that was opened, checked and closed in order. */
function closedState(): { folder: string; path: string } {
  const folder = temporaryFolder();
  const db = open(folder);
  const insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  for (let row = 0; row < 400; row++) insert.run(`key ${row}`, 'x'.repeat(400));
  closeDatabase(db);
  return { folder, path: databasePath(folder) };
}

/** Overwrites a page in the middle. With `unseen`, as a failing disk does it: the file looks as it was left. */
function tear(path: string, { unseen }: { unseen: boolean }): void {
  const handle = openSync(path, 'r+');
  writeSync(handle, Buffer.alloc(200, 0xa5), 0, 200, Math.floor(statSync(path).size / 8192) * 4096);
  closeSync(handle);
  if (!unseen) return;
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const note = JSON.parse(readFileSync(`${path}.checked`, 'utf8'));
  writeFileSync(`${path}.checked`, JSON.stringify({ ...note, looks: [dev, ino, size, mtimeNs, ctimeNs].join(' ') }));
}

describe('Every page of the state', () => {
  test('is read when somebody else touched the file since it was closed', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: false });
    expect(() => open(folder)).toThrow(/damaged/);
    expect(() => open(folder)).toThrow(/damaged/);
  });

  test('is read again when a day has passed, even where nothing shows a change', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: true });
    expect(() => open(folder, NOW_MS + 21 * HOUR_MS)).toThrow(/damaged/);
  });

  test('is read when the clock was set back behind the last check', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: true });
    expect(() => open(folder, NOW_MS - HOUR_MS)).toThrow(/damaged/);
  });

  test('is read when the last process did not close it', () => {
    const { folder, path } = closedState();
    const killed = new Database(path);
    killed.pragma('wal_autocheckpoint = 0');
    killed.exec("INSERT INTO meta VALUES ('unfolded', '1')");
    tear(path, { unseen: true });
    expect(() => open(folder)).toThrow(/damaged/);
    killed.close();
  });

  test('is read when the note of the last check is lost', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: true });
    rmSync(`${path}.checked`);
    expect(() => open(folder)).toThrow(/damaged/);
  });

  test('is not read by the next command of a morning', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: true });
    for (const hours of [0.5, 1, 19]) closeDatabase(open(folder, NOW_MS + hours * HOUR_MS));
  });

  test('is read after a command met damage, however lately it was checked', () => {
    const { folder, path } = closedState();
    const db = open(folder);
    expect(explain(Object.assign(new Error('malformed'), { code: 'SQLITE_CORRUPT' }), path)).toMatchObject({
      message: expect.stringContaining('damaged'),
    });
    closeDatabase(db);
    expect(existsSync(`${path}.checked`)).toBe(false);
  });

  test('is read after a look at it found damage, which the last closing had taken for whole', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: true });
    expect(findDamage(folder, new Error('what nothing explains'))?.message).toContain('damaged');
    expect(() => open(folder)).toThrow(/damaged/);
  });

  test('is read when the file was replaced by a copy with the same size and time', () => {
    const { folder, path } = closedState();
    const { atime, mtime } = statSync(path);
    utimesSync(path, atime, mtime); // without nanoseconds, as copies are
    closeDatabase(open(folder));
    tear(path, { unseen: false });
    utimesSync(path, atime, mtime);
    expect(() => open(folder)).toThrow(/damaged/);
  });

  test('is left unread by those who only note something beside a run, and they vouch for nothing', () => {
    const { folder, path } = closedState();
    tear(path, { unseen: false });
    closeDatabase(openDatabase(folder, null, { nowMs: NOW_MS, checksPages: false }));
    expect(() => open(folder)).toThrow(/damaged/);
  });

  test('is noted in a file for this user alone', () => {
    const { path } = closedState();
    expect(statSync(`${path}.checked`).mode & 0o777).toBe(0o600);
  });
});
