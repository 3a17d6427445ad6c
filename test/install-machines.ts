/** A Mac and a Linux machine to install on: real files in a home of their own, and stand-ins of launchctl and systemctl. */
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
import { join, relative } from 'node:path';
import { parse } from 'plist';
import { afterEach } from 'vitest';
import { z } from 'zod';
import { jobsInstall, jobsUninstall } from '../src/commands/jobs/install.ts';
import { jobsStatus } from '../src/commands/jobs/status.ts';
import { FatalError } from '../src/errors.ts';
import type { Called, Machine } from '../src/install/machine.ts';
import type { Form } from '../src/install/supervisor.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Told {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Typed {
  readonly as?: Form;
  readonly print?: boolean;
  readonly json?: boolean;
  readonly for?: 'launchd' | 'systemd' | 'cron';
}

/** What is loaded, and what the programs were asked. */
abstract class TestMachine {
  readonly home: string;
  folder: string;
  readonly loaded = new Set<string>();
  readonly asked: string[] = [];
  zone = 'America/Chicago';
  uid = 501;
  env: Record<string, string> = {};
  /** Answers instead of the program, once for each entry: its verb, and what it says. */
  readonly answers: (readonly [verb: string, said: Partial<Called>])[] = [];
  abstract readonly platform: NodeJS.Platform;

  constructor(folderName = 'retail-sync') {
    const root = mkdtempSync(join(tmpdir(), 'retail-sync-install-'));
    folders.push(root);
    [this.home, this.folder] = [join(root, 'home'), join(root, folderName)];
    for (const folder of [this.home, this.folder]) mkdirSync(folder);
    const settings = ['HUBSPOT_TOKEN=pat-na1-planted-secret', 'HUBSPOT_PORTAL_ID=1234567'];
    writeFileSync(join(this.folder, '.env'), settings.join('\n'), { mode: 0o600 });
  }

  protected abstract answer(command: readonly string[]): Partial<Called>;

  call(command: readonly string[]): Called {
    this.asked.push(command.join(' '));
    const place = this.answers.findIndex(([verb]) => command.includes(verb));
    const [planned] = place < 0 ? [] : this.answers.splice(place, 1);
    return { exit: 0, stdout: '', stderr: '', ...(planned?.[1] ?? this.answer(command)) };
  }

  get machine(): Machine {
    const { platform, home, zone, env, uid } = this;
    return { platform, home, zone, env, uid, user: 'nobody-here', call: (command) => this.call(command) };
  }

  install({ as = 'service', ...flags }: Typed = {}): Promise<Told> {
    return this.#type((invocation) => jobsInstall({ as, ...flags }, invocation, this.machine));
  }

  uninstall(flags: Typed = {}): Promise<Told> {
    return this.#type((invocation) => jobsUninstall(flags, invocation, this.machine));
  }

  status(flags: Typed = {}): Promise<Told> {
    return this.#type((invocation) => jobsStatus(flags, invocation, this.machine));
  }

  async #type(command: (invocation: Parameters<typeof jobsInstall>[1]) => Promise<number>): Promise<Told> {
    const out: string[] = [];
    const stream = { write: (text: string) => out.push(text) };
    const { env, folder: cwd } = this;
    const stop = new AbortController().signal;
    try {
      const exit = await command({ env, cwd, stdout: stream, stderr: stream, stop, trigger: 'manual' });
      return { exit, stdout: out.join(''), stderr: '' };
    } catch (thrown) {
      if (!(thrown instanceof FatalError)) throw thrown;
      return { exit: thrown.exit, stdout: out.join(''), stderr: `${thrown.message}\n${thrown.hint}` };
    }
  }

  /** Every file and folder below the home folder, with the mode of files. */
  tree(): string[] {
    return readdirSync(this.home, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return `${relative(this.home, path)}${entry.isFile() ? ` ${(statSync(path).mode & 0o777).toString(8)}` : ''}`;
      })
      .sort();
  }
}

/** launchctl with the exit codes of launchctl(1): 5 for what is loaded already, 113 and 3 for what is not. */
export class Mac extends TestMachine {
  readonly platform = 'darwin';

  protected answer([program, verb = '', ...rest]: readonly string[]): Partial<Called> {
    if (program === process.execPath) return { stdout: `v${process.versions.node}\n` };
    if (program === '/usr/bin/plutil') return { exit: existsSync(rest.at(-1) ?? '') ? 0 : 1 };
    const label = rest[0]?.split('/').at(-1) ?? '';
    if (verb === 'bootstrap') return this.#bootstrap(rest[1] ?? '');
    if (verb === 'bootout')
      return this.loaded.delete(label) ? {} : { exit: 3, stderr: 'Boot-out failed: 3: No such process' };
    if (verb !== 'print') return {};
    return this.loaded.has(label) ? { stdout: '\tstate = running\n\tlast exit code = 0\n' } : { exit: 113 };
  }

  #bootstrap(path: string): Partial<Called> {
    const label =
      path
        .split('/')
        .at(-1)
        ?.replace(/\.plist$/, '') ?? '';
    if (this.loaded.has(label)) return { exit: 5, stderr: 'Bootstrap failed: 5: Input/output error' };
    this.loaded.add(label);
    return {};
  }

  /** As another library than the one that wrote them reads them. */
  agents(): Record<string, unknown>[] {
    const at = join(this.home, 'Library', 'LaunchAgents');
    return readdirSync(at).map((name) => z.record(z.string(), z.unknown()).parse(parse(readText(join(at, name)))));
  }
}

/** systemctl --user: enabling what has no file fails, as does disabling it. */
export class LinuxBox extends TestMachine {
  readonly platform = 'linux';

  get units(): string {
    return join(this.home, '.config', 'systemd', 'user');
  }

  protected answer([program, , verb = '', ...rest]: readonly string[]): Partial<Called> {
    if (program === process.execPath) return { stdout: `v${process.versions.node}\n` };
    const names = rest.filter((word) => !word.startsWith('--'));
    const absent = names.find((name) => !existsSync(join(this.units, name)));
    if (verb === 'show') return { stdout: this.#show(names[0] ?? '') };
    if (absent !== undefined && verb !== 'reset-failed')
      return { exit: 1, stderr: `Unit file ${absent} does not exist.` };
    for (const name of names) {
      if (verb === 'restart') this.loaded.add(name);
      if (verb === 'disable') this.loaded.delete(name);
    }
    return {};
  }

  #show(name: string): string {
    const isThere = existsSync(join(this.units, name));
    const active = this.loaded.has(name) ? 'active' : 'inactive';
    return `LoadState=${isThere ? 'loaded' : 'not-found'}\nActiveState=${active}\nExecMainStatus=0\nExecMainStartTimestampMonotonic=1\n`;
  }
}

const readText = (path: string): string => readFileSync(path, 'utf8');
