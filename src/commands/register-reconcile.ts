/** The `reconcile` command of the command line. */

import type { Command } from 'commander';
import { pipeNames } from '../pipe-names.ts';
import type { Invocation } from './invocation.ts';

/** `run` runs a command and exits with its code. */
export function registerReconcile(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  program
    .command('reconcile')
    .description('compare what HubSpot holds with what was written there, object by object')
    .argument('<pipe>', `${pipeNames().join(', ')}; or weekly: all of them, each source read as a whole before`)
    .option('--fix', 'send again what the source owns: changed and missing objects')
    .option('--recreate', 'with --fix: also objects that people archived')
    .option('--approve', 'with --fix: let a repair through that is larger than a usual run')
    .option('--archive', 'list what is proven to be gone at the source, to be archived')
    .option('--yes', 'with --archive: archive it')
    .option('--values', 'show the values that differ, not only their names')
    .option('--wait', 'wait up to 2 h for another run to end, instead of exit 75')
    .option('--json', 'one JSON document instead of text')
    .addHelpText(
      'after',
      `
Without --fix and --archive nothing is written. Everything is read from the portal itself,
nothing from its search index; what differs is read twice before it counts.

Examples:
  retail-sync reconcile products
  retail-sync reconcile customers --fix
  retail-sync reconcile weekly
  retail-sync sync products --full && retail-sync reconcile products --archive

Exit codes: 0 no differences left, 3 differences left, 4 more repairs than usual, others as sync.`,
    )
    .action((pipe, flags) =>
      run(async () =>
        pipe === 'weekly'
          ? (await import('./weekly-reconcile.ts')).weeklyCommand(flags, invocation)
          : (await import('./reconcile.ts')).reconcileCommand(pipe, flags, invocation),
      ),
    );
}
