/** The `alerts` commands of the command line. */
import { type Command, Option } from 'commander';
import type { Invocation } from './invocation.ts';

const JSON_FLAG = ['--json', 'one JSON document instead of text'] as const;

export function registerAlerts(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  const alerts = program.command('alerts').description('what people are told when a scheduled run is not ok');
  alerts
    .command('list')
    .description('what is open now')
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await import('./alerts.ts')).alertsList(flags, invocation)));
  alerts
    .command('test')
    .description('send a test message through each channel; exit 3 when one fails')
    .addOption(new Option('--channel <name>', 'only this one').choices(['slack', 'webhook', 'mail', 'healthcheck']))
    .option(...JSON_FLAG)
    .action((flags) => run(async () => (await import('./alerts.ts')).alertsTest(flags, invocation)));
  alerts
    .command('send')
    .description('tell what changed; scheduled runs do so at their end')
    .action(() => run(async () => (await import('./alerts.ts')).alertsSend(invocation)));
}
