/** The completeness proof as a table of at most 80 columns. */
import type { RunProof, SliceProof } from '../state/proofs.ts';
import { grouped, type Paint, safe } from './style.ts';
import { minuteOf, paragraph, tableLines } from './table.ts';

const COLUMNS = [
  { head: 'partition', max: 28 },
  { head: 'source', align: 'right' },
  { head: 'fetched', align: 'right' },
  { head: 'pages', align: 'right' },
  { head: 'repeats', align: 'right' },
  { head: 'sweeps', align: 'right' },
  { head: 'verdict' },
] as const;

const INK = { complete: 'green', unproven: 'yellow', failed: 'red', limited: 'yellow' } as const;

export function renderProof(pipe: string, proof: RunProof, paint: Paint): string {
  const { slices, union } = proof;
  const all = [...slices, together(slices)];
  const [head = '', ...lines] = tableLines(COLUMNS, all.map(cells));
  const body = slices.flatMap(({ verdict, reason, again }, index) => {
    const line = lines[index] ?? '';
    const painted = line.slice(0, line.length - verdict.length) + paint(INK[verdict], verdict);
    return [painted, ...[reason, again].flatMap((said) => (said ? paragraph(said, '    ') : []))];
  });
  return `${[
    `${pipe}, run ${proof.runId}, ${minuteOf(proof.startedAtMs)} UTC, ${proof.status}`,
    ...paragraph(reach(proof), ''),
    '',
    paint('bold', head),
    ...body,
    lines.at(-1) ?? '',
    '',
    ...paragraph(conclusion(pipe, slices, union), ''),
  ].join('\n')}\n`;
}

const cells = ({ label, expected, fetched, pages, repeats, sweeps, verdict }: SliceProof): string[] => [
  safe(label),
  expected === null ? 'not told' : grouped(expected),
  ...[fetched, pages, repeats, sweeps].map(grouped),
  verdict,
];

/** The sum of the slices as a row of its own; its verdict is said in words below. */
function together(slices: readonly SliceProof[]): Record<keyof SliceProof, unknown> & SliceProof {
  const sum = (of: (slice: SliceProof) => number): number => slices.reduce((total, slice) => total + of(slice), 0);
  const isTold = slices.every(({ expected }) => expected !== null);
  return {
    ...{ partition: '', label: 'together', reason: null, verdict: 'complete', ms: sum(({ ms }) => ms) },
    expected: isTold ? sum(({ expected }) => expected ?? 0) : null,
    fetched: sum(({ fetched }) => fetched),
    pages: sum(({ pages }) => pages),
    repeats: sum(({ repeats }) => repeats),
    sweeps: sum(({ sweeps }) => sweeps),
  };
}

function reach({ mode }: RunProof): string {
  if (mode.restricted && mode.since !== null) return `read: changes since ${mode.since}; a part of the source only`;
  if (mode.restricted) return 'read: a part of the source only; it proves nothing about the rest';
  const what = mode.full ? 'everything' : 'what changed since the cursor; everything where there was none';
  return `read: ${what}${mode.dryRun ? '; dry run' : ''}`;
}

function conclusion(pipe: string, slices: readonly SliceProof[], union: SliceProof | null): string {
  const complete = slices.filter(({ verdict }) => verdict === 'complete').length;
  const said = `${complete} of ${slices.length} partitions complete.`;
  if (union?.reason) return `${said} Not proven: ${union.reason}. next: retail-sync sync ${pipe} --full`;
  if (slices.length === 0) return `${said} This run read records by id only. next: retail-sync sync ${pipe}`;
  if (complete < slices.length) return `${said} next: retail-sync sync ${pipe}`;
  const told = slices.every(({ expected }) => expected !== null);
  return told
    ? `${said} Proven: everything the source says it has was read${union ? `, ${union.expected} records in all` : ''}.`
    : `${said} The source tells no count: read to the end of every listing.`;
}
