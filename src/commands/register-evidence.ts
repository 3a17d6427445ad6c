/** `evidence` on the command line; what it needs is loaded when it is called. */
import { type Command, Option } from 'commander';
import type { Invocation } from './invocation.ts';

/** `run` runs a command and exits with its code. */
export function registerEvidence(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  program
    .command('evidence')
    .description("a zip for the ERP's vendor: how it was asked, what it answered, what was expected")
    .argument('<system>', 'erp')
    .requiredOption('--issue <text>', 'what you report, in your words')
    .addOption(
      new Option('--resource <name>', 'only one; all three otherwise').choices(['products', 'customers', 'quotes']),
    )
    .option('--baseline <when>', 'also what changed since a probe: last or YYYY-MM-DD')
    .option('--out <file>', 'evidence-erp-<date>-<time>.zip in this folder unless said')
    .option('--force', 'replace a file that is there')
    .option('--json', 'one JSON document instead of text')
    .addHelpText(
      'after',
      `
Examples:
  retail-sync evidence erp --issue "modifiedSince is ignored" --resource quotes
  retail-sync evidence erp --issue "401 since this morning" --out case-4711.zip

Probes the ERP anew and reads only. People's data is masked, secrets are left
out; look through the zip before you send it.

Exit codes: 0 written, whatever was found; 5, 6 written too, but the ERP refused
or did not answer; 2 an address that is not there (written), or the command is
wrong (not); 4 not written: a secret would still be in it.`,
    )
    .action((system, flags) => run(async () => (await import('./evidence.ts')).evidence(system, flags, invocation)));
}
