/**
 * Kills real processes with -9 at random moments of their work, and compares what is left with what an undisturbed
 * installation makes of the same sources: `npm run kills -- --kills 200 --seed 1`. docs/failures.md quotes a run of it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { seeded } from '../src/sandbox/random.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/start.ts';
import { flagsOf, fraction, orRefuse, wholeNumber } from './flags.ts';

const values = orRefuse(() => {
  const { kills, seed, each, scale } = flagsOf({
    options: {
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      /** Kills that one installation has to live through before it is compared. */
      each: { type: 'string', default: '20' },
      scale: { type: 'string', default: '0.01' },
    },
  });
  return {
    kills: wholeNumber('kills', kills, { most: 1_000_000 }),
    seed: wholeNumber('seed', seed, { least: 0, most: 4_294_967_295 }),
    each: wholeNumber('each', each, { most: 1_000_000 }),
    scale: fraction('scale', scale, { least: 0.001, most: 1 }),
  };
});

const ENTRY = fileURLToPath(new URL('../bin/retail-sync.js', import.meta.url));
/** A process that ends by itself was not killed, and does not count; this many in a row end the script. */
const MISSES_MAX = 50;
const random = seeded(values.seed);
const between = (least: number, most: number): number => Math.floor(least + random() * (most - least));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const objectsSchema = z.object({
  results: z.array(z.object({ id: z.string(), properties: z.record(z.string(), z.string().nullable()) })),
});
const linksSchema = z.object({ results: z.array(z.looseObject({ from: z.string(), to: z.string() })) });

const propertiesSchema = z.array(z.tuple([z.string(), z.string().nullable()]));

/** One installation: three vendors, a state folder. */
class Installation {
  readonly sandbox: Sandbox;
  readonly folder = mkdtempSync(join(tmpdir(), 'retail-sync-kills-'));

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  /** Runs the tool; killed after `killAfterMs`, or when it ends. */
  run(
    args: readonly string[],
    killAfterMs: number | null = null,
  ): Promise<{ code: number | null; ms: number; log: string }> {
    const startedMs = performance.now();
    const { PATH } = process.env;
    const env = { PATH, HOME: this.folder, XDG_STATE_HOME: this.folder, NODE_COMPILE_CACHE: COMPILED };
    const child = spawn(process.execPath, [ENTRY, ...args], {
      cwd: this.folder,
      env: { ...env, ...this.sandbox.env, HUBSPOT_QUARANTINE_MS: '300', ERP_CUTOVER_HOLD: 'true' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4_000);
    });
    const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve({ code, ms: performance.now() - startedMs, log });
      });
    });
  }

  async change(body: object): Promise<void> {
    const reply = await fetch(new URL('/_sandbox/change', this.sandbox.env.ERP_STAGING_URL), {
      method: 'POST',
      headers: { authorization: `Bearer ${this.sandbox.env.ERP_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw new Error(`${JSON.stringify(body)}: ${reply.status} ${await reply.text()}`);
  }

  async #ask(path: string): Promise<unknown> {
    return await (await fetch(new URL(path, this.sandbox.env.HUBSPOT_BASE_URL))).json();
  }

  /** Everything this tool may have written, by key instead of by id; and how many writes there were. */
  async portal(): Promise<{ objects: Map<string, string>; links: Set<string>; doubles: string[] }> {
    const objects = new Map<string, string>();
    const names = new Map<string, string>();
    const doubles: string[] = [];
    for (const [type, keys] of Object.entries(KEYS)) {
      const { results } = objectsSchema.parse(await this.#ask(`/_sandbox/objects/${type}`));
      for (const { id, properties } of results) {
        const key = keys.map((name) => properties[name]).find(Boolean);
        const name = key ? `${type} ${key}` : `${type} #${id}`;
        if (objects.has(name)) doubles.push(name);
        names.set(id, name);
        const kept = Object.entries(properties)
          .filter(([property]) => !VOLATILE.test(property))
          .map(([property, value]) => [property, STAMPS.test(property) ? value?.slice(0, 10) : value]);
        objects.set(name, JSON.stringify(kept.toSorted()));
      }
    }
    const { results } = linksSchema.parse(await this.#ask('/_sandbox/associations'));
    const links = new Set(
      results.map(({ from, to, ...rest }) => JSON.stringify([named(names, from), named(names, to), rest])),
    );
    return { objects, links, doubles };
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const named = (names: ReadonlyMap<string, string>, id: string): string =>
  names.get(id) ?? names.get(id.split(/[\s:/]/).at(-1) ?? '') ?? id;

const KEYS = {
  products: ['erp_product_id'],
  companies: ['erp_customer_id'],
  contacts: ['erp_contact_id'],
  deals: ['erp_opportunity_id', 'square_order_id'],
} as const;
/** What HubSpot stamps by itself, and ids. */
const VOLATILE =
  /^hs_(?!sku|cost|marketable)|^(createdate|lastmodifieddate|closed_|days_to|notes_|num_)|owner_assigneddate/;
/** Each of the two ERPs stamps an edit with its own time, milliseconds apart: the day has to be the same. */
const STAMPS = /^(erp_modified_at|closedate)$/;
const COMPILED = mkdtempSync(join(tmpdir(), 'retail-sync-kills-compiled-'));

async function open(seed: number, asOfMs: number): Promise<Installation> {
  const installation = new Installation(
    await startSandbox({
      ...{ seed, scale: values.scale, asOfMs, ports: { erp: 0, hubspot: 0, square: 0 }, burstPer10s: null },
      ...{ latency: true, erpTimeScale: 0.002, faults: {}, erpProduction: 'dark' },
    }),
  );
  const { code, log } = await installation.run(['setup', '--apply']);
  if (code !== 0) throw new Error(`setup ended with ${code}: ${log}`);
  return installation;
}

/** The same edits for both installations, told apart by their number. */
const CHANGES = [
  { resource: 'items', share: 0.2 },
  { resource: 'accounts', share: 0.1 },
  { resource: 'quotes', share: 0.1 },
] as const;

interface Life {
  readonly kills: number;
  readonly misses: number;
  readonly differences: readonly string[];
  readonly doubles: number;
  readonly objects: number;
  readonly rewrites: number;
}

/** Kills one installation until it has had enough, lets it finish, and compares it with one that nobody disturbed. */
async function live(seed: number, killsWanted: number): Promise<Life> {
  const asOfMs = Date.now();
  const [victim, control] = await Promise.all([open(seed, asOfMs), open(seed, asOfMs)]);
  try {
    let [kills, misses, longestMs] = [0, 0, 12_000];
    while (kills < killsWanted && misses < MISSES_MAX) {
      const { code, ms } = await victim.run(['sync', 'all', '--full', '--approve'], between(50, longestMs));
      if (code === null) kills++;
      else {
        misses++;
        longestMs = Math.max(1_000, ms);
        const change = CHANGES[between(0, CHANGES.length)] ?? CHANGES[0];
        await Promise.all([victim.change(change), control.change(change)]);
      }
    }
    await settle(victim);
    await settle(control);
    const [left, right] = [await victim.portal(), await control.portal()];
    const rewrites = (await victim.run(['sync', 'all', '--full'])).code ?? 1;
    const again = await victim.portal();
    const moved = [...again.objects].filter(([name, text]) => left.objects.get(name) !== text).map(([name]) => name);
    return {
      ...{ kills, misses, objects: left.objects.size, rewrites: moved.length + (rewrites === 0 ? 0 : 1) },
      differences: differing(left, right),
      doubles: left.doubles.length,
    };
  } finally {
    await Promise.all([victim.close(), control.close()]);
  }
}

/** The first run does the work, the second one must find nothing to do: 0, or 3 for letters of the world's bad rows. */
async function settle(installation: Installation): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const { code, log } = await installation.run(['sync', 'all', '--full', '--approve']);
    if (code !== 0 && code !== 3) throw new Error(`a run that nobody disturbed ended with ${code}: ${log}`);
  }
}

type Seen = Awaited<ReturnType<Installation['portal']>>;

function differing(left: Seen, right: Seen): string[] {
  const names = new Set([...left.objects.keys(), ...right.objects.keys()]);
  const objects = [...names]
    .filter((name) => left.objects.get(name) !== right.objects.get(name))
    .map((name) => `${name}: ${unequal(left.objects.get(name), right.objects.get(name))}`);
  const links = [...left.links]
    .filter((link) => !right.links.has(link))
    .concat([...right.links].filter((link) => !left.links.has(link)));
  return [...objects, ...links.map((link) => `link ${link}`)];
}

/** Which properties of one object differ, the killed one first. */
function unequal(left: string | undefined, right: string | undefined): string {
  if (left === undefined || right === undefined)
    return `only in the ${left === undefined ? 'undisturbed' : 'killed'} one`;
  const [mine, other] = [left, right].map((text) => new Map(propertiesSchema.parse(JSON.parse(text))));
  return [...new Set([...(mine?.keys() ?? []), ...(other?.keys() ?? [])])]
    .filter((name) => mine?.get(name) !== other?.get(name))
    .map((name) => `${name} "${mine?.get(name) ?? ''}" instead of "${other?.get(name) ?? ''}"`)
    .join(', ');
}

const wanted = values.kills;
const startedMs = performance.now();
say('life   kills  ended  objects  different  double  rewritten');
let [total, failed] = [0, 0];
for (let life = 1; total < wanted; life++) {
  const one = await live(values.seed * 1_000 + life, Math.min(values.each, wanted - total));
  if (one.kills === 0) throw new Error('no process could be killed: they end too soon');
  total += one.kills;
  failed += one.differences.length + one.doubles + one.rewrites;
  const cells = [life, one.kills, one.misses, one.objects, one.differences.length, one.doubles, one.rewrites];
  say(cells.map((cell, nth) => String(cell).padStart([4, 8, 7, 9, 11, 8, 11][nth] ?? 8)).join(''));
  for (const difference of one.differences.slice(0, 5)) say(`      ${difference}`);
}
rmSync(COMPILED, { recursive: true, force: true });
say(
  `${total} kills, ${failed === 0 ? 'every end as if nobody had killed anything' : `${failed} faults`}, ${Math.round((performance.now() - startedMs) / 1000)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;
