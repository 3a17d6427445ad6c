/** `logs` on the command line. */
import { type Command, Option } from 'commander';
import { countOf } from './arguments.ts';
import type { Invocation } from './invocation.ts';

export function registerLogs(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  program
    .command('logs')
    .description('what was written down: page by page, batch by batch, of one run or the latest lines of all')
    .option('--run <id>', 'only this run')
    .addOption(
      new Option('--level <level>', 'this level and those above')
        .choices(['trace', 'debug', 'info', 'warn', 'error'])
        .default('debug'),
    )
    .option('--lines <n>', 'the newest so many; 100 unless given, of a run up to 10,000', countOf(1, 100_000))
    .option('--follow', 'go on with what is written from now on, until Ctrl-C')
    .option('--json', 'one JSON document; with --follow a JSON line each')
    .action((flags) => run(async () => (await import('./logs.ts')).logs(flags, invocation)));
}
