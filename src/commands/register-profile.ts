/** The `profile` commands of the command line: describe an ERP and see what comes of it. */
import type { Command } from 'commander';
import { countOf } from './arguments.ts';
import type { Invocation } from './invocation.ts';

/** `run` runs a command and exits with its code. */
export function registerProfile(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  const profile = program.command('profile').description("the description of an ERP's API: write one and check it");
  profile
    .command('list')
    .description('the profiles that are shipped')
    .option('--json', 'one JSON document instead of text')
    .action((flags) => run(async () => (await import('./profile.ts')).profileList(flags, invocation)));
  profile
    .command('schema')
    .description('the JSON Schema of profiles, for editors')
    .action(() => run(async () => (await import('./profile.ts')).profileSchema(invocation)));
  profile
    .command('check')
    .description('every fault of a profile with its line; asks no ERP')
    .argument('<file>', 'a YAML file, or the name of a shipped profile')
    .option('--json', 'one JSON document instead of text')
    .action((file, flags) => run(async () => (await import('./profile.ts')).profileCheck(file, flags, invocation)));
  profile
    .command('try')
    .description('a few records live: as sent, as read, as HubSpot would get them; nothing is written')
    .argument('<file>', 'a YAML file, or the name of a shipped profile')
    .argument('<resource>', 'products, customers or quotes')
    .option('--limit <n>', 'records to show, at most 50', countOf(1, 50), 5)
    .option('--values', "show people's data as it is, and not its shape")
    .option('--json', 'one JSON document instead of text')
    .action((file, resource, flags) =>
      run(async () => (await import('./profile-try.ts')).profileTry(file, resource, flags, invocation)),
    );
}
