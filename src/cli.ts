/** The command line: parse, call, print, exit. Whatever is heavy is imported by the command that needs it. */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { adviceOn } from './commands/advice.ts';
import type { Invocation } from './commands/invocation.ts';
import { registerAccount } from './commands/register-account.ts';
import { registerAlerts } from './commands/register-alerts.ts';
import { registerAudit } from './commands/register-audit.ts';
import { registerEvidence } from './commands/register-evidence.ts';
import { registerJobs } from './commands/register-jobs.ts';
import { registerLogs } from './commands/register-logs.ts';
import { noneBillable, registerOperator } from './commands/register-operator.ts';
import { registerProbe } from './commands/register-probe.ts';
import { registerProfile } from './commands/register-profile.ts';
import { registerReconcile } from './commands/register-reconcile.ts';
import { registerSafetyCommands } from './commands/register-safety.ts';
import { registerStateCommands } from './commands/state-commands.ts';
import { Stopped } from './engine/verdict.ts';
import { asError, EXIT } from './errors.ts';
import { pipeNames } from './pipe-names.ts';

// Before anything is created: state, logs and reports belong to this user alone from their first byte.
process.umask(0o077);

// A reader that went away (`| head`, a log pipe that died) must not end a run: what it cannot read is not written.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const stop = new AbortController();
const invocation: Invocation = {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stop: stop.signal,
  trigger: process.env.RETAIL_SYNC_TRIGGER ?? 'manual',
};

/** The first signal asks for an orderly end, the second one does not ask. */
function listen(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const stopped = new Stopped(signal);
      if (stop.signal.aborted) process.exit(stopped.exit);
      process.stderr.write(`${signal}: finishing what is under way (again to stop at once)\n`);
      stop.abort(stopped);
    });
  }
}

async function fail(thrown: unknown): Promise<never> {
  const error = asError(thrown);
  if (error instanceof Stopped) process.exit(error.exit);
  if (stop.signal.reason instanceof Stopped) process.exit(stop.signal.reason.exit);
  const { exit, message, hint } = await adviceOn(error, invocation);
  if (process.argv.includes('--json')) {
    const document = { schemaVersion: 1, runId: null, status: 'failed', counts: {}, exit, reason: message, hint };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  process.stderr.write(`retail-sync: ${message}\n${hint === null ? '' : `  fix: ${hint}\n`}`);
  process.exit(exit);
}

/** Runs a command and exits with its code when everything written has been handed over. */
async function run(work: () => Promise<number>): Promise<void> {
  try {
    listen();
    process.exitCode = await work();
  } catch (error) {
    await fail(error);
  }
}

const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Give a whole number.');
  return value;
};

const countedFromOne = (text: string): number => {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('Give a whole number above 0.');
  return value;
};

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Give a number above 0.');
  return value;
};

/** A day or an instant; a day means its beginning in UTC, earlier than any local beginning that matters here. */
const instant = (text: string): string => {
  const isDate = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = isDate ? new Date(text) : null;
  if (time === null || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('Give a day (2026-11-01) or an instant with its zone (2026-11-01T06:00:00-06:00).');
  }
  return time.toISOString();
};

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const program = new Command('retail-sync')
  .description("Joins a distributor's ERP and Square to HubSpot, and proves that nothing is missing.")
  .version(version, '-V, --version')
  .showSuggestionAfterError(true)
  .showHelpAfterError('(retail-sync --help shows what there is)')
  .configureHelp({ sortSubcommands: false, helpWidth: Math.min(process.stdout.columns ?? 80, 100) })
  .addHelpText(
    'beforeAll',
    `Examples:
  retail-sync demo                             see it work, without any account
  retail-sync setup                            what the portal lacks; --apply makes it
  retail-sync sync products --dry-run          what would be written
  retail-sync sync all                         the whole mission, in the order of its links
  retail-sync status                           the morning screen
`,
  );

// Before the first subcommand: they take it over when they are made.
program.exitOverride((error) => {
  // Help and version are answers; everything else commander refuses is a mistake in the command.
  process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
});

program
  .command('demo')
  .description('the vendors on this machine, all pipes, twice; needs no account')
  .option('--scale <n>', 'size of the world, 1 is a whole distributor', positive, 1)
  .option('--seed <n>', 'another distributor', wholeNumber, 1)
  .option('--json', 'one JSON document instead of text')
  .option('--keep', 'leave the state folder behind, to look around in')
  .option('--html <file>', 'where the report goes; unless given into a folder for temporary files')
  .action((flags) => run(async () => (await import('./commands/demo.ts')).demo(flags, invocation)));

program
  .command('sync')
  .description('read what changed, map it, upsert it')
  .argument('<pipe>', `${pipeNames().join(', ')} or all`)
  .option('--since <time>', 'read what changed since then; moves no cursor', instant)
  .option('--full', 'read everything; unchanged records cost no HubSpot call')
  .option('--dry-run', 'everything but the writing')
  .option('--limit <n>', 'stop after reading this many records', countedFromOne)
  .option('--partition <key>', 'only this slice of the source')
  .option('--approve', 'let a run through that is far from its usual size')
  .option('--max-creates <n>', 'stop before the first write (exit 4) if it would create more', wholeNumber)
  .option('--max-updates <n>', 'stop before the first write (exit 4) if it would change more', wholeNumber)
  .addOption(noneBillable())
  .option('--no-adopt', 'create companies and contacts without looking for ones people made')
  .option('--wait', 'wait up to 2 h for another run to end, instead of exit 75')
  .option('--json', 'one JSON document instead of text')
  .addHelpText(
    'after',
    `
Examples:
  retail-sync sync products
  retail-sync sync customers --since 2026-11-01
  retail-sync sync all --full --json

Exit codes: 0 ok, 3 dead letters or unproven, 4 stopped by a gate, 5 token, scope or portal,
6 source unavailable, 7 HubSpot unavailable, 75 another run holds the lock.`,
  )
  .action((pipe, flags) => run(async () => (await import('./commands/sync.ts')).sync(pipe, flags, invocation)));

program
  .command('setup')
  .description('property groups, properties and pipelines: shows the difference, --apply makes it')
  .option('--apply', 'make what is missing')
  .option('--json', 'one JSON document instead of text')
  .action((flags) => run(async () => (await import('./commands/setup.ts')).setup(flags, invocation)));

program
  .command('status')
  .description('the morning screen: last runs, dead letters, what needs a person')
  .option('--json', 'one JSON document instead of text')
  .option('--html <file>', 'also write a self-contained page with charts of the last 30 days, fit to be mailed')
  .addHelpText(
    'after',
    `
Examples:
  retail-sync status
  retail-sync status --html status.html
  retail-sync status --json | jq '.needs[].command'

"data age" is the time since the start of the last run that was proven complete:
every change made before it is in HubSpot, or an open dead letter. Exit code: 0,
whatever the pipes say.`,
  )
  .action((flags) => run(async () => (await import('./commands/status.ts')).status(flags, invocation)));

const cutover = program
  .command('cutover')
  .description('when the ERP pipes change from the staging to the production address');
cutover
  .command('status')
  .description('what each pipe has seen of production and what it waits for')
  .option('--json', 'one JSON document instead of text')
  .action((flags) => run(async () => (await import('./commands/cutover.ts')).cutoverStatus(flags, invocation)));
cutover
  .command('watch')
  .description('look at production whenever a look is due, until all pipes have changed over')
  .option('--every <time>', 'how often to look at the clock, such as 15m', '15m')
  .option('--json', 'one JSON document a round')
  .action((flags) => run(async () => (await import('./commands/cutover/watch.ts')).cutoverWatch(flags, invocation)));
for (const [name, text] of [
  ['hold', 'keep a pipe, or all, on staging'],
  ['release', 'let a held pipe, or all, go on'],
] as const) {
  cutover
    .command(name)
    .description(text)
    .argument('[pipe]', 'all pipes when left away')
    .action((pipe) =>
      run(async () => {
        const { cutoverHold, cutoverRelease } = await import('./commands/cutover.ts');
        return (name === 'hold' ? cutoverHold : cutoverRelease)(pipe ?? null, invocation);
      }),
    );
}

registerStateCommands(program, run, invocation);
registerProbe(program, run, invocation);
registerEvidence(program, run, invocation);
registerReconcile(program, run, invocation);
registerAlerts(program, run, invocation);
registerLogs(program, run, invocation);
registerSafetyCommands(program, run, invocation);
registerProfile(program, run, invocation);
registerJobs(program, run, invocation);
registerAccount(program, run, invocation);
registerOperator(program, run, invocation);
registerAudit(program, run, invocation);

const config = program.command('config').description('the effective configuration');
config
  .command('show')
  .description('every variable, its value and where it comes from; secrets are masked')
  .option('--json', 'one JSON document instead of text')
  .action((flags) =>
    run(async () => {
      const { configShow } = await import('./commands/config.ts');
      const { fieldOwners } = await import('./commands/field-owners.ts');
      const { env, cwd } = invocation;
      process.stdout.write(configShow({ env, cwd, json: flags.json === true, fields: await fieldOwners() }));
      return EXIT.ok;
    }),
  );

program
  .command('sandbox')
  .description('the three vendors as servers on this machine')
  .option('--seed <n>', 'another distributor', wholeNumber, 1)
  .option('--scale <n>', 'size of the world, 1 is a whole distributor', positive, 1)
  .option('--items <n>', 'products in the ERP', wholeNumber)
  .option('--accounts <n>', 'customers in the ERP', wholeNumber)
  .option('--quotes <n>', 'quote revisions in the ERP', wholeNumber)
  .option('--erp-port <n>', '0: any free port', wholeNumber, 0)
  .option('--hubspot-port <n>', '0: any free port', wholeNumber, 0)
  .option('--square-port <n>', '0: any free port', wholeNumber, 0)
  .option('--rate <n>', 'HubSpot requests per 10 s, or none', '190')
  .option('--no-latency', "answer at once instead of in the vendors' time")
  .option('--erp-time-scale <n>', 'length of an ERP second here', positive, 0.002)
  .option('--erp-commit-rows <n>', 'rows a bulk job of the ERP stamps with one instant (5000)', countedFromOne)
  .addOption(
    new Option('--erp-production <mode>', "what the ERP's production address shows")
      .choices(['dark', 'live', 'login-page', 'empty', 'refused'])
      .default('dark'),
  )
  .option('--faults <file>', 'JSON file of faults by vendor')
  .option('--json', 'print the configuration as one line of JSON')
  .action((flags) => run(async () => (await import('./commands/sandbox.ts')).sandbox(flags, invocation)));

await program.parseAsync();
