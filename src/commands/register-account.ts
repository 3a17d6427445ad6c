/** `init`, `budget`, `completion` and `schema` on the command line; what they need is loaded when they are called. */
import { Argument, type Command } from 'commander';
import type { Invocation } from './invocation.ts';

/** Runs a command and sees to its exit code. */
type Run = (work: () => Promise<number>) => Promise<void>;

export function registerAccount(program: Command, run: Run, invocation: Invocation): void {
  program
    .command('init')
    .description('asks for accounts and tokens, tries each of them, and writes .env')
    .addHelpText('after', INIT_HELP)
    .action(() =>
      run(async () => {
        const { stdin: input, stdout: output } = process;
        const isTerminal = input.isTTY === true && output.isTTY === true;
        return (await import('./init.ts')).init(invocation, { input, output, isTerminal });
      }),
    );
  program
    .command('budget')
    .description('API calls and billable contacts: used, left, and what a full load would cost')
    .option('--json', 'one JSON document instead of text')
    .addHelpText('after', BUDGET_HELP)
    .action((flags) => run(async () => (await import('./budget.ts')).budget(flags, invocation)));
  program
    .command('completion')
    .description('a script that completes commands and flags by Tab')
    .addArgument(new Argument('<shell>', 'whose script').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', COMPLETION_HELP)
    .action((shell) => run(async () => (await import('./completion.ts')).completion(shell, program, invocation)));
  program
    .command('schema')
    .description('JSON Schema of what --json prints')
    .argument('[command...]', 'such as sync or dead-letters list; left away: which there are')
    .action((words) => run(async () => (await import('./schema.ts')).schema(words, invocation)));
}

const INIT_HELP = `
Answers that are set already are offered again, secrets never shown. Nothing is
changed before the last question; Ctrl+C leaves everything as it was. A .env that is
there is kept as .env.before-init.

Exit codes: 0 written, 2 stopped, or nobody there to answer.`;

const BUDGET_HELP = `
Reads the state and asks HubSpot five times. A fifth of the day's calls is kept for
the portal's other apps when it is said whether a full load fits.

Exit codes: 0 fine, 2 configuration, 4 a contact of this tool is billable,
5 token, scope or portal, 7 HubSpot unavailable.`;

const COMPLETION_HELP = `
Examples:
  retail-sync completion bash > ~/.local/share/bash-completion/completions/retail-sync
  retail-sync completion zsh > ~/.zfunc/_retail-sync   (with ~/.zfunc in fpath)
  retail-sync completion fish > ~/.config/fish/completions/retail-sync.fish`;
