/** `why`, `plan`, `apply` and `undo` on the command line; what they need is loaded when they are called. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { pipeNames } from '../pipe-names.ts';
import { countOf, instant } from './arguments.ts';
import type { Invocation } from './invocation.ts';

/** Runs a command and sees to its exit code. */
type Run = (work: () => Promise<number>) => Promise<void>;

const JSON_FLAG = ['--json', 'one JSON document instead of text'] as const;

/** Any billable contact stops a run, whatever is said: the flag is there to say so. */
export const noneBillable = (): Option =>
  new Option('--max-marketing <n>', 'billable contacts a run may make: 0 is all there is').argParser((text) => {
    if (text !== '0') throw new InvalidArgumentError('Only 0: no contact of this tool may be billable.');
    return 0;
  });

const count = countOf(0, 10_000_000);

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
  program
    .command('plan')
    .description('what a sync would adopt, create and change, value by value; writes nothing')
    .argument('<pipe>', pipeNames().join(', '))
    .option('--since <time>', 'read what changed since then', instant)
    .option('--full', 'read everything')
    .option('--limit <n>', 'stop after reading this many records', countOf(1, 10_000_000))
    .option('--partition <key>', 'only this slice of the source')
    .option('--no-adopt', 'without looking for companies and contacts that people made')
    .option('--out <file>', 'keep it (0600), to be applied within 24 hours')
    .option('--html <file>', 'also write a self-contained page')
    .option(...JSON_FLAG)
    .addHelpText('after', PLAN_HELP)
    .action((pipe, flags) => run(async () => (await import('./plan.ts')).plan(pipe, flags, invocation)));
  program
    .command('apply')
    .description('send what a plan says, and nothing else')
    .argument('<file>', 'a plan of plan --out')
    .option('--max-creates <n>', 'refuse the plan (exit 4) if it creates more', count)
    .option('--max-updates <n>', 'refuse the plan (exit 4) if it changes more', count)
    .addOption(noneBillable())
    .option('--wait', 'wait up to 2 h for another run to end, instead of exit 75')
    .option(...JSON_FLAG)
    .addHelpText('after', APPLY_HELP)
    .action((file, flags) => run(async () => (await import('./apply.ts')).apply(file, flags, invocation)));
  program
    .command('undo')
    .description('take back what a run wrote')
    .command('run')
    .description('restore the values from before a run, where nobody has changed them since')
    .argument('<id>', 'its id, as sync prints it')
    .option('--only <property>', 'such as deals.amount; may be repeated', (one: string, all: string[] = []) => [
      ...all,
      one,
    ])
    .option('--preview', 'only say what would be restored')
    .option('--archive', 'also move what the run created to the recycle bin')
    .option('--yes', 'without a question')
    .option(...JSON_FLAG)
    .addHelpText('after', UNDO_HELP)
    .action((id, flags) => run(async () => (await import('./undo.ts')).undoRun(id, flags, invocation)));
}

const UNDO_HELP = `
Shows first what it would do, and asks. A value that is not what the run wrote any
more stays as it is. Objects that the run created are listed; --archive archives them.
The next sync leaves restored values alone until their record changes at the source.

Examples:
  retail-sync undo run 20261127T151407650-4cd0 --preview
  retail-sync undo run 20261127T151407650-4cd0 --only deals.amount --yes

Exit codes: 0 done, or shown with --preview; 2 no such run, or not confirmed;
3 some could not be restored; others as sync.`;

const PLAN_HELP = `
The dry run, and a batch read of what HubSpot has of every object that would be
written. It works on a copy of the state: the state is neither locked nor changed.

Examples:
  retail-sync plan customers --out plan.json --html plan.html
  retail-sync plan products --full --limit 500

Exit codes: 0 planned, 3 planned, but of some records nobody can tell what becomes
of them, others as sync; then no file is written.`;

const APPLY_HELP = `
Reads the source as the plan did, holds every write until all is read, and compares
both sides with the plan. What moved since is named, and nothing is written (exit 4).

Examples:
  retail-sync apply plan.json
  retail-sync apply plan.json --max-creates 100

Exit codes: 0 sent, 2 no plan, 4 moved since, too old or too large, 5 a plan for
another portal, others as sync.`;

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
