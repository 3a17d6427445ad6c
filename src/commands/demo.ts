/** `demo`: the three vendors as a process of their own on this machine, and the tool run against them over HTTP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { duration, grouped, painter } from '../report/style.ts';
import type { Invocation } from './invocation.ts';
import { setup } from './setup.ts';
import { sync } from './sync.ts';

export interface DemoFlags {
  readonly scale: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly keep?: boolean;
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
    return await play({ ...invocation, env, cwd: folder, trigger: 'demo' }, flags, say);
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

async function play(invocation: Invocation, flags: DemoFlags, say: (text: string) => void): Promise<ExitCode> {
  const { env } = invocation;
  say("A distributor's ERP, Square and HubSpot, emulated on this machine. No account is used.\n");
  say(
    `  ERP      ${env.ERP_STAGING_URL}\n  HubSpot  ${env.HUBSPOT_BASE_URL}  portal ${env.HUBSPOT_PORTAL_ID}, 190 requests per 10 s\n\n`,
  );
  const made = setupDocument.parse(await captured(invocation, (quiet) => setup({ apply: true, json: true }, quiet)));
  say(
    `setup            ${made.counts.applied} of ${made.counts.steps} steps applied: groups, properties, pipelines\n\n`,
  );
  const steps: Step[] = [];
  const take = async (title: string, full: boolean): Promise<void> => {
    const step = await syncStep(title, full, invocation);
    steps.push(step);
    say(render(step, painter(invocation.stdout, invocation.env)));
  };
  await take('first load', false);
  await take('everything again', true);
  const changed = await changeSource(env.ERP_STAGING_URL ?? '');
  say(`in the ERP       ${grouped(changed)} products changed\n\n`);
  await take('what changed', false);
  const exit = verdict(steps);
  if (flags.json) {
    const status = exit === EXIT.ok ? 'ok' : 'failed';
    invocation.stdout.write(
      `${JSON.stringify({ schemaVersion: 1, runId: null, status, counts: { changed }, steps }, null, 2)}\n`,
    );
  }
  say(closing(steps));
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
  const lines = runs.map((run) => {
    const { read, created, updated, unchanged, excluded, deadLettered } = run.counts;
    const out = Object.entries(excluded).map(([rule, count]) => `${grouped(count)} excluded (${rule})`);
    const parts = [
      `${grouped(read)} read`,
      `${grouped(created)} created`,
      `${grouped(updated)} updated`,
      `${grouped(unchanged)} unchanged`,
      ...out,
      ...(deadLettered > 0 ? [`${grouped(deadLettered)} dead letters`] : []),
    ];
    const per1000 = read > 0 ? `, ${((run.calls * 1000) / read).toFixed(1)} per 1,000 records` : '';
    const mark = run.status === 'ok' ? paint('green', 'ok     ') : paint('yellow', run.status.padEnd(7));
    return (
      `  ${run.pipe.padEnd(12)} ${mark} ${parts.slice(0, 4).join(', ')}\n` +
      `${parts.length > 4 ? `${' '.repeat(23)}${parts.slice(4).join(', ')}\n` : ''}` +
      `${' '.repeat(23)}${grouped(run.calls)} HubSpot calls, ${grouped(run.writeCalls)} of them writes${per1000}; ${duration(run.seconds)}\n`
    );
  });
  return `${paint('bold', title)}\n${lines.join('')}\n`;
}

/** The dirty rows of the sandbox end as dead letters in the first load; the second run must write nothing. */
function verdict(steps: readonly Step[]): ExitCode {
  const again = steps[1]?.runs ?? [];
  const wrote = again.some((run) => run.writeCalls > 0 || run.counts.written > 0);
  const broken = steps.some((step) => step.exit !== EXIT.ok && step.exit !== EXIT.deadLetters);
  return wrote || broken ? EXIT.internal : EXIT.ok;
}

function closing(steps: readonly Step[]): string {
  const dead = Math.max(...steps.flatMap((step) => step.runs.map((run) => run.counts.deadLettered)), 0);
  const lines = [
    'The second run read everything again and wrote nothing: what is unchanged costs no HubSpot call.',
    ...(dead > 0
      ? [`${dead} records of the ERP are broken on purpose: they wait as dead letters, each with its reason.`]
      : []),
    '',
    'Next:',
    '  retail-sync sandbox          the same vendors as servers, to try every command on',
    '  README.md                    how to connect your own ERP and portal',
    '',
  ];
  return lines.join('\n');
}

async function changeSource(stagingUrl: string): Promise<number> {
  const response = await fetch(new URL('/_sandbox/change', stagingUrl), {
    method: 'POST',
    body: JSON.stringify({ resource: 'items', share: 0.01 }),
  });
  return z.object({ changed: z.number() }).parse(await response.json()).changed;
}

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
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
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
    throw new FatalError(EXIT.internal, 'the emulated vendors did not start', 'see what they say: retail-sync sandbox');
  }
  return { env: z.object({ env: z.record(z.string(), z.string()) }).parse(JSON.parse(started)).env, stop };
}
