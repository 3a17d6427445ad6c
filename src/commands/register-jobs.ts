/** The `jobs` commands of the command line: the schedule, what is due, and what starts it. */
import type { Command } from 'commander';
import { countOf } from './arguments.ts';
import type { Invocation } from './invocation.ts';
import { registerInstall } from './register-install.ts';

type Run = (work: () => Promise<number>) => Promise<void>;

const JSON_FLAG = ['--json', 'one JSON document instead of text'] as const;

/** Adds them to the program; each is loaded only when it is called. */
export function registerJobs(program: Command, run: Run, invocation: Invocation): void {
  const jobs = program.command('jobs').description('the schedule: what runs when, and what became of it');
  const show = () => import('./jobs/show.ts');
  jobs
    .command('list')
    .description('every job, its hour, its window and its last slot')
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await show()).jobsList(flags, invocation)));
  jobs
    .command('next')
    .description('what is planned in the coming days')
    .option('--days <n>', 'how many days', countOf(1, 400), 2)
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await show()).jobsNext(flags, invocation)));
  jobs
    .command('history')
    .description('planned against actual, the latest first')
    .option('--days <n>', 'how many days back', countOf(1, 400), 7)
    .option('--job <job>', 'only this one')
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await show()).jobsHistory(flags, invocation)));
  jobs
    .command('run')
    .description('one job now; a slot of today that is due counts as done by it')
    .argument('<job>', 'a name of jobs list, or of one of its pipes')
    .option('--wait', 'wait up to 2 h for another run to end, instead of exit 75')
    .option(...JSON_FLAG)
    .action((job, flags) => run(async () => (await import('./jobs/tick.ts')).jobsRun(job, flags, invocation)));
  jobs
    .command('tick')
    .description('run what is due and not done, once; what every trigger calls')
    .option(...JSON_FLAG)
    .addHelpText('after', TICK_HELP)
    .action((flags) => run(async () => (await import('./jobs/tick.ts')).jobsTick(flags, invocation)));
  jobs
    .command('serve')
    .description('stay and run every job at its hour, until a signal')
    .action(() => run(async () => (await import('./jobs/serve.ts')).jobsServe(invocation)));
  registerInstall(jobs, run, invocation);
}

const TICK_HELP = `
Safe to call as often as you like: a slot runs once. A slot that was missed runs
late within its window; of several the newest. A failed one is tried three
times, 15 min apart.

Exit codes: 0 nothing due or all ok, 75 another tick is at work, others as sync.`;
