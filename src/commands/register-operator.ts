/** `why`, `plan`, `apply` and `undo` on the command line; what they need is loaded when they are called. */
import type { Command } from 'commander';
import type { Invocation } from './invocation.ts';

/** Runs a command and sees to its exit code. */
type Run = (work: () => Promise<number>) => Promise<void>;

const JSON_FLAG = ['--json', 'one JSON document instead of text'] as const;

export function registerOperator(program: Command, run: Run, invocation: Invocation): void {
  program
    .command('why')
    .description('the story of one record: read, mapped, excluded or written, and what HubSpot answered')
    .argument('<ref>', 'erp:customer/C-1182, square:order/…, hubspot:deal/…, an e-mail, or an id')
    .option('--all', 'every object of the record in full, not only the one that was asked for')
    .option('--no-raw', 'without values: names, rules and answers only')
    .option('--offline', 'do not ask HubSpot what it has now')
    .option(...JSON_FLAG)
    .addHelpText('after', WHY_HELP)
    .action((ref, flags) => run(async () => (await import('./why.ts')).why(ref, flags, invocation)));
}

const WHY_HELP = `
Kinds: erp:product, erp:customer, erp:quote, square:order; hubspot:product,
hubspot:company, hubspot:contact, hubspot:deal with the id or the key.
"made of" is found by changing each field and mapping the record again.
The values shown are the record's own: people's data, in the state by design.

Examples:
  retail-sync why erp:customer/C-1182
  retail-sync why jane@example.com --no-raw
  retail-sync why hubspot:deal/9912345678 --offline

Exit codes: 0 told, 2 unknown, or several records (they are listed),
5 and 7 told, but HubSpot could not be asked.`;
