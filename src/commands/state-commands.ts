/** The commands about what the state holds: dead letters, proofs, cursors, partitions, and what may go. */

import { type Command, Option } from 'commander';
import { pipeNames } from '../pipe-names.ts';
import { instant, letterIds, span, wholeNumber } from './arguments.ts';
import type { Invocation } from './invocation.ts';

type Run = (work: () => Promise<number>) => Promise<void>;

const JSON_FLAG = ['--json', 'one JSON document instead of text'] as const;
const STAGES = ['read', 'scope', 'map', 'write', 'link'];

/** Adds them to the program; each is loaded only when it is called. */
export function registerStateCommands(program: Command, run: Run, invocation: Invocation): void {
  registerLetters(program, run, invocation);
  registerProof(program, run, invocation);
  registerPartitions(program, run, invocation);
  registerCursor(program, run, invocation);
  registerPrune(program, run, invocation);
}

function registerLetters(program: Command, run: Run, invocation: Invocation): void {
  const letters = program.command('dead-letters').description('what could not be synced, and why');
  withFilters(letters.command('list').description('letters, the latest seen first'))
    .addOption(
      new Option('--state <state>', 'which of them').choices(['open', 'resolved', 'discarded']).default('open'),
    )
    .option('--limit <n>', 'how many to show', wholeNumber, 50)
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await import('./dead-letters.ts')).listDeadLetters(flags, invocation)));
  letters
    .command('show')
    .description('one letter with its story; values of its payload only with --raw')
    .argument('<id>', 'its number', wholeNumber)
    .option('--raw', "the payload as the source sent it: people's data")
    .option(...JSON_FLAG)
    .action((id, flags) => run(async () => (await import('./dead-letters.ts')).showDeadLetter(id, flags, invocation)));
  withFilters(letters.command('retry').description("read the records again, map them with today's mapper, write them"))
    .argument('[ids...]', 'numbers of letters', letterIds)
    .option('--all', 'every open letter')
    .option('--preview', 'only say what would pass; nothing is written')
    .option('--yes', 'more than the letters named by number')
    .option(...JSON_FLAG)
    .addHelpText('after', RETRY_HELP)
    .action((ids, flags) =>
      run(async () => (await import('./dead-letters/retry.ts')).retryDeadLetters(ids, flags, invocation)),
    );
  letters
    .command('discard')
    .description('set letters aside; retry takes them up again')
    .argument('<ids...>', 'numbers of letters', letterIds)
    .requiredOption('--reason <text>', 'why; it goes into the journal')
    .option('--yes', 'more than 20 letters')
    .option(...JSON_FLAG)
    .action((ids, flags) =>
      run(async () => (await import('./dead-letters.ts')).discardDeadLetters(ids, flags, invocation)),
    );
}

const RETRY_HELP = `
Examples:
  retail-sync dead-letters retry 12 13 --preview
  retail-sync dead-letters retry 12
  retail-sync dead-letters retry --pipe customers --stage map --yes

Exit codes: 0 all resolved (with --preview: all would be), 3 some still open, else as of sync.`;

const withFilters = (command: Command): Command =>
  command
    .option('--pipe <pipe>', 'of this pipe')
    .addOption(new Option('--stage <stage>', 'where they failed').choices(STAGES))
    .option('--category <category>', 'such as invalid or ambiguous-match')
    .option('--since <time>', 'last seen since then', instant);

function registerProof(program: Command, run: Run, invocation: Invocation): void {
  program
    .command('proof')
    .description('that a run saw everything the source has, slice by slice')
    .argument('<pipe>', pipeNames().join(', '))
    .option('--run <id>', 'a run, or last', 'last')
    .option(...JSON_FLAG)
    .addHelpText('after', '\nExit codes: 0 proven, 3 not proven, 2 no such run.')
    .action((pipe, flags) => run(async () => (await import('./proof.ts')).proof(pipe, flags, invocation)));
}

function registerPartitions(program: Command, run: Run, invocation: Invocation): void {
  program
    .command('partitions')
    .description('the slices a source is read in')
    .command('show')
    .description('how large and slow each slice was, how it ended, when it was cut')
    .argument('<pipe>', pipeNames().join(', '))
    .option(...JSON_FLAG)
    .action((pipe, flags) =>
      run(async () => (await import('./partitions.ts')).partitionsShow(pipe, flags, invocation)),
    );
}

function registerCursor(program: Command, run: Run, invocation: Invocation): void {
  const cursor = program.command('cursor').description('up to where each source has been read');
  cursor
    .command('show')
    .description('every cursor, and what holds it')
    .argument('[pipe]', 'all pipes when left away')
    .option(...JSON_FLAG)
    .action((pipe, flags) => run(async () => (await import('./cursor.ts')).cursorShow(pipe, flags, invocation)));
  withReason(cursor.command('set').description('to an instant; forward only with --force'))
    .argument('<pipe>', 'whose cursors')
    .argument('<instant>', 'a day (UTC) or an instant with its zone', instant)
    .option('--force', 'skip what lies between and was never read')
    .option('--yes', 'all partitions of the pipe at once')
    .addHelpText('after', '\nExample:\n  retail-sync cursor set products 2026-11-01 --reason "ERP restored a backup"')
    .action((pipe, to, flags) => run(async () => (await import('./cursor.ts')).cursorSet(pipe, to, flags, invocation)));
  withReason(cursor.command('rewind').description('back by days or hours: what lies between is read once more'))
    .argument('<pipe>', 'whose cursors')
    .argument('<time>', 'such as 3d or 12h', span)
    .addHelpText('after', '\nExample:\n  retail-sync cursor rewind customers 3d --reason "late imports on Friday"')
    .action((pipe, byMs, flags) =>
      run(async () => (await import('./cursor.ts')).cursorRewind(pipe, byMs, flags, invocation)),
    );
}

const withReason = (command: Command): Command =>
  command
    .requiredOption('--reason <text>', 'why; it goes into the journal')
    .option('--partition <key>', 'only this slice of the source')
    .option(...JSON_FLAG);

function registerPrune(program: Command, run: Run, invocation: Invocation): void {
  program
    .command('prune')
    .description('delete what has outlived its time: letters, journal, runs, slots, probes, copies')
    .option('--dry-run', 'only say what would go')
    .option('--older-than <time>', 'of letters and journal, such as 30d, instead of the days configured', span)
    .option('--payloads', 'clear the payloads of all resolved and discarded letters, whatever their age')
    .option('--vacuum', 'rewrite the database without what it no longer uses; takes its size on the disk once more')
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await import('./prune.ts')).pruneState(flags, invocation)));
}
