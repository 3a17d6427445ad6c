/** The log on disk: who may read it, how long it stays, what is in it, and that it never costs a run anything. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { logFilesIn } from '../src/log/file.ts';
import { follow, newest } from '../src/log/read.ts';
import { openLog } from '../src/log.ts';
import { pause, until } from './cli-harness.ts';
import { ERP_SANDBOX_TOKEN, openShop, SANDBOX_TOKEN } from './cli-shop.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const NOON = Date.parse('2026-11-21T12:00:00.000Z');
const DAY_MS = 86_400_000;

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-log-'));
  folders.push(folder);
  return folder;
}

async function openFiles(options: { keepDays?: number; keepBytes?: number; folder?: string } = {}) {
  const folder = options.folder ?? join(temporary(), 'logs');
  const said: string[] = [];
  const clock = { nowMs: NOON };
  const log = await openLog({
    level: 'silent',
    files: { folder, keepDays: options.keepDays ?? 30, keepBytes: options.keepBytes ?? 500_000_000 },
    stream: { write: (text: string) => said.push(text) },
    env: {},
    now: () => new Date(clock.nowMs),
    secrets: ['zq-canary-token'],
  });
  return { log, folder, said, clock };
}

test('the files are for this user alone, a day each, and have more than is shown', async () => {
  const { log, folder, said, clock } = await openFiles();
  const before = process.umask(0o022);
  log.debug('page read', { runId: 'r1', pipe: 'customers', partition: 'rep:R-102', batch: 3, record: 'C-1' });
  clock.nowMs += DAY_MS;
  log.trace('not kept');
  log.info('next day');
  process.umask(before);
  expect(readdirSync(folder)).toEqual(['retail-sync-2026-11-21.01.log', 'retail-sync-2026-11-22.01.log']);
  const modes = [folder, ...logFilesIn(folder).map(({ path }) => path)].map((path) => statSync(path).mode & 0o777);
  expect([modes, said]).toEqual([[0o700, 0o600, 0o600], []]);
  expect(JSON.parse(readFileSync(join(folder, 'retail-sync-2026-11-21.01.log'), 'utf8'))).toEqual({
    ...{ level: 'debug', time: '2026-11-21T12:00:00.000Z', message: 'page read' },
    ...{ runId: 'r1', pipe: 'customers', partition: 'rep:R-102', batch: 3, record: 'C-1' },
  });
});

test('files go by age and by total size, the oldest first, and a full one is continued in another', async () => {
  const folder = join(temporary(), 'logs');
  mkdirSync(folder);
  const fill = (day: string, bytes: number) =>
    writeFileSync(join(folder, `retail-sync-${day}.01.log`), Buffer.alloc(bytes, 'x'));
  fill('2026-10-01', 10);
  fill('2026-11-19', 15_000_000);
  fill('2026-11-20', 15_000_000);
  fill('2026-11-21', 20_000_000);
  writeFileSync(join(folder, 'notes.txt'), 'of a person');
  const { log } = await openFiles({ folder, keepDays: 10, keepBytes: 60_000_000 });
  log.info('one more');
  expect(readdirSync(folder).sort()).toEqual([
    'notes.txt',
    ...['retail-sync-2026-11-20.01.log', 'retail-sync-2026-11-21.01.log', 'retail-sync-2026-11-21.02.log'],
  ]);
});

test('a full disk, or a folder that may not be written, costs the lines and is said once', async () => {
  const { log, said } = await openFiles({ folder: '/dev/full/logs' });
  for (let line = 0; line < 3; line++) log.error('lost');
  expect(said).toEqual([expect.stringMatching(/^the log cannot be written into \/dev\/full\/logs \(\w+\)/)]);
});

test('planted secrets and people do not reach the files, in whatever field they come', async () => {
  const { log, folder } = await openFiles();
  const planted = ['zq-canary-token', 'zq.canary@example.com', 'pat-na1-zqcanary-0000', 'Zq Canary'];
  for (const canary of planted) {
    log.info('m', { record: canary, partition: canary, category: canary, reason: canary, stage: canary });
    Reflect.apply(log.warn, log, ['m', { email: canary, deep: { a: { b: { c: { d: { e: canary } } } } } }]);
    log.error('m', { error: Object.assign(new Error(canary), { config: { headers: { authorization: canary } } }) });
  }
  const text = logFilesIn(folder)
    .map(({ path }) => readFileSync(path, 'utf8'))
    .join('');
  expect(text.trim().split('\n')).toHaveLength(3 * planted.length);
  expect(text).not.toMatch(/zq.?canary/i);
});

test('a torn line is left out, a run is found among others, and what is written later is followed', async () => {
  const { log, folder } = await openFiles();
  log.with({ runId: 'r1' }).info('first');
  log.with({ runId: 'r2' }).warn('second');
  const [file] = logFilesIn(folder);
  writeFileSync(file?.path ?? '', '{"level":"info","time":"2026', { flag: 'a' });
  writeFileSync(file?.path ?? '', '\n', { flag: 'a' });
  const found = async (wanted: { run: string | null; level: string }, most = 10) =>
    (await newest(folder, wanted, most)).map(({ message }) => message);
  expect(await found({ run: null, level: 'debug' })).toEqual(['first', 'second']);
  expect(await found({ run: 'r1', level: 'debug' })).toEqual(['first']);
  expect(await found({ run: null, level: 'warn' })).toEqual(['second']);
  expect(await found({ run: null, level: 'debug' }, 1)).toEqual(['second']);
  const stop = new AbortController();
  const heard: string[] = [];
  const following = follow(folder, { run: null, level: 'debug' }, ({ message }) => heard.push(message), stop.signal);
  await pause(50);
  log.info('third');
  await until('the line is heard', () => heard.length > 0, 5_000);
  stop.abort();
  await following;
  expect(heard).toEqual(['third']);
});

test('a run of the real tool can be read back by its id, without a secret or a value of a record in it', async () => {
  const shop = await openShop({ items: 120, flaws: true, env: { LOG_LEVEL: 'error' } });
  const { stdout } = await shop.sync(['--json']);
  const { runId } = JSON.parse(stdout);
  const shown = await shop.run(['logs', '--run', runId, '--json']);
  const { lines, counts } = JSON.parse(shown.stdout);
  const messages = new Set(lines.map(({ message }: { message: string }) => message));
  expect([...messages]).toEqual(
    expect.arrayContaining(['run begins', 'page read', 'slice read', 'batch sent', 'run ended']),
  );
  expect(counts.lines).toBe(lines.length);
  expect(lines.every((line: { runId: string; pipe: string }) => line.runId === runId && line.pipe === 'products')).toBe(
    true,
  );
  expect(lines.find(({ message }: { message: string }) => message === 'batch sent')).toMatchObject({
    object: 'products',
    batch: 1,
  });
  const text = logFilesIn(join(shop.folder, 'state', 'logs'))
    .map(({ path }) => readFileSync(path, 'utf8'))
    .join('');
  const values = (await shop.items()).flatMap(({ itemNo: _, ...row }) => Object.values(row));
  const texts = values.filter(
    (value): value is string => typeof value === 'string' && value.length > 8 && /[A-Z].* /.test(value),
  );
  expect(texts.length).toBeGreaterThan(50);
  for (const secret of [SANDBOX_TOKEN, ERP_SANDBOX_TOKEN, ...texts]) expect(text).not.toContain(secret);
  const pretty = await shop.run(['logs', '--run', runId]);
  expect(pretty.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d debug products: run begins trigger=manual$/m);
  const none = await shop.run(['logs', '--run', 'no-such-run']);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no line of run no-such-run is kept')]);
});

test('a run goes on when its log cannot be written', async () => {
  const shop = await openShop({ items: 30 });
  mkdirSync(join(shop.folder, 'state'), { mode: 0o700 });
  writeFileSync(join(shop.folder, 'state', 'logs'), 'a file where the folder should be');
  const { code, stderr } = await shop.sync();
  expect([code, stderr.match(/the log cannot be written/g)?.length]).toEqual([0, expect.any(Number)]);
  expect(existsSync(join(shop.folder, 'state', 'state.db'))).toBe(true);
});
