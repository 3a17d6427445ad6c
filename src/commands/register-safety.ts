/** `doctor` and `backup` on the command line; what they need is loaded when they are called. */
import type { Command } from 'commander';
import type { Invocation } from './invocation.ts';

/** Runs a command and sees to its exit code. */
type Run = (work: () => Promise<number>) => Promise<void>;

const JSON_FLAG = ['--json', 'one JSON document instead of text'] as const;

export function registerSafetyCommands(program: Command, run: Run, invocation: Invocation): void {
  program
    .command('doctor')
    .description('every precondition, its result and its fix; reads only')
    .option(...JSON_FLAG)
    .option('--output <file>', 'also write the JSON document to a file that you can pass on')
    .addHelpText(
      'after',
      '\nExit codes: 0 fine or warnings only, 2 configuration, state or portal set-up,\n5 token, scope or portal, 6 source unavailable, 7 HubSpot unavailable.',
    )
    .action((flags) => run(async () => (await import('./doctor.ts')).doctor(flags, invocation)));

  const backup = program
    .command('backup')
    .description('a copy of the state database, also while a sync runs')
    .option('--to <file>', 'where to; unless given, into the state folder')
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await import('./backup.ts')).backup(flags, invocation)));
  backup
    .command('list')
    .description('the copies in the state folder, the newest first')
    .action((_, command: Command) =>
      run(async () => (await import('./backup.ts')).backupList(command.optsWithGlobals(), invocation)),
    );
  backup
    .command('restore')
    .description('put a copy in the place of the state, which moves aside')
    .argument('<file>', 'a file that backup made')
    .action((file: string, _, command: Command) =>
      run(async () => (await import('./backup.ts')).backupRestore(file, command.optsWithGlobals(), invocation)),
    );
}
