/** `probe` on the command line; what it needs is loaded when it is called. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Invocation } from './invocation.ts';

/** More would not be a sample, and is what `sync --full` reads. */
const SAMPLE_MAX = 10_000;

function sampleSize(text: string): number {
  const size = Number(text);
  if (/^\d{1,6}$/.test(text) && size >= 1 && size <= SAMPLE_MAX) return size;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${SAMPLE_MAX}.`);
}

/** Names of fixtures hold two digits. */
const FIXTURES_MAX = 99;

function fixtureCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,2}$/.test(text) && count >= 1) return count;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${FIXTURES_MAX}.`);
}

const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** `run` runs a command and exits with its code. */
export function registerProbe(
  program: Command,
  run: (work: () => Promise<number>) => Promise<void>,
  invocation: Invocation,
): void {
  program
    .command('probe')
    .description('what a vendor really sends and how it answers, measured on a sample; reads only')
    .argument('<system>', 'erp, square or hubspot')
    .argument(
      '[resource]',
      'erp: products, customers, quotes; square: orders, customers, locations; hubspot: an object',
    )
    .option('--sample <n>', 'records, spread over slices, ages and codes', sampleSize, 200)
    .addOption(new Option('--against <what>', 'take the sample through profile and mapper').choices(['mapper']))
    .option('--baseline <when>', 'what changed since the last probe, or since the one of a day: last or YYYY-MM-DD')
    .option('--gate', 'exit 4 when something was found that would stop a run')
    .option('--field <path>', 'everything about one field, such as lines[].sku')
    .option('--values', "show people's data as it is, instead of its shape")
    .option('--html <file>', 'also write one self-contained page')
    .option('--record <folder>', "make fixtures of the sample for the mapper's tests, with people's data replaced")
    .option('--limit <n>', 'with --record: fixtures at most, 20 unless said', fixtureCount)
    .addOption(
      new Option('--draft <file>', 'draft a profile of an unknown JSON ERP from the addresses of --url').conflicts([
        ...['sample', 'against', 'baseline', 'gate', 'field', 'values', 'html', 'record', 'limit'],
      ]),
    )
    .option('--url <resource=address>', 'with --draft: where products, customers or quotes are listed', collected)
    .option('--force', 'replace an earlier recording (--record) or file (--draft)')
    .option('--json', 'one JSON document instead of text')
    .addHelpText(
      'after',
      `
Examples:
  retail-sync probe erp products
  retail-sync probe erp quotes --field lines[].sku
  retail-sync probe erp customers --against mapper --baseline last --gate
  retail-sync probe hubspot contacts --html contacts.html
  retail-sync probe erp customers --record recorded/customers
  retail-sync probe erp --draft my-erp.yaml --url products=https://erp.example/api/items

Exit codes: 0 looked, 3 --record left a record out, 4 with --gate and a finding
that stops, or nothing recorded since somebody's data would still be in it;
others as sync.`,
    )
    .action((system, resource, flags) =>
      run(async () =>
        flags.draft === undefined && flags.url === undefined
          ? (await import('./probe.ts')).probe(system, resource ?? null, flags, invocation)
          : (await import('./probe-draft.ts')).draftProfile({ system, resource: resource ?? null }, flags, invocation),
      ),
    );
}
