/** The tool as a person meets it: the real entry in a process of its own. After the tests of a file all of it is gone. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, vi } from 'vitest';
import { z } from 'zod';
import { documentOf } from '../src/report/documents.ts';

const ENTRY = fileURLToPath(new URL('../bin/retail-sync.js', import.meta.url));
/** A process that hangs is a failed test, not a hanging CI. */
const PROCESS_MS_MAX = 45_000;
const POLL_MS = 3;

export type Variables = Readonly<Record<string, string>>;

/** What a process left behind. `code` is null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A process under way. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the reading end of a stream. */
  hangUp(stream: 'stdout' | 'stderr'): void;
  /** False from the moment the process is gone. */
  isAlive(): boolean;
  stderr(): string;
}

// Many processes share a small machine: what takes two seconds alone may take twenty.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const scratch = mkdtempSync(join(tmpdir(), 'retail-sync-cli-'));
const children = new Set<ChildProcess>();
const closers: (() => Promise<void>)[] = [];

const killAll = (): void => {
  for (const child of children) child.kill('SIGKILL');
};

/** Closes something after the tests of this file. */
export const closeLater = (close: () => Promise<void>): void => void closers.push(close);

process.once('exit', killAll);
afterAll(async () => {
  killAll();
  await Promise.all(closers.splice(0).map((close) => close()));
  rmSync(scratch, { recursive: true, force: true });
});

/** A folder that is gone after the tests of this file. */
export const temporaryFolder = (): string => mkdtempSync(join(scratch, 'folder-'));

/**
 * Starts the tool. Only what is given is in its environment, beside a home folder that is empty. `wrapper`: a command
 * that runs the one behind it, such as `nice`.
 */
export function start(args: readonly string[], env: Variables, cwd: string, wrapper: readonly string[] = []): Running {
  const startedMs = performance.now();
  const [command = process.execPath, ...rest] = [...wrapper, process.execPath, ENTRY, ...args];
  const child = spawn(command, rest, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Compiled code is kept between the many processes of a file: starting one takes half as long.
    env: { PATH: process.env.PATH, HOME: cwd, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  let isHungUp = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PROCESS_MS_MAX);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      const wrong = code === null || isHungUp ? null : unlikeItsSchema(args, stdout);
      if (wrong === null) resolve({ code, signal, stdout, stderr, ms: performance.now() - startedMs });
      else reject(new Error(`${args.join(' ')} printed a document that is not as published: ${wrong}\n${stdout}`));
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => child.kill(signal),
    hangUp: (stream) => {
      isHungUp = true;
      child[stream].destroy();
    },
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stderr: () => stderr,
  };
}

/** What `--json` printed is one document, as `retail-sync schema` says; nothing at all when nobody could be told. */
function unlikeItsSchema(args: readonly string[], stdout: string): string | null {
  if (!args.includes('--json') || args[0] === 'logs' || stdout === '') return null;
  try {
    const { error } = documentOf(args.filter((arg) => !arg.startsWith('-'))).safeParse(JSON.parse(stdout));
    return error ? z.prettifyError(error) : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Starts the tool and waits for its end. */
export const run = (args: readonly string[], env: Variables = {}, cwd = temporaryFolder()): Promise<Ended> =>
  start(args, env, cwd).ended;

/** Asks every few milliseconds; throws when it does not become true in time. */
export async function until(what: string, isTrue: () => boolean, withinMs = 30_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(POLL_MS);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that takes every request and answers none. */
export async function openSilence(): Promise<{ readonly url: string; readonly asked: () => boolean }> {
  let requests = 0;
  const server = createServer(() => {
    requests++;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { url: `http://127.0.0.1:${port}`, asked: () => requests > 0 };
}

/** The most memory a process has held so far, or where the system does not keep it what it holds now, in MB; 0 once it is gone. */
export function peakMemoryMb(pid: number): number {
  if (process.platform !== 'linux') {
    return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) / 1024;
  }
  try {
    return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
