/** `demo`: the three vendors as a process of their own on this machine, and the tool run against them over HTTP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { duration, grouped, painter } from '../report/style.ts';
import type { Invocation } from './invocation.ts';
import { setup } from './setup.ts';
import { writeStatusPage } from './status.ts';
import { sync } from './sync.ts';

export interface DemoFlags {
  readonly scale: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly keep?: boolean;
  /** Where the report goes; unless said into the folder for temporary files. */
  readonly html?: string;
}

const summary = z.object({
  pipe: z.string(),
  status: z.string(),
  counts: z.object({
    read: z.number(),
    written: z.number(),
    created: z.number(),
    updated: z.number(),
    unchanged: z.number(),
    excluded: z.record(z.string(), z.number()),
    held: z.number(),
    deadLettered: z.number(),
  }),
  upserts: z.object({ adopted: z.number() }),
  links: z.object({ made: z.number(), removed: z.number() }),
  calls: z.number(),
  writeCalls: z.number(),
  rateLimited: z.number(),
  seconds: z.number(),
  floorSeconds: z.number(),
});
const syncDocument = z.union([z.object({ runs: z.array(summary) }), summary.transform((run) => ({ runs: [run] }))]);
const setupDocument = z.object({ counts: z.object({ steps: z.number(), applied: z.number() }) });

type Summary = z.infer<typeof summary>;

interface Step {
  readonly title: string;
  readonly exit: ExitCode;
  readonly runs: readonly Summary[];
}

export async function demo(flags: DemoFlags, invocation: Invocation): Promise<ExitCode> {
  const vendors = await startVendors(flags);
  const folder = mkdtempSync(join(tmpdir(), 'retail-sync-demo-'));
  const report = flags.html === undefined ? null : resolve(invocation.cwd, flags.html);
  const say = (text: string): void => {
    if (!flags.json) invocation.stdout.write(text);
  };
  try {
    const env = {
      ...homeOf(invocation),
      ...vendors.env,
      RETAIL_SYNC_STATE_DIR: folder,
      XDG_STATE_HOME: folder,
      LOG_LEVEL: 'warn',
    };
    return await play({ ...invocation, env, cwd: folder, trigger: 'demo' }, { ...flags, report }, say);
  } finally {
    vendors.stop();
    if (flags.keep) say(`State kept in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** The demo is the same on every machine: of the user's environment only what a terminal needs gets in. */
function homeOf({ env }: Invocation): Record<string, string | undefined> {
  const names = ['HOME', 'PATH', 'TERM', 'NO_COLOR', 'FORCE_COLOR', 'COLUMNS', 'CI', 'TZ', 'LANG'];
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

interface Play extends DemoFlags {
  /** Where the report goes; null: into a folder of its own. */
  readonly report: string | null;
}

async function play(invocation: Invocation, flags: Play, say: (text: string) => void): Promise<ExitCode> {
  const { env } = invocation;
  say(`A distributor's ERP, Square and HubSpot, emulated on this machine. No account is used.

  ERP      ${env.ERP_STAGING_URL}
  Square   ${env.SQUARE_BASE_URL}
  HubSpot  ${env.HUBSPOT_BASE_URL}  portal ${env.HUBSPOT_PORTAL_ID}, 190 requests per 10 s;
           people have made 2,000 contacts, 700 companies and 880 deals there

`);
  const made = setupDocument.parse(await captured(invocation, (quiet) => setup({ apply: true, json: true }, quiet)));
  say(
    `setup            ${made.counts.applied} of ${made.counts.steps} steps: property groups, properties, pipelines\n\n`,
  );
  const steps: Step[] = [];
  const take = async (title: string, full: boolean): Promise<void> => {
    const step = await syncStep(title, full, invocation);
    steps.push(step);
    say(render(step, painter(invocation.stdout, invocation.env)));
  };
  await take('First load', false);
  await take('Everything read again', true);
  const changes = await changeSources(env);
  say(`Then, in the ERP and at the tills: ${changes}\n\n`);
  await take('What changed', false);
  const exit = verdict(steps);
  const report = flags.report ?? join(mkdtempSync(join(tmpdir(), 'retail-sync-report-')), 'report.html');
  await writeStatusPage(report, invocation);
  if (flags.json) {
    const status = exit === EXIT.ok ? 'ok' : 'failed';
    const counts = { runs: steps.reduce((sum, step) => sum + step.runs.length, 0) };
    invocation.stdout.write(
      `${JSON.stringify({ schemaVersion: 1, runId: null, status, counts, changes, report, steps }, null, 2)}\n`,
    );
  }
  say(closing(steps));
  say(`Report of all runs, for a browser: ${report}\n`);
  return exit;
}

async function syncStep(title: string, full: boolean, invocation: Invocation): Promise<Step> {
  let exit: ExitCode = EXIT.ok;
  const document = await captured(invocation, async (quiet) => {
    exit = await sync('all', { json: true, full }, quiet);
  });
  return { title, exit, runs: syncDocument.parse(document).runs };
}

/** Runs a command with its stdout kept; progress and warnings still reach the terminal. */
async function captured(invocation: Invocation, command: (quiet: Invocation) => Promise<unknown>): Promise<unknown> {
  let text = '';
  const stdout = {
    write: (part: string): void => {
      text += part;
    },
  };
  await command({ ...invocation, stdout });
  return JSON.parse(text);
}

function render({ title, runs }: Step, paint: ReturnType<typeof painter>): string {
  return `${paint('bold', title)}\n${runs.map((run) => renderRun(run, paint)).join('')}\n`;
}

const INDENT = ' '.repeat(23);

function renderRun(run: Summary, paint: ReturnType<typeof painter>): string {
  const { read, created, updated, unchanged, excluded, deadLettered } = run.counts;
  const more = [
    ...Object.entries(excluded).map(([rule, count]) => `${grouped(count)} ${rule}`),
    ...(run.upserts.adopted > 0 ? [`${grouped(run.upserts.adopted)} adopted`] : []),
    ...(run.links.made > 0 ? [`${grouped(run.links.made)} links`] : []),
    ...(run.links.removed > 0 ? [`${grouped(run.links.removed)} links removed`] : []),
    ...(deadLettered > 0 ? [deadLettered === 1 ? '1 dead letter' : `${grouped(deadLettered)} dead letters`] : []),
  ];
  const parts = [
    `${grouped(read)} read`,
    `${grouped(created)} created`,
    `${grouped(updated)} updated`,
    `${grouped(unchanged)} unchanged`,
  ];
  const per1000 = read > 0 ? ` (${((run.calls * 1000) / read).toFixed(1)} per 1,000 records)` : '';
  const mark = paint(run.status === 'ok' ? 'green' : 'yellow', run.status.padEnd(7));
  const lines = [
    `  ${run.pipe.padEnd(12)} ${mark} ${parts.join(', ')}`,
    ...wrap(more, 80 - INDENT.length).map((line) => `${INDENT}${line}`),
    `${INDENT}${grouped(run.calls)} HubSpot calls, ${grouped(run.writeCalls)} writes${per1000}, ${duration(run.seconds)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function wrap(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length + 2 <= columns) lines[lines.length - 1] = `${last}, ${part}`;
    else lines.push(part);
  }
  return lines;
}

/** The dirty rows of the sandbox end as dead letters in the first load; the second run must write nothing. */
function verdict(steps: readonly Step[]): ExitCode {
  const again = steps[1]?.runs ?? [];
  const wrote = again.some((run) => run.writeCalls > 0 || run.counts.written > 0);
  const broken = steps.some((step) => step.exit !== EXIT.ok && step.exit !== EXIT.deadLetters);
  return wrote || broken ? EXIT.internal : EXIT.ok;
}

function closing(steps: readonly Step[]): string {
  const dead = Math.max(...steps.map(({ runs }) => runs.reduce((sum, run) => sum + run.counts.deadLettered, 0)), 0);
  const lines = [
    'The second run read everything again and wrote nothing: what is unchanged costs',
    'no write (customers only read each new contact once more, 100 to a call, to see',
    'that it is still not billable), and every count adds up to what the source has.',
    ...(dead > 0
      ? [
          `${dead} records are broken on purpose or have two possible matches among what`,
          'people made: they wait as dead letters, each with its reason. That is why the',
          'first load says partial and not ok.',
        ]
      : []),
    '',
    'Next:',
    '  retail-sync sandbox          the same vendors as servers, to try every command',
    '  retail-sync demo --keep      keeps the state folder, to look around in',
    '  README.md                    how to connect your own ERP and portal',
    '',
  ];
  return lines.join('\n');
}

const changed = z.looseObject({ changed: z.number().optional() });

/** Returns what changed, in words. */
async function changeSources(env: Invocation['env']): Promise<string> {
  const erp = env.ERP_STAGING_URL ?? '';
  const square = env.SQUARE_BASE_URL ?? '';
  const post = async (base: string, body: unknown): Promise<number> => {
    const response = await fetch(new URL('/_sandbox/change', base), { method: 'POST', body: JSON.stringify(body) });
    return changed.parse(await response.json()).changed ?? 0;
  };
  const items = await post(erp, { resource: 'items', share: 0.01 });
  const accounts = await post(erp, { resource: 'accounts', share: 0.01 });
  const quotes = await post(erp, { resource: 'quotes', add: QUOTES_A_DAY });
  await post(square, { newOrders: 3, refunds: 2 });
  return (
    `${grouped(items)} products and ${grouped(accounts)} customers\n` +
    `changed, ${quotes || QUOTES_A_DAY} quote revisions were written, 3 orders sold, 2 refunded.`
  );
}

/** As many as the distributor writes on a busy day. */
const QUOTES_A_DAY = 15;

interface Vendors {
  readonly env: Readonly<Record<string, string>>;
  stop(): void;
}

/** Long enough for a slow laptop to make up the whole distributor. */
const START_MS_MAX = 60_000;

/** A process of its own, so that time and memory shown are the tool's, and only HTTP is between the two. */
async function startVendors({ scale, seed }: DemoFlags): Promise<Vendors> {
  const bin = fileURLToPath(new URL('../../bin/retail-sync.js', import.meta.url));
  const args = [bin, 'sandbox', '--json', '--scale', String(scale), '--seed', String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2_000);
  });
  const stop = (): void => {
    child.kill('SIGTERM');
  };
  process.once('exit', stop);
  const lines = createInterface({ input: child.stdout });
  const started = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    once(child, 'exit').then(() => null),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), START_MS_MAX).unref()),
  ]);
  if (started === null) {
    stop();
    const said = complaint.trim() || 'they said nothing';
    throw new FatalError(
      EXIT.internal,
      `the emulated vendors did not start: ${said}`,
      'try them alone: retail-sync sandbox',
    );
  }
  return { env: z.object({ env: z.record(z.string(), z.string()) }).parse(JSON.parse(started)).env, stop };
}
