/** Runs a program in a process of its own and tells what it used. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** `rssMb` is the peak; `heapMb` what was still referred to at the end. */
const Used = z.object({ cpuMs: z.number(), wallMs: z.number(), rssMb: z.number(), heapMb: z.number() });
type Used = z.infer<typeof Used>;

export interface Ran extends Used {
  readonly exit: number | null;
  readonly stdout: string;
}

const METER = fileURLToPath(new URL('meter.cjs', import.meta.url));

/**
 * @param args of Node, such as a script and its arguments
 * @param cwd where the program works; the tool keeps its state there
 */
export async function measured(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = tmpdir(),
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-meter-'));
  const meter = join(folder, 'used.json');
  try {
    const child = spawn(process.execPath, ['--require', METER, ...args], {
      cwd,
      env: { PATH: process.env.PATH ?? '', ...env, BENCH_METER: meter },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, exit] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((resolve) => child.once('exit', resolve)),
    ]);
    if (exit !== 0 && exit !== 3) throw new Error(`${args.join(' ')} ended with exit ${exit}: ${stderr}${stdout}`);
    return { ...Used.parse(JSON.parse(readFileSync(meter, 'utf8'))), exit, stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
