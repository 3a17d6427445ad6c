/**
 * Makes the tables of docs/performance.md and its charts out of docs/performance/results.json: `npm run bench:report`. A
 * table stands between `<!-- bench:name -->` and `<!-- /bench -->`; what people wrote around it stays.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type Chart, chartSvg } from '../../src/report/charts.ts';
import { FlagError, flagsOf, orRefuse } from '../flags.ts';
import { MOST } from './sizes.ts';
import { type Memory, slopes } from './slopes.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../docs/${path}`, import.meta.url));

const Row = z.object({
  ...{ who: z.string(), pipe: z.string(), size: z.number(), regime: z.string(), phase: z.string(), runs: z.number() },
  ...{ wallMs: z.number(), runMs: z.number().nullable(), floorMs: z.number().nullable(), cpuMs: z.number() },
  ...{ rssMb: z.number(), read: z.number().nullable(), objects: z.number(), calls: z.number(), writes: z.number() },
  ...{ writesMin: z.number(), limited: z.number(), heapMb: z.number().nullable().default(null) },
});
type Row = z.infer<typeof Row>;
const EngineRow = z.object({
  ...{ phase: z.string(), records: z.number(), wallMs: z.number(), cpuMs: z.number(), recordsPerSecond: z.number() },
  ...{ rssMb: z.number(), stateBytesPerRecord: z.number(), heapMb: z.number().nullable().default(null) },
});
const Results = z.object({
  measuredAt: z.string(),
  machine: z.object({ cores: z.number(), cpu: z.string(), memoryGb: z.number(), node: z.string() }),
  rows: z.array(Row),
  engine: z.array(EngineRow),
});
orRefuse(() => {
  flagsOf({ options: {} });
  const file = at('performance/results.json');
  if (!existsSync(file)) throw new FlagError(`${file} is not there: npm run bench makes it`);
});
const results = Results.parse(JSON.parse(readFileSync(at('performance/results.json'), 'utf8')));

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');
const seconds = (ms: number | null): string =>
  ms === null ? '–' : ms < 10_000 ? (ms / 1000).toFixed(2) : grouped(ms / 1000);
const megabytes = (value: number | null): string => (value === null ? '–' : grouped(value));
const table = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column < 2 ? '---' : '--:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
const perThousand = ({ calls, objects }: Row): string => (objects === 0 ? '–' : ((calls / objects) * 1000).toFixed(1));

const PHASES: Readonly<Record<string, string>> = {
  first: 'first load',
  unchanged: 'unchanged',
  'one-percent': '1 % changed',
};

/** The tool beside the scripts, products only. */
function sideBySide(regime: string): string {
  const rows = results.rows
    .filter((row) => row.regime === regime && row.pipe === 'products')
    .sort((a, b) => a.size - b.size);
  return table(
    ['who', 'phase', 'products', 'wall s', 'CPU s', 'peak MB', 'live MB', 'HubSpot calls', 'writes', '429s', 'runs'],
    rows.map((row) => [
      row.who,
      PHASES[row.phase] ?? row.phase,
      ...[grouped(row.size), seconds(row.wallMs), seconds(row.cpuMs), grouped(row.rssMb), megabytes(row.heapMb)],
      ...[grouped(row.calls), grouped(row.writes), grouped(row.limited), grouped(row.runs)],
    ]),
  );
}

function perPipe(regime: string): string {
  const rows = results.rows
    .filter((row) => row.regime === regime && row.who === 'retail-sync')
    .sort((a, b) => a.size - b.size);
  return table(
    [
      'pipe',
      'phase',
      'size',
      'read',
      'objects',
      'run s',
      'floor s',
      'CPU s',
      'peak MB',
      'live MB',
      'calls',
      'per 1,000',
      'writes',
      'least',
      '429s',
    ],
    rows.map((row) => [
      row.pipe,
      PHASES[row.phase] ?? row.phase,
      ...[grouped(row.size), grouped(row.read ?? 0), grouped(row.objects), seconds(row.runMs), seconds(row.floorMs)],
      ...[seconds(row.cpuMs), grouped(row.rssMb), megabytes(row.heapMb), grouped(row.calls), perThousand(row)],
      ...[grouped(row.writes), grouped(row.writesMin), grouped(row.limited)],
    ]),
  );
}

const engine = (): string =>
  table(
    ['records', 'phase', 'records/s', 'CPU s', 'peak MB', 'live MB', 'state bytes per record'],
    results.engine.map((row) => [
      grouped(row.records),
      PHASES[row.phase] ?? row.phase,
      ...[grouped(row.recordsPerSecond), seconds(row.cpuMs), grouped(row.rssMb), megabytes(row.heapMb)],
      grouped(row.stateBytesPerRecord),
    ]),
  );

const machine = (): string => {
  const { cores, cpu, memoryGb, node } = results.machine;
  return `${results.measuredAt.slice(0, 10)}, ${cores} cores (${cpu}), ${memoryGb} GB, Node ${node}; medians where there is more than one run.`;
};

/** Who holds how much at how many records: a run of one per cent too has the whole shop behind it. */
function memories(): readonly Memory[] {
  const products = results.rows.filter((row) => row.who === 'retail-sync' && row.pipe === 'products');
  const runs = products.map((row) => {
    const whole = products.find(
      ({ size, regime, phase }) => size === row.size && regime === row.regime && phase === 'first',
    );
    return {
      what: `products, ${row.regime}`,
      phase: row.phase,
      records: whole?.read ?? 0,
      rssMb: row.rssMb,
      heapMb: row.heapMb,
    };
  });
  const alone = results.engine.map(({ phase, records, rssMb, heapMb }) => ({
    what: 'engine',
    phase,
    records,
    rssMb,
    heapMb,
  }));
  return [...runs, ...alone].filter(({ records }) => records > 0);
}

const slope = (value: number | null): string => (value === null ? '–' : value.toFixed(1));
const memory = (): string =>
  table(
    ['what', 'phase', 'records', 'peak MB', 'live MB', 'peak MB per 100,000 more', 'live MB per 100,000 more'],
    slopes(memories()).map(({ what, phase, from, to, rssPer100k, heapPer100k }) => [
      ...[what, PHASES[phase] ?? phase, `${grouped(from.records)} to ${grouped(to.records)}`],
      `${grouped(from.rssMb)} to ${grouped(to.rssMb)}`,
      from.heapMb === null || to.heapMb === null ? '–' : `${grouped(from.heapMb)} to ${grouped(to.heapMb)}`,
      ...[slope(rssPer100k), slope(heapPer100k)],
    ]),
  );

const leftOut = (): string =>
  [...Map.groupBy(Object.entries(MOST), ([, most]) => most)]
    .map(([{ products, real, why }, names]) => {
      const less = real === undefined ? '' : ` (${grouped(real)} with HubSpot's limits)`;
      return `- ${names.map(([who]) => `\`${who}\``).join(', ')} above ${grouped(products)} products${less}: ${why}`;
    })
    .join('\n');

const blocks: Readonly<Record<string, () => string>> = {
  machine,
  engine,
  memory,
  'left-out': leftOut,
  'side-by-side-real': () => sideBySide('real'),
  'side-by-side-raw': () => sideBySide('raw'),
  'pipes-real': () => perPipe('real'),
  'pipes-raw': () => perPipe('raw'),
};

const page = at('performance.md');
const text = readFileSync(page, 'utf8').replace(
  /<!-- bench:([a-z-]+) -->[\s\S]*?<!-- \/bench -->/g,
  (whole, name: string) => {
    const block = blocks[name];
    return block ? `<!-- bench:${name} -->\n${block()}\n<!-- /bench -->` : whole;
  },
);
writeFileSync(page, text);

/** Colours of its own, for light and dark: a picture in a page of somebody else's. */
const STYLE = `<style>svg{--soft:#57606a;--line:#d0d7de;--s1:#0969da;--s2:#bf8700;--s3:#1a7f37;--s4:#cf222e;--s5:#8250df;--s6:#57606a}
@media (prefers-color-scheme:dark){svg{--soft:#8d96a0;--line:#30363d;--s1:#4493f8;--s2:#d29922;--s3:#3fb950;--s4:#f85149;--s5:#ab7df8;--s6:#8d96a0}}</style>`;

function draw(name: string, chart: Chart): void {
  const svg = chartSvg(chart).replace(/(<svg[^>]*>)/, `$1${STYLE}`);
  writeFileSync(at(`performance/${name}.svg`), `${svg}\n`);
}

const real = results.rows.filter((row) => row.regime === 'real' && row.pipe === 'products');
const sizes = [...new Set(real.map(({ size }) => size))].sort((a, b) => a - b);
const whos = [...new Set(real.map(({ who }) => who))];
const value = (who: string, size: number, phase: string): number | null => {
  const row = real.find((one) => one.who === who && one.size === size && one.phase === phase);
  return row ? Math.round(row.wallMs / 100) / 10 : null;
};
for (const phase of ['first', 'unchanged'])
  draw(`${phase}-seconds`, {
    kind: 'lines',
    labels: sizes.map(grouped),
    series: whos.map((who) => ({ name: who, values: sizes.map((size) => value(who, size, phase)) })),
  });

const counts = [...new Set(results.engine.map(({ records }) => records))].sort((a, b) => a - b);
const engineSeries = (pick: (row: z.infer<typeof EngineRow>) => number): Chart['series'] =>
  ['first', 'changed', 'unchanged'].map((phase) => ({
    name: phase,
    values: counts.map((records) => {
      const row = results.engine.find((one) => one.records === records && one.phase === phase);
      return row ? Math.round(pick(row)) : null;
    }),
  }));
draw('engine-microseconds', {
  kind: 'lines',
  labels: counts.map(grouped),
  series: engineSeries(({ cpuMs, records }) => (cpuMs * 1000) / records),
});
