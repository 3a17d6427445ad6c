/** The commands about the state as they are typed, in this process; vendors are those of the shop. */
import Database from 'better-sqlite3';
import { Command } from 'commander';
import { registerStateCommands } from '../src/commands/state-commands.ts';
import { sync } from '../src/commands/sync.ts';
import { FatalError } from '../src/errors.ts';
import type { Shop } from './cli-shop.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  /** Log lines, and what a refused command said. */
  readonly stderr: string;
}

/** Types a command; a FatalError is printed and ends it with its code, as the entry does. */
export async function type(shop: Shop, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const invocation = {
    env: { ...shop.env, ...env },
    cwd: shop.folder,
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    stop: new AbortController().signal,
    trigger: 'manual',
  };
  let code = 0;
  const run = async (work: () => Promise<number>): Promise<void> => {
    try {
      code = await work();
    } catch (thrown) {
      if (!(thrown instanceof FatalError)) throw thrown;
      err.push(`${thrown.message}\n  fix: ${thrown.hint}\n`);
      code = thrown.exit;
    }
  };
  const program = new Command('retail-sync').exitOverride();
  program
    .command('sync')
    .argument('<pipe>')
    .option('--full')
    .option('--dry-run')
    .action((pipe, flags) => run(() => sync(pipe, flags, invocation)));
  registerStateCommands(program, run, invocation);
  await program.parseAsync([...args], { from: 'user' });
  return { code, stdout: out.join(''), stderr: err.join('') };
}

/** Asks the shop's state. */
export function rows(shop: Shop, sql: string): readonly unknown[] {
  const db = new Database(shop.database, { readonly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

/** Changes the shop's state behind the tool's back, such as to make something older than it is. */
export function alter(shop: Shop, sql: string): void {
  const db = new Database(shop.database);
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** The longest line of a text. */
export const widest = (text: string): number => Math.max(...text.split('\n').map((line) => [...line].length));
