/**
 * How long a command takes before it says something: `npm run bench:start -- --runs 15`. CPU time above that of Node
 * alone, since the machine's Node is not ours to make faster; medians, each in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flagsOf, orRefuse, wholeNumber } from './flags.ts';

const ENTRY = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
/** What the operator's commands promise, in ms of CPU above Node's own start. */
const PROMISED: readonly (readonly [command: string, ms: number])[] = [
  ['--version', 100],
  ['--help', 100],
  ['status', 200],
];

const runs = orRefuse(() =>
  wholeNumber('runs', flagsOf({ options: { runs: { type: 'string', default: '15' } } }).runs, { most: 1_000 }),
);
const folder = mkdtempSync(join(tmpdir(), 'retail-sync-start-'));
const meter = join(folder, 'meter.cjs');
// At its end a process writes what it used, behind whatever it said.
writeFileSync(
  meter,
  `process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    require('node:fs').writeSync(2, '\\nCPU ' + (user + system) / 1000 + ' WALL ' + performance.now());
  });`,
);

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

function costOf(args: readonly string[]): Cost {
  const env = { PATH: process.env.PATH, HOME: folder, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const { stderr } = spawnSync(process.execPath, ['--require', meter, ...args], { cwd: folder, env, encoding: 'utf8' });
  const [, cpu, wall] = /CPU ([\d.]+) WALL ([\d.]+)$/.exec(stderr) ?? [];
  if (cpu === undefined) throw new Error(`${args.join(' ')} did not end: ${stderr}`);
  return { cpuMs: Number(cpu), wallMs: Number(wall) };
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** The first run fills the cache of compiled code, as the first start after an installation does. */
function measured(args: readonly string[]): Cost {
  costOf(args);
  const costs = Array.from({ length: runs }, () => costOf(args));
  return { cpuMs: median(costs.map(({ cpuMs }) => cpuMs)), wallMs: median(costs.map(({ wallMs }) => wallMs)) };
}

try {
  const bare = measured(['-e', '0']);
  say(`Node ${process.version} alone: ${bare.cpuMs.toFixed(0)} ms of CPU, ${bare.wallMs.toFixed(0)} ms`);
  say('command      CPU above Node   promised   wall');
  for (const [command, promisedMs] of PROMISED) {
    const { cpuMs, wallMs } = measured([ENTRY, command]);
    const above = cpuMs - bare.cpuMs;
    say(
      `${command.padEnd(12)} ${`${above.toFixed(0)} ms`.padStart(14)} ${`${promisedMs} ms`.padStart(10)} ${`${wallMs.toFixed(0)} ms`.padStart(6)}${above > promisedMs ? '   OVER' : ''}`,
    );
    if (above > promisedMs) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
