/** The entry, with a stub for the command line behind it, under the Node that runs the tests and under an old one. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';

const STUB = `
import { writeSync } from 'node:fs';
const [command, argument]: string[] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, line + '\\n');
if (command === 'exit') process.exit(Number(argument));
else if (command === 'load') import(argument ?? '').catch((error: Error) => say(error.message));
else if (command === 'abort') process.kill(process.pid, 'SIGKILL');
else if (command === 'wait') {
  setInterval(() => {}, 1000);
  let signals = 0;
  const settle = (signal: string): void => {
    say(signal + ' ' + ++signals);
    setTimeout(() => process.exit(signal === 'SIGINT' ? 130 : 143), 400);
  };
  if (argument === 'handling') for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, settle);
  say(String(process.pid));
} else say(JSON.stringify({ args: process.argv.slice(2), marked: 'RETAIL_SYNC_RERUN' in process.env }));
`;

/** Makes the entry believe that this is an old Node on Linux: version and platform are all that it asks. */
const PRETEND = `
Object.defineProperty(process, 'platform', { value: 'linux' });
const value = process.env.RETAIL_SYNC_RERUN ? '24.21.0' : '20.20.2';
Object.defineProperty(process.versions, 'node', { value });
`;

const root = mkdtempSync(join(tmpdir(), 'retail-sync-bin-'));
const entry = join(root, 'bin/retail-sync.js');
const old = join(root, 'old.cjs');
const locked = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
const started: ChildProcess[] = [];

beforeAll(() => {
  for (const folder of ['bin', 'src', 'jobs', 'elsewhere', 'node_modules/.bin', join(locked, '..')]) {
    mkdirSync(resolve(root, folder), { recursive: true });
  }
  copyFileSync('bin/retail-sync.js', entry);
  chmodSync(entry, 0o755);
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'src/cli.ts'), STUB);
  writeFileSync(join(root, 'jobs/prices.ts'), "import '../src/mision.ts';");
  writeFileSync(old, PRETEND);
  symlinkSync(process.execPath, locked);
  symlinkSync('../../bin/retail-sync.js', join(root, 'node_modules/.bin/retail-sync'));
});

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Node's arguments up to the entry: as it is, or pretending to be too old. */
const NEW = [entry];
const OLD = ['--require', old, entry];

const run = (args: readonly string[], cwd = root) => spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });

/** Starts `wait` and resolves with the process and the id of the one that runs the command line. */
async function waiting(args: readonly string[]): Promise<{ child: ChildProcess; pid: number; said: () => string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  let said = '';
  const pid = await new Promise<number>((done) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      if (said.includes('\n')) done(Number.parseInt(said, 10));
    });
  });
  return { child, pid, said: () => said };
}

const ended = (child: ChildProcess): Promise<number | string | null> =>
  new Promise((done) => child.once('close', (code, signal) => done(code ?? signal)));

/** A process that is neither gone nor waiting to be collected by its parent. */
function alive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return state !== '' && !state.startsWith('Z');
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 60 && alive(pid); tries += 1) await new Promise((done) => setTimeout(done, 50));
  return !alive(pid);
}

describe.each([
  ['a Node that runs TypeScript', NEW],
  ['an old Node', OLD],
])('under %s the entry', (_, start) => {
  test('passes the arguments on and leaves no mark in the environment', () => {
    const { stdout, status } = run([...start, 'sync', 'all', '--since', 'a b']);
    expect(JSON.parse(stdout)).toEqual({ args: ['sync', 'all', '--since', 'a b'], marked: false });
    expect(status).toBe(0);
  });

  test('prints no warning of its own', () => {
    expect(run([...start, 'status']).stderr).toBe('');
  });

  test.each([0, 3, 75])('ends with the exit code %i of the command', (code) => {
    expect(run([...start, 'exit', String(code)]).status).toBe(code);
  });

  test('ends by the signal that ended the command', () => {
    expect(run([...start, 'abort']).signal).toBe('SIGKILL');
  });

  test('works from another folder and through the link in node_modules/.bin', () => {
    const link = join(root, 'node_modules/.bin/retail-sync');
    const { stdout } = run([...start.slice(0, -1), link, 'status'], join(root, 'elsewhere'));
    expect(JSON.parse(stdout).args).toEqual(['status']);
  });

  test('says of a misspelt import what is missing and which file asks for it', () => {
    const { stdout } = run([...start, 'load', '../jobs/prices.ts']);
    expect(stdout).toContain(`'${join(root, 'src/mision.ts')}' imported from ${join(root, 'jobs/prices.ts')}`);
  });

  test('lets the command settle after a signal, which it hears once', async () => {
    const { child, said } = await waiting([...start, 'wait', 'handling']);
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(143);
    expect(said().trim().split('\n').slice(1)).toEqual(['SIGTERM 1']);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'dies of %s when the command does not handle it',
    async (signal) => {
      const { child, pid } = await waiting([...start, 'wait']);
      child.kill(signal);
      expect([signal, 130, 143, 129]).toContain(await ended(child));
      expect(await gone(pid)).toBe(true);
    },
  );
});

describe('under an old Node the entry', () => {
  test('hears Ctrl-C once, though the terminal sends it to parent and child', async () => {
    const { child, pid, said } = await waiting([...OLD, 'wait', 'handling']);
    process.kill(pid, 'SIGINT');
    child.kill('SIGINT');
    expect(await ended(child)).toBe(130);
    expect(said().trim().split('\n').slice(1)).toEqual(['SIGINT 1']);
  });

  test('takes the command with it when it is killed with -9', async () => {
    const { child, pid } = await waiting([...OLD, 'wait', 'handling']);
    expect(pid).not.toBe(child.pid);
    child.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });

  test('says what to install when no runtime was installed with it', () => {
    const bare = mkdtempSync(join(tmpdir(), 'retail-sync-bare-'));
    mkdirSync(join(bare, 'bin'));
    copyFileSync(entry, join(bare, 'bin/retail-sync.js'));
    writeFileSync(join(bare, 'package.json'), '{"type":"module"}');
    const { status, stderr } = run(['--require', old, join(bare, 'bin/retail-sync.js'), 'status']);
    expect(stderr).toMatch(/^retail-sync needs Node 22\.18 or newer; this is 20\.20\.2\. .*npm ci.*\n$/);
    expect(status).toBe(2);
  });
});

describe('the entry', () => {
  test('is executable and found by its shebang', async () => {
    const child = spawn(entry, ['status'], { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    expect(JSON.parse(await text(child.stdout)).args).toEqual(['status']);
  });

  test('quiets the warning about type stripping and no other', () => {
    const warn = join(root, 'warn.cjs');
    writeFileSync(
      warn,
      `setTimeout(() => { process.emitWarning('Type Stripping is an experimental feature', 'ExperimentalWarning'); process.emitWarning('mind the gap', 'DeprecationWarning'); }, 50);`,
    );
    const { stderr } = run(['--require', warn, entry, 'status']);
    expect(stderr).toContain('mind the gap');
    expect(stderr).not.toContain('Type Stripping');
  });

  test('has its locked runtime where `npm ci` puts it on Linux', () => {
    const here = resolve(`node_modules/node-linux-${process.arch}/bin/node`);
    expect(process.platform !== 'linux' || existsSync(here)).toBe(true);
  });
});
