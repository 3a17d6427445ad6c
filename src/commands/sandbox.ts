/** `sandbox`: the three emulated vendors as servers, until somebody stops them. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { EXIT, type ExitCode, FatalError } from '../errors.ts';
import { startSandbox } from '../sandbox/start.ts';
import type { Invocation } from './invocation.ts';

export interface SandboxFlags {
  readonly seed: number;
  readonly scale: number;
  readonly items?: number;
  readonly accounts?: number;
  readonly quotes?: number;
  readonly erpPort: number;
  readonly hubspotPort: number;
  readonly squarePort: number;
  /** Requests per 10 s, or `none`. */
  readonly rate: string;
  readonly latency: boolean;
  readonly erpTimeScale: number;
  readonly erpCommitRows?: number;
  readonly erpProduction: string;
  readonly faults?: string;
  readonly json?: boolean;
}

const vendorFaults = z.array(z.looseObject({ fault: z.looseObject({ kind: z.string() }) }));
const faultFile = z.strictObject({
  erp: vendorFaults.optional(),
  hubspot: vendorFaults.optional(),
  square: vendorFaults.optional(),
});

export async function sandbox(flags: SandboxFlags, { stdout, stop }: Invocation): Promise<ExitCode> {
  const rows = { items: flags.items, accounts: flags.accounts, quotes: flags.quotes };
  const servers = await startSandbox({
    seed: flags.seed,
    scale: flags.scale,
    rows: Object.fromEntries(Object.entries(rows).filter(([, count]) => count !== undefined)),
    ...(flags.erpCommitRows === undefined ? {} : { commitRows: flags.erpCommitRows }),
    asOfMs: Date.now(),
    ports: { erp: flags.erpPort, hubspot: flags.hubspotPort, square: flags.squarePort },
    burstPer10s: rateOf(flags.rate),
    latency: flags.latency,
    erpTimeScale: flags.erpTimeScale,
    erpProduction: z.enum(['dark', 'live', 'login-page', 'empty', 'refused']).parse(flags.erpProduction),
    faults: {},
  }).catch((error: unknown) => {
    throw portTaken(error);
  });
  if (flags.faults) await plant(flags.faults, servers.env);
  stdout.write(
    flags.json
      ? `${JSON.stringify({ schemaVersion: 1, runId: null, status: 'ok', counts: {}, env: servers.env })}\n`
      : instructions(servers.env),
  );
  await new Promise((resolve) => {
    if (stop.aborted) resolve(null);
    else stop.addEventListener('abort', resolve, { once: true });
  });
  await servers.close();
  return EXIT.ok;
}

function rateOf(text: string): number | null {
  if (text === 'none') return null;
  const rate = Number(text);
  if (Number.isInteger(rate) && rate > 0) return rate;
  throw new FatalError(EXIT.usage, `--rate is "${text}"`, 'give requests per 10 s, such as 190, or none');
}

/** Each vendor takes its plan over HTTP, as anybody else may give it one while it runs. */
async function plant(path: string, env: Readonly<Record<string, string>>): Promise<void> {
  const parsed = faultFile.safeParse(readJson(path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new FatalError(
      EXIT.usage,
      `${path}: ${issue?.path.join('.')}: ${issue?.message}`,
      'docs/sandbox.md describes the fault file',
    );
  }
  const bases = { erp: env.ERP_STAGING_URL, hubspot: env.HUBSPOT_BASE_URL, square: env.SQUARE_BASE_URL };
  for (const vendor of ['erp', 'hubspot', 'square'] as const) {
    const rules = parsed.data[vendor];
    if (rules) await fetch(new URL('/_sandbox/faults', bases[vendor]), { method: 'PUT', body: JSON.stringify(rules) });
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new FatalError(
      EXIT.usage,
      `the fault file ${path} cannot be read as JSON`,
      'docs/sandbox.md describes the fault file',
      { cause: error },
    );
  }
}

function portTaken(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') return error;
  return new FatalError(EXIT.usage, `a port is taken: ${error.message}`, 'choose other ports, or 0 for any free one', {
    cause: error,
  });
}

function instructions(env: Readonly<Record<string, string>>): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${value}`);
  return [
    'The three vendors are listening on this machine. In another terminal:',
    '',
    ...exports.map((line) => `  ${line}`),
    '',
    '  retail-sync setup --apply',
    '  retail-sync sync products',
    '',
    'Stop them with Ctrl-C.',
    '',
  ].join('\n');
}
