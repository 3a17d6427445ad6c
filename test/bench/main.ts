/**
 * The tool and the scripts that stand in for it, side by side, on the same work against the emulated vendors in a process
 * of their own: `npm run bench`. Takes some hours, most of them in the large sizes; `--sizes 1000 --items= --runs 1` is a
 * quick look. `--sizes` counts products sold, `--items` rows of the ERP's item file, 2.5 times as many. Writes
 * docs/performance/results.json; `npm run bench:report` makes tables and charts of it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { flagsOf, folderOf, orRefuse, someOf, wholeNumber, wholeNumbers } from '../flags.ts';
import { measured, median, type Ran } from './measure.ts';
import { leftOut, runsOf, type Size, shopFor, sizesOf } from './sizes.ts';
import { type Calls, type Regime, startVendors, type Vendors } from './vendors.ts';

const PIPES = ['products', 'customers', 'pos-orders', 'quotes', 'all'] as const;
const REGIMES = ['raw', 'real'] as const satisfies readonly Regime[];
/** Larger ones nobody has time for. */
const SIZE_MAX = 10_000_000;

const flags = orRefuse(() => {
  const { sizes, items, runs, regimes, engine, pipes, rivals, out } = flagsOf({
    options: {
      sizes: { type: 'string', default: '1000,12000' },
      items: { type: 'string', default: '100000,1000000' },
      /** 3 up to 12,000 products, 1 above, unless said. */
      runs: { type: 'string' },
      regimes: { type: 'string', default: REGIMES.join() },
      engine: { type: 'string', default: '12000,100000,1000000' },
      pipes: { type: 'string', default: PIPES.join() },
      rivals: { type: 'boolean', default: true },
      out: { type: 'string', default: fileURLToPath(new URL('../../docs/performance', import.meta.url)) },
    },
    allowNegative: true,
  });
  return {
    sizes: sizesOf(wholeNumbers('sizes', sizes, { most: SIZE_MAX }), wholeNumbers('items', items, { most: SIZE_MAX })),
    runs: runs === undefined ? null : wholeNumber('runs', runs, { most: 100 }),
    regimes: someOf('regimes', regimes, REGIMES),
    engine: wholeNumbers('engine', engine, { most: SIZE_MAX }),
    pipes: someOf('pipes', pipes, PIPES),
    rivals,
    out: folderOf('out', out),
  };
});
const BIN = fileURLToPath(new URL('../../bin/retail-sync.js', import.meta.url));
const ENGINE = fileURLToPath(new URL('engine.ts', import.meta.url));
const RIVAL = fileURLToPath(new URL('rival.ts', import.meta.url));
const RIVALS = ['one-by-one', 'in-sequence', 'at-once'] as const;

const Report = z.object({
  counts: z.object({ read: z.number(), created: z.number(), updated: z.number() }),
  seconds: z.number(),
  floorSeconds: z.number(),
});
const Reports = z.union([z.object({ runs: z.array(Report) }), Report.transform((report) => ({ runs: [report] }))]);

interface Row {
  readonly who: string;
  readonly pipe: string;
  readonly size: number;
  readonly regime: Regime;
  readonly phase: 'first' | 'unchanged' | 'one-percent';
  readonly runs: number;
  /** From start to exit of the process. */
  readonly wallMs: number;
  /** Of it, from the first to the last HubSpot call and its settling, as the tool's own report says. */
  readonly runMs: number | null;
  readonly floorMs: number | null;
  readonly cpuMs: number;
  /** The peak. */
  readonly rssMb: number;
  /** What the heap still held at the end. */
  readonly heapMb: number;
  readonly read: number | null;
  readonly objects: number;
  readonly calls: number;
  readonly writes: number;
  readonly writesMin: number;
  readonly limited: number;
}

const rows: Row[] = [];
const say = (line: string): void => void process.stderr.write(`${line}\n`);

type About = Pick<Row, 'who' | 'pipe' | 'size' | 'regime' | 'phase'>;

interface Sample {
  readonly ran: Ran;
  readonly calls: Calls;
  readonly grown: Readonly<Record<string, number>>;
}

/** Runs once and counts what arrived at HubSpot meanwhile. */
async function sample(vendors: Vendors, args: readonly string[]): Promise<Sample> {
  const startedMs = performance.now();
  const before = await vendors.objects();
  await vendors.forget();
  const ran = await measured(args, { ...vendors.env, HOME: vendors.home, XDG_STATE_HOME: vendors.home }, vendors.home);
  const after = await vendors.objects();
  say(`  ${args.slice(1).join(' ')}: ${Math.round((performance.now() - startedMs) / 1000)} s`);
  const grown = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]));
  return { ran, calls: await vendors.calls(), grown };
}

const tool = (...args: string[]): readonly string[] => [BIN, ...args];

function keep(about: About, samples: readonly Sample[]): void {
  const of = (pick: (one: Sample) => number): number => median(samples.map(pick));
  const reports = samples.map(({ ran }) =>
    about.who === 'retail-sync' ? Reports.parse(JSON.parse(ran.stdout)).runs : [],
  );
  const sum = (pick: (one: z.infer<typeof Report>) => number): number | null =>
    about.who === 'retail-sync'
      ? median(reports.map((runs) => runs.reduce((total, run) => total + pick(run), 0)))
      : null;
  const sent = samples.map(({ grown }, at) => {
    const runs = reports[at] ?? [];
    const updated = runs.reduce((total, { counts }) => total + counts.updated, 0);
    const created = Object.values(grown).reduce((total, count) => total + Math.max(0, count), 0);
    const batches = Object.values(grown).reduce((total, count) => total + Math.ceil(Math.max(0, count) / 100), 0);
    return { objects: created + updated, batches: batches + Math.ceil(updated / 100) };
  });
  const row: Row = {
    ...about,
    runs: samples.length,
    wallMs: of(({ ran }) => ran.wallMs),
    runMs: sum(({ seconds }) => seconds * 1000),
    floorMs: sum(({ floorSeconds }) => floorSeconds * 1000),
    cpuMs: of(({ ran }) => ran.cpuMs),
    rssMb: of(({ ran }) => ran.rssMb),
    heapMb: of(({ ran }) => ran.heapMb),
    read: sum(({ counts }) => counts.read),
    objects: median(sent.map(({ objects }) => objects)),
    calls: of(({ calls }) => calls.count),
    writes: of(({ calls }) => calls.writes),
    writesMin: median(sent.map(({ batches }) => batches)),
    limited: Math.max(...samples.map(({ calls }) => calls.limited)),
  };
  rows.push(row);
  const { who, pipe, size, regime, phase, wallMs, cpuMs, rssMb, heapMb, calls, limited } = row;
  say(
    `${regime} ${size} ${who} ${pipe} ${phase}: ${Math.round(wallMs)} ms, ${Math.round(cpuMs)} ms CPU, ${Math.round(rssMb)} MB, ${Math.round(heapMb)} MB live, ${calls} calls, ${limited} x 429`,
  );
}

/** First load, everything again, one per cent changed; each phase against the same vendors, in this order. */
async function phases(
  who: string,
  pipe: string,
  size: Size,
  regime: Regime,
  argsOf: (phase: Row['phase']) => readonly string[],
): Promise<void> {
  const samples: Record<Row['phase'], Sample[]> = { first: [], unchanged: [], 'one-percent': [] };
  for (let run = 0; run < runsOf(flags.runs, size); run++) {
    const vendors = await startVendors(shopFor(pipe, size), regime);
    try {
      await sample(vendors, tool('setup', '--apply'));
      // Quotes hang on customers: these are there first, and not counted.
      if (pipe === 'quotes') await sample(vendors, tool('sync', 'customers', '--json'));
      samples.first.push(await sample(vendors, argsOf('first')));
      samples.unchanged.push(await sample(vendors, argsOf('unchanged')));
      for (const resource of ['items', 'accounts', 'quotes']) await vendors.change(resource, 0.01);
      samples['one-percent'].push(await sample(vendors, argsOf('one-percent')));
      say(`${regime} ${size.products} ${who} ${pipe}: the emulated vendors took ${vendors.peakMb() ?? '?'} MB`);
    } finally {
      await vendors.close();
    }
  }
  for (const phase of ['first', 'unchanged', 'one-percent'] as const)
    keep({ who, pipe, size: size.products, regime, phase }, samples[phase]);
}

/** Who is measured at a size; of the others is said why not. */
const measurable = (names: readonly string[], size: Size, regime: Regime): readonly string[] =>
  names.filter((name) => {
    const why = leftOut(name, size, regime);
    if (why !== null) say(`${regime} ${size.products} ${name}: ${why}`);
    return why === null;
  });

const EngineRow = z.object({
  ...{ phase: z.string(), records: z.number(), writes: z.number(), wallMs: z.number(), cpuMs: z.number() },
  ...{ recordsPerSecond: z.number(), rssMb: z.number(), stateBytesPerRecord: z.number() },
  heapMb: z.number().optional(),
});
const engine: z.infer<typeof EngineRow>[] = [];

/** What was measured before and not this time stays: a part can be measured again alone. */
function kept<T>(all: readonly T[], fresh: readonly T[], nameOf: (row: T) => string): T[] {
  const names = new Set(fresh.map(nameOf));
  return [...all.filter((row) => !names.has(nameOf(row))), ...fresh];
}

const file = join(flags.out, 'results.json');
const Before = z.object({ rows: z.array(z.custom<Row>()), engine: z.array(EngineRow) });
const before = existsSync(file) ? Before.parse(JSON.parse(readFileSync(file, 'utf8'))) : { rows: [], engine: [] };
const machine = {
  ...{ cores: availableParallelism(), cpu: cpus()[0]?.model ?? '', node: process.version },
  memoryGb: Math.round(totalmem() / 2 ** 30),
};
/** After each part: what was measured must not be lost with what comes later. */
function save(): void {
  const results = {
    measuredAt: new Date().toISOString(),
    machine,
    rows: kept(before.rows, rows, ({ who, pipe, size, regime, phase }) => [who, pipe, size, regime, phase].join(' ')),
    engine: kept(before.engine, engine, ({ records, phase }) => `${records} ${phase}`),
  };
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}

for (const size of flags.sizes)
  for (const regime of flags.regimes) {
    for (const pipe of measurable(flags.pipes, size, regime))
      await phases('retail-sync', pipe, size, regime, (phase) =>
        tool('sync', pipe, '--json', ...(phase === 'unchanged' ? ['--full'] : [])),
      );
    for (const rival of measurable(flags.rivals ? RIVALS : [], size, regime))
      await phases(rival, 'products', size, regime, () => [RIVAL, rival]);
    save();
  }

for (const records of flags.engine) {
  const heap = ['--semi-space-growth-factor=1', '--heap-growing-percent=20'];
  const { stdout } = await measured([...heap, ENGINE, '--records', String(records)], {});
  for (const line of stdout.trim().split('\n')) {
    say(`engine ${line}`);
    engine.push(EngineRow.parse(JSON.parse(line)));
  }
}
save();
