/** `partitions show`: the slices a source is read in: how large and slow each was, how it ended, when it was cut. */
import { EXIT, type ExitCode } from '../errors.ts';
import { duration, grouped, painter } from '../report/style.ts';
import { minuteOf, tableLines } from '../report/table.ts';
import { latestStream } from '../state/cursor-desk.ts';
import { PartitionMemory, type SliceMemory } from '../state/partitions.ts';
import { Statements } from '../state/statements.ts';
import type { Invocation } from './invocation.ts';
import { checkPipe, withStoredState } from './stored.ts';

const COLUMNS = [
  { head: 'partition', max: 16 },
  { head: 'label', max: 22 },
  { head: 'records', align: 'right' },
  { head: 'time', align: 'right' },
  { head: 'last end', max: 9 },
  { head: 'last cut' },
] as const;

/** Reads the state only. */
export async function partitionsShow(
  pipe: string,
  flags: { readonly json?: boolean },
  invocation: Invocation,
): Promise<ExitCode> {
  checkPipe(pipe);
  const slices = withStoredState(
    invocation,
    (db) => {
      const stream = latestStream(db, pipe);
      return stream === null ? [] : new PartitionMemory(new Statements(db, stream, '', Date.now)).all();
    },
    [],
  );
  const { stdout, env } = invocation;
  if (flags.json) stdout.write(`${JSON.stringify(documentOf(pipe, slices), null, 2)}\n`);
  else stdout.write(render(pipe, slices, (text) => painter(stdout, env)('bold', text)));
  return EXIT.ok;
}

/** The records of those that were read as they are; a slice that was cut is counted by its parts. */
const recordsIn = (slices: readonly SliceMemory[]): number =>
  slices.reduce((sum, { records, cut }) => sum + (cut.length > 0 ? 0 : (records ?? 0)), 0);

const documentOf = (pipe: string, slices: readonly SliceMemory[]) => ({
  ...{ schemaVersion: 1, runId: null, status: 'ok', pipe },
  counts: { partitions: slices.length, records: recordsIn(slices) },
  partitions: slices.map(({ cutAtMs, ...slice }) => ({
    ...slice,
    cutAt: cutAtMs === null ? null : new Date(cutAtMs).toISOString(),
  })),
});

function render(pipe: string, slices: readonly SliceMemory[], bold: (text: string) => string): string {
  if (slices.length === 0) return `${pipe} has not been read yet: retail-sync sync ${pipe}\n`;
  const largestFirst = slices.toSorted((a, b) => (b.records ?? 0) - (a.records ?? 0));
  const [head = '', ...lines] = tableLines(COLUMNS, largestFirst.map(cells));
  const total = `${slices.length} partitions, ${grouped(recordsIn(slices))} records when last read; one of them alone: retail-sync sync ${pipe} --partition <key>`;
  return `${[bold(head), ...lines, '', ...total.split('; ')].join('\n')}\n`;
}

const cells = ({ partition, label, records, ms, verdict, cut, cutAtMs }: SliceMemory): string[] => [
  partition,
  label,
  cut.length > 0 || records === null ? '-' : grouped(records),
  cut.length > 0 || ms === null ? '-' : duration(ms / 1000),
  verdict,
  cutAtMs === null ? '' : `${minuteOf(cutAtMs).slice(0, 10)}${cut.length > 0 ? `, in ${cut.length}` : ''}`,
];
