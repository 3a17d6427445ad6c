/** `jobs install`, `jobs uninstall` and `jobs status`: the schedule in the hands of launchd or systemd. */
import { type Command, Option } from 'commander';
import { FORMS } from '../install/supervisor.ts';
import type { Invocation } from './invocation.ts';

type Run = (work: () => Promise<number>) => Promise<void>;

/** Adds them to the group `jobs`. */
export function registerInstall(jobs: Command, run: Run, invocation: Invocation): void {
  const load = () => import('./jobs/install.ts');
  const machine = async () => (await import('../install/machine.ts')).thisMachine(invocation.env);
  jobs
    .command('install')
    .description('hand the schedule to launchd (macOS) or systemd (Linux), so that it runs by itself')
    .addOption(new Option('--as <form>', 'how it is started').choices(FORMS).default('service'))
    .option('--print', 'only show the files and the commands')
    .addOption(new Option('--for <name>', 'with --print: for another machine').choices(['launchd', 'systemd', 'cron']))
    .option('--json', 'one JSON document instead of text')
    .addHelpText('after', HELP)
    .action((flags) => run(async () => (await load()).jobsInstall(flags, invocation, await machine())));
  jobs
    .command('uninstall')
    .description('end it, and remove its files and logs; the state stays')
    .option('--print', 'only show what would be removed and typed')
    .option('--json', 'one JSON document instead of text')
    .action((flags) => run(async () => (await load()).jobsUninstall(flags, invocation, await machine())));
  jobs
    .command('status')
    .description('what is installed, whether it runs, and whether what it names is there')
    .option('--json', 'one JSON document instead of text')
    .action((flags) =>
      run(async () => (await import('./jobs/status.ts')).jobsStatus(flags, invocation, await machine())),
    );
}

const HELP = `
Forms:
  service   jobs serve stays, and runs every job at its hour
  trigger   jobs tick looks every 15 min: nothing stays in memory
  calendar  jobs tick at the hour of each job; install again after a change of
            the schedule

Type it in the folder that holds .env. No secret is written into the files.`;
