/**
 * A real `jobs serve` by the real clock, with a job every minute, killed with -9 in the middle of one and started again:
 * `npm run serve:live`. It takes 20 minutes, because what died is tried again after 15.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startSandbox } from '../src/sandbox/start.ts';
import { openReadOnly } from '../src/state/database.ts';
import { type SlotRow, slotsSince } from '../src/state/slots.ts';

const ENTRY = fileURLToPath(new URL('../bin/retail-sync.js', import.meta.url));
const JOBS = ['products', 'pos-orders', 'customers', 'quotes'];
const KILLED = 'products';
const MINUTES_MAX = 25;
const HOUR_MS = 3_600_000;
const startedMs = Date.now();
const say = (line: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - startedMs) / 1_000)).padStart(5)} s  ${line}\n`);
let failed = 0;

function check(name: string, holds: boolean, seen: unknown = ''): void {
  if (!holds) failed++;
  say(`${holds ? '✓' : '✗'} ${name}${holds ? '' : `: ${JSON.stringify(seen)}`}`);
}

const folder = mkdtempSync(join(tmpdir(), 'retail-sync-serve-'));
const sandbox = await startSandbox({
  ...{ seed: 1, scale: 0.02, asOfMs: Date.now(), ports: { erp: 0, hubspot: 0, square: 0 }, burstPer10s: 190 },
  ...{ latency: true, erpTimeScale: 1, faults: {}, erpProduction: 'dark' as const },
});
const { PATH } = process.env;
const env = { PATH, HOME: folder, XDG_STATE_HOME: folder, ...sandbox.env, ERP_CUTOVER_HOLD: 'true' };
const state = join(folder, 'var');
const running = new Set<ChildProcess>();

/** A command of the tool, to its end. The sandbox lives in this process, so that nothing may wait in it. */
function tool(...args: string[]): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [ENTRY, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout })));
}

function serve(): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, 'jobs', 'serve'], { cwd: folder, env, stdio: 'ignore' });
  running.add(child);
  return child;
}

function slots(): readonly SlotRow[] {
  const db = openReadOnly(state);
  try {
    return db ? slotsSince(db, startedMs).filter(({ plannedAtMs }) => plannedAtMs < startedMs + HOUR_MS) : [];
  } finally {
    db?.close();
  }
}

const slotOf = (job: string): SlotRow | undefined => slots().find((slot) => slot.job === job);

/** Bounded: as long as the whole may take. */
async function until(holds: () => boolean): Promise<boolean> {
  while (!holds()) {
    if (Date.now() - startedMs > MINUTES_MAX * 60_000) return false;
    await sleep(50);
  }
  return true;
}

const pidsOfTicks = (): string => spawnSync('pgrep', ['-f', `${ENTRY} jobs tick`], { encoding: 'utf8' }).stdout.trim();

try {
  await story();
} finally {
  for (const child of running) child.kill('SIGKILL');
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;

async function story(): Promise<void> {
  // The first full minute that leaves a minute for the preparations.
  const firstMs = Math.ceil(startedMs / 60_000 + 1) * 60_000;
  const at = (place: number): string => new Date(firstMs + place * 60_000).toISOString().slice(11, 16);
  const lines = JOBS.map((job, place) => `  ${job}: { at: "${at(place)}" }`);
  const off = ['reconcile', 'prune'].map((job) => `  ${job}: { off: true }`);
  writeFileSync(join(folder, 'schedule.yaml'), ['zone: UTC', 'jobs:', ...lines, ...off, ''].join('\n'));
  check('setup makes the properties', (await tool('setup', '--apply')).code === 0);
  const first = serve();
  check(`${KILLED} begins`, await until(() => slotOf(KILLED)?.state === 'running'));
  first.kill('SIGKILL');
  say('killed with -9');
  check('the run dies with the service', await until(() => pidsOfTicks() === ''), pidsOfTicks());
  const second = serve();
  check(`${KILLED} is taken up again`, await until(() => slotOf(KILLED)?.reason?.includes('died') === true));
  const isOver = (job: string): boolean => ['ok', 'partial'].includes(slotOf(job)?.state ?? '');
  for (const job of ['pos-orders', 'customers', 'quotes']) check(`${job} runs`, await until(() => isOver(job)));
  check(`${KILLED} has waited for its quarter of an hour`, slotOf(KILLED)?.state === 'open', slotOf(KILLED));
  check('every slot is over', await until(() => JOBS.every(isOver)), slots());
  second.kill('SIGTERM');
  const ended = await Promise.race([new Promise((resolve) => second.once('close', resolve)), sleep(15_000)]);
  check('TERM ends the service in an orderly way', ended === 0, ended);
  for (const job of JOBS) {
    const { startedAtMs, plannedAtMs } = slotOf(job) ?? { startedAtMs: null, plannedAtMs: 0 };
    const lateMs = (startedAtMs ?? 0) - plannedAtMs;
    check(`${job} began on the minute (${lateMs} ms after it)`, lateMs >= 0 && lateMs < 20_000, lateMs);
  }
  const attempts = JOBS.map((job) => slotOf(job)?.attempts);
  check('each ran once, the killed one twice', attempts.join() === '2,1,1,1', attempts);
  process.stdout.write((await tool('jobs', 'history')).stdout);
}
