/** `audit` on the command line; what it needs is loaded when it is called. */
import type { Command } from 'commander';
import type { Invocation } from './invocation.ts';

export function registerAudit(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  program
    .command('audit')
    .description('what the HubSpot portal holds, before anything is connected; reads only')
    .option('--json', 'one JSON document instead of text')
    .option('--html <file>', 'also write a page that needs nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  retail-sync audit\n  retail-sync audit --html audit.html\n\nExit codes: 0 all was read, 2 configuration, 5 token, scope or portal (the rest is\nshown), 7 HubSpot unavailable.',
    )
    .action((flags) => run(async () => (await import('./audit.ts')).audit(flags, invocation)));
}
