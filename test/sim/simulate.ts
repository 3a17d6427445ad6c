/** The command line of the simulation; docs/simulation.md says what its modes are for. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { FlagError, flagsOf, oneOf, orRefuse, wholeNumber } from '../flags.ts';
import { type Engine, loadEngine, REPOSITORY } from './engine.ts';
import { type Plan, type Told, tell } from './history.ts';
import { exhaust, hunt } from './hunt.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { plant } from './plant.ts';
import { installVirtualTime } from './time.ts';
import { SCENARIOS, WORLDS, type World } from './worlds.ts';

/** More than a month of histories, and ids beyond what 32 bits tell apart. */
const SEEDS_MAX = 100_000_000;
const SEED_MAX = 4_294_967_295;

const values = orRefuse(() => {
  const given = flagsOf({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '0' },
      /** One history, with its trace. */
      seed: { type: 'string' },
      world: { type: 'string' },
      scenario: { type: 'string' },
      edge: { type: 'string' },
      exhaustive: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      mutant: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      /** A part of a larger run: histories of this process only. */
      part: { type: 'boolean', default: false },
    },
  });
  const { seeds, from, seed, world, scenario, edge, mutant } = given;
  if (world !== undefined) oneOf('world', world, Object.keys(WORLDS));
  if (scenario !== undefined) oneOf('scenario', scenario, Object.keys(SCENARIOS));
  if (world !== undefined && scenario !== undefined)
    throw new FlagError('--world and --scenario name one thing twice: give one of them');
  if (edge !== undefined && seed === undefined)
    throw new FlagError('--edge says where one history is killed: give its --seed too');
  for (const name of mutant ?? [])
    oneOf(
      'mutant',
      name,
      MUTANTS.map((one) => one.name),
    );
  return {
    ...given,
    seeds: wholeNumber('seeds', seeds, { most: SEEDS_MAX }),
    from: wholeNumber('from', from, { least: 0, most: SEED_MAX }),
    seed: seed === undefined ? undefined : wholeNumber('seed', seed, { least: 0, most: SEED_MAX }),
    edge: edge === undefined ? undefined : wholeNumber('edge', edge, { most: 1_000_000 }),
  };
});

/** Lines of trace shown with a failure; the whole of it comes with --seed. */
const TAIL = 40;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const startedNs = process.hrtime.bigint();
const seconds = (): number => Math.round(Number(process.hrtime.bigint() - startedNs) / 1e8) / 10;

interface Summary {
  readonly histories: number;
  readonly edges: number;
  readonly failures: readonly { readonly plan: Plan; readonly failure: string }[];
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
}

// A dead process leaves promises behind that nobody waits for; anything else that is not caught is a fault.
process.on('unhandledRejection', (reason) => {
  if (reason instanceof Error && reason.name === 'Crash') return;
  throw reason;
});

const chosenWorld = (): World => {
  const found = Object.entries({ ...WORLDS, ...SCENARIOS }).find(
    ([name]) => name === (values.world ?? values.scenario ?? ''),
  );
  return found?.[1] ?? {};
};

function replayOf({ seed, killedAtEdge }: Plan): string {
  const world = values.world ? ` --world ${values.world}` : values.scenario ? ` --scenario '${values.scenario}'` : '';
  return `npm run simulate -- --seed ${seed}${world}${killedAtEdge ? ` --edge ${killedAtEdge}` : ''}`;
}

async function seeds(engine: Engine): Promise<Summary> {
  const from = values.from;
  const counts = new Map<string, number>();
  const failures: Summary['failures'][number][] = [];
  let edges = 0;
  for (let seed = from; seed < from + values.seeds; seed++) {
    const plan = { ...chosenWorld(), seed };
    const told = await tell(engine, plan, false);
    edges += told.edges;
    for (const [what, count] of told.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (told.failure !== null) failures.push({ plan, failure: told.failure });
  }
  return { histories: values.seeds, edges, failures, counts: Object.fromEntries(counts), seconds: seconds() };
}

/** Histories of one process: each leaves some memory behind, so that no process may tell a night's worth of them. */
const PART_MAX = 250;

/** As many processes at a time as there are cores, each with its share of the seeds. */
async function seedsOnAllCores(): Promise<Summary> {
  const cores = Math.min(availableParallelism(), 8);
  const [all, first] = [values.seeds, values.from];
  const size = Math.min(PART_MAX, Math.ceil(all / cores));
  const starts = Array.from({ length: Math.ceil(all / size) }, (_, part) => part * size);
  const limit = pLimit(cores);
  let ended = 0;
  const done = await Promise.all(
    starts.map((start) =>
      limit(async () => {
        const count = Math.min(size, all - start);
        const part = await partOf(['--from', String(first + start), '--seeds', String(count)]);
        ended += count;
        reportProgress(ended, all, part);
        return part;
      }),
    ),
  );
  const counts: Record<string, number> = {};
  for (const part of done) {
    for (const [what, count] of Object.entries(part.counts)) counts[what] = (counts[what] ?? 0) + count;
  }
  return {
    histories: done.reduce((sum, part) => sum + part.histories, 0),
    edges: done.reduce((sum, part) => sum + part.edges, 0),
    failures: done.flatMap(({ failures }) => failures),
    counts,
    seconds: seconds(),
  };
}

/** A night is long: failures are told at once, and how far it is. */
function reportProgress(ended: number, all: number, { failures }: Summary): void {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  for (const { plan, failure } of failures) tell(`seed ${plan.seed} ${failure}\n  again: ${replayOf(plan)}`);
  if (all > 4 * PART_MAX) tell(`${ended} of ${all}, ${seconds()} s`);
}

async function partOf(args: readonly string[]): Promise<Summary> {
  const world = values.world ? ['--world', values.world] : [];
  const scenario = values.scenario ? ['--scenario', values.scenario] : [];
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--part', ...world, ...scenario, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  for await (const line of createInterface(child.stdout)) last = line;
  if (!last.startsWith('{')) throw new Error(`a part of the simulation died: ${args.join(' ')}`);
  return JSON.parse(last);
}

function show(told: Told, whole: boolean): void {
  const lines = whole ? told.trace : told.trace.slice(-TAIL);
  for (const line of lines) say(line);
  say(`seed ${told.seed}, faults: ${told.families.join(' ') || 'none'}; ${told.edges} edges`);
  say(told.failure === null ? 'held' : `FAILED ${told.failure}`);
}

async function reportSeeds(engine: Engine, summary: Summary): Promise<void> {
  if (values.json) {
    say(JSON.stringify(summary));
    return;
  }
  for (const { plan, failure } of summary.failures.slice(0, 3)) {
    show(await tell(engine, plan, true), false);
    say(`${failure}\n  again: ${replayOf(plan)}\n`);
  }
  for (const { plan, failure } of summary.failures.slice(3)) say(`seed ${plan.seed} ${failure}`);
  for (const [what, count] of Object.entries(summary.counts).sort()) say(`${String(count).padStart(9)} ${what}`);
  const { histories, edges, failures } = summary;
  say(`${histories} histories, ${edges} edges, ${failures.length} failures, ${summary.seconds} s`);
}

/** Each broken rule: which mode notices, after how many histories. */
async function mutants(): Promise<number> {
  const wanted = MUTANTS.filter(({ name }) => !values.mutant || values.mutant.includes(name));
  const rows: Awaited<ReturnType<typeof tryMutant>>[] = [];
  for (const mutant of wanted) {
    const row = await tryMutant(mutant, values.seeds);
    rows.push(row);
    if (!values.json) say(`| ${mutant.name} | ${mutant.rule} | ${row.seen} |`);
  }
  if (values.json) say(JSON.stringify(rows));
  return 0;
}

async function tryMutant(mutant: Mutant, count: number): Promise<{ name: string; isFound: boolean; seen: string }> {
  const { name, world } = mutant;
  const { engine, remove } = await plant(mutant.replacements);
  try {
    const seen: string[] = [];
    const by = async (mode: string, work: ReturnType<typeof hunt>): Promise<boolean> => {
      const { found, histories } = await work;
      seen.push(
        found ? `${mode}: after ${histories} (${found.failure?.split(':')[0]})` : `${mode}: not in ${histories}`,
      );
      return found !== null;
    };
    const inWorld = await by(`world ${world}`, hunt(engine, WORLDS[world], 0, count));
    // The world it shows in first; the others only where that one is silent, or when asked for all.
    const more = !values.part && (!inWorld || values.exhaustive);
    const inSwarm = more && (await by('seeds', hunt(engine, {}, 0, count)));
    const isFound = inWorld || inSwarm || (more && (await by('every edge', exhaust(engine, 1))));
    return { name, isFound, seen: seen.join('; ') };
  } finally {
    remove();
  }
}

async function replay(engine: Engine, seed: number): Promise<number> {
  const edge = values.edge === undefined ? {} : { killedAtEdge: values.edge };
  const told = await tell(engine, { ...chosenWorld(), seed, ...edge }, true);
  show(told, true);
  return told.failure === null ? 0 : 1;
}

async function exhaustive(engine: Engine): Promise<number> {
  const { found, plan, histories } = await exhaust(engine, values.from + 1, values.scenario);
  if (found && plan) {
    show(await tell(engine, plan, true), false);
    say(`  again: ${replayOf(plan)}`);
  }
  say(`${histories} histories, killed at every edge, ${found ? 'FAILED' : 'all held'}, ${seconds()} s`);
  return found ? 1 : 0;
}

async function main(): Promise<number> {
  installVirtualTime();
  if (values.mutants) return await mutants();
  const engine = await loadEngine(REPOSITORY);
  if (values.seed !== undefined) return await replay(engine, values.seed);
  if (values.exhaustive) return await exhaustive(engine);
  if (values.part) {
    say(JSON.stringify(await seeds(engine)));
    return 0;
  }
  const summary = await seedsOnAllCores();
  await reportSeeds(engine, summary);
  return summary.failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();
