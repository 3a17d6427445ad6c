/** A Tryton server on loopback over a database of its own in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { MODULES } from './packages.ts';

const DATABASE = 'retail';
/** Debian's modules belong to Debian's Python, not to one that comes first in PATH. */
const PYTHON = '/usr/bin/python3';
const SETUP_MS_MAX = 120_000;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;

export class TrytonServer {
  readonly #folder: string;
  readonly #conf: string;
  readonly port: number;
  readonly adminPassword: string;
  #child: ChildProcess | null = null;

  constructor(folder: string, port: number, adminPassword: string) {
    this.#folder = folder;
    this.#conf = join(folder, 'trytond.conf');
    this.port = port;
    this.adminPassword = adminPassword;
  }

  /** The address that the tool is given; the database is a variable of its own. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get database(): string {
    return DATABASE;
  }

  get file(): string {
    return join(this.#folder, 'db', `${DATABASE}.sqlite`);
  }

  /** Creates the database with its modules, by Tryton's own tool. */
  async create(): Promise<void> {
    mkdirSync(join(this.#folder, 'db'), { recursive: true });
    const conf = [
      ...['[web]', `listen = 127.0.0.1:${this.port}`, `root = ${this.#folder}`],
      ...['[database]', 'uri = sqlite://', `path = ${join(this.#folder, 'db')}`, 'list = True', 'language = en'],
      ...['[session]', 'timeout = 300', '[queue]', 'worker = False'],
    ];
    writeFileSync(this.#conf, `${conf.join('\n')}\n`);
    const empty = new Database(this.file);
    empty.pragma('journal_mode = WAL'); // a long read must not block every writer
    empty.close();
    const passwordFile = join(this.#folder, 'admin-password');
    writeFileSync(passwordFile, this.adminPassword, { mode: 0o600 });
    const args = ['/usr/bin/trytond-admin', '-c', this.#conf, '-d', DATABASE, '--email', 'admin@example.com'];
    const child = spawn(PYTHON, [...args, '-u', ...MODULES, '--activate-dependencies'], {
      env: { ...process.env, TRYTONPASSFILE: passwordFile },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: SETUP_MS_MAX,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-2_000);
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`trytond-admin failed:\n${stderr}`);
  }

  async start(): Promise<void> {
    const log = createWriteStream(join(this.#folder, 'trytond.log'), { flags: 'a' });
    const child = spawn(PYTHON, ['/usr/bin/trytond', '-c', this.#conf, '-d', DATABASE], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.#child = child;
    const untilMs = Date.now() + START_MS_MAX;
    while (!(await this.#answers())) {
      if (child.exitCode !== null)
        throw new Error(`trytond ended with ${child.exitCode}; see ${this.#folder}/trytond.log`);
      if (Date.now() > untilMs) throw new Error('trytond does not answer');
      await pause(100);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await Promise.race([ended, pause(STOP_MS_MAX)]);
  }

  async #answers(): Promise<boolean> {
    try {
      const body = JSON.stringify({ id: 0, method: 'common.db.list', params: [] });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${this.url}/`, { method: 'POST', headers, body })).ok;
    } catch {
      return false; // not listening yet
    }
  }
}

/** A free port of loopback, as the system gives it. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
