/**
 * The real engine, state, source and sink in a simulated world: a thousand histories of faults, a process killed at every
 * edge, and the rules of the engine broken one by one. docs/simulation.md tells how to replay what fails here.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const SIMULATE = join(import.meta.dirname, 'sim', 'simulate.ts');
const LONG_MS = 240_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** The simulation replaces the clocks of its process: it gets one of its own. */
function simulate(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SIMULATE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

/** What a green run must have been through: without it, it would prove nothing. */
const HAPPENED = [
  'tie group over a page',
  '207 or 200 with errors inside',
  'refused whole, more than four in it',
  'write landed late',
  'killed before the answer to upsert',
  'killed after a commit',
  'point read',
  'records held',
  'changed and back again',
  'result left out of an answer',
  'asleep',
  'asked to stop',
  '429',
];
const AT_LEAST = 20;

describe('the simulated engine', () => {
  test(
    'keeps its promises in a thousand histories, and much has happened in them',
    async () => {
      const { code, out } = await simulate('--seeds', '1000', '--json');
      const summary: { failures: unknown[]; counts: Record<string, number> } = JSON.parse(out);
      expect(summary.failures).toEqual([]);
      expect(HAPPENED.filter((what) => (summary.counts[what] ?? 0) < AT_LEAST)).toEqual([]);
      expect(code).toBe(0);
    },
    LONG_MS,
  );

  test.each(['calm, one record each', 'records leave'])(
    'survives being killed at every edge of a history: %s',
    async (scenario) => {
      const { code, out } = await simulate('--exhaustive', '--scenario', scenario);
      expect(out).toContain('all held');
      expect(code).toBe(0);
    },
    LONG_MS,
  );

  test(
    'lives through the same seed in the same way',
    async () => {
      const [first, second] = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7')]);
      expect(first.out.length).toBeGreaterThan(1_000);
      expect(second.out).toBe(first.out);
    },
    LONG_MS,
  );

  test(
    'does not survive the breaking of a rule',
    async () => {
      const { out } = await simulate('--mutants', '--part', '--json', '--seeds', '60', ...FAST.flatMap(named));
      const rows: { name: string; isFound: boolean }[] = JSON.parse(out);
      expect(rows.filter(({ isFound }) => !isFound)).toEqual([]);
      expect(rows.length).toBe(FAST.length);
    },
    LONG_MS,
  );
});

const named = (name: string): string[] => ['--mutant', name];

/** Those that show within a few histories; `npm run simulate -- --mutants` tries them all. */
const FAST = [
  'strict cursor',
  'own clock',
  'no look-back',
  'cursor before the page',
  'a dead process is forgotten',
  'unknown is written',
  'match by index',
  '207 is success',
  'half of a refused batch',
  'refusals swallowed',
  'letters stay open',
  'duplicate keys in a batch',
  'no quarantine',
];
