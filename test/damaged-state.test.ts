/** What a person sees whose state is damaged and who only asks: the file, the way back, exit 2, whatever the command. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { adviceOn } from '../src/commands/advice.ts';
import { backup } from '../src/commands/backup.ts';
import { cursorShow } from '../src/commands/cursor.ts';
import { cutoverStatus } from '../src/commands/cutover.ts';
import { listDeadLetters } from '../src/commands/dead-letters.ts';
import type { Invocation } from '../src/commands/invocation.ts';
import { jobsHistory, jobsNext } from '../src/commands/jobs/show.ts';
import { partitionsShow } from '../src/commands/partitions.ts';
import { proof } from '../src/commands/proof.ts';
import { status } from '../src/commands/status.ts';
import { why } from '../src/commands/why.ts';
import { asError, FatalError, TooLargeError } from '../src/errors.ts';
import { closeDatabase, databasePath, explain, openDatabase } from '../src/state/database.ts';
import { temporaryFolder } from './cli-harness.ts';

const PAGE_BYTES = 4096;

function stateIn(folder: string): string {
  const db = openDatabase(folder, { environment: 'sandbox', portalId: '1234567' });
  closeDatabase(db);
  return databasePath(folder);
}

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'whose pages are overwritten': (path) => {
    const bytes = readFileSync(path);
    for (let at = PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) bytes.fill(0xa5, at, at + 200);
    writeFileSync(path, bytes);
  },
  'whose schema is overwritten': (path) => writeFileSync(path, readFileSync(path).fill(0xa5, 100, 300)),
  'that is cut off in the middle': (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  'that was emptied': (path) => truncateSync(path, 0),
};

type Ask = (invocation: Invocation) => unknown;
const COMMANDS: Readonly<Record<string, Ask>> = {
  status: (invocation) => status({}, invocation),
  why: (invocation) => why('erp:product/1', { offline: true }, invocation),
  proof: (invocation) => proof('products', {}, invocation),
  'dead-letters list': (invocation) => listDeadLetters({}, invocation),
  'cursor show': (invocation) => cursorShow(undefined, {}, invocation),
  'partitions show': (invocation) => partitionsShow('products', {}, invocation),
  'cutover status': (invocation) => cutoverStatus({}, invocation),
  'jobs next': (invocation) => jobsNext({ days: 7 }, invocation),
  'jobs history': (invocation) => jobsHistory({ days: 7 }, invocation),
  backup: (invocation) => backup({}, invocation),
};

function invocationIn(folder: string): Invocation & { said: string[] } {
  const said: string[] = [];
  const stdout = { write: (text: string) => said.push(text) };
  const erp = { ERP_STAGING_URL: 'http://127.0.0.1:1', ERP_TOKEN: 'canary-token' };
  const env = { RETAIL_SYNC_STATE_DIR: folder, RETAIL_SYNC_ENV: 'sandbox', ...erp };
  return { env, cwd: folder, stdout, stderr: stdout, stop: new AbortController().signal, trigger: 'test', said };
}

async function adviceAfter(ask: Ask, invocation: Invocation) {
  try {
    await ask(invocation);
    return null;
  } catch (thrown) {
    return await adviceOn(asError(thrown), invocation);
  }
}

describe.each(Object.entries(DAMAGES))('a state %s', (_, damage) => {
  test('ends every command that asks it with its name, the way back and exit 2', async () => {
    const folder = temporaryFolder();
    const path = stateIn(folder);
    damage(path);
    for (const [name, ask] of Object.entries(COMMANDS)) {
      const invocation = invocationIn(folder);
      const advice = await adviceAfter(ask, invocation);
      expect([name, advice?.exit, advice?.message]).toEqual([name, 2, expect.stringContaining(`database ${path} is `)]);
      expect(advice?.hint).toMatch(/backup list, then retail-sync backup restore FILE; or/);
      expect(invocation.said).toEqual([]);
    }
  });
});

/** A large state is not read at a failure: whoever meets a fault is sent to the command that does. */
const OURS = {
  exit: 1,
  hint: expect.stringMatching(/^retail-sync doctor reads all of the state.* report the message$/),
};

describe('a failure that nothing explains', () => {
  test('is put down to the state where that is damaged, and else to retail-sync itself', async () => {
    const folder = temporaryFolder();
    const path = stateIn(folder);
    const fault = new TypeError('x is undefined');
    expect(await adviceOn(fault, invocationIn(folder))).toMatchObject(OURS);
    DAMAGES['whose pages are overwritten']?.(path);
    expect(await adviceOn(fault, invocationIn(folder))).toMatchObject({
      exit: 2,
      message: expect.stringContaining(path),
    });
    expect(await adviceOn(fault, invocationIn(temporaryFolder()))).toMatchObject({ exit: 1 });
  });

  const failed = (code: string, path?: string) =>
    Object.assign(new Error(`${code}: it did not work`), { code, ...(path && { path }) });

  test('of the file system is put down to the state only where the file lies in its folder', async () => {
    const folder = temporaryFolder();
    stateIn(folder);
    const invocation = invocationIn(folder);
    for (const error of [
      failed('ENOENT', join(folder, '..', 'jobs/prices.ts')),
      failed('ENOENT', `${folder}-other/x`),
      failed('EACCES'),
    ])
      expect(await adviceOn(error, invocation)).toMatchObject({
        ...OURS,
        message: expect.stringMatching(/^a fault in retail-sync itself: Error: E\w+: it did not work\n +at /),
      });
    for (const error of [failed('ENOSPC', '/somewhere/else'), failed('ENOSPC'), failed('EDQUOT')])
      expect(await adviceOn(error, invocation)).toMatchObject({
        ...{ exit: 1, hint: 'free some space, then run the same command again' },
        message: expect.stringMatching(/^a disk, or this user's share of it, is full: E\w+: it did not work$/),
      });
    expect(await adviceOn(failed('EACCES', join(folder, 'lock')), invocation)).toMatchObject({ exit: 2 });
    expect(await adviceOn(failed('ENOSPC', databasePath(folder)), invocation)).toMatchObject({
      exit: 1,
      message: expect.stringContaining('disk that holds'),
    });
    expect(await adviceOn(failed('SQLITE_READONLY'), invocation)).toMatchObject({ exit: 2 });
  });

  test("met by whoever works on the state is the state's only where its folder, or one above it, is concerned", () => {
    const path = '/home/op/shop/state/state.db';
    const told = (code: string, at?: string) => explain(failed(code, at), path) instanceof FatalError;
    for (const at of [path, '/home/op/shop/state', '/home/op/shop', '/home/op/shop/state/backups/x'])
      expect(told('EACCES', at), at).toBe(true);
    for (const at of ['/home/op/shop/jobs/prices.ts', '/home/op/shop/state-2/x', undefined])
      expect(told('EACCES', at), at).toBe(false);
    expect([told('ENOSPC'), told('ENOSPC', '/mnt/x'), told('SQLITE_READONLY')]).toEqual([true, false, true]);
  });

  test('is put down to the state only where that is damaged, and not where it is refused', async () => {
    const fault = new TypeError('x is undefined');
    for (const [pragma, value] of [
      ['user_version', 999],
      ['application_id', 7],
    ] as const) {
      const folder = temporaryFolder();
      const db = new Database(stateIn(folder));
      db.pragma(`${pragma} = ${value}`);
      db.close();
      expect(await adviceOn(fault, invocationIn(folder))).toMatchObject(OURS);
    }
  });

  test('stays the cause of what is said of a damaged state', async () => {
    const fault = new TypeError('x is undefined');
    for (const damage of Object.values(DAMAGES)) {
      const folder = temporaryFolder();
      damage(stateIn(folder));
      expect(await adviceOn(fault, invocationIn(folder))).toMatchObject({ exit: 2, cause: fault });
    }
  });

  test('is none of ours where a source could not serve a slice', async () => {
    const advice = await adviceOn(new TooLargeError('no answer within 45000 ms'), invocationIn(temporaryFolder()));
    expect(advice).toMatchObject({ exit: 6, message: expect.stringContaining('The source does not answer') });
  });
});
